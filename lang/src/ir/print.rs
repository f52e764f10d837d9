//! [`Module`] → text, for `dump --stage ir`, golden tests and bug reports.
//!
//! One line per instruction, `v3 = add v1, v2`; local memory is `[v1+8]`, slots are `s0`, blocks `b0(v1)`.

use std::fmt::{self, Write as _};

use super::{Block, Function, Map, Module, Op, Record, RecordKind, Target, Terminator, Value};

/// The module as text.
pub fn print(module: &Module) -> String {
    let mut out = String::new();
    for (index, map) in module.maps.iter().enumerate() {
        let _ = writeln!(out, "map m{index}: {}", PrintMap(map));
    }
    for (index, record) in module.records.iter().enumerate() {
        let _ = writeln!(out, "record r{index}: {}", PrintRecord(record));
    }
    for program in &module.programs {
        if !out.is_empty() {
            out.push('\n');
        }
        let points: Vec<String> = program.points.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "program {}: {}", program.name, points.join(", "));
        if program.shared > 0 {
            let _ = writeln!(out, "  shared: {} bytes", program.shared);
        }
        out.push_str(&print_function(&program.function));
        for (index, sub) in program.subprograms.iter().enumerate() {
            let role = match &sub.role {
                super::Role::Function(parameters) => format!("function of {}", parameters.len()),
                super::Role::Body(map) => format!("for each of m{}", map.0),
            };
            let _ = writeln!(out, "f{index} {}: {role}", sub.name);
            out.push_str(&print_function(&sub.function));
        }
    }
    out
}

/// A function as text.
pub fn print_function(function: &Function) -> String {
    let mut out = String::new();
    for (index, slot) in function.slots.iter().enumerate() {
        let _ = writeln!(out, "  slot s{index}: {} bytes, align {}", slot.size, slot.align);
    }
    for (index, block) in function.blocks.iter().enumerate() {
        let _ = print_block(&mut out, index, block);
    }
    out
}

fn print_block(out: &mut String, index: usize, block: &Block) -> fmt::Result {
    writeln!(out, "b{index}{}:", Arguments(&block.params))?;
    for inst in &block.insts {
        match inst.result {
            Some(result) => writeln!(out, "  {result} = {}", inst.op)?,
            None => writeln!(out, "  {}", inst.op)?,
        }
    }
    writeln!(out, "  {}", block.terminator)
}

struct PrintMap<'a>(&'a Map);

impl fmt::Display for PrintMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let map = self.0;
        write!(f, "@{}", map.name)?;
        if let Some(key) = &map.ty.key {
            let parts: Vec<String> = key.iter().map(ToString::to_string).collect();
            write!(f, "[{}]", parts.join(", "))?;
        }
        write!(f, " {}", map.ty.value.name())?;
        if let Some(key) = &map.key {
            write!(f, ", key {} bytes, {} entries", key.size, map.max_entries)?;
            if map.evicts {
                f.write_str(" used last")?;
            }
        }
        if let Some(value) = &map.value {
            write!(f, ", value {} bytes", value.size)?;
        }
        Ok(())
    }
}

struct PrintRecord<'a>(&'a Record);

impl fmt::Display for PrintRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            RecordKind::Formatted { action, format } => write!(f, "{} \"{format}\"", action.function())?,
            RecordKind::PrintValue => f.write_str("print")?,
            RecordKind::Result => f.write_str("result")?,
            RecordKind::PrintMap { map, top, divisor } => {
                write!(f, "print_map m{} top {top} divisor {divisor}", map.0)?;
            }
            RecordKind::ClearMap(map) => write!(f, "clear m{}", map.0)?,
            RecordKind::ZeroMap(map) => write!(f, "zero m{}", map.0)?,
            RecordKind::Time { format } => write!(f, "time \"{}\"", format.escape_ascii())?,
            RecordKind::Join { separator } => write!(f, "join \"{}\"", separator.escape_ascii())?,
            RecordKind::Exit => f.write_str("exit")?,
        }
        for field in &self.0.fields {
            write!(f, ", {} bytes at {}", field.layout.size, field.offset)?;
        }
        write!(f, ", {} bytes", self.0.size)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

struct Arguments<'a>(&'a [Value]);

impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "({})", list.join(", "))
    }
}

/// `m0[v1]`, or `m0` for a scalar map.
struct Element<'a>(super::MapId, &'a Option<Value>);

impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(key) => write!(f, "m{}[{key}]", self.0.0),
            None => write!(f, "m{}", self.0.0),
        }
    }
}

/// `i32`, `u8`, …
struct Width(u8, bool);

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.1 { 'i' } else { 'u' }, u32::from(self.0) * 8)
    }
}

