//! Bytes as text → everything up to optimised IR, against a machine that never changes: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probebook_tests::fuzz;

fuzz_target!(|text: &str| fuzz::read(text));
