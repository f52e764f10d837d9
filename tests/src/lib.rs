//! What the tests share: fixtures with their directives, a fixed host, and running a program to its text.
//!
//! *Not here:* the tests themselves (`suite.rs`, `tidy.rs`).

pub mod fixture;
pub mod host;
pub mod run;
