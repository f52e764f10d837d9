//! Two neighbouring [`Word`]s → whether a blank stands between them, and how willingly a line breaks there.

use super::word::Word;
use crate::syntax::token::{Bond, PUNCTUATION, TokenKind};

/// Keywords that are written like functions.
const FUNCTION_KEYWORDS: &[&str] = &["sizeof", "offsetof", "typeof", "typeinfo"];

/// Whether a blank stands between two words inside of `depth` parentheses.
pub(super) fn gap(before: &Word, next: &Word, depth: usize) -> bool {
    !is_tight(before, next, depth) || must_part(before.text, next.text)
}

fn is_tight(before: &Word, next: &Word, depth: usize) -> bool {
    use TokenKind::{Ident, Keyword, Map, Part, PartColon, Punct, String, Variable};
    if before.bond == Some(Bond::Next) || next.bond == Some(Bond::Previous) {
        return true;
    }
    if let Punct("=") = next.kind {
        // Fields of a record, and the name of a probe.
        return depth > 0 && before.kind == Ident;
    }
    match (before.kind, next.kind) {
        (Part | PartColon, PartColon) | (PartColon, Part) => true,
        (Punct("(" | "[" | "." | "->" | ".."), _) => true,
        (_, Punct(")" | "]" | "," | ";" | "." | "->" | "..")) => true,
        (Punct("{"), Punct("}")) | (Punct("?"), Punct(":")) => true,
        (Punct("="), _) => depth > 0,
        (_, Punct("++" | "--")) if next.bond.is_none() => true,
        (Ident | Part, Punct("(")) => true,
        (Keyword, Punct("(")) => FUNCTION_KEYWORDS.contains(&before.text),
        (Ident | Keyword | Variable | Map | String | Punct(")" | "]" | "*"), Punct("[")) => true,
        _ => false,
    }
}

/// Whether the two would be read as something else without a blank.
fn must_part(before: &str, next: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if before.ends_with(is_name) && next.starts_with(is_name) {
        return true;
    }
    let comments = ["//", "/*"];
    PUNCTUATION.iter().chain(&comments).any(|punct| {
        (1..punct.len()).any(|at| before.ends_with(&punct[..at]) && next.starts_with(&punct[at..]))
    })
}

/// How willingly a line breaks behind a word, 0 being the most; `None` where it does not.
pub(super) fn willingness(word: &Word) -> Option<u8> {
    let TokenKind::Punct(punct) = word.kind else { return None };
    if word.bond.is_some() {
        return None;
    }
    match punct {
        "," => Some(0),
        "?" | ":" => Some(1),
        "||" => Some(2),
        "&&" => Some(3),
        "==" | "!=" | "<" | "<=" | ">" | ">=" => Some(4),
        "+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>" => Some(5),
        _ => None,
    }
}
