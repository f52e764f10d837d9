//! [`Module`] → accepted or the first broken invariant, in words.
//!
//! What it promises:
//! * the entry has no parameters and no predecessors; every reachable block has a terminator;
//! * a value is defined once, with the type its operation gives, and its definition dominates each use;
//! * a jump supplies one value of the right type for each parameter of its target;
//! * operands are integers or local memory as the operation says, widths and offsets make sense, and known
//!   accesses stay inside their slot;
//! * maps and records exist, and an operation fits its map's key and value;
//! * subprograms exist, do not call themselves on any way, and are called as their role says.

use super::flow::Flow;
use super::{
    Aggregation, BlockId, Function, FunctionId, Map, MapId, Module, Op, Program, RecordKind, Role, SlotId,
    Subprogram, Terminator, Type, Value,
};
use crate::types::MapValue;

/// Checks the invariants of the IR.
///
/// # Errors
/// The first one that does not hold, with the program and block.
pub fn verify(module: &Module) -> Result<(), String> {
    for record in &module.records {
        if record.size % 8 != 0 {
            return Err(format!("a record of {} bytes", record.size));
        }
        if let RecordKind::PrintMap { map, .. } | RecordKind::ClearMap(map) | RecordKind::ZeroMap(map) =
            record.kind
            && module.maps.len() <= map.0 as usize
        {
            return Err(format!("a record of unknown map m{}", map.0));
        }
    }
    for (index, program) in module.programs.iter().enumerate() {
        if program.points.is_empty() {
            return Err(format!("program {} has no attach point", program.name));
        }
        if module.programs[..index].iter().any(|other| other.name == program.name) {
            return Err(format!("program {} exists twice", program.name));
        }
        verify_program(module, program).map_err(|fault| format!("program {}: {fault}", program.name))?;
    }
    Ok(())
}

/// Checks one program that belongs to `module`.
///
/// # Errors
/// As [`verify`].
pub fn verify_program(module: &Module, program: &Program) -> Result<(), String> {
    let mut below = vec![None; program.subprograms.len()];
    for index in 0..below.len() {
        depth(program, index, &mut below)?;
    }
    verify_function(module, program, None, &program.function)?;
    for (index, sub) in program.subprograms.iter().enumerate() {
        verify_function(module, program, Some(&sub.role), &sub.function)
            .map_err(|fault| format!("f{index}: {fault}"))?;
    }
    Ok(())
}

/// How many calls a subprogram is away from the last one; an error where it may call itself.
fn depth(program: &Program, index: usize, known: &mut [Option<usize>]) -> Result<usize, String> {
    const SEEN: usize = usize::MAX;
    match known[index] {
        Some(SEEN) => return Err(format!("f{index} calls itself")),
        Some(depth) => return Ok(depth),
        None => known[index] = Some(SEEN),
    }
    let mut deepest = 0;
    let insts = program.subprograms[index].function.blocks.iter().flat_map(|block| &block.insts);
    for inst in insts {
        if let Op::Call { function, .. } | Op::ForEach { body: function, .. } = &inst.op {
            let callee = function.0 as usize;
            if callee >= known.len() {
                return Err(format!("there is no f{callee}"));
            }
            deepest = deepest.max(1 + depth(program, callee, known)?);
        }
    }
    known[index] = Some(deepest);
    Ok(deepest)
}

fn verify_function(
    module: &Module,
    program: &Program,
    role: Option<&Role>,
    function: &Function,
) -> Result<(), String> {
    let entry = function.blocks.first().ok_or("no blocks")?;
    if !entry.params.is_empty() {
        return Err("the entry has parameters".into());
    }
    for (index, block) in function.blocks.iter().enumerate() {
        for target in block.terminator.targets() {
            if target.block.0 == 0 || target.block.0 as usize >= function.blocks.len() {
                return Err(format!("b{index} jumps to b{}", target.block.0));
            }
        }
    }
    for (index, slot) in function.slots.iter().enumerate() {
        if !matches!(slot.align, 1 | 2 | 4 | 8) {
            return Err(format!("s{index} has alignment {}", slot.align));
        }
    }
    let flow = Flow::new(function);
    let verifier = Verifier { module, program, role, function, definitions: definitions(function)?, flow };
    for &block in &verifier.flow.order {
        verifier.block(block).map_err(|fault| format!("b{}: {fault}", block.0))?;
    }
    Ok(())
}

/// Where a value is defined: its block, and the instruction or `None` for a parameter.
type Definition = (BlockId, Option<usize>);

