//! Probes: attach points, predicate, body; and how a probe is told from a statement.

use super::Parser;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{AttachPoint, Block, Expr, Part, Probe};
use crate::syntax::lexer::{is_closed, string_end};
use crate::syntax::literal;
use crate::syntax::token::{Bond, KEYWORDS, TokenKind};

/// The provider words of bpftrace, all of them: behind one of these a colon starts a probe even inside a
/// block that is not closed.
const PROVIDER_WORDS: &[&str] = &[
    "bench",
    "f",
    "fentry",
    "fexit",
    "fr",
    "h",
    "hardware",
    "i",
    "interval",
    "it",
    "iter",
    "k",
    "kfunc",
    "kprobe",
    "kr",
    "kretfunc",
    "kretprobe",
    "p",
    "profile",
    "rawtracepoint",
    "rt",
    "s",
    "self",
    "software",
    "t",
    "test",
    "tracepoint",
    "U",
    "u",
    "uprobe",
    "ur",
    "uretprobe",
    "usdt",
    "w",
    "watchpoint",
];

impl<'a> Parser<'a> {
    /// Whether a probe starts here, at the top level: a word and a colon, or a word that `{`, `,` or, after
    /// `begin` and `end`, a predicate follows.
    pub(super) fn looks_like_probe(&mut self) -> bool {
        let start = self.peek(0).span.start;
        let word = self.provider_word(start);
        if word.is_empty() || KEYWORDS.contains(&word) {
            return false;
        }
        if self.lexer.text_from(start + word.len() as u32).starts_with(':') {
            return true;
        }
        if self.peek(0).span.range().len() != word.len() {
            return false;
        }
        match self.peek(1).kind {
            TokenKind::Punct("{" | ",") => true,
            TokenKind::Punct("/") | TokenKind::End => is_special(word),
            TokenKind::Punct("=") if word != "_" => {
                let start = self.peek(2).span.start;
                let named = self.provider_word(start);
                !named.is_empty()
                    && (self.lexer.text_from(start + named.len() as u32).starts_with(':')
                        || is_special(named))
            }
            _ => false,
        }
    }

    /// Whether a probe starts here beyond doubt, inside a block that should have been closed.
    pub(super) fn starts_probe(&mut self) -> bool {
        let start = self.peek(0).span.start;
        let word = self.provider_word(start);
        if is_special(word) {
            return matches!(self.peek(1).kind, TokenKind::Punct("{" | "/" | ","));
        }
        PROVIDER_WORDS.contains(&word) && self.lexer.text_from(start + word.len() as u32).starts_with(':')
    }

