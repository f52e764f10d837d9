//! Blocks and statements.

use super::Parser;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Block, Expr, ExprKind, Name, Stmt, StmtKind};
use crate::syntax::token::{Token, TokenKind};

/// What stands in a block or at the top level.
pub(super) enum Piece {
    Stmt(Stmt),
    /// An expression at the end, without `;`.
    Value(Expr),
}

impl Parser<'_> {
    /// `{ … }`, or a complaint and an empty block.
    pub(super) fn block(&mut self) -> Block {
        let start = self.peek(0).span;
        let Some(opening) = self.eat("{") else {
            self.expected(Code::Expected, "`{`");
            return Block { span: self.last.after(), ..Block::default() };
        };
        let mut block = Block::default();
        let outer = std::mem::take(&mut self.in_predicate);
        if self.descend() {
            self.block_inside(opening, &mut block);
        }
        self.depth -= 1;
        self.in_predicate = outer;
        block.span = self.span_from(start);
        block
    }

    fn block_inside(&mut self, opening: Span, block: &mut Block) {
        loop {
            if self.eat("}").is_some() {
                return;
            }
            if self.eat(";").is_some() {
                continue;
            }
            if self.at_end() || self.is_on_next_line() && self.starts_probe() {
                return self.unclosed_block(opening);
            }
            match self.statement() {
                Piece::Stmt(stmt) => block.statements.push(stmt),
                Piece::Value(value) if self.at("}") || self.at_end() => block.value = Some(Box::new(value)),
                Piece::Value(value) => {
                    let span = value.span;
                    block.statements.push(Stmt { kind: StmtKind::Expr(value), span });
                }
            }
        }
    }

    /// Complains once about all blocks that are open where the text or the probe ends.
    fn unclosed_block(&mut self, opening: Span) {
        let next = self.peek(0);
        if self.unclosed_at.replace(next.span.start) == Some(next.span.start) {
            return;
        }
        let diagnostic = Diagnostic::error(Code::UnclosedDelimiter, opening, "this `{` is never closed");
        self.report_missing(match next.kind {
            TokenKind::End => diagnostic,
            _ => diagnostic.at(next.span, "the next probe starts here"),
        });
    }

    /// A statement with its `;`; consumes at least one token.
    pub(super) fn statement(&mut self) -> Piece {
        let start = self.peek(0);
        let before = self.diagnostics.len();
        let position = self.tokens.len();
        let piece = self.statement_piece(start, before);
        if self.tokens.len() == position {
            self.skip_statement();
            if self.tokens.len() == position {
                self.bump();
            }
        }
        piece
    }

    fn statement_piece(&mut self, start: Token, before: usize) -> Piece {
        let kind = match start.kind {
            TokenKind::Punct("{") => {
                let block = self.block();
                return self.whole(start, StmtKind::Block(block));
            }
            TokenKind::Directive => {
                self.bump();
                self.unsupported(start.span, "preprocessor lines are");
                return self.whole(start, StmtKind::Error);
            }
            TokenKind::Keyword => match self.slice(start.span) {
                "if" => {
                    let kind = self.if_statement();
                    return self.whole(start, kind);
                }
                "while" => {
                    self.bump();
                    let condition = self.condition();
                    let body = self.block();
                    return self.whole(start, StmtKind::While { condition, body });
                }
                "unroll" => {
                    self.bump();
                    let count = self.condition();
                    let body = self.block();
                    return self.whole(start, StmtKind::Unroll { count, body });
                }
                "for" => {
                    let kind = self.for_statement();
                    return self.whole(start, kind);
                }
                "else" => return self.stray_else(start),
                "let" => self.let_statement(start),
                "break" => self.word(StmtKind::Break),
                "continue" => self.word(StmtKind::Continue),
                "return" => {
                    self.bump();
                    let is_bare = self.at(";") || self.at("}") || self.at_end();
                    StmtKind::Return(if is_bare { None } else { Some(self.expr()) })
                }
                "config" if !self.at_config_block() => return self.simple_statement(start, before),
                "config" | "import" | "macro" | "fn" | "struct" | "union" | "enum" => {
                    let message = format!("`{}` cannot stand inside a block", self.slice(start.span));
                    self.report(Diagnostic::error(Code::Expected, start.span, message));
                    self.skip_statement();
                    return self.whole(start, StmtKind::Error);
                }
                _ => return self.simple_statement(start, before),
            },
            _ => return self.simple_statement(start, before),
        };
        let stmt = Stmt { kind, span: self.span_from(start.span) };
        self.end_statement(start, before);
        Piece::Stmt(stmt)
    }

    /// A statement that needs no `;`.
    pub(super) fn whole(&mut self, start: Token, kind: StmtKind) -> Piece {
        Piece::Stmt(Stmt { kind, span: self.span_from(start.span) })
    }

    fn word(&mut self, kind: StmtKind) -> StmtKind {
        self.bump();
        kind
    }

    /// An assignment or an expression.
    fn simple_statement(&mut self, start: Token, before: usize) -> Piece {
        if start.kind == TokenKind::Ident && self.slice(start.span) == "_" && self.at_nth(1, "=") {
            self.bump();
            self.bump();
            let value = self.expr();
            let stmt = Stmt { kind: StmtKind::Discard(value), span: self.span_from(start.span) };
            self.end_statement(start, before);
            return Piece::Stmt(stmt);
        }
        let target = self.expr();
        if let Some(op) = self.assignment_operator() {
            self.bump();
            if !can_be_assigned(&target) {
                self.not_assignable(&target);
            }
            let value = self.expr();
            let kind = StmtKind::Assign { target, op, value };
            let stmt = Stmt { kind, span: self.span_from(start.span) };
            self.end_statement(start, before);
            return Piece::Stmt(stmt);
        }
        if self.at("}") || self.at_end() {
            return Piece::Value(target);
        }
        if self.at(":") && matches!(target.kind, ExprKind::Variable(_)) {
            return self.let_without_let(target, start, before);
        }
        self.end_statement(start, before);
        let span = target.span;
        let kind = match target.kind {
            ExprKind::Error => StmtKind::Error,
            _ => StmtKind::Expr(target),
        };
        Piece::Stmt(Stmt { kind, span })
    }

    /// `$x : type = value;`
    fn let_without_let(&mut self, target: Expr, start: Token, before: usize) -> Piece {
        let colon = self.bump().span;
        let message = "only `let` gives a variable a type";
        let name = Name { text: self.slice(target.span)[1..].to_string(), span: target.span };
        let help = format!("write `let ${} : …`", name.text);
        self.report(Diagnostic::error(Code::Expected, colon, message).help(help));
        let ty = Some(self.type_name());
        let value = self.eat("=").map(|_| self.expr());
        let stmt = Stmt { kind: StmtKind::Let { name, ty, value }, span: self.span_from(start.span) };
        self.end_statement(start, before);
        Piece::Stmt(stmt)
    }

    fn not_assignable(&mut self, target: &Expr) {
        if target.kind == ExprKind::Error {
            return;
        }
        let message = "only variables and maps can be assigned";
        let mut diagnostic = Diagnostic::error(Code::InvalidAssignment, target.span, message);
        if let ExprKind::Name(name) = &target.kind {
            diagnostic = diagnostic.help(format!("write `${name}` for a variable or `@{name}` for a map"));
        } else if matches!(target.kind, ExprKind::TupleField(..)) {
            diagnostic = diagnostic.note("tuples do not change once they are made");
        }
        self.report(diagnostic);
    }

    /// `=` or `op=` if it comes next.
    fn assignment_operator(&mut self) -> Option<Option<BinaryOp>> {
        let TokenKind::Punct(punct) = self.peek(0).kind else { return None };
        Some(match punct {
            "=" => None,
            "+=" => Some(BinaryOp::Add),
            "-=" => Some(BinaryOp::Sub),
            "*=" => Some(BinaryOp::Mul),
            "/=" => Some(BinaryOp::Div),
            "%=" => Some(BinaryOp::Mod),
            "&=" => Some(BinaryOp::And),
            "|=" => Some(BinaryOp::Or),
            "^=" => Some(BinaryOp::Xor),
            "<<=" => Some(BinaryOp::Shl),
            ">>=" => Some(BinaryOp::Shr),
            _ => return None,
        })
    }

    fn let_statement(&mut self, start: Token) -> StmtKind {
        self.bump();
        let next = self.peek(0);
        if next.kind != TokenKind::Variable {
            if next.kind == TokenKind::Map {
                let message = "maps are declared outside of probes";
                self.report(Diagnostic::error(Code::Expected, start.span.to(next.span), message));
            } else {
                self.expected(Code::Expected, "a variable, as `$x`");
            }
            return StmtKind::Error;
        }
        let name = self.variable_name();
        let ty = self.eat(":").map(|_| self.type_name());
        let value = self.eat("=").map(|_| self.expr());
        StmtKind::Let { name, ty, value }
    }

    /// The variable that comes next.
    pub(super) fn variable_name(&mut self) -> Name {
        let span = self.bump().span;
        Name { text: self.slice(span)[1..].to_string(), span }
    }
}

/// Whether the expression is a place: a variable, a map or an element of one.
pub(super) fn can_be_assigned(target: &Expr) -> bool {
    matches!(target.kind, ExprKind::Variable(_) | ExprKind::Map(_) | ExprKind::MapElement { .. })
}
