//! Local memory: stores of what is there already, loads of what was stored, comparisons with literals, map
//! elements that were just read, bytes that are overwritten before anyone reads them.
//!
//! What is known flows along a block and into a block that follows only it. Another CPU may change a map at
//! any time, so two reads of an element with nothing of ours between may as well be one.
//!
//! *Not here:* slots that nobody reads at all (`dce`).

use std::collections::{HashMap, HashSet};

use super::{Replacements, definitions};
use crate::ir::flow::Flow;
use crate::ir::{Block, Function, MapId, Op, Slot, SlotId, Value};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let definitions = definitions(function);
    let mut replacements = Replacements::new(function);
    let mut changed = false;
    let flow = Flow::new(function);
    let mut ends: Vec<Known> = vec![Known::default(); function.blocks.len()];
    for id in &flow.order {
        let index = id.0 as usize;
        let mut known = match flow.predecessors[index][..] {
            [only] => ends[only.0 as usize].clone(),
            _ => Known::default(),
        };
        let block = &mut function.blocks[index];
        changed |= join_fillings(block);
        changed |= forward(block, &function.slots, &definitions, &mut replacements, &mut known);
        changed |= remove_overwritten(block, &definitions);
        ends[index] = known;
    }
    replacements.apply(function);
    changed
}

/// Part of a slot: its start and how many bytes.
type Range = (SlotId, u32, u32);

/// What an operation does to local memory.
#[derive(Default)]
struct Access {
    /// The part it fills completely.
    writes: Option<Range>,
    /// The base it writes to, if it writes.
    base: Option<Value>,
}

fn access(op: &Op, definitions: &[Option<Op>]) -> Access {
    let (memory, offset, size) = match *op {
        Op::Store { memory, offset, width, .. } => (memory, offset, u32::from(width)),
        Op::Zero { memory, offset, size } => (memory, offset, size),
        Op::Write { memory, offset, ref data } => (memory, offset, data.len() as u32),
        Op::Copy { to, to_offset, size, .. } => (to, to_offset, size),
        Op::Read { to, size, .. } => (to, 0, size),
        Op::ReadString { to, capacity, .. }
        | Op::ReadBytes { to, capacity, .. }
        | Op::CopyBytes { to, capacity, .. } => (to, 0, capacity),
        Op::Comm { to } => (to, 0, 16),
        Op::StatsRead { to, .. } => (to, 0, 24),
        // How much it writes is the map's business.
        Op::MapRead { to, .. } | Op::VisitedKey { to, .. } | Op::VisitedValue { to, .. } => {
            return Access { writes: None, base: Some(to) };
        }
        // What is appended to stays in part.
        Op::System(ref op) => return Access { writes: None, base: op.written() },
        Op::Text(ref op) => return Access { writes: None, base: op.written() },
        _ => return Access::default(),
    };
    let writes = place(memory, definitions).map(|(slot, base)| (slot, base + offset, size));
    Access { writes, base: Some(memory) }
}

/// The slot a value points into, and where.
fn place(value: Value, definitions: &[Option<Op>]) -> Option<(SlotId, u32)> {
    match definitions[value.0 as usize] {
        Some(Op::SlotAddress(slot, offset)) => Some((slot, offset)),
        _ => None,
    }
}

/// Joins a literal with the zeros that follow it, so that both are written by words.
fn join_fillings(block: &mut Block) -> bool {
    let before = block.insts.len();
    block.insts.dedup_by(|next, first| match (&mut first.op, &next.op) {
        (Op::Write { memory, offset, data }, Op::Zero { memory: other, offset: behind, size })
            if memory == other && *offset + data.len() as u32 == *behind && *size <= 64 =>
        {
            data.resize(data.len() + *size as usize, 0);
            true
        }
        (_, Op::Zero { size: 0, .. }) => true,
        _ => false,
    });
    block.insts.len() != before
}

/// What is known of slots and maps at a point.
#[derive(Clone, Default)]
struct Known {
    /// Values that were stored and are still there.
    values: HashMap<Range, Value>,
    bytes: HashMap<(SlotId, u32), u8>,
    /// Where the name of the current task lies.
    names: HashSet<Range>,
    /// Elements that were read, by map and the place of the key.
    elements: HashMap<Element, Value>,
}

