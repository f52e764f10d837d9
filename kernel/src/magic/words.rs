//! Line → words, with single and double quotes as a shell has them; nothing is expanded.

use probebook_lang::source::Span;

use super::Fault;

/// A word, quotes removed, and where it stands with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without quotes.
    pub text: String,
    /// With quotes.
    pub span: Span,
}

/// Splits a line.
///
/// # Errors
/// A quote is not closed.
pub fn words(line: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some((word, after)) = next_word(line, rest)? {
        words.push(word);
        rest = after;
    }
    Ok(words)
}

/// The first word of `rest`, a tail of `line`, and what follows it.
pub(super) fn next_word<'a>(line: &str, rest: &'a str) -> Result<Option<(Word, &'a str)>, Fault> {
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Ok(None);
    }
    let start = line.len() - rest.len();
    let span = |end: usize| Span::new(start as u32, (start + end) as u32);
    let mut text = String::new();
    let mut quote = None;
    let mut chars = rest.char_indices();
    while let Some((i, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return Ok(Some((Word { text, span: span(i) }, &rest[i..]))),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None | Some('"'), '\\') => text.extend(chars.next().map(|(_, c)| c)),
            (_, c) => text.push(c),
        }
    }
    match quote {
        None => Ok(Some((Word { text, span: span(rest.len()) }, ""))),
        Some(q) => Err(Fault::new(span(rest.len()), format!("the quote {q} is not closed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        words(line).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_as_in_a_shell() {
        assert_eq!(texts(r#" a  "b c" 'd "e' f\ g "\"h""#), ["a", "b c", "d \"e", "f g", "\"h"]);
        assert_eq!(texts("''"), [""]);
        assert_eq!(texts("  "), [""; 0]);
        assert!(words("'a").is_err());
    }

    #[test]
    fn spans_cover_the_quotes() {
        let words = words("-c \"a b\" x").unwrap();
        assert_eq!(words[1].span, Span::new(3, 8));
        assert_eq!(words[2].span, Span::new(9, 10));
    }
}
