//! [`Stmt`] → blocks and instructions.

use crate::ir::{BlockId, Op, Type as Word, Value};
use crate::source::Span;
use crate::typed::{Expr, ExprKind, Stmt, StmtKind, VariableId};
use crate::types::layout::Layout;

use super::place::Place;
use super::{Loop, Lowering, Storage};

impl Lowering<'_, '_> {
    /// Statements one after the other, up to the first that leaves.
    pub(super) fn body(&mut self, body: &[Stmt]) {
        for stmt in body {
            if self.builder.is_terminated() {
                return;
            }
            let used = self.used.len();
            self.stmt(stmt);
            self.free.extend(self.used.drain(used..));
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::Expr(expr) => self.evaluate(expr),
            StmtKind::Set { variable, value } => self.set(*variable, value.as_ref(), span),
            StmtKind::MapSet { map, key, value } => self.map_set(*map, key.as_ref(), value, span),
            StmtKind::Aggregate { map, key, aggregation, value } => {
                self.aggregate(*map, key.as_ref(), *aggregation, value.as_ref(), span);
            }
            StmtKind::Trace { format, values } => self.trace(format, values, span),
            StmtKind::Warn(warning) => self.builder.effect(Op::Warn(*warning), span),
            StmtKind::Emit { kind, fields } => self.emit(kind.clone(), fields, span),
            StmtKind::If { condition, then, otherwise } => {
                let place = condition.span;
                self.choose(condition, place, |this| this.body(then), |this| this.body(otherwise));
            }
            StmtKind::While { condition, body } => self.while_loop(condition, body),
            StmtKind::Unroll { count, body } => {
                let after = self.builder.block();
                for _ in 0..*count {
                    self.round(body, after);
                }
                self.builder.jump(after, Vec::new());
                self.builder.seal(after);
                self.builder.switch_to(after);
            }
            StmtKind::For { variable, from, to, body } => self.for_loop(*variable, from, to, body, span),
            StmtKind::ForMap { variable, map, body } => self.map_loop(*variable, *map, body, span),
            StmtKind::Break => self.leave(|inner| inner.on_break),
            StmtKind::Continue => self.leave(|inner| inner.on_continue),
            StmtKind::Return(value) => self.leave_program(value.as_ref(), span),
            StmtKind::Block(body) => self.body(body),
        }
    }

    fn set(&mut self, variable: VariableId, value: Option<&Expr>, span: Span) {
        match (self.storage(variable), value) {
            (Storage::Memory(place), Some(value)) => self.set_memory(place, value, span),
            (Storage::Memory(place), None) => {
                let size = self.layout(variable).size;
                self.zero(place, size, span);
            }
            (Storage::Word(_) | Storage::Shared(_), value) => {
                let value = match value {
                    Some(value) => self.scalar(value),
                    None => self.builder.constant(0, span),
                };
                self.set_word(variable, value, span);
            }
        }
    }

    /// Sets a variable that one word holds.
    pub(super) fn set_word(&mut self, variable: VariableId, value: Value, span: Span) {
        match self.storage(variable) {
            Storage::Word(word) => self.builder.set(word, value),
            Storage::Shared(offset) => self.set_shared_word(offset, value, span),
            Storage::Memory(_) => unreachable!("it does not fit in a word"),
        }
    }

    /// A value may be made of the variable's own bytes: it is complete before they are overwritten.
    fn set_memory(&mut self, place: Place, value: &Expr, span: Span) {
        let is_fresh = matches!(
            value.kind,
            ExprKind::String(_)
                | ExprKind::Comm
                | ExprKind::ReadString { .. }
                | ExprKind::Deref { .. }
                | ExprKind::ContextBytes { .. }
                | ExprKind::ContextDynamic { .. }
                | ExprKind::Map { .. }
        );
        if is_fresh {
            return self.write(value, place);
        }
        let size = Layout::of(&value.ty).size;
        let from = self.temporary(&value.ty);
        self.write(value, from);
        self.copy(from, place, size, span);
    }

    fn layout(&self, VariableId(id): VariableId) -> Layout {
        Layout::of(&self.variables[id as usize].ty)
    }

    fn while_loop(&mut self, condition: &Expr, body: &[Stmt]) {
        let (head, inside, after) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.jump(head, Vec::new());
        self.builder.switch_to(head);
        let value = self.scalar(condition);
        self.builder.branch(value, inside, after, condition.span);
        self.builder.seal(inside);
        self.builder.switch_to(inside);
        self.loops.push(Loop { on_break: after, on_continue: head, state: None });
        self.body(body);
        self.loops.pop();
        self.builder.jump(head, Vec::new());
        self.builder.seal(head);
        self.builder.seal(after);
        self.builder.switch_to(after);
    }

    /// One round of `unroll`; `break` leaves all of them.
    fn round(&mut self, body: &[Stmt], on_break: BlockId) {
        let next = self.builder.block();
        self.loops.push(Loop { on_break, on_continue: next, state: None });
        self.body(body);
        self.loops.pop();
        self.builder.jump(next, Vec::new());
        self.builder.seal(next);
        self.builder.switch_to(next);
    }

    fn for_loop(&mut self, variable: VariableId, from: &Expr, to: &Expr, body: &[Stmt], span: Span) {
        let (from, to) = (self.scalar(from), self.scalar(to));
        let state = self.builder.slot(8, 8);
        self.builder.effect(Op::LoopOpen { state, from, to }, span);
        let (head, inside, close) = (self.builder.block(), self.builder.block(), self.builder.block());
        let number = self.builder.param(inside, Word::Int);
        self.builder.jump(head, Vec::new());
        self.builder.switch_to(head);
        self.builder.next(state, inside, close, span);
        self.builder.seal(inside);
        self.builder.switch_to(inside);
        self.set_word(variable, number, span);
        self.loops.push(Loop { on_break: close, on_continue: head, state: Some(state) });
        self.body(body);
        self.loops.pop();
        self.builder.jump(head, Vec::new());
        self.builder.seal(head);
        self.builder.seal(close);
        self.builder.switch_to(close);
        self.builder.effect(Op::LoopClose { state }, span);
    }

    fn leave(&mut self, to: impl FnOnce(&Loop) -> BlockId) {
        if let Some(inner) = self.loops.last() {
            let to = to(inner);
            self.builder.jump(to, Vec::new());
        }
    }

    fn leave_program(&mut self, value: Option<&Expr>, span: Span) {
        let result = match value {
            Some(value) => self.scalar(value),
            None => self.builder.constant(self.default_result, span),
        };
        if self.is_body {
            self.leave_from_body(result, span);
        } else {
            self.return_closing(result, span);
        }
    }

    /// Ends the function on whose loops it does not matter any more where they are.
    pub(super) fn return_closing(&mut self, result: Value, span: Span) {
        let open: Vec<_> = self.loops.iter().rev().filter_map(|inner| inner.state).collect();
        for state in open {
            self.builder.effect(Op::LoopClose { state }, span);
        }
        self.builder.ret(result);
    }
}
