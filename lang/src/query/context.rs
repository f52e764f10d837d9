//! text and cursor → [`Context`]: what stands before the cursor, and what it is inside of.

use crate::environment::{Environment, Parameters};
use crate::source::{Source, Span};
use crate::syntax::ast::AttachPoint;
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::{Parsed, parse_cell};

/// What the cursor stands behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing can be named here: a comment, a string, a number.
    Nothing,
    /// A part of an attach point; the parts before it, without quotes.
    Part(Vec<String>),
    /// A field of `args`.
    Field,
    /// A scratch variable.
    Variable,
    /// A member of the value before a `.` or `->` at this place.
    Member(u32),
    /// A map.
    Map,
    /// A type.
    Type,
    /// The tag behind `struct`, `union` or `enum`.
    Tag(String),
    /// Where a value can stand.
    Value {
        /// On the right side of a map assignment.
        is_assigned_to_map: bool,
    },
    /// Where a statement can start.
    Statement,
    /// Where a probe or a statement can start.
    Item,
}

/// The text before the cursor.
pub struct Context {
    /// As the whole of a source.
    pub source: Source,
    parsed: Parsed,
    /// Without trivia.
    tokens: Vec<Token>,
}

impl Context {
    /// Reads the text before the cursor, which is moved back to a character boundary.
    pub fn new(text: &str, cursor: u32, parameters: &Parameters) -> Self {
        let mut end = (cursor as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let source = Source::new("cell", &text[..end]);
        let parsed = parse_cell(&source, parameters);
        let tokens = parsed.tokens.iter().copied().filter(|token| !token.kind.is_trivia()).collect();
        Self { source, parsed, tokens }
    }

    /// Where the cursor stands.
    pub fn cursor(&self) -> u32 {
        self.source.text().len() as u32
    }

    /// The begun word at the cursor, and what it is.
    pub fn place(&self) -> (Span, Place) {
        let here = Span::new(self.cursor(), self.cursor());
        let Some(last) = self.parsed.tokens.last() else { return (here, Place::Item) };
        let text = self.source.slice(last.span);
        match last.kind {
            TokenKind::Comment if text.starts_with("/*") && text.len() > 3 && text.ends_with("*/") => {
                (here, self.between(self.tokens.len()))
            }
            TokenKind::Comment
            | TokenKind::String
            | TokenKind::Int
            | TokenKind::Positional
            | TokenKind::PositionalCount
            | TokenKind::Directive
            | TokenKind::Declaration => (here, Place::Nothing),
            TokenKind::Part => {
                let quote = usize::from(text.starts_with('"')) as u32;
                let word = Span::new(last.span.start + quote, last.span.end);
                (word, Place::Part(self.parts(self.tokens.len() - 1)))
            }
            TokenKind::PartColon => (here, Place::Part(self.parts(self.tokens.len()))),
            TokenKind::Variable => (last.span, Place::Variable),
            TokenKind::Error if text == "$" => (last.span, Place::Variable),
            TokenKind::Map => (last.span, Place::Map),
            TokenKind::Ident | TokenKind::Keyword => (last.span, self.between(self.tokens.len() - 1)),
            TokenKind::Whitespace | TokenKind::Punct(_) | TokenKind::Error | TokenKind::End => {
                let place = self.between(self.tokens.len());
                let is_operand_next = !matches!(place, Place::Value { .. }) || !self.ends_operand();
                (here, if is_operand_next { place } else { Place::Nothing })
            }
        }
    }

    /// Whether the last token ends an operand, so that an operator comes next.
    fn ends_operand(&self) -> bool {
        use TokenKind::{Ident, Int, Map, Part, Positional, PositionalCount, Punct, String, Variable};
        let Some(last) = self.tokens.last() else { return false };
        matches!(
            last.kind,
            Ident | Int | String | Variable | Positional | PositionalCount | Map | Part | Punct(")" | "]")
        )
    }

    fn text(&self, index: Option<usize>) -> &str {
        index.and_then(|index| self.tokens.get(index)).map_or("", |token| self.source.slice(token.span))
    }

    /// What a name is that stands before the `index`th token.
    fn between(&self, index: usize) -> Place {
        let before = |n: usize| self.text(index.checked_sub(n));
        let Some(previous) = index.checked_sub(1).map(|at| self.tokens[at]) else { return Place::Item };
        match self.source.slice(previous.span) {
            "." | "->" => {
                if before(2) == "args" {
                    Place::Field
                } else {
                    Place::Member(previous.span.start)
                }
            }
            keyword @ ("struct" | "union" | "enum") => Place::Tag(keyword.to_owned()),
            "let" => Place::Nothing,
            ":" if before(3) == "let" => Place::Type,
            "(" if before(2) == "sizeof" => Place::Type,
            ";" | "{" | "}" if self.depth(index) == 0 => Place::Item,
            ";" | "{" | "}" => Place::Statement,
            "," if self.ends_attach_point(index - 1) => Place::Part(Vec::new()),
            "=" => {
                let target = before(2);
                Place::Value { is_assigned_to_map: target.starts_with('@') || target == "]" }
            }
            _ => Place::Value { is_assigned_to_map: false },
        }
    }

    fn ends_attach_point(&self, index: usize) -> bool {
        index > 0 && self.tokens[index - 1].kind == TokenKind::Part
    }

    /// The parts before the one at `index`, of the same attach point.
    fn parts(&self, index: usize) -> Vec<String> {
        let is_inside = |token: &&Token| matches!(token.kind, TokenKind::Part | TokenKind::PartColon);
        let count = self.tokens[..index].iter().rev().take_while(is_inside).count();
        let mut parts = Vec::new();
        let mut part = String::new();
        for token in &self.tokens[index - count..index] {
            if token.kind == TokenKind::PartColon {
                parts.push(std::mem::take(&mut part));
            } else {
                part = self.source.slice(token.span).trim_matches('"').to_string();
            }
        }
        parts
    }

    /// How many braces are open before the `index`th token, counted from the last attach point.
    fn depth(&self, index: usize) -> usize {
        self.tokens[..index].iter().fold(0, |depth: usize, token| match token.kind {
            TokenKind::Part => 0,
            TokenKind::Punct("{") => depth + 1,
            TokenKind::Punct("}") => depth.saturating_sub(1),
            _ => depth,
        })
    }

    /// The attach points of the probe that the cursor is in; none at the top level.
    pub fn points(&self) -> &[AttachPoint] {
        let Some(probe) = self.tokens.iter().rposition(|token| token.kind == TokenKind::Part) else {
            return &[];
        };
        let has_body = self.tokens[probe..].iter().any(|token| token.kind == TokenKind::Punct("{"));
        if has_body && self.depth(self.tokens.len()) == 0 {
            return &[];
        }
        self.parsed.program.probes.last().map_or(&[], |probe| &probe.points)
    }

    /// The scratch variables in scope, with their `$`, the latest first; the one being typed is left out.
    pub fn variables(&self) -> Vec<&str> {
        let mut scopes: Vec<Vec<&str>> = vec![Vec::new()];
        let mut of_loop = None;
        for (index, token) in self.tokens.iter().enumerate() {
            let text = self.source.slice(token.span);
            match token.kind {
                TokenKind::Part => scopes = vec![Vec::new()],
                TokenKind::Punct("{") => scopes.push(of_loop.take().into_iter().collect()),
                TokenKind::Punct("}") if scopes.len() > 1 => drop(scopes.pop()),
                TokenKind::Variable if token.span.end == self.cursor() => {}
                TokenKind::Variable if self.is_loop_variable(index) => of_loop = Some(text),
                TokenKind::Variable => {
                    if !scopes.iter().flatten().any(|known| *known == text)
                        && let Some(scope) = scopes.last_mut()
                    {
                        scope.push(text);
                    }
                }
                _ => {}
            }
        }
        scopes.into_iter().flatten().rev().collect()
    }

    fn is_loop_variable(&self, index: usize) -> bool {
        let before = |n: usize| self.text(index.checked_sub(n));
        before(1) == "for" || before(1) == "(" && before(2) == "for"
    }

    /// The name of the function whose arguments the cursor is in.
    pub fn call(&self) -> Option<&str> {
        let mut open = 0;
        for (index, token) in self.tokens.iter().enumerate().rev() {
            match token.kind {
                TokenKind::Punct(")" | "]") => open += 1,
                TokenKind::Punct("(") if open == 0 => {
                    let before = index.checked_sub(1).map(|at| self.tokens[at]);
                    if let Some(function) = before.filter(|token| token.kind == TokenKind::Ident) {
                        return Some(self.source.slice(function.span));
                    }
                }
                TokenKind::Punct("(" | "[") => open -= 1,
                TokenKind::Punct("{" | "}" | ";") => return None,
                _ => {}
            }
        }
        None
    }
}

/// The names of all maps, those of earlier cells and those of this text but for the one being typed.
pub fn maps(text: &str, cursor: u32, environment: &Environment) -> Vec<String> {
    let source = Source::new("cell", text);
    let parsed = parse_cell(&source, &environment.parameters);
    let is_typed = |span: Span| span.start < cursor && cursor <= span.end;
    let here = parsed.tokens.iter().filter(|token| token.kind == TokenKind::Map && !is_typed(token.span));
    let here = here.map(|token| source.slice(token.span)[1..].to_string());
    let mut names: Vec<_> = environment.maps.keys().cloned().chain(here).collect();
    names.sort();
    names.dedup();
    names
}
