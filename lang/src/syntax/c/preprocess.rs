//! pieces of C text → [`Token`]s with all `#` lines followed and macros expanded.
//!
//! *Invariant:* includes nest at most [`MAX_DEPTH`] deep and expansion makes at most [`MOST_TOKENS`] tokens,
//! whatever the text.
//!
//! *Not here:* how macros are expanded (`expand`), where headers are found (`crate::load`).

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::constant::{Fault, Meaning, Value};
use super::declaration::Cursor;
use super::expand::{Macro, Parameters};
use super::token::{Kind, Token, line_length, tokens};
use super::tree::CType;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Source, Span};

/// How deep headers may include each other.
const MAX_DEPTH: usize = 200;

/// How many headers may be read, each time counted.
const MOST_HEADERS: usize = 1 << 12;

/// How many tokens the expansion of macros may make.
pub(super) const MOST_TOKENS: usize = 1 << 19;

/// What the compiler that headers are written for would define: 64-bit Linux on x86, without `__KERNEL__`.
const PREDEFINED: &str = include_str!("predefined.h");

/// Where headers come from.
pub trait Files {
    /// All texts that were read so far.
    fn source(&self) -> &Source;
    /// The file that `#include` in the file `from` means.
    fn header(&mut self, from: FileId, name: &str, is_system: bool) -> Result<FileId, String>;
}

/// Reads pieces of C text one after the other.
pub struct Preprocessor<'a> {
    pub(super) files: &'a mut dyn Files,
    pub(super) macros: HashMap<Rc<str>, Macro>,
    /// Files that say `#pragma once`.
    once: BTreeSet<FileId>,
    /// Files that consist of one `#ifndef`, and the name that it asks for.
    guards: HashMap<FileId, Rc<str>>,
    depth: usize,
    /// Headers read so far.
    headers: usize,
    /// One for each open `#if`.
    branches: Vec<Branch>,
    /// Read, but not expanded yet.
    pending: Vec<Token>,
    /// Tokens that macros have made.
    pub(super) made: usize,
    /// How deep arguments of macros are nested.
    pub(super) nesting: usize,
    output: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
}

/// An open `#if`.
struct Branch {
    /// The line that opened it.
    span: Span,
    /// Its text counts.
    is_taken: bool,
    /// A branch of it was taken, or none can be.
    is_done: bool,
    has_else: bool,
}

impl<'a> Preprocessor<'a> {
    /// Knows what a compiler predefines.
    pub fn new(files: &'a mut dyn Files) -> Self {
        let mut preprocessor = Self {
            files,
            macros: HashMap::new(),
            once: BTreeSet::new(),
            guards: HashMap::new(),
            depth: 0,
            headers: 0,
            branches: Vec::new(),
            pending: Vec::new(),
            made: 0,
            nesting: 0,
            output: Vec::new(),
            diagnostics: Vec::new(),
        };
        let predefined = Source::new("predefined", PREDEFINED);
        let file = predefined.get(FileId::OWN);
        let mut all = tokens(file, file.span());
        all.iter_mut().for_each(|token| token.span = Span::default());
        preprocessor.lines(&all, FileId::OWN);
        preprocessor
    }

    /// Reads pieces of one file that belong together: what one opens another may close. A declaration may go
    /// without its `;`.
    pub fn pieces(&mut self, file: FileId, spans: &[Span]) {
        for span in spans {
            let mut all = tokens(self.files.source().get(file), *span);
            if let [first, .., last] = all.as_slice()
                && !first.is("#")
                && !last.is(";")
            {
                let end =
                    Token { kind: Kind::Punct, text: ";".into(), span: last.span.after(), ..last.clone() };
                all.push(Token { starts_line: false, ..end });
            }
            self.lines(&all, file);
        }
        self.close(0);
    }

    /// Reads a whole header.
    pub fn header(&mut self, file: FileId) {
        let is_guarded = self.guards.get(&file).is_some_and(|name| self.macros.contains_key(name));
        if self.once.contains(&file) || is_guarded {
            return;
        }
        let open = self.branches.len();
        self.headers += 1;
        self.depth += 1;
        let all = {
            let file = self.files.source().get(file);
            tokens(file, file.span())
        };
        self.lines(&all, file);
        self.depth -= 1;
        self.close(open);
        if let Some(name) = guard(&all) {
            self.guards.insert(file, name);
        }
    }

