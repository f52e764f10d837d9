//! [`Word`]s → laid-out text: items, statements, blocks.
//!
//! *Not here:* how one line is filled and broken (`page`).

use super::page::Page;
use super::word::Word;
use crate::source::{Source, Span};
use crate::syntax::token::{Bond, TokenKind};

/// Keywords of statements that end with a block.
const CONTROL: &[&str] = &["if", "for", "while", "unroll", "config"];

/// Lays out a whole text.
pub(super) fn print(source: &Source, words: &[Word]) -> String {
    let mut printer = Printer { source, words, at: 0, page: Page::default() };
    while printer.word().kind != TokenKind::End {
        printer.item();
    }
    let end = printer.word();
    printer.page.finish(end)
}

struct Printer<'a> {
    source: &'a Source,
    words: &'a [Word<'a>],
    /// The next word to print.
    at: usize,
    page: Page<'a>,
}

impl<'a> Printer<'a> {
    fn word(&self) -> &'a Word<'a> {
        self.nth(0)
    }

    /// The word `n` further on; the last one is the end of the text.
    fn nth(&self, n: usize) -> &'a Word<'a> {
        &self.words[(self.at + n).min(self.words.len() - 1)]
    }

    fn put(&mut self) {
        self.page.put(self.word());
        self.at += 1;
    }

    /// What stands at the top level.
    fn item(&mut self) {
        let word = self.word();
        let is_named_probe = self.nth(1).is("=") && self.nth(2).kind == TokenKind::Part;
        self.page.end_line();
        if word.kind == TokenKind::Part || is_named_probe {
            self.probe(is_named_probe);
        } else if word.is_keyword(&["macro", "fn"]) {
            self.fill_to(|word| word.is("{"));
            self.page.end_line();
            self.block();
            self.page.end_item();
        } else if word.is_keyword(&["struct", "union", "enum"]) || word.text == "typedef" {
            self.declaration();
        } else if !self.statement() {
            // What could not be here was refused before.
            self.put();
        }
    }

    /// A C declaration stays as it is.
    fn declaration(&mut self) {
        let first = self.word();
        let is_typedef = first.text == "typedef";
        let mut braces = 0;
        let mut parentheses = 0;
        let mut last = first;
        while self.word().kind != TokenKind::End {
            last = self.word();
            self.at += 1;
            braces += i32::from(last.is("{")) - i32::from(last.is("}"));
            parentheses += i32::from(last.is("(")) - i32::from(last.is(")"));
            let next = self.word();
            let may_end = last.is("}") || last.is(")");
            let goes_on = is_typedef || next.is(";") || next.text == "__attribute__" || next.is("(");
            if braces == 0 && parentheses == 0 && (last.is(";") || may_end && !goes_on) {
                break;
            }
        }
        let span = Span::new(first.span.start, last.span.end);
        self.page.put_verbatim(first, self.source.slice(span), last);
    }

    /// `name=points /predicate/ { body }`
    fn probe(&mut self, is_named: bool) {
        if is_named {
            self.put();
            self.page.put_tight(self.word());
            self.at += 1;
            self.page.put_tight(self.word());
            self.at += 1;
        }
        while !self.word().is("{") && self.word().kind != TokenKind::End {
            let word = self.word();
            let is_predicate = word.is("/") && word.bond == Some(Bond::Next);
            if is_predicate || word.kind == TokenKind::Part && self.words[self.at.saturating_sub(1)].is(",") {
                self.page.end_line();
            }
            if is_predicate {
                self.fill_to(|word| word.is("/") && word.bond == Some(Bond::Previous));
            }
            self.put();
        }
        self.page.end_line();
        self.block();
        self.page.end_item();
    }

    /// Fills lines with the words before one.
    fn fill_to(&mut self, is_last: impl Fn(&Word) -> bool) {
        let rest = &self.words[self.at..self.words.len() - 1];
        let length = rest.iter().position(is_last).unwrap_or(rest.len());
        self.page.fill(&rest[..length], 2);
        self.at += length;
    }

    /// A block over several lines, from its `{` to its `}`; nothing if there is none.
    fn block(&mut self) {
        let opening = self.word();
        if !opening.is("{") {
            return;
        }
        self.put();
        let next = self.word();
        if next.is("}") && opening.behind.is_empty() && next.above.is_empty() && next.inline.is_empty() {
            return self.put();
        }
        let brackets = self.page.open();
        while !self.word().is("}") && self.word().kind != TokenKind::End {
            self.page.end_line();
            if !self.statement() {
                self.put();
            }
        }
        self.page.close(self.word(), brackets);
        self.at += usize::from(self.word().kind != TokenKind::End);
    }

    /// A statement with its `;`; says whether there was one.
    fn statement(&mut self) -> bool {
        let start = self.at;
        let first = self.word();
        let is_control = first.is_keyword(CONTROL) || first.is("{");
        let mut from = self.at;
        let mut depth = 0;
        loop {
            let word = self.word();
            if word.kind == TokenKind::End || depth == 0 && word.is("}") {
                break;
            }
            if word.is("{") {
                self.page.fill(&self.words[from..self.at], 2);
                self.inner_block(is_control && depth == 0);
                from = self.at;
                if depth == 0 && self.is_over(is_control) {
                    return true;
                }
                continue;
            }
            depth += usize::from(word.is("(") || word.is("["));
            depth -= usize::from(depth > 0 && (word.is(")") || word.is("]")));
            self.at += 1;
            if depth == 0 && (word.is(";") || word.is_c()) {
                break;
            }
        }
        self.page.fill(&self.words[from..self.at], 0);
        self.at > start
    }

    /// A block within a statement: on one line if it is no body and holds no more than a value.
    fn inner_block(&mut self, is_body: bool) {
        let words = &self.words[self.at..self.closing()];
        let is_value = |word: &Word| !word.is(";") && !word.has_comments() && !word.is_c();
        if !is_body && words.iter().all(is_value) && self.page.has_room(words) {
            words.iter().for_each(|word| self.page.put(word));
            self.at += words.len();
        } else {
            self.block();
        }
    }

    /// Behind the bracket that closes the block that starts here.
    fn closing(&self) -> usize {
        let mut open = 0;
        for (index, word) in self.words.iter().enumerate().skip(self.at) {
            open += i32::from(word.is("{")) - i32::from(word.is("}"));
            if open == 0 {
                return index + 1;
            }
        }
        self.words.len() - 1
    }

    /// Whether the statement ends with the block that was just printed.
    fn is_over(&self, is_control: bool) -> bool {
        let word = self.word();
        match word.kind {
            TokenKind::Punct(";" | ")" | "]" | ",") => false,
            TokenKind::Punct("{" | "}") => true,
            TokenKind::Punct(_) => is_control,
            _ => word.text != "else",
        }
    }
}
