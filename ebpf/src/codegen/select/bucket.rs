//! number → bucket of a `hist` or `lhist`, as `MapValue::buckets` numbers them.

use super::Selector;
use crate::codegen::vcode::{Operand, Reg, VInst};
use crate::isa::{AluOp, Cond};

/// The bit length of 0 to 15, 4 bits each.
const LENGTHS: u64 = 0x4444_4444_3333_2210;
/// Adds 1 to each of those.
const ONE_MORE: u64 = 0x1111_1111_1111_1111;

impl Selector<'_> {
    /// The bucket in powers of two, each in 2^`bits` parts.
    ///
    /// With `shift` as the bits of a number below its highest one and the `bits` that follow, the bucket is
    /// `(number >> shift) + (shift << bits) + 1`; small numbers have nothing to shift. Without `bits` it is the
    /// bit length, plus 1.
    pub(super) fn hist_bucket(&mut self, number: Operand, bits: u8) -> Reg {
        let number = self.in_register(number);
        let bucket = self.copied(0);
        let (not_negative, done) = (self.label(), self.label());
        self.branch(Cond::SignedLt, number, 0, done, not_negative);
        self.begin(not_negative);
        let rest = self.copied(number);
        if bits == 0 {
            self.add_bit_length(bucket, rest, LENGTHS + ONE_MORE);
        } else {
            let bits = i32::from(bits);
            let shift = self.copied(0);
            self.alu(AluOp::Shr, rest, bits + 1);
            self.add_bit_length(shift, rest, LENGTHS);
            self.mov(bucket, number);
            self.alu(AluOp::Shr, bucket, shift);
            self.alu(AluOp::Shl, shift, bits);
            self.alu(AluOp::Add, bucket, shift);
            self.alu(AluOp::Add, bucket, 1);
        }
        self.jump(done);
        self.begin(done);
        bucket
    }

    /// Adds the bit length of `rest`, by halving and then by a table for its last 4 bits.
    fn add_bit_length(&mut self, sum: Reg, rest: Reg, lengths: u64) {
        let (large, huge, upper, low) = (self.label(), self.label(), self.label(), self.label());
        // The upper halves are mostly the same from one number to the next: jumps are predicted well.
        self.branch(Cond::UnsignedGe, rest, 1 << 16, large, low);
        self.begin(large);
        let top = self.copied(rest);
        self.alu(AluOp::Shr, top, 32);
        self.branch(Cond::Ne, top, 0, huge, upper);
        self.begin(huge);
        self.mov(rest, top);
        self.alu(AluOp::Add, sum, 32);
        self.branch(Cond::UnsignedGe, rest, 1 << 16, upper, low);
        self.begin(upper);
        self.alu(AluOp::Shr, rest, 16);
        self.alu(AluOp::Add, sum, 16);
        self.jump(low);
        self.begin(low);
        // The lower ones vary: without jumps. `step` is `half` if the rest has a bit there, else 0.
        for half in [8_i32, 4] {
            let step = self.copied((1 << half) - 1);
            self.alu(AluOp::Sub, step, rest);
            self.alu(AluOp::Shr, step, 63);
            self.alu(AluOp::Shl, step, half.trailing_zeros() as i32);
            self.alu(AluOp::Shr, rest, step);
            self.alu(AluOp::Add, sum, step);
        }
        let length = self.code.register();
        self.inst(VInst::Number(length, lengths));
        self.alu(AluOp::Shl, rest, 2);
        self.alu(AluOp::Shr, length, rest);
        self.alu(AluOp::And, length, 15);
        self.alu(AluOp::Add, sum, length);
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
        match reciprocal(max.wrapping_sub(min) as u64, step as u64) {
            Some((factor, shift)) => {
                if factor != 1 {
                    let factor = self.number(factor as i64);
                    self.alu(AluOp::Mul, bucket, factor);
                }
                if shift != 0 {
                    self.alu(AluOp::Shr, bucket, shift as i32);
                }
            }
            None => {
                let width = self.number(step);
                self.alu(AluOp::Div, bucket, width);
            }
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

/// Division of numbers below `end` as a multiplication and a shift: `n / divisor == n * factor >> shift`.
///
/// With `factor = ⌈2^shift / divisor⌉` the product is too large by less than `n * divisor`, which does not reach the
/// next quotient as long as `2^shift` is at least `end * divisor`. It fits in 64 bits for `end` up to 2^31.
fn reciprocal(end: u64, divisor: u64) -> Option<(u64, u32)> {
    if divisor.is_power_of_two() {
        return Some((1, divisor.trailing_zeros()));
    }
    if end > 1 << 31 || divisor > end {
        return None;
    }
    let shift = end.next_power_of_two().ilog2() + divisor.next_power_of_two().ilog2();
    Some(((1 << shift) / divisor + 1, shift))
}

#[cfg(test)]
mod tests {
    use super::reciprocal;

    #[test]
    fn a_reciprocal_divides_exactly() {
        for end in [1, 2, 3, 7, 100, 1000, 1001, 65_535, 1_000_000, (1 << 31) - 1, 1 << 31] {
            let divisors = (1..2000).chain([4095, 9_999, 1_000_003, (1 << 31) - 1]);
            for divisor in divisors.filter(|divisor| *divisor <= end) {
                let (factor, shift) = reciprocal(end, divisor).expect("a factor");
                let last = (end - 1) / divisor;
                let multiples = (0..=last.min(300)).chain(last.saturating_sub(300)..=last);
                let around = multiples.flat_map(|n| [n * divisor, n * divisor + divisor - 1]);
                for number in around.chain([end - 1]).filter(|number| *number < end) {
                    let product = number.checked_mul(factor).expect("64 bits");
                    assert_eq!(product >> shift, number / divisor, "{number} / {divisor}");
                }
            }
        }
        assert_eq!(reciprocal(1 << 40, 1 << 20), Some((1, 20)));
        assert_eq!(reciprocal(1 << 40, 1000), None);
    }
}
