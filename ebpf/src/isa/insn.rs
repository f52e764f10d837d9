//! [`Instruction`] ↔ words. The layout of a word: opcode (8 bits), target and source register (4 each), a
//! signed 16-bit offset, a signed 32-bit immediate (`include/uapi/linux/bpf.h`, RFC 9669).
//!
//! Arithmetic and comparisons are of 64 bits, but for the move that clears the upper half; memory is read and written in 1 to 8 bytes.

/// A register, 0 to 10.
pub type Register = u8;

/// The second operand of arithmetic, comparisons and stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A register.
    Register(Register),
    /// A number, extended by its sign.
    Immediate(i32),
}

/// 64-bit arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum AluOp {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    /// Unsigned; by 0 it gives 0.
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Shl = 0x60,
    Shr = 0x70,
    /// Unsigned; by 0 it gives the dividend.
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
    Sar = 0xc0,
}

/// A comparison of 64 bits that decides a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Cond {
    Eq = 0x10,
    UnsignedGt = 0x20,
    UnsignedGe = 0x30,
    /// `a & b` is not 0.
    Set = 0x40,
    Ne = 0x50,
    SignedGt = 0x60,
    SignedGe = 0x70,
    UnsignedLt = 0xa0,
    UnsignedLe = 0xb0,
    SignedLt = 0xc0,
    SignedLe = 0xd0,
}

/// How many bytes of memory an access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Width {
    B4 = 0x00,
    B2 = 0x08,
    B1 = 0x10,
    B8 = 0x18,
}

/// What a 16-byte load puts into its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Immediate {
    /// A number.
    Number(u64),
    /// A map by its descriptor.
    Map(i32),
    /// The address of a byte of a map's first element.
    MapValue(i32, u32),
    /// A function of the program, for a helper that calls it: words from the next one. Linux 5.13.
    Function(i32),
    /// A variable of Linux, by its BTF id. Linux 5.10.
    Variable(u32),
}

/// An instruction; targets of jumps are relative to the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// `dst op= src`
    Alu(AluOp, Register, Source),
    /// `dst = -dst`
    Neg(Register),
    /// Reverses the low bytes of a register and clears the rest.
    Swap(Register, Width),
    /// `dst = src` with the low bytes extended by their sign. Linux 6.6.
    MoveSigned(Register, Register, Width),
    /// `dst = src` with the upper half cleared.
    MoveLow(Register, Register),
    /// Loads 64 bits; two words.
    LoadImmediate(Register, Immediate),
    /// `dst = *(base + offset)`; signed loads need Linux 6.6.
    Load {
        /// Target.
        dst: Register,
        /// Address.
        base: Register,
        /// Bytes from it.
        offset: i16,
        /// Bytes to read.
        width: Width,
        /// How to extend.
        signed: bool,
    },
    /// `*(base + offset) = src`
    Store {
        /// Address.
        base: Register,
        /// Bytes from it.
        offset: i16,
        /// Bytes to write.
        width: Width,
        /// What.
        src: Source,
    },
    /// `*(u64 *)(base + offset) += src`, at once for all CPUs.
    AtomicAdd {
        /// Address.
        base: Register,
        /// Bytes from it.
        offset: i16,
        /// What is added.
        src: Register,
    },
    /// Jumps over so many words.
    Jump(i16),
    /// Jumps over any number of words. Linux 6.6.
    JumpFar(i32),
    /// Jumps if the condition holds.
    Branch(Cond, Register, Source, i16),
    /// Calls a helper.
    CallHelper(u32),
    /// Calls a kernel function by its BTF id. Linux 5.13 and later.
    CallKfunc(u32),
    /// Calls a function of the program: words from the next one.
    CallFunction(i32),
    /// Ends the function.
    Exit,
}

// Instruction classes and modes.
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALU64: u8 = 0x07;
const ALU: u8 = 0x04;
const X: u8 = 0x08;
const IMM: u8 = 0x00;
const MEM: u8 = 0x60;
const MEMSX: u8 = 0x80;
/// The immediate says which operation; 0 adds.
const ATOMIC: u8 = 0xc0;
const NEG: u8 = 0x80;
const END: u8 = 0xd0;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;
const PSEUDO_MAP_FD: u8 = 1;
const PSEUDO_MAP_VALUE: u8 = 2;
const PSEUDO_BTF_ID: u8 = 3;
const PSEUDO_KFUNC: u8 = 2;
const PSEUDO_CALL: u8 = 1;
const PSEUDO_FUNC: u8 = 4;

fn word(opcode: u8, dst: Register, src: Register, offset: i16, immediate: i32) -> u64 {
    u64::from(opcode)
        | u64::from(dst & 15) << 8
        | u64::from(src & 15) << 12
        | u64::from(offset as u16) << 16
        | u64::from(immediate as u32) << 32
}

impl Source {
    fn parts(self) -> (u8, Register, i32) {
        match self {
            Self::Register(register) => (X, register, 0),
            Self::Immediate(immediate) => (0, 0, immediate),
        }
    }
}

