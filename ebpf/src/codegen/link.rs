//! The functions of a program, [`Emitted`] one by one → one run of words, calls between them resolved.

use probebook_lang::ir;
use probebook_lang::source::Span;

use super::emit::Emitted;
use crate::object::{FunctionSpec, Relocation};

/// What Linux rounds the stack of each function up to, once there are several.
pub(super) const FRAME: u32 = 32;

/// A program, all but where its scratch memory lies.
#[derive(Debug, Default)]
pub(super) struct Linked {
    pub code: Vec<u64>,
    pub spans: Vec<Span>,
    pub relocations: Vec<Relocation>,
    /// Words whose immediate is to be the scratch bytes of one CPU.
    pub strides: Vec<usize>,
    pub functions: Vec<FunctionSpec>,
    /// Bytes of scratch memory.
    pub scratch: u32,
}

/// The largest sum of `weight` along calls from a function on.
pub(super) fn deepest(calls: &[Vec<u32>], from: usize, weight: &impl Fn(usize) -> u32) -> u32 {
    let below = calls[from].iter().map(|&callee| deepest(calls, callee as usize, weight));
    weight(from) + below.max().unwrap_or(0)
}

/// Joins functions, that of the events first.
pub(super) fn link(parts: Vec<Emitted>, program: &ir::Program, scratch: u32) -> Linked {
    let mut linked = Linked { scratch, ..Linked::default() };
    let mut starts = Vec::with_capacity(parts.len());
    let mut calls = Vec::new();
    for part in parts {
        let start = linked.code.len();
        starts.push(start);
        linked.code.extend(part.code);
        linked.spans.extend(part.spans);
        linked.strides.extend(part.strides.iter().map(|at| start + at));
        calls.extend(part.calls.iter().map(|&(at, function)| (start + at, function)));
        linked.relocations.extend(
            part.relocations
                .into_iter()
                .map(|relocation| Relocation { index: relocation.index + start as u32, ..relocation }),
        );
    }
    for (at, function) in calls {
        let distance = starts[function as usize] as i64 - (at as i64 + 1);
        linked.code[at] |= u64::from(distance as u32) << 32;
    }
    if starts.len() > 1 {
        let names = std::iter::once(&program.name).chain(program.subprograms.iter().map(|sub| &sub.name));
        let spec = |(name, start): (&String, usize)| FunctionSpec { name: name.clone(), start: start as u32 };
        linked.functions = names.zip(starts).map(spec).collect();
    }
    linked
}
