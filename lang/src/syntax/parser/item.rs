//! The top level of a cell: probes, bare statements, a last bare expression, and what later versions will
//! read.

use super::Parser;
use super::stmt::Piece;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{Program, Stmt, StmtKind};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    pub(super) fn program(&mut self) -> Program {
        let mut program = Program::default();
        let mut has_config = false;
        while !self.at_end() {
            if self.looks_like_probe() {
                let probe = self.probe();
                program.probes.push(probe);
            } else if self.at_config_block() {
                self.config_block(&mut program, has_config);
                has_config = true;
            } else if !self.head_item(&mut program) && !self.other_item(&mut program) {
                match self.statement() {
                    Piece::Stmt(stmt) => program.statements.push(stmt),
                    Piece::Value(value) if self.at_end() => program.result = Some(value),
                    Piece::Value(value) => {
                        let span = value.span;
                        program.statements.push(Stmt { kind: StmtKind::Expr(value), span });
                    }
                }
            }
        }
        self.skip_trivia();
        program
    }

    /// Consumes what is neither a probe nor a statement.
    fn other_item(&mut self, program: &mut Program) -> bool {
        let next = self.peek(0);
        match next.kind {
            TokenKind::Punct(";") => {
                self.bump();
                true
            }
            TokenKind::Punct(close @ ("}" | ")" | "]")) => {
                let message = format!("nothing opened this `{close}`");
                self.report(Diagnostic::error(Code::UnmatchedDelimiter, next.span, message));
                self.bump();
                true
            }
            TokenKind::Keyword if self.at_keyword("macro") => {
                program.macros.extend(self.macro_definition());
                true
            }
            TokenKind::Keyword => self.later_item(),
            _ => false,
        }
    }

    /// Consumes an item of bpftrace that is not supported yet.
    fn later_item(&mut self) -> bool {
        let what = match self.next_text() {
            "fn" => "functions of one's own are",
            "let" if self.peek(1).kind == TokenKind::Map => "declaring a map is",
            _ => return false,
        };
        let start = self.bump().span;
        let ends_with_block = !what.ends_with("map is");
        loop {
            let next = self.peek(0);
            match next.kind {
                TokenKind::Punct("{") if ends_with_block => {
                    self.unsupported(start.to(self.last), what);
                    self.skip_braces();
                    self.eat(";");
                    return true;
                }
                TokenKind::Punct(";") => {
                    self.unsupported(start.to(self.last), what);
                    self.bump();
                    return true;
                }
                TokenKind::End => {
                    self.unsupported(start.to(self.last), what);
                    self.is_cut_off |= ends_with_block;
                    return true;
                }
                _ if self.is_on_next_line() && self.looks_like_probe() => {
                    self.unsupported(start.to(self.last), what);
                    return true;
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    /// Complains about a part of bpftrace's language that cannot be compiled yet; `what` goes with "not
    /// supported yet".
    pub(super) fn unsupported(&mut self, span: crate::source::Span, what: &str) {
        self.report(Diagnostic::error(Code::Unsupported, span, format!("{what} not supported yet")));
    }
}
