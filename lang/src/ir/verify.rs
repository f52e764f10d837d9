//! [`Module`] → accepted or the first broken invariant, in words.

use super::Module;

/// Checks the invariants of the IR.
pub fn verify(_module: &Module) -> Result<(), String> {
    unimplemented!()
}
