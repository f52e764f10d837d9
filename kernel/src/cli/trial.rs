//! `probebook trace --test` and `--bench`: runs those probes and tells how they ended.

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Purpose, Running};
use regex::Regex;

use super::Failed;
use super::trace::Printer;
use crate::display::json;
use crate::runs::LAST_EVENT;

/// How often a benchmark is run at least, and for how long it is repeated.
const RUNS: u32 = 1000;
const ENOUGH: u128 = 2_000_000;
/// And at most.
const MOST_RUNS: u32 = 1 << 20;

/// Runs what the filter lets through; the exit code is 1 if a test failed.
pub(super) fn run(
    running: &mut dyn Running,
    purpose: Purpose,
    filter: Option<&Regex>,
    printer: &mut Printer<'_>,
) -> Result<ExitCode, Failed> {
    let wanted = |(_, name): &(usize, String)| filter.is_none_or(|filter| filter.is_match(name));
    let trials: Vec<_> = running.trials().into_iter().enumerate().filter(wanted).collect();
    print_all(running, printer)?;
    let failed = match purpose {
        Purpose::Bench => {
            benchmarks(running, &trials, printer)?;
            Vec::new()
        }
        _ => tests(running, &trials, printer)?,
    };
    running.stop().map_err(|error| Failed(error.to_string()))?;
    while let Some(event) = running.next_event(Instant::now() + LAST_EVENT) {
        printer.print(event)?;
    }
    if running.config().print_maps_on_exit && printer.is_text() {
        printer.maps(running)?;
    }
    printer.flush()?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what is there.
fn print_all(running: &mut dyn Running, printer: &mut Printer<'_>) -> io::Result<()> {
    while let Some(event) = running.next_event(Instant::now()) {
        printer.print(event)?;
    }
    Ok(())
}

/// Gives the names of those that failed.
fn tests(
    running: &mut dyn Running,
    trials: &[(usize, String)],
    printer: &mut Printer<'_>,
) -> Result<Vec<String>, Failed> {
    let mut failed = Vec::new();
    if printer.is_text() {
        printer.line(&format!("[==========] Running {}.", count(trials.len())))?;
    }
    for (index, name) in trials {
        if printer.is_text() {
            printer.line(&format!("[ RUN      ] {name}"))?;
        }
        let start = Instant::now();
        let trial = running.run_trial(*index, 1).map_err(|error| Failed(error.to_string()))?;
        let duration = start.elapsed().as_nanos();
        let mut output = Vec::new();
        let mut is_good = trial.result == 0;
        while let Some(event) = running.next_event(Instant::now()) {
            match &event {
                Event::Exit(code) => is_good &= *code == 0,
                Event::Message { is_error, text, .. } => {
                    is_good &= !*is_error;
                    output.extend_from_slice(text);
                }
                Event::Failed { .. } => is_good = false,
                Event::Text(_, text) => output.extend_from_slice(text),
                _ => {}
            }
            if printer.is_text() {
                printer.print(event)?;
            }
        }
        if printer.is_text() {
            let verdict = if is_good { "[       OK ]" } else { "[  FAILED  ]" };
            printer.line(&format!("{verdict} {name} ({} μs)", duration / 1000))?;
        } else {
            printer.line(&json::test_result(name, duration, is_good, &output))?;
        }
        if !is_good {
            failed.push(name.clone());
        }
    }
    if printer.is_text() {
        printer.line(&format!("[==========] {} ran.", count(trials.len())))?;
        printer.line(&format!("[  PASSED  ] {}.", count(trials.len() - failed.len())))?;
        if !failed.is_empty() {
            printer.line(&format!("[  FAILED  ] {}, listed below:", count(failed.len())))?;
        }
        for name in &failed {
            printer.line(&format!("[  FAILED  ] {name}"))?;
        }
    }
    Ok(failed)
}

fn count(tests: usize) -> String {
    format!("{tests} test{}", if tests == 1 { "" } else { "s" })
}

fn benchmarks(
    running: &mut dyn Running,
    trials: &[(usize, String)],
    printer: &mut Printer<'_>,
) -> Result<(), Failed> {
    if printer.is_text() {
        printer.line(&format!("{:<40} {:<16} Iterations", "Benchmark", "Time(ns)"))?;
        printer.line(&"-".repeat(68))?;
    }
    for (index, name) in trials {
        let (mut times, mut nanoseconds) = (0, 0);
        while times < MOST_RUNS && nanoseconds < ENOUGH {
            let trial = running.run_trial(*index, RUNS).map_err(|error| Failed(error.to_string()))?;
            times += RUNS;
            nanoseconds += trial.time.as_nanos();
            print_all(running, printer)?;
            if trial.has_exited {
                break;
            }
        }
        let average = nanoseconds / u128::from(times.max(1));
        if printer.is_text() {
            printer.line(&format!("{name:<40} {average:<16} {times}"))?;
        } else {
            printer.line(&json::benchmark_result(name, average, times))?;
        }
    }
    Ok(())
}
