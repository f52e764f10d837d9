//! The border of privilege: [`Tracer`] takes source text, options and environment, and gives back a running
//! [`Session`](crate::session::Session) or what was wrong.
//!
//! Nothing that crosses it is a pointer, a closure over caller state, or BPF bytecode from the caller: a
//! privileged helper process can stand behind it, compile, load and attach there, and hand back
//! descriptors of maps and ring buffer. [`crate::live::LiveTracer`] stands behind it in-process.

use std::time::{Duration, Instant};

use probebook_lang::config::Config;
use probebook_lang::diagnostic::Diagnostic;
use probebook_lang::environment::Environment;
use probebook_lang::source::Source;

use crate::Error;
use crate::event::Event;
use crate::map::MapSnapshot;

/// What a program is run for. Probes that are for something else are not even loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Tracing.
    #[default]
    Trace,
    /// Its `test` probes.
    Test,
    /// Its `bench` probes.
    Bench,
}

/// How to run a program.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What for.
    pub purpose: Purpose,
    /// Attach, but run nothing.
    pub dry_run: bool,
    /// Do without uprobe.multi links.
    pub no_uprobe_multi: bool,
    /// Do without kprobe.multi links.
    pub no_kprobe_multi: bool,
    /// Only events of this process (`-p`).
    pub pid: Option<u32>,
    /// The process of a command that is run with the program (`-c`): as in bpftrace, probes that are attached
    /// to a process (uprobes, profile, software) see only this one, tracepoints see everything.
    pub command: Option<u32>,
    /// Make the maps this program uses anew, empty.
    pub fresh: bool,
    /// Ring buffer bytes, a power of two of pages; `None` chooses by what sends and by the machine's memory.
    pub ring_bytes: Option<u32>,
    /// Let Linux count runs and time of programs while the session lives: [`Counts::events`] and
    /// [`Running::cost`] need it. It costs each run two reads of the clock (some 20 ns).
    pub statistics: bool,
}

/// Why a program does not run.
#[derive(Debug)]
pub enum Refusal {
    /// The program is wrong.
    Program(Vec<Diagnostic>),
    /// The machine refuses.
    Machine(Error),
}

/// Runs programs and keeps their maps.
pub trait Tracer: Send {
    /// What the language sees of earlier cells.
    fn environment(&self) -> &Environment;

    /// The environment, to set parameters and the cell's name.
    fn environment_mut(&mut self) -> &mut Environment;

    /// Compiles, loads, runs `begin`, attaches. The source holds all files that it names: they are read with the
    /// rights of the caller, not with those of who traces. On any failure nothing is left attached and no map of an
    /// earlier cell is changed.
    ///
    /// # Errors
    /// [`Refusal`].
    fn start(&mut self, source: &Source, options: &Options) -> Result<Box<dyn Running>, Refusal>;

    /// A map that lives on from earlier cells.
    ///
    /// # Errors
    /// Where Linux refuses to read it.
    fn snapshot(&self, name: &str) -> Result<Option<MapSnapshot>, Error>;

    /// Forgets a map, or all of them and what programs have declared, and set in `config` blocks.
    fn reset(&mut self, name: Option<&str>);
}

/// What a session has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs of event programs; 0 without [`Options::statistics`].
    pub events: u64,
    /// Records lost for want of room in the ring buffer.
    pub lost: u64,
    /// Map updates dropped because the map was full.
    pub map_full: u64,
    /// Probe firings Linux skipped because one was already running there.
    pub missed: u64,
}

/// A started program. Dropping it detaches, without blocking the caller.
pub trait Running: Send {
    /// Warnings of compilation.
    fn warnings(&self) -> &[Diagnostic];

    /// The configuration it runs with.
    fn config(&self) -> &Config;

    /// Full names of the attached probes, begin and end not counted.
    fn probes(&self) -> &[String];

    /// How many probes there are, those included that are run rather than attached; tests and benchmarks are
    /// not counted.
    fn probe_count(&self) -> usize {
        self.probes().len()
    }

    /// Whether nothing is attached, so that the program has ended once `begin` has run.
    fn is_finished(&self) -> bool;

    /// The map that is the cell's result, if a bare `@map` stands in last place.
    fn result_map(&self) -> Option<&str>;

    /// The next event, waiting until `deadline` for it; `None` if there was none.
    fn next_event(&mut self, deadline: Instant) -> Option<Event>;

    /// The names of the maps that the program writes, sorted.
    fn maps(&self) -> &[String];

    /// One of the program's maps now.
    ///
    /// # Errors
    /// Where Linux refuses to read it.
    fn snapshot(&self, name: &str) -> Result<MapSnapshot, Error>;

    /// What was counted so far.
    fn counts(&self) -> Counts;

    /// When the probes went live.
    fn started(&self) -> Instant;

    /// Runs the probes that wait for SIGUSR1.
    ///
    /// # Errors
    /// Where running one fails.
    fn signal(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The names of its tests or benchmarks, by what it is run for.
    fn trials(&self) -> Vec<String> {
        Vec::new()
    }

    /// Runs a test or benchmark of [`Self::trials`] so many times. What it sent is there when this returns.
    ///
    /// # Errors
    /// Where running it fails.
    fn run_trial(&mut self, _index: usize, _times: u32) -> Result<Trial, Error> {
        Ok(Trial::default())
    }

    /// Closes the gate, detaches on the reaper, runs `end`, and drains the ring buffer: the events that
    /// follow come from `next_event`, called with a deadline ahead, until it gives `None`.
    ///
    /// # Errors
    /// Where running `end` fails.
    fn stop(&mut self) -> Result<(), Error>;

    /// Nanoseconds spent in BPF programs and their runs, while statistics are on.
    fn cost(&self) -> Option<(Duration, u64)>;
}

/// A test or benchmark that was run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// What the program returned the last time.
    pub result: u32,
    /// How long the program itself ran, all times together; 0 without [`Options::statistics`].
    pub time: Duration,
    /// Whether it called `exit`, and so ended.
    pub has_exited: bool,
}
