//! Tracepoints by a perf event each, raw tracepoints by their name, typed functions by what was loaded.

use std::ffi::CString;
use std::os::fd::AsFd;

use super::{Attachment, Reason, words};
use crate::host::tracefs;
use crate::load::Program;
use crate::sys::link;
use crate::sys::perf::{self, Sampling, TRACEPOINT};

pub fn attach(program: &Program, category: &str, event: &str, to: &mut Attachment) -> Result<(), Reason> {
    let id = tracefs::tracepoint_id(category, event).map_err(|unavailable| unavailable.0)?;
    // Linux runs the program for the events of every CPU, whichever the perf event is opened on.
    let event =
        perf::open(TRACEPOINT, id, Sampling::Period(1), None, Some(0)).map_err(|error| words(&error))?;
    let link = link::perf_event(program.as_fd(), event.as_fd()).map_err(|error| words(&error))?;
    to.links.push(link);
    to.events.push(event);
    Ok(())
}

pub fn attach_raw(program: &Program, event: &str, to: &mut Attachment) -> Result<(), Reason> {
    let name = CString::new(event).map_err(|_| "a name cannot hold a NUL".to_owned())?;
    let link = link::raw_tracepoint(program.as_fd(), Some(&name)).map_err(|error| words(&error))?;
    to.links.push(link);
    Ok(())
}

/// Attaches a program to the function of Linux that it was loaded for.
pub fn attach_function(program: &Program, to: &mut Attachment) -> Result<(), Reason> {
    let link = link::raw_tracepoint(program.as_fd(), None).map_err(|error| words(&error))?;
    to.links.push(link);
    Ok(())
}
