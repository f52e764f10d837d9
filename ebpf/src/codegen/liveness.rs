//! [`VCode`] → [`Live`]: for every register the ranges of the layout in which its value is still needed.
//!
//! Instructions are numbered in layout order; number n reads at point 2n and writes at 2n + 1. So a value
//! that dies where another is born does not meet it, and the two can share a register.

use super::vcode::{Label, Operand, Reg, VCode, VEnd, VInst};

/// Half-open ranges of points, sorted, not touching.
pub(super) type Ranges = Vec<(u32, u32)>;

/// Live ranges of a program in a layout.
#[derive(Debug)]
pub(super) struct Live {
    /// Indexed by register, physical ones included.
    pub ranges: Vec<Ranges>,
    /// One past the last point.
    pub points: u32,
}

/// A set of registers.
#[derive(Clone, PartialEq)]
struct Set(Vec<u64>);

impl Set {
    fn new(registers: u32) -> Self {
        Self(vec![0; registers.div_ceil(64) as usize])
    }
    fn insert(&mut self, reg: Reg) {
        self.0[reg.0 as usize / 64] |= 1 << (reg.0 % 64);
    }
    fn remove(&mut self, reg: Reg) {
        self.0[reg.0 as usize / 64] &= !(1 << (reg.0 % 64));
    }
    fn contains(&self, reg: Reg) -> bool {
        self.0[reg.0 as usize / 64] & 1 << (reg.0 % 64) != 0
    }
    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }
    fn iter(&self) -> impl Iterator<Item = Reg> + '_ {
        self.0.iter().enumerate().flat_map(|(index, &word)| {
            (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| Reg(index as u32 * 64 + bit))
        })
    }
}

/// What a call destroys.
const CLOBBERED: std::ops::RangeInclusive<u32> = 0..=5;

fn step_end(live: &mut Set, end: &VEnd) {
    match *end {
        VEnd::Branch { a, b, .. } => {
            live.insert(a);
            if let Operand::Reg(b) = b {
                live.insert(b);
            }
        }
        VEnd::Exit => live.insert(Reg::R0),
        VEnd::Jump(_) | VEnd::Open => {}
    }
}

fn step(live: &mut Set, inst: &VInst) {
    if let Some(def) = inst.def() {
        live.remove(def);
    }
    if matches!(inst, VInst::Call(..)) {
        CLOBBERED.for_each(|n| live.remove(Reg(n)));
    }
    inst.uses(|reg| {
        if reg != Reg::R10 {
            live.insert(reg);
        }
    });
}

/// What is live at the end of each block.
fn live_out(code: &VCode, layout: &[Label]) -> Vec<Set> {
    let mut live_in = vec![Set::new(code.registers); code.blocks.len()];
    let mut live_out = live_in.clone();
    let mut changed = true;
    while changed {
        changed = false;
        for &label in layout.iter().rev() {
            let block = &code.blocks[label.0 as usize];
            let mut live = Set::new(code.registers);
            block.end.targets().for_each(|target| live.add(&live_in[target.0 as usize]));
            live_out[label.0 as usize].clone_from(&live);
            step_end(&mut live, &block.end);
            block.insts.iter().rev().for_each(|(inst, _)| step(&mut live, inst));
            if live_in[label.0 as usize] != live {
                live_in[label.0 as usize] = live;
                changed = true;
            }
        }
    }
    live_out
}

/// Removes instructions whose only effect is a value that nobody reads.
pub(super) fn remove_dead(code: &mut VCode, layout: &[Label]) {
    loop {
        let live_out = live_out(code, layout);
        let mut removed = false;
        for &label in layout {
            let block = &mut code.blocks[label.0 as usize];
            let mut live = live_out[label.0 as usize].clone();
            step_end(&mut live, &block.end);
            let mut keep = vec![true; block.insts.len()];
            for (index, (inst, _)) in block.insts.iter().enumerate().rev() {
                if inst.def().is_some_and(|def| !live.contains(def)) {
                    keep[index] = false;
                    removed = true;
                } else {
                    step(&mut live, inst);
                }
            }
            let mut keep = keep.into_iter();
            block.insts.retain(|_| keep.next().unwrap_or(true));
        }
        if !removed {
            return;
        }
    }
}

/// Computes the live ranges.
pub(super) fn analyse(code: &VCode, layout: &[Label]) -> Live {
    let live_out = live_out(code, layout);
    let mut ranges: Vec<Ranges> = vec![Vec::new(); code.registers as usize];
    // From the last point to the first: ranges are found in reverse and turned at the end.
    let total: u32 = layout.iter().map(|label| code.blocks[label.0 as usize].insts.len() as u32 + 1).sum();
    let mut number = total;
    let mut until: Vec<Option<u32>> = vec![None; code.registers as usize];
    for &label in layout.iter().rev() {
        let block = &code.blocks[label.0 as usize];
        let end = number * 2;
        live_out[label.0 as usize].iter().for_each(|reg| until[reg.0 as usize] = Some(end));
        number -= 1;
        let read = |until: &mut Vec<Option<u32>>, reg: Reg, number: u32| {
            if reg != Reg::R10 {
                until[reg.0 as usize].get_or_insert(number * 2 + 1);
            }
        };
        match block.end {
            VEnd::Branch { a, b, .. } => {
                read(&mut until, a, number);
                if let Operand::Reg(b) = b {
                    read(&mut until, b, number);
                }
            }
            VEnd::Exit => read(&mut until, Reg::R0, number),
            VEnd::Jump(_) | VEnd::Open => {}
        }
        for (inst, _) in block.insts.iter().rev() {
            number -= 1;
            let mut write = |reg: Reg| {
                let start = number * 2 + 1;
                let end = until[reg.0 as usize].take().unwrap_or(start + 1);
                push(&mut ranges[reg.0 as usize], start, end);
            };
            if let Some(def) = inst.def() {
                write(def);
            }
            if matches!(inst, VInst::Call(..)) {
                CLOBBERED.for_each(|n| write(Reg(n)));
            }
            inst.uses(|reg| read(&mut until, reg, number));
        }
        for (reg, until) in until.iter_mut().enumerate() {
            if let Some(end) = until.take() {
                push(&mut ranges[reg], number * 2, end);
            }
        }
    }
    ranges.iter_mut().for_each(|ranges| ranges.reverse());
    Live { ranges, points: total * 2 }
}

/// Adds a range before all others, joined with the next if they touch.
fn push(ranges: &mut Ranges, start: u32, end: u32) {
    match ranges.last_mut() {
        Some(next) if next.0 <= end => next.0 = start,
        _ => ranges.push((start, end)),
    }
}
