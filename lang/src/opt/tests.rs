//! Each pass by what it leaves.

use super::optimise;
use crate::ir::builder::FunctionBuilder;
use crate::ir::print::print_function;
use crate::ir::{Ambient, Arith, Cond, Map, MapId, Module, Op, Program, Value};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::types::layout::Layout;
use crate::types::{MapType, MapValue, Type};

const S: Span = Span { start: 0, end: 0 };

/// The text of the optimised function.
fn optimised(build: impl FnOnce(&mut FunctionBuilder) -> Value) -> String {
    let mut b = FunctionBuilder::new();
    let result = build(&mut b);
    b.ret(result);
    let word = Layout::of(&Type::I64);
    let ty = MapType { key: Some(vec![Type::I64]), value: MapValue::Plain(Type::I64), unit: None };
    let map = Map {
        name: "m".into(),
        ty,
        key: Some(word.clone()),
        value: Some(word),
        max_entries: 8,
        evicts: false,
    };
    let program = Program {
        name: "p".into(),
        points: vec![AttachPoint::Begin],
        function: b.finish(),
        subprograms: Vec::new(),
        shared: 0,
        span: S,
    };
    let mut module =
        Module { maps: vec![map], records: vec![], programs: vec![program], ..Module::default() };
    optimise(&mut module);
    print_function(&module.programs[0].function)
}

fn memory(b: &mut FunctionBuilder, size: u32) -> Value {
    let slot = b.slot(size, 8);
    b.value(Op::SlotAddress(slot, 0), S)
}

#[test]
fn constants_are_computed() {
    let text = optimised(|b| {
        let (six, seven) = (b.constant(6, S), b.constant(7, S));
        let product = b.value(Op::Arith(Arith::Mul, six, seven), S);
        let pid = b.value(Op::Ambient(Ambient::Pid), S);
        let none = b.value(Op::Arith(Arith::Sub, pid, pid), S);
        b.value(Op::Arith(Arith::Add, product, none), S)
    });
    assert!(text.contains("const 42") && !text.contains("pid"), "{text}");
}

#[test]
fn known_branches_and_their_blocks_vanish() {
    let text = optimised(|b| {
        let (yes, no, done) = (b.block(), b.block(), b.block());
        let variable = b.variable();
        let (one, two) = (b.constant(1, S), b.constant(2, S));
        let less = b.value(Op::Compare(Cond::SignedLt, one, two), S);
        b.branch(less, yes, no, S);
        for (block, value) in [(yes, one), (no, two)] {
            b.seal(block);
            b.switch_to(block);
            b.set(variable, value);
            b.jump(done, vec![]);
        }
        b.seal(done);
        b.switch_to(done);
        b.get(variable)
    });
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("const 1"), "{text}");
}

#[test]
fn facts_are_asked_once_and_clocks_each_time() {
    let text = optimised(|b| {
        let numbers = [Ambient::Pid, Ambient::Pid, Ambient::Elapsed, Ambient::Elapsed]
            .map(|ambient| b.value(Op::Ambient(ambient), S));
        numbers.into_iter().reduce(|a, c| b.value(Op::Arith(Arith::Mul, a, c), S)).expect("numbers")
    });
    assert_eq!((text.matches("= pid").count(), text.matches("= elapsed").count()), (1, 2), "{text}");
}

#[test]
fn divisions_by_powers_of_two_are_shifts() {
    let text = optimised(|b| {
        let (pid, sixteen) = (b.value(Op::Ambient(Ambient::Pid), S), b.constant(16, S));
        let quotient = b.value(Op::Arith(Arith::Div, pid, sixteen), S);
        let rest = b.value(Op::Arith(Arith::Mod, pid, sixteen), S);
        b.value(Op::Arith(Arith::Xor, quotient, rest), S)
    });
    assert!(text.contains("shr") && text.contains("and") && !text.contains("div"), "{text}");
}

#[test]
fn negated_comparisons_are_comparisons() {
    let text = optimised(|b| {
        let (pid, tid) = (b.value(Op::Ambient(Ambient::Pid), S), b.value(Op::Ambient(Ambient::Tid), S));
        let less = b.value(Op::Compare(Cond::UnsignedLt, pid, tid), S);
        let zero = b.constant(0, S);
        b.value(Op::Compare(Cond::Eq, less, zero), S)
    });
    assert!(text.contains("compare unsignedge") && !text.contains("const"), "{text}");
}

#[test]
fn literals_need_no_memory() {
    let text = optimised(|b| {
        let (name, literal) = (memory(b, 16), memory(b, 8));
        b.effect(Op::Comm { to: name }, S);
        b.effect(Op::Write { memory: literal, offset: 0, data: b"dd".to_vec() }, S);
        b.effect(Op::Zero { memory: literal, offset: 2, size: 6 }, S);
        b.value(Op::StringEq { a: name, b: literal, size: 8 }, S)
    });
    assert!(text.contains("bytes_are") && text.contains("\"dd\\x00\""), "{text}");
    assert!(!text.contains("write"), "{text}");
}

#[test]
fn what_is_overwritten_or_there_already_is_not_written() {
    let text = optimised(|b| {
        let key = memory(b, 8);
        let pid = b.value(Op::Ambient(Ambient::Pid), S);
        b.effect(Op::Zero { memory: key, offset: 0, size: 8 }, S);
        for _ in 0..2 {
            b.effect(Op::Store { memory: key, offset: 0, width: 8, value: pid }, S);
            b.effect(Op::MapSet { map: MapId(0), key: Some(key), value: pid }, S);
        }
        pid
    });
    assert_eq!((text.matches("store").count(), text.matches("zero").count()), (1, 0), "{text}");
}

