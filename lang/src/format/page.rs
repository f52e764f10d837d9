//! [`Word`]s → lines on a [`Page`]: filling, breaking, indenting, and where comments go.

use std::mem::{replace, take};

use super::space::{gap, willingness};
use super::word::Word;
use super::{INDENT, WIDTH};
use crate::syntax::token::TokenKind;

/// Brackets further right than this do not set the margin of what stands in them.
const RIGHTMOST: usize = WIDTH / 2;

/// The text so far.
#[derive(Debug)]
pub(super) struct Page<'a> {
    text: String,
    /// The word before.
    last: Option<&'a Word<'a>>,
    /// How far blocks are set in.
    indent: usize,
    /// The column of the next character.
    column: usize,
    /// The column where the line started.
    margin: usize,
    /// Whether the next word starts a line.
    is_over: bool,
    /// Whether a comment ends the line amid a statement.
    is_cut: bool,
    /// Whether the line starts a block, so that no blank line is kept behind it.
    opens: bool,
    /// Whether a blank line must stand before the next line.
    parts: bool,
    /// The margins of what stands in brackets, the innermost last.
    brackets: Vec<usize>,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self {
            text: String::new(),
            last: None,
            indent: 0,
            column: 0,
            margin: 0,
            is_over: true,
            is_cut: false,
            opens: false,
            parts: false,
            brackets: Vec::new(),
        }
    }
}

impl<'a> Page<'a> {
    /// The text with its last comments and line end.
    pub(super) fn finish(mut self, end: &'a Word<'a>) -> String {
        self.comments_above(end);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }

    /// The next word starts a line.
    pub(super) fn end_line(&mut self) {
        self.is_over = true;
    }

    /// The next word starts a line, and a blank line stands before it.
    pub(super) fn end_item(&mut self) {
        self.is_over = true;
        self.parts = true;
    }

    /// The `{` of a block was put; gives the brackets that are open around it.
    pub(super) fn open(&mut self) -> Vec<usize> {
        self.indent += INDENT;
        self.opens = true;
        self.is_over = true;
        take(&mut self.brackets)
    }

    /// The `}` of a block, with the comments that stand last in it.
    pub(super) fn close(&mut self, brace: &'a Word<'a>, brackets: Vec<usize>) {
        self.comments_above(brace);
        self.indent -= INDENT;
        if brace.kind != TokenKind::End {
            self.line(false, self.indent);
            self.push_word(brace);
        }
        self.brackets = brackets;
    }

    /// Text of several lines as it is, from the first to the last word.
    pub(super) fn put_verbatim(&mut self, first: &'a Word<'a>, text: &str, last: &'a Word<'a>) {
        self.start_line(first);
        self.push(text);
        self.comments_behind(last);
        self.last = Some(last);
    }

    /// A word, behind a blank if one belongs there.
    pub(super) fn put(&mut self, word: &'a Word<'a>) {
        let gap = self.last.is_some_and(|last| gap(last, word, self.brackets.len()));
        self.place(word, gap);
    }

    /// A word right behind the one before.
    pub(super) fn put_tight(&mut self, word: &'a Word<'a>) {
        self.place(word, false);
    }

    /// Words of a statement, broken over several lines where they must be. Behind the last, `tail` columns
    /// are left.
    pub(super) fn fill(&mut self, words: &'a [Word<'a>], tail: usize) {
        for (at, word) in words.iter().enumerate() {
            let breaks = !self.is_over && word.inline.is_empty() && self.wants_break(&words[at..], tail);
            self.is_cut |= breaks;
            self.put(word);
        }
    }

    /// Whether words fit on the rest of the line, behind a blank.
    pub(super) fn has_room(&self, words: &[Word]) -> bool {
        let gaps = words.windows(2).map(|pair| self.width(&pair[0], &pair[1]));
        self.column + 1 + words[0].width() + gaps.sum::<usize>() <= WIDTH
    }

    /// Whether a line should break before the first of these words, because what comes before the next such
    /// place does not fit.
    fn wants_break(&self, words: &[Word], tail: usize) -> bool {
        let Some(last) = self.last else { return false };
        let Some(limit) = willingness(last) else { return false };
        let margin = self.continuation(&words[0]);
        let mut column = self.column;
        let mut before = last;
        let mut depth = 0i32;
        for word in words {
            column += self.width(before, word);
            depth += i32::from(word.is("(") || word.is("[") || word.is("{"));
            depth -= i32::from(word.is(")") || word.is("]") || word.is("}"));
            let breaks = willingness(word).is_some_and(|it| depth < 0 || depth == 0 && it <= limit);
            if breaks || !word.behind.is_empty() {
                return column > WIDTH && margin < self.column;
            }
            before = word;
        }
        column + tail > WIDTH && margin < self.column
    }

    /// How many columns a word takes behind another.
    fn width(&self, before: &Word, word: &Word) -> usize {
        usize::from(gap(before, word, self.brackets.len())) + word.width()
    }

    /// The margin of a line that starts with this word amid a statement.
    fn continuation(&self, word: &Word) -> usize {
        let is_outer = word.is("{") || word.is("}") || word.text == "else";
        let outer = if is_outer { self.indent } else { self.indent + 2 * INDENT };
        self.brackets.last().copied().unwrap_or(outer)
    }

    fn place(&mut self, word: &'a Word<'a>, gap: bool) {
        if self.is_over {
            self.start_line(word);
        } else if self.is_cut || !word.above.is_empty() {
            let margin = self.continuation(word);
            for comment in &word.above {
                self.line(false, margin);
                self.push(comment.text);
            }
            self.line(false, margin);
        } else {
            for comment in &word.inline {
                self.push(" ");
                self.push(comment);
            }
            self.push(if gap || !word.inline.is_empty() { " " } else { "" });
        }
        self.push_word(word);
    }

    fn push_word(&mut self, word: &'a Word<'a>) {
        self.push(word.text);
        if word.is("(") || word.is("[") {
            let margin = if self.column <= RIGHTMOST { self.column } else { self.margin + 2 * INDENT };
            self.brackets.push(margin);
        } else if word.is(")") || word.is("]") {
            self.brackets.pop();
        }
        self.comments_behind(word);
        self.last = Some(word);
    }

    fn start_line(&mut self, word: &Word) {
        self.comments_above(word);
        self.line(word.is_apart, self.indent);
        self.brackets.clear();
    }

    /// The comments between the last line and a word that starts another.
    fn comments_above(&mut self, word: &Word) {
        for comment in &word.inline {
            self.push(" ");
            self.push(comment);
        }
        for comment in &word.above {
            self.line(comment.is_apart, self.indent);
            self.push(comment.text);
        }
    }

    fn comments_behind(&mut self, word: &Word) {
        for comment in &word.behind {
            self.push(" ");
            self.push(comment);
            self.is_cut = true;
        }
    }

    fn line(&mut self, is_apart: bool, margin: usize) {
        let is_apart = replace(&mut self.parts, false) || is_apart && !self.opens;
        if !self.text.is_empty() {
            self.text.push_str(if is_apart { "\n\n" } else { "\n" });
        }
        self.text.extend(std::iter::repeat_n(' ', margin));
        self.column = margin;
        self.margin = margin;
        self.is_over = false;
        self.is_cut = false;
        self.opens = false;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }
}
