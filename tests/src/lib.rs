//! What the tests share: fixtures with their directives, a fixed host, running a program to its text, and
//! making programs, right and wrong ones.
//!
//! *Not here:* the tests themselves (`suite.rs`, `tidy.rs`).

pub mod fixture;
pub mod fuzz;
pub mod generate;
pub mod host;
pub mod mutate;
#[cfg(feature = "run")]
pub mod run;
