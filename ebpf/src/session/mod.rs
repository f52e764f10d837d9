//! [`Object`] → [`Session`]: a program that runs, with its links, maps and events.
//!
//! Starting goes: make the session's own maps, load, start the event thread, attach behind the shut gate, run
//! `begin`, open the gate. Stopping goes the other way: shut the gate, hand the links to the reaper, run `end`,
//! drain. No program has run when attaching fails, so maps of earlier cells are then as they were.
//!
//! *Invariant:* a session that is dropped detaches, and dropping never waits.
//!
//! *Not here:* which maps live on (`live`), the bytes of records (`event`).

pub mod counters;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probebook_lang::config::{Config, MissingProbes};
use probebook_lang::diagnostic::{Code, Diagnostic};
use probebook_lang::probes::AttachPoint;

use crate::Error;
use crate::attach::{Attachment, Plan, reaper};
use crate::error::refused;
use crate::event::Event;
use crate::event::ring::{self, Queue, Setup};
use crate::isa::Helper;
use crate::load::{Program, Terms};
use crate::map::{Map, MapSnapshot};
use crate::object::{Counter, MapRef, Object, Site, Trouble};
use crate::sys::perf::boot_clock_ns;
use crate::sys::program::RunCounts;
use crate::tracer::{Counts, Purpose, Running, Trial};
use counters::{Counters, Shared};

/// How long to wait for the event thread to take what `begin` or an exiting program has sent.
const SETTLE: Duration = Duration::from_millis(500);

/// Names of the maps that a session uses; it holds the lease until it is stopped.
pub type Lease = BTreeSet<String>;

/// What a session is made of, beside the object.
pub struct Parts<'a> {
    /// What keeps others from changing the shape of its maps.
    pub lease: Arc<Lease>,
    /// The maps of the object, by their number in it.
    pub maps: Vec<Arc<Map>>,
    /// Names of maps that the program writes, sorted.
    pub written: Vec<String>,
    /// The map that is the cell's result.
    pub result_map: Option<String>,
    /// Warnings of compilation.
    pub warnings: Vec<Diagnostic>,
    /// The configuration of the program.
    pub config: Config,
    /// How to attach.
    pub plan: Plan<'a>,
    /// Possible CPUs.
    pub cpus: usize,
    /// Bytes of the ring buffer.
    pub ring_bytes: u32,
    /// Whether Linux counts runs and time while the session lives.
    pub statistics: bool,
    /// What for.
    pub purpose: Purpose,
    /// Attach, but run nothing.
    pub dry_run: bool,
}

/// A started program.
pub struct Session {
    programs: Vec<Program>,
    attachments: Vec<Attachment>,
    /// Held while it runs.
    lease: Option<Arc<Lease>>,
    maps: Vec<Arc<Map>>,
    written: Vec<String>,
    result_map: Option<String>,
    warnings: Vec<Diagnostic>,
    config: Config,
    probes: Vec<String>,
    globals: Arc<Shared>,
    sites: Vec<Site>,
    counters: Arc<Counters>,
    _scratch: OwnedFd,
    _constants: OwnedFd,
    queue: Queue,
    statistics: Option<OwnedFd>,
    started: Instant,
    stopped: bool,
    /// What the programs had counted before the gate was opened.
    idle: RunCounts,
    /// What the programs had counted when they were stopped.
    last: Option<RunCounts>,
}

