//! Types as written, and how a cast is told from a parenthesised expression.

use super::Parser;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{TypeKind, TypeName};
use crate::syntax::literal;
use crate::syntax::token::{Bond, TokenKind};

/// Names that stand for values even where a type could stand: `(pid) * 2` is a product.
const VALUE_NAMES: &[&str] = &[
    "args", "cgroup", "comm", "cpu", "ctx", "curtask", "elapsed", "func", "gid", "jiffies", "kstack",
    "ncpus", "nsecs", "pid", "ppid", "probe", "rand", "retval", "tid", "uid", "usermode", "ustack",
];

impl Parser<'_> {
    /// Whether the parenthesis that comes next holds the type of a cast.
    pub(super) fn at_cast(&mut self) -> bool {
        if self.is_type_keyword(1) {
            return true;
        }
        let Some(end) = self.type_length(1) else { return false };
        let has_modifiers = end > 2;
        if !self.at_nth(end, ")") {
            return false;
        }
        if has_modifiers && self.at_nth(end - 1, "*") {
            return true;
        }
        self.starts_operand(end + 1)
    }

    /// Whether what comes next is a type, up to a closing parenthesis or a comma.
    pub(super) fn at_type(&mut self) -> bool {
        if self.is_type_keyword(0) {
            return true;
        }
        self.type_length(0).is_some_and(|end| self.at_nth(end, ")") || self.at_nth(end, ","))
    }

    fn is_type_keyword(&mut self, n: usize) -> bool {
        let next = self.peek(n);
        let is_word = matches!(self.slice(next.span), "struct" | "union" | "enum" | "typeof");
        next.kind == TokenKind::Keyword && is_word
    }

    /// Where the type that starts with a name at the `n`th token ends, if one does.
    fn type_length(&mut self, n: usize) -> Option<usize> {
        let next = self.peek(n);
        let name = self.slice(next.span);
        let is_argument = name
            .strip_prefix("arg")
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
        if next.kind != TokenKind::Ident || is_argument || VALUE_NAMES.contains(&name) {
            return None;
        }
        let mut end = n + 1;
        loop {
            if self.at_nth(end, "*") {
                end += 1;
            } else if self.at_nth(end, "[") && self.at_nth(end + 1, "]") {
                end += 2;
            } else if self.at_nth(end, "[") && self.at_nth(end + 2, "]") {
                if self.peek(end + 1).kind != TokenKind::Int {
                    return None;
                }
                end += 3;
            } else {
                return Some(end);
            }
            if end - n > 64 {
                return None;
            }
        }
    }

    /// Whether the `n`th token can start the operand of a cast. A `{` cannot: `if (x) { }`.
    fn starts_operand(&mut self, n: usize) -> bool {
        let next = self.peek(n);
        match next.kind {
            TokenKind::Ident
            | TokenKind::Int
            | TokenKind::String
            | TokenKind::Variable
            | TokenKind::Positional
            | TokenKind::PositionalCount
            | TokenKind::Map => true,
            TokenKind::Punct(punct) => matches!(punct, "(" | "-" | "*" | "&" | "!" | "~" | "++" | "--"),
            TokenKind::Keyword => {
                matches!(self.slice(next.span), "true" | "false" | "if" | "sizeof" | "offsetof" | "comptime")
            }
            _ => false,
        }
    }

    /// A type: a name, pointers and arrays behind it.
    pub(super) fn type_name(&mut self) -> TypeName {
        let start = self.peek(0).span;
        let depth = self.depth;
        let kind = self.base_type();
        let mut ty = TypeName { kind, span: self.span_from(start) };
        loop {
            let kind = if let Some(star) = self.eat("*") {
                self.bind(star, Bond::Previous);
                TypeKind::Pointer(Box::new(ty))
            } else if let Some(opening) = self.eat("[") {
                let length = self.array_length();
                self.expect_close("]", opening, None);
                TypeKind::Array(Box::new(ty), length)
            } else {
                break;
            };
            ty = TypeName { kind, span: self.span_from(start) };
            if !self.descend() {
                break;
            }
        }
        self.depth = depth;
        ty
    }

    fn base_type(&mut self) -> TypeKind {
        let next = self.peek(0);
        let text = self.slice(next.span);
        if next.kind == TokenKind::Ident {
            self.bump();
            return TypeKind::Named(text.to_string());
        }
        if next.kind != TokenKind::Keyword || !self.is_type_keyword(0) {
            self.expected(Code::Expected, "a type");
            return TypeKind::Named(String::new());
        }
        self.bump();
        if text == "typeof" {
            let Some(opening) = self.eat("(") else {
                self.expected(Code::Expected, "`(`");
                return TypeKind::Named(String::new());
            };
            if self.at_type() {
                let inner = self.type_name();
                self.expect_close(")", opening, None);
                return inner.kind;
            }
            let outer = std::mem::take(&mut self.in_predicate);
            let expr = self.expr();
            self.in_predicate = outer;
            self.expect_close(")", opening, None);
            return TypeKind::TypeOf(Box::new(expr));
        }
        let tag = self.peek(0);
        if tag.kind != TokenKind::Ident {
            self.expected(Code::Expected, &format!("the name of the {text}"));
            return TypeKind::Tagged(text.to_string(), String::new());
        }
        self.bump();
        TypeKind::Tagged(text.to_string(), self.slice(tag.span).to_string())
    }

    fn array_length(&mut self) -> Option<u64> {
        let next = self.peek(0);
        if next.kind != TokenKind::Int {
            return None;
        }
        self.bump();
        match literal::int(self.slice(next.span)) {
            Ok(length) => Some(length),
            Err(fault) => {
                self.report(Diagnostic::error(Code::InvalidNumber, next.span, fault.message));
                None
            }
        }
    }
}
