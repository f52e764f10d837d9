//! C text → [`Token`]s, as the preprocessor sees them.
//!
//! *Invariant:* never fails: what is no token of C is one of kind [`Kind::Other`].

use std::rc::Rc;

use crate::source::{File, Span};

/// A piece of C text.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// As written, or as macros have made it.
    pub text: Rc<str>,
    /// Where it is; of what a macro has made, where the macro is used.
    pub span: Span,
    /// The first of its line.
    pub starts_line: bool,
    /// White space stands before it.
    pub is_spaced: bool,
    /// The name of a macro whose expansion it comes from: it stays as it is.
    pub is_final: bool,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word,
    /// A number, right or wrong.
    Number,
    /// A string with its quotes.
    String,
    /// A character constant with its quotes.
    Char,
    /// An operator or bracket.
    Punct,
    /// `#pragma pack`, whose text is what stands between its parentheses.
    Pack,
    /// Anything else.
    Other,
}

impl Token {
    /// Whether it is this operator, bracket or word.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Punct | Kind::Word) && &*self.text == text
    }
}

const PUNCTUATION: &[&str] = &[
    "...", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "##", "#", "{", "}", "(", ")", "[", "]", ";", ",", ":", "?", ".", "=", "<",
    ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~",
];

/// The tokens of a span of a file.
pub fn tokens(file: &File, span: Span) -> Vec<Token> {
    let range = file.range(span);
    let text = &file.text()[..range.end];
    let base = file.span().start;
    let mut at = range.start;
    let (mut starts_line, mut is_spaced) = (true, false);
    let mut all = Vec::new();
    while let Some((length, is_line_end)) = piece(text, at).map(|(kind, length)| {
        let Some(kind) = kind else {
            is_spaced = true;
            return (length, text[at..at + length].contains('\n') && !text[at..].starts_with(['\\', '/']));
        };
        let span = Span::new(base + at as u32, base + (at + length) as u32);
        let text = Rc::from(&text[at..at + length]);
        all.push(Token { kind, text, span, starts_line, is_spaced, is_final: false });
        (starts_line, is_spaced) = (false, false);
        (length, false)
    }) {
        starts_line |= is_line_end;
        at += length;
    }
    all
}

