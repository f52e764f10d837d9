//! Virtual registers → r0 to r9, spilling the rest to the stack.
//!
//! Whole live ranges, holes included, are placed one after the other, the most used first, into the first
//! physical register whose own ranges leave room; moves between registers are joined before where the two
//! ranges do not meet, and otherwise steer the choice. A linear scan would be as short but has to give up
//! the holes or split ranges at calls; graph colouring finds the same for code like ours, in which every few
//! instructions a call destroys r0 to r5 and what matters is that arguments are computed in place.
//!
//! *Invariant:* afterwards no virtual register is left, and two values that are live at the same point lie
//! in different registers.

use std::collections::HashSet;

use super::liveness::{self, Ranges};
use super::spill::{self, Home};
use super::vcode::{Label, Operand, Reg, VCode, VEnd, VInst};

/// Registers in the order they are tried: first what calls destroy, away from the arguments' registers.
const ORDER: [u32; 10] = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9];

/// Allocates; gives `false` if it needs more rounds than any sane program does.
pub(super) fn allocate(code: &mut VCode) -> bool {
    let mut unspillable = HashSet::new();
    for _ in 0..16 {
        let layout = code.layout();
        liveness::remove_dead(code, &layout);
        let mut allocation = Allocation::new(code, &layout);
        allocation.join_moves(&unspillable);
        let failed = allocation.place(&unspillable);
        if failed.is_empty() {
            let places = allocation.places();
            rewrite(code, &places);
            return true;
        }
        let homes = allocation.homes(code, &failed);
        spill::spill(code, &homes, &mut unspillable);
    }
    false
}

/// A move between registers, with how often it runs.
struct Move {
    dst: Reg,
    src: Reg,
    weight: f32,
}

struct Allocation {
    /// Union-find over registers.
    class: Vec<u32>,
    ranges: Vec<Ranges>,
    /// Reads and writes, weighted by how often they run.
    weight: Vec<f32>,
    moves: Vec<Move>,
    /// One bit per point for each physical register.
    taken: Vec<Vec<u64>>,
    place: Vec<Option<u32>>,
}

impl Allocation {
    fn new(code: &VCode, layout: &[Label]) -> Self {
        let live = liveness::analyse(code, layout);
        let words = live.points.div_ceil(64) as usize + 1;
        let mut allocation = Self {
            class: (0..code.registers).collect(),
            weight: vec![0.0; code.registers as usize],
            moves: Vec::new(),
            taken: vec![vec![0; words]; 10],
            place: vec![None; code.registers as usize],
            ranges: live.ranges,
        };
        for physical in 0..10 {
            for &range in &allocation.ranges[physical] {
                mark(&mut allocation.taken[physical], range);
            }
        }
        let depth = loop_depths(code, layout);
        for (&label, depth) in layout.iter().zip(depth) {
            let block = &code.blocks[label.0 as usize];
            let often = if block.cold { 0.1 } else { 8_f32.powi(depth.min(6) as i32) };
            let weight = &mut allocation.weight;
            let mut count = |reg: Reg| weight[reg.0 as usize] += often;
            if let VEnd::Branch { a, b, .. } = block.end {
                count(a);
                if let Operand::Reg(b) = b {
                    count(b);
                }
            }
            for (inst, _) in &block.insts {
                inst.uses(&mut count);
                if let Some(def) = inst.def() {
                    count(def);
                }
                if let VInst::Mov(dst, Operand::Reg(src)) = *inst {
                    allocation.moves.push(Move { dst, src, weight: often });
                }
            }
        }
        allocation.moves.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        allocation
    }

    fn find(&self, reg: Reg) -> u32 {
        let mut class = reg.0;
        while self.class[class as usize] != class {
            class = self.class[class as usize];
        }
        class
    }

    /// Makes one register of two that a move connects, where their ranges do not meet.
    fn join_moves(&mut self, unspillable: &HashSet<Reg>) {
        for index in 0..self.moves.len() {
            let Move { dst, src, .. } = self.moves[index];
            let (a, b) = (self.find(dst), self.find(src));
            // What must stay in a register must stay short.
            if unspillable.contains(&dst) != unspillable.contains(&src) {
                continue;
            }
            if a == b || a < Reg::FIRST || b < Reg::FIRST {
                continue;
            }
            let (one, other) = (&self.ranges[a as usize], &self.ranges[b as usize]);
            if meet(one, other) {
                continue;
            }
            let joined = union(one, other);
            // Only if some register has room for the whole: else one of the halves still may find it.
            let fits = |ranges: &Ranges| self.taken.iter().any(|taken| is_free(taken, ranges));
            if fits(one) && fits(other) && !fits(&joined) {
                continue;
            }
            self.ranges[a as usize] = joined;
            self.ranges[b as usize] = Vec::new();
            self.weight[a as usize] += self.weight[b as usize];
            self.class[b as usize] = a;
        }
    }

