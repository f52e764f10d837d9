//! The `config` block: `config = { name = value; … }`.

use super::Parser;
use crate::config::Value;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Name, Program, Setting};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// Whether a `config` block starts here, rather than the value `config`.
    pub(super) fn at_config_block(&mut self) -> bool {
        self.at_keyword("config") && (self.at_nth(1, "=") || self.at_nth(1, "{"))
    }

    /// The block. A second one, or one in a wrong place, is read all the same.
    pub(super) fn config_block(&mut self, program: &mut Program, has_config: bool) {
        let start = self.bump().span;
        if has_config {
            let message = "there is a `config` block already";
            self.report(
                Diagnostic::error(Code::Misplaced, start, message).help("put all settings into one block"),
            );
        } else if !program.probes.is_empty() || !program.statements.is_empty() {
            let message = "the `config` block comes before probes and statements";
            self.report(Diagnostic::error(Code::Misplaced, start, message).help("move it to the top"));
        }
        self.expect("=");
        let Some(opening) = self.eat("{") else {
            self.expected(Code::Expected, "`{`");
            return self.skip_statement();
        };
        while !self.at("}") && !self.at_end() {
            match self.setting() {
                Some(setting) => program.config.push(setting),
                None => {
                    self.skip_setting();
                    continue;
                }
            }
            if self.eat(";").is_none() && !self.at("}") {
                self.expected(Code::Expected, "`;` or `}`");
                self.skip_setting();
            }
            while self.eat(";").is_some() {}
        }
        self.expect_close("}", opening, None);
    }

    /// `name = value`; `None` if it cannot be read.
    fn setting(&mut self) -> Option<Setting> {
        let next = self.peek(0);
        if !matches!(next.kind, TokenKind::Ident | TokenKind::Keyword) {
            self.expected(Code::Expected, "the name of a setting");
            return None;
        }
        self.bump();
        let name = Name { text: self.slice(next.span).to_string(), span: next.span };
        if !self.expect("=") {
            return None;
        }
        let (value, value_span) = self.setting_value()?;
        Some(Setting { name, value, value_span })
    }

    fn setting_value(&mut self) -> Option<(Value, Span)> {
        let next = self.peek(0);
        let text = self.slice(next.span);
        let value = match next.kind {
            TokenKind::Int => {
                self.bump();
                match self.int(next.span) {
                    ExprKind::Int(number) => Value::Int(number),
                    _ => return None,
                }
            }
            TokenKind::String => {
                self.bump();
                match self.string(next.span) {
                    ExprKind::String(text) => Value::Text(String::from_utf8_lossy(&text).into_owned()),
                    _ => return None,
                }
            }
            TokenKind::Keyword if matches!(text, "true" | "false") => {
                self.bump();
                Value::Bool(text == "true")
            }
            TokenKind::Ident => {
                self.bump();
                Value::Text(text.to_string())
            }
            _ => {
                self.expected(Code::Expected, "a number, `true`, `false`, a string or a word");
                return None;
            }
        };
        Some((value, next.span))
    }

    /// Skips to behind the next `;`, or to the end of the block.
    fn skip_setting(&mut self) {
        while !self.at("}") && !self.at_end() {
            if self.bump().kind == TokenKind::Punct(";") {
                return;
            }
        }
    }
}
