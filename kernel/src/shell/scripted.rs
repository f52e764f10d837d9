//! A tracer for tests that plays what a test wrote down: program text → [`Script`].

use std::time::{Duration, Instant};

use probebook_ebpf::Error;
use probebook_ebpf::event::Event;
use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_ebpf::tracer::{Counts, Options, Refusal, Running, Tracer};
use probebook_ebpf::value::Value;
use probebook_lang::config::Config;
use probebook_lang::diagnostic::Diagnostic;
use probebook_lang::environment::{Environment, KnownMap};
use probebook_lang::host::FixedHost;
use probebook_lang::source::Source;
use probebook_lang::types::{MapType, MapValue};

use super::Shell;

/// What a program does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// What happens, and when after the start.
    pub(crate) events: Vec<(Duration, Event)>,
    /// What happens while it stops.
    pub(crate) last: Vec<Event>,
    /// A count that grows with time.
    pub(crate) map: Option<&'static str>,
    /// Attached probes; without any it is finished once begun.
    pub(crate) probes: Vec<String>,
    /// The map that is the cell's result.
    pub(crate) result: Option<&'static str>,
}

type Scripts = Box<dyn FnMut(&Source, &Options) -> Result<Script, Refusal> + Send>;

/// A notebook whose programs do what `scripts` says.
pub(crate) fn shell(
    scripts: impl FnMut(&Source, &Options) -> Result<Script, Refusal> + Send + 'static,
) -> Shell {
    let tracer = ScriptedTracer { environment: Environment::default(), scripts: Box::new(scripts) };
    Shell::new(Box::new(tracer), Box::<FixedHost>::default(), None)
}

struct ScriptedTracer {
    environment: Environment,
    scripts: Scripts,
}

impl Tracer for ScriptedTracer {
    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }

    fn start(&mut self, source: &Source, options: &Options) -> Result<Box<dyn Running>, Refusal> {
        let script = (self.scripts)(source, options)?;
        if let Some(name) = script.map {
            let users = vec![self.environment.cell.clone()];
            let known = KnownMap { ty: ty(), max_entries: 1, evicts: false, users };
            self.environment.maps.insert(name.to_owned(), known);
        }
        let maps = script.map.iter().map(|name| (*name).to_owned()).collect();
        Ok(Box::new(ScriptedRun {
            script,
            maps,
            config: Config::default(),
            started: Instant::now(),
            stopped: None,
        }))
    }

    fn snapshot(&self, name: &str) -> Result<Option<MapSnapshot>, Error> {
        Ok(self.environment.maps.contains_key(name).then(|| count(name, 7)))
    }

    fn reset(&mut self, name: Option<&str>) {
        self.environment.maps.retain(|known, _| name.is_some_and(|name| name != known));
    }
}

struct ScriptedRun {
    script: Script,
    maps: Vec<String>,
    config: Config,
    started: Instant,
    stopped: Option<Instant>,
}

impl Running for ScriptedRun {
    fn warnings(&self) -> &[Diagnostic] {
        &[]
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn probes(&self) -> &[String] {
        &self.script.probes
    }

    fn is_finished(&self) -> bool {
        self.script.probes.is_empty()
    }

    fn result_map(&self) -> Option<&str> {
        self.script.result
    }

    fn next_event(&mut self, deadline: Instant) -> Option<Event> {
        let due = self.script.events.first().map(|(after, _)| self.started + *after);
        match due.filter(|due| self.stopped.map_or(*due <= deadline, |stopped| *due <= stopped)) {
            Some(due) => {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                Some(self.script.events.remove(0).1)
            }
            None if self.stopped.is_some() => {
                (!self.script.last.is_empty()).then(|| self.script.last.remove(0))
            }
            None => {
                std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
                None
            }
        }
    }

    fn maps(&self) -> &[String] {
        &self.maps
    }

    fn snapshot(&self, name: &str) -> Result<MapSnapshot, Error> {
        Ok(count(name, self.counts().events))
    }

    fn counts(&self) -> Counts {
        let until = self.stopped.unwrap_or_else(Instant::now);
        Counts { events: (until - self.started).as_millis() as u64, ..Counts::default() }
    }

    fn started(&self) -> Instant {
        self.started
    }

    fn stop(&mut self) -> Result<(), Error> {
        self.stopped = Some(Instant::now());
        Ok(())
    }

    fn cost(&self) -> Option<(Duration, u64)> {
        None
    }
}

fn ty() -> MapType {
    MapType { key: None, value: MapValue::Count, unit: None }
}

fn count(name: &str, n: u64) -> MapSnapshot {
    let entry = Entry { key: Vec::new(), value: EntryValue::Number(Value::Uint(n)) };
    MapSnapshot { name: name.to_owned(), ty: ty(), entries: vec![entry] }
}
