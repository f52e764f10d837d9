//! Seeds → counts: mutants of the fixtures through parser and checker, or random programs through Linux,
//! without a fuzzer, so that a run can be repeated and counted.
//!
//! `cargo run --release --bin bulk -- read|load FIRST COUNT`; `load` needs root. Each fault is printed with
//! its seed, and then the exit code is 1.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use probebook_tests::fixture;
use probebook_tests::fuzz::{self, Fault, Loader};
use probebook_tests::generate::{Dice, Seeded, program};
use probebook_tests::mutate::mutate;

/// What happened to how many inputs.
#[derive(Default)]
struct Counts {
    inputs: u64,
    accepted: u64,
    refused: u64,
    too_long: u64,
    faults: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok());
    let (Some(what), Some(first), Some(count)) = (words.get(1), number(2), number(3)) else {
        eprintln!("usage: bulk read|load FIRST COUNT");
        return ExitCode::FAILURE;
    };
    let mut counts = Counts::default();
    match what.as_str() {
        "load" => load(first..first + count, &mut counts),
        _ => read(first..first + count, &mut counts),
    }
    println!(
        "{} inputs: {} accepted, {} refused, {} too long for the verifier, {} faults",
        counts.inputs, counts.accepted, counts.refused, counts.too_long, counts.faults
    );
    if counts.faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every other input is a mutant of a random program, the rest of a fixture.
fn read(seeds: std::ops::Range<u64>, counts: &mut Counts) {
    let folders = ["run", "errors", "syntax", "types", "sessions"];
    let texts: Vec<String> = folders
        .iter()
        .flat_map(|folder| fixture::all(folder).expect("readable folder"))
        .map(|fixture| fixture.text)
        .filter(|text| text.len() < 4000)
        .collect();
    for seed in seeds {
        let mut dice = Seeded::new(seed);
        let other = &texts[dice.roll(texts.len() as u32) as usize];
        let text = if seed % 2 == 0 {
            program(&mut dice)
        } else {
            texts[dice.roll(texts.len() as u32) as usize].clone()
        };
        let mutant = mutate(&text, other, &mut dice);
        counts.inputs += 1;
        if catch_unwind(AssertUnwindSafe(|| fuzz::read(&mutant))).is_err() {
            counts.faults += 1;
            println!("seed {seed}: panic\n{mutant}");
        }
    }
}

fn load(seeds: std::ops::Range<u64>, counts: &mut Counts) {
    let mut loader = Loader::new();
    for seed in seeds {
        let text = program(&mut Seeded::new(seed));
        counts.inputs += 1;
        match catch_unwind(AssertUnwindSafe(|| loader.load(&text))) {
            Ok(Ok(())) => counts.accepted += 1,
            Ok(Err(Fault::Program(_))) => counts.refused += 1,
            Ok(Err(Fault::TooLong)) => counts.too_long += 1,
            Ok(Err(Fault::Machine(error))) => {
                counts.faults += 1;
                println!("seed {seed}: refused by Linux\n{text}\n{error}");
            }
            Err(_) => {
                counts.faults += 1;
                println!("seed {seed}: panic\n{text}");
            }
        }
    }
}
