//! [`Instruction`] ↔ 8-byte words ↔ text: the BPF instruction set, as far as we generate it.
//!
//! *Invariant:* what [`Instruction::encode`] writes, [`Instruction::decode`] reads back the same.
//!
//! *Not here:* which instructions stand for an operation (`codegen`).

mod disasm;
mod helper;
mod insn;

pub use disasm::{disassemble, print_words};
pub use helper::Helper;
pub use insn::{AluOp, Cond, Immediate, Instruction, Register, Source, Width};
