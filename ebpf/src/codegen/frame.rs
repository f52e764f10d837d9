//! Slots → places: on the stack of 512 bytes, or in the per-CPU scratch memory.
//!
//! Small slots get the stack first. What does not fit beside the room kept for spilled registers lies in
//! scratch memory: the base is looked up once, at the entry, and is a register like any other.

use probebook_lang::source::Span;

use super::vcode::{Base, Mem, Operand, Reg, VCode, VEnd, VInst};
use crate::isa::{Cond, Helper, Width};
use crate::object::MapRef;

/// Bytes of stack that Linux gives a program.
pub(super) const STACK: u32 = 512;

/// Where the slots lie.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Bytes below the frame pointer of each slot's start; `None` in scratch memory.
    pub below: Vec<Option<u32>>,
    /// Stack bytes in use.
    pub used: u32,
}

/// Moves the slots that do not fit on `budget` bytes of stack to scratch memory from byte `region` on.
/// Gives the scratch bytes used.
pub(super) fn place_scratch(code: &mut VCode, budget: u32, region: u32, span: Span) -> u32 {
    let mut order: Vec<u32> = used_slots(code);
    order.sort_by_key(|&slot| {
        let slot = code.slots[slot as usize];
        (!slot.on_stack, slot.size)
    });
    // The key of the scratch memory's own lookup lies on the stack as well.
    let mut stack = 8;
    let mut scratch = 0;
    let mut offset = vec![None; code.slots.len()];
    for index in order {
        let slot = code.slots[index as usize];
        if slot.on_stack || stack + slot.size <= budget {
            stack += slot.size;
        } else {
            offset[index as usize] = Some(scratch);
            scratch += slot.size;
        }
    }
    if scratch > 0 {
        let base = look_up_scratch(code, region, span);
        for (inst, _) in code.blocks.iter_mut().flat_map(|block| &mut block.insts) {
            if let VInst::Address(_, mem) | VInst::Load { mem, .. } | VInst::Store { mem, .. } = inst
                && let Base::Slot(slot) = mem.base
                && let Some(Some(offset)) = offset.get(slot as usize)
            {
                *mem = Mem { base: Base::Reg(base), offset: mem.offset + offset, align: 8 };
            }
        }
    }
    scratch
}

/// Slots that instructions name, in order.
fn used_slots(code: &VCode) -> Vec<u32> {
    let mut used = vec![false; code.slots.len()];
    for label in code.layout() {
        for (inst, _) in &code.blocks[label.0 as usize].insts {
            if let VInst::Address(_, mem) | VInst::Load { mem, .. } | VInst::Store { mem, .. } = inst
                && let Base::Slot(slot) = mem.base
            {
                used[slot as usize] = true;
            }
        }
    }
    (0..used.len() as u32).filter(|&slot| used[slot as usize]).collect()
}

fn look_up_scratch(code: &mut VCode, region: u32, span: Span) -> Reg {
    let key = code.slot(8, true);
    let base = code.register();
    let go_on = match code.blocks[code.prologue.0 as usize].end {
        VEnd::Jump(label) => label,
        _ => code.quit,
    };
    let key = Mem::slot(key);
    let block = &mut code.blocks[code.prologue.0 as usize];
    let insts = [
        VInst::Store { mem: key, width: Width::B4, src: Operand::Imm(0) },
        VInst::Address(Reg(2), key),
        VInst::Map(Reg::R1, MapRef::Scratch, None),
        VInst::Call(super::vcode::Callee::Helper(Helper::MapLookupElem), 2),
        VInst::Mov(base, Operand::Reg(Reg::R0)),
    ];
    block.insts.extend(insts.map(|inst| (inst, span)));
    block.end_span = span;
    block.end =
        VEnd::Branch { cond: Cond::Eq, a: base, b: Operand::Imm(0), then: code.quit, otherwise: go_on };
    if region > 0 {
        // The rest of the program addresses its own region.
        let add = VInst::Alu(crate::isa::AluOp::Add, base, Operand::Imm(region as i32));
        code.blocks[go_on.0 as usize].insts.insert(0, (add, span));
    }
    base
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
