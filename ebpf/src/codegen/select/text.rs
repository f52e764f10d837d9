//! Comparison of strings and bytes in local memory, a word at a time, jumping out at the first difference.

use super::Selector;
use crate::codegen::vcode::{Label, Mem, VInst};
use crate::isa::{AluOp, Cond};

/// A 1 in each byte.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
/// The top bit of each byte.
pub(super) const TOPS: u64 = 0x8080_8080_8080_8080;

impl Selector<'_> {
    /// Jumps by whether two strings are equal up to the first NUL or `size`.
    pub(super) fn string_eq(&mut self, a: Mem, b: Mem, size: u32, yes: Label, no: Label) {
        let (ones, tops) = (self.code.register(), self.code.register());
        self.inst(VInst::Number(ones, ONES));
        self.inst(VInst::Number(tops, TOPS));
        let pieces = Self::pieces(a, Some(b), size);
        for (index, &(offset, width)) in pieces.iter().enumerate() {
            let one = self.load(a.plus(offset), width, false);
            let other = self.load(b.plus(offset), width, false);
            if width.bytes() == 1 {
                self.branch_away(Cond::Ne, one, other, no);
                self.branch_away(Cond::Eq, one, 0, yes);
                continue;
            }
            // `nuls`: the top bit of each byte of `one` that is 0, exact up to the first of them.
            let nuls = self.copied(one);
            self.alu(AluOp::Sub, nuls, ones);
            let inverted = self.copied(one);
            self.alu(AluOp::Xor, inverted, -1);
            self.alu(AluOp::And, nuls, inverted);
            self.alu(AluOp::And, nuls, tops);
            // `upto`: all bits up to the first of those, or all bits if there is none.
            let upto = self.copied(nuls);
            self.alu(AluOp::Sub, upto, 1);
            self.alu(AluOp::Xor, upto, nuls);
            let difference = one;
            self.alu(AluOp::Xor, difference, other);
            self.branch_away(Cond::Set, difference, upto, no);
            if index + 1 < pieces.len() {
                self.branch_away(Cond::Ne, nuls, 0, yes);
            }
        }
        self.jump(yes);
    }

    /// Jumps by whether `size` bytes are equal.
    pub(super) fn bytes_eq(&mut self, a: Mem, b: Mem, size: u32, yes: Label, no: Label) {
        for (offset, width) in Self::pieces(a, Some(b), size) {
            let one = self.load(a.plus(offset), width, false);
            let other = self.load(b.plus(offset), width, false);
            self.branch_away(Cond::Ne, one, other, no);
        }
        self.jump(yes);
    }

    /// Jumps by whether local memory holds these bytes.
    pub(super) fn bytes_are(&mut self, memory: Mem, data: &[u8], yes: Label, no: Label) {
        for (offset, width) in Self::pieces(memory, None, data.len() as u32) {
            let start = offset as usize;
            let bytes = &data[start..start + width.bytes() as usize];
            let number = bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
            let found = self.load(memory.plus(offset), width, false);
            let expected = self.number(number as i64);
            self.branch_away(Cond::Ne, found, expected, no);
        }
        self.jump(yes);
    }
}
