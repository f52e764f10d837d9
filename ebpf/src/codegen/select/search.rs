//! Looking into strings in local memory: length, place of another string, difference, and names of numbers.
//!
//! What is scanned is scanned by loops of known length, a word at a time where that helps, and left at the first
//! NUL. The verifier walks through every round; so that it does not go on with a different number after each, the
//! number found is mixed with one it knows nothing of.

use probebook_lang::ir::{NAME_SIZE, Names, Needle, TextOp, Value};

use super::text::{ONES, TOPS};
use super::{Arg, Selector};
use crate::codegen::Unsupported;
use crate::codegen::names::Table;
use crate::codegen::vcode::{Callee, Label, Mem, Operand, Reg, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::MapRef;

/// Up to so many pairs of bytes may be compared by loops in loops: the verifier looks at each.
const MOST_PAIRS: u32 = 1 << 16;
/// From so many pairs on, a function of Linux does it where there is one.
const FEW_PAIRS: u32 = 1 << 12;

/// What is looked for.
enum Sought<'n> {
    Literal(&'n [u8]),
    /// A string and its capacity.
    Memory(Mem, u32),
}

impl Sought<'_> {
    /// Bytes that it has at least, unless it is empty.
    fn shortest(&self) -> u32 {
        match self {
            Self::Literal(text) => text.len() as u32,
            Self::Memory(..) => 1,
        }
    }
}

/// Up to so many bytes are appended whatever they are.
const SHORT: u32 = 256;

impl<'a> Selector<'a> {
    /// An operation on text that has a result.
    pub(super) fn text_value(&mut self, dst: Reg, op: &'a TextOp) -> Result<(), Unsupported> {
        match op {
            TextOp::Length { memory, size } => {
                let memory = self.mem(*memory);
                self.length(dst, memory, *size);
            }
            TextOp::Find { hay, size, needle } => {
                let hay = self.mem(*hay);
                let sought = match needle {
                    Needle::Literal(text) => Sought::Literal(text),
                    Needle::Memory { memory, size } => Sought::Memory(self.mem(*memory), *size),
                };
                self.find(dst, (hay, *size), &sought)?;
            }
            TextOp::CompareBytes { a, b, size, count } => {
                let (a, b) = (self.mem(*a), self.mem(*b));
                let count = self.operand(*count);
                self.compare_bytes(dst, a, b, *size, count);
            }
            TextOp::LoadAt { memory, len, index, width, signed } => {
                let memory = self.mem(*memory);
                let index = self.operand(*index);
                let index = self.below(index, *len);
                self.alu(AluOp::Mul, index, i32::from(*width));
                let place = self.pointer(memory);
                self.alu(AluOp::Add, place, index);
                let mem = Mem { align: memory.alignment().min(u32::from(*width)), ..Mem::at(place) };
                self.load_any(dst, mem, *width, *signed);
            }
            other => unreachable!("`{other}` has no result"),
        }
        Ok(())
    }

    /// An operation on text that only writes.
    pub(super) fn text_effect(&mut self, op: &TextOp) {
        match *op {
            TextOp::Append { to, at, most, from, size, limit } => {
                let (to, from) = (self.mem(to), self.mem(from));
                let is_short = size <= SHORT || limit.is_some();
                let count = match limit.map(|limit| self.operand(limit)) {
                    None => Operand::Imm(size as i32),
                    Some(limit) => self.at_most(limit, size).into(),
                };
                let at = self.operand(at);
                let at = self.at_most(at, most);
                let end = self.pointer(to);
                self.alu(AluOp::Add, end, at);
                // A short array of characters may be full; what is long ends with a NUL, mostly early.
                let helper = if is_short { Helper::ProbeReadKernel } else { Helper::ProbeReadKernelStr };
                self.helper(helper, &[end.into(), Arg::Operand(count), Arg::Address(from)]);
            }
            TextOp::Name { to, names, number } => self.name(to, names, number),
            ref other => unreachable!("`{other}` has a result"),
        }
    }

