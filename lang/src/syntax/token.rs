//! [`Token`]: a piece of the text with its kind, the alphabet of the parser.
//!
//! *Invariant:* the tokens of a text, in order, are the whole text: white space, comments and what makes no
//! sense are tokens too.
//!
//! *Not here:* what the digits of a number or the escapes of a string stand for (`literal`).

use std::fmt::Write;

use crate::environment::Parameters;
use crate::source::{Source, Span};

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is; never empty but for the end.
    pub span: Span,
}

/// To which neighbour a token belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// To the one before: the `*` of a type, the slash that closes a predicate.
    Previous,
    /// To the one behind: an operator with one operand, a cast, the slash that opens a predicate.
    Next,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, tabs, line ends.
    Whitespace,
    /// `// …`, `/* … */` and a first line `#!…`.
    Comment,
    /// A name that is no keyword.
    Ident,
    /// A word with a meaning of its own: [`KEYWORDS`].
    Keyword,
    /// A number, its suffix included, right or wrong.
    Int,
    /// A string with its quotes, right or wrong.
    String,
    /// `$name`
    Variable,
    /// `$1`
    Positional,
    /// `$#`
    PositionalCount,
    /// `@` and `@name`
    Map,
    /// An operator or a bracket.
    Punct(&'static str),
    /// A `#` line of the C preprocessor.
    Directive,
    /// A C declaration, from its keyword to its end.
    Declaration,
    /// A part of an attach point, with its quotes.
    Part,
    /// The colon between parts.
    PartColon,
    /// What cannot be anything.
    Error,
    /// The end of the text, empty.
    End,
}

impl TokenKind {
    /// Whether the parser passes over it.
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Comment)
    }

    /// Its name in the printed form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whitespace => "whitespace",
            Self::Comment => "comment",
            Self::Ident => "ident",
            Self::Keyword => "keyword",
            Self::Int => "int",
            Self::String => "string",
            Self::Variable => "variable",
            Self::Positional => "positional",
            Self::PositionalCount => "positional-count",
            Self::Map => "map",
            Self::Punct(_) => "punct",
            Self::Directive => "directive",
            Self::Declaration => "declaration",
            Self::Part => "part",
            Self::PartColon => "part-colon",
            Self::Error => "error",
            Self::End => "end",
        }
    }
}

/// The words that are no names.
pub const KEYWORDS: &[&str] = &[
    "break", "comptime", "config", "continue", "else", "enum", "false", "fn", "for", "if", "import", "let",
    "macro", "offsetof", "return", "sizeof", "struct", "true", "typeinfo", "typeof", "union", "unroll",
    "while",
];

/// Operators and brackets, each before its own beginnings.
pub(crate) const PUNCTUATION: &[&str] = &[
    "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "..", "{", "}", "(", ")", "[", "]", ";", ",", ":", "?", ".", "=", "<", ">", "+",
    "-", "*", "/", "%", "&", "|", "^", "!", "~",
];

/// The tokens of a program, one a line: place, kind, text.
pub fn print(source: &Source) -> String {
    let parsed = super::parse_cell(source, &Parameters::default());
    let mut out = String::new();
    for token in parsed.tokens {
        let at = source.position(token.span.start);
        let place = format!("{}:{}", at.line, at.column);
        let _ = writeln!(out, "{place:<8}{:<17}{:?}", token.kind.name(), source.slice(token.span));
    }
    out
}
