//! Timers and software events: one perf event per CPU, or one on the first CPU for `interval`.

use std::os::fd::AsFd;

use probebook_lang::probes::Rate;

use super::{Attachment, Plan, Reason, words};
use crate::load::Program;
use crate::sys::link;
use crate::sys::perf::{self, CPU_CLOCK, SOFTWARE, Sampling};

/// Names of software events and their numbers in `enum perf_sw_ids`.
const SOFTWARE_EVENTS: [(&str, u64); 14] = [
    ("cpu-clock", 0),
    ("cpu", 0),
    ("task-clock", 1),
    ("page-faults", 2),
    ("faults", 2),
    ("context-switches", 3),
    ("cs", 3),
    ("cpu-migrations", 4),
    ("minor-faults", 5),
    ("major-faults", 6),
    ("alignment-faults", 7),
    ("emulation-faults", 8),
    ("dummy", 9),
    ("bpf-output", 10),
];

pub fn interval(program: &Program, rate: Rate, plan: &Plan<'_>, to: &mut Attachment) -> Result<(), Reason> {
    // A process filter does not apply: an interval is a clock, not an event of a process.
    let cpu = plan.cpus.first().copied().unwrap_or(0);
    attach(program, CPU_CLOCK, sampling(rate), None, cpu, to)
}

pub fn profile(program: &Program, rate: Rate, plan: &Plan<'_>, to: &mut Attachment) -> Result<(), Reason> {
    plan.cpus.iter().try_for_each(|&cpu| attach(program, CPU_CLOCK, sampling(rate), plan.pid, cpu, to))
}

pub fn software(
    program: &Program,
    event: &str,
    period: u64,
    plan: &Plan<'_>,
    to: &mut Attachment,
) -> Result<(), Reason> {
    let &(_, number) = SOFTWARE_EVENTS
        .iter()
        .find(|(name, _)| *name == event)
        .ok_or_else(|| format!("there is no software event {event}"))?;
    plan.cpus.iter().try_for_each(|&cpu| attach(program, number, Sampling::Period(period), plan.pid, cpu, to))
}

fn sampling(rate: Rate) -> Sampling {
    match rate {
        Rate::Hz(n) => Sampling::Frequency(n),
        other => Sampling::Period(other.period_ns()),
    }
}

fn attach(
    program: &Program,
    number: u64,
    sampling: Sampling,
    pid: Option<u32>,
    cpu: u32,
    to: &mut Attachment,
) -> Result<(), Reason> {
    let event = perf::open(SOFTWARE, number, sampling, pid, Some(cpu)).map_err(|error| words(&error))?;
    let link = link::perf_event(program.as_fd(), event.as_fd()).map_err(|error| words(&error))?;
    to.links.push(link);
    to.events.push(event);
    Ok(())
}