impl Session {
    /// Loads, runs `begin`, attaches, opens the gate.
    ///
    /// # Errors
    /// What the machine refuses; then nothing is left attached.
    pub fn start(object: &Object, parts: Parts<'_>) -> Result<Self, Error> {
        let made = |error| refused("making the maps of a session", error);
        let globals = Arc::new(Shared::create(object).map_err(made)?);
        let counters = Arc::new(Counters::create(parts.cpus).map_err(made)?);
        let scratch = counters::create_scratch(object.scratch_size, parts.cpus).map_err(made)?;
        let constants = counters::create_constants(&object.constants).map_err(made)?;
        let ring = ring::create(parts.ring_bytes).map_err(|error| made(std::io::Error::other(error)))?;
        let terms = Terms {
            plan: &parts.plan,
            license: parts.config.license.word(),
            log_size: parts.config.log_size,
        };
        let mut programs = Vec::with_capacity(object.programs.len());
        for spec in object.programs.iter().filter(|spec| is_wanted(&spec.points, parts.purpose)) {
            let resolve = |map: MapRef| match map {
                MapRef::User(index) => parts.maps[index as usize].as_fd(),
                MapRef::Ring => ring::descriptor(&ring),
                MapRef::Counters => counters.as_fd(),
                MapRef::Scratch => scratch.as_fd(),
                MapRef::Constants => constants.as_fd(),
                MapRef::Globals => globals.as_fd(),
            };
            programs.push(Program::load(spec, terms, resolve)?);
        }
        let queue = Queue::start(Setup {
            ring,
            records: object.records.clone(),
            maps: parts.maps.clone(),
            counters: Arc::clone(&counters),
            globals: Arc::clone(&globals),
            sites: object.sites.clone(),
        })
        .map_err(|error| refused("starting the event thread", error))?;
        let mut session = Self {
            programs,
            attachments: Vec::new(),
            lease: Some(parts.lease),
            maps: parts.maps,
            written: parts.written,
            result_map: parts.result_map,
            warnings: parts.warnings,
            config: parts.config,
            probes: Vec::new(),
            globals,
            sites: object.sites.clone(),
            counters,
            _scratch: scratch,
            _constants: constants,
            queue,
            statistics: parts
                .statistics
                .then(|| aya::sys::enable_stats(aya::sys::Stats::RunTime).ok())
                .flatten(),
            started: Instant::now(),
            stopped: false,
            idle: RunCounts::default(),
            last: None,
        };
        session.attach(&parts.plan)?;
        if !parts.dry_run {
            session.go_live()?;
        }
        Ok(session)
    }

    /// Attaches all programs, or as many as the setting `missing_probes` is content with, if any.
    fn attach(&mut self, plan: &Plan<'_>) -> Result<(), Error> {
        let mut left_out = None;
        for program in self.programs.iter().filter(|program| !program.is_special()) {
            match (plan.attach(program), self.config.missing_probes) {
                (Ok(attachment), _) => {
                    self.attachments.push(attachment);
                    self.probes.extend(program.points.iter().map(ToString::to_string));
                }
                (
                    Err(error @ Error::Attach { .. }),
                    policy @ (MissingProbes::Warn | MissingProbes::Ignore),
                ) => {
                    if policy == MissingProbes::Warn {
                        let warning = Diagnostic::warning(Code::NotAttached, program.span, error.to_string());
                        self.warnings.push(warning.note("this probe is left out"));
                    }
                    left_out = Some(error);
                }
                (Err(error), _) => return Err(error),
            }
        }
        match left_out {
            Some(error) if !self.waits() => Err(error),
            _ => Ok(()),
        }
    }

    fn go_live(&mut self) -> Result<(), Error> {
        self.globals.set_started(boot_clock_ns());
        let begin = |program: &&Program| program.points.contains(&AttachPoint::Begin);
        let mut began = false;
        for program in self.programs.iter().filter(begin) {
            program.run()?;
            began = true;
        }
        if began {
            self.queue.settle(SETTLE);
            if self.queue.has_exited() {
                self.detach();
                return Ok(());
            }
        }
        self.idle = self.total_counts();
        self.started = Instant::now();
        self.globals.set_gate(true);
        Ok(())
    }

    /// What Linux has counted for the event programs while the gate was open.
    fn run_counts(&self) -> RunCounts {
        self.last.unwrap_or_else(|| {
            let (total, idle) = (self.total_counts(), self.idle);
            RunCounts {
                time_ns: total.time_ns.saturating_sub(idle.time_ns),
                runs: total.runs.saturating_sub(idle.runs),
                missed: total.missed.saturating_sub(idle.missed),
            }
        })
    }

    fn total_counts(&self) -> RunCounts {
        let mut sum = RunCounts::default();
        for program in self.programs.iter().filter(|program| !program.is_special()) {
            let counts = program.run_counts();
            sum.time_ns += counts.time_ns;
            sum.runs += counts.runs;
            sum.missed += counts.missed;
        }
        sum
    }

    /// Whether something may still happen.
    fn waits(&self) -> bool {
        let on_signal = |program: &Program| program.points.contains(&AttachPoint::Signal);
        !self.attachments.is_empty() || self.programs.iter().any(on_signal)
    }

    fn trial_programs(&self) -> impl Iterator<Item = (&str, &Program)> {
        self.programs.iter().filter_map(|program| match program.points.first() {
            Some(AttachPoint::Test(name) | AttachPoint::Bench(name)) => Some((name.as_str(), program)),
            _ => None,
        })
    }

