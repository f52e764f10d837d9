//! What the machine that runs the code can do: [`Target`], an argument of code generation.
//!
//! *Invariant:* the same IR and the same target give the same bytes; nothing else flows in.

/// A Linux on x86-64, as far as generated code depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Major and minor version.
    pub linux: (u32, u32),
    /// Possible CPUs: ids go from 0 to this, exclusive.
    pub cpus: u32,
    /// The BTF ids of `bpf_iter_num_new`, `_next` and `_destroy`. Linux 6.4.
    pub iter_num: Option<[u32; 3]>,
    /// The BTF id of `bpf_map_sum_elem_count`. Linux 6.6.
    pub map_sum_elem_count: Option<u32>,
    /// The BTF id of `bpf_strnstr`. Linux 6.17.
    pub strnstr: Option<u32>,
    /// The BTF ids of `bpf_task_from_pid` and `bpf_task_release`. Linux 6.2.
    pub task_from_pid: Option<[u32; 2]>,
    /// Device and inode of our PID namespace, if it is not the initial one.
    pub pid_namespace: Option<(u64, u64)>,
}

impl Target {
    /// Whether there are jumps of 32 bits. Linux 6.6.
    pub fn has_far_jumps(&self) -> bool {
        self.linux >= (6, 6)
    }

    /// Whether loads and moves can extend by sign. Linux 6.6.
    pub fn has_signed_moves(&self) -> bool {
        self.linux >= (6, 6)
    }
}
