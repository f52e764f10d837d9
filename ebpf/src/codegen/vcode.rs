//! [`VCode`]: BPF instructions over virtual registers, in blocks, not in SSA form any more.
//!
//! Selection writes it, register allocation exchanges the registers, `emit` makes bytes of it. Physical
//! registers appear where calls want them: arguments in r1 to r5, results in r0.
//!
//! *Not here:* offsets on the stack (`frame`) and distances of jumps (`emit`).

use probebook_lang::source::Span;

use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::MapRef;

/// A register: r0 to r10, or a virtual one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reg(pub u32);

impl Reg {
    pub const R0: Self = Self(0);
    pub const R1: Self = Self(1);
    /// The frame pointer.
    pub const R10: Self = Self(10);
    /// The first virtual register.
    pub const FIRST: u32 = 11;

    pub fn is_virtual(self) -> bool {
        self.0 >= Self::FIRST
    }
}

/// Memory of the program that selection asks for; `frame` decides where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemorySlot {
    pub size: u32,
    /// Loop states and spilled registers must lie on the real stack.
    pub on_stack: bool,
}

/// Where an address starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Reg(Reg),
    /// An index of [`VCode::slots`].
    Slot(u32),
    /// The program's region of the scratch memory, which begins with what its functions share.
    Region,
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mem {
    pub base: Base,
    pub offset: u32,
    /// What the base is known to be a multiple of, at most 8; [`ANY`] where it does not matter.
    pub align: u32,
}

/// Any access is as good as an aligned one.
pub(super) const ANY: u32 = 16;

impl Mem {
    /// The start of a slot; all slots are aligned to 8.
    pub fn slot(index: u32) -> Self {
        Self { base: Base::Slot(index), offset: 0, align: 8 }
    }

    /// What a pointer into a context points to.
    pub fn aligned(reg: Reg) -> Self {
        Self { base: Base::Reg(reg), offset: 0, align: 8 }
    }

    /// A map value or a record: there the verifier takes unaligned accesses, and x86 makes them fast.
    pub fn at(reg: Reg) -> Self {
        Self { base: Base::Reg(reg), offset: 0, align: ANY }
    }

    /// Bytes further.
    pub fn plus(self, offset: u32) -> Self {
        Self { offset: self.offset + offset, ..self }
    }

    /// What the address is known to be a multiple of, at most 8.
    pub fn alignment(self) -> u32 {
        if self.align == ANY {
            return 8;
        }
        let offset = 1 << self.offset.trailing_zeros().min(3);
        offset.min(self.align)
    }
}

/// A register or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Reg(Reg),
    Imm(i32),
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<i32> for Operand {
    fn from(number: i32) -> Self {
        Self::Imm(number)
    }
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    Helper(Helper),
    /// A kernel function by its BTF id.
    Kfunc(u32),
    /// A function of the program, by its number.
    Function(u32),
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VInst {
    Mov(Reg, Operand),
    Alu(AluOp, Reg, Operand),
    MoveSigned(Reg, Reg, Width),
    /// The low 32 bits.
    MoveLow(Reg, Reg),
    Swap(Reg, Width),
    Neg(Reg),
    /// A 64-bit number.
    Number(Reg, u64),
    /// A variable of Linux, by its BTF id.
    Variable(Reg, u32),
    /// A map, or the address of a byte of its first element.
    Map(Reg, MapRef, Option<u32>),
    /// A function of the program, by its number, for a helper that calls it.
    Function(Reg, u32),
    /// Multiplies by the scratch bytes of one CPU, which are known when all programs are.
    Stride(Reg),
    /// The address itself.
    Address(Reg, Mem),
    Load {
        dst: Reg,
        mem: Mem,
        width: Width,
        signed: bool,
    },
    Store {
        mem: Mem,
        width: Width,
        src: Operand,
    },
    /// Adds the second register to the word that the first one points to.
    AtomicAdd(Reg, Reg),
    /// Reads r1 to r`n`, writes r0, destroys r1 to r5.
    Call(Callee, u8),
}

/// A block, by its index in [`VCode::blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Label(pub u32);

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VEnd {
    Jump(Label),
    Branch {
        cond: Cond,
        a: Reg,
        b: Operand,
        then: Label,
        otherwise: Label,
    },
    /// With r0 as the result.
    Exit,
    /// Not written yet.
    Open,
}

impl VEnd {
    pub fn targets(&self) -> impl Iterator<Item = Label> {
        match *self {
            Self::Jump(label) => [Some(label), None],
            Self::Branch { then, otherwise, .. } => [Some(then), Some(otherwise)],
            Self::Exit | Self::Open => [None, None],
        }
        .into_iter()
        .flatten()
    }
}

/// A straight run of instructions.
#[derive(Clone, Debug)]
pub(super) struct VBlock {
    pub insts: Vec<(VInst, Span)>,
    pub end: VEnd,
    pub end_span: Span,
    /// Rarely run: laid out behind the others, and of little weight for registers.
    pub cold: bool,
}

/// A function of a program.
#[derive(Clone, Debug)]
pub(super) struct VCode {
    pub blocks: Vec<VBlock>,
    pub slots: Vec<MemorySlot>,
    /// One past the last register.
    pub registers: u32,
    /// Who knows where the program's region of the scratch memory is: a word at this address; else it is found
    /// by the CPU.
    pub region: Option<Mem>,
    /// An empty block near the entry, where the scratch memory is looked up if it is needed.
    pub prologue: Label,
    /// The block that ends the function with 0.
    pub quit: Label,
}

impl VCode {
    /// The functions it calls, or has called, each once.
    pub fn callees(&self) -> Vec<u32> {
        let insts = self.blocks.iter().flat_map(|block| &block.insts);
        let callee = |(inst, _): &(VInst, Span)| match *inst {
            VInst::Call(Callee::Function(callee), _) | VInst::Function(_, callee) => Some(callee),
            _ => None,
        };
        let callees: std::collections::BTreeSet<u32> = insts.filter_map(callee).collect();
        callees.into_iter().collect()
    }

    pub fn register(&mut self) -> Reg {
        self.registers += 1;
        Reg(self.registers - 1)
    }

    pub fn slot(&mut self, size: u32, on_stack: bool) -> u32 {
        self.slots.push(MemorySlot { size: size.next_multiple_of(8), on_stack });
        self.slots.len() as u32 - 1
    }

    /// Reachable blocks as they are laid out: reverse postorder, the cold ones last.
    pub fn layout(&self) -> Vec<Label> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.blocks.len()];
        let mut stack = vec![(Label(0), self.targets_last_first(Label(0)))];
        seen[0] = true;
        while let Some((label, rest)) = stack.last_mut() {
            match rest.pop() {
                Some(next) => {
                    if !std::mem::replace(&mut seen[next.0 as usize], true) {
                        stack.push((next, self.targets_last_first(next)));
                    }
                }
                None => {
                    order.push(*label);
                    stack.pop();
                }
            }
        }
        order.reverse();
        let (cold, mut hot): (Vec<_>, Vec<_>) =
            order.into_iter().partition(|label| self.blocks[label.0 as usize].cold);
        hot.extend(cold);
        hot
    }

    /// Targets to visit from the back: the second way first, so that the first one follows directly.
    fn targets_last_first(&self, label: Label) -> Vec<Label> {
        self.blocks[label.0 as usize].end.targets().collect()
    }
}

