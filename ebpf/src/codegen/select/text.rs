//! Comparison of strings and bytes in local memory, a word at a time, jumping out at the first difference.

use super::Selector;
use crate::codegen::vcode::{Label, Mem, Reg, VInst};
use crate::isa::{AluOp, Cond};

/// Up to so many words are scanned without a loop.
const UNROLLED: u32 = 8;
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
        self.scan([a, b], size, None, |this, [one, other]| {
            // `nuls`: the top bit of each byte of `one` that is 0, exact up to the first of them.
            let nuls = this.code.register();
            this.nuls(nuls, one, ones, tops);
            // `upto`: all bits up to the first of those, or all bits if there is none.
            let upto = this.copied(nuls);
            this.alu(AluOp::Sub, upto, 1);
            this.alu(AluOp::Xor, upto, nuls);
            let difference = one;
            this.alu(AluOp::Xor, difference, other);
            this.branch_away(Cond::Set, difference, upto, no);
            this.branch_away(Cond::Ne, nuls, 0, yes);
        });
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

    /// Sets the top bit of each byte of `word` that is 0 in `nuls`, exact up to the first of them.
    pub(super) fn nuls(&mut self, nuls: Reg, word: Reg, ones: Reg, tops: Reg) {
        self.mov(nuls, word);
        self.alu(AluOp::Sub, nuls, ones);
        let inverted = self.copied(word);
        self.alu(AluOp::Xor, inverted, -1);
        self.alu(AluOp::And, nuls, inverted);
        self.alu(AluOp::And, nuls, tops);
    }

    /// Visits the words of some places at once, the rest as a word with zeros above. `visit` gets the words'
    /// registers and looks at them; `at` is where they are, if that matters.
    pub(super) fn scan<const N: usize>(
        &mut self,
        places: [Mem; N],
        size: u32,
        at: Option<Reg>,
        mut visit: impl FnMut(&mut Self, [Reg; N]),
    ) {
        let (words, rest) = (size / 8, size % 8);
        if words > UNROLLED {
            let moving = places.map(|place| (self.pointer(place), place.alignment()));
            let at = at.unwrap_or_else(|| self.code.register());
            self.mov(at, 0);
            let (head, after) = (self.label(), self.label());
            self.jump(head);
            self.begin(head);
            let loaded = moving.map(|(pointer, align)| self.word(Mem { align, ..Mem::at(pointer) }, 8));
            visit(self, loaded);
            for (pointer, _) in moving {
                self.alu(AluOp::Add, pointer, 8);
            }
            self.alu(AluOp::Add, at, 8);
            self.branch(Cond::UnsignedLt, at, words as i32 * 8, head, after);
            self.begin(after);
        } else {
            for word in 0..words {
                at.iter().for_each(|&at| self.mov(at, word as i32 * 8));
                let loaded = places.map(|place| self.word(place.plus(word * 8), 8));
                visit(self, loaded);
            }
        }
        if rest > 0 {
            at.iter().for_each(|&at| self.mov(at, words as i32 * 8));
            let loaded = places.map(|place| self.word(place.plus(words * 8), rest));
            visit(self, loaded);
        }
    }

    /// So many bytes as a number.
    pub(super) fn word(&mut self, mem: Mem, bytes: u32) -> Reg {
        let dst = self.code.register();
        self.load_bytes(dst, mem, bytes, false);
        dst
    }
}