/// An element of a map, by its key.
type Element = (MapId, Key);

/// What is known of a key.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// The map has only one element.
    None,
    /// Where it lies, as long as nothing is written there.
    Place(SlotId, u32),
    /// All of its words: offset, width and value each.
    Words(Vec<(u32, u32, Value)>),
}

impl Known {
    fn forget(&mut self, op: &Op, written: &Access, definitions: &[Option<Op>]) {
        if let Op::MapSet { map, .. } | Op::MapWrite { map, .. } | Op::MapDelete { map, .. } = op {
            self.elements.retain(|(other, _), _| other != map);
        }
        // What they call may write any map, but no memory of ours.
        if let Op::Call { .. } | Op::ForEach { .. } = op {
            self.elements.clear();
        }
        if let Some(base) = written.base
            && let Some(Op::SharedAddress(_)) = definitions[base.0 as usize]
        {
            return;
        }
        if let Some(slot) = written.base.and_then(|base| place(base, definitions)).map(|(slot, _)| slot) {
            self.elements.retain(|(_, key), _| !matches!(key, Key::Place(other, _) if *other == slot));
        }
        match (written.writes, written.base.map(|base| place(base, definitions))) {
            (Some((slot, start, size)), _) => {
                let is_apart =
                    |&(other, at, width): &Range| other != slot || at + width <= start || start + size <= at;
                self.values.retain(|range, _| is_apart(range));
                self.names.retain(is_apart);
                self.bytes.retain(|&(other, at), _| other != slot || at < start || start + size <= at);
            }
            (None, Some(Some((slot, _)))) => {
                self.values.retain(|&(other, ..), _| other != slot);
                self.names.retain(|&(other, ..)| other != slot);
                self.bytes.retain(|&(other, _), _| other != slot);
            }
            (None, Some(None)) => *self = Self::default(),
            (None, None) => {}
        }
    }

    fn write(&mut self, (slot, start, _): Range, data: impl Iterator<Item = u8>) {
        for (index, byte) in data.enumerate() {
            self.bytes.insert((slot, start + index as u32), byte);
        }
    }

    /// The key in a slot: its words, if they fill the slot.
    fn key(&self, slot: SlotId, offset: u32, size: u32) -> Key {
        let mut words: Vec<(u32, u32, Value)> = self
            .values
            .iter()
            .filter(|((other, ..), _)| *other == slot)
            .map(|(&(_, at, width), &value)| (at, width, value))
            .collect();
        words.sort_unstable();
        let filled = words.iter().try_fold(0, |end, &(at, width, _)| (at == end).then_some(end + width));
        if offset == 0 && filled == Some(size) { Key::Words(words) } else { Key::Place(slot, offset) }
    }

    /// The bytes of a literal up to its NUL or `size`, if all are known.
    fn literal(&self, (slot, start): (SlotId, u32), size: u32) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        for at in start..start + size {
            data.push(*self.bytes.get(&(slot, at))?);
            if data.last() == Some(&0) {
                break;
            }
        }
        Some(data)
    }
}

