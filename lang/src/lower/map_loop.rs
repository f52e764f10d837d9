//! `for ($kv : @m)` → a subprogram that Linux calls for each element.
//!
//! Variables that are older than the loop and used in its body lie in memory that all functions of the program
//! share. A `return` in the body leaves its result there, ends the loop, and is done again behind it.

use crate::ir::{FunctionId, MapId, Op, Role, Subprogram, Value};
use crate::source::Span;
use crate::typed::{Stmt, VariableId};
use crate::types::layout::Layout;
use crate::types::{MapValue, Type};

use super::place::{Place, field_offset};
use super::{Loop, Lowering, Storage};

/// The result of a body: on with the next element.
const GO_ON: i64 = 0;
/// The result of a body: no more elements.
const STOP: i64 = 1;

impl Lowering<'_, '_> {
    /// `for ($kv : @m) { body }`
    pub(super) fn map_loop(&mut self, variable: VariableId, map: MapId, body: &[Stmt], span: Span) {
        let function = self.map_loop_body(variable, map, body, span);
        let body = FunctionId(self.subprograms.len() as u32);
        let name = format!("for_{}", body.0 + 1);
        let leaves = self.leaving.filter(|_| function.leaves);
        self.subprograms.push(Subprogram { name, role: Role::Body(map), function: function.code, span });
        if let Some(leaving) = leaves {
            let no = self.builder.constant(0, span);
            self.set_shared_word(leaving, no, span);
        }
        self.builder.effect(Op::ForEach { map, body }, span);
        if let Some(leaving) = leaves {
            self.leave_as_the_body_did(leaving, span);
        }
    }

    /// The body as a function of its own.
    fn map_loop_body(&mut self, variable: VariableId, map: MapId, body: &[Stmt], span: Span) -> Body {
        let outer = std::mem::take(&mut self.builder);
        let outer_loops = std::mem::take(&mut self.loops);
        let outer_free = std::mem::take(&mut self.free);
        let outer_used = std::mem::take(&mut self.used);
        let outer_old = self.old.take();
        let outer_is_body = std::mem::replace(&mut self.is_body, true);
        let outer_leaves = std::mem::take(&mut self.leaves);
        let outer_storage = self.storage.clone();

        let (on_break, on_continue) = (self.builder.block(), self.builder.block());
        self.visit(variable, map, span);
        self.loops.push(Loop { on_break, on_continue, state: None });
        self.body(body);
        self.builder.jump(on_continue, Vec::new());
        for (block, result) in [(on_break, STOP), (on_continue, GO_ON)] {
            self.builder.seal(block);
            self.builder.switch_to(block);
            let result = self.builder.constant(result, span);
            self.builder.ret(result);
        }

        let code = std::mem::replace(&mut self.builder, outer).finish();
        self.loops = outer_loops;
        self.free = outer_free;
        self.used = outer_used;
        self.old = outer_old;
        self.is_body = outer_is_body;
        // The body may be written again, in `unroll`, as another function.
        let variables = self.storage.iter_mut().zip(outer_storage).zip(&self.probe.variables);
        variables.filter(|(_, variable)| !variable.is_shared).for_each(|((now, before), _)| *now = before);
        let leaves = self.leaves;
        // What leaves an inner loop leaves the outer one as well.
        self.leaves = outer_leaves || (leaves && self.is_body);
        Body { code, leaves }
    }

    /// Puts the key and the value of the element into the loop's variable.
    fn visit(&mut self, variable: VariableId, map: MapId, span: Span) {
        let Storage::Memory(pair) = self.storage(variable) else { unreachable!("a pair is no scalar") };
        let ty = &self.variables[variable.0 as usize].ty;
        let value = pair.at(field_offset(ty, 1));
        let size = Layout::of(ty).size;
        let program = self.program;
        if super::place::has_gaps(&Layout::of(ty)) {
            self.zero(pair, size, span);
        }
        let key = self.address(pair, span);
        self.builder.effect(Op::VisitedKey { map, to: key }, span);
        match &program.maps[map.0 as usize].ty.value {
            MapValue::Plain(_) => {
                let to = self.address(value, span);
                self.builder.effect(Op::VisitedValue { map, to }, span);
            }
            _ => {
                let merged = self.builder.value(Op::AggregateGet { map, key: Some(key) }, span);
                self.store(value, &Type::I64, merged, span);
            }
        }
    }

    /// `return` in the body of a loop over a map.
    pub(super) fn leave_from_body(&mut self, result: Value, span: Span) {
        let leaving = match self.leaving {
            Some(leaving) => leaving,
            None => self.share(16),
        };
        self.leaving = Some(leaving);
        self.leaves = true;
        let yes = self.builder.constant(1, span);
        self.set_shared_word(leaving, yes, span);
        self.set_shared_word(leaving + 8, result, span);
        let stop = self.builder.constant(STOP, span);
        self.return_closing(stop, span);
    }

    /// Returns behind a loop whose body has returned.
    fn leave_as_the_body_did(&mut self, leaving: u32, span: Span) {
        let has_left = self.shared_word(leaving, span);
        let (leave, go_on) = (self.builder.block(), self.builder.block());
        self.builder.branch(has_left, leave, go_on, span);
        self.builder.seal(leave);
        self.builder.seal(go_on);
        self.builder.switch_to(leave);
        let result = match self.is_body {
            true => self.builder.constant(STOP, span),
            false => self.shared_word(leaving + 8, span),
        };
        self.return_closing(result, span);
        self.builder.switch_to(go_on);
    }

    /// Reads a word of shared memory.
    pub(super) fn shared_word(&mut self, offset: u32, span: Span) -> Value {
        self.load(Place::shared(offset), &Type::I64, span)
    }

    /// Writes a word of shared memory.
    pub(super) fn set_shared_word(&mut self, offset: u32, value: Value, span: Span) {
        self.store(Place::shared(offset), &Type::I64, value, span);
    }
}

/// The body of a loop.
struct Body {
    code: crate::ir::Function,
    /// It may leave the whole program.
    leaves: bool,
}
