//! [`Token`]s → [`Program`]: recursive descent, one file for each layer of the grammar.
//!
//! *Invariant:* every loop consumes a token or ends; what is deeper than [`MAX_DEPTH`] is not followed.

mod config;
mod control;
mod define;
mod definition;
mod expr;
mod item;
mod operand;
mod probe;
mod recover;
mod stmt;
mod ty;

pub(crate) use definition::is_grammar_name;

use std::collections::{BTreeMap, VecDeque};

use super::Parsed;
use super::ast::{Program, Use};
use super::c::Define;
use super::lexer::Lexer;
use super::token::{Bond, Token, TokenKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Parameters;
use crate::source::{File, Source, Span};

/// How high the tree grows. Later stages walk it by recursion, which is what [`crate::STACK`] is for.
const MAX_DEPTH: usize = 2000;

/// Reads one text.
pub struct Parser<'a> {
    parameters: &'a Parameters,
    /// What `#define` defines, and the texts that the definitions stand in.
    defines: Option<(&'a Source, &'a BTreeMap<String, Define>)>,
    /// The names whose definitions are being read.
    expanding: Vec<&'a str>,
    uses: Vec<Use>,
    /// The parameters of the macro being read: they stand before what `#define` says.
    hidden: Vec<String>,
    lexer: Lexer<'a>,
    /// Read but not consumed, trivia included.
    ahead: VecDeque<Token>,
    /// Consumed, trivia included.
    tokens: Vec<Token>,
    /// Consumed and close to a neighbour, in no order.
    bonds: Vec<(u32, Bond)>,
    /// The last consumed token that is not trivia.
    last: Span,
    diagnostics: Vec<Diagnostic>,
    depth: usize,
    /// Whether the rest of the text is skipped.
    has_given_up: bool,
    /// In a predicate outside brackets, where `/` before `{` closes it.
    in_predicate: bool,
    /// Where the last error was reported: a second one at the same place is a consequence.
    last_error: Option<Span>,
    /// Where blocks were found open.
    unclosed_at: Option<u32>,
    is_cut_off: bool,
    is_wrong: bool,
}

impl<'a> Parser<'a> {
    /// At the start of a span of a file; reads up to its end.
    pub fn new(file: &'a File, span: Span, parameters: &'a Parameters) -> Self {
        Self {
            parameters,
            defines: None,
            expanding: Vec::new(),
            uses: Vec::new(),
            hidden: Vec::new(),
            lexer: Lexer::within(file, span),
            ahead: VecDeque::new(),
            tokens: Vec::new(),
            bonds: Vec::new(),
            last: Span::new(span.start, span.start),
            diagnostics: Vec::new(),
            depth: 0,
            has_given_up: false,
            in_predicate: false,
            last_error: None,
            unclosed_at: None,
            is_cut_off: false,
            is_wrong: false,
        }
    }

    /// With names that stand for what `#define` says.
    pub fn with_defines(mut self, source: &'a Source, defines: &'a BTreeMap<String, Define>) -> Self {
        self.defines = Some((source, defines));
        self
    }

    /// The C part and the imports alone, which stand before everything else.
    pub fn head(mut self) -> Program {
        let mut program = Program::default();
        while self.head_item(&mut program) || self.at_config_block() || self.at(";") {
            if self.at_config_block() {
                self.config_block(&mut program, false);
            }
            self.eat(";");
        }
        program
    }

    /// The whole text.
    pub fn parse(mut self) -> Parsed {
        let mut program: Program = self.program();
        program.uses = self.uses;
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        self.bonds.sort_unstable();
        Parsed {
            program,
            diagnostics: self.diagnostics,
            tokens: self.tokens,
            bonds: self.bonds,
            is_cut_off: self.is_cut_off && !self.is_wrong,
        }
    }

    /// The next token but `n`.
    fn peek(&mut self, n: usize) -> Token {
        let mut seen = 0;
        let mut index = 0;
        loop {
            if index == self.ahead.len() {
                let token = self.lexer.token();
                self.ahead.push_back(token);
            }
            let token = self.ahead[index];
            if token.kind == TokenKind::End || !is_skipped(token.kind) && seen == n {
                return token;
            }
            seen += usize::from(!is_skipped(token.kind));
            index += 1;
        }
    }

    /// Consumes the next token; the end stays.
    fn bump(&mut self) -> Token {
        let next = self.peek(0);
        self.skip_trivia();
        if next.kind != TokenKind::End {
            self.ahead.pop_front();
            self.tokens.push(next);
            self.last = next.span;
        }
        next
    }

