//! What the builder writes, what the verifier refuses, how it prints.

use super::builder::FunctionBuilder;
use super::print::print_function;
use super::verify::verify_program;
use super::{Arith, Function, Module, Op, Program, Terminator, Type};
use crate::source::Span;

const S: Span = Span { start: 0, end: 0 };

fn program(function: &Function) -> Program {
    Program {
        name: "p".into(),
        points: Vec::new(),
        function: function.clone(),
        subprograms: Vec::new(),
        shared: 0,
        span: S,
    }
}

fn accepted(function: &Function) {
    if let Err(fault) = verify_program(&Module::default(), &program(function)) {
        panic!("{fault}\n{}", print_function(function));
    }
}

fn refused(function: &Function) -> String {
    verify_program(&Module::default(), &program(function)).expect_err("a broken function")
}

/// `$i = 0; while ($i < 10) { $i++; }` beside a variable that never changes.
fn counting() -> Function {
    let mut b = FunctionBuilder::new();
    let (i, same) = (b.variable(), b.variable());
    let seven = b.constant(7, S);
    b.set(same, seven);
    let (head, body, done) = (b.block(), b.block(), b.block());
    b.jump(head, vec![]);
    b.switch_to(head);
    let now = b.get(i);
    b.branch(now, body, done, S);
    b.seal(body);
    b.seal(done);
    b.switch_to(body);
    let one = b.constant(1, S);
    let kept = b.get(same);
    let next = b.value(Op::Arith(Arith::Add, kept, one), S);
    b.set(i, next);
    b.jump(head, vec![]);
    b.seal(head);
    b.switch_to(done);
    let result = b.get(i);
    b.ret(result);
    b.finish()
}

#[test]
fn a_loop_has_a_parameter_only_for_what_changes() {
    let function = counting();
    accepted(&function);
    let expected = "b0:
  v2 = const 0
  v0 = const 7
  jump b1(v2)
b1(v1):
  branch v1, b2, b3
b2:
  v3 = const 1
  v5 = add v0, v3
  jump b1(v5)
b3:
  return v1
";
    // Numbers of values depend on the order in which definitions are found; the shape does not.
    let shape = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    assert_eq!(shape(&print_function(&function)), shape(expected));
    assert_eq!(function.blocks[1].params.len(), 1);
}

#[test]
fn code_behind_a_return_is_unreachable() {
    let mut b = FunctionBuilder::new();
    let variable = b.variable();
    let zero = b.constant(0, S);
    b.ret(zero);
    assert!(b.is_terminated());
    let value = b.get(variable);
    b.ret(value);
    let function = b.finish();
    accepted(&function);
    assert_eq!(function.blocks.len(), 2);
}

#[test]
fn what_the_verifier_refuses() {
    let mut function = counting();
    let inner = function.blocks[2].insts[0].result.expect("a constant");
    function.blocks[3].terminator = Terminator::Return(inner);
    assert!(refused(&function).contains("not defined on every way"), "{}", refused(&function));

    let mut function = counting();
    function.blocks[0].terminator.targets_mut()[0].arguments.clear();
    assert!(refused(&function).contains("takes 1 arguments"));

    let mut function = counting();
    function.blocks[3].terminator = Terminator::Missing;
    assert!(refused(&function).contains("no terminator"));

    let mut b = FunctionBuilder::new();
    let slot = b.slot(8, 8);
    let memory = b.value(Op::SlotAddress(slot, 4), S);
    let load = Op::Load { memory, offset: 0, width: 8, signed: false };
    let value = b.value(load, S);
    b.ret(value);
    assert!(refused(&b.finish()).contains("ends at byte 12 of 8"));

    let mut b = FunctionBuilder::new();
    let slot = b.slot(8, 8);
    let address = b.value(Op::SlotAddress(slot, 0), S);
    b.ret(address);
    assert!(refused(&b.finish()).contains("another type"));

    let mut b = FunctionBuilder::new();
    let value = b.constant(1, S);
    let wide = b.value(Op::Extend { value, width: 8, signed: true }, S);
    b.ret(wide);
    assert!(refused(&b.finish()).contains("width 8"));
}

#[test]
fn explicit_parameters_stand_before_those_of_variables() {
    let mut b = FunctionBuilder::new();
    let variable = b.variable();
    let (left, right, done) = (b.block(), b.block(), b.block());
    let chosen = b.param(done, Type::Int);
    let condition = b.value(Op::ReturnValue, S);
    b.branch(condition, left, right, S);
    for (block, number) in [(left, 1), (right, 2)] {
        b.seal(block);
        b.switch_to(block);
        let (argument, value) = (b.constant(number, S), b.constant(number * 10, S));
        b.set(variable, value);
        b.jump(done, vec![argument]);
    }
    b.seal(done);
    b.switch_to(done);
    let value = b.get(variable);
    let sum = b.value(Op::Arith(Arith::Add, chosen, value), S);
    b.ret(sum);
    let function = b.finish();
    accepted(&function);
    assert_eq!(function.blocks[done.0 as usize].params, [chosen, value]);
}
