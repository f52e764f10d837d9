//! What the machine refuses: [`Error`].
//!
//! *Not here:* what is wrong with the user's program (`probebook_lang::diagnostic`).

use probebook_lang::diagnostic::Diagnostic;

/// What the machine refuses, in words that say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not enough rights.
    #[error("{what}: permission denied\nhelp: {help}")]
    Permission {
        /// What was tried.
        what: String,
        /// The next command to type.
        help: String,
    },
    /// This Linux lacks a feature.
    #[error("{feature} is not available on this Linux\nhelp: {help}")]
    Unsupported {
        /// What is missing.
        feature: String,
        /// Which version or configuration has it.
        help: String,
    },
    /// The verifier rejected a program: our fault, shown at the place in the cell.
    #[error("the verifier of Linux rejected the program: {}", .diagnostic.message)]
    Verifier {
        /// At the rejected instruction's place.
        diagnostic: Box<Diagnostic>,
        /// The end of the verifier's log.
        log: String,
    },
    /// An attach point could not be attached.
    #[error("cannot attach {probe}: {reason}")]
    Attach {
        /// Its full name.
        probe: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A map is used by an attached session in a shape that does not fit.
    #[error("@{map} is in use: {reason}")]
    Map {
        /// Its name.
        map: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What Linux said.
        source: std::io::Error,
    },
}

/// What to call a refused system call. The exact command to type is for the command line to say.
pub(crate) fn refused(what: &str, error: std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => Error::Permission {
            what: what.into(),
            help: "BPF needs root, or CAP_BPF and CAP_PERFMON; for notebooks run `sudo probebook lab`".into(),
        },
        _ => Error::System { what: what.into(), source: error },
    }
}
