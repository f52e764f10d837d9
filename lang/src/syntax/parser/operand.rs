//! Operands: literals, names, calls, brackets, and what follows an operand.

use super::Parser;
use super::recover::STATEMENT_WORDS;
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Block, Expr, ExprKind, Name, TypeOrExpr};
use crate::syntax::lexer::is_closed;
use crate::syntax::literal::{self, Fault};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// An operand with its fields, indices and steps.
    pub(super) fn postfix(&mut self) -> Expr {
        let start = self.peek(0).span;
        let depth = self.depth;
        let mut expr = self.primary();
        while let TokenKind::Punct(punct) = self.peek(0).kind {
            match punct {
                "." | "->" => {
                    self.bump();
                    expr = self.field(expr, start);
                }
                "[" => {
                    let opening = self.bump().span;
                    let items = self.list("]", opening, None);
                    expr = self.index(expr, items, start);
                }
                "++" | "--" => {
                    self.bump();
                    expr = self.step(expr, start, punct == "++", true);
                }
                _ => break,
            }
            if !self.descend() {
                break;
            }
        }
        self.depth = depth;
        expr
    }

    /// What stands behind a `.` or `->`.
    fn field(&mut self, of: Expr, start: Span) -> Expr {
        let next = self.peek(0);
        let text = self.slice(next.span);
        let kind = match next.kind {
            TokenKind::Ident | TokenKind::Keyword => {
                self.bump();
                ExprKind::Member(Box::new(of), Name { text: text.to_string(), span: next.span })
            }
            TokenKind::Int if matches!(of.kind, ExprKind::Int(_)) => {
                self.bump();
                let message = "there are no numbers with a fraction";
                self.report(Diagnostic::error(Code::InvalidNumber, self.span_from(start), message));
                ExprKind::Error
            }
            TokenKind::Int => {
                self.bump();
                match text.parse() {
                    Ok(number) => ExprKind::TupleField(Box::new(of), number, next.span),
                    Err(_) => {
                        let message = format!("`{text}` is no field of a tuple");
                        self.report(Diagnostic::error(Code::InvalidNumber, next.span, message));
                        ExprKind::Error
                    }
                }
            }
            _ => {
                self.expected(Code::Expected, "the name of a field");
                ExprKind::Error
            }
        };
        Expr { kind, span: self.span_from(start) }
    }

    fn index(&mut self, of: Expr, items: Vec<Expr>, start: Span) -> Expr {
        let span = self.span_from(start);
        let mut items = items.into_iter();
        let kind = match (items.next(), items.next()) {
            (Some(index), None) => ExprKind::Index(Box::new(of), Box::new(index)),
            (None, None) if self.slice(self.last) != "]" => ExprKind::Error,
            _ => {
                let message = "only maps have keys of more than one part, and none is empty";
                self.report(Diagnostic::error(Code::Expected, span, message));
                ExprKind::Error
            }
        };
        Expr { kind, span }
    }

    fn primary(&mut self) -> Expr {
        let next = self.peek(0);
        let start = next.span;
        let text = self.slice(start);
        let kind = match next.kind {
            TokenKind::Int => {
                self.bump();
                self.int(start)
            }
            TokenKind::String => {
                self.bump();
                self.string(start)
            }
            TokenKind::Variable => {
                self.bump();
                ExprKind::Variable(text[1..].to_string())
            }
            TokenKind::Positional => {
                self.bump();
                match text[1..].parse() {
                    Ok(number) if number > 0 => ExprKind::Positional(number),
                    _ => {
                        let message = "positional parameters are counted from 1";
                        self.report(Diagnostic::error(Code::InvalidNumber, start, message));
                        ExprKind::Error
                    }
                }
            }
            TokenKind::PositionalCount => {
                self.bump();
                ExprKind::PositionalCount
            }
            TokenKind::Map => {
                self.bump();
                self.map(start)
            }
            TokenKind::Punct("(") => return self.parenthesised(),
            TokenKind::Punct("{") => {
                let mut block = self.block();
                block.take_last_if();
                ExprKind::Block(block)
            }
            TokenKind::Ident => {
                self.bump();
                if !self.at("(")
                    && let Some(expr) = self.defined(text, start)
                {
                    return expr;
                }
                self.name_or_call(Name { text: text.to_string(), span: start })
            }
            TokenKind::Keyword => self.keyword(text, start),
            _ => self.no_operand(),
        };
        Expr { kind, span: self.span_from(start) }
    }

    fn no_operand(&mut self) -> ExprKind {
        self.expected(Code::ExpectedExpression, "a value");
        ExprKind::Error
    }

    fn keyword(&mut self, word: &str, start: Span) -> ExprKind {
        match word {
            "true" | "false" => {
                self.bump();
                ExprKind::Bool(word == "true")
            }
            "if" => self.if_expr(),
            "sizeof" => {
                self.bump();
                self.size_of()
            }
            "config" => {
                self.bump();
                self.name_or_call(Name { text: word.to_string(), span: start })
            }
            "offsetof" => {
                self.bump();
                self.offset_of()
            }
            "typeof" | "struct" | "union" | "enum" => ExprKind::TypeOf(self.type_name()),
            "typeinfo" => {
                self.bump();
                if let Some(opening) = self.eat("(") {
                    self.skip_to_close(opening);
                }
                self.unsupported(start, &format!("`{word}` here is"));
                ExprKind::Error
            }
            _ => self.no_operand(),
        }
    }

    pub(super) fn int(&mut self, span: Span) -> ExprKind {
        match literal::int(self.slice(span)) {
            Ok(value) => ExprKind::Int(value),
            Err(fault) => {
                self.fault(Code::InvalidNumber, span, fault);
                ExprKind::Error
            }
        }
    }

    pub(super) fn string(&mut self, span: Span) -> ExprKind {
        let text = self.slice(span);
        let (value, faults) = literal::string(text);
        let is_whole = is_closed(text);
        if !is_whole {
            let message = "this string is not closed on its line";
            self.report(Diagnostic::error(Code::UnterminatedString, span, message).help("end it with `\"`"));
        }
        let is_right = faults.is_empty() && is_whole;
        for fault in faults {
            self.fault(Code::InvalidEscape, span, fault);
        }
        if is_right { ExprKind::String(value) } else { ExprKind::Error }
    }

    fn fault(&mut self, code: Code, literal: Span, fault: Fault) {
        let at = |offset: usize| literal.start + offset as u32;
        self.report(Diagnostic::error(code, Span::new(at(fault.start), at(fault.end)), fault.message));
    }

    fn map(&mut self, span: Span) -> ExprKind {
        let text = self.slice(span)[1..].to_string();
        let Some(opening) = self.eat("[") else { return ExprKind::Map(text) };
        let key = self.list("]", opening, None);
        if key.is_empty() && self.slice(self.last) != "]" {
            return ExprKind::Error;
        }
        if key.is_empty() {
            let message = "this key is empty";
            self.report(
                Diagnostic::error(Code::ExpectedExpression, opening.to(self.last), message)
                    .help(format!("write `@{text}` for a map without keys")),
            );
            return ExprKind::Error;
        }
        ExprKind::MapElement { map: Name { text, span }, key }
    }

    fn name_or_call(&mut self, function: Name) -> ExprKind {
        let Some(opening) = self.eat("(") else { return ExprKind::Name(function.text) };
        let meant = nearest(&function.text, STATEMENT_WORDS.iter().copied());
        let help = meant.map(|word| format!("did you mean `{word}` instead of `{}`?", function.text));
        let arguments = self.list(")", opening, help);
        ExprKind::Call { function, arguments }
    }

    /// Expressions between commas up to the closing bracket; the last comma may be followed by nothing.
    fn list(&mut self, close: &str, opening: Span, help: Option<String>) -> Vec<Expr> {
        let outer = std::mem::take(&mut self.in_predicate);
        let mut items = Vec::new();
        while !self.at_close() && !self.at_end() {
            items.push(self.expr());
            if self.eat(",").is_none() {
                break;
            }
        }
        self.expect_close(close, opening, help);
        self.in_predicate = outer;
        items
    }

    /// Whether a bracket closes here, or what it stands in ends.
    fn at_close(&mut self) -> bool {
        matches!(self.peek(0).kind, TokenKind::Punct(")" | "]" | "}" | ";"))
    }

    /// `(e)`, a tuple, or a record.
    fn parenthesised(&mut self) -> Expr {
        let opening = self.bump().span;
        if self.peek(0).kind == TokenKind::Ident && self.at_nth(1, "=") {
            return self.record(opening);
        }
        let outer = std::mem::take(&mut self.in_predicate);
        let mut items = Vec::new();
        let mut is_tuple = self.at(")");
        while !self.at_close() && !self.at_end() {
            items.push(self.expr());
            if self.eat(",").is_none() {
                break;
            }
            is_tuple = true;
        }
        self.expect_close(")", opening, None);
        self.in_predicate = outer;
        let span = self.span_from(opening);
        match items.pop() {
            Some(mut only) if !is_tuple => {
                only.span = span;
                only
            }
            last => {
                items.extend(last);
                Expr { kind: ExprKind::Tuple(items), span }
            }
        }
    }

    /// `(a = 1, b = 2)`, behind the bracket.
    fn record(&mut self, opening: Span) -> Expr {
        let outer = std::mem::take(&mut self.in_predicate);
        let mut fields: Vec<(Name, Expr)> = Vec::new();
        loop {
            let name = self.peek(0);
            if name.kind != TokenKind::Ident {
                self.expected(Code::Expected, "the name of a field");
                break;
            }
            self.bump();
            let name = Name { text: self.slice(name.span).to_string(), span: name.span };
            if let Some((first, _)) = fields.iter().find(|(other, _)| other.text == name.text) {
                let message = format!("this record has a field `{}` already", name.text);
                self.report(
                    Diagnostic::error(Code::DuplicateField, name.span, message)
                        .at(first.span, "the first one"),
                );
            }
            self.expect("=");
            fields.push((name, self.expr()));
            if self.eat(",").is_none() {
                break;
            }
        }
        self.expect_close(")", opening, None);
        self.in_predicate = outer;
        Expr { kind: ExprKind::Record(fields), span: self.span_from(opening) }
    }

    /// Skips to the bracket that closes this one.
    fn skip_to_close(&mut self, opening: Span) {
        let mut open = 1;
        while open > 0 && !self.at_end() && !self.at(";") && !self.at("}") {
            match self.bump().kind {
                TokenKind::Punct("(") => open += 1,
                TokenKind::Punct(")") => open -= 1,
                _ => {}
            }
        }
        if open > 0 {
            self.expect_close(")", opening, None);
        }
    }

    /// `if (c) { a } else { b }` as a value.
    fn if_expr(&mut self) -> ExprKind {
        self.bump();
        let condition = Box::new(self.condition());
        let mut then = self.block();
        then.take_last_if();
        if !self.at_keyword("else") {
            self.expected(Code::Expected, "`else`, because this `if` stands for a value");
            return ExprKind::Error;
        }
        self.bump();
        let mut otherwise = if self.at_keyword("if") { self.if_as_block() } else { self.block() };
        otherwise.take_last_if();
        ExprKind::If { condition, then, otherwise }
    }

    /// The `if` behind an `else`, as a block that has its value.
    fn if_as_block(&mut self) -> Block {
        let start = self.peek(0).span;
        let kind = if self.descend() { self.if_expr() } else { ExprKind::Error };
        self.depth -= 1;
        let span = self.span_from(start);
        Block { statements: Vec::new(), value: Some(Box::new(Expr { kind, span })), span }
    }

    fn size_of(&mut self) -> ExprKind {
        let Some(opening) = self.eat("(") else {
            self.expected(Code::Expected, "`(`");
            return ExprKind::Error;
        };
        let of = self.type_or_expr();
        self.expect_close(")", opening, None);
        ExprKind::SizeOf(Box::new(of))
    }

    fn type_or_expr(&mut self) -> TypeOrExpr {
        if self.at_type() {
            return TypeOrExpr::Type(self.type_name());
        }
        let outer = std::mem::take(&mut self.in_predicate);
        let expr = self.expr();
        self.in_predicate = outer;
        TypeOrExpr::Expr(expr)
    }

    /// `(type or expr, a.b)`
    fn offset_of(&mut self) -> ExprKind {
        let Some(opening) = self.eat("(") else {
            self.expected(Code::Expected, "`(`");
            return ExprKind::Error;
        };
        let of = self.type_or_expr();
        self.expect(",");
        let mut path = Vec::new();
        loop {
            let name = self.peek(0);
            if name.kind != TokenKind::Ident {
                self.expected(Code::Expected, "the name of a member");
                break;
            }
            self.bump();
            path.push(Name { text: self.slice(name.span).to_string(), span: name.span });
            if self.eat(".").is_none() {
                break;
            }
        }
        self.expect_close(")", opening, None);
        if path.is_empty() { ExprKind::Error } else { ExprKind::OffsetOf(Box::new(of), path) }
    }
}
