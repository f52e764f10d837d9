//! Removes the subprograms that nothing calls any more: Linux knows only those that it finds calls of.
//!
//! Unlike the other passes it looks at a whole program, once their work is done.

use crate::ir::{Function, FunctionId, Op, Program};

/// Keeps what the program calls, on whatever way, in the same order.
pub fn run(program: &mut Program) {
    let mut is_called = vec![false; program.subprograms.len()];
    mark(program, &program.function, &mut is_called);
    let mut kept = 0;
    let numbers: Vec<Option<u32>> = is_called
        .iter()
        .map(|is_called| {
            kept += u32::from(*is_called);
            is_called.then(|| kept - 1)
        })
        .collect();
    let mut index = 0;
    program.subprograms.retain(|_| {
        index += 1;
        is_called[index - 1]
    });
    let subprograms = program.subprograms.iter_mut().map(|sub| &mut sub.function);
    for function in std::iter::once(&mut program.function).chain(subprograms) {
        for inst in function.blocks.iter_mut().flat_map(|block| &mut block.insts) {
            if let Op::Call { function: id, .. } | Op::ForEach { body: id, .. } = &mut inst.op
                && let Some(number) = numbers[id.0 as usize]
            {
                *id = FunctionId(number);
            }
        }
    }
}

/// Marks what a function calls. There is no recursion, so this ends.
fn mark(program: &Program, function: &Function, is_called: &mut [bool]) {
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let Op::Call { function: id, .. } | Op::ForEach { body: id, .. } = &inst.op
            && !std::mem::replace(&mut is_called[id.0 as usize], true)
        {
            mark(program, &program.subprograms[id.0 as usize].function, is_called);
        }
    }
}