    /// An address in a register, to move.
    pub(super) fn pointer(&mut self, mem: Mem) -> Reg {
        let pointer = self.code.register();
        self.inst(VInst::Address(pointer, mem));
        pointer
    }

    /// A copy of a number, at most `most`: the verifier must see it.
    pub(super) fn at_most(&mut self, number: Operand, most: u32) -> Reg {
        let (clamp, go) = (self.label(), self.label());
        let number = self.copied(number);
        self.branch(Cond::UnsignedGt, number, most as i32, clamp, go);
        self.begin(clamp);
        self.mov(number, most as i32);
        self.jump(go);
        self.begin(go);
        number
    }

    /// A copy of an index that is known to be below `len`.
    fn below(&mut self, index: Operand, len: u32) -> Reg {
        self.at_most(index, len.saturating_sub(1))
    }

    /// How many bytes are below the lowest bit that is set.
    fn bytes_below(&mut self, bits: Reg, ones: Reg) -> Reg {
        let below = self.copied(bits);
        self.alu(AluOp::Sub, below, 1);
        let inverted = self.copied(bits);
        self.alu(AluOp::Xor, inverted, -1);
        self.alu(AluOp::And, below, inverted);
        // A byte that is full has its top bit: count them.
        self.alu(AluOp::Shr, below, 7);
        self.alu(AluOp::And, below, ones);
        self.alu(AluOp::Mul, below, ones);
        self.alu(AluOp::Shr, below, 56);
        below
    }

    /// Makes the verifier forget a number, with the help of one that it does not know.
    fn forget(&mut self, number: Reg, unknown: Reg) {
        self.alu(AluOp::Xor, number, unknown);
        self.alu(AluOp::Xor, number, unknown);
    }

    fn length(&mut self, dst: Reg, memory: Mem, size: u32) {
        let (ones, tops) = (self.code.register(), self.code.register());
        self.inst(VInst::Number(ones, ONES));
        self.inst(VInst::Number(tops, TOPS));
        let (found, done) = (self.label(), self.label());
        let (at, nuls) = (self.code.register(), self.code.register());
        self.scan([memory], size, Some(at), |this, [word]| {
            this.nuls(nuls, word, ones, tops);
            this.branch_away(Cond::Ne, nuls, 0, found);
        });
        self.mov(dst, size as i32);
        self.jump(done);
        self.begin(found);
        let below = self.bytes_below(nuls, ones);
        self.mov(dst, at);
        self.alu(AluOp::Add, dst, below);
        self.forget(dst, nuls);
        self.jump(done);
        self.begin(done);
    }

    fn compare_bytes(&mut self, dst: Reg, a: Mem, b: Mem, size: u32, count: Operand) {
        let (differ, done) = (self.label(), self.label());
        let (at, one, other) = (self.code.register(), self.code.register(), self.code.register());
        // The numbers are kept where all ways to `differ` find them.
        let count = self.copied(count);
        self.scan([a, b], size, Some(at), |this, [x, y]| {
            this.mov(one, x);
            this.mov(other, y);
            this.branch_away(Cond::Ne, one, other, differ);
        });
        self.mov(dst, 0);
        self.jump(done);
        self.begin(differ);
        let ones = self.code.register();
        self.inst(VInst::Number(ones, ONES));
        let difference = self.copied(one);
        self.alu(AluOp::Xor, difference, other);
        let below = self.bytes_below(difference, ones);
        self.alu(AluOp::Add, at, below);
        self.mov(dst, 0);
        let counts = self.label();
        self.branch(Cond::UnsignedLt, at, count, counts, done);
        self.begin(counts);
        self.alu(AluOp::Mul, below, 8);
        for byte in [one, other] {
            self.alu(AluOp::Shr, byte, below);
            self.inst(VInst::MoveSigned(byte, byte, Width::B1));
        }
        self.mov(dst, one);
        self.alu(AluOp::Sub, dst, other);
        self.jump(done);
        self.begin(done);
    }

