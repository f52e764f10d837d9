//! name → [`Builtin`]: what the language brings along, with the words that completion and inspection show.
//!
//! The checker asks these tables where a name may stand; what a name means is written in `check`.
//!
//! *Invariant:* names are unique over all tables.
//!
//! *Not here:* types of arguments and results (`check::call`, `check::name`).

mod aggregations;
mod comptime;
mod functions;
mod variables;

pub use aggregations::AGGREGATIONS;
pub use comptime::COMPTIME;
pub use functions::FUNCTIONS;
pub use variables::VARIABLES;

use crate::probes::AttachPoint;

/// Functions that can harm the machine: called only where the user has allowed it.
pub const UNSAFE: &[&str] = &["override", "signal", "signal_thread", "system", "write_user"];

/// What sort of thing a builtin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Stands for a value: `pid`.
    Variable,
    /// Is called: `printf("hi")`.
    Function,
    /// Is called on the right side of a map assignment: `@ = count()`.
    Aggregation,
}

/// In which probes a builtin means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In all of them.
    Everywhere,
    /// In those of these providers.
    Providers(&'static [&'static str]),
}

/// One name of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// As written in a program; `argN` stands for `arg0`, `arg1`, …
    pub name: &'static str,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Name, arguments and type of the result.
    pub signature: &'static str,
    /// What it is for, one sentence.
    pub doc: &'static str,
    /// A program or statement that uses it.
    pub example: &'static str,
    /// Where it may stand.
    pub availability: Availability,
}

impl Builtin {
    /// Whether it means something in the probe.
    pub fn is_available_at(&self, point: &AttachPoint) -> bool {
        match self.availability {
            Availability::Everywhere => true,
            Availability::Providers(names) => names.contains(&point.provider()),
        }
    }
}

/// All builtins: variables, then functions, then aggregations.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    VARIABLES.iter().chain(FUNCTIONS).chain(COMPTIME).chain(AGGREGATIONS)
}

/// The builtin of that name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    let name = if argument_number(name).is_some() { "argN" } else { name };
    all().find(|builtin| builtin.name == name)
}

/// The number in `arg0`, `arg1`, …
pub fn argument_number(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("arg")?;
    let is_canonical = digits == "0" || !digits.starts_with('0');
    if is_canonical && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        let mut names: Vec<_> = all().map(|builtin| builtin.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for builtin in all() {
            assert!(builtin.signature.starts_with(builtin.name), "{}", builtin.name);
            assert!(builtin.doc.ends_with('.') && !builtin.example.is_empty(), "{}", builtin.name);
        }
    }

    #[test]
    fn unsafe_ones_are_functions() {
        assert!(UNSAFE.iter().all(|name| find(name).is_some_and(|builtin| builtin.kind == Kind::Function)));
    }

    #[test]
    fn numbered_arguments_are_one_entry() {
        assert_eq!(find("arg3").map(|b| b.name), Some("argN"));
        assert_eq!(argument_number("arg12"), Some(12));
        assert_eq!(argument_number("args"), None);
        assert_eq!(argument_number("arg01"), None);
        assert_eq!(argument_number("arg"), None);
    }
}
