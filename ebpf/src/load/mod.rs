//! [`ProgramSpec`] → [`Program`]: burns map descriptors into the code and loads it.
//!
//! *Not here:* where it is attached (`attach`).

mod verifier;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use probebook_lang::probes::AttachPoint;
use probebook_lang::source::Span;

use crate::Error;
use crate::attach::Plan;
use crate::error::refused;
use crate::object::{MapRef, ProgramSpec};
use crate::sys::program::{self, ProgramType, RunCounts, TRACE_KPROBE_MULTI, TRACE_UPROBE_MULTI};

/// `BPF_PSEUDO_MAP_FD`: the immediate is a map's descriptor.
const MAP_FD: u64 = 1;
/// `BPF_PSEUDO_MAP_VALUE`: the address of a byte in the map's first element. Linux 5.2.
const MAP_VALUE: u64 = 2;
/// The least that the verifier may write about a program that it rejects.
const LOG_BYTES: usize = 4096;

/// How to load.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// How the program will be attached, which decides its type.
    pub plan: &'a Plan<'a>,
    /// The licence of the program, one that Linux takes for GPL-compatible.
    pub license: &'a str,
    /// What the verifier may write about a program that it rejects.
    pub log_size: u32,
}

/// A loaded program.
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    /// The kind of link it was loaded for; 0 where one kind serves.
    attach_type: u32,
    /// Where it belongs.
    pub points: Vec<AttachPoint>,
    /// The probe in the source.
    pub span: Span,
}

impl Program {
    /// Loads a program whose map references `resolve` answers with descriptors.
    ///
    /// # Errors
    /// [`Error::Permission`]; [`Error::Verifier`], at the place in the cell.
    pub fn load<'a>(
        spec: &ProgramSpec,
        terms: Terms<'_>,
        resolve: impl Fn(MapRef) -> BorrowedFd<'a>,
    ) -> Result<Self, Error> {
        let mut code = spec.code.clone();
        for relocation in &spec.relocations {
            let index = relocation.index as usize;
            let pseudo = if relocation.value_offset.is_some() { MAP_VALUE } else { MAP_FD };
            let fd = resolve(relocation.map).as_raw_fd() as u64;
            code[index] = (code[index] & 0x0fff) | (pseudo << 12) | (fd << 32);
            code[index + 1] = u64::from(relocation.value_offset.unwrap_or(0)) << 32;
        }
        let (kind, attach_type) = program_type(&spec.points, terms.plan);
        let load = |log| program::load(kind, attach_type, &spec.name, &code, terms.license, log);
        let fd = match load(None) {
            Ok(fd) => fd,
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                return Err(refused("loading a BPF program", error));
            }
            Err(first) => {
                let mut log = vec![0; LOG_BYTES.max(terms.log_size as usize)];
                match load(Some(&mut log)) {
                    Ok(fd) => fd,
                    Err(_) if log.is_empty() => return Err(refused("loading a BPF program", first)),
                    Err(_) => return Err(verifier::explain(&log, spec)),
                }
            }
        };
        Ok(Self { fd, attach_type, points: spec.points.clone(), span: spec.span })
    }

    /// What Linux has counted for it.
    pub fn run_counts(&self) -> RunCounts {
        program::run_counts(&self.fd).unwrap_or_default()
    }

    /// Runs a program that is not attached, and gives its result.
    ///
    /// # Errors
    /// What Linux answers.
    pub fn run(&self) -> Result<u32, Error> {
        program::test_run(self.fd.as_fd()).map_err(|error| refused("running a probe", error))
    }

    /// Whether one kprobe.multi link attaches it to all of its functions.
    pub fn is_kprobe_multi(&self) -> bool {
        self.attach_type == TRACE_KPROBE_MULTI
    }

    /// Whether it is run by us rather than attached to something.
    pub fn is_special(&self) -> bool {
        self.points.iter().all(AttachPoint::is_special)
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn program_type(points: &[AttachPoint], plan: &Plan<'_>) -> (ProgramType, u32) {
    let is_plain = |point: &AttachPoint| matches!(point, AttachPoint::Kprobe { module: None, offset: 0, .. });
    match points.first() {
        Some(AttachPoint::Tracepoint { .. }) => (ProgramType::Tracepoint, 0),
        Some(AttachPoint::Interval(_) | AttachPoint::Profile(_) | AttachPoint::Software { .. }) => {
            (ProgramType::PerfEvent, 0)
        }
        Some(AttachPoint::Kprobe { .. })
            if plan.kprobe_multi && points.len() > 1 && points.iter().all(is_plain) =>
        {
            (ProgramType::Kprobe, TRACE_KPROBE_MULTI)
        }
        Some(AttachPoint::Uprobe { .. }) if plan.uprobe_multi => (ProgramType::Kprobe, TRACE_UPROBE_MULTI),
        Some(AttachPoint::Kprobe { .. } | AttachPoint::Uprobe { .. }) => (ProgramType::Kprobe, 0),
        Some(
            AttachPoint::Begin
            | AttachPoint::End
            | AttachPoint::Signal
            | AttachPoint::Test(_)
            | AttachPoint::Bench(_)
            | AttachPoint::RawTracepoint { .. },
        )
        | None => (ProgramType::RawTracepoint, 0),
    }
}
