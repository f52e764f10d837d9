//! User functions: one uprobe.multi link for all functions of a binary, or a perf event for each where
//! Linux has no such link.
//!
//! Detaching a perf uprobe waits about 100 ms, a uprobe.multi link about 40 ms for any number of functions.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::fd::AsFd;

use super::{Attachment, Plan, Reason, words};
use crate::load::Program;
use crate::sys::{link, perf};

/// Where perf describes its uprobe events.
const PMU: &str = "/sys/bus/event_source/devices/uprobe";

/// Attaches to `(path, file offset, at return)`.
pub fn attach(
    program: &Program,
    functions: &[(&str, u64, bool)],
    plan: &Plan<'_>,
    to: &mut Attachment,
) -> Result<(), Reason> {
    let mut groups: BTreeMap<(&str, bool), Vec<u64>> = BTreeMap::new();
    for &(path, offset, at_return) in functions {
        groups.entry((path, at_return)).or_default().push(offset);
    }
    for ((path, at_return), offsets) in groups {
        let path = CString::new(path).map_err(|_| "a path cannot hold a NUL".to_owned())?;
        if plan.uprobe_multi {
            let link = link::uprobe_multi(program.as_fd(), &path, &offsets, at_return, plan.pid)
                .map_err(|error| words(&error))?;
            to.links.push(link);
            continue;
        }
        let kind = number(&format!("{PMU}/type"))?;
        let bit = if at_return { Some(number(&format!("{PMU}/format/retprobe"))?) } else { None };
        for offset in offsets {
            let event =
                perf::open_uprobe(kind, bit, &path, offset, plan.pid, 0).map_err(|error| words(&error))?;
            let link = link::perf_event(program.as_fd(), event.as_fd()).map_err(|error| words(&error))?;
            to.links.push(link);
            to.events.push(event);
        }
    }
    Ok(())
}

/// The first number in a file of sysfs, as `9` or `config:0`.
fn number(path: &str) -> Result<u32, Reason> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let digits = text.trim().rsplit(':').next().unwrap_or_default();
    digits.parse().map_err(|_| format!("{path}: not a number: {text}"))
}
