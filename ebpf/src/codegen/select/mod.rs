//! [`ir::Program`] → [`VCode`]: operations become BPF instructions and calls of helpers.
//!
//! Constants and addresses of slots are not computed where the IR defines them but folded into the
//! instructions that use them; a comparison that only decides branches becomes the jump itself. The
//! operations of one family share a file: [`memory`], [`text`], [`map`], [`aggregate`], [`bucket`], [`record`],
//! and `context` for what the program's context and the current task tell.
//!
//! *Not here:* which register holds what (`regalloc`), where memory lies (`frame`).

mod aggregate;
mod bucket;
mod context;
mod map;
mod memory;
mod record;
mod text;

use std::collections::HashMap;

use probebook_lang::ir::{self, Arith, BlockId, Op, SlotId, Terminator, Value};
use probebook_lang::source::Span;

use super::Unsupported;
use super::target::Target;
use super::vcode::{Base, Callee, Label, Mem, Operand, Reg, VBlock, VCode, VEnd, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::{MapRef, MapSpec};

/// Selects the instructions of a program.
pub(super) fn select(
    module: &ir::Module,
    program: &ir::Program,
    maps: &[MapSpec],
    target: &Target,
) -> Result<VCode, Unsupported> {
    let mut selector = Selector::new(module, program, maps, target);
    selector.prologue();
    for block in ir::flow::Flow::new(&program.function).order {
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
    maps: &'a [MapSpec],
    target: &'a Target,
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
    /// The program's context.
    context: Reg,
    /// Slots that every operation may use for a moment: a key, a value.
    temporary: [Option<u32>; 2],
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
        maps: &'a [MapSpec],
        target: &'a Target,
    ) -> Self {
        let function = &program.function;
        let code = VCode {
            blocks: Vec::new(),
            slots: Vec::new(),
            registers: Reg::FIRST,
            prologue: Label(0),
            quit: Label(0),
        };
        let count = function.values.len();
        let mut selector = Self {
            module,
            program,
            maps,
            target,
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
            context: Reg::R1,
            temporary: [None; 2],
        };
        selector.current = selector.label();
        selector.code.prologue = selector.label();
        selector.code.quit = selector.cold_label();
        selector.labels = function.blocks.iter().map(|_| selector.label()).collect();
        selector.context = selector.code.register();
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

    /// Keeps the context, and lets event programs return at once while the gate is closed.
    fn prologue(&mut self) {
        self.inst(VInst::Mov(self.context, Reg::R1.into()));
        let (prologue, quit) = (self.code.prologue, self.code.quit);
        if self.program.points.iter().any(|point| !point.is_special()) {
            let gate = self.global(std::mem::offset_of!(crate::object::Globals, gate) as u32);
            self.branch(Cond::Eq, gate, 0, quit, prologue);
        } else {
            self.jump(prologue);
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

    // Writing code.

    fn label(&mut self) -> Label {
        let end = VEnd::Open;
        self.code.blocks.push(VBlock { insts: Vec::new(), end, end_span: self.span, cold: false });
        Label(self.code.blocks.len() as u32 - 1)
    }

    fn cold_label(&mut self) -> Label {
        let label = self.label();
        self.code.blocks[label.0 as usize].cold = true;
        label
    }

    fn begin(&mut self, label: Label) {
        self.current = label;
    }

    fn inst(&mut self, inst: VInst) {
        let span = self.span;
        self.code.blocks[self.current.0 as usize].insts.push((inst, span));
    }

    fn end(&mut self, end: VEnd) {
        let block = &mut self.code.blocks[self.current.0 as usize];
        debug_assert_eq!(block.end, VEnd::Open);
        block.end = end;
        block.end_span = self.span;
    }

    fn jump(&mut self, to: Label) {
        self.end(VEnd::Jump(to));
    }

    fn branch(&mut self, cond: Cond, a: Reg, b: impl Into<Operand>, then: Label, otherwise: Label) {
        self.end(VEnd::Branch { cond, a, b: b.into(), then, otherwise });
    }

    /// Branches away to `then`, and goes on where the condition does not hold.
    fn branch_away(&mut self, cond: Cond, a: Reg, b: impl Into<Operand>, then: Label) {
        let go_on = self.label();
        self.branch(cond, a, b, then, go_on);
        self.begin(go_on);
    }

    fn mov(&mut self, dst: Reg, src: impl Into<Operand>) {
        self.inst(VInst::Mov(dst, src.into()));
    }

    /// A copy in a new register.
    fn copied(&mut self, src: impl Into<Operand>) -> Reg {
        let dst = self.code.register();
        self.mov(dst, src);
        dst
    }

    fn alu(&mut self, op: AluOp, dst: Reg, src: impl Into<Operand>) {
        self.inst(VInst::Alu(op, dst, src.into()));
    }

    fn load(&mut self, mem: Mem, width: Width, signed: bool) -> Reg {
        let dst = self.code.register();
        self.inst(VInst::Load { dst, mem, width, signed });
        dst
    }

    fn store(&mut self, mem: Mem, width: Width, src: impl Into<Operand>) {
        self.inst(VInst::Store { mem, width, src: src.into() });
    }

    /// A 64-bit number in an operand.
    fn number(&mut self, number: i64) -> Operand {
        match i32::try_from(number) {
            Ok(number) => Operand::Imm(number),
            Err(_) => {
                let dst = self.code.register();
                self.inst(VInst::Number(dst, number as u64));
                dst.into()
            }
        }
    }

    fn call(&mut self, callee: Callee, arguments: &[Arg]) {
        for (index, argument) in arguments.iter().enumerate() {
            let dst = Reg(index as u32 + 1);
            self.inst(match *argument {
                Arg::Operand(operand) => VInst::Mov(dst, operand),
                Arg::Number(number) => match i32::try_from(number as i64) {
                    Ok(number) => VInst::Mov(dst, number.into()),
                    Err(_) => VInst::Number(dst, number),
                },
                Arg::Map(map) => VInst::Map(dst, map, None),
                Arg::Address(mem) => VInst::Address(dst, mem),
            });
        }
        self.inst(VInst::Call(callee, arguments.len() as u8));
    }

    fn helper(&mut self, helper: Helper, arguments: &[Arg]) {
        self.call(Callee::Helper(helper), arguments);
    }

    /// Calls a helper and keeps what it returns.
    fn helper_value(&mut self, helper: Helper, arguments: &[Arg]) -> Reg {
        self.helper(helper, arguments);
        self.copied(Reg::R0)
    }

    /// A slot for the moment of one operation, at least so big.
    fn temporary(&mut self, which: Temporary, size: u32) -> Mem {
        let index = match self.temporary[which as usize] {
            Some(index) => index,
            None => {
                let index = self.code.slot(size, false);
                self.temporary[which as usize] = Some(index);
                index
            }
        };
        let slot = &mut self.code.slots[index as usize];
        slot.size = slot.size.max(size.next_multiple_of(8));
        Mem::slot(index)
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
            Some(Op::SlotAddress(slot, offset)) => {
                let dst = self.code.register();
                self.inst(VInst::Address(dst, Mem::slot(self.slots[slot.0 as usize]).plus(*offset)));
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
            // A pointer that came through a parameter may point anywhere.
            _ => Mem { base: Base::Reg(self.result(value)), offset: 0, align: 1 },
        }
    }

    // Blocks.

    fn block(&mut self, id: BlockId) -> Result<(), Unsupported> {
        let block = &self.program.function.blocks[id.0 as usize];
        self.begin(self.labels[id.0 as usize]);
        let last = block.insts.len().wrapping_sub(1);
        for (at, inst) in block.insts.iter().enumerate() {
            self.span = inst.span;
            // A test that only the branch right behind it reads needs no 0 or 1 in between.
            if at == last
                && let (Some(result), Terminator::Branch { condition, then, otherwise, span }) =
                    (inst.result, &block.terminator)
                && result == *condition
                && self.branches[result.0 as usize] == 1
                && !self.materialised[result.0 as usize]
                && is_test(&inst.op)
            {
                let (yes, no) = (self.edge(then), self.edge(otherwise));
                self.span = inst.span.to(*span);
                return self.test(&inst.op, yes, no);
            }
            match inst.result {
                Some(result) => self.value(result, &inst.op)?,
                None => self.effect(&inst.op)?,
            }
        }
        self.terminator(&block.terminator);
        Ok(())
    }

    fn terminator(&mut self, terminator: &Terminator) {
        match terminator {
            Terminator::Jump(target) => {
                self.moves(target, 0);
                self.jump(self.labels[target.block.0 as usize]);
            }
            Terminator::Branch { condition, then, otherwise, span } => {
                self.span = *span;
                let (yes, no) = (self.edge(then), self.edge(otherwise));
                match self.definitions[condition.0 as usize] {
                    Some(&Op::Compare(cond, a, b)) => {
                        let (a, b) = (self.reg(a), self.operand(b));
                        self.branch(condition_of(cond), a, b, yes, no);
                    }
                    Some(&Op::Arith(Arith::And, a, b)) if !self.materialised[condition.0 as usize] => {
                        let (a, b) = (self.reg(a), self.operand(b));
                        self.branch(Cond::Set, a, b, yes, no);
                    }
                    _ => {
                        let condition = self.reg(*condition);
                        self.branch(Cond::Ne, condition, 0, yes, no);
                    }
                }
            }
            Terminator::Next { state, body, done, span } => {
                self.span = *span;
                self.next(*state, body, done);
            }
            Terminator::Return(value) => {
                match self.operand(*value) {
                    Operand::Imm(0) => return self.jump(self.code.quit),
                    operand => self.mov(Reg::R0, operand),
                }
                self.end(VEnd::Exit);
            }
            // `ir::verify` allows it only where nothing leads.
            Terminator::Missing => self.jump(self.code.quit),
        }
    }

    /// A label that leads to a target: its block, or a block that moves the arguments first.
    fn edge(&mut self, target: &ir::Target) -> Label {
        let to = self.labels[target.block.0 as usize];
        if target.arguments.is_empty() {
            return to;
        }
        let (here, edge) = (self.current, self.label());
        self.begin(edge);
        self.moves(target, 0);
        self.jump(to);
        self.begin(here);
        edge
    }

    /// Moves the arguments to the target's parameters from `first` on, all at the same time.
    fn moves(&mut self, target: &ir::Target, first: usize) {
        let params = &self.program.function.blocks[target.block.0 as usize].params[first..];
        let mut pending: Vec<(Reg, Value)> = Vec::new();
        let mut from: Vec<Option<Reg>> = Vec::new();
        for (&param, &argument) in params.iter().zip(&target.arguments) {
            let dst = self.result(param);
            // Constants and addresses are not in registers.
            let folded =
                matches!(self.definitions[argument.0 as usize], Some(Op::Const(_) | Op::SlotAddress(..)));
            let src = if folded { None } else { Some(self.result(argument)) };
            if src != Some(dst) {
                pending.push((dst, argument));
                from.push(src);
            }
        }
        while !pending.is_empty() {
            let ready = (0..pending.len()).find(|&index| {
                let dst = Some(pending[index].0);
                from.iter().enumerate().all(|(other, src)| other == index || *src != dst)
            });
            match ready {
                Some(index) => {
                    let (dst, argument) = pending.remove(index);
                    match (from.remove(index), self.definitions[argument.0 as usize]) {
                        (Some(src), _) => self.mov(dst, src),
                        (None, Some(Op::SlotAddress(slot, offset))) => {
                            let mem = Mem::slot(self.slots[slot.0 as usize]).plus(*offset);
                            self.inst(VInst::Address(dst, mem));
                        }
                        (None, _) => {
                            let operand = self.operand(argument);
                            self.mov(dst, operand);
                        }
                    }
                }
                None => {
                    // A cycle: one of the targets is kept aside.
                    let dst = pending[0].0;
                    let aside = self.copied(dst);
                    from.iter_mut().filter(|src| **src == Some(dst)).for_each(|src| *src = Some(aside));
                }
            }
        }
    }

    // Operations.

    /// An operation with a result.
    fn value(&mut self, result: Value, op: &'a Op) -> Result<(), Unsupported> {
        let wanted = self.materialised[result.0 as usize] || self.branches[result.0 as usize] > 0;
        match op {
            Op::Const(_) | Op::SlotAddress(..) => {}
            // Branches compare again by themselves.
            Op::Compare(..) if !self.materialised[result.0 as usize] => {}
            Op::Arith(Arith::And, ..) if !self.materialised[result.0 as usize] => {}
            Op::Arith(arith, a, b) => self.arith(result, *arith, *a, *b),
            Op::Extend { value, width, signed } => {
                let dst = self.result(result);
                let src = self.reg(*value);
                self.extend(dst, src, *width, *signed);
            }
            Op::Swap { value, width } => {
                let dst = self.result(result);
                let src = self.operand(*value);
                self.mov(dst, src);
                self.inst(VInst::Swap(dst, width_of(*width)));
            }
            Op::Load { memory, offset, width, signed } => {
                let dst = self.result(result);
                let mem = self.mem(*memory).plus(*offset);
                self.load_any(dst, mem, *width, *signed);
            }
            op if is_test(op) => {
                let (yes, done) = (self.label(), self.label());
                let dst = self.result(result);
                let no = self.label();
                self.test(op, yes, no)?;
                for (label, truth) in [(no, 0), (yes, 1)] {
                    self.begin(label);
                    self.mov(dst, truth);
                    self.jump(done);
                }
                self.begin(done);
            }
            Op::ReadString { to, capacity, limit, space, address } => {
                let length = wanted.then(|| self.result(result));
                self.read_string(*to, *capacity, *limit, *space, *address, length);
            }
            Op::Context { .. }
            | Op::ContextAddress(_)
            | Op::Argument(_)
            | Op::ReturnValue
            | Op::Ambient(_) => {
                let dst = self.result(result);
                self.fact(dst, op)?;
            }
            Op::MapGet { map, key } => {
                let dst = self.result(result);
                self.map_get(dst, *map, *key);
            }
            Op::MapDelete { map, key } => {
                let existed = wanted.then(|| self.result(result));
                self.map_delete(*map, *key, existed)?;
            }
            Op::MapLen(map) => {
                let dst = self.result(result);
                self.map_len(dst, *map)?;
            }
            Op::AggregateGet { map, key } => {
                let dst = self.result(result);
                self.merge(dst, *map, *key);
            }
            _ => return self.effect(op),
        }
        Ok(())
    }

    /// An operation without a result.
    fn effect(&mut self, op: &'a Op) -> Result<(), Unsupported> {
        match op {
            Op::Store { memory, offset, width, value } => {
                let mem = self.mem(*memory).plus(*offset);
                self.store_any(mem, *width, *value);
            }
            Op::Zero { memory, offset, size } => {
                let mem = self.mem(*memory).plus(*offset);
                self.zero(mem, *size);
            }
            Op::Write { memory, offset, data } => {
                let mem = self.mem(*memory).plus(*offset);
                self.write(mem, data);
            }
            Op::Copy { to, to_offset, from, from_offset, size } => {
                let (to, from) = (self.mem(*to).plus(*to_offset), self.mem(*from).plus(*from_offset));
                self.copy(to, from, *size);
            }
            Op::Read { to, size, space, address } => self.read(*to, *size, *space, *address),
            Op::Comm { to } => {
                let to = self.mem(*to);
                self.helper(Helper::GetCurrentComm, &[Arg::Address(to), 16.into()]);
            }
            Op::MapRead { map, key, to } => self.map_read(*map, *key, *to),
            Op::MapSet { map, key, value } => self.map_set(*map, *key, *value),
            Op::MapWrite { map, key, bytes } => self.map_write(*map, *key, *bytes),
            Op::Aggregate { map, key, aggregation, value } => {
                self.aggregate(*map, *key, *aggregation, *value);
            }
            Op::Emit { record, fields } => self.emit_record(*record, fields),
            Op::LoopOpen { state, from, to } => self.loop_open(*state, *from, *to),
            Op::LoopClose { state } => {
                if let Some([_, _, destroy]) = self.target.iter_num {
                    let slot = self.slots[state.0 as usize];
                    self.call(Callee::Kfunc(destroy), &[Arg::Address(Mem::slot(slot))]);
                }
            }
            other => unreachable!("`{other}` has a result"),
        }
        Ok(())
    }

    /// Jumps by a test; the current block is ended.
    fn test(&mut self, op: &'a Op, yes: Label, no: Label) -> Result<(), Unsupported> {
        match op {
            Op::Compare(cond, a, b) => {
                let (a, b) = (self.reg(*a), self.operand(*b));
                self.branch(condition_of(*cond), a, b, yes, no);
                Ok(())
            }
            Op::StringEq { a, b, size } => {
                let (a, b) = (self.mem(*a), self.mem(*b));
                self.string_eq(a, b, *size, yes, no);
                Ok(())
            }
            Op::BytesEq { a, b, size } => {
                let (a, b) = (self.mem(*a), self.mem(*b));
                self.bytes_eq(a, b, *size, yes, no);
                Ok(())
            }
            Op::MapHas { map, key } => self.map_has(*map, *key, yes, no),
            other => unreachable!("`{other}` is no test"),
        }
    }

    fn arith(&mut self, result: Value, arith: Arith, a: Value, b: Value) {
        let op = match arith {
            Arith::Add => AluOp::Add,
            Arith::Sub => AluOp::Sub,
            Arith::Mul => AluOp::Mul,
            Arith::Div => AluOp::Div,
            Arith::Mod => AluOp::Mod,
            Arith::And => AluOp::And,
            Arith::Or => AluOp::Or,
            Arith::Xor => AluOp::Xor,
            Arith::Shl => AluOp::Shl,
            Arith::Shr => AluOp::Shr,
            Arith::Sar => AluOp::Sar,
        };
        let dst = self.result(result);
        let (left, mut right) = (self.operand(a), self.operand(b));
        match (op, right) {
            // The verifier refuses constant shifts out of range and divisors of 0.
            (AluOp::Shl | AluOp::Shr | AluOp::Sar, Operand::Imm(n)) => right = Operand::Imm(n & 63),
            (AluOp::Div, Operand::Imm(0)) => return self.mov(dst, 0),
            (AluOp::Mod, Operand::Imm(0)) => return self.mov(dst, left),
            _ => {}
        }
        if left == Operand::Imm(0) && op == AluOp::Sub {
            self.mov(dst, right);
            return self.inst(VInst::Neg(dst));
        }
        self.mov(dst, left);
        self.alu(op, dst, right);
    }

    fn extend(&mut self, dst: Reg, src: Reg, width: u8, signed: bool) {
        if signed {
            return self.inst(VInst::MoveSigned(dst, src, width_of(width)));
        }
        self.mov(dst, src);
        match width {
            1 => self.alu(AluOp::And, dst, 0xff),
            2 => self.alu(AluOp::And, dst, 0xffff),
            _ => {
                self.alu(AluOp::Shl, dst, 32);
                self.alu(AluOp::Shr, dst, 32);
            }
        }
    }

    // Loops.

    fn loop_open(&mut self, state: SlotId, from: Value, to: Value) {
        let bounds = (self.constant(from), self.constant(to));
        let starts_at_zero = bounds.0 == Some(0);
        let (from, to) = (self.operand(from), self.operand(to));
        let (from, to) = (self.copied(from), self.copied(to));
        self.loops.insert(state, Counting { from, to, starts_at_zero });
        let Some([new, _, _]) = self.target.iter_num else { return };
        // The kernel counts in 32 bits and up to 8 million: it counts from 0, we add where to start.
        const MOST: i32 = 8 << 20;
        let count = match bounds {
            (Some(from), Some(to)) => {
                let distance = i128::from(to) - i128::from(from);
                Operand::Imm(distance.clamp(0, i128::from(MOST)) as i32)
            }
            _ => {
                let count = self.copied(0);
                let (some, many, open) = (self.label(), self.label(), self.label());
                self.branch(Cond::SignedGe, from, to, open, some);
                self.begin(some);
                self.mov(count, to);
                self.alu(AluOp::Sub, count, from);
                self.branch(Cond::UnsignedGt, count, MOST, many, open);
                self.begin(many);
                self.mov(count, MOST);
                self.jump(open);
                self.begin(open);
                count.into()
            }
        };
        let slot = self.slots[state.0 as usize];
        self.code.slots[slot as usize].on_stack = true;
        self.call(Callee::Kfunc(new), &[Arg::Address(Mem::slot(slot)), 0.into(), Arg::Operand(count)]);
    }

    fn next(&mut self, state: SlotId, body: &ir::Target, done: &ir::Target) {
        let Some(&Counting { from, to, starts_at_zero }) = self.loops.get(&state) else {
            // A loop that was never opened has no numbers.
            let done = self.edge(done);
            return self.jump(done);
        };
        let done = self.edge(done);
        let go = self.label();
        let number = match self.program.function.blocks[body.block.0 as usize].params.first() {
            Some(&param) => self.result(param),
            None => self.code.register(),
        };
        if let Some([_, next, _]) = self.target.iter_num {
            let slot = self.slots[state.0 as usize];
            self.call(Callee::Kfunc(next), &[Arg::Address(Mem::slot(slot))]);
            let item = self.copied(Reg::R0);
            self.branch(Cond::Eq, item, 0, done, go);
            self.begin(go);
            let mem = Mem { align: 4, ..Mem::at(item) };
            self.inst(VInst::Load { dst: number, mem, width: Width::B4, signed: false });
            if !starts_at_zero {
                self.alu(AluOp::Add, number, from);
            }
        } else {
            self.branch(Cond::SignedGe, from, to, done, go);
            self.begin(go);
            self.mov(number, from);
            self.alu(AluOp::Add, from, 1);
        }
        self.moves(body, 1);
        self.jump(self.labels[body.block.0 as usize]);
    }
}

/// Whether an operation is a question that jumps answer.
fn is_test(op: &Op) -> bool {
    matches!(op, Op::Compare(..) | Op::StringEq { .. } | Op::BytesEq { .. } | Op::MapHas { .. })
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
