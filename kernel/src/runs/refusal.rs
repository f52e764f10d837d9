//! What was wrong → what the reader sees of it: diagnostics with carets, refusals of Linux with what to do.

use probebook_ebpf::Error;
use probebook_ebpf::tracer::Refusal;
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::source::Source;

use crate::outlet::Failure;

/// Why a program does not run, for the reader.
pub fn refused(refusal: &Refusal, written: &Source) -> Failure {
    match refusal {
        Refusal::Program(diagnostics) => {
            let first = diagnostics.iter().find(|d| d.is_error()).or(diagnostics.first());
            Failure {
                name: "ProgramError".into(),
                value: first.map(|d| d.message.clone()).unwrap_or_default(),
                traceback: render(written, diagnostics, Style::Ansi).lines().map(str::to_owned).collect(),
            }
        }
        Refusal::Machine(error) => machine(error, written),
    }
}

/// Why Linux refuses, for the reader.
pub(super) fn machine(error: &Error, written: &Source) -> Failure {
    let mut failure = Failure::plain("LinuxError", error.to_string());
    if let Error::Verifier { diagnostic, log } = error {
        failure.name = "VerifierError".into();
        failure.traceback = render(written, std::slice::from_ref(&**diagnostic), Style::Ansi)
            .lines()
            .map(str::to_owned)
            .collect();
        failure.traceback.extend(log.lines().map(str::to_owned));
    }
    failure
}
