//! Functions of Linux: one kprobe.multi link where there are several and Linux has such links, else a perf
//! event for each.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use super::pmu::Pmu;
use super::{Attachment, Reason, words};
use crate::load::Program;
use crate::sys::link;

/// Attaches to one function, at an offset or its return.
pub fn attach(
    program: &Program,
    module: Option<&str>,
    function: &str,
    offset: u64,
    at_return: bool,
    to: &mut Attachment,
) -> Result<(), Reason> {
    let name = match module.filter(|module| *module != "vmlinux") {
        Some(module) => format!("{module}:{function}"),
        None => function.to_owned(),
    };
    let pmu = Pmu::find("kprobe", at_return)?;
    let event = pmu.open(&text(&name)?, offset, None).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT) => format!("Linux has no function `{name}`"),
        Some(libc::EADDRNOTAVAIL) => {
            format!("Linux has several functions `{name}`, so the name is not enough")
        }
        Some(libc::EINVAL | libc::EILSEQ) => {
            format!("Linux does not let `{name}` be probed (its code cannot be interrupted there)")
        }
        _ => words(&error),
    })?;
    let link = link::perf_event(program.as_fd(), event.as_fd()).map_err(|error| words(&error))?;
    to.links.push(link);
    to.events.push(event);
    Ok(())
}

/// Attaches to several functions by one link.
pub fn attach_all(
    program: &Program,
    functions: &[&str],
    at_return: bool,
    to: &mut Attachment,
) -> Result<(), Reason> {
    let names = functions.iter().map(|name| text(name)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&CStr> = names.iter().map(CString::as_c_str).collect();
    let link = link::kprobe_multi(program.as_fd(), &names, at_return).map_err(|error| words(&error))?;
    to.links.push(link);
    Ok(())
}

fn text(name: &str) -> Result<CString, Reason> {
    CString::new(name).map_err(|_| "a name cannot hold a NUL".to_owned())
}
