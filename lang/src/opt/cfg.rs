//! Control flow clean-up: constant branches, jumps to jumps, blocks in a row, unreachable blocks, parameters
//! that are always the same value.

use super::{Replacements, definitions};
use crate::ir::flow::Flow;
use crate::ir::{Block, BlockId, Function, Op, Target, Terminator};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let mut changed = false;
    changed |= decide_branches(function);
    changed |= thread_jumps(function);
    changed |= remove_unreachable(function);
    changed |= remove_same_params(function);
    changed |= join_blocks(function);
    changed | remove_unreachable(function)
}

/// Branches whose condition is known, or whose ways are the same.
fn decide_branches(function: &mut Function) -> bool {
    let definitions = definitions(function);
    let mut changed = false;
    for block in &mut function.blocks {
        if let Terminator::Branch { condition, then, otherwise, .. } = &block.terminator {
            let known = match definitions[condition.0 as usize] {
                Some(Op::Const(value)) => Some(if value != 0 { then } else { otherwise }),
                _ => (then == otherwise).then_some(then),
            };
            if let Some(target) = known {
                block.terminator = Terminator::Jump(target.clone());
                changed = true;
            }
        }
    }
    changed
}

/// Where an empty block without parameters only jumps on to.
fn forward(function: &Function, target: &Target) -> Option<Target> {
    let block = &function.blocks[target.block.0 as usize];
    match &block.terminator {
        Terminator::Jump(next)
            if block.insts.is_empty() && block.params.is_empty() && next.block != target.block =>
        {
            Some(next.clone())
        }
        _ => None,
    }
}

fn thread_jumps(function: &mut Function) -> bool {
    let mut changed = false;
    for index in 0..function.blocks.len() {
        let mut terminator = function.blocks[index].terminator.clone();
        let mut threaded = false;
        for (edge, target) in terminator.clone().targets().into_iter().enumerate() {
            if terminator.implicit_arguments(edge) == 0
                && let Some(next) = forward(function, target)
            {
                *terminator.targets_mut()[edge] = next;
                threaded = true;
            }
        }
        if threaded {
            function.blocks[index].terminator = terminator;
            changed = true;
        }
    }
    changed
}

/// Removes blocks that the entry does not lead to, and orders the rest in reverse postorder.
fn remove_unreachable(function: &mut Function) -> bool {
    let flow = Flow::new(function);
    if flow.order.iter().enumerate().all(|(index, block)| block.0 as usize == index)
        && flow.order.len() == function.blocks.len()
    {
        return false;
    }
    let mut new = vec![BlockId(0); function.blocks.len()];
    for (index, block) in flow.order.iter().enumerate() {
        new[block.0 as usize] = BlockId(index as u32);
    }
    let mut old: Vec<Option<Block>> = function.blocks.drain(..).map(Some).collect();
    function.blocks = flow.order.iter().filter_map(|block| old[block.0 as usize].take()).collect();
    for block in &mut function.blocks {
        for target in block.terminator.targets_mut() {
            target.block = new[target.block.0 as usize];
        }
    }
    true
}

/// Parameters for which every edge brings the same value (or the parameter itself).
fn remove_same_params(function: &mut Function) -> bool {
    let mut changed = false;
    let mut replacements = Replacements::new(function);
    for index in 0..function.blocks.len() {
        let mut at = 0;
        while at < function.blocks[index].params.len() {
            let param = function.blocks[index].params[at];
            let mut only = None;
            let mut same = true;
            for (terminator, edge, target) in edges(function, index) {
                match at.checked_sub(terminator.implicit_arguments(edge)) {
                    Some(argument) => {
                        let value = replacements.get(target.arguments[argument]);
                        same &= value == param || *only.get_or_insert(value) == value;
                    }
                    None => same = false,
                }
            }
            match only.filter(|_| same) {
                Some(value) => {
                    remove_param(function, index, at);
                    replacements.insert(param, value);
                    changed = true;
                }
                None => at += 1,
            }
        }
    }
    if changed {
        replacements.apply(function);
    }
    changed
}

fn edges(function: &Function, to: usize) -> impl Iterator<Item = (&Terminator, usize, &Target)> {
    function.blocks.iter().flat_map(move |block| {
        let targets = block.terminator.targets().into_iter().enumerate();
        targets
            .filter(move |(_, target)| target.block.0 as usize == to)
            .map(|(edge, target)| (&block.terminator, edge, target))
    })
}

/// Removes a parameter that no edge supplies implicitly, with its arguments.
pub(super) fn remove_param(function: &mut Function, index: usize, at: usize) {
    function.blocks[index].params.remove(at);
    for block in &mut function.blocks {
        for edge in 0..block.terminator.targets().len() {
            let implicit = block.terminator.implicit_arguments(edge);
            let target = &mut *block.terminator.targets_mut()[edge];
            if target.block.0 as usize == index {
                target.arguments.remove(at - implicit);
            }
        }
    }
}

/// Appends a block to its only predecessor, if that only leads there.
fn join_blocks(function: &mut Function) -> bool {
    let mut changed = false;
    let mut replacements = Replacements::new(function);
    let mut incoming = vec![0_u32; function.blocks.len()];
    for target in function.blocks.iter().flat_map(|block| block.terminator.targets()) {
        incoming[target.block.0 as usize] += 1;
    }
    for index in 0..function.blocks.len() {
        while let Terminator::Jump(target) = &function.blocks[index].terminator {
            let next = target.block.0 as usize;
            if incoming[next] != 1 || next == index {
                break;
            }
            let arguments = target.arguments.clone();
            let taken = std::mem::replace(&mut function.blocks[next].terminator, Terminator::Missing);
            let insts = std::mem::take(&mut function.blocks[next].insts);
            for (param, argument) in
                std::mem::take(&mut function.blocks[next].params).into_iter().zip(arguments)
            {
                replacements.insert(param, argument);
            }
            incoming[next] = 0;
            function.blocks[index].insts.extend(insts);
            function.blocks[index].terminator = taken;
            changed = true;
        }
    }
    if changed {
        replacements.apply(function);
    }
    changed
}