impl VInst {
    /// The register it writes, if it is one (a call writes r0 to r5).
    pub fn def(&self) -> Option<Reg> {
        match *self {
            Self::Mov(dst, _)
            | Self::Alu(_, dst, _)
            | Self::MoveSigned(dst, ..)
            | Self::MoveLow(dst, _)
            | Self::Swap(dst, _)
            | Self::Neg(dst)
            | Self::Number(dst, _)
            | Self::Variable(dst, _)
            | Self::Map(dst, ..)
            | Self::Function(dst, _)
            | Self::Stride(dst)
            | Self::Address(dst, _)
            | Self::Load { dst, .. } => Some(dst),
            Self::Store { .. } | Self::AtomicAdd(..) | Self::Call(..) => None,
        }
    }

    /// The memory it names.
    pub fn memory(&self) -> Option<Mem> {
        let mut copy = *self;
        copy.memory_mut().copied()
    }

    /// The memory it names, to change.
    pub fn memory_mut(&mut self) -> Option<&mut Mem> {
        match self {
            Self::Address(_, mem) | Self::Load { mem, .. } | Self::Store { mem, .. } => Some(mem),
            _ => None,
        }
    }

    /// Shows each register it reads to `f`.
    pub fn uses(&self, mut f: impl FnMut(Reg)) {
        let mut operand = |operand: Operand| {
            if let Operand::Reg(reg) = operand {
                f(reg);
            }
        };
        let address = |mem: Mem| match mem.base {
            Base::Reg(reg) => Operand::Reg(reg),
            Base::Slot(_) | Base::Region => Operand::Imm(0),
        };
        match *self {
            Self::Mov(_, src) => operand(src),
            Self::Alu(_, dst, src) => {
                operand(dst.into());
                operand(src);
            }
            Self::MoveSigned(_, src, _) | Self::MoveLow(_, src) => operand(src.into()),
            Self::Swap(dst, _) | Self::Neg(dst) | Self::Stride(dst) => operand(dst.into()),
            Self::Address(_, mem) | Self::Load { mem, .. } => operand(address(mem)),
            Self::Store { mem, src, .. } => {
                operand(address(mem));
                operand(src);
            }
            Self::AtomicAdd(address, amount) => {
                operand(address.into());
                operand(amount.into());
            }
            Self::Call(_, arguments) => (1..=u32::from(arguments)).for_each(|n| operand(Reg(n).into())),
            Self::Number(..) | Self::Variable(..) | Self::Map(..) | Self::Function(..) => {}
        }
    }

    /// Shows each register it names to `f`, which may exchange it.
    pub fn registers_mut(&mut self, mut f: impl FnMut(&mut Reg)) {
        let mut address = None;
        let mut operand = None;
        match self {
            Self::Mov(dst, src) | Self::Alu(_, dst, src) => {
                f(dst);
                operand = Some(src);
            }
            Self::MoveSigned(dst, src, _) | Self::MoveLow(dst, src) | Self::AtomicAdd(dst, src) => {
                f(dst);
                f(src);
            }
            Self::Swap(dst, _)
            | Self::Neg(dst)
            | Self::Number(dst, _)
            | Self::Variable(dst, _)
            | Self::Map(dst, ..)
            | Self::Function(dst, _)
            | Self::Stride(dst) => f(dst),
            Self::Address(dst, mem) | Self::Load { dst, mem, .. } => {
                f(dst);
                address = Some(mem);
            }
            Self::Store { mem, src, .. } => {
                address = Some(mem);
                operand = Some(src);
            }
            Self::Call(..) => {}
        }
        if let Some(Mem { base: Base::Reg(reg), .. }) = address {
            f(reg);
        }
        if let Some(Operand::Reg(reg)) = operand {
            f(reg);
        }
    }
}
