//! `probebook doctor`: what this machine supports, what is missing, how to get it.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Options, Refusal};
use probebook_lang::source::Source;

use super::{Failed, machine};
use crate::runs::LAST_EVENT;

/// How a check ended.
enum Finding {
    /// Fine.
    Good(String),
    /// Works, but something is worth knowing.
    Note(String, String),
    /// Does not work; what to do.
    Bad(String, String),
}

use Finding::{Bad, Good, Note};

/// Prints all findings; the exit code is 1 if tracing will not work.
pub(super) fn run() -> Result<ExitCode, Failed> {
    let findings = [
        ("Probebook", Good(format!("{} at {}", env!("CARGO_PKG_VERSION"), program()))),
        ("Linux", linux()),
        ("rights", rights()),
        ("BTF", btf()),
        ("tracefs", tracefs()),
        ("lockdown", lockdown()),
        ("JIT", jit()),
        ("tracepoints", tracepoints()),
        ("libc", libc_functions()),
        ("a program", trial()),
        ("Jupyter", jupyter()),
    ];
    let mut is_bad = false;
    for (subject, finding) in findings {
        let (mark, text, help) = match finding {
            Good(text) => ("ok  ", text, None),
            Note(text, help) => ("note", text, Some(help)),
            Bad(text, help) => {
                is_bad = true;
                ("BAD ", text, Some(help))
            }
        };
        println!("{mark}  {subject:<12}{text}");
        if let Some(help) = help {
            println!("      {:<12}→ {help}", "");
        }
    }
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn program() -> String {
    std::env::current_exe().map_or_else(|_| "?".into(), |path| path.display().to_string())
}

fn linux() -> Finding {
    let version = read("/proc/sys/kernel/osrelease");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= (6, 1) {
        Good(version)
    } else {
        Note(version, "made for Linux 6.1 and later; parts may be refused here".into())
    }
}

/// Capabilities by name and number, as in <linux/capability.h>.
const NEEDED: [(&str, u32); 2] = [("CAP_PERFMON", 38), ("CAP_BPF", 39)];
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_ADMIN: u32 = 21;

fn rights() -> Finding {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()).unwrap_or(0);
    let has = |number: u32| effective >> number & 1 == 1;
    if has(CAP_SYS_ADMIN) {
        return Good("may load and attach programs".into());
    }
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(_, number)| !has(*number)).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Bad(format!("{} missing", missing.join(", ")), machine::with_sudo());
    }
    if has(CAP_DAC_READ_SEARCH) {
        Good("may load and attach programs".into())
    } else {
        Note("CAP_DAC_READ_SEARCH missing".into(), "without it tracefs may not be readable".into())
    }
}

fn btf() -> Finding {
    match fs::metadata("/sys/kernel/btf/vmlinux") {
        Ok(file) => Good(format!("{} KiB of types", file.len() / 1024)),
        Err(_) => Note(
            "this Linux tells no types".into(),
            "arguments of raw tracepoints need a kernel built with CONFIG_DEBUG_INFO_BTF".into(),
        ),
    }
}

fn tracefs() -> Finding {
    const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let found = PLACES.into_iter().find(|place| Path::new(place).join("events").is_dir());
    match found {
        Some(place) => Good(format!("mounted at {place}")),
        None if read("/proc/mounts").contains(" tracefs ") => {
            Bad("mounted, but not readable".into(), machine::with_sudo())
        }
        None => Note("not mounted".into(), "sudo mount -t tracefs tracefs /sys/kernel/tracing".into()),
    }
}

fn lockdown() -> Finding {
    let state = read("/sys/kernel/security/lockdown");
    if state.contains("[confidentiality]") {
        Bad(
            "confidentiality: Linux refuses all tracing".into(),
            "boot with lockdown=integrity, or without Secure Boot".into(),
        )
    } else {
        Good(if state.contains("[integrity]") { "integrity" } else { "none" }.into())
    }
}

fn jit() -> Finding {
    match read("/proc/sys/net/core/bpf_jit_enable").as_str() {
        "0" => Note(
            "off: programs are interpreted, which is slow".into(),
            "sudo sysctl net.core.bpf_jit_enable=1".into(),
        ),
        _ => Good("on".into()),
    }
}

fn tracepoints() -> Finding {
    let (_, host) = machine::live();
    match host.tracepoints() {
        Ok(names) if !names.is_empty() => Good(format!("{} to trace", names.len())),
        Ok(_) => Bad("none found".into(), machine::with_sudo()),
        Err(reason) => Bad("cannot be listed".into(), reason.0),
    }
}

fn libc_functions() -> Finding {
    let (_, host) = machine::live();
    match host.resolve_binary("libc") {
        Some(path) => match host.functions(&path) {
            Ok(functions) => Good(format!("{} functions in {path}", functions.len())),
            Err(reason) => Note(format!("{path} cannot be read"), reason.0),
        },
        None => {
            Note("not found".into(), "name libraries by their path: uprobe:/path/to/lib.so:function".into())
        }
    }
}

/// The whole way, from text to an event.
fn trial() -> Finding {
    let (mut tracer, _) = machine::live();
    let source = Source::new("doctor", "begin { printf(\"%d\\n\", 6 * 7); }");
    let start = Instant::now();
    match tracer.start(&source, &Options::default()) {
        Ok(mut running) => {
            if let Err(error) = running.stop() {
                return Bad("does not end".into(), error.to_string());
            }
            match running.next_event(Instant::now() + LAST_EVENT) {
                Some(Event::Text(_, text)) if text == b"42\n" => {
                    Good(format!("compiles, loads and runs in {} ms", start.elapsed().as_millis()))
                }
                other => Bad(format!("gives {other:?}"), "please report this".into()),
            }
        }
        Err(Refusal::Machine(error)) => Bad("is refused".into(), error.to_string()),
        Err(Refusal::Program(_)) => Bad("does not compile".into(), "please report this".into()),
    }
}

fn jupyter() -> Finding {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program =
        std::env::split_paths(&path).map(|directory| directory.join("jupyter")).find(|p| p.is_file());
    match program {
        Some(path) => {
            Note(path.display().to_string(), "probebook install makes the kernel known to it".into())
        }
        None => {
            Note("not installed".into(), "probebook lab brings its own; probebook exec needs none".into())
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
