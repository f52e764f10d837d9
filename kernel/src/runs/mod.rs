//! [`Cell`] → outputs: starts its program, follows it while it runs, shows what it leaves.
//!
//! A program with events runs in the foreground: one figure is drawn again and again while text passes, until
//! something ends it. One without (`begin` and top-level statements) ends as soon as it has begun.
//!
//! *Invariant:* when [`run`] returns, nothing of the cell is attached and no process of it is left.
//!
//! *Not here:* the request around it (`shell`), pictures (`display`).

pub mod child;
mod figure;
mod pace;
mod refusal;
mod stream;
mod target;
mod trouble;

use std::time::{Duration, Instant};

use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Options, Running, Tracer};
use probebook_ebpf::value::Value;
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::source::Span;

use crate::cell::Cell;
use crate::display::bundle;
use crate::display::text;
use crate::interrupt::Interrupt;
use crate::magic::Bound;
use crate::outlet::{Failure, Outlet, Output, StreamName, plain};

use child::{Child, ChildOutput, Note};
use figure::Figure;
use pace::Pace;
use stream::Streams;

pub use refusal::refused;
pub use target::Target;
pub use trouble::trouble;

use refusal::machine;

/// How long an event of a stopped program is awaited. After the last one there is none at once; the limit is
/// for a machine that is too busy to tell.
pub const LAST_EVENT: Duration = Duration::from_secs(5);

/// How the notebook wants cells to be run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a cell runs that does not say so.
    pub bound: Bound,
}

impl Default for Settings {
    fn default() -> Self {
        Self { bound: Bound::After(Duration::from_secs(10)) }
    }
}

/// What ended a run.
#[derive(Debug)]
pub enum End {
    /// Nothing was attached.
    Done,
    /// `exit()`
    Exit,
    /// The time is over; whether the cell itself said how long.
    Bound {
        /// The cell said so, not the notebook.
        is_own: bool,
    },
    /// The condition holds.
    Condition,
    /// The command ended, as described.
    Command(String),
    /// The traced process ended.
    Process,
    /// The user wanted it.
    Interrupt,
}

/// Runs the program of a cell. `count` numbers its result.
///
/// # Errors
/// The program is wrong, the machine refuses, or it ended with an exit code; what it had to show was shown.
pub fn run(
    tracer: &mut dyn Tracer,
    cell: &Cell,
    settings: Settings,
    count: u32,
    interrupt: &Interrupt,
    outlet: &dyn Outlet,
) -> Result<(), Failure> {
    let mut child = match &cell.trace.command {
        None => None,
        Some(command) => Some(
            Child::spawn(command, ChildOutput::Captured)
                .map_err(|e| Failure::plain("CommandError", e.to_string()))?,
        ),
    };
    let target = match cell.trace.pid {
        None => None,
        Some(pid) => Some(
            Target::open(pid).map_err(|e| Failure::plain("ProcessError", format!("process {pid}: {e}")))?,
        ),
    };
    let options = Options {
        pid: cell.trace.pid,
        command: child.as_ref().map(Child::pid),
        fresh: cell.trace.fresh,
        ring_bytes: None,
        statistics: true,
        ..Options::default()
    };
    let running =
        tracer.start(&cell.program, &options).map_err(|refusal| refused(&refusal, &cell.written))?;
    if let Some(condition) = &cell.trace.until
        && !running.maps().contains(&condition.map)
    {
        let map = &condition.map;
        return Err(Failure::plain(
            "MagicError",
            format!("`until` looks at @{map}, which the program does not write"),
        ));
    }
    if let Some(child) = &mut child {
        child.release();
    }
    Run::new(running, cell, settings, count, outlet).follow(child, target, interrupt)
}

/// A program that runs, and what was seen of it so far.
struct Run<'a> {
    running: Box<dyn Running>,
    cell: &'a Cell,
    count: u32,
    outlet: &'a dyn Outlet,
    streams: Streams,
    pace: Pace,
    bound: Option<Duration>,
    exit: Option<i64>,
    /// The first `errorf`.
    error: Option<(String, Span)>,
    results: Vec<Value>,
    lost: u64,
    /// How often something has gone wrong in the programs.
    warnings: u64,
}

