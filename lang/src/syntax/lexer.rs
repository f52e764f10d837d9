//! text → [`Token`]s, one at a time, because the parser says whether an attach point or anything else
//! comes next: `uprobe:/usr/lib/*:f` has no comment in it.
//!
//! *Invariant:* each token starts where the last one ended and ends on a character boundary.
//!
//! *Not here:* what literals stand for (`literal`).

use super::c::{declaration_length, line_length};
use super::token::{KEYWORDS, PUNCTUATION, Token, TokenKind};
use crate::source::{File, Span};

/// Provider words whose second part is a path and may hold slashes.
const PATH_PROVIDERS: &[&str] = &["uprobe", "u", "uretprobe", "ur", "usdt", "iter", "it"];

/// A place in the text from which tokens are read.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    /// Where the text starts in the numbering of its source.
    base: u32,
    /// Where the next token starts in the text.
    position: usize,
}

impl<'a> Lexer<'a> {
    /// At the start of a text that is the whole source.
    #[cfg(test)]
    fn new(text: &'a str) -> Self {
        Self { text, base: 0, position: 0 }
    }

    /// At a place in a file of a source; ends where the span ends.
    pub fn within(file: &'a File, span: Span) -> Self {
        let range = file.range(span);
        Self { text: &file.text()[..range.end], base: file.span().start, position: range.start }
    }

    /// Where the next token starts, in the numbering of the source.
    pub fn offset(&self) -> u32 {
        self.base + self.position as u32
    }

    /// Goes to a place in the text.
    pub fn go_to(&mut self, offset: u32) {
        self.position = (offset - self.base) as usize;
    }

    /// The text under a span.
    pub fn slice(&self, span: Span) -> &'a str {
        &self.text[(span.start - self.base) as usize..(span.end - self.base) as usize]
    }

    /// The text from a place on.
    pub fn text_from(&self, offset: u32) -> &'a str {
        &self.text[(offset - self.base) as usize..]
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn take(&mut self, kind: TokenKind, length: usize) -> Token {
        let start = self.offset();
        self.position += length;
        Token { kind, span: Span::new(start, self.offset()) }
    }

    /// The next token outside attach points; at the end of the text, the end.
    pub fn token(&mut self) -> Token {
        let rest = self.rest();
        let run = |is_in: fn(char) -> bool| rest.find(|c| !is_in(c)).unwrap_or(rest.len());
        let Some(first) = rest.chars().next() else { return self.take(TokenKind::End, 0) };
        match first {
            c if c.is_whitespace() => self.take(TokenKind::Whitespace, run(char::is_whitespace)),
            '#' if self.starts_line() => {
                let is_shebang = self.position == 0 && rest.starts_with("#!");
                let kind = if is_shebang { TokenKind::Comment } else { TokenKind::Directive };
                self.take(kind, if is_shebang { line_end(rest) } else { line_length(rest) })
            }
            '/' if rest.starts_with("//") => self.take(TokenKind::Comment, line_end(rest)),
            '/' if rest.starts_with("/*") => {
                let length = rest[2..].find("*/").map_or(rest.len(), |at| at + 4);
                self.take(TokenKind::Comment, length)
            }
            '"' => self.take(TokenKind::String, string_end(rest)),
            '0'..='9' => self.take(TokenKind::Int, run(is_name)),
            '\'' => self.take(TokenKind::Error, quoted_end(rest)),
            '@' => self.take(TokenKind::Map, 1 + name_length(&rest[1..])),
            '$' => self.dollar(rest),
            c if is_name(c) => {
                let length = run(is_name);
                let is_keyword = KEYWORDS.contains(&&rest[..length]);
                self.take(if is_keyword { TokenKind::Keyword } else { TokenKind::Ident }, length)
            }
            _ => match PUNCTUATION.iter().find(|punct| rest.starts_with(**punct)) {
                Some(punct) => self.take(TokenKind::Punct(punct), punct.len()),
                None => {
                    let is_odd = |c: char| !c.is_ascii() || matches!(c, '`' | '\\' | '#');
                    // Letters behind a foreign one belong to the same word.
                    let goes_on = |c: char| is_odd(c) || !first.is_ascii() && is_name(c);
                    let length = rest.find(|c| !goes_on(c) || char::is_whitespace(c)).unwrap_or(rest.len());
                    self.take(TokenKind::Error, length.max(first.len_utf8()))
                }
            },
        }
    }

    fn dollar(&mut self, rest: &str) -> Token {
        let name = name_length(&rest[1..]);
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        if name > 0 {
            self.take(TokenKind::Variable, 1 + name)
        } else if digits > 0 {
            self.take(TokenKind::Positional, 1 + digits)
        } else if rest[1..].starts_with('#') {
            self.take(TokenKind::PositionalCount, 2)
        } else {
            self.take(TokenKind::Error, 1)
        }
    }

    /// Whether only blanks stand before on the line.
    fn starts_line(&self) -> bool {
        let before = &self.text[..self.position];
        before.trim_end_matches([' ', '\t']).rsplit('\n').next().is_some_and(str::is_empty)
    }

    /// The C declaration that starts here; `None` if this is none, or one that is not closed.
    pub fn declaration(&mut self) -> Option<Token> {
        let length = declaration_length(self.rest())?;
        Some(self.take(TokenKind::Declaration, length))
    }

    /// The next piece of an attach point: a part, a colon, or `None` where the attach point ends.
    ///
    /// `provider` and `index` say which part this is: it decides whether a slash belongs to a path or
    /// starts the predicate.
    pub fn part(&mut self, provider: &str, index: usize) -> Option<Token> {
        let rest = self.rest();
        if rest.starts_with(':') {
            return Some(self.take(TokenKind::PartColon, 1));
        }
        if index > 0 && !self.text[..self.position].ends_with(':') {
            return None;
        }
        let is_path = index == 1 && PATH_PROVIDERS.contains(&provider.to_lowercase().as_str());
        let mut length = 0;
        while let Some(c) = rest[length..].chars().next() {
            match c {
                '"' => {
                    length += string_end(&rest[length..]);
                    continue;
                }
                '/' if index > 0 && (is_path || length == 0 || rest.starts_with(['/', '.'])) => {}
                ':' | ',' | '{' | '}' | ';' | '/' => break,
                c if c.is_whitespace() => break,
                _ => {}
            }
            length += c.len_utf8();
        }
        if length == 0 { None } else { Some(self.take(TokenKind::Part, length)) }
    }
}