fn forward(
    block: &mut Block,
    slots: &[Slot],
    definitions: &[Option<Op>],
    replacements: &mut Replacements,
    known: &mut Known,
) -> bool {
    let mut changed = false;
    block.insts.retain_mut(|inst| {
        inst.op.operands_mut(|value| *value = replacements.get(*value));
        match &inst.op {
            Op::Load { memory, offset, width, signed } => {
                let stored = place(*memory, definitions)
                    .and_then(|(slot, base)| known.values.get(&(slot, base + offset, u32::from(*width))));
                if let (Some(&value), Some(result)) = (stored, inst.result) {
                    changed = true;
                    if *width == 8 {
                        replacements.insert(result, value);
                        return false;
                    }
                    inst.op = Op::Extend { value, width: *width, signed: *signed };
                }
                return true;
            }
            Op::MapGet { map, key } => {
                let key = match key.map(|key| place(key, definitions)) {
                    None => Some(Key::None),
                    Some(place) => {
                        place.map(|(slot, offset)| known.key(slot, offset, slots[slot.0 as usize].size))
                    }
                };
                if let (Some(result), Some(key)) = (inst.result, key) {
                    let element = (*map, key);
                    match known.elements.get(&element) {
                        Some(&value) => {
                            replacements.insert(result, value);
                            changed = true;
                            return false;
                        }
                        None => drop(known.elements.insert(element, result)),
                    }
                }
                return true;
            }
            Op::StringEq { a, b, size } => {
                let literal =
                    |value: Value| place(value, definitions).and_then(|place| known.literal(place, *size));
                let compared = match (literal(*a), literal(*b)) {
                    (_, Some(data)) => Some((*a, data)),
                    (Some(data), _) => Some((*b, data)),
                    _ => None,
                };
                if let Some((memory, data)) = compared {
                    changed = true;
                    inst.op = Op::BytesAre { memory, data };
                }
                return true;
            }
            _ => {}
        }
        let access = access(&inst.op, definitions);
        if let (Op::Comm { .. }, Some(range)) = (&inst.op, access.writes)
            && known.names.contains(&range)
        {
            changed = true;
            return false;
        }
        if let (Op::Store { value, width, .. }, Some(range)) = (&inst.op, access.writes) {
            if known.values.get(&range) == Some(value) {
                changed = true;
                return false;
            }
            known.forget(&inst.op, &access, definitions);
            known.values.insert(range, *value);
            if let Some(Op::Const(constant)) = definitions[value.0 as usize] {
                known.write(range, constant.to_le_bytes().into_iter().take(usize::from(*width)));
            }
            return true;
        }
        known.forget(&inst.op, &access, definitions);
        match (&inst.op, access.writes) {
            (Op::Write { data, .. }, Some(range)) => known.write(range, data.iter().copied()),
            (Op::Zero { size, .. }, Some(range)) => {
                known.write(range, std::iter::repeat_n(0, *size as usize));
            }
            (Op::Comm { .. }, Some(range)) => drop(known.names.insert(range)),
            _ => {}
        }
        true
    });
    block.terminator.operands_mut(|value| *value = replacements.get(*value));
    changed
}

/// Removes what is overwritten in the same block before it is read.
fn remove_overwritten(block: &mut Block, definitions: &[Option<Op>]) -> bool {
    let mut dead: HashMap<SlotId, Vec<(u32, u32)>> = HashMap::new();
    let mut keep = vec![true; block.insts.len()];
    for (index, inst) in block.insts.iter().enumerate().rev() {
        let access = access(&inst.op, definitions);
        let removable =
            matches!(inst.op, Op::Store { .. } | Op::Zero { .. } | Op::Write { .. } | Op::Copy { .. });
        if let Some((slot, start, size)) = access.writes {
            let ranges = dead.entry(slot).or_default();
            if removable && covers(ranges, start, start + size) {
                keep[index] = false;
                continue;
            }
            ranges.push((start, start + size));
        }
        let mut seen_base = false;
        for operand in inst.op.operands() {
            // The base that is written to is not read, unless it stands there twice.
            if access.writes.is_some()
                && Some(operand) == access.base
                && !std::mem::replace(&mut seen_base, true)
            {
                continue;
            }
            match (place(operand, definitions), &definitions[operand.0 as usize]) {
                (Some((slot, _)), _) => drop(dead.remove(&slot)),
                // A parameter may be a pointer.
                (None, None) => dead.clear(),
                (None, Some(_)) => {}
            }
        }
        if matches!(inst.op, Op::LoopOpen { .. } | Op::LoopClose { .. }) {
            dead.clear();
        }
    }
    let changed = keep.contains(&false);
    let mut keep = keep.into_iter();
    block.insts.retain(|_| keep.next().unwrap_or(true));
    changed
}

fn covers(ranges: &[(u32, u32)], mut start: u32, end: u32) -> bool {
    while start < end {
        match ranges.iter().filter(|range| range.0 <= start).map(|range| range.1).max() {
            Some(until) if until > start => start = until,
            _ => return false,
        }
    }
    true
}
