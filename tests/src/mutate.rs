//! text → the same text with a few things wrong: what a reader of programs must survive.
//!
//! *Not here:* programs that are right (`generate`).

use probebook_lang::environment::Parameters;
use probebook_lang::source::Source;
use probebook_lang::syntax::parse_cell;

use crate::generate::Dice;

/// Pieces that are put where they may not belong.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ":",
    "?",
    ".",
    "..",
    "->",
    "=",
    "==",
    "+=",
    "++",
    "--",
    "-",
    "*",
    "/",
    "&",
    "&&",
    "|",
    "!",
    "~",
    "<<",
    ">>",
    "<",
    "@",
    "@a",
    "@[",
    "$",
    "$a",
    "$1",
    "$#",
    "0",
    "1",
    "18446744073709551615",
    "99999999999999999999",
    "0x",
    "0b1",
    "1e9",
    "1_",
    "5ms",
    "\"",
    "\"a\"",
    "\"\\x\"",
    "'",
    "`",
    "\\",
    "#",
    "//",
    "/*",
    "*/",
    "\n",
    "#define A 1\n",
    "#include <a.h>\n",
    "#!",
    "é",
    "\u{0}",
    "if",
    "else",
    "for",
    "while",
    "unroll",
    "let",
    "return",
    "break",
    "continue",
    "macro",
    "fn",
    "import",
    "config",
    "struct S { int a; }",
    "union",
    "enum E { A }",
    "sizeof",
    "offsetof",
    "typeof",
    "typeinfo",
    "comptime",
    "true",
    "begin",
    "end",
    "interval:s:1",
    "count()",
    "hist(1)",
    "print(",
    "printf(\"%d\", ",
    "exit()",
    "args",
    "args.x",
    "(int32)",
    "(struct task_struct *)",
    "(1,2)",
    "(a=1)",
    "_ =",
];

/// Changes a text at a few places; `other` lends pieces.
pub fn mutate(text: &str, other: &str, dice: &mut dyn Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..1 + dice.roll(4) {
        text = once(&text, other, dice);
    }
    text
}

fn once(text: &str, other: &str, dice: &mut dyn Dice) -> String {
    let pieces = pieces(text);
    let others = self::pieces(other);
    let mut pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let at = dice.roll(pieces.len() as u32 + 1) as usize;
    let to = (at + 1 + dice.roll(6) as usize).min(pieces.len());
    let from_other = || {
        let start = at * others.len() / (pieces.len() + 1);
        &others[start.min(others.len())..(start + (to - at.min(to)) * 2).min(others.len())]
    };
    match dice.roll(8) {
        0 | 1 if at < to => {
            pieces.drain(at..to);
        }
        2 if at < to => {
            let copy = pieces[at..to].to_vec();
            pieces.splice(at..at, copy);
        }
        3 if at < to => pieces[at..to].reverse(),
        4 => {
            let lent: Vec<&str> = from_other().iter().map(String::as_str).collect();
            pieces.splice(at..at, lent);
        }
        5 if at < to => {
            let lent: Vec<&str> = from_other().iter().map(String::as_str).collect();
            pieces.splice(at..to, lent);
        }
        6 => pieces.truncate(at),
        _ => pieces.insert(at, PIECES[dice.roll(PIECES.len() as u32) as usize]),
    }
    pieces.concat()
}

/// The tokens of a text, white space included.
fn pieces(text: &str) -> Vec<String> {
    let source = Source::new("text", text);
    let parsed = parse_cell(&source, &Parameters::default());
    parsed.tokens.iter().map(|token| source.slice(token.span).to_owned()).collect()
}
