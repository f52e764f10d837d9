//! Random programs: what the generated code computes is what an interpreter of the test computes, with and
//! without the passes of `opt`.

use probebook_lang::ir::builder::{FunctionBuilder, Variable};
use probebook_lang::ir::{Ambient, Arith, Cond, MapId, Module, Op, Program, Type, Value};
use probebook_lang::opt::fold::{evaluate, extended, holds};
use probebook_lang::probes::AttachPoint;
use probebook_lang::types::{self, MapValue};

use super::machine::{Machine, target};
use super::{S, constant, is_live, map, module};
use crate::codegen::{Target, generate};

const VARIABLES: usize = 8;
const ARGUMENTS: usize = 4;

/// A statement of a random program.
#[derive(Clone, Debug)]
enum Statement {
    Constant(usize, i64),
    Argument(usize, usize),
    Arith(Arith, usize, usize, usize),
    ArithConstant(Arith, usize, usize, i64),
    Compare(Cond, usize, usize, usize),
    Extend(usize, usize, u8, bool),
    Swap(usize, usize, u8),
    /// A call that destroys registers.
    Call,
    /// Stores a variable in local memory and loads a part of it.
    Memory(usize, usize, u8, bool),
    Map(usize, usize),
    If(Cond, usize, usize, Vec<Statement>, Vec<Statement>),
    Loop(usize, i64, Vec<Statement>),
}

struct Generator(u64);

impl Generator {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below
    }

    fn variable(&mut self) -> usize {
        self.next(VARIABLES)
    }

    fn number(&mut self) -> i64 {
        match self.next(4) {
            0 => self.next(4) as i64 - 1,
            1 => 1 << self.next(64),
            2 => self.next(1000) as i64,
            _ => self.next(usize::MAX) as i64,
        }
    }

    fn arith(&mut self) -> Arith {
        use Arith::{Add, And, Div, Mod, Mul, Or, Sar, Shl, Shr, Sub, Xor};
        [Add, Sub, Mul, Div, Mod, And, Or, Xor, Shl, Shr, Sar][self.next(11)]
    }

    fn cond(&mut self) -> Cond {
        use Cond::{Eq, Ne, SignedGe, SignedGt, SignedLe, SignedLt};
        use Cond::{UnsignedGe, UnsignedGt, UnsignedLe, UnsignedLt};
        let all =
            [Eq, Ne, SignedLt, SignedLe, SignedGt, SignedGe, UnsignedLt, UnsignedLe, UnsignedGt, UnsignedGe];
        all[self.next(10)]
    }

    fn statements(&mut self, depth: u32, count: usize) -> Vec<Statement> {
        (0..count).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: u32) -> Statement {
        let (a, b, c) = (self.variable(), self.variable(), self.variable());
        match self.next(if depth > 0 { 15 } else { 12 }) {
            0 => Statement::Constant(a, self.number()),
            1 | 2 => Statement::Argument(a, self.next(ARGUMENTS)),
            3 | 4 => Statement::Arith(self.arith(), a, b, c),
            5 | 6 => Statement::ArithConstant(self.arith(), a, b, self.number()),
            7 => Statement::Compare(self.cond(), a, b, c),
            8 => Statement::Extend(a, b, [1, 2, 4][self.next(3)], self.next(2) == 0),
            9 => match self.next(2) {
                0 => Statement::Swap(a, b, [2, 4, 8][self.next(3)]),
                _ => Statement::Call,
            },
            10 => Statement::Memory(a, b, [1, 2, 4, 8][self.next(4)], self.next(2) == 0),
            11 => Statement::Map(a, b),
            12 | 13 => {
                let (then, otherwise) = (self.next(4), self.next(3));
                let then = self.statements(depth - 1, then);
                Statement::If(self.cond(), a, b, then, self.statements(depth - 1, otherwise))
            }
            _ => {
                let count = self.next(4) as i64;
                let length = self.next(4) + 1;
                Statement::Loop(a, count, self.statements(depth - 1, length))
            }
        }
    }
}

