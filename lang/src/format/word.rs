//! tokens → [`Word`]s: what is printed, each with the comments around it.

use crate::source::{Source, Span};
use crate::syntax::Parsed;
use crate::syntax::token::{Bond, TokenKind};

/// A token that is no layout.
#[derive(Clone, Debug)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub kind: TokenKind,
    pub span: Span,
    pub bond: Option<Bond>,
    /// Comments on lines of their own before it.
    pub above: Vec<Above<'a>>,
    /// Whether a blank line stands before it, below the comments.
    pub is_apart: bool,
    /// Comments between the word before and this one, on one line with both.
    pub inline: Vec<&'a str>,
    /// Comments behind it, to the end of the line.
    pub behind: Vec<&'a str>,
}

/// A comment on a line of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Above<'a> {
    pub text: &'a str,
    /// Whether a blank line stands before it.
    pub is_apart: bool,
}

impl Word<'_> {
    /// Whether it is this operator or bracket.
    pub(super) fn is(&self, punct: &str) -> bool {
        matches!(self.kind, TokenKind::Punct(found) if found == punct)
    }

    /// Whether it is a piece of the C part, which stays as it is on lines of its own.
    pub(super) fn is_c(&self) -> bool {
        matches!(self.kind, TokenKind::Directive | TokenKind::Declaration)
    }

    /// Whether it is a keyword among these.
    pub(super) fn is_keyword(&self, words: &[&str]) -> bool {
        self.kind == TokenKind::Keyword && words.contains(&self.text)
    }

    /// How wide it is on the page; of several lines, the last.
    pub(super) fn width(&self) -> usize {
        self.text.rsplit('\n').next().unwrap_or_default().chars().count()
    }

    /// Whether comments stand around it.
    pub(super) fn has_comments(&self) -> bool {
        !(self.above.is_empty() && self.inline.is_empty() && self.behind.is_empty())
    }
}

/// The words of a text, ending with the end of the text.
pub(super) fn words<'a>(source: &'a Source, parsed: &Parsed) -> Vec<Word<'a>> {
    let mut words: Vec<Word> = Vec::new();
    // Since the last word: line ends before the next piece, and comments with the line ends before each.
    let mut lines = 0;
    let mut comments: Vec<(&str, usize)> = Vec::new();
    let end = Span::new(source.text().len() as u32, source.text().len() as u32);
    let pieces = parsed.tokens.iter().map(|token| (token.kind, token.span));
    for (kind, span) in pieces.chain([(TokenKind::End, end)]) {
        let text = source.slice(span);
        match kind {
            TokenKind::Whitespace => lines += text.bytes().filter(|b| *b == b'\n').count(),
            TokenKind::Comment => comments.push((text.trim_end(), std::mem::take(&mut lines))),
            _ => {
                let bond = parsed.bonds.binary_search_by_key(&span.start, |(at, _)| *at);
                let mut word = Word {
                    text: text.trim_end(),
                    kind,
                    span,
                    bond: bond.ok().map(|index| parsed.bonds[index].1),
                    above: Vec::new(),
                    is_apart: lines > 1,
                    inline: Vec::new(),
                    behind: Vec::new(),
                };
                attach(std::mem::take(&mut comments), lines, words.last_mut(), &mut word);
                words.push(word);
                lines = 0;
            }
        }
    }
    words
}

/// Gives the comments between two words to the one they belong to. `lines` stand between the last comment
/// and the second word.
fn attach<'a>(
    comments: Vec<(&'a str, usize)>,
    lines: usize,
    before: Option<&mut Word<'a>>,
    next: &mut Word<'a>,
) {
    let own_line = comments.iter().position(|(_, lines)| *lines > 0).unwrap_or(comments.len());
    let (same_line, above) = comments.split_at(if before.is_none() { 0 } else { own_line });
    next.above = above.iter().map(|&(text, lines)| Above { text, is_apart: lines > 1 }).collect();
    let texts = same_line.iter().map(|(text, _)| *text);
    match before {
        Some(before) if lines > 0 || !above.is_empty() || next.kind == TokenKind::End => {
            before.behind.extend(texts)
        }
        _ => next.inline.extend(texts),
    }
}