    /// The word at a place, which may have wildcards and parameters in it.
    fn provider_word(&self, start: u32) -> &'a str {
        let rest: &'a str = self.lexer.text_from(start);
        let is_start = rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '*'))
            || rest.starts_with('$') && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '*' | '$');
        if is_start { &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())] } else { "" }
    }

    pub(super) fn probe(&mut self) -> Probe {
        let start = self.peek(0).span;
        let before = self.diagnostics.len();
        if self.at_nth(1, "=") {
            self.bump();
            self.bump();
        }
        let points = self.attach_points();
        let predicate = self.predicate();
        let body = if self.at("{") {
            self.block()
        } else {
            if self.diagnostics.len() == before {
                let what = if predicate.is_some() { "`{`" } else { "`{` or a `/predicate/`" };
                self.expected(Code::Expected, what);
            }
            if !self.is_on_next_line() {
                self.skip_statement();
            }
            Block { span: self.last.after(), ..Block::default() }
        };
        Probe { points, predicate, body, span: self.span_from(start) }
    }

    fn attach_points(&mut self) -> Vec<AttachPoint> {
        let mut points = Vec::new();
        loop {
            points.extend(self.attach_point());
            let is_more = self.eat(",").is_some();
            if !is_more || self.at("{") || self.at("/") || self.at_end() {
                return points;
            }
        }
    }

    /// An attach point; `None` if it names nothing that could be looked up.
    fn attach_point(&mut self) -> Option<AttachPoint> {
        self.rewind_lexer();
        let start = self.lexer.offset();
        let empty = |at: u32| Part { text: String::new(), span: Span::new(at, at) };
        let mut parts = vec![empty(start)];
        let mut provider = "";
        let mut is_whole = true;
        while let Some(token) = self.lexer.part(provider, parts.len() - 1) {
            self.tokens.push(token);
            self.last = token.span;
            if token.kind == TokenKind::PartColon {
                parts.push(empty(token.span.end));
            } else {
                if parts.len() == 1 {
                    provider = self.slice(token.span);
                }
                let text = self.part_text(token.span);
                is_whole &= text.is_some();
                let text = text.unwrap_or_default();
                parts.pop();
                parts.push(Part { text, span: token.span });
            }
        }
        // A parameter may stand for several parts, or all.
        if let [first, ..] = &parts[..]
            && self.slice(first.span).starts_with('$')
        {
            let whole = parts.remove(0);
            let words = whole.text.split(':').map(|text| Part { text: text.to_string(), span: whole.span });
            parts.splice(0..0, words);
        }
        let span = Span::new(start, self.lexer.offset());
        if span.start == span.end {
            self.expected(
                Code::InvalidAttachPoint,
                "an attach point, as `tracepoint:syscalls:sys_enter_read`",
            );
            return None;
        }
        is_whole.then_some(AttachPoint { parts, span })
    }

    /// A part without its quotes and with parameters put in.
    fn part_text(&mut self, span: Span) -> Option<String> {
        let mut rest = self.slice(span);
        let mut text = String::new();
        while let Some(c) = rest.chars().next() {
            let digits = rest.bytes().skip(1).take_while(u8::is_ascii_digit);
            let number_length = if c == '$' { digits.count() } else { 0 };
            let length = match c {
                '"' => {
                    let length = string_end(rest);
                    if !is_closed(&rest[..length]) {
                        let message = "this quote is never closed on its line";
                        self.report(Diagnostic::error(Code::UnterminatedString, span, message));
                        return None;
                    }
                    text.push_str(&String::from_utf8_lossy(&literal::string(&rest[..length]).0));
                    length
                }
                '$' if number_length > 0 => {
                    let name = &rest[..=number_length];
                    let index = name[1..].parse().ok().and_then(|n: usize| n.checked_sub(1));
                    let Some(value) = index.and_then(|n| self.parameters.positional.get(n)) else {
                        let message = format!("the program was not given the parameter {name}");
                        self.report(Diagnostic::error(Code::MissingParameter, span, message));
                        return None;
                    };
                    text.push_str(value);
                    name.len()
                }
                c => {
                    text.push(c);
                    c.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        Some(text)
    }

    fn predicate(&mut self) -> Option<Expr> {
        let opening = self.eat("/")?;
        self.bind(opening, Bond::Next);
        let outer = std::mem::replace(&mut self.in_predicate, true);
        let before = self.diagnostics.len();
        let predicate = self.expr();
        self.in_predicate = outer;
        if let Some(closing) = self.eat("/") {
            self.bind(closing, Bond::Previous);
        } else {
            if self.diagnostics.len() == before {
                let message = format!("expected `/` to close the predicate, found {}", self.found());
                let span = self.missing_place();
                self.report_missing(
                    Diagnostic::error(Code::UnclosedDelimiter, span, message).at(opening, "opened here"),
                );
            }
            self.skip_to_slash();
        }
        Some(predicate)
    }

    /// Skips the rest of a predicate that could not be read, on its line.
    fn skip_to_slash(&mut self) {
        while !self.at_end() && !self.at("{") && !self.at(";") && !self.at("}") && !self.is_on_next_line() {
            if self.bump().kind == TokenKind::Punct("/") {
                return;
            }
        }
    }
}

/// Whether the word is a provider that stands alone.
fn is_special(word: &str) -> bool {
    matches!(word, "begin" | "end" | "BEGIN" | "END")
}
