//! [`ProgramSpec`] → [`Program`]: burns map descriptors into the code and loads it.
//!
//! *Not here:* where it is attached (`attach`).

pub(crate) mod functions;
mod verifier;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use probebook_lang::probes::AttachPoint;
use probebook_lang::source::Span;

use crate::Error;
use crate::attach::Plan;
use crate::error::refused;
use crate::host::btf;
use crate::object::{MapRef, ProgramSpec};
use crate::sys::program::{
    self, Kind, ProgramType, RunCounts, TRACE_FENTRY, TRACE_FEXIT, TRACE_KPROBE_MULTI, TRACE_UPROBE_MULTI,
};
use functions::Functions;

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
    kind: Kind,
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
        let kind = kind(&spec.points, terms.plan)?;
        let functions =
            functions::describe(&spec.functions).map_err(|error| refused("describing functions", error))?;
        let load = |log: Option<&mut Vec<u8>>| {
            let functions = functions.as_ref().map(Functions::info);
            program::load(kind, &spec.name, &code, terms.license, functions, log)
        };
        let fd = match load(None) {
            Ok(fd) => fd,
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                return Err(match spec.points.first() {
                    Some(point @ AttachPoint::Fentry { .. }) if is_root() => Error::Attach {
                        probe: point.to_string(),
                        reason: "this Linux allows no fentry and fexit probes: use a kprobe".into(),
                    },
                    _ => refused("loading a BPF program", error),
                });
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
        Ok(Self { fd, kind, points: spec.points.clone(), span: spec.span })
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
        self.kind.attach == TRACE_KPROBE_MULTI
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

/// What a program for these points, all of one provider, is loaded as.
fn kind(points: &[AttachPoint], plan: &Plan<'_>) -> Result<Kind, Error> {
    let is_plain = |point: &AttachPoint| matches!(point, AttachPoint::Kprobe { module: None, offset: 0, .. });
    let multi = |attach| Kind { attach, ..ProgramType::Kprobe.into() };
    Ok(match points.first() {
        Some(AttachPoint::Tracepoint { .. }) => ProgramType::Tracepoint.into(),
        Some(AttachPoint::Interval(_) | AttachPoint::Profile(_) | AttachPoint::Software { .. }) => {
            ProgramType::PerfEvent.into()
        }
        Some(point @ AttachPoint::Fentry { module, function, at_return }) => Kind {
            program: ProgramType::Tracing,
            attach: if *at_return { TRACE_FEXIT } else { TRACE_FENTRY },
            function: typed_function(module, function)
                .map_err(|reason| Error::Attach { probe: point.to_string(), reason })?,
        },
        Some(AttachPoint::Kprobe { .. })
            if plan.kprobe_multi && points.len() > 1 && points.iter().all(is_plain) =>
        {
            multi(TRACE_KPROBE_MULTI)
        }
        Some(AttachPoint::Uprobe { .. }) if plan.uprobe_multi => multi(TRACE_UPROBE_MULTI),
        Some(AttachPoint::Kprobe { .. } | AttachPoint::Uprobe { .. }) => ProgramType::Kprobe.into(),
        Some(
            AttachPoint::Begin
            | AttachPoint::End
            | AttachPoint::Signal
            | AttachPoint::Test(_)
            | AttachPoint::Bench(_)
            | AttachPoint::RawTracepoint { .. },
        )
        | None => ProgramType::RawTracepoint.into(),
    })
}

/// The BTF id of a function.
fn typed_function(module: &str, function: &str) -> Result<u32, String> {
    if module != "vmlinux" {
        return Err("functions of modules have no types here yet: use a kprobe".into());
    }
    let [id] = btf::function_ids([function]);
    id.ok_or_else(|| "BTF does not describe this function: use a kprobe".into())
}

fn is_root() -> bool {
    // SAFETY: it only asks.
    unsafe { libc::geteuid() == 0 }
}
