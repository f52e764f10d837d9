//! Lines for people → the terminal, with colours only where there is one.

use std::io::{IsTerminal, Write, stderr, stdout};

/// Prints a text to stdout. A reader that has gone is no reason to end what goes on.
pub(super) fn print(text: &str) {
    let text = if stdout().is_terminal() { text.to_owned() } else { without_colours(text) };
    drop(stdout().lock().write_all(text.as_bytes()));
}

/// Prints lines to stderr.
pub(super) fn complain(lines: &[String]) {
    for line in lines {
        let line = if stderr().is_terminal() { line.clone() } else { without_colours(line) };
        eprintln!("{line}");
    }
}

/// Text without the ANSI sequences that colour it.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("a\u{1b}[1;31mb\u{1b}[0m m"), "ab m");
        assert_eq!(without_colours("plain"), "plain");
    }
}
