//! [`Program`] → [`Attachment`]s: makes it run where its attach points say.
//!
//! An attachment is a bundle of descriptors; closing them detaches. That can wait for Linux for tens of
//! milliseconds, so it is the [`reaper`]'s work, never the caller's.
//!
//! *Not here:* begin and end, which are run rather than attached (`Program::run`).

mod kprobe;
mod perf;
mod pmu;
pub mod reaper;
mod tracepoint;
mod uprobe;

use std::os::fd::OwnedFd;

use probebook_lang::probes::AttachPoint;

use crate::Error;
use crate::load::Program;

/// Descriptors that keep a program attached; the order is that of closing.
#[derive(Debug, Default)]
pub struct Attachment {
    /// Links first: they stop the program.
    pub links: Vec<OwnedFd>,
    /// Perf events that the links hold on to.
    pub events: Vec<OwnedFd>,
}

/// How to attach.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Only for this process.
    pub pid: Option<u32>,
    /// Whether Linux has uprobe.multi links (6.6).
    pub uprobe_multi: bool,
    /// Whether Linux has kprobe.multi links (5.18 with `CONFIG_FPROBE`).
    pub kprobe_multi: bool,
    /// CPUs that are online.
    pub cpus: &'a [u32],
}

impl Plan<'_> {
    /// Attaches a program to all of its points.
    ///
    /// # Errors
    /// [`Error::Attach`] with the probe's name; what was attached already is detached.
    pub fn attach(&self, program: &Program) -> Result<Attachment, Error> {
        reaper::take_over_at_exit();
        let mut attachment = Attachment::default();
        match self.attach_points(program, &mut attachment) {
            Ok(()) => Ok(attachment),
            Err(error) => {
                reaper::close(attachment);
                Err(error)
            }
        }
    }

    fn attach_points(&self, program: &Program, attachment: &mut Attachment) -> Result<(), Error> {
        if program.is_kprobe_multi() {
            return kprobes(program, attachment);
        }
        let mut uprobes = Vec::new();
        for point in &program.points {
            let done = match point {
                AttachPoint::Begin
                | AttachPoint::End
                | AttachPoint::Signal
                | AttachPoint::Test(_)
                | AttachPoint::Bench(_) => Ok(()),
                AttachPoint::Interval(rate) => perf::interval(program, *rate, self, attachment),
                AttachPoint::Profile(rate) => perf::profile(program, *rate, self, attachment),
                AttachPoint::Software { event, period, .. } => {
                    perf::software(program, event, *period, self, attachment)
                }
                AttachPoint::Tracepoint { category, event } => {
                    tracepoint::attach(program, category, event, attachment)
                }
                AttachPoint::RawTracepoint { event } => tracepoint::attach_raw(program, event, attachment),
                AttachPoint::Fentry { .. } => tracepoint::attach_function(program, attachment),
                AttachPoint::Kprobe { module, function, offset, at_return } => {
                    kprobe::attach(program, module.as_deref(), function, *offset, *at_return, attachment)
                }
                AttachPoint::Uprobe { path, offset, at_return, .. } => {
                    uprobes.push((path.as_str(), *offset, *at_return));
                    Ok(())
                }
            };
            done.map_err(|reason| Error::Attach { probe: point.to_string(), reason })?;
        }
        if !uprobes.is_empty() {
            let name = program.points.first().map(ToString::to_string).unwrap_or_default();
            uprobe::attach(program, &uprobes, self, attachment)
                .map_err(|reason| Error::Attach { probe: name, reason })?;
        }
        Ok(())
    }
}

/// Attaches a program that is for a kprobe.multi link.
fn kprobes(program: &Program, attachment: &mut Attachment) -> Result<(), Error> {
    let mut at_return = false;
    let functions: Vec<&str> = program
        .points
        .iter()
        .filter_map(|point| match point {
            AttachPoint::Kprobe { function, at_return: is_return, .. } => {
                at_return = *is_return;
                Some(function.as_str())
            }
            _ => None,
        })
        .collect();
    let name = program.points.first().map(ToString::to_string).unwrap_or_default();
    kprobe::attach_all(program, &functions, at_return, attachment)
        .map_err(|reason| Error::Attach { probe: format!("{name} and {} more", functions.len() - 1), reason })
}

/// Why something could not be attached, in words.
type Reason = String;

fn words(error: &std::io::Error) -> Reason {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "permission denied: it needs root or CAP_PERFMON".into(),
        Some(libc::EMFILE) => "too many open files: raise the limit with `ulimit -n`".into(),
        Some(libc::ENOENT) => "this Linux does not have the event".into(),
        Some(libc::ESRCH) => "there is no such process".into(),
        _ => error.to_string(),
    }
}
