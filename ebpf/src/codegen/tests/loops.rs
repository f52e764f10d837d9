//! Control flow: counting loops with and without iterators, back edges, parameters that change places.

use probebook_lang::ir::{Arith, Cond, Op, Type};

use super::machine::{Machine, target};
use super::{S, begin, constant, is_live, load, load_for, module};
use crate::codegen::{Target, generate};

fn sum_of_loop(target: &Target, from: i64, to: i64) -> u32 {
    let program = begin(|b| {
        let state = b.slot(8, 8);
        let sum = b.variable();
        let (from, to) = (constant(b, from), constant(b, to));
        b.effect(Op::LoopOpen { state, from, to }, S);
        let (head, body, done) = (b.block(), b.block(), b.block());
        let number = b.param(body, Type::Int);
        b.jump(head, vec![]);
        b.switch_to(head);
        b.next(state, body, done, S);
        b.seal(body);
        b.seal(done);
        b.switch_to(body);
        let before = b.get(sum);
        let after = b.value(Op::Arith(Arith::Add, before, number), S);
        b.set(sum, after);
        b.jump(head, vec![]);
        b.seal(head);
        b.switch_to(done);
        b.effect(Op::LoopClose { state }, S);
        b.get(sum)
    });
    load_for(module(vec![], vec![], vec![program]), target).run(0)
}

#[test]
fn counting_loops() {
    if !is_live() {
        return;
    }
    let with = target();
    let without = Target { iter_num: None, ..with.clone() };
    for target in [&with, &without] {
        assert_eq!(sum_of_loop(target, 0, 10), 45);
        assert_eq!(sum_of_loop(target, -3, 3) as i32, -3);
        assert_eq!(sum_of_loop(target, 5, 5), 0);
        assert_eq!(sum_of_loop(target, 7, 1), 0);
    }
    assert_eq!(sum_of_loop(&with, 0, 1_000_000), 1_783_293_664);
    let start = 1_i64 << 40;
    assert_eq!(sum_of_loop(&with, start, start + 3), 3);
}

#[test]
fn while_loops_and_swapped_parameters() {
    if !is_live() {
        return;
    }
    // Fibonacci: the two variables change places in every round.
    let program = begin(|b| {
        let (one, other, rounds) = (b.variable(), b.variable(), b.variable());
        let first = constant(b, 1);
        b.set(other, first);
        let (head, body, done) = (b.block(), b.block(), b.block());
        b.jump(head, vec![]);
        b.switch_to(head);
        let (count, limit) = (b.get(rounds), constant(b, 20));
        let more = b.value(Op::Compare(Cond::UnsignedLt, count, limit), S);
        b.branch(more, body, done, S);
        b.seal(body);
        b.seal(done);
        b.switch_to(body);
        let (x, y) = (b.get(one), b.get(other));
        let sum = b.value(Op::Arith(Arith::Add, x, y), S);
        b.set(one, y);
        b.set(other, sum);
        let step = constant(b, 1);
        let next = b.value(Op::Arith(Arith::Add, count, step), S);
        b.set(rounds, next);
        b.jump(head, vec![]);
        b.seal(head);
        b.switch_to(done);
        b.get(one)
    });
    assert_eq!(load(module(vec![], vec![], vec![program])).run(0), 6765);
}

#[test]
fn more_values_than_registers() {
    if !is_live() {
        return;
    }
    let program = begin(|b| {
        let random = b.value(Op::Ambient(probebook_lang::ir::Ambient::Random), S);
        let zero = constant(b, 0);
        let base = b.value(Op::Arith(Arith::Mul, random, zero), S);
        let random = b.value(Op::Ambient(probebook_lang::ir::Ambient::Random), S);
        let difference = b.value(Op::Arith(Arith::Sub, random, random), S);
        let mut values = Vec::new();
        for number in 1..=25 {
            let number = constant(b, number);
            let argument = b.value(Op::Argument(0), S);
            let sum = b.value(Op::Arith(Arith::Add, argument, number), S);
            let sum = b.value(Op::Arith(Arith::Or, sum, difference), S);
            values.push(b.value(Op::Arith(Arith::Mul, sum, sum), S));
        }
        // A call in between, and then all of them are read.
        b.effect(Op::Ambient(probebook_lang::ir::Ambient::Random), S);
        let slot = b.slot(16, 8);
        let to = b.value(Op::SlotAddress(slot, 0), S);
        b.effect(Op::Comm { to }, S);
        let first = b.value(Op::Load { memory: to, offset: 0, width: 1, signed: false }, S);
        let letter = b.value(Op::Arith(Arith::And, first, zero), S);
        values.push(letter);
        values.into_iter().fold(base, |sum, value| b.value(Op::Arith(Arith::Add, sum, value), S))
    });
    let mut program = program;
    program.points =
        vec![probebook_lang::probes::AttachPoint::RawTracepoint { event: "sched_switch".into() }];
    let machine = load(module(vec![], vec![], vec![program]));
    let expected: u64 = (1..=25).map(|n| (n + 1000) * (n + 1000)).sum();
    assert_eq!(u64::from(machine.run_with(0, &[1000])), expected);
}

#[test]
fn jumps_over_more_than_16_bits() {
    if !is_live() {
        return;
    }
    let program = begin(|b| {
        let (rounds, one, limit) = (b.variable(), constant(b, 1), constant(b, 3));
        let (head, body, done) = (b.block(), b.block(), b.block());
        b.jump(head, vec![]);
        b.switch_to(head);
        let count = b.get(rounds);
        let more = b.value(Op::Compare(Cond::UnsignedLt, count, limit), S);
        b.branch(more, body, done, S);
        b.seal(body);
        b.seal(done);
        b.switch_to(body);
        for _ in 0..40_000 {
            b.effect(Op::Ambient(probebook_lang::ir::Ambient::Random), S);
        }
        let next = b.value(Op::Arith(Arith::Add, count, one), S);
        b.set(rounds, next);
        b.jump(head, vec![]);
        b.seal(head);
        b.switch_to(done);
        b.get(rounds)
    });
    let module = module(vec![], vec![], vec![program]);
    let object = generate(&module, &target()).expect("code");
    assert!(object.programs[0].code.len() > 40_000);
    assert_eq!(Machine::load(object).run(0), 3);
    let old = Target { linux: (6, 1), iter_num: None, ..target() };
    let refused = generate(&module, &old).expect_err("jumps too long for it");
    assert!(refused.message.contains("too long"), "{}", refused.message);
}
