//! number → bucket of a `hist` or `lhist`, as `MapValue::buckets` numbers them.

use super::Selector;
use crate::codegen::vcode::{Operand, Reg};
use crate::isa::{AluOp, Cond};

impl Selector<'_> {
    /// The bucket in powers of two, each in 2^`bits` parts.
    pub(super) fn hist_bucket(&mut self, number: Operand, bits: u8) -> Reg {
        let number = self.in_register(number);
        let bucket = self.code.register();
        let (small, large, done) = (self.label(), self.label(), self.label());
        let not_negative = self.label();
        self.mov(bucket, 0);
        self.branch(Cond::SignedLt, number, 0, done, not_negative);
        self.begin(not_negative);
        self.branch(Cond::UnsignedLt, number, 1 << bits, small, large);
        self.begin(small);
        self.mov(bucket, number);
        self.alu(AluOp::Add, bucket, 1);
        self.jump(done);
        self.begin(large);
        let msb = self.highest_bit(number);
        let bits = i32::from(bits);
        if bits == 0 {
            self.mov(bucket, msb);
            self.alu(AluOp::Add, bucket, 2);
        } else {
            // The `bits` below the highest one choose the part.
            let shift = msb;
            self.alu(AluOp::Sub, shift, bits);
            self.mov(bucket, number);
            self.alu(AluOp::Shr, bucket, shift);
            self.alu(AluOp::And, bucket, (1 << bits) - 1);
            self.alu(AluOp::Shl, shift, bits);
            self.alu(AluOp::Add, bucket, shift);
            self.alu(AluOp::Add, bucket, (1 << bits) + 1);
        }
        self.jump(done);
        self.begin(done);
        bucket
    }

    /// The index of the highest bit of a number that is not 0 nor negative, by halving.
    fn highest_bit(&mut self, number: Reg) -> Reg {
        let msb = self.copied(0);
        let rest = self.copied(number);
        // The upper halves are mostly the same from one number to the next: jumps are predicted well.
        for half in [32, 16] {
            let (upper, next) = (self.label(), self.label());
            let top = self.copied(rest);
            self.alu(AluOp::Shr, top, half);
            self.branch(Cond::Ne, top, 0, upper, next);
            self.begin(upper);
            self.mov(rest, top);
            self.alu(AluOp::Add, msb, half);
            self.jump(next);
            self.begin(next);
        }
        // The lower ones vary: without jumps. `step` is `half` if the rest has a bit there, else 0.
        for half in [8_i32, 4, 2] {
            let step = self.copied((1 << half) - 1);
            self.alu(AluOp::Sub, step, rest);
            self.alu(AluOp::Shr, step, 63);
            self.alu(AluOp::Shl, step, half.trailing_zeros() as i32);
            self.alu(AluOp::Shr, rest, step);
            self.alu(AluOp::Add, msb, step);
        }
        self.alu(AluOp::Shr, rest, 1);
        self.alu(AluOp::Add, msb, rest);
        msb
    }

    /// The bucket in steps: 0 below `min`, the last one from `max` on.
    pub(super) fn lhist_bucket(&mut self, number: Operand, min: i64, max: i64, step: i64) -> Reg {
        let number = self.in_register(number);
        let bucket = self.code.register();
        let (inside, above, done) = (self.label(), self.label(), self.label());
        let not_below = self.label();
        let least = self.number(min);
        let most = self.number(max);
        let step = step.max(1);
        self.mov(bucket, 0);
        self.branch(Cond::SignedLt, number, least, done, not_below);
        self.begin(not_below);
        self.branch(Cond::SignedGe, number, most, above, inside);
        self.begin(above);
        let last = self.number(max.wrapping_sub(min) / step + 1);
        self.mov(bucket, last);
        self.jump(done);
        self.begin(inside);
        self.mov(bucket, number);
        if min != 0 {
            self.alu(AluOp::Sub, bucket, least);
        }
        let width = self.number(step);
        if step > 1 {
            self.alu(AluOp::Div, bucket, width);
        }
        self.alu(AluOp::Add, bucket, 1);
        self.jump(done);
        self.begin(done);
        bucket
    }

    fn in_register(&mut self, operand: Operand) -> Reg {
        match operand {
            Operand::Reg(reg) => reg,
            number @ Operand::Imm(_) => self.copied(number),
        }
    }
}