    /// Looks for a string.
    fn find(&mut self, dst: Reg, (hay, size): (Mem, u32), sought: &Sought<'_>) -> Result<(), Unsupported> {
        if let Sought::Memory(needle, length) = *sought {
            let pairs = size.saturating_mul(length);
            match self.target.strnstr {
                Some(function) if pairs > FEW_PAIRS => {
                    self.find_by_linux(dst, function, (hay, size), needle);
                    return Ok(());
                }
                _ if pairs > MOST_PAIRS => {
                    let message = "looking for a string that is not a literal in one this long needs Linux \
                                   6.17; `str` with a length makes strings shorter";
                    return Err(self.unsupported(message));
                }
                _ => {}
            }
        }
        let [found, none, done] = std::array::from_fn(|_| self.label());
        let place = self.code.register();
        self.look_for(place, (hay, size), sought, found, none);
        self.begin(found);
        // A byte of the hay is as unknown as can be.
        let unknown = self.word(hay, 1);
        self.mov(dst, place);
        self.forget(dst, unknown);
        self.jump(done);
        self.begin(none);
        self.mov(dst, -1);
        self.jump(done);
        self.begin(done);
        Ok(())
    }

    /// `bpf_strnstr(hay, needle, size)` gives an error where there is none.
    fn find_by_linux(&mut self, dst: Reg, function: u32, (hay, size): (Mem, u32), needle: Mem) {
        let arguments = [Arg::Address(hay), Arg::Address(needle), (size as i32).into()];
        self.call(Callee::Kfunc(function), &arguments);
        // It is an int of C.
        self.inst(VInst::MoveSigned(dst, Reg::R0, Width::B4));
        let (none, done) = (self.label(), self.label());
        self.branch(Cond::SignedLt, dst, 0, none, done);
        self.begin(none);
        self.mov(dst, -1);
        self.jump(done);
        self.begin(done);
    }

    /// Visits the words of the hay. Where the first byte of the needle is in a word, and near the end, it tries
    /// place after place. Jumps to `found` with the place, or to `none`.
    fn look_for(
        &mut self,
        place: Reg,
        (hay, size): (Mem, u32),
        sought: &Sought<'_>,
        found: Label,
        none: Label,
    ) {
        let shortest = sought.shortest();
        // Places from 0 to this are possible.
        let Some(last) = size.checked_sub(shortest) else { return self.jump(none) };
        let first = match *sought {
            Sought::Literal(text) => Operand::Imm(i32::from(text[0])),
            Sought::Memory(needle, _) => {
                let first = self.word(needle, 1);
                // An empty string is everywhere.
                self.mov(place, 0);
                self.branch_away(Cond::Eq, first, 0, found);
                first.into()
            }
        };
        let words = (last + 1) / 8;
        let pointer = self.pointer(hay);
        let at = self.copied(0);
        if words > 0 {
            let (ones, tops) = (self.code.register(), self.code.register());
            self.inst(VInst::Number(ones, ONES));
            self.inst(VInst::Number(tops, TOPS));
            let everywhere = self.copied(first);
            self.alu(AluOp::Mul, everywhere, ones);
            let [head, next, after] = std::array::from_fn(|_| self.label());
            self.jump(head);
            self.begin(head);
            let word = self.word(Mem { align: hay.alignment(), ..Mem::at(pointer) }, 8);
            // Behind the NUL there are only zeros.
            self.branch_away(Cond::Eq, word, 0, none);
            self.alu(AluOp::Xor, word, everywhere);
            let hits = self.code.register();
            self.nuls(hits, word, ones, tops);
            // The verifier goes straight on first: it must come to the end of the loop before it looks at the
            // places, for it remembers at most 8192 branches at a time.
            let aside = self.code.blocks.len();
            let try_all = self.label();
            self.branch(Cond::Eq, hits, 0, next, try_all);
            self.begin(try_all);
            let end = self.copied(at);
            self.alu(AluOp::Add, end, 8);
            self.try_places(place, pointer, (at, end.into()), (size, first), sought, found, next);
            self.code.blocks[aside..].iter_mut().for_each(|block| block.cold = true);
            self.begin(next);
            self.alu(AluOp::Add, pointer, 8);
            self.alu(AluOp::Add, at, 8);
            self.branch(Cond::UnsignedLt, at, words as i32 * 8, head, after);
            self.begin(after);
        }
        let end = Operand::Imm(last as i32 + 1);
        if words * 8 > last {
            return self.jump(none);
        }
        self.try_places(place, pointer, (at, end), (size, first), sought, found, none);
    }