    /// Consumes what stands before the next token, and complains about what cannot be there.
    fn skip_trivia(&mut self) {
        self.peek(0);
        while let Some(token) = self.ahead.pop_front_if(|token| is_skipped(token.kind)) {
            self.tokens.push(token);
            let text = self.slice(token.span);
            if token.kind == TokenKind::Error {
                self.invalid_character(token.span);
            } else if text.starts_with("/*") && (text.len() < 4 || !text.ends_with("*/")) {
                let opening = Span::new(token.span.start, token.span.start + 2);
                self.is_cut_off = true;
                self.push(Diagnostic::error(
                    Code::UnterminatedComment,
                    opening,
                    "this comment is never closed with `*/`",
                ));
            }
        }
    }

    fn invalid_character(&mut self, span: Span) {
        let text = self.slice(span);
        let nothing = || match text.contains('`') {
            true => format!("{text} means nothing here"),
            false => format!("`{text}` means nothing here"),
        };
        let (message, help) = match text.as_bytes().first() {
            Some(b'$') => ("`$` needs a name, a number or `#` behind it".to_string(), None),
            Some(b'\'') => {
                (nothing(), Some("strings stand in double quotes; a single character is its code, as 65"))
            }
            _ => (nothing(), None),
        };
        let diagnostic = Diagnostic::error(Code::InvalidCharacter, span, message);
        self.report(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    /// Goes on with the lexer just before the next token, for attach points.
    fn rewind_lexer(&mut self) {
        self.skip_trivia();
        let next = self.peek(0).span.start;
        self.lexer.go_to(next);
        self.ahead.clear();
    }

    fn slice(&self, span: Span) -> &'a str {
        self.lexer.slice(span)
    }

    fn next_text(&mut self) -> &'a str {
        let span = self.peek(0).span;
        self.slice(span)
    }

    fn at(&mut self, punct: &str) -> bool {
        self.at_nth(0, punct)
    }

    fn at_nth(&mut self, n: usize, punct: &str) -> bool {
        matches!(self.peek(n).kind, TokenKind::Punct(found) if found == punct)
    }

    fn at_keyword(&mut self, word: &str) -> bool {
        self.peek(0).kind == TokenKind::Keyword && self.next_text() == word
    }

    fn at_end(&mut self) -> bool {
        self.peek(0).kind == TokenKind::End
    }

    fn eat(&mut self, punct: &str) -> Option<Span> {
        self.at(punct).then(|| self.bump().span)
    }

    /// Notes what the grammar knows and the token does not show: `*` may multiply, dereference or belong to
    /// a type.
    fn bind(&mut self, span: Span, bond: Bond) {
        self.bonds.push((span.start, bond));
    }

    /// From a place up to the last consumed token.
    fn span_from(&self, start: Span) -> Span {
        if self.last.end < start.start { Span::new(start.start, start.start) } else { start.to(self.last) }
    }

    /// Takes up a diagnostic unless it is a consequence of the last one.
    fn report(&mut self, diagnostic: Diagnostic) {
        if diagnostic.is_error() {
            if self.last_error.is_some_and(|last| last.start == diagnostic.span.start) {
                return;
            }
            self.last_error = Some(diagnostic.span);
            self.is_wrong |= !matches!(diagnostic.code, Code::Unsupported | Code::MissingParameter);
        }
        self.push(diagnostic);
    }

    /// Like [`Self::report`], for a complaint that more text could settle if the text ends here.
    fn report_missing(&mut self, diagnostic: Diagnostic) {
        if self.follows_error() {
            return;
        }
        let was_wrong = self.is_wrong;
        let is_end = self.at_end();
        if is_end && self.diagnostics.iter().any(|one| one.code == Code::UnterminatedComment) {
            return;
        }
        self.report(diagnostic);
        if is_end {
            self.is_wrong = was_wrong;
            self.is_cut_off = true;
        }
    }

    /// Whether something that cannot be anything stands just before the next token: then that is what is
    /// wrong, not that something is missing.
    fn follows_error(&mut self) -> bool {
        self.skip_trivia();
        let trivia = self.tokens.iter().rev().take_while(|token| is_skipped(token.kind));
        trivia.into_iter().any(|token| token.kind == TokenKind::Error)
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if !self.has_given_up {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Goes one level down, or gives up.
    fn descend(&mut self) -> bool {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return true;
        }
        if !self.has_given_up {
            let span = self.peek(0).span;
            self.report(
                Diagnostic::error(Code::TooDeep, span, "the program is nested too deeply here")
                    .note(format!("brackets, blocks and operators can stand {MAX_DEPTH} deep")),
            );
            self.has_given_up = true;
        }
        while !self.at_end() {
            self.bump();
        }
        false
    }
}

/// Whether the grammar does not see the token.
fn is_skipped(kind: TokenKind) -> bool {
    kind.is_trivia() || kind == TokenKind::Error
}