/// Runs statements on variables and the element of a map.
fn interpret(statements: &[Statement], state: &mut [i64; VARIABLES], arguments: &[u64], element: &mut i64) {
    for statement in statements {
        match statement {
            Statement::Constant(a, number) => state[*a] = *number,
            Statement::Argument(a, index) => state[*a] = arguments[*index] as i64,
            Statement::Arith(op, a, b, c) => state[*a] = evaluate(*op, state[*b], state[*c]),
            Statement::ArithConstant(op, a, b, number) => state[*a] = evaluate(*op, state[*b], *number),
            Statement::Compare(cond, a, b, c) => state[*a] = i64::from(holds(*cond, state[*b], state[*c])),
            Statement::Extend(a, b, width, signed) => state[*a] = extended(state[*b], *width, *signed),
            Statement::Swap(a, b, width) => {
                let swapped = (state[*b] as u64).swap_bytes() >> (64 - 8 * u32::from(*width));
                state[*a] = swapped as i64;
            }
            Statement::Call => {}
            Statement::Memory(a, b, width, signed) => state[*a] = extended(state[*b], *width, *signed),
            Statement::Map(a, b) => {
                let before = *element;
                *element = state[*b];
                state[*a] = before;
            }
            Statement::If(cond, a, b, then, otherwise) => {
                let way = if holds(*cond, state[*a], state[*b]) { then } else { otherwise };
                interpret(way, state, arguments, element);
            }
            Statement::Loop(a, count, body) => {
                for number in 0..*count {
                    state[*a] = number;
                    interpret(body, state, arguments, element);
                }
            }
        }
    }
}

fn build(b: &mut FunctionBuilder, statements: &[Statement], state: &[Variable]) {
    for statement in statements {
        let get = |b: &mut FunctionBuilder, index: &usize| b.get(state[*index]);
        let (to, value) = match statement {
            Statement::Constant(a, number) => (a, constant(b, *number)),
            Statement::Argument(a, index) => (a, b.value(Op::Argument(*index as u8), S)),
            Statement::Arith(op, a, left, right) => {
                let (left, right) = (get(b, left), get(b, right));
                (a, b.value(Op::Arith(*op, left, right), S))
            }
            Statement::ArithConstant(op, a, left, number) => {
                let (left, right) = (get(b, left), constant(b, *number));
                (a, b.value(Op::Arith(*op, left, right), S))
            }
            Statement::Compare(cond, a, left, right) => {
                let (left, right) = (get(b, left), get(b, right));
                (a, b.value(Op::Compare(*cond, left, right), S))
            }
            Statement::Extend(a, from, width, signed) => {
                let value = get(b, from);
                (a, b.value(Op::Extend { value, width: *width, signed: *signed }, S))
            }
            Statement::Swap(a, from, width) => {
                let value = get(b, from);
                (a, b.value(Op::Swap { value, width: *width }, S))
            }
            Statement::Call => {
                let slot = b.slot(16, 8);
                let to = b.value(Op::SlotAddress(slot, 0), S);
                b.effect(Op::Comm { to }, S);
                // Read, so that it is not removed.
                let first = b.value(Op::Load { memory: to, offset: 0, width: 8, signed: false }, S);
                let key = Some(b.value(Op::SlotAddress(slot, 8), S));
                b.effect(Op::MapSet { map: MapId(1), key, value: first }, S);
                continue;
            }
            Statement::Memory(a, from, width, signed) => {
                let slot = b.slot(8, 8);
                let memory = b.value(Op::SlotAddress(slot, 0), S);
                let value = get(b, from);
                b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
                (a, b.value(Op::Load { memory, offset: 0, width: *width, signed: *signed }, S))
            }
            Statement::Map(a, from) => {
                let before = b.value(Op::MapGet { map: MapId(0), key: None }, S);
                let value = get(b, from);
                b.effect(Op::MapSet { map: MapId(0), key: None, value }, S);
                (a, before)
            }
            Statement::If(cond, left, right, then, otherwise) => {
                let (left, right) = (get(b, left), get(b, right));
                let condition = b.value(Op::Compare(*cond, left, right), S);
                let (yes, no, done) = (b.block(), b.block(), b.block());
                b.branch(condition, yes, no, S);
                for (block, statements) in [(yes, then), (no, otherwise)] {
                    b.seal(block);
                    b.switch_to(block);
                    build(b, statements, state);
                    b.jump(done, vec![]);
                }
                b.seal(done);
                b.switch_to(done);
                continue;
            }
            Statement::Loop(a, count, body) => {
                let loop_state = b.slot(8, 8);
                let (from, to) = (constant(b, 0), constant(b, *count));
                b.effect(Op::LoopOpen { state: loop_state, from, to }, S);
                let (head, inside, done) = (b.block(), b.block(), b.block());
                let number = b.param(inside, Type::Int);
                b.jump(head, vec![]);
                b.switch_to(head);
                b.next(loop_state, inside, done, S);
                b.seal(inside);
                b.seal(done);
                b.switch_to(inside);
                b.set(state[*a], number);
                build(b, body, state);
                b.jump(head, vec![]);
                b.seal(head);
                b.switch_to(done);
                b.effect(Op::LoopClose { state: loop_state }, S);
                continue;
            }
        };
        b.set(state[*to], value);
    }
}

