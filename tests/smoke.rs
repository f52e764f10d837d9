//! A little fuzzing in every run: wrong programs make no panic, and what the checker accepts is loaded.
//!
//! `SMOKE_SEED` and `SMOKE_COUNT` choose other programs and more of them. The fuzz targets in `tests/fuzz/` go
//! on where this ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use probebook_tests::generate::{Dice, Seeded, program};
use probebook_tests::{fixture, fuzz, run};

/// How many programs, and the first seed.
fn range(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = number("SMOKE_SEED").unwrap_or(1);
    seed..seed + number("SMOKE_COUNT").unwrap_or(count)
}

#[test]
fn wrong_programs_make_no_panic() {
    let texts: Vec<String> = ["run", "errors", "syntax", "types", "sessions"]
        .iter()
        .flat_map(|folder| fixture::all(folder).expect("readable folder"))
        .map(|fixture| fixture.text)
        .collect();
    for seed in range(1000) {
        let mut dice = Seeded::new(seed);
        let text = &texts[dice.roll(texts.len() as u32) as usize];
        let other = &texts[dice.roll(texts.len() as u32) as usize];
        let mutant = probebook_tests::mutate::mutate(text, other, &mut dice);
        let result = catch_unwind(AssertUnwindSafe(|| fuzz::read(&mutant)));
        assert!(result.is_ok(), "SMOKE_SEED={seed}\n{mutant}");
    }
}

#[test]
fn what_is_accepted_is_loaded() {
    if !run::is_live() {
        assert!(std::env::var_os("REQUIRE_LIVE").is_none_or(|value| value != "1"), "BPF may not be used");
        return;
    }
    let mut loader = fuzz::Loader::new();
    let (mut accepted, mut refused, mut too_long) = (0, 0, 0);
    for seed in range(40) {
        let text = program(&mut Seeded::new(seed));
        match loader.load(&text) {
            Ok(()) => accepted += 1,
            Err(fuzz::Fault::Program(_)) => refused += 1,
            Err(fuzz::Fault::TooLong) => too_long += 1,
            Err(fuzz::Fault::Machine(error)) => panic!("SMOKE_SEED={seed}\n{text}\n{error}"),
        }
    }
    eprintln!("{accepted} accepted and loaded, {refused} refused, {too_long} too long for the verifier");
    let all = accepted + refused + too_long;
    assert!(accepted * 4 >= all * 3, "the generator makes too few programs that can be loaded");
}
