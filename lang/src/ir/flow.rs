//! [`Function`] → [`Flow`]: predecessors, reverse postorder and dominators of its reachable blocks.
//!
//! Dominators by Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".

use super::{BlockId, Function};

/// How control flows through a function, at one moment: a pass that changes edges makes a new one.
#[derive(Debug)]
pub struct Flow {
    /// Reachable blocks in reverse postorder, the entry first.
    pub order: Vec<BlockId>,
    /// For every block the reachable blocks that lead to it, once per edge.
    pub predecessors: Vec<Vec<BlockId>>,
    /// For every block its immediate dominator; none for the entry and for unreachable blocks.
    pub dominator: Vec<Option<BlockId>>,
    /// For every reachable block when a walk of the dominator tree enters and leaves it.
    interval: Vec<Option<(u32, u32)>>,
}

impl Flow {
    /// Computes it; an empty function has an empty flow.
    pub fn new(function: &Function) -> Self {
        let count = function.blocks.len();
        let order = reverse_postorder(function);
        let mut predecessors = vec![Vec::new(); count];
        for &from in &order {
            for target in function.blocks[from.0 as usize].terminator.targets() {
                predecessors[target.block.0 as usize].push(from);
            }
        }
        let dominator = dominators(&order, &predecessors);
        let interval = intervals(&order, &dominator);
        Self { order, predecessors, dominator, interval }
    }

    /// Whether the entry leads to the block.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.interval[block.0 as usize].is_some()
    }

    /// Whether every way to `b` leads through `a`; a block dominates itself.
    pub fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        match (self.interval[a.0 as usize], self.interval[b.0 as usize]) {
            (Some((a_in, a_out)), Some((b_in, b_out))) => a_in <= b_in && b_out <= a_out,
            _ => false,
        }
    }

    /// The blocks that `block` dominates immediately, in reverse postorder.
    pub fn dominated(&self, block: BlockId) -> impl Iterator<Item = BlockId> + '_ {
        self.order.iter().copied().filter(move |b| self.dominator[b.0 as usize] == Some(block))
    }
}

fn reverse_postorder(function: &Function) -> Vec<BlockId> {
    let mut order = Vec::new();
    let mut seen = vec![false; function.blocks.len()];
    let mut stack = Vec::new();
    if !seen.is_empty() {
        seen[0] = true;
        stack.push((BlockId(0), 0));
    }
    while let Some((block, next)) = stack.last_mut() {
        let targets = function.blocks[block.0 as usize].terminator.targets();
        // The last target first, so that the first one follows its branch in the order.
        match targets.len().checked_sub(*next + 1) {
            Some(index) => {
                *next += 1;
                let target = targets[index].block;
                if !std::mem::replace(&mut seen[target.0 as usize], true) {
                    stack.push((target, 0));
                }
            }
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

fn dominators(order: &[BlockId], predecessors: &[Vec<BlockId>]) -> Vec<Option<BlockId>> {
    let mut position = vec![usize::MAX; predecessors.len()];
    for (index, block) in order.iter().enumerate() {
        position[block.0 as usize] = index;
    }
    // Positions in `order`; the entry is its own dominator while this runs.
    let mut idom: Vec<Option<usize>> = vec![None; order.len()];
    if let Some(first) = idom.first_mut() {
        *first = Some(0);
    }
    let mut changed = true;
    while changed {
        changed = false;
        for (index, block) in order.iter().enumerate().skip(1) {
            let mut new: Option<usize> = None;
            for predecessor in &predecessors[block.0 as usize] {
                let other = position[predecessor.0 as usize];
                if idom[other].is_some() {
                    new = Some(new.map_or(other, |one| meet(&idom, one, other)));
                }
            }
            if new.is_some() && idom[index] != new {
                idom[index] = new;
                changed = true;
            }
        }
    }
    let mut result = vec![None; predecessors.len()];
    for (index, block) in order.iter().enumerate().skip(1) {
        result[block.0 as usize] = idom[index].map(|i| order[i]);
    }
    result
}

fn meet(idom: &[Option<usize>], mut a: usize, mut b: usize) -> usize {
    while a != b {
        let later = if a > b { &mut a } else { &mut b };
        match idom[*later] {
            Some(up) => *later = up,
            None => return 0,
        }
    }
    a
}

fn intervals(order: &[BlockId], dominator: &[Option<BlockId>]) -> Vec<Option<(u32, u32)>> {
    let mut children = vec![Vec::new(); dominator.len()];
    for block in order {
        if let Some(parent) = dominator[block.0 as usize] {
            children[parent.0 as usize].push(*block);
        }
    }
    let mut interval = vec![None; dominator.len()];
    let mut clock = 0;
    let mut stack: Vec<(BlockId, usize, u32)> =
        order.first().map(|&entry| (entry, 0, 0)).into_iter().collect();
    while let Some((block, next, entered)) = stack.last_mut() {
        if let Some(&child) = children[block.0 as usize].get(*next) {
            *next += 1;
            clock += 1;
            stack.push((child, 0, clock));
        } else {
            interval[block.0 as usize] = Some((*entered, clock));
            stack.pop();
        }
    }
    interval
}
