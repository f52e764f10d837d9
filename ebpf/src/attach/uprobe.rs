//! User functions: one uprobe.multi link for all functions of a binary, or a perf event for each where
//! Linux has no such link.
//!
//! Detaching a perf uprobe waits about 100 ms, a uprobe.multi link about 40 ms for any number of functions.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::AsFd;

use super::pmu::Pmu;
use super::{Attachment, Plan, Reason, words};
use crate::load::Program;
use crate::sys::link;

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
        let pmu = Pmu::find("uprobe", at_return)?;
        for offset in offsets {
            let event = pmu.open(&path, offset, plan.pid).map_err(|error| words(&error))?;
            let link = link::perf_event(program.as_fd(), event.as_fd()).map_err(|error| words(&error))?;
            to.links.push(link);
            to.events.push(event);
        }
    }
    Ok(())
}
