//! Functions that call each other, and bodies that Linux calls for the elements of a map.

use probebook_lang::ir::builder::FunctionBuilder;
use probebook_lang::ir::{Arith, Cond, FunctionId, MapId, Op, Program, Role, Subprogram, Type, Value};
use probebook_lang::types::{self, MapValue};

use super::{S, begin, constant, is_live, load, map, module};
use crate::codegen::generate;

fn function(role: Role, build: impl FnOnce(&mut FunctionBuilder) -> Value) -> Subprogram {
    let mut builder = FunctionBuilder::new();
    let result = build(&mut builder);
    builder.ret(result);
    Subprogram { name: "f".into(), role, function: builder.finish(), span: S }
}

fn with(mut program: Program, subprograms: Vec<Subprogram>, shared: u32) -> Program {
    program.subprograms = subprograms;
    program.shared = shared;
    program
}

fn ints(count: usize) -> Role {
    Role::Function(vec![Type::Int; count])
}

fn add(b: &mut FunctionBuilder, one: Value, other: Value) -> Value {
    b.value(Op::Arith(Arith::Add, one, other), S)
}

#[test]
fn five_arguments_and_a_result() {
    if !is_live() {
        return;
    }
    let weigh = function(ints(5), |b| {
        (0..5).fold(constant(b, 0), |sum, index| {
            let ten = constant(b, 10);
            let digit = b.value(Op::Parameter(index, Type::Int), S);
            let tens = b.value(Op::Arith(Arith::Mul, sum, ten), S);
            add(b, tens, digit)
        })
    });
    let program = begin(|b| {
        let arguments = (1..=5).map(|digit| constant(b, digit)).collect();
        let once = b.value(Op::Call { function: FunctionId(0), arguments }, S);
        let arguments = vec![once; 5];
        let twice = b.value(Op::Call { function: FunctionId(0), arguments }, S);
        add(b, once, twice)
    });
    let machine = load(module(vec![], vec![], vec![with(program, vec![weigh], 0)]));
    assert_eq!(machine.run(0), 12345 * 11111 + 12345);
}

#[test]
fn a_function_reads_memory_of_its_caller() {
    if !is_live() {
        return;
    }
    let first = function(Role::Function(vec![Type::Slot]), |b| {
        let memory = b.value(Op::Parameter(0, Type::Slot), S);
        b.value(Op::Load { memory, offset: 8, width: 8, signed: false }, S)
    });
    let program = begin(|b| {
        let slot = b.slot(16, 8);
        let memory = b.value(Op::SlotAddress(slot, 0), S);
        let value = constant(b, 77);
        b.effect(Op::Zero { memory, offset: 0, size: 8 }, S);
        b.effect(Op::Store { memory, offset: 8, width: 8, value }, S);
        b.value(Op::Call { function: FunctionId(0), arguments: vec![memory] }, S)
    });
    assert_eq!(load(module(vec![], vec![], vec![with(program, vec![first], 0)])).run(0), 77);
}

/// A function that fills memory of its own and calls the next one.
fn link_of_chain(next: Option<u32>) -> Subprogram {
    function(ints(1), |b| {
        let slot = b.slot(200, 8);
        let memory = b.value(Op::SlotAddress(slot, 0), S);
        let value = b.value(Op::Parameter(0, Type::Int), S);
        b.effect(Op::Zero { memory, offset: 0, size: 200 }, S);
        b.effect(Op::Store { memory, offset: 192, width: 8, value }, S);
        let below = match next {
            Some(next) => {
                let one = constant(b, 1);
                let argument = add(b, value, one);
                b.value(Op::Call { function: FunctionId(next), arguments: vec![argument] }, S)
            }
            None => value,
        };
        let own = b.value(Op::Load { memory, offset: 192, width: 8, signed: false }, S);
        add(b, own, below)
    })
}

#[test]
fn a_chain_of_functions_shares_the_stack() {
    let chain = |length: u32| {
        let subprograms = (1..=length).map(|next| link_of_chain((next < length).then_some(next))).collect();
        let program = begin(|b| {
            let ten = constant(b, 10);
            b.value(Op::Call { function: FunctionId(0), arguments: vec![ten] }, S)
        });
        module(vec![], vec![], vec![with(program, subprograms, 0)])
    };
    let refused = generate(&chain(8), &super::machine::target()).expect_err("nine frames");
    assert!(refused.message.contains("8 deep"), "{}", refused.message);
    if is_live() {
        // 10, 11, … 16 and the last one twice.
        assert_eq!(load(chain(7)).run(0), (10..=16).sum::<u32>() + 16);
    }
}

#[test]
fn a_body_sees_every_element_and_shared_memory() {
    if !is_live() {
        return;
    }
    let word = || types::Type::I64;
    let elements = map("m", Some(vec![word()]), MapValue::Plain(word()));
    let body = function(Role::Body(MapId(0)), |b| {
        let slot = b.slot(16, 8);
        let (key, value) = (b.value(Op::SlotAddress(slot, 0), S), b.value(Op::SlotAddress(slot, 8), S));
        b.effect(Op::VisitedKey { map: MapId(0), to: key }, S);
        b.effect(Op::VisitedValue { map: MapId(0), to: value }, S);
        let key = b.value(Op::Load { memory: key, offset: 0, width: 8, signed: true }, S);
        let value = b.value(Op::Load { memory: value, offset: 0, width: 8, signed: true }, S);
        let product = b.value(Op::Arith(Arith::Mul, key, value), S);
        let memory = b.value(Op::SharedAddress(0), S);
        let before = b.value(Op::Load { memory, offset: 0, width: 8, signed: true }, S);
        let value = add(b, before, product);
        b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
        let limit = constant(b, 1000);
        b.value(Op::Compare(Cond::SignedGt, value, limit), S)
    });
    let program = begin(|b| {
        for (key, value) in [(1, 10), (2, 20), (3, 30)] {
            let slot = b.slot(8, 8);
            let memory = b.value(Op::SlotAddress(slot, 0), S);
            let (at, value) = (constant(b, key), constant(b, value));
            b.effect(Op::Store { memory, offset: 0, width: 8, value: at }, S);
            b.effect(Op::MapSet { map: MapId(0), key: Some(memory), value }, S);
        }
        let memory = b.value(Op::SharedAddress(0), S);
        b.effect(Op::Zero { memory, offset: 0, size: 8 }, S);
        b.effect(Op::ForEach { map: MapId(0), body: FunctionId(0) }, S);
        b.value(Op::Load { memory, offset: 0, width: 8, signed: true }, S)
    });
    let machine = load(module(vec![elements], vec![], vec![with(program, vec![body], 8)]));
    assert_eq!(machine.run(0), 10 + 40 + 90);
}
