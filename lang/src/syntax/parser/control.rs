//! Statements that choose and repeat.

use super::Parser;
use super::stmt::Piece;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{Block, Expr, ExprKind, Iterable, Name, Stmt, StmtKind};
use crate::syntax::token::{Token, TokenKind};

impl Parser<'_> {
    /// The condition of `if` and `while` and the count of `unroll`: without parentheses only one operand.
    pub(super) fn condition(&mut self) -> Expr {
        let start = self.peek(0).span;
        let condition = if self.at("(") && !self.at_cast() {
            let opening = self.bump().span;
            let outer = std::mem::take(&mut self.in_predicate);
            let inner = self.expr();
            self.expect_close(")", opening, None);
            self.in_predicate = outer;
            inner
        } else {
            self.unary()
        };
        if !self.at_binary_operator() {
            return condition;
        }
        let whole = self.rest_of_expr(condition, start);
        self.report(
            Diagnostic::error(Code::Expected, whole.span, "this condition needs parentheses around it")
                .help(format!("write `({})`", self.slice(whole.span))),
        );
        whole
    }

    pub(super) fn if_statement(&mut self) -> StmtKind {
        self.bump();
        let condition = self.condition();
        let then = self.block();
        let otherwise = self.at_keyword("else").then(|| self.else_block());
        StmtKind::If { condition, then, otherwise }
    }

    fn else_block(&mut self) -> Block {
        self.bump();
        if !self.at_keyword("if") {
            return self.block();
        }
        let start = self.peek(0).span;
        let mut block = Block::default();
        if self.descend() {
            let kind = self.if_statement();
            block.statements.push(Stmt { kind, span: self.span_from(start) });
        }
        self.depth -= 1;
        block.span = self.span_from(start);
        block
    }

    pub(super) fn stray_else(&mut self, start: Token) -> Piece {
        self.report(
            Diagnostic::error(Code::Expected, start.span, "this `else` has no `if` before it")
                .note("it stands right behind the `}` of the `if`"),
        );
        self.bump();
        if self.at_keyword("if") {
            self.bump();
            self.condition();
        }
        if self.at("{") {
            self.block();
        }
        self.whole(start, StmtKind::Error)
    }

    pub(super) fn for_statement(&mut self) -> StmtKind {
        self.bump();
        let opening = self.eat("(");
        if self.peek(0).kind != TokenKind::Variable {
            self.expected(Code::Expected, "a variable, as in `for ($i : 0..10)`");
            self.skip_statement();
            return StmtKind::Error;
        }
        let variable = self.variable_name();
        if !self.expect(":") {
            self.skip_statement();
            return StmtKind::Error;
        }
        let from = self.unary();
        let over = if self.eat("..").is_some() {
            Iterable::Range { from, to: self.unary() }
        } else if let ExprKind::Map(text) = from.kind {
            Iterable::Map(Name { text, span: from.span })
        } else {
            if from.kind != ExprKind::Error {
                let message = "a `for` loop walks a map or a range";
                self.report_missing(
                    Diagnostic::error(Code::Expected, from.span, message)
                        .help("write `for ($kv : @map)` or `for ($i : 0..10)`"),
                );
            }
            self.skip_statement();
            return StmtKind::Error;
        };
        if let Some(opening) = opening {
            self.expect_close(")", opening, None);
        }
        let body = self.block();
        StmtKind::For { variable, over, body }
    }
}
