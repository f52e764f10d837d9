//! [`ir::Module`] → the same program in fewer instructions.
//!
//! Passes in a small loop until nothing changes: [`fold`] computes what is known, [`cse`] what was computed
//! before, [`memory`] what slots hold, [`slots`] which of them hold the same, [`cfg`](mod@cfg) clears ways that nothing
//! takes, [`dce`] removes what nobody reads, [`calls`] whom
//! nobody calls.
//!
//! *Invariant:* a pass keeps what `ir::verify` promises; debug builds check it after each.
//!
//! *Not here:* anything that depends on BPF's instructions (`probebook_ebpf::codegen`).

pub mod calls;
pub mod cfg;
pub mod cse;
pub mod dce;
pub mod fold;
pub mod memory;
pub mod slots;

#[cfg(test)]
mod tests;

use crate::ir::{self, Function, Inst, Module, Op, Value};

/// How often the passes are repeated at most; each round only finds what the one before laid open.
const ROUNDS: usize = 8;

/// A pass: gives whether it changed anything.
type Pass = fn(&mut Function) -> bool;

/// Optimises every program.
pub fn optimise(module: &mut Module) {
    check(module, "lowering");
    let passes: [(&str, Pass); 6] = [
        ("cfg", cfg::run),
        ("fold", fold::run),
        ("cse", cse::run),
        ("memory", memory::run),
        ("slots", slots::run),
        ("dce", dce::run),
    ];
    for index in 0..module.programs.len() {
        for function in 0..=module.programs[index].subprograms.len() {
            for _ in 0..ROUNDS {
                let mut changed = false;
                for (name, pass) in passes {
                    let program = &mut module.programs[index];
                    changed |= pass(match function {
                        0 => &mut program.function,
                        _ => &mut program.subprograms[function - 1].function,
                    });
                    check(module, name);
                }
                if !changed {
                    break;
                }
            }
        }
        calls::run(&mut module.programs[index]);
        check(module, "calls");
    }
}

fn check(module: &Module, pass: &str) {
    if cfg!(debug_assertions)
        && let Err(fault) = ir::verify::verify(module)
    {
        panic!("after {pass}: {fault}\n{}", ir::print::print(module));
    }
}

/// The operation that defines each value; none for parameters.
fn definitions(function: &Function) -> Vec<Option<Op>> {
    let mut definitions = vec![None; function.values.len()];
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let Some(result) = inst.result {
            definitions[result.0 as usize] = Some(inst.op.clone());
        }
    }
    definitions
}

/// Values that stand for others, followed to the end.
#[derive(Debug)]
struct Replacements(Vec<Option<Value>>);

impl Replacements {
    fn new(function: &Function) -> Self {
        Self(vec![None; function.values.len()])
    }

    fn insert(&mut self, old: Value, new: Value) {
        if self.0.len() <= old.0 as usize {
            self.0.resize(old.0 as usize + 1, None);
        }
        self.0[old.0 as usize] = Some(new);
    }

    fn get(&self, mut value: Value) -> Value {
        while let Some(new) = self.0.get(value.0 as usize).copied().flatten() {
            value = new;
        }
        value
    }

    fn apply(&self, function: &mut Function) {
        for block in &mut function.blocks {
            for Inst { op, .. } in &mut block.insts {
                op.operands_mut(|value| *value = self.get(*value));
            }
            block.terminator.operands_mut(|value| *value = self.get(*value));
        }
    }
}