    /// Tries the places from `at`, where `pointer` points, up to `end`. Jumps to `found` or `missing`.
    fn try_places(
        &mut self,
        place: Reg,
        pointer: Reg,
        (at, end): (Reg, Operand),
        (size, first): (u32, Operand),
        sought: &Sought<'_>,
        found: Label,
        missing: Label,
    ) {
        let [head, next] = std::array::from_fn(|_| self.label());
        let start = self.copied(pointer);
        let here = Mem { align: 1, ..Mem::at(start) };
        self.mov(place, at);
        self.jump(head);
        self.begin(head);
        let byte = self.word(here, 1);
        self.branch_away(Cond::Ne, byte, first, next);
        match *sought {
            Sought::Literal(text) => {
                for (offset, expected) in text.iter().enumerate().skip(1) {
                    let byte = self.word(here.plus(offset as u32), 1);
                    self.branch_away(Cond::Ne, byte, i32::from(*expected), next);
                }
                self.jump(found);
            }
            Sought::Memory(needle, length) => {
                let left = self.copied(size as i32);
                self.alu(AluOp::Sub, left, place);
                let left = self.at_most(left.into(), length);
                let (from, wanted) = (self.copied(start), self.pointer(needle));
                let inner = self.label();
                self.jump(inner);
                self.begin(inner);
                for pointer in [from, wanted] {
                    self.alu(AluOp::Add, pointer, 1);
                }
                self.alu(AluOp::Sub, left, 1);
                self.branch_away(Cond::Eq, left, 0, next);
                let byte = self.word(Mem { align: 1, ..Mem::at(wanted) }, 1);
                self.branch_away(Cond::Eq, byte, 0, found);
                let other = self.word(Mem { align: 1, ..Mem::at(from) }, 1);
                self.branch(Cond::Eq, byte, other, inner, next);
            }
        }
        self.begin(next);
        self.alu(AluOp::Add, start, 1);
        self.alu(AluOp::Add, place, 1);
        self.branch(Cond::UnsignedLt, place, end, head, missing);
    }

    /// Writes a name from a table: a literal where the number is known.
    fn name(&mut self, to: Value, names: Names, number: Value) {
        let to = self.mem(to);
        let table = Table::of(names);
        if let Some(number) = self.constant(number) {
            let mut name = table.name(number).as_bytes().to_vec();
            name.truncate(NAME_SIZE as usize - 1);
            name.resize(NAME_SIZE as usize, 0);
            return self.write(to, &name);
        }
        let row = self.operand(number);
        let row = self.copied(row);
        if table.is_symmetric {
            let (negative, go) = (self.label(), self.label());
            self.branch(Cond::SignedLt, row, 0, negative, go);
            self.begin(negative);
            self.inst(VInst::Neg(row));
            self.jump(go);
            self.begin(go);
        }
        let row = self.at_most(row.into(), table.last());
        self.alu(AluOp::Mul, row, table.width as i32);
        let from = self.code.register();
        let start = self.found.constants.table(names);
        self.inst(VInst::Map(from, MapRef::Constants, Some(start)));
        self.alu(AluOp::Add, from, row);
        self.copy(to, Mem::at(from), table.width);
        self.zero(to.plus(table.width), NAME_SIZE - table.width);
    }
}