impl<'a> Run<'a> {
    fn new(
        running: Box<dyn Running>,
        cell: &'a Cell,
        settings: Settings,
        count: u32,
        outlet: &'a dyn Outlet,
    ) -> Self {
        let bound = match (cell.trace.bound, &cell.trace.command) {
            (None, Some(_)) => Bound::Forever,
            (bound, _) => bound.unwrap_or(settings.bound),
        };
        let bound = match bound {
            Bound::After(bound) => Some(bound),
            Bound::Forever => None,
        };
        let pace = Pace::new(running.started(), bound);
        let streams = Streams::new(Instant::now());
        Self {
            running,
            cell,
            count,
            outlet,
            streams,
            pace,
            bound,
            exit: None,
            error: None,
            results: Vec::new(),
            lost: 0,
            warnings: 0,
        }
    }

    fn follow(
        mut self,
        mut child: Option<Child>,
        target: Option<Target>,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        if !self.running.warnings().is_empty() {
            let warnings = render(&self.cell.written, self.running.warnings(), Style::Plain);
            self.warn(Some(warnings));
        }
        let mut figure = None;
        let end = if self.running.is_finished() {
            End::Done
        } else {
            let figure = figure.insert(Figure::new());
            loop {
                if let Some(end) = self.ended(&mut child, target.as_ref(), interrupt) {
                    break end;
                }
                self.step(figure);
            }
        };
        let elapsed = self.running.started().elapsed();
        let stopped = self.running.stop();
        while let Some(event) = self.running.next_event(Instant::now() + LAST_EVENT) {
            self.handle(event);
        }
        if let Some(mut child) = child.take() {
            for note in child.end() {
                self.note(&note);
            }
        }
        self.streams.flush(Instant::now(), true, self.outlet);
        if let Some(mut figure) = figure {
            let failed = figure.finish(&*self.running, elapsed, self.bound, self.notes(&end), self.outlet);
            self.warn(failed);
        } else {
            self.show_maps(elapsed);
        }
        self.show_results()?;
        self.streams.flush(Instant::now(), true, self.outlet);
        stopped.map_err(|error| machine(&error, &self.cell.written))?;
        if let Some((message, span)) = &self.error {
            let place = self.cell.written.place(*span);
            return Err(Failure::plain("Error", format!("{message}\nerrorf at {place}")));
        }
        match self.exit {
            Some(code) if code != 0 => Err(Failure::plain("Exit", format!("exit code {code}"))),
            _ => Ok(()),
        }
    }

    /// What ends the run now, if anything.
    fn ended(
        &mut self,
        child: &mut Option<Child>,
        target: Option<&Target>,
        interrupt: &Interrupt,
    ) -> Option<End> {
        let now = Instant::now();
        if interrupt.take_signal()
            && let Err(error) = self.running.signal()
        {
            self.warn(Some(error.to_string()));
        }
        if self.exit.is_some() {
            return Some(End::Exit);
        }
        if interrupt.is_set() {
            return Some(End::Interrupt);
        }
        if let Some(child) = child {
            while let Some(note) = child.next_note() {
                if let Some(end) = self.note(&note) {
                    return Some(end);
                }
            }
        }
        if target.is_some_and(Target::has_ended) {
            return Some(End::Process);
        }
        if let Some(condition) = &self.cell.trace.until
            && self.pace.take_look(now)
            && self.running.snapshot(&condition.map).is_ok_and(|snapshot| condition.holds(&snapshot))
        {
            return Some(End::Condition);
        }
        self.pace.is_over(now).then(|| End::Bound { is_own: self.cell.trace.bound.is_some() })
    }