#[test]
fn a_name_that_is_there_is_not_asked_again() {
    let text = optimised(|b| {
        let (name, pid) = (memory(b, 16), b.value(Op::Ambient(Ambient::Pid), S));
        let set = |b: &mut FunctionBuilder| {
            b.effect(Op::MapSet { map: MapId(0), key: Some(name), value: pid }, S);
        };
        for _ in 0..2 {
            b.effect(Op::Comm { to: name }, S);
            set(b);
        }
        b.effect(Op::Store { memory: name, offset: 8, width: 1, value: pid }, S);
        set(b);
        b.effect(Op::Comm { to: name }, S);
        set(b);
        pid
    });
    assert_eq!(text.matches("comm").count(), 2, "{text}");
}

#[test]
fn elements_are_read_once_until_they_change() {
    let text = optimised(|b| {
        // Two keys of the same content in different places.
        let pid = b.value(Op::Ambient(Ambient::Pid), S);
        let mut sum = pid;
        for round in 0..4 {
            let key = memory(b, 8);
            b.effect(Op::Store { memory: key, offset: 0, width: 8, value: pid }, S);
            let element = b.value(Op::MapGet { map: MapId(0), key: Some(key) }, S);
            sum = b.value(Op::Arith(Arith::Add, sum, element), S);
            if round == 1 {
                b.effect(Op::MapSet { map: MapId(0), key: Some(key), value: sum }, S);
            }
        }
        sum
    });
    assert_eq!(text.matches("get m0").count(), 2, "{text}");
}

#[test]
fn stores_that_nobody_reads_vanish() {
    let text = optimised(|b| {
        let unread = memory(b, 16);
        b.effect(Op::Comm { to: unread }, S);
        b.constant(0, S)
    });
    assert!(!text.contains("comm"), "{text}");
}

/// A slot of 24 bytes with a name and a number.
fn pair(b: &mut FunctionBuilder, number: Value) -> Value {
    let key = memory(b, 24);
    b.effect(Op::Comm { to: key }, S);
    b.effect(Op::Store { memory: key, offset: 16, width: 8, value: number }, S);
    key
}

#[test]
fn a_key_is_built_once() {
    let text = optimised(|b| {
        let pid = b.value(Op::Ambient(Ambient::Pid), S);
        let key = Some(pair(b, pid));
        b.effect(Op::MapSet { map: MapId(0), key, value: pid }, S);
        let (then, done) = (b.block(), b.block());
        b.branch(pid, then, done, S);
        b.seal(then);
        b.switch_to(then);
        let again = b.value(Op::Ambient(Ambient::Pid), S);
        let key = Some(pair(b, again));
        b.value(Op::MapDelete { map: MapId(0), key }, S);
        b.jump(done, vec![]);
        b.seal(done);
        b.switch_to(done);
        pid
    });
    assert_eq!((text.matches("comm").count(), text.matches("store").count()), (1, 1), "{text}");
}

#[test]
fn keys_of_other_values_and_ways_stay() {
    let text = optimised(|b| {
        let (pid, tid) = (b.value(Op::Ambient(Ambient::Pid), S), b.value(Op::Ambient(Ambient::Tid), S));
        let (then, done) = (b.block(), b.block());
        b.branch(pid, then, done, S);
        b.seal(then);
        b.switch_to(then);
        for number in [pid, tid] {
            let key = Some(pair(b, number));
            b.effect(Op::MapSet { map: MapId(0), key, value: pid }, S);
        }
        b.jump(done, vec![]);
        b.seal(done);
        b.switch_to(done);
        // Not every way here has built it.
        let key = Some(pair(b, pid));
        b.effect(Op::MapSet { map: MapId(0), key, value: pid }, S);
        pid
    });
    assert_eq!((text.matches("comm").count(), text.matches("store").count()), (3, 3), "{text}");
}

#[test]
fn what_is_read_before_it_is_filled_again_stays() {
    let text = optimised(|b| {
        let (state, head, body, done) = (b.slot(8, 8), b.block(), b.block(), b.block());
        let (zero, many) = (b.constant(0, S), b.constant(9, S));
        let last = memory(b, 8);
        b.effect(Op::LoopOpen { state, from: zero, to: many }, S);
        b.jump(head, vec![]);
        b.switch_to(head);
        let number = b.param(body, crate::ir::Type::Int);
        b.next(state, body, done, S);
        b.seal(body);
        b.switch_to(body);
        let key = memory(b, 8);
        b.effect(Op::Store { memory: key, offset: 0, width: 8, value: number }, S);
        b.effect(Op::MapSet { map: MapId(0), key: Some(key), value: number }, S);
        // The number of the round before.
        b.effect(Op::MapSet { map: MapId(0), key: Some(last), value: number }, S);
        b.effect(Op::Store { memory: last, offset: 0, width: 8, value: number }, S);
        b.jump(head, vec![]);
        b.seal(head);
        b.seal(done);
        b.switch_to(done);
        b.effect(Op::LoopClose { state }, S);
        zero
    });
    assert_eq!(text.matches("store").count(), 2, "{text}");
}
