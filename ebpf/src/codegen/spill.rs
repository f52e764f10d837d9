//! Registers that found no room → loads and stores around their uses.
//!
//! *Invariant:* what stands in for a spilled register lives for one instruction, so the next round of
//! allocation finds room for it.
//!
//! *Not here:* which registers are spilled and which of them share a slot (`regalloc`).

use std::collections::HashSet;

use probebook_lang::source::Span;

use super::vcode::{Base, Mem, Operand, Reg, VCode, VEnd, VInst};
use crate::isa::Width;

/// What stands for a spilled register.
#[derive(Clone, Copy)]
pub(super) enum Home {
    /// Its slot on the stack.
    Slot(u32),
    /// The instruction that makes it again, cheaper than reading it back.
    Again(VInst),
}

/// Reads and writes registers in their homes.
pub(super) fn spill(code: &mut VCode, homes: &[Option<Home>], unspillable: &mut HashSet<Reg>) {
    for index in 0..code.blocks.len() {
        let insts = std::mem::take(&mut code.blocks[index].insts);
        let mut out = Vec::with_capacity(insts.len() * 2);
        for (mut inst, span) in insts {
            let home = |reg: Reg| homes.get(reg.0 as usize).copied().flatten();
            // Moves from and to a slot are loads and stores.
            match inst {
                VInst::Mov(dst, Operand::Reg(src))
                    if matches!(
                        (home(dst), home(src)),
                        (Some(Home::Slot(a)), Some(Home::Slot(b))) if a == b
                    ) =>
                {
                    continue;
                }
                VInst::Mov(dst, Operand::Reg(src)) if home(dst).is_none() && home(src).is_some() => {
                    match home(src) {
                        Some(home) => out.push((fetch(home, dst), span)),
                        None => out.push((inst, span)),
                    }
                    continue;
                }
                VInst::Mov(dst, src) if !matches!(src, Operand::Reg(src) if home(src).is_some()) => {
                    match home(dst) {
                        Some(Home::Slot(slot)) => {
                            let mem = Mem::slot(slot);
                            out.push((VInst::Store { mem, width: Width::B8, src }, span));
                        }
                        Some(Home::Again(_)) => {}
                        None => out.push((inst, span)),
                    }
                    continue;
                }
                _ => {}
            }
            let def = inst.def();
            if def.is_some_and(|def| matches!(home(def), Some(Home::Again(_)))) {
                continue;
            }
            let mut short: Vec<(Reg, Reg)> = Vec::new();
            let mut used = Vec::new();
            inst.uses(|reg| used.push(reg));
            let registers = &mut code.registers;
            inst.registers_mut(|reg| {
                if home(*reg).is_none() {
                    return;
                }
                let stand_in = match short.iter().find(|(spilled, _)| spilled == reg) {
                    Some(&(_, stand_in)) => stand_in,
                    None => {
                        let stand_in = Reg(*registers);
                        *registers += 1;
                        unspillable.insert(stand_in);
                        short.push((*reg, stand_in));
                        stand_in
                    }
                };
                *reg = stand_in;
            });
            for &(spilled, stand_in) in &short {
                if used.contains(&spilled)
                    && let Some(home) = home(spilled)
                {
                    out.push((fetch(home, stand_in), span));
                }
            }
            out.push((inst, span));
            for &(spilled, stand_in) in &short {
                if def == Some(spilled)
                    && let Some(Home::Slot(slot)) = home(spilled)
                {
                    let mem = Mem::slot(slot);
                    out.push((VInst::Store { mem, width: Width::B8, src: stand_in.into() }, span));
                }
            }
        }
        let span = code.blocks[index].end_span;
        if let VEnd::Branch { mut a, mut b, cond, then, otherwise } = code.blocks[index].end {
            for reg in [Some(&mut a), if let Operand::Reg(b) = &mut b { Some(b) } else { None }] {
                if let Some(reg) = reg
                    && let Some(home) = homes.get(reg.0 as usize).copied().flatten()
                {
                    *reg = Reg(code.registers);
                    code.registers += 1;
                    unspillable.insert(*reg);
                    out.push((fetch(home, *reg), span));
                }
            }
            code.blocks[index].end = VEnd::Branch { a, b, cond, then, otherwise };
        }
        code.blocks[index].insts = forward(out, homes);
    }
}

/// Reads what was written by the instruction before from its register, and leaves out writes that another
/// write to the slot follows before it is read.
fn forward(mut insts: Vec<(VInst, Span)>, homes: &[Option<Home>]) -> Vec<(VInst, Span)> {
    let is_home = |slot: u32| homes.iter().any(|home| matches!(home, Some(Home::Slot(s)) if *s == slot));
    let slot_of = |mem: Mem| match mem.base {
        Base::Slot(slot) if is_home(slot) => Some(slot),
        _ => None,
    };
    for index in 1..insts.len() {
        let (VInst::Store { mem: written, src, .. }, VInst::Load { dst, mem: read, .. }) =
            (insts[index - 1].0, insts[index].0)
        else {
            continue;
        };
        if slot_of(written).is_some() && slot_of(written) == slot_of(read) {
            insts[index].0 = VInst::Mov(dst, src);
        }
    }
    let mut overwritten = HashSet::new();
    let mut keep = vec![true; insts.len()];
    for (index, (inst, _)) in insts.iter().enumerate().rev() {
        match *inst {
            VInst::Store { mem, .. } => {
                if let Some(slot) = slot_of(mem) {
                    keep[index] = overwritten.insert(slot);
                }
            }
            VInst::Load { mem, .. } => {
                if let Some(slot) = slot_of(mem) {
                    overwritten.remove(&slot);
                }
            }
            _ => {}
        }
    }
    let mut keep = keep.into_iter();
    insts.retain(|_| keep.next().unwrap_or(true));
    insts
}

/// The only instruction that writes a register, if it can be repeated anywhere.
pub(super) fn only_definition(code: &VCode, reg: Reg) -> Option<VInst> {
    let mut definitions = code
        .blocks
        .iter()
        .flat_map(|block| &block.insts)
        .map(|(inst, _)| *inst)
        .filter(|inst| inst.def() == Some(reg));
    let only = definitions.next()?;
    let repeatable = match only {
        VInst::Mov(_, Operand::Imm(_)) | VInst::Number(..) | VInst::Map(..) | VInst::Function(..) => true,
        VInst::Address(_, mem) => matches!(mem.base, Base::Slot(_)),
        _ => false,
    };
    (repeatable && definitions.next().is_none()).then_some(only)
}

/// Puts a spilled value into a register.
fn fetch(home: Home, dst: Reg) -> VInst {
    match home {
        Home::Slot(slot) => VInst::Load { dst, mem: Mem::slot(slot), width: Width::B8, signed: false },
        Home::Again(VInst::Mov(_, src)) => VInst::Mov(dst, src),
        Home::Again(VInst::Number(_, number)) => VInst::Number(dst, number),
        Home::Again(VInst::Map(_, map, offset)) => VInst::Map(dst, map, offset),
        Home::Again(VInst::Function(_, function)) => VInst::Function(dst, function),
        Home::Again(VInst::Address(_, mem)) => VInst::Address(dst, mem),
        Home::Again(other) => other,
    }
}
