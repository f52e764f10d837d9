//! Common subexpressions: a pure operation whose result is known on every way to here is not repeated.
//!
//! Walks the dominator tree with a scoped table. Facts about the current task do not change while a program
//! runs, so `pid` twice is one call; clocks and random numbers are no facts.

use std::collections::HashMap;

use super::Replacements;
use crate::ir::flow::Flow;
use crate::ir::{Ambient, BlockId, Function, Op, Value};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let flow = Flow::new(function);
    let mut replacements = Replacements::new(function);
    let mut known: HashMap<Op, Vec<(BlockId, Value)>> = HashMap::new();
    let mut changed = false;
    // Reverse postorder visits dominators first; an entry counts where its block dominates.
    for &id in &flow.order {
        let block = &mut function.blocks[id.0 as usize];
        block.insts.retain_mut(|inst| {
            inst.op.operands_mut(|value| *value = replacements.get(*value));
            let Some(result) = inst.result.filter(|_| is_pure(&inst.op)) else { return true };
            let entries = known.entry(inst.op.clone()).or_default();
            match entries.iter().find(|(home, _)| flow.dominates(*home, id)) {
                Some(&(_, earlier)) => {
                    replacements.insert(result, earlier);
                    changed = true;
                    false
                }
                None => {
                    entries.push((id, result));
                    true
                }
            }
        });
    }
    if changed {
        replacements.apply(function);
    }
    changed
}

/// Whether the same operands give the same result everywhere in a run of the program.
fn is_pure(op: &Op) -> bool {
    match op {
        Op::Const(_)
        | Op::Arith(..)
        | Op::Compare(..)
        | Op::Extend { .. }
        | Op::Swap { .. }
        | Op::SlotAddress(..)
        | Op::SharedAddress(_)
        | Op::Parameter(..)
        | Op::Context { .. }
        | Op::ContextAddress(_)
        | Op::Argument(_)
        | Op::Register(_)
        | Op::ReturnValue => true,
        Op::Ambient(ambient) => match ambient {
            Ambient::Pid
            | Ambient::Tid
            | Ambient::InitialPid
            | Ambient::InitialTid
            | Ambient::Uid
            | Ambient::Gid
            | Ambient::Cpu
            | Ambient::Cgroup
            | Ambient::Task
            | Ambient::FunctionAddress
            | Ambient::Node
            | Ambient::UserMode => true,
            Ambient::Time(_) | Ambient::Elapsed | Ambient::Random | Ambient::Jiffies => false,
        },
        _ => false,
    }
}
