//! `ast::Stmt` → [`Stmt`]: one function for each form.
//!
//! *Not here:* assignments (`check::assign`).

use super::Checker;
use super::cast::convert;
use super::infer::literal;
use super::scope::Local;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{self, Iterable, StmtKind as Ast};
use crate::typed::{Expr, ExprKind, Intrinsic, Stmt, StmtKind};
use crate::types::Type;

/// The largest count of `unroll`.
const MAX_UNROLL: i128 = 100;

impl Checker<'_> {
    /// A block with its own scope. Its value is dropped.
    pub(super) fn block(&mut self, block: &ast::Block) -> Vec<Stmt> {
        self.scope.enter();
        let mut statements = self.statements(&block.statements, block.value.as_deref());
        if let Some(value) = &block.value {
            statements.extend(self.expression_statement(value));
        }
        self.scope.leave();
        statements
    }

    /// Statements one after the other, before a value; what is wrong is left out.
    pub(super) fn statements(&mut self, statements: &[ast::Stmt], value: Option<&ast::Expr>) -> Vec<Stmt> {
        let mut checked = Vec::new();
        let mut leaves = false;
        for stmt in statements {
            if std::mem::take(&mut leaves) {
                self.unreachable(stmt.span);
            }
            let stmt = self.statement(stmt);
            leaves = stmt.as_ref().is_some_and(always_leaves);
            checked.extend(stmt);
        }
        if let Some(value) = value.filter(|_| leaves) {
            self.unreachable(value.span);
        }
        checked
    }

    fn unreachable(&mut self, span: crate::source::Span) {
        self.report(
            Diagnostic::warning(Code::Unreachable, span, "this is never reached")
                .label("the statement before it always leaves"),
        );
    }

    fn statement(&mut self, stmt: &ast::Stmt) -> Option<Stmt> {
        let span = stmt.span;
        let kind = match &stmt.kind {
            Ast::Expr(expr) => return self.expression_statement(expr),
            Ast::Discard(expr) => StmtKind::Expr(self.expr(expr)?),
            Ast::Assign { target, op, value } => return self.assignment(target, *op, value, span),
            Ast::Let { name, ty, value } => return self.declaration(name, ty.as_ref(), value.as_ref(), span),
            Ast::If { condition, then, otherwise } => {
                if let Some(decision) = self.decided(condition) {
                    return self.decided_if(decision, then, otherwise.as_ref(), span);
                }
                let condition = self.condition(condition);
                let then = self.block(then);
                let otherwise = otherwise.as_ref().map(|body| self.block(body)).unwrap_or_default();
                StmtKind::If { condition: condition?, then, otherwise }
            }
            Ast::While { condition, body } => {
                let message = "bpftrace may give up `while`";
                self.report(
                    Diagnostic::warning(Code::Deprecated, span, message)
                        .help("count with `for ($i : 0..n)`, whose end Linux can see"),
                );
                let condition = self.condition(condition);
                let body = self.loop_body(body);
                StmtKind::While { condition: condition?, body }
            }
            Ast::Unroll { count, body } => {
                let count = self.unroll_count(count);
                let body = self.loop_body(body);
                StmtKind::Unroll { count: count?, body }
            }
            Ast::For { variable, over, body } => return self.for_loop(variable, over, body, span),
            Ast::Break => {
                self.in_loop("break", span)?;
                StmtKind::Break
            }
            Ast::Continue => {
                self.in_loop("continue", span)?;
                StmtKind::Continue
            }
            Ast::Return(value) if self.is_in_function() => return self.function_return(value.as_ref(), span),
            Ast::Return(None) => StmtKind::Return(None),
            Ast::Return(Some(value)) => {
                let value = self.value(value)?;
                StmtKind::Return(Some(convert(self.integer(value)?, &Type::I64)))
            }
            Ast::Block(body) => StmtKind::Block(self.block(body)),
            Ast::Error => {
                self.is_broken = true;
                return None;
            }
        };
        Some(Stmt { kind, span })
    }

    /// An expression for what it does.
    pub(super) fn expression_statement(&mut self, expr: &ast::Expr) -> Option<Stmt> {
        let value = self.expr(expr)?;
        if !does_something(&value) {
            self.report(
                Diagnostic::warning(Code::UnusedValue, expr.span, "this value is not used")
                    .help("write `_ = …;` if that is meant"),
            );
        }
        Some(Stmt { kind: StmtKind::Expr(value), span: expr.span })
    }

    pub(super) fn loop_body(&mut self, body: &ast::Block) -> Vec<Stmt> {
        self.loops += 1;
        let body = self.block(body);
        self.loops -= 1;
        body
    }

    fn in_loop(&mut self, word: &str, span: crate::source::Span) -> Option<()> {
        if self.loops > 0 {
            return Some(());
        }
        let message = format!("`{word}` is only possible inside of a loop");
        self.error(Code::OutsideLoop, span, message)
    }

    fn unroll_count(&mut self, count: &ast::Expr) -> Option<u32> {
        let count = self.value(count)?;
        match literal(&count) {
            Some(n @ 1..=MAX_UNROLL) => Some(n as u32),
            Some(_) => {
                let message = format!("`unroll` repeats 1 to {MAX_UNROLL} times");
                self.error(Code::InvalidUnroll, count.span, message)
            }
            None => {
                self.report(
                    Diagnostic::error(Code::InvalidUnroll, count.span, "the count of `unroll` is a constant")
                        .help("use `for ($i : 0..n)`"),
                );
                None
            }
        }
    }

    fn for_loop(
        &mut self,
        variable: &ast::Name,
        over: &Iterable,
        body: &ast::Block,
        span: crate::source::Span,
    ) -> Option<Stmt> {
        let (from, to) = match over {
            Iterable::Range { from, to } => (from, to),
            Iterable::Map(map) => return self.map_loop(variable, map, body, span),
        };
        let from = self.value(from);
        let to = self.value(to);
        let ends = match (from, to) {
            (Some(from), Some(to)) => self.range(from, to),
            _ => None,
        };
        self.scope.enter();
        self.no_shadow(variable);
        let id = self.scope.declare(Local {
            name: variable.text.clone(),
            span: variable.span,
            declared: None,
            is_assigned: true,
            is_read: false,
            is_implicit: true,
        });
        if let Some((_, _, shape)) = &ends {
            self.grow_variable(id, shape.clone());
        }
        let body = self.loop_body(body);
        self.scope.leave();
        let (from, to, _) = ends?;
        Some(Stmt { kind: StmtKind::For { variable: id, from, to, body }, span })
    }

    /// The ends of a range as int64s, and the shape of the number between them.
    fn range(&mut self, from: Expr, to: Expr) -> Option<(Expr, Expr, super::infer::Shape)> {
        let shapes = [super::infer::Shape::of_expr(&from), super::infer::Shape::of_expr(&to)];
        let span = from.span.to(to.span);
        let from = self.integer(from)?;
        let to = self.integer(to)?;
        let Some(shape) = shapes[0].join(&shapes[1]) else {
            return self.error(Code::TypeMismatch, span, "both ends of a range must be integers");
        };
        Some((convert(from, &Type::I64), convert(to, &Type::I64), shape))
    }
}

/// Whether nothing after the statement is reached.
pub(super) fn always_leaves(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Return(_) | StmtKind::Break | StmtKind::Continue => true,
        StmtKind::Block(body) => body.iter().any(always_leaves),
        StmtKind::Expr(Expr { kind: ExprKind::Block(body, None), .. }) => body.iter().any(always_leaves),
        StmtKind::If { then, otherwise, .. } => {
            then.iter().any(always_leaves) && otherwise.iter().any(always_leaves)
        }
        _ => false,
    }
}

/// Whether evaluating the expression is of use without its value.
fn does_something(expr: &Expr) -> bool {
    expr.ty == Type::Void
        || matches!(
            expr.kind,
            ExprKind::Step { .. }
                | ExprKind::MapStep { .. }
                | ExprKind::MapDelete { .. }
                | ExprKind::Call { .. }
                | ExprKind::Block(..)
                | ExprKind::Intrinsic(Intrinsic::WriteUser, _)
        )
}
