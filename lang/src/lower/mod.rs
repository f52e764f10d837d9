//! [`typed::Program`] → [`ir::Module`]: one function for each form.
//!
//! Places are those of the cell from here on, where macros are expanded no more.
//!
//! Scratch variables of one word become SSA values, all others slots. Keys, tuples and strings are built in
//! slots; what one run of the body evaluates, the IR evaluates once and in the same order.
//!
//! *Invariant:* `ir::verify` accepts the result; bytes that leave the program (keys, values, fields) are
//! written completely, gaps as zeros, so that equal values are equal bytes.
//!
//! *Not here:* anything about helpers, BPF map kinds or the stack limit (`probebook_ebpf::codegen`).

mod access;
mod expr;
mod map;
mod operator;
mod place;
mod record;
mod stmt;
#[cfg(test)]
mod tests;

use crate::ir::builder::{self, FunctionBuilder};
use crate::ir::{self, BlockId, SlotId, Value};
use crate::structures::Structures;
use crate::typed::{self, VariableId};
use crate::types::MapValue;
use crate::types::layout::Layout;
use record::Records;

/// The IR of a program that was checked without an error.
pub fn lower(program: &typed::Program, structures: &Structures<'_>) -> ir::Module {
    let mut records = Records::new(structures);
    let mut programs = Vec::new();
    for (index, probe) in program.probes.iter().enumerate() {
        let mut lowering = Lowering::new(probe, &mut records);
        if let Some(process) = program.process {
            lowering.only_of(process);
        }
        let function = lowering.run();
        let provider = probe.points.first().map_or("probe", |point| point.provider());
        programs.push(ir::Program {
            name: format!("{provider}_{}", index + 1),
            points: probe.points.clone(),
            function,
            span: probe.span,
        });
    }
    let maps = program.maps.iter().map(|of| map(of, structures)).collect();
    let mut module = ir::Module {
        maps,
        records: records.finish(),
        programs,
        config: program.config.clone(),
        watch: program.watch,
    };
    module.move_spans(|span| program.places.in_cell(span));
    module
}

fn map(map: &typed::Map, structures: &Structures<'_>) -> ir::Map {
    ir::Map {
        name: map.name.clone(),
        ty: map.ty.clone(),
        key: map.ty.key_type().map(|ty| structures.layout(&ty)),
        value: match &map.ty.value {
            MapValue::Plain(ty) => Some(structures.layout(ty)),
            _ => None,
        },
        max_entries: map.max_entries,
    }
}

/// Where a scratch variable lives.
#[derive(Clone, Copy)]
enum Storage {
    /// In SSA values.
    Word(builder::Variable),
    /// In a slot of its own.
    Memory(SlotId),
}

/// A loop around the place being lowered.
struct Loop {
    on_break: BlockId,
    on_continue: BlockId,
    /// What must be closed when a `return` leaves it.
    state: Option<SlotId>,
}

/// A walk through one probe.
struct Lowering<'a, 'r> {
    probe: &'a typed::Probe,
    records: &'a mut Records<'r>,
    builder: FunctionBuilder,
    storage: Vec<Storage>,
    loops: Vec<Loop>,
    /// Temporaries of statements that are done, and of those that are not.
    free: Vec<(SlotId, Layout)>,
    used: Vec<(SlotId, Layout)>,
    /// What `typed::ExprKind::Old` stands for.
    old: Option<Value>,
}

impl<'a, 'r> Lowering<'a, 'r> {
    fn new(probe: &'a typed::Probe, records: &'a mut Records<'r>) -> Self {
        let mut lowering = Self {
            probe,
            records,
            builder: FunctionBuilder::new(),
            storage: Vec::new(),
            loops: Vec::new(),
            free: Vec::new(),
            used: Vec::new(),
            old: None,
        };
        for variable in &probe.variables {
            let storage = if variable.ty.is_scalar() {
                Storage::Word(lowering.builder.variable())
            } else {
                Storage::Memory(lowering.slot(&Layout::of(&variable.ty)))
            };
            lowering.storage.push(storage);
        }
        lowering
    }

    /// Returns at once for events of other processes, where the probe cannot be attached to one process.
    fn only_of(&mut self, process: u32) {
        use crate::probes::AttachPoint::{Kprobe, RawTracepoint, Tracepoint};
        if !matches!(
            self.probe.points.first(),
            Some(Tracepoint { .. } | RawTracepoint { .. } | Kprobe { .. })
        ) {
            return;
        }
        let span = self.probe.span;
        let current = self.builder.value(ir::Op::Ambient(ir::Ambient::Pid), span);
        let wanted = self.builder.constant(i64::from(process), span);
        let same = self.builder.value(ir::Op::Compare(ir::Cond::Eq, current, wanted), span);
        let (body, other) = (self.builder.block(), self.builder.block());
        self.builder.branch(same, body, other, span);
        self.builder.seal(body);
        self.builder.seal(other);
        self.builder.switch_to(other);
        let result = self.builder.constant(self.probe.default_result, span);
        self.builder.ret(result);
        self.builder.switch_to(body);
    }

    fn run(mut self) -> ir::Function {
        self.body(&self.probe.body);
        if !self.builder.is_terminated() {
            let result = self.builder.constant(self.probe.default_result, self.probe.span.after());
            self.builder.ret(result);
        }
        self.builder.finish()
    }

    fn storage(&self, VariableId(id): VariableId) -> Storage {
        self.storage[id as usize]
    }
}
