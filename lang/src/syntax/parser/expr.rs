//! Operators: everything that binds weaker than a single operand.

use super::Parser;
use super::stmt::can_be_assigned;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::syntax::token::{Bond, TokenKind};

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Expr {
        let start = self.peek(0).span;
        if !self.descend() {
            self.depth -= 1;
            return self.error_expr(start);
        }
        let operand = self.unary();
        let expr = self.rest_of_expr(operand, start);
        self.depth -= 1;
        expr
    }

    /// The operators behind the first operand of an expression.
    pub(super) fn rest_of_expr(&mut self, first: Expr, start: Span) -> Expr {
        let condition = self.binary(first, start, 0);
        if self.eat("?").is_none() {
            return condition;
        }
        let outer = std::mem::take(&mut self.in_predicate);
        let then = if self.at(":") { None } else { Some(Box::new(self.expr())) };
        self.in_predicate = outer;
        let otherwise = if self.expect(":") { self.expr() } else { self.error_expr(self.last.after()) };
        let kind = ExprKind::Ternary { condition: Box::new(condition), then, otherwise: Box::new(otherwise) };
        Expr { kind, span: self.span_from(start) }
    }

    /// Operators that bind at least as strongly as `weakest`, behind their first operand.
    fn binary(&mut self, first: Expr, start: Span, weakest: u8) -> Expr {
        let mut left = first;
        let depth = self.depth;
        while let Some((op, strength)) = self.binary_operator()
            && strength >= weakest
        {
            self.bump();
            if !self.descend() {
                break;
            }
            let operand_start = self.peek(0).span;
            let operand = self.unary();
            let right = self.binary(operand, operand_start, strength + 1);
            let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
            left = Expr { kind, span: self.span_from(start) };
        }
        self.depth = depth;
        left
    }

    pub(super) fn at_binary_operator(&mut self) -> bool {
        self.binary_operator().is_some() || self.at("?")
    }

    /// The operator that comes next, and how strongly it binds.
    fn binary_operator(&mut self) -> Option<(BinaryOp, u8)> {
        let TokenKind::Punct(punct) = self.peek(0).kind else { return None };
        Some(match punct {
            "||" => (BinaryOp::LogicalOr, 1),
            "&&" => (BinaryOp::LogicalAnd, 2),
            "|" => (BinaryOp::Or, 3),
            "^" => (BinaryOp::Xor, 4),
            "&" => (BinaryOp::And, 5),
            "==" => (BinaryOp::Eq, 6),
            "!=" => (BinaryOp::Ne, 6),
            "<" => (BinaryOp::Lt, 7),
            "<=" => (BinaryOp::Le, 7),
            ">" => (BinaryOp::Gt, 7),
            ">=" => (BinaryOp::Ge, 7),
            "<<" => (BinaryOp::Shl, 8),
            ">>" => (BinaryOp::Shr, 8),
            "+" => (BinaryOp::Add, 9),
            "-" => (BinaryOp::Sub, 9),
            "*" => (BinaryOp::Mul, 10),
            "/" if self.closes_predicate() => return None,
            "/" => (BinaryOp::Div, 10),
            "%" => (BinaryOp::Mod, 10),
            _ => return None,
        })
    }

    /// Whether the slash that comes next ends the predicate.
    fn closes_predicate(&mut self) -> bool {
        self.in_predicate && matches!(self.peek(1).kind, TokenKind::Punct("{") | TokenKind::End)
    }

    pub(super) fn unary(&mut self) -> Expr {
        let start = self.peek(0).span;
        if !self.descend() {
            self.depth -= 1;
            return self.error_expr(start);
        }
        let expr = self.unary_inside(start);
        self.depth -= 1;
        expr
    }

    fn unary_inside(&mut self, start: Span) -> Expr {
        let op = match self.peek(0).kind {
            TokenKind::Punct("!") => UnaryOp::Not,
            TokenKind::Punct("~") => UnaryOp::BitNot,
            TokenKind::Punct("-") => UnaryOp::Neg,
            TokenKind::Punct("*") => UnaryOp::Deref,
            TokenKind::Punct("&") => UnaryOp::AddressOf,
            TokenKind::Punct(punct @ ("++" | "--")) => {
                let operator = self.bump().span;
                self.bind(operator, Bond::Next);
                let target = self.unary();
                return self.step(target, start, punct == "++", false);
            }
            TokenKind::Punct("(") if self.at_cast() => {
                let opening = self.bump().span;
                let ty = self.type_name();
                self.expect_close(")", opening, None);
                self.bind(self.last, Bond::Next);
                let operand = self.unary();
                return Expr { kind: ExprKind::Cast(ty, Box::new(operand)), span: self.span_from(start) };
            }
            TokenKind::Keyword if self.at_keyword("comptime") => {
                self.bump();
                let operand = Box::new(self.unary());
                return Expr { kind: ExprKind::Comptime(operand), span: self.span_from(start) };
            }
            _ => return self.postfix(),
        };
        let operator = self.bump().span;
        self.bind(operator, Bond::Next);
        let operand = self.unary();
        let is_place = matches!(operand.kind, ExprKind::Variable(_) | ExprKind::Map(_) | ExprKind::Error);
        if op == UnaryOp::AddressOf && !is_place {
            let message = "only variables and maps have an address";
            self.report(Diagnostic::error(Code::InvalidAssignment, operand.span, message));
        }
        Expr { kind: ExprKind::Unary(op, Box::new(operand)), span: self.span_from(start) }
    }

    /// `++` or `--` at a target.
    pub(super) fn step(&mut self, target: Expr, start: Span, increment: bool, postfix: bool) -> Expr {
        if !can_be_assigned(&target) {
            if target.kind != ExprKind::Error {
                let message = format!(
                    "only variables and maps can be {}",
                    if increment { "incremented" } else { "decremented" }
                );
                self.report(Diagnostic::error(Code::InvalidAssignment, target.span, message));
            }
            return self.error_expr(start);
        }
        let kind = ExprKind::Step { target: Box::new(target), increment, postfix };
        Expr { kind, span: self.span_from(start) }
    }

    /// What could not be read, from a place up to here.
    pub(super) fn error_expr(&self, start: Span) -> Expr {
        Expr { kind: ExprKind::Error, span: self.span_from(start) }
    }
}
