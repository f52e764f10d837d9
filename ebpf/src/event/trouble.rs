//! [`Notice`]s in the globals → warnings: what has gone wrong since the last look.
//!
//! Programs only count, so that trouble in a hot probe neither floods the ring buffer nor the reader.

use std::sync::Arc;

use probebook_lang::ir::RuntimeWarning;

use super::{Event, Failure};
use crate::isa::Helper;
use crate::object::{Site, Trouble};
use crate::session::counters::Shared;

/// The sites of a session, with what was reported.
pub(super) struct Troubles {
    globals: Arc<Shared>,
    sites: Vec<(Site, u64)>,
}

impl Troubles {
    /// Nothing was reported yet.
    pub fn new(globals: Arc<Shared>, sites: Vec<Site>) -> Self {
        Self { globals, sites: sites.into_iter().map(|site| (site, 0)).collect() }
    }

    /// Whether nothing can go wrong.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// A warning for each place where something has gone wrong since the last call.
    pub fn news(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (index, (site, reported)) in self.sites.iter_mut().enumerate() {
            let notice = self.globals.notice(index);
            let times = notice.times - *reported;
            if times > 0 {
                *reported = notice.times;
                events.push(warning(*site, times, notice.code));
            }
        }
        events
    }
}

fn warning(site: Site, times: u64, code: i64) -> Event {
    let Site { span, trouble } = site;
    let (message, help, helper) = match trouble {
        Trouble::Program(warning) => (warning.message().to_owned(), help_of(warning), None),
        Trouble::Helper(helper) => {
            let error = match code {
                0 => "no such element".to_owned(),
                code => reason(code),
            };
            let (message, help) = words(helper, code, &error);
            (message, help, Some(Failure { helper: helper.name(), code, error }))
        }
    };
    Event::Warning { message, help, helper, span, times }
}

fn help_of(warning: RuntimeWarning) -> Option<String> {
    match warning {
        RuntimeWarning::DivideByZero => Some("test the divisor before, or in the predicate".into()),
        RuntimeWarning::NoCommand => Some("give one: `-c \"command\"`".into()),
        _ => None,
    }
}

fn words(helper: Helper, code: i64, error: &str) -> (String, Option<String>) {
    match helper {
        Helper::MapUpdateElem if code == -i64::from(libc::E2BIG) => (
            "the map is full: this element was not stored".into(),
            Some("raise `max_map_keys` in the `config` block, or give the map its own size: `let @m = hash(10000);`".into()),
        ),
        Helper::MapUpdateElem => (format!("this element was not stored: {error}"), None),
        Helper::MapDeleteElem => ("there is no such element to delete".into(), None),
        Helper::MapLookupElem => ("there is no such element: 0 or nothing is read".into(), None),
        Helper::ProbeReadUser | Helper::ProbeReadUserStr => (
            format!("this memory of the process cannot be read ({error}): 0 or nothing is read"),
            Some("if it is an address in the kernel, say so: `kptr(…)`".into()),
        ),
        Helper::ProbeReadKernel | Helper::ProbeReadKernelStr => (
            format!("this memory of the kernel cannot be read ({error}): 0 or nothing is read"),
            Some("if it is an address in the process, say so: `uptr(…)`".into()),
        ),
        _ => (format!("{} failed: {error}", helper.name()), None),
    }
}

/// An error in Linux's words.
fn reason(code: i64) -> String {
    let text = std::io::Error::from_raw_os_error(code.unsigned_abs() as i32).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