    /// All tokens, the macros that are left, and what is wrong.
    pub fn finish(mut self) -> (Vec<Token>, HashMap<Rc<str>, Macro>, Vec<Diagnostic>) {
        self.flush();
        if self.made > MOST_TOKENS {
            let span = self.output.last().map_or(Span::default(), |token| token.span);
            let message = "macros of the C part expand without end";
            self.diagnostics.push(Diagnostic::error(Code::TooDeep, span, message));
        }
        (self.output, self.macros, self.diagnostics)
    }

    /// Complains about what is still open.
    fn close(&mut self, open: usize) {
        self.flush();
        for branch in self.branches.split_off(open) {
            let message = "this has no `#endif`";
            self.complain(Diagnostic::error(Code::InvalidDirective, branch.span, message));
        }
    }

    /// Takes up a diagnostic; in a header, which the user did not write, it is a warning.
    fn complain(&mut self, mut diagnostic: Diagnostic) {
        if self.depth > 0 {
            diagnostic.severity = crate::diagnostic::Severity::Warning;
        }
        self.diagnostics.push(diagnostic);
    }

    fn fault(&mut self, Fault { span, message }: Fault) {
        self.complain(Diagnostic::error(Code::InvalidDirective, span, message));
    }

    /// Expands what was read.
    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let expanded = self.expand(pending);
        self.output.extend(expanded);
    }

    fn is_active(&self) -> bool {
        self.branches.last().is_none_or(|branch| branch.is_taken)
    }

    fn lines(&mut self, all: &[Token], file: FileId) {
        let mut at = 0;
        while at < all.len() {
            let rest = &all[at + 1..];
            let length = 1 + rest.iter().position(|token| token.starts_line).unwrap_or(rest.len());
            let line = &all[at..at + length];
            if line[0].is("#") {
                self.directive(line, file);
            } else if self.is_active() {
                self.pending.extend_from_slice(line);
            }
            at += length;
        }
    }

    fn directive(&mut self, line: &[Token], file: FileId) {
        let [hash, word, rest @ ..] = line else { return };
        let span = hash.span.to(word.span);
        match &*word.text {
            "if" | "ifdef" | "ifndef" => {
                let is_true = self.is_active() && self.condition(&word.text, span, rest, file);
                let is_done = is_true || !self.is_active();
                self.branches.push(Branch { span, is_taken: is_true, is_done, has_else: false });
            }
            "elif" | "else" => self.next_branch(&*word.text == "elif", span, rest, file),
            "endif" => {
                if self.branches.pop().is_none() {
                    self.complain(Diagnostic::error(Code::InvalidDirective, span, "no `#if` opened this"));
                }
            }
            _ if !self.is_active() => {}
            "define" => self.define(span, rest),
            "undef" => match rest {
                [name, ..] if name.kind == Kind::Word => {
                    self.flush();
                    self.macros.remove(&name.text);
                }
                _ => self.fault(Fault { span, message: "`#undef` needs a name".into() }),
            },
            "include" | "include_next" => self.include(span, rest, file),
            "error" | "warning" => {
                let text = match (rest.first(), rest.last()) {
                    (Some(first), Some(last)) => self.files.source().slice(first.span.to(last.span)),
                    _ => "",
                };
                let message = format!("`#{}` says: {text}", word.text);
                let mut diagnostic = Diagnostic::error(Code::InvalidDirective, span, message);
                if &*word.text == "warning" {
                    diagnostic.severity = crate::diagnostic::Severity::Warning;
                }
                self.complain(diagnostic);
            }
            "pragma" => self.pragma(rest, file),
            "line" | "ident" => {}
            _ if self.depth > 0 => {}
            other => {
                let message = format!("there is no preprocessor line `#{other}`");
                let mut diagnostic = Diagnostic::error(Code::InvalidDirective, span, message);
                if let Some(near) = crate::diagnostic::suggest::nearest(other, DIRECTIVES.iter().copied()) {
                    diagnostic = diagnostic.help(format!("did you mean `#{near}`?"));
                }
                self.complain(diagnostic);
            }
        }
    }

    fn next_branch(&mut self, has_condition: bool, span: Span, rest: &[Token], file: FileId) {
        let Some(mut branch) = self.branches.pop() else {
            return self.complain(Diagnostic::error(
                Code::InvalidDirective,
                span,
                "no `#if` stands before this",
            ));
        };
        if branch.has_else {
            let message = "this comes behind the `#else`";
            self.complain(
                Diagnostic::error(Code::InvalidDirective, span, message).at(branch.span, "of this"),
            );
        }
        branch.is_taken = !branch.is_done && (!has_condition || self.condition("if", span, rest, file));
        branch.is_done |= branch.is_taken;
        branch.has_else |= !has_condition;
        self.branches.push(branch);
    }

    fn condition(&mut self, word: &str, span: Span, rest: &[Token], file: FileId) -> bool {
        self.flush();
        if word != "if" {
            return match rest {
                [name, ..] if name.kind == Kind::Word => {
                    self.macros.contains_key(&name.text) == (word == "ifdef")
                }
                _ => {
                    self.fault(Fault { span, message: format!("`#{word}` needs a name") });
                    false
                }
            };
        }
        let asked = self.answer(rest, file);
        let expanded = self.expand(asked);
        let value = Cursor::new(&expanded, span).whole_expression().and_then(|e| e.evaluate(&mut Undefined));
        match value {
            Ok(value) => value.bits != 0,
            Err(fault) => {
                self.fault(fault);
                false
            }
        }
    }

    /// Replaces `defined(X)` and the like by 0 or 1.
    fn answer(&mut self, line: &[Token], file: FileId) -> Vec<Token> {
        let mut answered = Vec::new();
        let mut at = 0;
        while let Some(token) = line.get(at) {
            let rest = &line[at + 1..];
            let argument = match rest {
                [open, name, close, ..] if open.is("(") && close.is(")") => Some((name, 3)),
                [name, ..] if name.kind == Kind::Word => Some((name, 1)),
                _ => None,
            };
            let (value, length) = match (&*token.text, argument) {
                ("defined", Some((name, length))) => (self.macros.contains_key(&name.text), length),
                (asks, _) if asks.starts_with("__has_") && rest.first().is_some_and(|t| t.is("(")) => {
                    let length = balanced(rest);
                    let inner = &rest[1..length.saturating_sub(1).max(1)];
                    let is_header = asks.starts_with("__has_include");
                    let found = is_header.then(|| self.header_name(inner)).flatten();
                    let found = found
                        .is_some_and(|(name, is_system)| self.files.header(file, &name, is_system).is_ok());
                    (found, length)
                }
                _ => {
                    answered.push(token.clone());
                    at += 1;
                    continue;
                }
            };
            let text = Rc::from(if value { "1" } else { "0" });
            answered.push(Token { kind: Kind::Number, text, ..token.clone() });
            at += 1 + length;
        }
        answered
    }

    fn define(&mut self, span: Span, rest: &[Token]) {
        let Some((name, rest)) = rest.split_first().filter(|(name, _)| name.kind == Kind::Word) else {
            return self.fault(Fault { span, message: "`#define` needs a name".into() });
        };
        if &*name.text == "defined" {
            return self.fault(Fault { span: name.span, message: "`defined` cannot be defined".into() });
        }
        self.flush();
        let has_parameters = rest.first().is_some_and(|token| token.is("(") && !token.is_spaced);
        let (parameters, body) = if has_parameters {
            let Some(end) = rest.iter().position(|token| token.is(")")) else {
                return self.fault(Fault { span: name.span, message: "the parameters have no `)`".into() });
            };
            (Some(Parameters::new(&rest[1..end])), &rest[end + 1..])
        } else {
            (None, rest)
        };
        let place = match (body.first(), body.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => name.span.after(),
        };
        let definition = Macro { parameters, body: body.to_vec(), name: name.span, place };
        self.macros.insert(name.text.clone(), definition);
    }

    fn include(&mut self, span: Span, rest: &[Token], file: FileId) {
        let named = match self.header_name(rest) {
            Some(named) => Some(named),
            None => {
                let expanded = self.expand(rest.to_vec());
                self.header_name(&expanded)
            }
        };
        let Some((name, is_system)) = named else {
            let message = "`#include` needs `<name>` or `\"name\"`";
            return self.fault(Fault { span, message: message.into() });
        };
        self.flush();
        let whole = rest.last().map_or(span, |last| span.to(last.span));
        match self.files.header(file, &name, is_system) {
            Ok(header) if self.depth < MAX_DEPTH && self.headers < MOST_HEADERS => self.header(header),
            Ok(_) => {
                let message = "headers include each other without end here";
                self.complain(Diagnostic::error(Code::TooDeep, whole, message));
            }
            Err(reason) => {
                let message = format!("there is no header `{name}`");
                self.complain(
                    Diagnostic::error(Code::MissingHeader, whole, message)
                        .note(reason)
                        .help("a directory to look in is given with `-I`; Linux's own types need no header"),
                );
            }
        }
    }

    /// What `<name>` or `"name"` names, and whether it is in brackets.
    fn header_name(&self, line: &[Token]) -> Option<(String, bool)> {
        let first = line.first()?;
        if first.kind == Kind::String {
            return Some((first.text.trim_matches('"').to_owned(), false));
        }
        if !first.is("<") {
            return None;
        }
        let is_as_written = line.last().is_some_and(|last| last.span.end > first.span.end);
        if !is_as_written {
            let end = line.iter().position(|token| token.is(">"))?;
            return Some((line[1..end].iter().map(|token| &*token.text).collect(), true));
        }
        // As written: blanks and what looks like a comment belong to it.
        let file = self.files.source().file(first.span.start);
        let rest = &file.text()[file.range(first.span).end..];
        let rest = &rest[..line_length(rest)];
        Some((rest.split_once('>')?.0.to_owned(), true))
    }

    fn pragma(&mut self, rest: &[Token], file: FileId) {
        match rest {
            [word, ..] if word.is("once") && self.depth > 0 => {
                self.once.insert(file);
            }
            [word, open, inner @ .., close] if word.is("pack") && open.is("(") && close.is(")") => {
                let text: String = inner.iter().map(|token| &*token.text).collect();
                self.flush();
                self.output.push(Token { kind: Kind::Pack, text: text.into(), ..word.clone() });
            }
            _ => {}
        }
    }
}

