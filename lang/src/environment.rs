//! What earlier cells left behind: [`Environment`], an argument of checking a cell.
//!
//! *Invariant:* it is changed only by taking over the maps and definitions of a cell that was accepted and started.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Settings;
use crate::expand;
use crate::source::Source;
use crate::syntax::ast::{Function, Macro};
use crate::types::MapType;

/// A map that an earlier cell made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMap {
    /// Its key and value types, bucket parameters and unit.
    pub ty: MapType,
    /// The capacity it was made with.
    pub max_entries: u32,
    /// Where it is full, the elements used least recently make room.
    pub evicts: bool,
    /// The cells that have used it, by the name the notebook gives them; the first one made it.
    pub users: Vec<String>,
}

/// The text of an earlier cell that declares something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaring {
    /// The cell, by the name the notebook gave it.
    pub name: String,
    /// The whole text: what it declares is read from it again, with places that diagnostics can show.
    pub text: Arc<str>,
}

/// What an earlier cell defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<T> {
    /// The definition; places are those of `source`.
    pub definition: T,
    /// The text of its cell.
    pub source: Arc<Source>,
}

/// The macros and functions that a cell defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defined {
    /// Macros, those first that are tried first.
    pub macros: Vec<Known<Macro>>,
    /// Functions, no two of the same name.
    pub functions: Vec<Known<Function>>,
}

/// Parameters of one run, from the command line or magics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `$1`, `$2`, …
    pub positional: Vec<String>,
    /// `--name=value` for `getopt`, in order.
    pub named: Vec<Named>,
    /// They are for this program alone: an option that it does not have is an error.
    pub is_strict: bool,
}

impl Parameters {
    /// Tells options from positional parameters: `7 --name=value --flag text`; a bare `--` is none of them.
    pub fn from_words(words: impl IntoIterator<Item = String>) -> Self {
        let mut parameters = Self::default();
        for word in words {
            match word.strip_prefix("--") {
                Some("") => {}
                Some(option) => parameters.named.push(Named::parse(option)),
                None => parameters.positional.push(word),
            }
        }
        parameters
    }
}

/// An option that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Without the dashes.
    pub name: String,
    /// Behind the `=`, if there is one.
    pub value: Option<String>,
}

impl Named {
    /// Reads an option without its dashes.
    pub fn parse(option: &str) -> Self {
        match option.split_once('=') {
            Some((name, value)) => Self { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Self { name: option.to_owned(), value: None },
        }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            Some(value) => write!(f, "--{}={value}", self.name),
            None => write!(f, "--{}", self.name),
        }
    }
}

/// What programs notice of what goes wrong while they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watch {
    /// Nothing.
    Nothing,
    /// Updates of maps that fail, divisions by 0, indices out of bounds.
    #[default]
    Updates,
    /// Reads of memory that fail and map elements that are missing as well.
    Everything,
}

/// The state of the notebook as far as the language sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Maps by name without the `@`; the anonymous map is the empty name.
    pub maps: BTreeMap<String, KnownMap>,
    /// Cells with C declarations and imports, the oldest first; what is declared again replaces.
    pub declarations: Vec<Declaring>,
    /// Where headers are looked for first (`-I`).
    pub include_directories: Vec<String>,
    /// Headers that are read before every program (`--include`).
    pub headers: Vec<String>,
    /// Macros and functions, the latest first.
    pub defined: Defined,
    /// Configuration that earlier cells and the process environment have left.
    pub settings: Settings,
    /// `$1` and the like.
    pub parameters: Parameters,
    /// Only events of this process (`-p`): a hidden test in the programs of tracepoints and raw
    /// tracepoints; other probes are filtered where they are attached.
    pub process: Option<u32>,
    /// The process of the command that runs with the program (`-c`): `cpid`.
    pub command: Option<u32>,
    /// What the programs notice while they run.
    pub watch: Watch,
    /// How this cell is called in diagnostics of later cells and in [`KnownMap::users`].
    pub cell: String,
    /// Whether functions may be called that can harm the machine ([`crate::builtins::UNSAFE`]).
    pub unsafe_allowed: bool,
}

impl Environment {
    /// Takes over what a cell defines; it replaces macros that take the same arguments, and functions of the
    /// same name.
    pub fn define(&mut self, mut new: Defined) {
        let Defined { macros, functions } = &mut self.defined;
        macros.retain(|old| !new.macros.iter().any(|one| expand::covers(&one.definition, &old.definition)));
        functions.retain(|old| {
            !new.functions.iter().any(|one| one.definition.name.text == old.definition.name.text)
        });
        new.macros.append(macros);
        new.functions.append(functions);
        self.defined = new;
    }
}