impl Width {
    /// The width of so many bytes.
    pub fn of(bytes: u32) -> Option<Self> {
        match bytes {
            1 => Some(Self::B1),
            2 => Some(Self::B2),
            4 => Some(Self::B4),
            8 => Some(Self::B8),
            _ => None,
        }
    }

    /// Bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Self::B1 => 1,
            Self::B2 => 2,
            Self::B4 => 4,
            Self::B8 => 8,
        }
    }
}

impl Cond {
    /// The condition that holds when this one does not; none for [`Cond::Set`].
    pub fn inverted(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::UnsignedGt => Self::UnsignedLe,
            Self::UnsignedGe => Self::UnsignedLt,
            Self::UnsignedLt => Self::UnsignedGe,
            Self::UnsignedLe => Self::UnsignedGt,
            Self::SignedGt => Self::SignedLe,
            Self::SignedGe => Self::SignedLt,
            Self::SignedLt => Self::SignedGe,
            Self::SignedLe => Self::SignedGt,
            Self::Set => return None,
        })
    }
}

impl Instruction {
    /// The number of words.
    pub fn words(&self) -> usize {
        if matches!(self, Self::LoadImmediate(..)) { 2 } else { 1 }
    }

    /// Appends the words.
    pub fn encode(&self, code: &mut Vec<u64>) {
        let last = match *self {
            Self::Alu(op, dst, src) => {
                let (x, register, immediate) = src.parts();
                word(ALU64 | op as u8 | x, dst, register, 0, immediate)
            }
            Self::Neg(dst) => word(ALU64 | NEG, dst, 0, 0, 0),
            // "To big endian" on the little-endian machines we generate for.
            Self::Swap(dst, width) => word(ALU | END | X, dst, 0, 0, width.bytes() as i32 * 8),
            Self::MoveSigned(dst, src, width) => {
                word(ALU64 | AluOp::Mov as u8 | X, dst, src, width.bytes() as i16 * 8, 0)
            }
            Self::MoveLow(dst, src) => word(ALU | AluOp::Mov as u8 | X, dst, src, 0, 0),
            Self::LoadImmediate(dst, immediate) => {
                let (src, low, high) = match immediate {
                    Immediate::Number(number) => (0, number as i32, (number >> 32) as i32),
                    Immediate::Map(fd) => (PSEUDO_MAP_FD, fd, 0),
                    Immediate::MapValue(fd, offset) => (PSEUDO_MAP_VALUE, fd, offset as i32),
                    Immediate::Function(distance) => (PSEUDO_FUNC, distance, 0),
                    Immediate::Variable(id) => (PSEUDO_BTF_ID, id as i32, 0),
                };
                code.push(word(LD | IMM | Width::B8 as u8, dst, src, 0, low));
                word(0, 0, 0, 0, high)
            }
            Self::Load { dst, base, offset, width, signed } => {
                let mode = if signed { MEMSX } else { MEM };
                word(LDX | mode | width as u8, dst, base, offset, 0)
            }
            Self::Store { base, offset, width, src } => match src {
                Source::Register(register) => word(STX | MEM | width as u8, base, register, offset, 0),
                Source::Immediate(immediate) => word(ST | MEM | width as u8, base, 0, offset, immediate),
            },
            Self::AtomicAdd { base, offset, src } => {
                word(STX | ATOMIC | Width::B8 as u8, base, src, offset, 0)
            }
            Self::Jump(offset) => word(JMP, 0, 0, offset, 0),
            Self::JumpFar(offset) => word(JMP32, 0, 0, 0, offset),
            Self::Branch(cond, dst, src, offset) => {
                let (x, register, immediate) = src.parts();
                word(JMP | cond as u8 | x, dst, register, offset, immediate)
            }
            Self::CallHelper(number) => word(JMP | CALL, 0, 0, 0, number as i32),
            Self::CallKfunc(id) => word(JMP | CALL, 0, PSEUDO_KFUNC, 0, id as i32),
            Self::CallFunction(distance) => word(JMP | CALL, 0, PSEUDO_CALL, 0, distance),
            Self::Exit => word(JMP | EXIT, 0, 0, 0, 0),
        };
        code.push(last);
    }

