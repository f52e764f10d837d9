//! [`ir::Program`] → [`VCode`]: operations become BPF instructions and calls of helpers.
//!
//! Constants and addresses of slots are not computed where the IR defines them but folded into the
//! instructions that use them; a comparison that only decides branches becomes the jump itself. The
//! operations of one family share a file: `memory`, `text`, `search`, `system`, `map`, `aggregate`, `bucket`, `record`,
//! `repeat`, `call`, and `context` for what the context and the current task tell; `block`, `operation` and `write`
//! serve all.
//!
//! *Not here:* which register holds what (`regalloc`), where memory lies (`frame`).

mod aggregate;
mod block;
mod bucket;
mod call;
mod context;
mod map;
mod memory;
mod notice;
mod operation;
mod record;
mod repeat;
mod search;
mod series;
mod system;
mod text;
mod write;

use std::collections::{HashMap, HashSet};

use probebook_lang::ir::{self, MapId, Op, SlotId, Terminator, Value};
use probebook_lang::source::Span;

use super::target::Target;
use super::vcode::{Base, Label, Mem, Operand, Reg, VCode, VEnd, VInst};
use super::{Found, Unsupported};
use crate::isa::{Cond, Width};
use crate::object::{MapRef, MapSpec};

/// Selects the instructions of a program's function for events, or of one of its subprograms.
pub(super) fn select(
    module: &ir::Module,
    program: &ir::Program,
    subprogram: Option<&ir::Subprogram>,
    maps: &[MapSpec],
    target: &Target,
    found: &mut Found,
) -> Result<VCode, Unsupported> {
    let function = subprogram.map_or(&program.function, |sub| &sub.function);
    let mut selector = Selector::new(module, program, function, maps, target, found);
    selector.span = subprogram.map_or(program.span, |sub| sub.span);
    selector.prologue(subprogram.map(|sub| &sub.role));
    for block in ir::flow::Flow::new(function).order {
        selector.block(block)?;
    }
    Ok(selector.code)
}

/// An argument of a call.
#[derive(Clone, Copy)]
enum Arg {
    Operand(Operand),
    Number(u64),
    Map(MapRef),
    /// The address, not what lies there.
    Address(Mem),
}

impl From<Reg> for Arg {
    fn from(reg: Reg) -> Self {
        Self::Operand(reg.into())
    }
}

impl From<i32> for Arg {
    fn from(number: i32) -> Self {
        Self::Operand(number.into())
    }
}

/// A counting loop without the kernel's iterators.
#[derive(Clone, Copy)]
struct Counting {
    /// The first number with an iterator, the next one without.
    from: Reg,
    to: Reg,
    starts_at_zero: bool,
}

struct Selector<'a> {
    module: &'a ir::Module,
    program: &'a ir::Program,
    /// The function being selected.
    function: &'a ir::Function,
    maps: &'a [MapSpec],
    target: &'a Target,
    found: &'a mut Found,
    code: VCode,
    /// Where instructions go now.
    current: Label,
    span: Span,
    /// The operation that defines each value; none for parameters.
    definitions: Vec<Option<&'a Op>>,
    /// Values that must be in a register because more than a branch reads them.
    materialised: Vec<bool>,
    /// How many branches read each value.
    branches: Vec<u32>,
    registers: Vec<Option<Reg>>,
    labels: Vec<Label>,
    slots: Vec<u32>,
    loops: HashMap<SlotId, Counting>,
    /// The program's context; functions that are called do not know it.
    context: Option<Reg>,
    /// What this function was called with.
    parameters: Vec<Reg>,
    /// What the body of a loop over a map needs of its program, once there is such a loop.
    link: Option<Mem>,
    /// Slots that every operation may use for a moment: a key, a value.
    temporary: [Option<u32>; 2],
    /// The element that the operation before looked up, with its map and key.
    looked_up: Option<(MapId, Mem, Reg)>,
    /// Maps from which programs delete: their elements mostly do not exist when they are set.
    shrinking: HashSet<MapId>,
    /// The address of an array's element that is in a register, until the next call.
    element: Option<(MapId, Reg)>,
}

/// Which of the slots for a moment.
#[derive(Clone, Copy)]
enum Temporary {
    Key,
    Value,
}

impl<'a> Selector<'a> {
    fn new(
        module: &'a ir::Module,
        program: &'a ir::Program,
        function: &'a ir::Function,
        maps: &'a [MapSpec],
        target: &'a Target,
        found: &'a mut Found,
    ) -> Self {
        let code = VCode {
            blocks: Vec::new(),
            slots: Vec::new(),
            registers: Reg::FIRST,
            region: None,
            prologue: Label(0),
            quit: Label(0),
        };
        let count = function.values.len();
        let mut selector = Self {
            module,
            program,
            function,
            maps,
            target,
            found,
            code,
            current: Label(0),
            span: program.span,
            definitions: vec![None; count],
            materialised: vec![false; count],
            branches: vec![0; count],
            registers: vec![None; count],
            labels: Vec::new(),
            slots: Vec::new(),
            loops: HashMap::new(),
            context: None,
            parameters: Vec::new(),
            link: None,
            temporary: [None; 2],
            looked_up: None,
            shrinking: shrinking(module),
            element: None,
        };
        selector.current = selector.label();
        selector.code.prologue = selector.label();
        selector.code.quit = selector.label();
        selector.labels = function.blocks.iter().map(|_| selector.label()).collect();
        for slot in &function.slots {
            let index = selector.code.slot(slot.size, false);
            selector.slots.push(index);
        }
        for block in &function.blocks {
            for &param in &block.params {
                let register = selector.code.register();
                selector.registers[param.0 as usize] = Some(register);
            }
            for inst in &block.insts {
                if let Some(result) = inst.result {
                    selector.definitions[result.0 as usize] = Some(&inst.op);
                }
                for operand in inst.op.operands() {
                    selector.materialised[operand.0 as usize] = true;
                }
            }
            match &block.terminator {
                Terminator::Branch { condition, .. } => selector.branches[condition.0 as usize] += 1,
                Terminator::Return(value) => selector.materialised[value.0 as usize] = true,
                _ => {}
            }
            for argument in block.terminator.targets().iter().flat_map(|target| &target.arguments) {
                selector.materialised[argument.0 as usize] = true;
            }
        }
        selector
    }

