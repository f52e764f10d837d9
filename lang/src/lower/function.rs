//! functions of the program → subprograms, and calls of them.
//!
//! A probe's program gets the functions that it calls, on whatever way. Scalars are passed as words, strings
//! by the address of the caller's bytes, which the function copies before it does anything else.

use crate::ir::{FunctionId, Op, Role, Subprogram, Type as Word, Value};
use crate::source::Span;
use crate::typed::Expr;
use crate::types::layout::Layout;

use super::{Lowering, Storage};

impl Lowering<'_, '_> {
    /// A call: the result, 0 if there is none.
    pub(super) fn call(&mut self, function: u32, arguments: &[Expr], span: Span) -> Value {
        let function = self.function(function);
        let arguments = arguments.iter().map(|argument| self.operand(argument)).collect();
        self.builder.value(Op::Call { function, arguments }, span)
    }

    /// The subprogram of a function, which is written when it is first called.
    fn function(&mut self, index: u32) -> FunctionId {
        if let Some(known) = self.functions.get(&index) {
            return *known;
        }
        let program = self.program;
        let function = &program.functions[index as usize];
        let outer_builder = std::mem::take(&mut self.builder);
        let outer_loops = std::mem::take(&mut self.loops);
        let outer_free = std::mem::take(&mut self.free);
        let outer_used = std::mem::take(&mut self.used);
        let outer_old = self.old.take();
        let outer_is_body = std::mem::replace(&mut self.is_body, false);
        let outer_leaves = std::mem::take(&mut self.leaves);
        let outer_leaving = self.leaving.take();
        let outer_result = std::mem::replace(&mut self.default_result, 0);
        let outer_variables = std::mem::replace(&mut self.variables, &function.variables);
        let outer_storage = std::mem::replace(&mut self.storage, vec![None; function.variables.len()]);

        let types = self.parameters(index);
        self.body(&function.body);
        if !self.builder.is_terminated() {
            let result = self.builder.constant(0, function.span.after());
            self.builder.ret(result);
        }
        let code = std::mem::replace(&mut self.builder, outer_builder).finish();
        self.loops = outer_loops;
        self.free = outer_free;
        self.used = outer_used;
        self.old = outer_old;
        self.is_body = outer_is_body;
        self.leaves = outer_leaves;
        self.leaving = outer_leaving;
        self.default_result = outer_result;
        self.variables = outer_variables;
        self.storage = outer_storage;

        let id = FunctionId(self.subprograms.len() as u32);
        self.subprograms.push(Subprogram {
            name: function.name.clone(),
            role: Role::Function(types),
            function: code,
            span: function.span,
        });
        self.functions.insert(index, id);
        id
    }

    /// Puts the arguments into the variables of a function, and gives the types of the words that pass them.
    fn parameters(&mut self, index: u32) -> Vec<Word> {
        let program = self.program;
        let function = &program.functions[index as usize];
        let span = function.span;
        let word = |id: &crate::typed::VariableId| match function.variables[id.0 as usize].ty.is_scalar() {
            true => Word::Int,
            false => Word::Slot,
        };
        let types: Vec<Word> = function.parameters.iter().map(word).collect();
        // All of them are read before anything can overwrite the registers they came in.
        let passed: Vec<Value> = types
            .iter()
            .enumerate()
            .map(|(number, ty)| self.builder.value(Op::Parameter(number as u8, *ty), span))
            .collect();
        for (&variable, value) in function.parameters.iter().zip(passed) {
            match self.storage(variable) {
                Storage::Memory(place) => {
                    let size = Layout::of(&function.variables[variable.0 as usize].ty).size;
                    let to = self.address(place, span);
                    let copy = Op::Copy { to, to_offset: 0, from: value, from_offset: 0, size };
                    self.builder.effect(copy, span);
                }
                Storage::Word(_) | Storage::Shared(_) => self.set_word(variable, value, span),
            }
        }
        types
    }
}
