//! a half-typed cell and a cursor → [`Completeness`], [`Completions`], [`Inspection`].
//!
//! What an editor asks while somebody types. The text is hardly ever a right program; everything is read
//! from its tokens and from what could be parsed of it.
//!
//! *Invariant:* never fails; a fact that the host cannot give is left out.
//!
//! *Not here:* magics, and counting in code points (`kernel`).

mod complete;
mod completeness;
mod context;
mod declared;
mod inspect;
mod names;
mod providers;
#[cfg(test)]
mod tests;

pub use complete::{Completions, Item, Kind, complete};
pub use completeness::{Completeness, completeness};
pub use inspect::{Inspection, inspect};
