//! [`VCode`] in physical registers → words, relocations and spans: the last step.
//!
//! Jumps to the next block and moves of a register to itself vanish here.

use std::collections::HashSet;

use probebook_lang::source::Span;

use super::frame::Frame;
use super::target::Target;
use super::vcode::{Base, Callee, Label, Mem, Operand, Reg, VBlock, VCode, VEnd, VInst};
use crate::isa::{AluOp, Immediate, Instruction, Source, Width};
use crate::object::Relocation;

/// Distances from which on jumps are of 32 bits.
const FAR: i64 = 1 << 13;

/// What a function becomes.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    pub code: Vec<u64>,
    pub spans: Vec<Span>,
    pub relocations: Vec<Relocation>,
    /// Words whose immediate is to be the distance of a function of the program.
    pub calls: Vec<(usize, u32)>,
    /// Words whose immediate is to be the scratch bytes of one CPU.
    pub strides: Vec<usize>,
}

/// Emits a function; `None` if a jump is too far for the target.
pub(super) fn emit(mut code: VCode, frame: &Frame, target: &Target) -> Option<Emitted> {
    thread_jumps(&mut code);
    // Branches that reach their target only by a long jump, by their number; each makes the code longer.
    let mut far = HashSet::new();
    loop {
        match emit_with(&code, frame, target, &mut far)? {
            Some(emitted) => return Some(emitted),
            None if target.has_far_jumps() => {}
            None => return None,
        }
    }
}

/// Emits with these branches far; gives nothing where some more have to be, which are then among them.
fn emit_with(
    code: &VCode,
    frame: &Frame,
    target: &Target,
    far: &mut HashSet<usize>,
) -> Option<Option<Emitted>> {
    let layout = code.layout();
    let mut emitter = Emitter { out: Emitted::default(), frame, target };
    let mut start = vec![0; code.blocks.len()];
    // The word of each jump, where it goes, and the number of the branch if it is one.
    let mut jumps: Vec<(usize, Label, Option<usize>)> = Vec::new();
    let mut branches = 0;
    for (index, &label) in layout.iter().enumerate() {
        let block = &code.blocks[label.0 as usize];
        start[label.0 as usize] = emitter.out.code.len();
        for (inst, span) in &block.insts {
            emitter.inst(inst, *span)?;
        }
        let falls_to = |target: Label| layout.get(index + 1) == Some(&target);
        let span = block.end_span;
        match block.end {
            VEnd::Jump(to) => {
                if !falls_to(to) {
                    jumps.push((emitter.out.code.len(), to, None));
                    emitter.push(Instruction::Jump(0), span);
                }
            }
            VEnd::Branch { cond, a, b, then, otherwise } => {
                let (cond, then, otherwise) = match cond.inverted() {
                    Some(inverted) if falls_to(then) => (inverted, otherwise, then),
                    _ => (cond, then, otherwise),
                };
                let number = branches;
                branches += 1;
                if far.contains(&number) {
                    // Over the jump that is taken otherwise, to one that reaches further.
                    emitter.push(Instruction::Branch(cond, register(a), source(b), 1), span);
                    emitter.push(Instruction::Jump(1), span);
                    jumps.push((emitter.out.code.len(), then, None));
                    emitter.push(Instruction::Jump(0), span);
                } else {
                    jumps.push((emitter.out.code.len(), then, Some(number)));
                    emitter.push(Instruction::Branch(cond, register(a), source(b), 0), span);
                }
                if !falls_to(otherwise) {
                    jumps.push((emitter.out.code.len(), otherwise, None));
                    emitter.push(Instruction::Jump(0), span);
                }
            }
            VEnd::Exit | VEnd::Open => emitter.push(Instruction::Exit, span),
        }
    }
    let mut out = emitter.out;
    let mut fits = true;
    for (at, label, branch) in jumps {
        let distance = start[label.0 as usize] as i64 - (at as i64 + 1);
        // Linux exchanges calls of helpers for longer code afterwards, which must not carry a jump too far.
        let near = !target.has_far_jumps() || distance.abs() < FAR;
        match (i16::try_from(distance).ok().filter(|_| near), branch) {
            (Some(offset), _) => out.code[at] |= u64::from(offset as u16) << 16,
            (None, Some(branch)) => {
                far.insert(branch);
                fits = false;
            }
            (None, None) => {
                fits &= target.has_far_jumps();
                let mut word = Vec::new();
                Instruction::JumpFar(i32::try_from(distance).ok()?).encode(&mut word);
                out.code[at] = word[0];
            }
        }
    }
    Some(fits.then_some(out))
}

/// Removes moves of a register to itself, and leads jumps past blocks that only jump on.
fn thread_jumps(code: &mut VCode) {
    for block in &mut code.blocks {
        block.insts.retain(|(inst, _)| !matches!(inst, VInst::Mov(a, Operand::Reg(b)) if a == b));
    }
    let resolve: Vec<Label> =
        (0..code.blocks.len()).map(|index| resolve(code, Label(index as u32))).collect();
    for block in &mut code.blocks {
        match &mut block.end {
            VEnd::Jump(to) => *to = resolve[to.0 as usize],
            VEnd::Branch { then, otherwise, .. } => {
                *then = resolve[then.0 as usize];
                *otherwise = resolve[otherwise.0 as usize];
                if then == otherwise {
                    block.end = VEnd::Jump(*then);
                }
            }
            VEnd::Exit | VEnd::Open => {}
        }
    }
}