fn definitions(function: &Function) -> Result<Vec<Option<Definition>>, String> {
    let mut definitions = vec![None; function.values.len()];
    for (index, block) in function.blocks.iter().enumerate() {
        let params = block.params.iter().map(|&value| (value, None));
        let results = block.insts.iter().enumerate().filter_map(|(at, inst)| Some((inst.result?, Some(at))));
        for (value, at) in params.chain(results) {
            let known = definitions.get_mut(value.0 as usize).ok_or(format!("{value} has no type"))?;
            if known.replace((BlockId(index as u32), at)).is_some() {
                return Err(format!("{value} is defined twice"));
            }
        }
    }
    Ok(definitions)
}

struct Verifier<'a> {
    module: &'a Module,
    program: &'a Program,
    /// That of a subprogram.
    role: Option<&'a Role>,
    function: &'a Function,
    definitions: Vec<Option<Definition>>,
    flow: Flow,
}

impl Verifier<'_> {
    fn block(&self, id: BlockId) -> Result<(), String> {
        let block = &self.function.blocks[id.0 as usize];
        for (at, inst) in block.insts.iter().enumerate() {
            self.inst(id, at, &inst.op, inst.result).map_err(|fault| format!("`{}`: {fault}", inst.op))?;
        }
        let end = block.insts.len();
        self.terminator(id, end, &block.terminator)
            .map_err(|fault| format!("`{}`: {fault}", block.terminator))
    }

    fn inst(&self, block: BlockId, at: usize, op: &Op, result: Option<Value>) -> Result<(), String> {
        if result.map(|value| self.function.values[value.0 as usize]) != op.result() {
            return Err("the result has another type".into());
        }
        let mut fault = Ok(());
        op.clone().visit_mut(|value, ty| {
            if fault.is_ok() {
                fault = self.used(block, at, *value, ty);
            }
        });
        fault?;
        self.widths(op)?;
        self.accesses(op)?;
        self.calls(op)?;
        self.map(op)
    }

    fn terminator(&self, block: BlockId, at: usize, terminator: &Terminator) -> Result<(), String> {
        match terminator {
            Terminator::Branch { condition, .. } => self.used(block, at, *condition, Some(Type::Int))?,
            Terminator::Return(value) => self.used(block, at, *value, Some(Type::Int))?,
            Terminator::Next { state, .. } => self.loop_state(*state)?,
            Terminator::Jump(_) => {}
            Terminator::Missing => return Err("there is no terminator".into()),
        }
        for (edge, target) in terminator.targets().into_iter().enumerate() {
            let params = &self.function.blocks[target.block.0 as usize].params;
            let implicit = terminator.implicit_arguments(edge);
            if params.len() != implicit + target.arguments.len() {
                return Err(format!("b{} takes {} arguments", target.block.0, params.len()));
            }
            for (param, argument) in params[implicit..].iter().zip(&target.arguments) {
                self.used(block, at, *argument, Some(self.function.values[param.0 as usize]))?;
            }
        }
        Ok(())
    }

    fn used(&self, block: BlockId, at: usize, value: Value, ty: Option<Type>) -> Result<(), String> {
        let (home, defined) = self
            .definitions
            .get(value.0 as usize)
            .copied()
            .flatten()
            .ok_or(format!("{value} is not defined"))?;
        let before = if home == block {
            defined.is_none_or(|defined| defined < at)
        } else {
            self.flow.dominates(home, block)
        };
        if !before {
            return Err(format!("{value} is not defined on every way to here"));
        }
        if ty.is_some_and(|ty| ty != self.function.values[value.0 as usize]) {
            return Err(format!("{value} has another type"));
        }
        Ok(())
    }

    fn widths(&self, op: &Op) -> Result<(), String> {
        let allowed: &[u8] = match op {
            Op::Extend { .. } => &[1, 2, 4],
            Op::Swap { .. } => &[2, 4, 8],
            _ => &[1, 2, 4, 8],
        };
        match op {
            Op::Extend { width, .. }
            | Op::Swap { width, .. }
            | Op::Load { width, .. }
            | Op::Store { width, .. }
            | Op::Context { width, .. }
                if !allowed.contains(width) =>
            {
                Err(format!("width {width}"))
            }
            _ => Ok(()),
        }
    }

    fn accesses(&self, op: &Op) -> Result<(), String> {
        let inside = |memory: &Value, offset: u32, size: u32| self.inside(*memory, offset, size);
        match op {
            Op::SlotAddress(slot, offset) => {
                let slot = self.function.slots.get(slot.0 as usize).ok_or("there is no such slot")?;
                if *offset > slot.size { Err("outside of the slot".into()) } else { Ok(()) }
            }
            Op::SharedAddress(offset) if *offset > self.program.shared => {
                Err("outside of the shared memory".into())
            }
            Op::Load { memory, offset, width, .. } | Op::Store { memory, offset, width, .. } => {
                inside(memory, *offset, u32::from(*width))
            }
            Op::Zero { memory, offset, size } => inside(memory, *offset, *size),
            Op::Write { memory, offset, data } => inside(memory, *offset, data.len() as u32),
            Op::Copy { to, to_offset, from, from_offset, size } => {
                inside(to, *to_offset, *size)?;
                inside(from, *from_offset, *size)
            }
            Op::StringEq { a, b, size } | Op::BytesEq { a, b, size } => {
                inside(a, 0, *size)?;
                inside(b, 0, *size)
            }
            Op::BytesAre { memory, data } => inside(memory, 0, data.len() as u32),
            Op::System(op) => {
                op.access().into_iter().try_for_each(|(memory, size)| self.inside(memory, 0, size))
            }
            Op::Text(op) => {
                op.accesses().into_iter().try_for_each(|(memory, size)| self.inside(memory, 0, size))
            }
            Op::Read { to, size, .. } => inside(to, 0, *size),
            Op::ReadString { to, capacity, .. } => inside(to, 0, *capacity),
            Op::ReadBytes { to, capacity, .. } => inside(to, 0, *capacity),
            Op::CopyBytes { to, capacity, limit, from, .. } => {
                inside(to, 0, *capacity)?;
                inside(from, 0, *limit)
            }
            Op::Comm { to } => inside(to, 0, 16),
            Op::Trace { format, size, .. } => inside(format, 0, *size),
            Op::LoopOpen { state, .. } | Op::LoopClose { state } => self.loop_state(*state),
            _ => Ok(()),
        }
    }

    /// Whether an access stays inside its slot, as far as the address is known.
    fn inside(&self, memory: Value, offset: u32, size: u32) -> Result<(), String> {
        let Some((block, Some(at))) = self.definitions[memory.0 as usize] else { return Ok(()) };
        let (base, room) = match self.function.blocks[block.0 as usize].insts[at].op {
            Op::SlotAddress(slot, base) => {
                (base, self.function.slots.get(slot.0 as usize).ok_or("there is no such slot")?.size)
            }
            Op::SharedAddress(base) => (base, self.program.shared),
            _ => return Ok(()),
        };
        let end = u64::from(base) + u64::from(offset) + u64::from(size);
        if end > u64::from(room) {
            return Err(format!("ends at byte {end} of {room}"));
        }
        Ok(())
    }

    fn calls(&self, op: &Op) -> Result<(), String> {
        match op {
            Op::Parameter(index, ty) => match self.role {
                Some(Role::Function(parameters)) if parameters.get(*index as usize) == Some(ty) => Ok(()),
                _ => Err("there is no such parameter".into()),
            },
            Op::VisitedKey { map, to } => {
                self.visits(*map)?;
                let key = self.known(*map)?.key.as_ref().ok_or("the map has no keys")?;
                self.inside(*to, 0, key.size)
            }
            Op::VisitedValue { map, to } => {
                self.visits(*map)?;
                let value = self.known(*map)?.value.as_ref().ok_or("the map has no value layout")?;
                self.inside(*to, 0, value.size)
            }
            Op::Call { function, arguments } => {
                let Role::Function(parameters) = &self.subprogram(*function)?.role else {
                    return Err("the body of a loop is not called".into());
                };
                let fits = |(argument, ty): (&Value, &Type)| self.function.values[argument.0 as usize] == *ty;
                if arguments.len() != parameters.len() || !arguments.iter().zip(parameters).all(fits) {
                    return Err("the arguments are not those of the function".into());
                }
                if arguments.len() > 5 { Err("more than five arguments".into()) } else { Ok(()) }
            }
            Op::ForEach { map, body } => {
                if self.known(*map)?.key.is_none() {
                    return Err("the map has no keys".into());
                }
                if self.subprogram(*body)?.role == Role::Body(*map) {
                    Ok(())
                } else {
                    Err("this is not the body of such a loop".into())
                }
            }
            _ => Ok(()),
        }
    }

    fn visits(&self, map: MapId) -> Result<(), String> {
        if self.role == Some(&Role::Body(map)) { Ok(()) } else { Err("the map is not walked here".into()) }
    }

    fn subprogram(&self, FunctionId(id): FunctionId) -> Result<&Subprogram, String> {
        self.program.subprograms.get(id as usize).ok_or_else(|| "there is no such function".into())
    }

    fn loop_state(&self, state: SlotId) -> Result<(), String> {
        match self.function.slots.get(state.0 as usize) {
            Some(slot) if slot.size == 8 && slot.align == 8 => Ok(()),
            _ => Err("the state of a loop is a slot of 8 aligned bytes".into()),
        }
    }

    fn map(&self, op: &Op) -> Result<(), String> {
        match op {
            Op::MapGet { map, key } | Op::MapSet { map, key, .. } => {
                let map = self.element(*map, key, false)?;
                let value = map.value.as_ref().ok_or("the map has no value layout")?;
                if value.shape.is_scalar() { Ok(()) } else { Err("the map's value is not a scalar".into()) }
            }
            Op::MapRead { map, key, to: memory } | Op::MapWrite { map, key, bytes: memory } => {
                let map = self.element(*map, key, false)?;
                let value = map.value.as_ref().ok_or("the map has no value layout")?;
                self.inside(*memory, 0, value.size)
            }
            Op::MapDelete { map, key } | Op::MapHas { map, key } => {
                let aggregation = self.known(*map)?.ty.value.is_aggregation();
                self.element(*map, key, aggregation).map(drop)
            }
            Op::MapLen(map) => match self.known(*map)?.key {
                Some(_) => Ok(()),
                None => Err("the map has no keys".into()),
            },
            Op::Aggregate { map, key, aggregation, value } => {
                let map = self.element(*map, key, true)?;
                if value.is_some() != (*aggregation != Aggregation::Count) {
                    return Err("a number is missing or too many".into());
                }
                if fits(*aggregation, &map.ty.value) {
                    Ok(())
                } else {
                    Err("the map aggregates otherwise".into())
                }
            }
            Op::StatsRead { map, key, to } => {
                let map = self.element(*map, key, true)?;
                let MapValue::Stats { .. } = map.ty.value else {
                    return Err("the map holds no stats".into());
                };
                self.inside(*to, 0, 24)
            }
            Op::AggregateGet { map, key } => {
                let map = self.element(*map, key, true)?;
                if map.ty.value.is_castable() { Ok(()) } else { Err("no integer stands for it".into()) }
            }
            Op::Emit { record, fields } => {
                let known = self.module.records.get(record.0 as usize).ok_or("there is no such record")?;
                if known.fields.len() != fields.len() {
                    return Err(format!("the record has {} fields", known.fields.len()));
                }
                for (part, field) in known.fields.iter().zip(fields) {
                    let ty = if part.layout.shape.is_scalar() { Type::Int } else { Type::Slot };
                    if self.function.values[field.0 as usize] != ty {
                        return Err(format!("{field} has another type"));
                    }
                    if ty == Type::Slot {
                        self.inside(*field, 0, part.layout.size)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn known(&self, map: MapId) -> Result<&Map, String> {
        self.module.maps.get(map.0 as usize).ok_or_else(|| "there is no such map".into())
    }

    fn element(&self, id: MapId, key: &Option<Value>, aggregation: bool) -> Result<&Map, String> {
        let map = self.known(id)?;
        if map.ty.value.is_aggregation() != aggregation {
            return Err("the map holds another kind of value".into());
        }
        match (&map.key, key) {
            (None, None) => {}
            (Some(layout), Some(key)) => self.inside(*key, 0, layout.size)?,
            _ => return Err("a key is missing or too many".into()),
        }
        Ok(map)
    }
}

fn fits(aggregation: Aggregation, value: &MapValue) -> bool {
    matches!(
        (aggregation, value),
        (Aggregation::Count, MapValue::Count)
            | (Aggregation::Sum, MapValue::Sum { .. })
            | (Aggregation::Min, MapValue::Min { .. })
            | (Aggregation::Max, MapValue::Max { .. })
            | (Aggregation::Avg, MapValue::Avg { .. })
            | (Aggregation::Stats, MapValue::Stats { .. })
            | (Aggregation::Hist, MapValue::Hist { .. })
            | (Aggregation::Lhist, MapValue::Lhist { .. })
            | (Aggregation::Tseries, MapValue::Tseries { .. })
    )
}