/// Whether the character can stand in a name.
pub fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

fn line_end(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// The length of the string at the start of the text: to its closing quote or the end of the line.
pub fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return at,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of what stands in single quotes at the start of the text, which C has but bpftrace has not;
/// of the quote alone if it is not closed on its line.
fn quoted_end(text: &str) -> usize {
    let line = &text[1..line_end(text)];
    line.find('\'').map_or(1, |at| at + 2)
}

/// Whether the text of a string token has its closing quote.
pub fn is_closed(string: &str) -> bool {
    let inner = string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(&'static str, &str)> {
        let mut lexer = Lexer::new(text);
        let mut all = Vec::new();
        loop {
            let token = lexer.token();
            match token.kind {
                TokenKind::End => return all,
                kind if kind.is_trivia() => {}
                kind => all.push((kind.name(), &text[token.span.range()])),
            }
        }
    }

    fn parts<'a>(text: &'a str, provider: &str) -> Vec<&'a str> {
        let mut lexer = Lexer::new(text);
        let mut index = 0;
        let mut all = Vec::new();
        while let Some(token) = lexer.part(provider, index) {
            match token.kind {
                TokenKind::PartColon => index += 1,
                _ => all.push(&text[token.span.range()]),
            }
        }
        all
    }

    #[test]
    fn the_longest_operator_wins() {
        let text = "a<<=b>>c>=d->e..f++ +g";
        let words: Vec<_> = tokens(text).into_iter().map(|(_, text)| text).collect();
        assert_eq!(words, ["a", "<<=", "b", ">>", "c", ">=", "d", "->", "e", "..", "f", "++", "+", "g"]);
    }

    #[test]
    fn sigils_belong_to_their_names() {
        assert_eq!(
            tokens("$a $1 $# @ @m @[1] $"),
            [
                ("variable", "$a"),
                ("positional", "$1"),
                ("positional-count", "$#"),
                ("map", "@"),
                ("map", "@m"),
                ("map", "@"),
                ("punct", "["),
                ("int", "1"),
                ("punct", "]"),
                ("error", "$"),
            ]
        );
    }

    #[test]
    fn ranges_and_tuple_fields_are_no_fractions() {
        let words: Vec<_> = tokens("0..5 $x.0.1").into_iter().map(|(_, text)| text).collect();
        assert_eq!(words, ["0", "..", "5", "$x", ".", "0", ".", "1"]);
    }

    #[test]
    fn comments_end_where_they_should() {
        assert_eq!(
            tokens("#!/usr/bin/x\n1 // 2\n3 /* 4 /* 5 */ 6"),
            [("int", "1"), ("int", "3"), ("int", "6")]
        );
        assert_eq!(tokens("1 /* 2"), [("int", "1")]);
        assert_eq!(tokens("\n #include <a.h>\n1"), [("directive", "#include <a.h>"), ("int", "1")]);
    }

    #[test]
    fn strings_stay_on_their_line() {
        assert_eq!(tokens(r#""a\"b" c"#), [("string", r#""a\"b""#), ("ident", "c")]);
        assert_eq!(tokens("\"abc\nd"), [("string", "\"abc"), ("ident", "d")]);
        assert!(is_closed(r#""a\\""#) && is_closed(r#""""#));
        assert!(!is_closed(r#""a\""#) && !is_closed("\""));
    }

    #[test]
    fn odd_characters_are_tokens() {
        assert_eq!(tokens("a é` 'x' b"), [("ident", "a"), ("error", "é`"), ("error", "'x'"), ("ident", "b")]);
    }

    #[test]
    fn a_slash_is_path_or_predicate() {
        assert_eq!(parts("uprobe:/bin/bash:readline /1/", "uprobe"), ["uprobe", "/bin/bash", "readline"]);
        assert_eq!(parts("uprobe:lib/a.so:f/1/ {", "uprobe"), ["uprobe", "lib/a.so", "f"]);
        assert_eq!(parts("uprobe:/usr/lib/*:f{", "uprobe"), ["uprobe", "/usr/lib/*", "f"]);
        assert_eq!(parts("u*:/usr//bin/x:f{", "u*"), ["u*", "/usr//bin/x", "f"]);
        assert_eq!(parts("profile:hz:99/pid/{", "profile"), ["profile", "hz", "99"]);
        assert_eq!(parts("begin/pid/{", "begin"), ["begin"]);
    }

    #[test]
    fn quotes_protect_separators() {
        assert_eq!(parts(r#"uprobe:"/a b:c,d":"f{" {"#, "uprobe"), ["uprobe", r#""/a b:c,d""#, r#""f{""#]);
        assert_eq!(parts("t:a:b,t:c:d", "t"), ["t", "a", "b"]);
    }
}