/// What stands at a place: its kind, `None` for white space and comments, and its length.
fn piece(text: &str, at: usize) -> Option<(Option<Kind>, usize)> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    let run = |is_in: fn(char) -> bool| rest.find(|c| !is_in(c)).unwrap_or(rest.len());
    Some(match first {
        '\n' => (None, 1),
        c if c.is_whitespace() => (None, run(|c| c.is_whitespace() && c != '\n')),
        '\\' if rest[1..].starts_with('\n') => (None, 2),
        '\\' if rest[1..].starts_with("\r\n") => (None, 3),
        '/' if rest.starts_with("//") => (None, line_length(rest)),
        '/' if rest.starts_with("/*") => (None, rest[2..].find("*/").map_or(rest.len(), |end| end + 4)),
        '"' => (Some(Kind::String), quoted_length(rest)),
        '\'' => (Some(Kind::Char), quoted_length(rest)),
        c if c.is_ascii_alphabetic() || c == '_' => {
            let length = run(is_word);
            // Wide characters and strings.
            let is_prefix = matches!(&rest[..length], "L" | "u" | "U" | "u8");
            match rest.as_bytes().get(length) {
                Some(b'\'') if is_prefix => (Some(Kind::Char), length + quoted_length(&rest[length..])),
                Some(b'"') if is_prefix => (Some(Kind::String), length + quoted_length(&rest[length..])),
                _ => (Some(Kind::Word), length),
            }
        }
        '0'..='9' => (Some(Kind::Number), number_length(rest)),
        '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            (Some(Kind::Number), number_length(rest))
        }
        _ => match PUNCTUATION.iter().find(|punct| rest.starts_with(**punct)) {
            Some(punct) => (Some(Kind::Punct), punct.len()),
            None => (Some(Kind::Other), first.len_utf8()),
        },
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Up to the end of the line; one that ends with a backslash goes on.
pub fn line_length(text: &str) -> usize {
    let mut end = 0;
    loop {
        let Some(at) = text[end..].find('\n') else { return text.len() };
        if !text[..end + at].trim_end_matches('\r').ends_with('\\') {
            return end + at;
        }
        end += at + 1;
    }
}

/// What stands in quotes at the start of the text, up to the end of its line.
fn quoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' => return at,
            b'\\' if at + 1 < bytes.len() && bytes[at + 1].is_ascii() => at += 2,
            _ if byte == bytes[0] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of the structure, union, enumeration or typedef at the start of a text, with the `;` if it has one;
/// `None` if there is none, or one that is not closed.
pub fn declaration_length(text: &str) -> Option<usize> {
    let is_typedef = text.starts_with("typedef");
    let (mut at, mut end, mut open) = (0, 0, 0_usize);
    let (mut has_body, mut in_attribute) = (false, false);
    while let Some((kind, length)) = piece(text, at) {
        let word = &text[at..at + length];
        at += length;
        let Some(kind) = kind else { continue };
        if kind == Kind::Punct {
            match word {
                ";" if open == 0 => return (is_typedef || has_body).then_some(at),
                "{" | "(" | "[" if is_typedef || open > 0 || in_attribute => open += 1,
                "{" if !has_body => open += 1,
                "}" | ")" | "]" if open > 0 => {
                    open -= 1;
                    has_body |= open == 0 && word == "}";
                    in_attribute &= open > 0;
                }
                _ if is_typedef || open > 0 => {}
                _ => return has_body.then_some(end),
            }
        } else if open == 0 && kind == Kind::Word && matches!(word, "__attribute__" | "__attribute") {
            in_attribute = true;
        } else if open == 0 && has_body && !is_typedef {
            return Some(end);
        }
        end = at;
    }
    (has_body && open == 0 && !is_typedef).then_some(end)
}

/// Digits, letters, points, and signs behind an exponent's letter.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        let is_exponent = match bytes[at - 1] {
            b'e' | b'E' => !is_hex,
            b'p' | b'P' => true,
            _ => false,
        };
        match byte {
            b'+' | b'-' if is_exponent => at += 1,
            b'.' | b'_' => at += 1,
            byte if byte.is_ascii_alphanumeric() => at += 1,
            _ => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Source};

    fn words(text: &str) -> Vec<(String, bool)> {
        let source = Source::new("c", text);
        let file = source.get(FileId::OWN);
        let all = tokens(file, file.span());
        for token in &all {
            assert_eq!(source.slice(token.span), &*token.text);
        }
        all.into_iter().map(|token| (token.text.to_string(), token.starts_line)).collect()
    }

    #[test]
    fn lines_are_told_apart() {
        let found = words("#a b \\\n c // x\n d /* \n */ e\n'\\'' \"\\\"//\" 1e+5 0x1e+5 .5 ... a##b\\");
        let firsts: Vec<_> =
            found.iter().filter(|(_, is_first)| *is_first).map(|(t, _)| t.as_str()).collect();
        assert_eq!(firsts, ["#", "d", "'\\''"]);
        let texts: Vec<_> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "#",
                "a",
                "b",
                "c",
                "d",
                "e",
                "'\\''",
                "\"\\\"//\"",
                "1e+5",
                "0x1e",
                "+",
                "5",
                ".5",
                "...",
                "a",
                "##",
                "b",
                "\\"
            ]
        );
    }

    #[test]
    fn declarations_end_where_they_should() {
        let length = |text: &str| declaration_length(text).map(|length| &text[length..] == "!");
        for text in [
            "struct a { int x; };!",
            "struct a { int x; struct { char y[4]; } z; /* } */ }!",
            "struct a { int x; } __attribute__((packed));!",
            "struct __attribute__((packed)) a { int x; }!",
            "union { char c; } __attribute__((aligned(8)))!",
            "enum a { A = '}', B = (1 + 2) };!",
            "typedef struct { int x; } a_t;!",
            "typedef int (*f)(int, char[4]);!",
        ] {
            assert_eq!(length(text), Some(true), "{text}");
        }
        let text = "struct a { int x; } begin { }";
        assert_eq!(declaration_length(text), Some(19));
        for text in
            ["struct a;", "struct a", "struct a { int x;", "struct a *)b;", "typedef int x", "enum { A,"]
        {
            assert_eq!(declaration_length(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_ends() {
        assert_eq!(words("\"a\nb").len(), 2);
        assert_eq!(words("/* a").len(), 0);
        assert_eq!(words("'é\\").len(), 1);
        assert_eq!(words("é").len(), 1);
    }
}
