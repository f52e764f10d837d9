//! The verifier's log → the place in the cell and the reason in words.
//!
//! A program that the verifier rejects is our fault, so the message says so and keeps the log's end for a
//! report.

use probebook_lang::diagnostic::{Code, Diagnostic};
use probebook_lang::source::Span;

use crate::Error;
use crate::object::ProgramSpec;

/// Lines of the log that an error keeps.
const KEPT: usize = 12;

/// Reasons as the verifier words them (a fragment), and what they mean to a reader.
const REASONS: [(&str, &str); 11] = [
    ("total number of maps per program", "the program uses more than the 64 maps that Linux allows"),
    (
        "cannot be patched due to 16-bit range",
        "the program is too long for the jumps of this Linux; 6.6 and later have longer ones",
    ),
    (
        "BPF program is too large",
        "the program takes more than a million steps to check: bound its loops more tightly",
    ),
    (
        "infinite loop detected",
        "a loop whose end cannot be seen: give it a constant bound, or use `for ($i : a..b)`",
    ),
    ("back-edge from insn", "this Linux allows no loops in programs (5.3 and later do)"),
    ("combined stack size", "the program needs more than the 512 bytes of stack"),
    ("unbounded memory access", "a memory access whose bounds cannot be seen"),
    ("invalid mem access", "a pointer is used that cannot be followed directly"),
    ("cannot use helper", "Linux does not offer this here: not to this kind of probe, or it is locked down"),
    ("unknown func", "a helper function that this Linux does not offer to this kind of probe"),
    ("helper call is not allowed", "a helper function that this Linux does not offer to this kind of probe"),
];

/// Makes the error of a rejected program.
pub fn explain(log: &[u8], spec: &ProgramSpec) -> Error {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let span = failing_instruction(&lines)
        .and_then(|index| spec.spans.get(index).copied())
        .filter(|span| *span != Span::default())
        .unwrap_or(spec.span);
    let verdict = lines
        .iter()
        .rev()
        .find(|line| !is_statistics(line) && !starts_instruction(line))
        .copied()
        .unwrap_or("no reason given");
    let words = REASONS.iter().find(|(fragment, _)| text.contains(fragment)).map(|(_, words)| *words);
    let mut diagnostic = Diagnostic::error(
        Code::Verifier,
        span,
        words.unwrap_or("the verifier of Linux rejected this").to_owned(),
    )
    .label("rejected here")
    .note(format!("the verifier said: {verdict}"));
    if words.is_none() {
        diagnostic =
            diagnostic.note("the program is fine, its translation is not: please report it with the cell");
    }
    let log = lines[lines.len().saturating_sub(KEPT)..].join("\n");
    Error::Verifier { diagnostic: Box::new(diagnostic), log }
}

/// The index of the last instruction that the log shows, as in `17: (85) call bpf_probe_read#4`.
fn failing_instruction(lines: &[&str]) -> Option<usize> {
    lines.iter().rev().find(|line| starts_instruction(line))?.split(':').next()?.trim().parse().ok()
}

fn starts_instruction(line: &str) -> bool {
    line.split_once(": (").is_some_and(|(index, _)| index.trim().parse::<usize>().is_ok())
}

fn is_statistics(line: &str) -> bool {
    ["processed ", "verification time", "stack depth", "mark_precise"]
        .iter()
        .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ProgramSpec {
        ProgramSpec {
            name: "test".into(),
            points: Vec::new(),
            code: vec![0; 4],
            relocations: Vec::new(),
            functions: Vec::new(),
            spans: (0..4).map(|i| Span::new(10 * i, 10 * i + 5)).collect(),
            span: Span::new(0, 100),
        }
    }

    #[test]
    fn the_last_instruction_of_the_log_gives_the_place() {
        let log = b"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n2: (61) r0 = *(u32 *)(r0 +0)\nR0 invalid mem access 'scalar'\nprocessed 2 insns\n";
        let Error::Verifier { diagnostic, .. } = explain(log, &spec()) else { panic!("another error") };
        assert_eq!((diagnostic.code, diagnostic.span), (Code::Verifier, Span::new(20, 25)));
        assert!(diagnostic.notes[0].ends_with("R0 invalid mem access 'scalar'"), "{:?}", diagnostic.notes);
    }

    #[test]
    fn a_log_without_instructions_gives_the_probe() {
        let Error::Verifier { diagnostic, .. } = explain(b"unknown opcode 00\n", &spec()) else {
            panic!("another error")
        };
        assert_eq!(diagnostic.span, Span::new(0, 100));
    }
}
