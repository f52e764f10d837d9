//! `comptime`: what is decided before the program runs.
//!
//! *Not here:* constants that are folded without being asked for (`check::fold`).

use super::Checker;
use super::fold::truth;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Stmt, StmtKind};

impl Checker<'_> {
    /// `comptime e`: the value of `e`, which is a constant.
    pub(super) fn comptime(&mut self, inner: &ast::Expr, span: Span) -> Option<Expr> {
        let value = self.value(inner)?;
        self.known(value, inner.span).map(|value| Expr { span, ..value })
    }

    /// Whether a condition is a `comptime` one, and how it is decided: then only one branch is looked at.
    pub(super) fn decided(&mut self, condition: &ast::Expr) -> Option<Decision> {
        let ast::ExprKind::Comptime(inner) = &condition.kind else { return None };
        let decide = |this: &mut Self| {
            let value = this.condition(inner)?;
            truth(&this.known(value, inner.span)?)
        };
        Some(match decide(self) {
            Some(true) => Decision::Then,
            Some(false) => Decision::Otherwise,
            None => Decision::Unknown,
        })
    }

    /// The value, which must be a constant.
    pub(super) fn known(&mut self, value: Expr, span: Span) -> Option<Expr> {
        if is_constant(&value) {
            return Some(value);
        }
        self.error(Code::NotConstant, span, "this is not known before the program runs")
    }

    /// `if comptime (c) { … } else { … }`, decided.
    pub(super) fn decided_if(
        &mut self,
        decision: Decision,
        then: &ast::Block,
        otherwise: Option<&ast::Block>,
        span: Span,
    ) -> Option<Stmt> {
        let body = match decision {
            Decision::Then => self.block(then),
            Decision::Otherwise => otherwise.map(|block| self.block(block)).unwrap_or_default(),
            Decision::Unknown => return None,
        };
        Some(Stmt { kind: StmtKind::Block(body), span })
    }
}

/// How a `comptime` condition is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It holds.
    Then,
    /// It does not.
    Otherwise,
    /// It is wrong, or not known yet.
    Unknown,
}

/// Whether the value is known before the program runs.
pub fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::String(_) => true,
        ExprKind::Tuple(items) => items.iter().all(is_constant),
        _ => false,
    }
}