    /// Reads the first instruction of some words; `None` if it is none that we generate.
    pub fn decode(code: &[u64]) -> Option<Self> {
        let first = *code.first()?;
        let opcode = first as u8;
        let dst = (first >> 8 & 15) as u8;
        let src = (first >> 12 & 15) as u8;
        let offset = (first >> 16) as i16;
        let immediate = (first >> 32) as i32;
        let operand = if opcode & X != 0 { Source::Register(src) } else { Source::Immediate(immediate) };
        let width = match opcode & 0x18 {
            0x00 => Width::B4,
            0x08 => Width::B2,
            0x10 => Width::B1,
            _ => Width::B8,
        };
        Some(match opcode & 7 {
            LD if opcode == LD | IMM | Width::B8 as u8 => {
                let high = (code.get(1)? >> 32) as u32;
                Self::LoadImmediate(
                    dst,
                    match src {
                        0 => Immediate::Number(u64::from(immediate as u32) | u64::from(high) << 32),
                        PSEUDO_MAP_FD => Immediate::Map(immediate),
                        PSEUDO_MAP_VALUE => Immediate::MapValue(immediate, high),
                        PSEUDO_FUNC => Immediate::Function(immediate),
                        PSEUDO_BTF_ID => Immediate::Variable(immediate as u32),
                        _ => return None,
                    },
                )
            }
            LDX => {
                let signed = match opcode & 0xe0 {
                    MEM => false,
                    MEMSX => true,
                    _ => return None,
                };
                Self::Load { dst, base: src, offset, width, signed }
            }
            ST if opcode & 0xe0 == MEM => {
                Self::Store { base: dst, offset, width, src: Source::Immediate(immediate) }
            }
            STX if opcode == STX | ATOMIC | Width::B8 as u8 && immediate == 0 => {
                Self::AtomicAdd { base: dst, offset, src }
            }
            STX if opcode & 0xe0 == MEM => {
                Self::Store { base: dst, offset, width, src: Source::Register(src) }
            }
            ALU if opcode == ALU | AluOp::Mov as u8 | X && offset == 0 => Self::MoveLow(dst, src),
            ALU if opcode == ALU | END | X => Self::Swap(dst, Width::of(immediate as u32 / 8)?),
            ALU64 if opcode == ALU64 | NEG => Self::Neg(dst),
            ALU64 if opcode == ALU64 | AluOp::Mov as u8 | X && offset != 0 => {
                Self::MoveSigned(dst, src, Width::of(offset as u32 / 8)?)
            }
            ALU64 => Self::Alu(alu_op(opcode & 0xf0)?, dst, operand),
            JMP => match (opcode & 0xf0, src) {
                (0, _) => Self::Jump(offset),
                (CALL, 0) => Self::CallHelper(immediate as u32),
                (CALL, PSEUDO_CALL) => Self::CallFunction(immediate),
                (CALL, PSEUDO_KFUNC) => Self::CallKfunc(immediate as u32),
                (EXIT, _) => Self::Exit,
                (cond, _) => Self::Branch(condition(cond)?, dst, operand, offset),
            },
            JMP32 if opcode == JMP32 => Self::JumpFar(immediate),
            _ => return None,
        })
    }
}

fn alu_op(bits: u8) -> Option<AluOp> {
    use AluOp::{Add, And, Div, Mod, Mov, Mul, Or, Sar, Shl, Shr, Sub, Xor};
    [Add, Sub, Mul, Div, Or, And, Shl, Shr, Mod, Xor, Mov, Sar].into_iter().find(|op| *op as u8 == bits)
}

fn condition(bits: u8) -> Option<Cond> {
    use Cond::{Eq, Ne, Set, SignedGe, SignedGt, SignedLe, SignedLt};
    use Cond::{UnsignedGe, UnsignedGt, UnsignedLe, UnsignedLt};
    [Eq, UnsignedGt, UnsignedGe, Set, Ne, SignedGt, SignedGe, UnsignedLt, UnsignedLe, SignedLt, SignedLe]
        .into_iter()
        .find(|cond| *cond as u8 == bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every shape of instruction with numbers from a small generator.
    #[test]
    fn encode_then_decode_is_identity() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..2000 {
            let (a, b) = ((next() % 11) as u8, (next() % 11) as u8);
            let offset = next() as i16;
            let number = next();
            let source = if number & 1 == 0 { Source::Register(b) } else { Source::Immediate(next() as i32) };
            let width = [Width::B1, Width::B2, Width::B4, Width::B8][(next() % 4) as usize];
            let narrow = [Width::B1, Width::B2, Width::B4][(next() % 3) as usize];
            let wide = [Width::B2, Width::B4, Width::B8][(next() % 3) as usize];
            let Some(op) = alu_op((next() % 13) as u8 * 16) else { continue };
            let Some(cond) = condition((next() % 14) as u8 * 16) else { continue };
            for instruction in [
                Instruction::Alu(op, a, source),
                Instruction::Neg(a),
                Instruction::Swap(a, wide),
                Instruction::MoveSigned(a, b, narrow),
                Instruction::MoveLow(a, b),
                Instruction::LoadImmediate(a, Immediate::Number(number)),
                Instruction::LoadImmediate(a, Immediate::Map(number as i32)),
                Instruction::LoadImmediate(a, Immediate::MapValue(number as i32, offset as u32)),
                Instruction::LoadImmediate(a, Immediate::Variable(number as u32)),
                Instruction::Load { dst: a, base: b, offset, width, signed: false },
                Instruction::Load { dst: a, base: b, offset, width: narrow, signed: true },
                Instruction::Store { base: a, offset, width, src: source },
                Instruction::AtomicAdd { base: a, offset, src: b },
                Instruction::Jump(offset),
                Instruction::Branch(cond, a, source, offset),
                Instruction::CallHelper(number as u32),
                Instruction::CallKfunc(number as u32),
                Instruction::Exit,
            ] {
                let mut code = Vec::new();
                instruction.encode(&mut code);
                assert_eq!(code.len(), instruction.words());
                assert_eq!(Instruction::decode(&code), Some(instruction));
            }
        }
    }
}