const DIRECTIVES: &[&str] = &[
    "if", "ifdef", "ifndef", "elif", "else", "endif", "define", "undef", "include", "error", "warning",
    "pragma", "line",
];

/// In conditions a name that is no macro is 0, and there are no types.
struct Undefined;

impl Meaning for Undefined {
    fn name(&mut self, _name: &str, _span: Span) -> Result<Value, Fault> {
        Ok(Value::new(0, true, false))
    }

    fn measure(&mut self, _ty: &CType, span: Span) -> Result<(u64, u64), Fault> {
        Err(Fault { span, message: "the preprocessor knows no types".into() })
    }

    fn offset(&mut self, ty: &CType, _members: &[String], span: Span) -> Result<u64, Fault> {
        self.measure(ty, span).map(|_| 0)
    }

    fn cast(&mut self, ty: &CType, _value: Value, span: Span) -> Result<Value, Fault> {
        self.measure(ty, span).map(|_| Value::int(0))
    }
}

/// How many tokens the brackets at the start hold, themselves included.
pub(super) fn balanced(tokens: &[Token]) -> usize {
    let mut open = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.is("(") || token.is("{") || token.is("[") {
            open += 1;
        } else if token.is(")") || token.is("}") || token.is("]") {
            open -= 1;
        }
        if open <= 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The name that a file asks for with the `#ifndef` that encloses all of it.
fn guard(all: &[Token]) -> Option<Rc<str>> {
    let [hash, word, name, ..] = all else { return None };
    let [.., last_hash, last] = all else { return None };
    let encloses = hash.is("#") && word.is("ifndef") && last_hash.is("#") && last.is("endif");
    if !encloses {
        return None;
    }
    let mut open = 0;
    let mut lines = all.windows(2).enumerate().filter(|(_, pair)| pair[0].is("#") && pair[0].starts_line);
    let closes = lines.find_map(|(at, pair)| {
        match &*pair[1].text {
            "if" | "ifdef" | "ifndef" => open += 1,
            "endif" => open -= 1,
            "else" | "elif" if open == 1 => return Some(0),
            _ => {}
        }
        (open == 0).then_some(at + 2)
    });
    (closes == Some(all.len())).then(|| name.text.clone())
}
