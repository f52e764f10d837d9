//! What earlier cells left behind: [`Environment`], an argument of checking a cell.
//!
//! *Invariant:* it is changed only by taking over the maps and macros of a cell that was accepted and started.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Settings;
use crate::expand;
use crate::source::Source;
use crate::syntax::ast::Macro;
use crate::types::MapType;

/// A map that an earlier cell made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMap {
    /// Its key and value types, bucket parameters and unit.
    pub ty: MapType,
    /// The capacity it was made with.
    pub max_entries: u32,
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

/// A macro that an earlier cell defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMacro {
    /// Its definition; places are those of `source`.
    pub definition: Macro,
    /// The text of its cell.
    pub source: Arc<Source>,
}

/// Parameters of one run, from the command line or magics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `$1`, `$2`, …
    pub positional: Vec<String>,
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
    /// Macros, the latest first.
    pub macros: Vec<KnownMacro>,
    /// Configuration that earlier cells and the process environment have left.
    pub settings: Settings,
    /// `$1` and the like.
    pub parameters: Parameters,
    /// Only events of this process (`-p`): a hidden test in the programs of tracepoints and raw
    /// tracepoints; other probes are filtered where they are attached.
    pub process: Option<u32>,
    /// What the programs notice while they run.
    pub watch: Watch,
    /// How this cell is called in diagnostics of later cells and in [`KnownMap::users`].
    pub cell: String,
    /// Whether functions may be called that can harm the machine ([`crate::builtins::UNSAFE`]).
    pub unsafe_allowed: bool,
}

impl Environment {
    /// Takes over the macros of a cell; they replace those that take the same arguments.
    pub fn define(&mut self, mut macros: Vec<KnownMacro>) {
        self.macros.retain(|old| !macros.iter().any(|new| expand::covers(&new.definition, &old.definition)));
        macros.append(&mut self.macros);
        self.macros = macros;
    }
}
