//! Scratch memory of programs → their regions in that of the session: [`Regions`].
//!
//! Programs that cannot run at the same time on one CPU share a region: Linux lets no kprobe, tracepoint or perf
//! event program interrupt another of these (`bpf_prog_active`), and we run begin and end ourselves. Any other
//! program can interrupt and be interrupted, though not by itself.

use probebook_lang::ir;
use probebook_lang::probes::AttachPoint;

use crate::object::{MapRef, ProgramSpec};

/// Regions begin at a cache line of their own.
const LINE: u32 = 64;

/// Who shares a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Programs that Linux keeps apart.
    Guarded,
    /// Programs that we run.
    Special,
    /// Only the program of this number.
    Own(usize),
}

/// What is known of the programs so far, in order.
#[derive(Debug, Default)]
pub(super) struct Regions {
    programs: Vec<(Class, u32, Vec<usize>)>,
}

impl Regions {
    /// Adds a program that needs `scratch` bytes; `strides` are the words that want to know the whole.
    pub fn add(&mut self, program: &ir::Program, scratch: u32, strides: Vec<usize>) {
        let class = match program.points.first() {
            Some(AttachPoint::Begin | AttachPoint::End) => Class::Special,
            Some(
                AttachPoint::Tracepoint { .. }
                | AttachPoint::Interval(_)
                | AttachPoint::Profile(_)
                | AttachPoint::Software { .. },
            ) => Class::Guarded,
            _ => Class::Own(self.programs.len()),
        };
        self.programs.push((class, scratch, strides));
    }

    /// Gives every program its region and writes it into its code; the bytes that one CPU needs for all.
    pub fn assign(self, programs: &mut [ProgramSpec]) -> u32 {
        let mut regions: Vec<(Class, u32)> = Vec::new();
        for &(class, size, _) in &self.programs {
            match regions.iter_mut().find(|(other, _)| *other == class) {
                Some((_, largest)) => *largest = size.max(*largest),
                None => regions.push((class, size)),
            }
        }
        let start = |class: Class| {
            let before = regions.iter().take_while(|(other, _)| *other != class);
            before.map(|(_, size)| size.next_multiple_of(LINE)).sum::<u32>()
        };
        let total = regions.iter().map(|(_, size)| size.next_multiple_of(LINE)).sum::<u32>();
        for ((class, _, strides), spec) in self.programs.iter().zip(programs) {
            for &at in strides {
                spec.code[at] |= u64::from(total) << 32;
            }
            for relocation in &mut spec.relocations {
                if relocation.map == MapRef::Scratch {
                    relocation.value_offset = Some(start(*class));
                }
            }
        }
        total
    }
}
