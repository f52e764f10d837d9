//! Slots → places: on the stack of 512 bytes, or in the scratch memory of the CPU.
//!
//! Small slots get the stack first. What does not fit beside the room kept for spilled registers lies in
//! scratch memory, in the program's region, behind what its functions share. Where the region is, is found once,
//! at the entry, and is a register like any other.

use probebook_lang::source::Span;

use super::vcode::{Base, Callee, Label, Mem, Operand, Reg, VBlock, VCode, VEnd, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::MapRef;

/// Bytes of stack that Linux gives a program, its functions together.
pub(super) const STACK: u32 = 512;

/// How far an access may be from its base.
const FAR: u32 = i16::MAX as u32 - 8;

/// Where the slots lie.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Bytes below the frame pointer of each slot's start; `None` in scratch memory.
    pub below: Vec<Option<u32>>,
    /// Stack bytes in use.
    pub used: u32,
}

/// Moves the slots that do not fit on `budget` bytes of stack to the program's region, from byte `start` on.
/// Gives where they end.
pub(super) fn place(code: &mut VCode, budget: u32, start: u32, cpus: u32, span: Span) -> u32 {
    let mut order: Vec<u32> = used_slots(code);
    order.sort_by_key(|&slot| {
        let slot = code.slots[slot as usize];
        (!slot.on_stack, slot.size)
    });
    let mut stack = 0;
    let mut end = start;
    let mut offset = vec![None; code.slots.len()];
    for index in order {
        let slot = code.slots[index as usize];
        if slot.on_stack || stack + slot.size <= budget {
            stack += slot.size;
        } else {
            offset[index as usize] = Some(end);
            end += slot.size;
        }
    }
    let in_region = |mem: Mem| match mem.base {
        Base::Slot(slot) => Some(mem.offset + offset.get(slot as usize).copied().flatten()?),
        Base::Region => Some(mem.offset),
        Base::Reg(_) => None,
    };
    let insts = |code: &VCode| {
        let layout = code.layout();
        layout.into_iter().any(|label| {
            let insts = &code.blocks[label.0 as usize].insts;
            insts.iter().any(|(inst, _)| inst.memory().is_some_and(|mem| in_region(mem).is_some()))
        })
    };
    if !insts(code) {
        return end;
    }
    let base = code.register();
    for index in 0..code.blocks.len() {
        let insts = std::mem::take(&mut code.blocks[index].insts);
        let mut out = Vec::with_capacity(insts.len());
        for (mut inst, span) in insts {
            let Some(offset) = inst.memory().and_then(in_region) else {
                out.push((inst, span));
                continue;
            };
            let mut mem = Mem { base: Base::Reg(base), offset, align: 8 };
            if offset > FAR && !matches!(inst, VInst::Address(..)) {
                let near = code.register();
                out.push((VInst::Address(near, mem), span));
                // What the offset was a multiple of, the address is.
                mem = Mem { base: Base::Reg(near), offset: 0, align: mem.alignment() };
            }
            if let Some(memory) = inst.memory_mut() {
                *memory = mem;
            }
            out.push((inst, span));
        }
        code.blocks[index].insts = out;
    }
    find_region(code, base, cpus, span);
    end
}

/// Slots that instructions name, in order.
fn used_slots(code: &VCode) -> Vec<u32> {
    let mut used = vec![false; code.slots.len()];
    for label in code.layout() {
        for (inst, _) in &code.blocks[label.0 as usize].insts {
            if let Some(Mem { base: Base::Slot(slot), .. }) = inst.memory() {
                used[slot as usize] = true;
            }
        }
    }
    (0..used.len() as u32).filter(|&slot| used[slot as usize]).collect()
}

/// Puts the address of the program's region into `base`, at the entry.
fn find_region(code: &mut VCode, base: Reg, cpus: u32, span: Span) {
    let prologue = code.prologue.0 as usize;
    if let Some(mem) = code.region {
        let load = VInst::Load { dst: base, mem, width: Width::B8, signed: false };
        return code.blocks[prologue].insts.push((load, span));
    }
    let go_on = match code.blocks[prologue].end {
        VEnd::Jump(label) => label,
        _ => code.quit,
    };
    let (cpu, found) = (code.register(), Label(code.blocks.len() as u32));
    let ask =
        [VInst::Call(Callee::Helper(Helper::GetSmpProcessorId), 0), VInst::Mov(cpu, Operand::Reg(Reg::R0))];
    let add = [
        VInst::Stride(cpu),
        VInst::Map(base, MapRef::Scratch, Some(0)),
        VInst::Alu(AluOp::Add, base, Operand::Reg(cpu)),
    ];
    let block = &mut code.blocks[prologue];
    block.insts.extend(ask.map(|inst| (inst, span)));
    block.end_span = span;
    // The verifier wants to see that there is no other CPU.
    let b = Operand::Imm(cpus as i32);
    block.end = VEnd::Branch { cond: Cond::UnsignedGe, a: cpu, b, then: code.quit, otherwise: found };
    let insts = add.map(|inst| (inst, span)).into();
    code.blocks.push(VBlock { insts, end: VEnd::Jump(go_on), end_span: span, cold: false });
}

/// Lays out what is on the stack, after allocation has added the spilled registers.
pub(super) fn lay_out(code: &VCode) -> Frame {
    let mut frame = Frame { below: vec![None; code.slots.len()], used: 0 };
    for slot in used_slots(code) {
        frame.used += code.slots[slot as usize].size;
        frame.below[slot as usize] = Some(frame.used);
    }
    frame
}
