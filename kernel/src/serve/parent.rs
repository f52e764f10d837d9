//! The process that started the kernel → the kernel's end: nothing stays attached when it dies.
//!
//! A notebook server that is killed cannot shut its kernels down, and one started through `sudo` leaves a
//! root process behind. So the kernel looks past `sudo` and its like for the process that really started it,
//! and ends when that one does. The end of `sudo` itself (`kill -9`) is noticed by PR_SET_PDEATHSIG, which is
//! used for that alone: it means the end of a thread, and a server may start kernels from a passing one.
//!
//! *Invariant:* the kernel never outlives whoever started it.

use std::os::unix::process::parent_id;

use crate::runs::Target;

/// Programs that only stand between a command and whoever gave it.
const WRAPPERS: [&str; 5] = ["sudo", "doas", "su", "pkexec", "runuser"];

/// Watches from a thread of its own; the process exits when the time has come.
pub(super) fn watch() {
    let parent = parent_id();
    let Some(pid) = starter(parent) else { return };
    if pid != parent {
        // SAFETY: PR_SET_PDEATHSIG takes a signal number.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
        // It may have died before the call.
        if parent_id() != parent {
            std::process::exit(1);
        }
    }
    let Ok(target) = Target::open(pid) else { return };
    let watcher = std::thread::Builder::new().name("parent".into());
    let spawned = watcher.spawn(move || {
        target.wait();
        // Closing our descriptors detaches everything; there is nobody to say goodbye to.
        std::process::exit(0);
    });
    if let Err(error) = spawned {
        eprintln!("probebook: the parent process is not watched: {error}");
    }
}

/// The process behind the wrappers; `None` for init, which does not end.
fn starter(mut pid: u32) -> Option<u32> {
    loop {
        if pid <= 1 {
            return None;
        }
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, parent) = parse_stat(&stat)?;
        if !WRAPPERS.contains(&name) {
            return Some(pid);
        }
        pid = parent;
    }
}

/// Name and parent of `pid (name) state parent …`; the name may hold blanks and parentheses.
fn parse_stat(stat: &str) -> Option<(&str, u32)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    Some((name, tail.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whoever_stands_behind_wrappers() {
        assert_eq!(parse_stat("12 (a) b) S 7 12 12 0"), Some(("a) b", 7)));
        assert_eq!(parse_stat("12 (a"), None);
        assert_eq!(starter(std::process::id()), Some(std::process::id()));
        assert_eq!(starter(1), None);
    }
}
