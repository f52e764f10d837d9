//! Facts about this machine, as `lang` asks for them: [`LiveHost`].
//!
//! Everything is read when it is first asked for and kept; nothing is read at start.
//!
//! *Not here:* what code generation needs to know ([`features`]).

pub mod btf;
pub mod elf;
pub mod features;
pub mod tracefs;

use std::collections::BTreeMap;
use std::sync::Mutex;

use probebook_lang::host::{Host, TracepointFormat, Unavailable};

/// The running machine.
#[derive(Debug, Default)]
pub struct LiveHost {
    functions: Mutex<BTreeMap<String, Vec<(String, u64)>>>,
}

impl LiveHost {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Host for LiveHost {
    fn tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        tracefs::tracepoints()
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<Option<TracepointFormat>, Unavailable> {
        tracefs::format(category, event)
    }

    fn raw_tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        if let Some(names) = btf::raw_tracepoints() {
            return Ok(names);
        }
        // Without BTF: every event is a candidate by its bare name.
        let names = tracefs::tracepoints()?;
        let mut names: Vec<String> =
            names.iter().filter_map(|name| name.split_once(':')).map(|(_, event)| event.to_owned()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn resolve_binary(&self, name: &str) -> Option<String> {
        elf::resolve(name)
    }

    fn functions(&self, path: &str) -> Result<Vec<(String, u64)>, Unavailable> {
        let mut known = self.functions.lock().map_err(|_| Unavailable("symbols cannot be read".into()))?;
        if let Some(functions) = known.get(path) {
            return Ok(functions.clone());
        }
        let functions = elf::functions(path)?;
        known.insert(path.to_owned(), functions.clone());
        Ok(functions)
    }

    fn cpus(&self) -> u32 {
        features::online_cpus().len() as u32
    }
}