/// The program, with all variables mixed into the result.
fn program(statements: &[Statement]) -> Program {
    let point = AttachPoint::RawTracepoint { event: "sys_enter".into() };
    super::program_at(point, |b| {
        let state: Vec<Variable> = (0..VARIABLES).map(|_| b.variable()).collect();
        build(b, statements, &state);
        let mut sum = constant(b, 0);
        for variable in state {
            let factor = constant(b, 31);
            let product: Value = b.value(Op::Arith(Arith::Mul, sum, factor), S);
            let value = b.get(variable);
            sum = b.value(Op::Arith(Arith::Add, product, value), S);
        }
        let shift = constant(b, 32);
        let high = b.value(Op::Arith(Arith::Shr, sum, shift), S);
        b.value(Op::Arith(Arith::Xor, sum, high), S)
    })
}

fn result(state: &[i64; VARIABLES]) -> u32 {
    let sum = state.iter().fold(0_i64, |sum, value| sum.wrapping_mul(31).wrapping_add(*value)) as u64;
    (sum ^ sum >> 32) as u32
}

/// Loads; `None` where the verifier gives up because loops in loops have too many ways through.
fn machine(mut module: Module, target: &Target, optimise: bool) -> Option<Machine> {
    probebook_lang::ir::verify::verify(&module).expect("a valid module");
    if optimise {
        probebook_lang::opt::optimise(&mut module);
    }
    match Machine::try_load(generate(&module, target).expect("code")) {
        Ok(machine) => Some(machine),
        Err(log) if log.contains("BPF program is too large. Processed") => None,
        Err(log) => panic!("{log}"),
    }
}

#[test]
fn random_programs() {
    if !is_live() {
        return;
    }
    let with = target();
    let without = Target { iter_num: None, linux: (6, 1), ..with.clone() };
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let mut given_up = 0;
    for seed in 1..=rounds {
        let mut generator = Generator(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let length = 10 + generator.next(30);
        let statements = generator.statements(3, length);
        let arguments: Vec<u64> = (0..ARGUMENTS).map(|_| generator.number() as u64).collect();
        let (mut state, mut element) = ([0; VARIABLES], 0);
        interpret(&statements, &mut state, &arguments, &mut element);
        for (target, optimise) in [(&with, false), (&with, true), (&without, true)] {
            let plain = || MapValue::Plain(types::Type::I64);
            let maps = vec![map("m", None, plain()), map("n", Some(vec![types::Type::I64]), plain())];
            let module = module(maps, vec![], vec![program(&statements)]);
            let Some(machine) = machine(module, target, optimise) else {
                given_up += 1;
                continue;
            };
            let found = machine.run_with(0, &arguments);
            assert_eq!(found, result(&state), "seed {seed}, optimised {optimise}: {statements:#?}");
            assert_eq!(
                machine.element(0, &[0; 4]).map(|words| words[0]),
                Some(element as u64),
                "seed {seed}"
            );
        }
    }
    assert!(given_up * 10 <= rounds, "{given_up} of {rounds} programs were too complex");
    // Clocks and random numbers only have to load.
    let ambients = super::begin(|b| b.value(Op::Ambient(Ambient::Random), S));
    machine(module(vec![], vec![], vec![ambients]), &without, true);
}
