//! The top level of a cell: probes, bare statements, a last bare expression, and what later versions will
//! read.

use super::Parser;
use super::stmt::Piece;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{MapDeclaration, Name, Program, Stmt, StmtKind};
use crate::syntax::literal;
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
            } else if self.at_keyword("let") && self.peek(1).kind == TokenKind::Map {
                program.maps.extend(self.map_declaration());
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

    /// `let @m = kind(entries);`
    fn map_declaration(&mut self) -> Option<MapDeclaration> {
        let start = self.bump().span;
        let name = self.variable_name();
        let declaration = self.map_kind(name, start);
        match declaration {
            Some(_) => drop(self.eat(";")),
            None => self.skip_statement(),
        }
        declaration
    }

    fn map_kind(&mut self, name: Name, start: Span) -> Option<MapDeclaration> {
        if !self.expect("=") {
            return None;
        }
        if self.peek(0).kind != TokenKind::Ident {
            self.expected(Code::Expected, "a kind of map, as in `let @m = hash(100);`");
            return None;
        }
        let span = self.bump().span;
        let kind = Name { text: self.slice(span).to_string(), span };
        let Some(opening) = self.eat("(") else {
            self.expected(Code::Expected, "`(` and how many elements the map has room for");
            return None;
        };
        let number = self.peek(0);
        let entries = literal::int(self.slice(number.span)).ok().filter(|_| number.kind == TokenKind::Int);
        let entries = entries.and_then(|entries| u32::try_from(entries).ok()).filter(|&entries| entries > 0);
        let Some(entries) = entries else {
            let message = "how many elements a map has room for is a number of at least 1";
            self.report(Diagnostic::error(Code::Expected, number.span, message));
            return None;
        };
        self.bump();
        self.expect_close(")", opening, None);
        Some(MapDeclaration { name, kind, entries, span: start.to(self.last) })
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
            TokenKind::Keyword if self.at_keyword("fn") => {
                program.functions.extend(self.function_definition());
                true
            }
            _ => false,
        }
    }

    /// Complains about a part of bpftrace's language that cannot be compiled yet; `what` goes with "not
    /// supported yet".
    pub(super) fn unsupported(&mut self, span: Span, what: &str) {
        self.report(Diagnostic::error(Code::Unsupported, span, format!("{what} not supported yet")));
    }
}
