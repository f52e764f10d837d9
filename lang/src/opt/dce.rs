//! Dead code: results nobody reads, local memory nobody reads, parameters nobody reads.

use super::cfg;
use crate::ir::{Function, Inst, Op, SlotId, Terminator, Value};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let mut changed = remove_dead_params(function);
    changed |= remove_unread_slots(function);
    changed | remove_unused(function)
}

/// Whether an operation may be left out when its result is not used.
fn is_removable(op: &Op) -> bool {
    match op {
        Op::Const(_)
        | Op::Arith(..)
        | Op::Compare(..)
        | Op::Extend { .. }
        | Op::Swap { .. }
        | Op::SlotAddress(..)
        | Op::SharedAddress(_)
        | Op::Parameter(..)
        | Op::Load { .. }
        | Op::StringEq { .. }
        | Op::BytesEq { .. }
        | Op::BytesAre { .. }
        | Op::Context { .. }
        | Op::ContextAddress(_)
        | Op::LocalAddress(_)
        | Op::Argument(_)
        | Op::Register(_)
        | Op::ReturnValue
        | Op::Ambient(_)
        | Op::MapGet { .. }
        | Op::MapHas { .. }
        | Op::MapLen(_)
        | Op::AggregateGet { .. } => true,
        Op::Text(op) => op.result().is_some(),
        Op::System(op) => op.is_removable(),
        Op::Store { .. }
        | Op::Zero { .. }
        | Op::Write { .. }
        | Op::Copy { .. }
        | Op::Read { .. }
        | Op::ReadString { .. }
        | Op::ReadBytes { .. }
        | Op::CopyBytes { .. }
        | Op::Comm { .. }
        | Op::MapRead { .. }
        | Op::MapSet { .. }
        | Op::MapWrite { .. }
        | Op::MapDelete { .. }
        | Op::Aggregate { .. }
        | Op::StatsRead { .. }
        | Op::VisitedKey { .. }
        | Op::VisitedValue { .. }
        | Op::Call { .. }
        | Op::ForEach { .. }
        | Op::Emit { .. }
        | Op::Warn(_)
        | Op::Trace { .. }
        | Op::LoopOpen { .. }
        | Op::LoopClose { .. } => false,
    }
}

/// Marks what effects and terminators need, and removes the rest.
fn remove_unused(function: &mut Function) -> bool {
    let mut used = vec![false; function.values.len()];
    let mut work: Vec<Value> = Vec::new();
    let mut definition: Vec<Option<&Inst>> = vec![None; function.values.len()];
    for block in &function.blocks {
        for inst in &block.insts {
            if let Some(result) = inst.result {
                definition[result.0 as usize] = Some(inst);
            }
            if !is_removable(&inst.op) {
                work.extend(inst.op.operands());
            }
        }
        block.terminator.clone().operands_mut(|value| work.push(*value));
    }
    while let Some(value) = work.pop() {
        if !std::mem::replace(&mut used[value.0 as usize], true)
            && let Some(inst) = definition[value.0 as usize]
        {
            work.extend(inst.op.operands());
        }
    }
    let mut changed = false;
    for block in &mut function.blocks {
        let before = block.insts.len();
        block.insts.retain(|inst| {
            !is_removable(&inst.op) || inst.result.is_none_or(|result| used[result.0 as usize])
        });
        changed |= block.insts.len() != before;
    }
    changed
}

/// Removes parameters that only feed themselves or nothing.
fn remove_dead_params(function: &mut Function) -> bool {
    // A value is live if an instruction or a branch reads it, or a live parameter gets it.
    let mut live = vec![false; function.values.len()];
    let mut work: Vec<Value> = Vec::new();
    for block in &function.blocks {
        work.extend(block.insts.iter().flat_map(|inst| inst.op.operands()));
        match &block.terminator {
            Terminator::Branch { condition: value, .. } | Terminator::Return(value) => work.push(*value),
            Terminator::Jump(_) | Terminator::Next { .. } | Terminator::Missing => {}
        }
    }
    let mut feeds: Vec<Vec<Value>> = vec![Vec::new(); function.values.len()];
    for block in &function.blocks {
        for (edge, target) in block.terminator.targets().into_iter().enumerate() {
            let params = &function.blocks[target.block.0 as usize].params;
            let implicit = block.terminator.implicit_arguments(edge);
            for (param, argument) in params.iter().skip(implicit).zip(&target.arguments) {
                feeds[param.0 as usize].push(*argument);
            }
            // What the terminator supplies itself must stay.
            work.extend(params.iter().take(implicit));
        }
    }
    while let Some(value) = work.pop() {
        if !std::mem::replace(&mut live[value.0 as usize], true) {
            work.append(&mut feeds[value.0 as usize]);
        }
    }
    let mut changed = false;
    for index in 0..function.blocks.len() {
        for at in (0..function.blocks[index].params.len()).rev() {
            if !live[function.blocks[index].params[at].0 as usize] {
                cfg::remove_param(function, index, at);
                changed = true;
            }
        }
    }
    changed
}

/// Removes what only fills slots that nothing reads.
fn remove_unread_slots(function: &mut Function) -> bool {
    let mut slot_of: Vec<Option<SlotId>> = vec![None; function.values.len()];
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let (Some(result), Op::SlotAddress(slot, _)) = (inst.result, &inst.op) {
            slot_of[result.0 as usize] = Some(*slot);
        }
    }
    let mut read = vec![false; function.slots.len()];
    let mut mark = |value: Value| {
        if let Some(slot) = slot_of[value.0 as usize] {
            read[slot.0 as usize] = true;
        }
    };
    for block in &function.blocks {
        for inst in &block.insts {
            let written = written(inst);
            let mut skipped = false;
            for operand in inst.op.operands() {
                // The address written to, once: `copy [v1], [v1]` reads it as well.
                if Some(operand) == written && !std::mem::replace(&mut skipped, true) {
                    continue;
                }
                mark(operand);
            }
        }
        block.terminator.clone().operands_mut(|value| mark(*value));
    }
    let mut changed = false;
    for block in &mut function.blocks {
        let before = block.insts.len();
        block.insts.retain(|inst| {
            written(inst).and_then(|value| slot_of[value.0 as usize]).is_none_or(|slot| read[slot.0 as usize])
        });
        changed |= block.insts.len() != before;
    }
    changed
}

/// The local memory an operation fills, if that is all it does.
fn written(inst: &Inst) -> Option<Value> {
    match inst.op {
        Op::Store { memory, .. } | Op::Zero { memory, .. } | Op::Write { memory, .. } => Some(memory),
        Op::Copy { to, .. }
        | Op::Read { to, .. }
        | Op::Comm { to }
        | Op::MapRead { to, .. }
        | Op::StatsRead { to, .. }
        | Op::VisitedKey { to, .. }
        | Op::VisitedValue { to, .. } => Some(to),
        Op::Text(ref op) => op.written(),
        _ => None,
    }
}
