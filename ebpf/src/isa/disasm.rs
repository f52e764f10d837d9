//! Words → text, in the notation of the verifier's log: `r1 = *(u64 *)(r10 -8)`.

use std::fmt;

use super::{AluOp, Cond, Helper, Immediate, Instruction, Source, Width};
use crate::object::{MapRef, ProgramSpec};

/// A program as text, one instruction a line with its index; maps by what they are.
pub fn disassemble(program: &ProgramSpec) -> String {
    print(&program.code, |index, dst| {
        let relocation = program.relocations.iter().find(|relocation| relocation.index as usize == index)?;
        let map = match relocation.map {
            MapRef::User(id) => format!("map m{id}"),
            other => format!("map {}", format!("{other:?}").to_lowercase()),
        };
        Some(match relocation.value_offset {
            Some(offset) => format!("r{dst} = &{map}[0]+{offset} ll"),
            None => format!("r{dst} = {map} ll"),
        })
    })
}

/// Bare words as text.
pub fn print_words(code: &[u64]) -> String {
    print(code, |_, _| None)
}

fn print(code: &[u64], relocated: impl Fn(usize, u8) -> Option<String>) -> String {
    let mut out = String::new();
    let mut index = 0;
    while index < code.len() {
        let (text, words) = match Instruction::decode(&code[index..]) {
            Some(instruction) => {
                let text = match instruction {
                    Instruction::LoadImmediate(dst, Immediate::Function(distance)) => {
                        Some(format!("r{dst} = function {} ll", target(index, distance)))
                    }
                    Instruction::LoadImmediate(dst, _) => relocated(index, dst),
                    Instruction::CallFunction(distance) => {
                        Some(format!("call function {}", target(index, distance)))
                    }
                    Instruction::Jump(offset) => Some(format!("goto {}", target(index, offset))),
                    Instruction::JumpFar(offset) => Some(format!("gotol {}", target(index, offset))),
                    Instruction::Branch(cond, a, b, offset) => {
                        Some(format!("if {} goto {}", Comparison(cond, a, b), target(index, offset)))
                    }
                    _ => None,
                };
                (text.unwrap_or_else(|| instruction.to_string()), instruction.words())
            }
            None => (format!("? {:016x}", code[index]), 1),
        };
        out.push_str(&format!("{index:4}: {text}\n"));
        index += words;
    }
    out
}

fn target(index: usize, offset: impl Into<i64>) -> i64 {
    index as i64 + 1 + offset.into()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(register) => write!(f, "r{register}"),
            Self::Immediate(immediate) => write!(f, "{immediate}"),
        }
    }
}

struct Comparison(Cond, u8, Source);

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cond, a, b) = self;
        write!(f, "r{a} {} {b}", cond.symbol())
    }
}

impl Cond {
    /// As in the verifier's log.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Set => "&",
            Self::UnsignedGt => ">",
            Self::UnsignedGe => ">=",
            Self::UnsignedLt => "<",
            Self::UnsignedLe => "<=",
            Self::SignedGt => "s>",
            Self::SignedGe => "s>=",
            Self::SignedLt => "s<",
            Self::SignedLe => "s<=",
        }
    }
}

impl AluOp {
    /// As in the verifier's log.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Sub => "-=",
            Self::Mul => "*=",
            Self::Div => "/=",
            Self::Or => "|=",
            Self::And => "&=",
            Self::Shl => "<<=",
            Self::Shr => ">>=",
            Self::Mod => "%=",
            Self::Xor => "^=",
            Self::Mov => "=",
            Self::Sar => "s>>=",
        }
    }
}

impl Width {
    /// The type of an access: `u64`, `s32`.
    pub fn symbol(self, signed: bool) -> &'static str {
        match (self, signed) {
            (Self::B1, false) => "u8",
            (Self::B2, false) => "u16",
            (Self::B4, false) => "u32",
            (Self::B8, false) => "u64",
            (Self::B1, true) => "s8",
            (Self::B2, true) => "s16",
            (Self::B4, true) => "s32",
            (Self::B8, true) => "s64",
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Alu(op, dst, src) => write!(f, "r{dst} {} {src}", op.symbol()),
            Self::Neg(dst) => write!(f, "r{dst} = -r{dst}"),
            Self::Swap(dst, width) => write!(f, "r{dst} = be{} r{dst}", width.bytes() * 8),
            Self::MoveSigned(dst, src, width) => write!(f, "r{dst} = ({})r{src}", width.symbol(true)),
            Self::MoveLow(dst, src) => write!(f, "w{dst} = w{src}"),
            Self::LoadImmediate(dst, Immediate::Number(number)) => write!(f, "r{dst} = {number:#x} ll"),
            Self::LoadImmediate(dst, Immediate::Variable(id)) => write!(f, "r{dst} = variable {id} ll"),
            Self::LoadImmediate(dst, Immediate::Map(fd)) => write!(f, "r{dst} = map fd {fd} ll"),
            Self::LoadImmediate(dst, Immediate::MapValue(fd, offset)) => {
                write!(f, "r{dst} = &map fd {fd}[0]+{offset} ll")
            }
            Self::LoadImmediate(dst, Immediate::Function(distance)) => {
                write!(f, "r{dst} = function {distance:+} ll")
            }
            Self::Load { dst, base, offset, width, signed } => {
                write!(f, "r{dst} = *({} *)(r{base} {offset:+})", width.symbol(signed))
            }
            Self::Store { base, offset, width, src } => {
                write!(f, "*({} *)(r{base} {offset:+}) = {src}", width.symbol(false))
            }
            Self::AtomicAdd { base, offset, src } => write!(f, "lock *(u64 *)(r{base} {offset:+}) += r{src}"),
            Self::Jump(offset) => write!(f, "goto {offset:+}"),
            Self::JumpFar(offset) => write!(f, "gotol {offset:+}"),
            Self::Branch(cond, a, b, offset) => write!(f, "if {} goto {offset:+}", Comparison(cond, a, b)),
            Self::CallHelper(number) => match Helper::from_number(number) {
                Some(helper) => write!(f, "call {}#{number}", helper.name()),
                None => write!(f, "call #{number}"),
            },
            Self::CallKfunc(id) => write!(f, "call kernel-function#{id}"),
            Self::CallFunction(distance) => write!(f, "call function {distance:+}"),
            Self::Exit => f.write_str("exit"),
        }
    }
}