/// The block a jump ends up in.
fn resolve(code: &VCode, mut label: Label) -> Label {
    for _ in 0..code.blocks.len() {
        match &code.blocks[label.0 as usize] {
            VBlock { insts, end: VEnd::Jump(next), .. } if insts.is_empty() => label = *next,
            _ => break,
        }
    }
    label
}

fn register(reg: Reg) -> u8 {
    debug_assert!(!reg.is_virtual());
    reg.0 as u8
}

fn source(operand: Operand) -> Source {
    match operand {
        Operand::Reg(reg) => Source::Register(register(reg)),
        Operand::Imm(number) => Source::Immediate(number),
    }
}

struct Emitter<'a> {
    out: Emitted,
    frame: &'a Frame,
    target: &'a Target,
}

impl Emitter<'_> {
    fn push(&mut self, instruction: Instruction, span: Span) {
        instruction.encode(&mut self.out.code);
        self.out.spans.resize(self.out.code.len(), span);
    }

    /// An address as register and offset.
    fn address(&self, mem: Mem) -> Option<(u8, i32)> {
        let offset = i32::try_from(mem.offset).ok()?;
        match mem.base {
            Base::Reg(reg) => Some((register(reg), offset)),
            Base::Region => None,
            Base::Slot(slot) => {
                let below = i32::try_from((*self.frame.below.get(slot as usize)?)?).ok()?;
                Some((register(Reg::R10), offset - below))
            }
        }
    }

    fn inst(&mut self, inst: &VInst, span: Span) -> Option<()> {
        match *inst {
            VInst::Mov(dst, Operand::Reg(src)) if dst == src => {}
            VInst::Mov(dst, src) => {
                self.push(Instruction::Alu(AluOp::Mov, register(dst), source(src)), span);
            }
            VInst::Alu(op, dst, src) => self.push(Instruction::Alu(op, register(dst), source(src)), span),
            VInst::MoveSigned(dst, src, width) => {
                let (dst, src) = (register(dst), register(src));
                if self.target.has_signed_moves() {
                    self.push(Instruction::MoveSigned(dst, src, width), span);
                } else {
                    self.push(Instruction::Alu(AluOp::Mov, dst, Source::Register(src)), span);
                    self.extend(dst, width, span);
                }
            }
            VInst::MoveLow(dst, src) => {
                self.push(Instruction::MoveLow(register(dst), register(src)), span);
            }
            VInst::Swap(dst, width) => self.push(Instruction::Swap(register(dst), width), span),
            VInst::Neg(dst) => self.push(Instruction::Neg(register(dst)), span),
            VInst::Variable(dst, id) => {
                self.push(Instruction::LoadImmediate(register(dst), Immediate::Variable(id)), span);
            }
            VInst::Number(dst, number) => {
                self.push(Instruction::LoadImmediate(register(dst), Immediate::Number(number)), span);
            }
            VInst::Map(dst, map, value_offset) => {
                let index = self.out.code.len() as u32;
                self.out.relocations.push(Relocation { index, map, value_offset });
                self.push(Instruction::LoadImmediate(register(dst), Immediate::Number(0)), span);
            }
            VInst::Function(dst, function) => {
                self.out.calls.push((self.out.code.len(), function));
                self.push(Instruction::LoadImmediate(register(dst), Immediate::Function(0)), span);
            }
            VInst::Stride(dst) => {
                self.out.strides.push(self.out.code.len());
                self.push(Instruction::Alu(AluOp::Mul, register(dst), Source::Immediate(0)), span);
            }
            VInst::Address(dst, mem) => {
                let (base, offset) = self.address(mem)?;
                let dst = register(dst);
                if base != dst {
                    self.push(Instruction::Alu(AluOp::Mov, dst, Source::Register(base)), span);
                }
                if offset != 0 {
                    self.push(Instruction::Alu(AluOp::Add, dst, Source::Immediate(offset)), span);
                }
            }
            VInst::Load { dst, mem, width, signed } => {
                let (base, offset) = self.address(mem)?;
                let (dst, offset) = (register(dst), i16::try_from(offset).ok()?);
                let signed = signed && width != Width::B8;
                let native = signed && self.target.has_signed_moves();
                self.push(Instruction::Load { dst, base, offset, width, signed: native }, span);
                if signed && !native {
                    self.extend(dst, width, span);
                }
            }
            VInst::Store { mem, width, src } => {
                let (base, offset) = self.address(mem)?;
                let offset = i16::try_from(offset).ok()?;
                self.push(Instruction::Store { base, offset, width, src: source(src) }, span);
            }
            VInst::AtomicAdd(address, amount) => {
                let (base, src) = (register(address), register(amount));
                self.push(Instruction::AtomicAdd { base, offset: 0, src }, span);
            }
            VInst::Call(Callee::Helper(helper), _) => {
                self.push(Instruction::CallHelper(helper as u32), span);
            }
            VInst::Call(Callee::Function(function), _) => {
                self.out.calls.push((self.out.code.len(), function));
                self.push(Instruction::CallFunction(0), span);
            }
            VInst::Call(Callee::Kfunc(id), _) => self.push(Instruction::CallKfunc(id), span),
        }
        Some(())
    }

    /// Extends the low bytes of a register by their sign with shifts.
    fn extend(&mut self, dst: u8, width: Width, span: Span) {
        let shift = Source::Immediate(64 - width.bytes() as i32 * 8);
        self.push(Instruction::Alu(AluOp::Shl, dst, shift), span);
        self.push(Instruction::Alu(AluOp::Sar, dst, shift), span);
    }
}