fn lower(value: impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(value) => write!(f, "const {value}"),
            Self::Arith(op, a, b) => write!(f, "{} {a}, {b}", lower(op)),
            Self::Compare(cond, a, b) => write!(f, "compare {} {a}, {b}", lower(cond)),
            Self::Extend { value, width, signed } => write!(f, "extend {} {value}", Width(*width, *signed)),
            Self::Swap { value, width } => write!(f, "swap {} {value}", Width(*width, false)),
            Self::SlotAddress(slot, offset) => write!(f, "address s{}+{offset}", slot.0),
            Self::SharedAddress(offset) => write!(f, "address shared+{offset}"),
            Self::Parameter(index, ty) => write!(f, "parameter {index} {}", lower(ty)),
            Self::Load { memory, offset, width, signed } => {
                write!(f, "load {} [{memory}+{offset}]", Width(*width, *signed))
            }
            Self::Store { memory, offset, width, value } => {
                write!(f, "store {} [{memory}+{offset}], {value}", Width(*width, false))
            }
            Self::Zero { memory, offset, size } => write!(f, "zero [{memory}+{offset}], {size} bytes"),
            Self::Write { memory, offset, data } => {
                write!(f, "write [{memory}+{offset}], \"{}\"", data.escape_ascii())
            }
            Self::Copy { to, to_offset, from, from_offset, size } => {
                write!(f, "copy [{to}+{to_offset}], [{from}+{from_offset}], {size} bytes")
            }
            Self::StringEq { a, b, size } => write!(f, "string_eq [{a}], [{b}], {size} bytes"),
            Self::BytesEq { a, b, size } => write!(f, "bytes_eq [{a}], [{b}], {size} bytes"),
            Self::BytesAre { memory, data } => write!(f, "bytes_are [{memory}], \"{}\"", data.escape_ascii()),
            Self::Text(op) => op.fmt(f),
            Self::System(op) => op.fmt(f),
            Self::Read { to, size, space, address } => {
                write!(f, "read_{} [{to}], {size} bytes, {address}", lower(space))
            }
            Self::ReadString { to, capacity, limit, space, address } => {
                write!(f, "read_{}_string [{to}], {capacity} bytes, {address}", lower(space))?;
                limit.map_or(Ok(()), |limit| write!(f, ", limit {limit}"))
            }
            Self::ReadBytes { to, capacity, length, space, address } => {
                write!(f, "read_{}_bytes [{to}], {capacity} bytes, {address}, length {length}", lower(space))
            }
            Self::CopyBytes { to, capacity, length, limit, from } => {
                write!(f, "copy_bytes [{to}], {capacity} bytes, [{from}], length {length}, limit {limit}")
            }
            Self::Context { offset, width, signed } => {
                write!(f, "context {} +{offset}", Width(*width, *signed))
            }
            Self::LocalAddress(memory) => write!(f, "local_address [{memory}]"),
            Self::ContextAddress(offset) => write!(f, "context_address +{offset}"),
            Self::Argument(index) => write!(f, "argument {index}"),
            Self::Register(register) => write!(f, "register {}", lower(register)),
            Self::ReturnValue => f.write_str("return_value"),
            Self::Ambient(ambient) => f.write_str(&lower(ambient)),
            Self::Comm { to } => write!(f, "comm [{to}]"),
            Self::MapGet { map, key } => write!(f, "get {}", Element(*map, key)),
            Self::MapRead { map, key, to } => write!(f, "read [{to}], {}", Element(*map, key)),
            Self::MapSet { map, key, value } => write!(f, "set {}, {value}", Element(*map, key)),
            Self::MapWrite { map, key, bytes } => write!(f, "write {}, [{bytes}]", Element(*map, key)),
            Self::MapDelete { map, key } => write!(f, "delete {}", Element(*map, key)),
            Self::MapHas { map, key } => write!(f, "has {}", Element(*map, key)),
            Self::MapLen(map) => write!(f, "len m{}", map.0),
            Self::Aggregate { map, key, aggregation, value } => {
                write!(f, "aggregate {} {}", lower(aggregation), Element(*map, key))?;
                value.map_or(Ok(()), |value| write!(f, ", {value}"))
            }
            Self::StatsRead { map, key, to } => write!(f, "stats [{to}], {}", Element(*map, key)),
            Self::AggregateGet { map, key } => write!(f, "merge {}", Element(*map, key)),
            Self::Warn(warning) => write!(f, "warn {warning:?}"),
            Self::Trace { format, size, values } => {
                write!(f, "trace [{format}], {size} bytes{}", Arguments(values))
            }
            Self::VisitedKey { map, to } => write!(f, "visited_key [{to}], m{}", map.0),
            Self::VisitedValue { map, to } => write!(f, "visited_value [{to}], m{}", map.0),
            Self::Call { function, arguments } => write!(f, "call f{}{}", function.0, Arguments(arguments)),
            Self::ForEach { map, body } => write!(f, "for_each m{}, f{}", map.0, body.0),
            Self::Emit { record, fields } => write!(f, "emit r{}{}", record.0, Arguments(fields)),
            Self::LoopOpen { state, from, to } => write!(f, "loop_open s{}, {from}, {to}", state.0),
            Self::LoopClose { state } => write!(f, "loop_close s{}", state.0),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}{}", self.block.0, Arguments(&self.arguments))
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(target) => write!(f, "jump {target}"),
            Self::Branch { condition, then, otherwise, .. } => {
                write!(f, "branch {condition}, {then}, {otherwise}")
            }
            Self::Next { state, body, done, .. } => write!(f, "next s{}, {body}, {done}", state.0),
            Self::Return(value) => write!(f, "return {value}"),
            Self::Missing => f.write_str("missing"),
        }
    }
}