    /// Keeps what the function was called with, and lets event programs return at once while the gate is closed.
    fn prologue(&mut self, role: Option<&ir::Role>) {
        let (prologue, quit) = (self.code.prologue, self.code.quit);
        match role {
            None => {
                self.context = Some(self.copied(Reg::R1));
                if self.program.points.iter().any(|point| !point.is_special()) {
                    let gate = self.global(std::mem::offset_of!(crate::object::Globals, gate) as u32);
                    self.branch(Cond::Ne, gate, 0, prologue, quit);
                } else {
                    self.jump(prologue);
                }
            }
            Some(role) => {
                self.called_as(role);
                self.jump(prologue);
            }
        }
        self.begin(quit);
        self.inst(VInst::Mov(Reg::R0, 0.into()));
        self.end(VEnd::Exit);
        self.begin(prologue);
        self.jump(self.labels[0]);
    }

    /// Reads a word of the session's globals.
    fn global(&mut self, offset: u32) -> Reg {
        let address = self.code.register();
        self.inst(VInst::Map(address, MapRef::Globals, Some(offset)));
        self.load(Mem::at(address), Width::B8, false)
    }

    // Reading values.

    fn constant(&self, value: Value) -> Option<i64> {
        match self.definitions[value.0 as usize] {
            Some(Op::Const(constant)) => Some(*constant),
            _ => None,
        }
    }

    /// The register that a value is defined in.
    fn result(&mut self, value: Value) -> Reg {
        match self.registers[value.0 as usize] {
            Some(register) => register,
            None => {
                let register = self.code.register();
                self.registers[value.0 as usize] = Some(register);
                register
            }
        }
    }

    fn operand(&mut self, value: Value) -> Operand {
        match self.definitions[value.0 as usize] {
            Some(Op::Const(constant)) => self.number(*constant),
            Some(Op::SlotAddress(..) | Op::SharedAddress(_)) => {
                let (dst, mem) = (self.code.register(), self.mem(value));
                self.inst(VInst::Address(dst, mem));
                dst.into()
            }
            _ => self.result(value).into(),
        }
    }

    fn reg(&mut self, value: Value) -> Reg {
        match self.operand(value) {
            Operand::Reg(reg) => reg,
            number @ Operand::Imm(_) => self.copied(number),
        }
    }

    /// The local memory that a value points to.
    fn mem(&mut self, value: Value) -> Mem {
        match self.definitions[value.0 as usize] {
            Some(Op::SlotAddress(slot, offset)) => Mem::slot(self.slots[slot.0 as usize]).plus(*offset),
            Some(Op::SharedAddress(offset)) => Mem { base: Base::Region, offset: *offset, align: 8 },
            // A pointer that came through a parameter may point anywhere.
            _ => Mem { base: Base::Reg(self.result(value)), offset: 0, align: 1 },
        }
    }
}

/// The maps from which a program deletes.
fn shrinking(module: &ir::Module) -> HashSet<MapId> {
    let insts = module.programs.iter().flat_map(ir::Program::insts);
    insts
        .filter_map(|inst| match inst.op {
            Op::MapDelete { map, .. } => Some(map),
            _ => None,
        })
        .collect()
}

/// Whether an operation is a question that jumps answer.
fn is_test(op: &Op) -> bool {
    matches!(
        op,
        Op::Compare(..) | Op::StringEq { .. } | Op::BytesEq { .. } | Op::BytesAre { .. } | Op::MapHas { .. }
    )
}

fn condition_of(cond: ir::Cond) -> Cond {
    match cond {
        ir::Cond::Eq => Cond::Eq,
        ir::Cond::Ne => Cond::Ne,
        ir::Cond::SignedLt => Cond::SignedLt,
        ir::Cond::SignedLe => Cond::SignedLe,
        ir::Cond::SignedGt => Cond::SignedGt,
        ir::Cond::SignedGe => Cond::SignedGe,
        ir::Cond::UnsignedLt => Cond::UnsignedLt,
        ir::Cond::UnsignedLe => Cond::UnsignedLe,
        ir::Cond::UnsignedGt => Cond::UnsignedGt,
        ir::Cond::UnsignedGe => Cond::UnsignedGe,
    }
}

/// The width of so many bytes, 1, 2, 4 or 8 as `ir::verify` has checked.
fn width_of(bytes: u8) -> Width {
    Width::of(u32::from(bytes)).unwrap_or(Width::B8)
}