    /// Updates that were dropped because a map was full.
    fn map_full(&self) -> u64 {
        let is_update = |site: &Site| site.trouble == Trouble::Helper(Helper::MapUpdateElem);
        let sites = self.sites.iter().enumerate().filter(|(_, site)| is_update(site));
        sites.map(|(index, _)| self.globals.notice(index).times).sum()
    }

    fn detach(&mut self) {
        self.globals.set_gate(false);
        self.attachments.drain(..).for_each(reaper::close);
    }
}

/// Whether a program that is run for this purpose has use for what belongs to these points.
fn is_wanted(points: &[AttachPoint], purpose: Purpose) -> bool {
    match points.first() {
        Some(AttachPoint::Test(_)) => purpose == Purpose::Test,
        Some(AttachPoint::Bench(_)) => purpose == Purpose::Bench,
        _ => true,
    }
}

impl Running for Session {
    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn probes(&self) -> &[String] {
        &self.probes
    }

    fn probe_count(&self) -> usize {
        let run =
            self.programs.iter().filter(|program| program.is_special()).flat_map(|program| &program.points);
        let counted = run.filter(|point| !matches!(point, AttachPoint::Test(_) | AttachPoint::Bench(_)));
        self.probes.len() + counted.count()
    }

    fn is_finished(&self) -> bool {
        self.stopped || self.queue.has_exited() || !self.waits()
    }

    fn result_map(&self) -> Option<&str> {
        self.result_map.as_deref()
    }

    fn next_event(&mut self, deadline: Instant) -> Option<Event> {
        // What `begin` has sent is in the queue already; nothing else comes where nothing is attached.
        let idle = !self.stopped && !self.waits();
        self.queue.next(if idle { Instant::now() } else { deadline })
    }

    fn maps(&self) -> &[String] {
        &self.written
    }

    fn snapshot(&self, name: &str) -> Result<MapSnapshot, Error> {
        match self.maps.iter().find(|map| map.spec().name == name) {
            Some(map) => map.snapshot(),
            None => Err(Error::Map { map: name.into(), reason: "the program has no such map".into() }),
        }
    }

    fn counts(&self) -> Counts {
        let RunCounts { runs, missed, .. } = self.run_counts();
        Counts {
            events: runs,
            lost: self.counters.total(Counter::LostRecords),
            map_full: self.map_full(),
            missed,
        }
    }

    fn started(&self) -> Instant {
        self.started
    }

    fn signal(&mut self) -> Result<(), Error> {
        let waiting = |program: &&Program| program.points.contains(&AttachPoint::Signal);
        if self.stopped || self.queue.has_exited() {
            return Ok(());
        }
        self.programs.iter().filter(waiting).try_for_each(|program| program.run().map(drop))?;
        // One of them may have exited.
        self.queue.settle(SETTLE);
        Ok(())
    }

    fn trials(&self) -> Vec<String> {
        self.trial_programs().map(|(name, _)| name.to_owned()).collect()
    }

    fn run_trial(&mut self, index: usize, times: u32) -> Result<Trial, Error> {
        self.queue.resume();
        let Some((_, program)) = self.trial_programs().nth(index) else { return Ok(Trial::default()) };
        let before = program.run_counts();
        let mut trial = Trial::default();
        for _ in 0..times {
            trial.result = program.run()?;
        }
        let nanoseconds = program.run_counts().time_ns.saturating_sub(before.time_ns);
        self.queue.settle(SETTLE);
        Ok(Trial { time: Duration::from_nanos(nanoseconds), has_exited: self.queue.has_exited(), ..trial })
    }

    fn stop(&mut self) -> Result<(), Error> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        self.detach();
        self.last = Some(self.run_counts());
        self.statistics = None;
        if self.queue.has_exited() {
            self.queue.settle(SETTLE);
        }
        self.queue.ending();
        let end = |program: &&Program| program.points.contains(&AttachPoint::End);
        let ended = self.programs.iter().filter(end).try_for_each(|program| program.run().map(drop));
        self.queue.over();
        self.lease = None;
        ended
    }

    fn cost(&self) -> Option<(Duration, u64)> {
        let counts = self.run_counts();
        (counts.runs > 0).then(|| (Duration::from_nanos(counts.time_ns), counts.runs))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.detach();
        self.queue.over();
    }
}
