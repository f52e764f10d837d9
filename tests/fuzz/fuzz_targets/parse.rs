//! Bytes as text → lexer, parser, completeness, layout: no panic, and layout settles at once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probebook_tests::fuzz;

fuzz_target!(|text: &str| fuzz::parse(text));