    /// Draws and sends what is due, then handles the events that come until something is due again.
    fn step(&mut self, figure: &mut Figure) {
        let now = Instant::now();
        self.streams.flush(now, false, self.outlet);
        if self.pace.take_frame(now) {
            let failed = figure.draw(&*self.running, self.bound, self.outlet);
            self.pace.drew(Instant::now(), now.elapsed());
            self.warn(failed);
        }
        let deadline = self.pace.deadline(Instant::now(), self.streams.due());
        while self.exit.is_none()
            && let Some(event) = self.running.next_event(deadline)
        {
            self.handle(event);
            if Instant::now() >= deadline {
                break;
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let now = Instant::now();
        let out = StreamName::Stdout;
        match event {
            Event::Text(_, text) => self.streams.push_hostile(now, out, &text),
            Event::CommandError(text) => self.streams.push_hostile(now, StreamName::Stderr, &text),
            Event::Message { is_error, text, span } => {
                let place = self.cell.written.place(span);
                let severity = if is_error { "ERROR" } else { "WARNING" };
                self.streams.push(now, StreamName::Stderr, &format!("{place}: {severity}: "));
                self.streams.push_hostile(now, StreamName::Stderr, &text);
                self.streams.push(now, StreamName::Stderr, "\n");
                if is_error && self.error.is_none() {
                    self.error = Some((text::clean(&text), span));
                }
            }
            Event::Failed { message, span } => {
                let line = format!("{}: ERROR: {message}", self.cell.written.place(span));
                self.streams.push_hostile(now, StreamName::Stderr, line.as_bytes());
                self.streams.push(now, StreamName::Stderr, "\n");
            }
            Event::Value(value) => self.streams.push_hostile(now, out, format!("{value}\n").as_bytes()),
            Event::Result(value) => self.results.push(value),
            Event::MapPrint { snapshot, top, divisor } => {
                self.streams.push_hostile(now, out, &text::map(&snapshot, top, divisor));
            }
            Event::Exit(code) => self.exit = Some(code),
            Event::Warning { message, help, helper, span, times } => {
                self.warnings += times;
                let warning = trouble(message, help, helper.as_ref(), span, times);
                self.warn(Some(render(&self.cell.written, &[warning], Style::Plain)));
            }
            Event::Lost(lost) => {
                self.lost += lost;
                self.streams.push(now, StreamName::Stderr, &format!("Lost {lost} events\n"));
            }
        }
    }

    /// Passes on what the command wrote; its end is the run's.
    fn note(&mut self, note: &Note) -> Option<End> {
        match note {
            Note::Text(name, text) => {
                self.streams.push(Instant::now(), *name, &String::from_utf8_lossy(text));
                None
            }
            Note::Ended(status) => Some(End::Command(child::describe(*status))),
            Note::Failed(error) => {
                self.warn(Some(format!("the command could not be run: {error}")));
                Some(End::Command("the command could not be run".into()))
            }
        }
    }

    fn warn(&mut self, text: Option<String>) {
        if let Some(text) = text {
            self.streams.push(Instant::now(), StreamName::Stderr, &format!("{}\n", text.trim_end()));
        }
    }

    /// What the figure says about the run's end.
    fn notes(&self, end: &End) -> Vec<String> {
        let mut notes = Vec::new();
        match end {
            End::Done | End::Exit => {}
            End::Bound { is_own: true } => {}
            End::Bound { is_own: false } => {
                let seconds = self.bound.unwrap_or_default().as_secs_f64();
                notes.push(format!(
                    "ended after the default {seconds} s; `%%trace 30s`, `%%trace forever` or exit() change that"
                ));
            }
            End::Condition => notes.push("the condition holds".into()),
            End::Command(how) => notes.push(how.clone()),
            End::Process => notes.push("the traced process ended".into()),
            End::Interrupt => notes.push("interrupted".into()),
        }
        let counts = self.running.counts();
        let warnings = self.warnings.saturating_sub(counts.map_full);
        if warnings > 0 {
            notes.push(format!("{warnings} run-time warning{}", if warnings == 1 { "" } else { "s" }));
        }
        if counts.events == 0 {
            notes.push("no event came".into());
        }
        notes
    }

    /// What a program without events leaves: the maps that its probes wrote. Top-level statements alone are
    /// a calculation; their maps are shown when asked for.
    fn show_maps(&mut self, elapsed: Duration) {
        let parameters = Default::default();
        let (program, _) = probebook_lang::syntax::parse(&self.cell.program, &parameters);
        if !program.probes.is_empty() && !self.running.maps().is_empty() {
            let failed = Figure::outside().finish(&*self.running, elapsed, None, Vec::new(), self.outlet);
            self.warn(failed);
        }
    }

    /// The cell's value: a map as its picture, anything else as text.
    fn show_results(&mut self) -> Result<(), Failure> {
        let mut bundles = Vec::new();
        if let Some(name) = self.running.result_map() {
            let snapshot =
                self.running.snapshot(name).map_err(|error| machine(&error, &self.cell.written))?;
            bundles.push(bundle::complete(&crate::display::display(&[snapshot], None)));
        }
        bundles.extend(self.results.drain(..).map(|value| plain(text::clean(value.to_string().as_bytes()))));
        for bundle in bundles {
            self.outlet.put(Output::Result { bundle, count: self.count });
        }
        Ok(())
    }
}
