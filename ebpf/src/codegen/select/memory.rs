//! Local memory: loads, stores, filling, copying, and reading kernel and user memory.
//!
//! The verifier wants aligned accesses to the stack, so each access is as wide as the alignment allows.

use probebook_lang::environment::Watch;
use probebook_lang::ir::{Space, Value};

use super::{Arg, Selector, width_of};
use crate::codegen::vcode::{Mem, Operand, Reg};
use crate::isa::{AluOp, Cond, Helper, Width};

/// Up to so many bytes are filled or copied word by word; a helper does more.
const INLINE: u32 = 128;

impl Selector<'_> {
    /// The widest access at `mem` that is aligned and ends within `size` bytes.
    fn widest(mem: Mem, size: u32) -> Width {
        let most = 1 << size.max(1).ilog2().min(3);
        Width::of(mem.alignment().min(most)).unwrap_or(Width::B1)
    }

    /// Splits `size` bytes at `mem` into accesses: offset and width each.
    pub(super) fn pieces(mem: Mem, other: Option<Mem>, size: u32) -> Vec<(u32, Width)> {
        let mut pieces = Vec::new();
        let mut offset = 0;
        while offset < size {
            let mut width = Self::widest(mem.plus(offset), size - offset);
            if let Some(other) = other {
                width = Width::of(width.bytes().min(other.plus(offset).alignment())).unwrap_or(Width::B1);
            }
            pieces.push((offset, width));
            offset += width.bytes();
        }
        pieces
    }

    /// Loads a number that may not be aligned.
    pub(super) fn load_any(&mut self, dst: Reg, mem: Mem, width: u8, signed: bool) {
        self.load_bytes(dst, mem, u32::from(width), signed);
    }

    /// Loads a number of 1 to 8 bytes that may not be aligned.
    pub(super) fn load_bytes(&mut self, dst: Reg, mem: Mem, bytes: u32, signed: bool) {
        if let Some(width) = Width::of(bytes)
            && mem.alignment() >= bytes
        {
            return self.inst_load(dst, mem, width, signed);
        }
        let pieces = Self::pieces(mem, None, bytes);
        for (index, &(offset, piece)) in pieces.iter().enumerate().rev() {
            let top = index + 1 == pieces.len();
            let part = if top { dst } else { self.code.register() };
            self.inst_load(part, mem.plus(offset), piece, signed && top);
            if !top {
                let shift = (pieces[index + 1].0 - offset) as i32 * 8;
                self.alu(AluOp::Shl, dst, shift);
                self.alu(AluOp::Or, dst, part);
            }
        }
    }

    fn inst_load(&mut self, dst: Reg, mem: Mem, width: Width, signed: bool) {
        self.inst(crate::codegen::vcode::VInst::Load { dst, mem, width, signed });
    }

    /// Stores the low bytes of a number at a place that may not be aligned.
    pub(super) fn store_any(&mut self, mem: Mem, width: u8, value: Value) {
        let bytes = u32::from(width);
        if let Some(constant) = self.constant(value)
            && i32::try_from(constant).is_err()
        {
            // Two halves as immediates are shorter than a 64-bit load.
            return self.write(mem, &constant.to_le_bytes()[..bytes as usize]);
        }
        let operand = self.operand(value);
        if mem.alignment() >= bytes {
            return self.store(mem, width_of(width), operand);
        }
        let rest = self.copied(operand);
        for (offset, piece) in Self::pieces(mem, None, bytes) {
            self.store(mem.plus(offset), piece, rest);
            if offset + piece.bytes() < bytes {
                self.alu(AluOp::Shr, rest, piece.bytes() as i32 * 8);
            }
        }
    }

    /// Fills with zeros.
    pub(super) fn zero(&mut self, mem: Mem, size: u32) {
        if size > INLINE {
            // Reading address 0 fails at once and leaves zeros: the shortest memset there is.
            let arguments = [Arg::Address(mem), (size as i32).into(), 0.into()];
            return self.helper(Helper::ProbeReadKernel, &arguments);
        }
        for (offset, width) in Self::pieces(mem, None, size) {
            self.store(mem.plus(offset), width, 0);
        }
    }

    /// Writes constant bytes.
    pub(super) fn write(&mut self, mem: Mem, data: &[u8]) {
        let zeros = data.iter().rev().take_while(|&&byte| byte == 0).count();
        if zeros > INLINE as usize {
            let kept = (data.len() - zeros).next_multiple_of(8).min(data.len());
            self.write(mem, &data[..kept]);
            return self.zero(mem.plus(kept as u32), (data.len() - kept) as u32);
        }
        for (offset, width) in Self::pieces(mem, None, data.len() as u32) {
            let start = offset as usize;
            let bytes = &data[start..start + width.bytes() as usize];
            let number = bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
            match (width, i32::try_from(number as i64)) {
                (Width::B8, Err(_)) => {
                    self.store(mem.plus(offset), Width::B4, number as i32);
                    self.store(mem.plus(offset + 4), Width::B4, (number >> 32) as i32);
                }
                _ => self.store(mem.plus(offset), width, number as i32),
            }
        }
    }

    /// Copies between places that do not overlap.
    pub(super) fn copy(&mut self, to: Mem, from: Mem, size: u32) {
        if size > INLINE {
            return self.copy_by_helper(to, from, size);
        }
        for (offset, width) in Self::pieces(to, Some(from), size) {
            let word = self.load(from.plus(offset), width, false);
            self.store(to.plus(offset), width, word);
        }
    }

    fn copy_by_helper(&mut self, to: Mem, from: Mem, size: u32) {
        let arguments = [Arg::Address(to), (size as i32).into(), Arg::Address(from)];
        self.helper(Helper::ProbeReadKernel, &arguments);
    }

    /// Reads kernel or user memory; the helpers leave zeros where that faults.
    pub(super) fn read(&mut self, to: Value, size: u32, space: Space, address: Value) {
        let to = self.mem(to);
        let address = self.operand(address);
        let helper = match space {
            Space::Kernel => Helper::ProbeReadKernel,
            Space::User => Helper::ProbeReadUser,
        };
        self.helper(helper, &[Arg::Address(to), (size as i32).into(), Arg::Operand(address)]);
        if self.watches(Watch::Everything) {
            let result = self.copied(Reg::R0);
            self.notice_if(helper, Cond::Ne, result);
        }
    }

    /// Reads `length` bytes, but at most `limit`, over zeros; `dst` becomes the length, clamped to the capacity.
    pub(super) fn fill_bytes(
        &mut self,
        dst: Reg,
        to: Value,
        capacity: u32,
        length: Value,
        limit: u32,
        (space, from): (Space, Arg),
    ) {
        let to = self.mem(to);
        let length = self.operand(length);
        self.mov(dst, length);
        self.clamp(dst, capacity);
        let size = self.copied(dst);
        if limit < capacity {
            self.clamp(size, limit);
        }
        self.zero(to, capacity);
        let helper = match space {
            Space::Kernel => Helper::ProbeReadKernel,
            Space::User => Helper::ProbeReadUser,
        };
        self.helper(helper, &[Arg::Address(to), size.into(), from]);
    }

    /// Makes an unsigned number at most so much.
    fn clamp(&mut self, number: Reg, most: u32) {
        let (clamp, go) = (self.label(), self.label());
        self.branch(Cond::UnsignedGt, number, most as i32, clamp, go);
        self.begin(clamp);
        self.mov(number, most as i32);
        self.jump(go);
        self.begin(go);
    }

    /// Reads a string over zeros, so that the rest behind it is zero as well.
    pub(super) fn read_string(
        &mut self,
        to: Value,
        capacity: u32,
        limit: Option<Value>,
        space: Space,
        address: Value,
        length: Option<Reg>,
    ) {
        let to = self.mem(to);
        let size = match limit {
            None => Operand::Imm(capacity as i32),
            Some(limit) => match self.constant(limit) {
                Some(limit) => Operand::Imm((limit as u64).min(u64::from(capacity)) as i32),
                None => {
                    let limit = self.reg(limit);
                    let size = self.copied(limit);
                    self.clamp(size, capacity);
                    size.into()
                }
            },
        };
        let address = self.operand(address);
        self.zero(to, capacity);
        let helper = match space {
            Space::Kernel => Helper::ProbeReadKernelStr,
            Space::User => Helper::ProbeReadUserStr,
        };
        self.helper(helper, &[Arg::Address(to), Arg::Operand(size), Arg::Operand(address)]);
        let watched = self.watches(Watch::Everything);
        if length.is_none() && !watched {
            return;
        }
        // What is returned counts the NUL; errors are negative.
        let read = self.copied(Reg::R0);
        if let Some(length) = length {
            let (some, done) = (self.label(), self.label());
            self.mov(length, 0);
            self.branch(Cond::SignedGt, read, 0, some, done);
            self.begin(some);
            self.mov(length, read);
            self.alu(AluOp::Sub, length, 1);
            self.jump(done);
            self.begin(done);
        }
        self.notice_if(helper, Cond::SignedLt, read);
    }
}
