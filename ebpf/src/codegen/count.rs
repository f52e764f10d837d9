//! `len` of a map where Linux does not tell it (before 6.6): a body for a loop over the map that does nothing.
//!
//! The helper that calls it for each element tells how many there were.

use std::borrow::Cow;
use std::collections::BTreeSet;

use probebook_lang::ir::{
    Block, Function, FunctionId, Inst, MapId, Op, Program, Role, Subprogram, Terminator, Type, Value,
};
use probebook_lang::source::Span;

use super::Target;

/// The name of such a body.
const NAME: &str = "count";

/// The program with a body for each map whose length it asks for, where the target needs one.
pub(super) fn with_bodies<'a>(program: &'a Program, target: &Target) -> Cow<'a, Program> {
    let functions =
        std::iter::once(&program.function).chain(program.subprograms.iter().map(|sub| &sub.function));
    let insts = functions.flat_map(|function| &function.blocks).flat_map(|block| &block.insts);
    let maps: BTreeSet<MapId> = insts
        .filter_map(|inst| match inst.op {
            Op::MapLen(map) => Some(map),
            _ => None,
        })
        .collect();
    if maps.is_empty() || target.map_sum_elem_count.is_some() {
        return Cow::Borrowed(program);
    }
    let mut program = program.clone();
    program.subprograms.extend(maps.into_iter().map(|map| body(map, program.span)));
    Cow::Owned(program)
}

/// The body for a map that [`with_bodies`] has added.
pub(super) fn body_for(program: &Program, map: MapId) -> Option<FunctionId> {
    let is_meant = |sub: &Subprogram| sub.name == NAME && sub.role == Role::Body(map);
    program.subprograms.iter().rposition(is_meant).map(|index| FunctionId(index as u32))
}

/// Goes on with the next element.
fn body(map: MapId, span: Span) -> Subprogram {
    let zero = Value(0);
    let block = Block {
        params: Vec::new(),
        insts: vec![Inst { result: Some(zero), op: Op::Const(0), span }],
        terminator: Terminator::Return(zero),
    };
    let function = Function { blocks: vec![block], values: vec![Type::Int], ..Function::default() };
    Subprogram { name: NAME.into(), role: Role::Body(map), function, span }
}
