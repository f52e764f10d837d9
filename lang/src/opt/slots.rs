//! Slots that are filled with the same → one slot: a key that is written twice is built once.
//!
//! Two slots are the same where each is filled once, with the same values, texts and facts, the one always before
//! the other, and the other is read only after that. Whoever reads the later slot then finds the same bytes in the
//! earlier one: between the two fillings no value can have changed, for its definition would come between as well.
//!
//! *Not here:* what a slot holds at a point (`memory`), slots nobody reads (`dce`).

use super::definitions;
use crate::ir::flow::Flow;
use crate::ir::{BlockId, Function, Op, SlotId, Terminator, Value};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let slots = survey(function);
    let flow = Flow::new(function);
    let mut same: Vec<Option<SlotId>> = vec![None; slots.len()];
    for (index, later) in slots.iter().enumerate() {
        let earlier = slots.iter().position(|earlier| can_stand_for(earlier, later, &flow));
        // What stands for another stays itself.
        same[index] =
            earlier.filter(|&earlier| same[earlier].is_none()).map(|earlier| SlotId(earlier as u32));
    }
    // Of a chain only the first link is used in this round.
    let kept: Vec<SlotId> = same.iter().flatten().copied().collect();
    kept.iter().for_each(|slot| same[slot.0 as usize] = None);
    if same.iter().all(Option::is_none) {
        return false;
    }
    exchange(function, &same);
    true
}

/// Where an instruction stands.
type Position = (BlockId, usize);

/// Part of what fills a slot.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    /// The low bytes of a value.
    Word(Value),
    Bytes(Vec<u8>),
    /// The name of the current task.
    Comm,
}

/// A slot as far as it can be compared.
#[derive(Default)]
struct Filling {
    size: u32,
    align: u32,
    /// Start, length and content of its parts, in order.
    parts: Vec<(u32, u32, Content)>,
    writes: Vec<Position>,
    reads: Vec<Position>,
    /// Something else happens to it.
    is_opaque: bool,
}

/// All slots of a function.
fn survey(function: &Function) -> Vec<Filling> {
    let definitions = definitions(function);
    let place = |value: Value| match definitions[value.0 as usize] {
        Some(Op::SlotAddress(slot, offset)) => Some((slot.0 as usize, offset)),
        _ => None,
    };
    let new = |slot: &crate::ir::Slot| Filling { size: slot.size, align: slot.align, ..Filling::default() };
    let mut slots: Vec<Filling> = function.slots.iter().map(new).collect();
    for (block, id) in function.blocks.iter().zip(0..) {
        for (at, inst) in block.insts.iter().enumerate() {
            let position = (BlockId(id), at);
            let base = filled(&inst.op).map(|(base, ..)| base);
            if let Some((base, offset, size, content)) = filled(&inst.op)
                && let Some((slot, start)) = place(base)
            {
                slots[slot].parts.push((start + offset, size, content));
                slots[slot].writes.push(position);
            }
            let written = written_otherwise(&inst.op);
            for operand in inst.op.operands() {
                let Some((slot, _)) = place(operand) else { continue };
                if Some(operand) == written {
                    slots[slot].is_opaque = true;
                } else if Some(operand) != base {
                    slots[slot].reads.push(position);
                }
            }
            if let Op::LoopOpen { state, .. } | Op::LoopClose { state } = inst.op {
                slots[state.0 as usize].is_opaque = true;
            }
        }
        let mut escape = |value: Value| {
            if let Some((slot, _)) = place(value) {
                slots[slot].is_opaque = true;
            }
        };
        block.terminator.clone().operands_mut(|value| escape(*value));
        if let Terminator::Next { state, .. } = &block.terminator {
            slots[state.0 as usize].is_opaque = true;
        }
    }
    for slot in &mut slots {
        slot.parts.sort();
        slot.is_opaque |=
            slot.parts.is_empty() || slot.parts.windows(2).any(|two| two[0].0 + two[0].1 > two[1].0);
    }
    slots
}

/// The base, offset, length and content that an operation fills, where it does the same every time.
fn filled(op: &Op) -> Option<(Value, u32, u32, Content)> {
    Some(match *op {
        Op::Store { memory, offset, width, value } => {
            (memory, offset, u32::from(width), Content::Word(value))
        }
        Op::Zero { memory, offset, size } => (memory, offset, size, Content::Bytes(vec![0; size as usize])),
        Op::Write { memory, offset, ref data } => {
            (memory, offset, data.len() as u32, Content::Bytes(data.clone()))
        }
        Op::Comm { to } => (to, 0, 16, Content::Comm),
        _ => return None,
    })
}

/// The base that any other operation writes to.
fn written_otherwise(op: &Op) -> Option<Value> {
    match *op {
        Op::Copy { to, .. }
        | Op::Read { to, .. }
        | Op::ReadString { to, .. }
        | Op::ReadBytes { to, .. }
        | Op::CopyBytes { to, .. }
        | Op::MapRead { to, .. }
        | Op::StatsRead { to, .. }
        | Op::VisitedKey { to, .. }
        | Op::VisitedValue { to, .. } => Some(to),
        Op::Text(ref op) => op.written(),
        Op::System(ref op) => op.written(),
        _ => None,
    }
}

fn can_stand_for(earlier: &Filling, later: &Filling, flow: &Flow) -> bool {
    let before = |a: &Position, b: &Position| {
        if a.0 == b.0 { flow.is_reachable(a.0) && a.1 < b.1 } else { flow.dominates(a.0, b.0) }
    };
    let all_before =
        |first: &[Position], then: &[Position]| first.iter().all(|a| then.iter().all(|b| before(a, b)));
    !earlier.is_opaque
        && !later.is_opaque
        && earlier.size == later.size
        && earlier.align >= later.align
        && earlier.parts == later.parts
        && all_before(&earlier.writes, &later.writes)
        && all_before(&later.writes, &later.reads)
}

/// Leaves out what fills the slots that are the same as another, and reads that one instead.
fn exchange(function: &mut Function, same: &[Option<SlotId>]) {
    let definitions = definitions(function);
    let goes = |value: Value| match definitions[value.0 as usize] {
        Some(Op::SlotAddress(slot, _)) => same[slot.0 as usize].is_some(),
        _ => false,
    };
    for block in &mut function.blocks {
        block.insts.retain(|inst| !filled(&inst.op).is_some_and(|(base, ..)| goes(base)));
        for inst in &mut block.insts {
            if let Op::SlotAddress(slot, _) = &mut inst.op
                && let Some(earlier) = same[slot.0 as usize]
            {
                *slot = earlier;
            }
        }
    }
}
