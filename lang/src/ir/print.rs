//! [`Module`] → text, for `dump --stage ir`, golden tests and bug reports.

use super::Module;

/// The module as text.
pub fn print(_module: &Module) -> String {
    unimplemented!()
}
