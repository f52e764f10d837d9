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
mod function;
mod map;
mod map_loop;
mod operator;
mod place;
mod record;
mod stmt;
mod system;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use crate::ir::builder::{self, FunctionBuilder};
use crate::ir::{self, BlockId, FunctionId, SlotId, Value};
use crate::structures::Structures;
use crate::typed::{self, VariableId};
use crate::types::MapValue;
use crate::types::layout::Layout;
use place::Place;
use record::Records;

/// The IR of a program that was checked without an error.
pub fn lower(program: &typed::Program, structures: &Structures<'_>) -> ir::Module {
    let mut records = Records::new(structures);
    let mut programs = Vec::new();
    for (index, probe) in program.probes.iter().enumerate() {
        let mut lowering = Lowering::new(program, probe, &mut records);
        if let Some(process) = program.process {
            lowering.only_of(process);
        }
        let (function, subprograms, shared) = lowering.run();
        let provider = probe.points.first().map_or("probe", |point| point.provider());
        programs.push(ir::Program {
            name: format!("{provider}_{}", index + 1),
            points: probe.points.clone(),
            function,
            subprograms,
            shared,
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
        evicts: map.evicts,
    }
}

/// Where a scratch variable lives.
#[derive(Clone, Copy)]
enum Storage {
    /// In SSA values.
    Word(builder::Variable),
    /// In memory of its own.
    Memory(Place),
    /// A word at a byte of the memory that functions share.
    Shared(u32),
}

/// A loop around the place being lowered.
struct Loop {
    on_break: BlockId,
    on_continue: BlockId,
    /// What must be closed when a `return` leaves it.
    state: Option<SlotId>,
}

/// A walk through one probe. What belongs to the function being written changes at the body of a loop over a
/// map.
struct Lowering<'a, 'r> {
    program: &'a typed::Program,
    probe: &'a typed::Probe,
    records: &'a mut Records<'r>,
    subprograms: Vec<ir::Subprogram>,
    /// The subprograms of functions that were called so far.
    functions: BTreeMap<u32, FunctionId>,
    /// Bytes of shared memory so far.
    shared: u32,
    /// Those of the probe or function.
    variables: &'a [typed::Variable],
    /// What a `return` without a value gives.
    default_result: i64,
    /// By variable; given at its first use, which is in the function it belongs to.
    storage: Vec<Option<Storage>>,
    /// Where in shared memory lies whether the body of a loop has left the program, then the result.
    leaving: Option<u32>,
    builder: FunctionBuilder,
    /// The function is the body of a loop over a map.
    is_body: bool,
    /// The body may leave the whole program.
    leaves: bool,
    loops: Vec<Loop>,
    /// Temporaries of statements that are done, and of those that are not.
    free: Vec<(SlotId, Layout)>,
    used: Vec<(SlotId, Layout)>,
    /// What `typed::ExprKind::Old` stands for.
    old: Option<Value>,
}

impl<'a, 'r> Lowering<'a, 'r> {
    fn new(program: &'a typed::Program, probe: &'a typed::Probe, records: &'a mut Records<'r>) -> Self {
        Self {
            program,
            probe,
            records,
            subprograms: Vec::new(),
            functions: BTreeMap::new(),
            shared: 0,
            variables: &probe.variables,
            default_result: probe.default_result,
            storage: vec![None; probe.variables.len()],
            leaving: None,
            builder: FunctionBuilder::new(),
            is_body: false,
            leaves: false,
            loops: Vec::new(),
            free: Vec::new(),
            used: Vec::new(),
            old: None,
        }
    }

    /// Returns at once for events of other processes, where the probe cannot be attached to one process.
    fn only_of(&mut self, process: u32) {
        use crate::probes::AttachPoint::{Fentry, Kprobe, RawTracepoint, Tracepoint};
        if !matches!(
            self.probe.points.first(),
            Some(Tracepoint { .. } | RawTracepoint { .. } | Kprobe { .. } | Fentry { .. })
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

    fn run(mut self) -> (ir::Function, Vec<ir::Subprogram>, u32) {
        self.body(&self.probe.body);
        if !self.builder.is_terminated() {
            let result = self.builder.constant(self.probe.default_result, self.probe.span.after());
            self.builder.ret(result);
        }
        (self.builder.finish(), self.subprograms, self.shared)
    }

    fn storage(&mut self, VariableId(id): VariableId) -> Storage {
        if let Some(storage) = self.storage[id as usize] {
            return storage;
        }
        let variable = &self.variables[id as usize];
        let layout = Layout::of(&variable.ty);
        let storage = match (variable.ty.is_scalar(), variable.is_shared) {
            (true, true) => Storage::Shared(self.share(8)),
            (true, false) => Storage::Word(self.builder.variable()),
            (false, true) => Storage::Memory(Place::shared(self.share(layout.size))),
            (false, false) => Storage::Memory(Place::of(self.slot(&layout))),
        };
        self.storage[id as usize] = Some(storage);
        storage
    }

    /// Room in the memory that functions share.
    fn share(&mut self, size: u32) -> u32 {
        let offset = self.shared;
        self.shared += size.next_multiple_of(8);
        offset
    }
}