    /// Places every class; gives those that found no room.
    fn place(&mut self, unspillable: &HashSet<Reg>) -> Vec<u32> {
        let count = self.class.len() as u32;
        let must: HashSet<u32> = unspillable.iter().map(|&reg| self.find(reg)).collect();
        let mut order: Vec<(f32, u32)> = (Reg::FIRST..count)
            .filter(|&class| self.class[class as usize] == class && !self.ranges[class as usize].is_empty())
            .map(|class| {
                let length: u32 = self.ranges[class as usize].iter().map(|(start, end)| end - start).sum();
                let density = self.weight[class as usize] / length as f32;
                (if must.contains(&class) { f32::INFINITY } else { density }, class)
            })
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut wishes: Vec<Vec<(Reg, f32)>> = vec![Vec::new(); self.class.len()];
        for Move { dst, src, weight } in &self.moves {
            wishes[self.find(*dst) as usize].push((*src, *weight));
            wishes[self.find(*src) as usize].push((*dst, *weight));
        }
        let mut failed = Vec::new();
        for (_, class) in order {
            let mut wish = [0.0_f32; 10];
            for &(reg, weight) in &wishes[class as usize] {
                let other = self.find(reg);
                let place = if other < Reg::FIRST { Some(other) } else { self.place[other as usize] };
                if let Some(wish) = place.and_then(|place| wish.get_mut(place as usize)) {
                    *wish += weight;
                }
            }
            let mut candidates = ORDER;
            candidates.sort_by(|&a, &b| wish[b as usize].total_cmp(&wish[a as usize]));
            let ranges = &self.ranges[class as usize];
            let found = candidates.into_iter().find(|&reg| is_free(&self.taken[reg as usize], ranges));
            match found {
                Some(reg) => {
                    for &range in ranges {
                        mark(&mut self.taken[reg as usize], range);
                    }
                    self.place[class as usize] = Some(reg);
                }
                None => failed.push(class),
            }
        }
        failed
    }

    /// Gives the registers of each class a home; classes that do not meet share one.
    fn homes(&self, code: &mut VCode, failed: &[u32]) -> Vec<Option<Home>> {
        let mut homes = vec![None; self.class.len()];
        let mut slots: Vec<(u32, Ranges)> = Vec::new();
        for &class in failed {
            let members: Vec<Reg> = (Reg::FIRST..self.class.len() as u32)
                .map(Reg)
                .filter(|&reg| self.find(reg) == class)
                .collect();
            let again = match members[..] {
                [only] => spill::only_definition(code, only).map(Home::Again),
                _ => None,
            };
            let home = again.unwrap_or_else(|| {
                let ranges = &self.ranges[class as usize];
                match slots.iter_mut().find(|(_, others)| !meet(others, ranges)) {
                    Some((slot, others)) => {
                        *others = union(others, ranges);
                        Home::Slot(*slot)
                    }
                    None => {
                        let slot = code.slot(8, true);
                        slots.push((slot, ranges.clone()));
                        Home::Slot(slot)
                    }
                }
            });
            members.into_iter().for_each(|reg| homes[reg.0 as usize] = Some(home));
        }
        homes
    }

    fn places(&self) -> Vec<Reg> {
        (0..self.class.len() as u32)
            .map(|reg| Reg(self.place[self.find(Reg(reg)) as usize].unwrap_or(reg)))
            .collect()
    }
}

/// How many loops each block of the layout lies in: between a jump back and its target.
fn loop_depths(code: &VCode, layout: &[Label]) -> Vec<u32> {
    let mut position = vec![usize::MAX; code.blocks.len()];
    for (index, label) in layout.iter().enumerate() {
        position[label.0 as usize] = index;
    }
    let mut depth = vec![0; layout.len()];
    for (from, label) in layout.iter().enumerate() {
        for target in code.blocks[label.0 as usize].end.targets() {
            let to = position[target.0 as usize];
            if to <= from {
                depth[to..=from].iter_mut().for_each(|depth| *depth += 1);
            }
        }
    }
    depth
}

fn mark(taken: &mut [u64], (start, end): (u32, u32)) {
    for point in start..end {
        taken[point as usize / 64] |= 1 << (point % 64);
    }
}

fn is_free(taken: &[u64], ranges: &Ranges) -> bool {
    ranges.iter().all(|&(start, end)| {
        let mut point = start;
        while point < end {
            let word = taken[point as usize / 64] >> (point % 64);
            let left = (64 - point % 64).min(end - point);
            let mask = if left == 64 { u64::MAX } else { (1 << left) - 1 };
            if word & mask != 0 {
                return false;
            }
            point += left;
        }
        true
    })
}

fn meet(a: &Ranges, b: &Ranges) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].1 <= b[j].0 {
            i += 1;
        } else if b[j].1 <= a[i].0 {
            j += 1;
        } else {
            return true;
        }
    }
    false
}

fn union(a: &Ranges, b: &Ranges) -> Ranges {
    let mut all: Ranges = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    let mut joined: Ranges = Vec::with_capacity(all.len());
    for (start, end) in all {
        match joined.last_mut() {
            Some(last) if last.1 >= start => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn rewrite(code: &mut VCode, places: &[Reg]) {
    let place = |reg: &mut Reg| *reg = if *reg == Reg::R10 { *reg } else { places[reg.0 as usize] };
    for block in &mut code.blocks {
        block.insts.iter_mut().for_each(|(inst, _)| inst.registers_mut(place));
        if let VEnd::Branch { a, b, .. } = &mut block.end {
            place(a);
            if let Operand::Reg(b) = b {
                place(b);
            }
        }
    }
}
