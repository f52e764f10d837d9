//! What this Linux and this process can do → [`Target`], for code generation and attaching.

use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use super::btf;
use crate::codegen::Target;

/// The inode of the initial PID namespace, fixed in Linux (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The target that is this machine.
pub fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let [new, next, destroy, sum, strnstr, from_pid, release] = btf::function_ids([
            "bpf_iter_num_new",
            "bpf_iter_num_next",
            "bpf_iter_num_destroy",
            "bpf_map_sum_elem_count",
            "bpf_strnstr",
            "bpf_task_from_pid",
            "bpf_task_release",
        ]);
        let iter_num = match (new, next, destroy) {
            (Some(new), Some(next), Some(destroy)) => Some([new, next, destroy]),
            _ => None,
        };
        Target {
            linux: linux_version(),
            cpus: possible_cpus(),
            iter_num,
            map_sum_elem_count: sum,
            strnstr,
            task_from_pid: from_pid.zip(release).map(<[u32; 2]>::from),
            pid_namespace: pid_namespace(),
        }
    })
}

/// Whether programs can be attached to many functions of Linux by one link: it says so by having the
/// function that makes such links (`CONFIG_FPROBE`, Linux 5.18).
pub fn has_kprobe_multi() -> bool {
    let [id] = btf::function_ids(["register_fprobe_ips"]);
    id.is_some()
}

/// Major and minor version of the running Linux.
pub fn linux_version() -> (u32, u32) {
    let release = linux_release();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The running Linux's own name of its version, as `6.12.48+deb13-amd64`.
pub fn linux_release() -> String {
    // SAFETY: a zeroed `utsname` is valid; Linux fills it with NUL-terminated strings.
    unsafe {
        let mut name: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut name);
        CStr::from_ptr(name.release.as_ptr()).to_string_lossy().into_owned()
    }
}

/// CPUs that are online.
pub fn online_cpus() -> &'static [u32] {
    static CPUS: OnceLock<Vec<u32>> = OnceLock::new();
    CPUS.get_or_init(|| cpu_list("online"))
}

/// One more than the highest id that a CPU can ever have: the length of per-CPU values.
pub fn possible_cpus() -> u32 {
    static CPUS: OnceLock<u32> = OnceLock::new();
    *CPUS.get_or_init(|| cpu_list("possible").last().map_or(1, |last| last + 1))
}

/// A list as `0-3,8`.
fn cpu_list(which: &str) -> Vec<u32> {
    let text = fs::read_to_string(format!("/sys/devices/system/cpu/{which}")).unwrap_or_default();
    let cpus = parse_cpu_list(&text);
    if cpus.is_empty() { vec![0] } else { cpus }
}

fn parse_cpu_list(text: &str) -> Vec<u32> {
    let range = |part: &str| -> Option<std::ops::RangeInclusive<u32>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

/// Device and inode of our PID namespace, unless it is the initial one.
fn pid_namespace() -> Option<(u64, u64)> {
    let namespace = fs::metadata("/proc/self/ns/pid").ok()?;
    (namespace.ino() != INITIAL_PID_NAMESPACE).then(|| (namespace.dev(), namespace.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists() {
        assert_eq!(parse_cpu_list("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(parse_cpu_list("0\n"), [0]);
        assert_eq!(parse_cpu_list(""), [0u32; 0]);
    }
}
