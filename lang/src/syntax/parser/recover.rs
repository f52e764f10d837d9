//! What happens where the text is not as it should be: complaints about missing tokens, and the places at
//! which reading goes on.

use super::Parser;
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::token::{Token, TokenKind};

/// The words that start a statement.
pub(super) const STATEMENT_WORDS: &[&str] =
    &["if", "else", "for", "while", "unroll", "let", "return", "break", "continue"];

impl Parser<'_> {
    /// The next token in words.
    pub(super) fn found(&mut self) -> String {
        match self.peek(0).kind {
            TokenKind::End => "the end of the text".to_string(),
            TokenKind::String => "a string".to_string(),
            TokenKind::Directive => "a preprocessor line".to_string(),
            _ => format!("`{}`", self.next_text()),
        }
    }

    /// Whether a line ends between the last token and the next.
    pub(super) fn is_on_next_line(&mut self) -> bool {
        let between = Span::new(self.last.end, self.peek(0).span.start.max(self.last.end));
        self.slice(between).contains('\n')
    }

    /// Where something missing belongs: at the next token, or behind the last one if the next is elsewhere.
    pub(super) fn missing_place(&mut self) -> Span {
        if self.at_end() || self.is_on_next_line() { self.last.after() } else { self.peek(0).span }
    }

    /// Complains that something else had to come; nothing is consumed.
    pub(super) fn expected(&mut self, code: Code, what: &str) {
        let message = format!("expected {what}, found {}", self.found());
        let span = self.missing_place();
        self.report_missing(Diagnostic::error(code, span, message));
    }

    /// Consumes the punctuation, or complains.
    pub(super) fn expect(&mut self, punct: &str) -> bool {
        let is_there = self.eat(punct).is_some();
        if !is_there {
            self.expected(Code::Expected, &format!("`{punct}`"));
        }
        is_there
    }

    /// Consumes the closing bracket, or complains and looks for it up to the end of the statement.
    pub(super) fn expect_close(&mut self, close: &str, opening: Span, help: Option<String>) {
        if self.eat(close).is_some() {
            return;
        }
        let message = format!("expected `{close}`, found {}", self.found());
        let span = self.missing_place();
        let diagnostic = Diagnostic::error(Code::UnclosedDelimiter, span, message).at(opening, "opened here");
        self.report_missing(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
        let mut open = 0;
        while let TokenKind::Punct(punct) = self.peek_past_words() {
            match punct {
                "(" | "[" => open += 1,
                ")" | "]" if open > 0 => open -= 1,
                _ if punct == close => {
                    self.bump();
                    return;
                }
                ";" | "{" | "}" | ")" | "]" => return,
                _ => {}
            }
            self.bump();
        }
    }

    /// The kind of the next token that is punctuation or starts another statement; those before it are
    /// consumed.
    fn peek_past_words(&mut self) -> TokenKind {
        loop {
            let next = self.peek(0);
            let is_statement =
                next.kind == TokenKind::Keyword && STATEMENT_WORDS.contains(&self.slice(next.span));
            if is_statement || matches!(next.kind, TokenKind::Punct(_) | TokenKind::End) {
                return next.kind;
            }
            if self.is_on_next_line() && self.starts_probe() {
                return TokenKind::End;
            }
            self.bump();
        }
    }

    /// The end of a statement: a `;`, or the end of its block. `start` is the statement's first token, and
    /// `before` how many diagnostics there were.
    pub(super) fn end_statement(&mut self, start: Token, before: usize) {
        if self.eat(";").is_some() || self.at("}") || self.at_end() {
            return;
        }
        let is_fresh = self.diagnostics.len() == before;
        if is_fresh {
            if let Some(word) = self.meant_keyword(start) {
                let message = format!("`{}` does not start a statement", self.slice(start.span));
                self.report(
                    Diagnostic::error(Code::Expected, start.span, message)
                        .help(format!("did you mean `{word}`?")),
                );
            } else {
                let message = format!("expected `;`, found {}", self.found());
                let span = self.last.after();
                self.report_missing(Diagnostic::error(Code::Expected, span, message));
                if self.is_on_next_line() || self.can_start_statement() {
                    return;
                }
            }
        } else if self.is_on_next_line() && self.can_start_statement() {
            return;
        }
        self.skip_statement();
    }

    /// The keyword that a name at the start of a statement was meant to be.
    pub(super) fn meant_keyword(&mut self, start: Token) -> Option<&'static str> {
        let is_name = start.kind == TokenKind::Ident;
        is_name.then(|| nearest(self.slice(start.span), STATEMENT_WORDS.iter().copied())).flatten()
    }

    fn can_start_statement(&mut self) -> bool {
        use TokenKind::{Ident, Keyword, Map, Variable};
        matches!(self.peek(0).kind, Ident | Keyword | Map | Variable)
    }

    /// Skips to the place where the next statement can start: behind a `;` or a block, before a `}`, before
    /// a probe.
    pub(super) fn skip_statement(&mut self) {
        let mut is_first = true;
        while !self.at_end() && !self.at("}") && (is_first || !self.is_on_next_line() || !self.starts_probe())
        {
            is_first = false;
            if self.at("{") {
                return self.skip_braces();
            }
            if self.bump().kind == TokenKind::Punct(";") {
                return;
            }
        }
    }

    /// Skips `{ … }`, braces inside included.
    pub(super) fn skip_braces(&mut self) {
        let mut open = 0;
        loop {
            match self.peek(0).kind {
                TokenKind::Punct("{") => open += 1,
                TokenKind::Punct("}") => open -= 1,
                TokenKind::End => {
                    self.is_cut_off = true;
                    return;
                }
                _ => {}
            }
            self.bump();
            if open <= 0 {
                return;
            }
        }
    }
}
