//! Fixtures of `run/` → the same program in bpftrace and in Probebook, and where their outputs differ.
//!
//! `BPFTRACE=/path/to/bpftrace cargo test -p probebook-tests --test conformance` runs every fixture through
//! both, as root; without that variable there is nothing to do. A difference must stand in `deviations.txt` with its
//! reason, and what stands there must differ. `CONFORMANCE_REPORT=FILE` writes the table as well.
//!
//! *Not here:* whether our output is right in itself (`suite.rs` and its snapshots).

mod deviations;
mod normal;
mod peer;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};
use probebook_tests::fixture::{self, Fixture};
use probebook_tests::run;

use deviations::Deviations;
use peer::Peer;
use report::{Outcome, Row};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(path) = std::env::var_os("BPFTRACE").map(PathBuf::from) else {
        if !arguments.list {
            eprintln!("no bpftrace to compare with: set BPFTRACE to its path");
        }
        return libtest_mimic::run(&arguments, Vec::new()).exit_code();
    };
    let peer = Arc::new(Peer::new(path));
    let deviations = Arc::new(Deviations::read());
    let mut fixtures = fixture::all("run").unwrap_or_else(|error| panic!("fixtures/run: {error}"));
    let rows = Arc::new(Mutex::new(Vec::new()));
    deviations.check_names(&fixtures);
    // As in the suite: what this Linux was built without is run elsewhere.
    fixtures.retain(|fixture| fixture.needs.iter().all(|need| run::has(need)));
    let trials = fixtures.into_iter().map(|fixture| {
        let (peer, deviations, rows) = (peer.clone(), deviations.clone(), rows.clone());
        Trial::test(fixture.name.clone(), move || {
            let (outcome, verdict) = compare(&fixture, &peer, &deviations);
            rows.lock().expect("no panic while holding it").push(Row { fixture: fixture.name, outcome });
            verdict
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if let Some(file) = std::env::var_os("CONFORMANCE_REPORT") {
        let mut rows = std::mem::take(&mut *rows.lock().expect("all trials are over"));
        rows.sort_by(|a, b| a.fixture.cmp(&b.fixture));
        std::fs::write(&file, report::table(&rows, &peer.version())).expect("the report can be written");
    }
    conclusion.exit_code()
}

/// Runs a fixture through both.
fn compare(fixture: &Fixture, peer: &Peer, deviations: &Deviations) -> (Outcome, Result<(), Failed>) {
    let ours = match run::run(fixture) {
        Ok(output) => normal::ours(&output),
        Err(refusal) => format!("refused: {refusal}"),
    };
    let theirs = match peer.run(fixture) {
        Ok(output) => normal::theirs(&output),
        Err(message) => format!("refused: {message}"),
    };
    match (ours == theirs, deviations.reason(&fixture.name)) {
        (true, None) => (Outcome::Same, Ok(())),
        (true, Some(reason)) if reason.starts_with("sometimes") => (Outcome::Same, Ok(())),
        (true, Some(_)) => (
            Outcome::Unexpected,
            Err("does not differ (any more): take it out of tests/conformance/deviations.txt".into()),
        ),
        (false, Some(reason)) => (Outcome::Deviates(reason.to_owned()), Ok(())),
        (false, None) => (
            Outcome::Unexpected,
            Err(format!("differs\n── bpftrace\n{theirs}\n── Probebook\n{ours}\n").into()),
        ),
    }
}
