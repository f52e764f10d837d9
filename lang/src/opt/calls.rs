//! Functions that nothing calls any more → gone; the others keep their order under new numbers.
//!
//! The verifier counts the functions of a program by the calls it finds: one that is not called must not be
//! there.

use crate::ir::{Function, FunctionId, Op, Program};

/// Drops what is not called, directly or by one that is.
pub fn run(program: &mut Program) {
    let mut called = vec![false; program.subprograms.len()];
    let mut found = callees(&program.function);
    while let Some(FunctionId(id)) = found.pop() {
        if !std::mem::replace(&mut called[id as usize], true) {
            found.extend(callees(&program.subprograms[id as usize].function));
        }
    }
    let number = |id: usize| FunctionId(called[..id].iter().filter(|is_called| **is_called).count() as u32);
    let numbers: Vec<_> = (0..called.len()).map(number).collect();
    let mut is_called = called.into_iter();
    program.subprograms.retain(|_| is_called.next() == Some(true));
    renumber(&mut program.function, &numbers);
    program.subprograms.iter_mut().for_each(|sub| renumber(&mut sub.function, &numbers));
}

fn callees(function: &Function) -> Vec<FunctionId> {
    let ops = function.blocks.iter().flat_map(|block| &block.insts).map(|inst| &inst.op);
    ops.filter_map(|op| match op {
        Op::Call { function, .. } | Op::ForEach { body: function, .. } => Some(*function),
        _ => None,
    })
    .collect()
}

fn renumber(function: &mut Function, numbers: &[FunctionId]) {
    for inst in function.blocks.iter_mut().flat_map(|block| &mut block.insts) {
        if let Op::Call { function, .. } | Op::ForEach { body: function, .. } = &mut inst.op {
            *function = numbers[function.0 as usize];
        }
    }
}
