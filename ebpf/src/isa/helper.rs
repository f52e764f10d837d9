//! Numbers of the helper functions that generated programs call.
//!
//! The numbers are Linux's ABI (`include/uapi/linux/bpf.h`); the version is the first that lets tracing
//! programs call it.

/// A helper function of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Helper {
    /// `(map, key)` → the value or NULL. Linux 4.1; inlined for arrays, per-CPU arrays and hashes.
    #[doc(alias = "BPF_FUNC_map_lookup_elem")]
    MapLookupElem = 1,
    /// `(map, key, value, flags)` → 0 or an error. Linux 4.1.
    #[doc(alias = "BPF_FUNC_map_update_elem")]
    MapUpdateElem = 2,
    /// `(map, key)` → 0 or an error. Linux 4.1.
    #[doc(alias = "BPF_FUNC_map_delete_elem")]
    MapDeleteElem = 3,
    /// `()` → monotonic nanoseconds. Linux 4.1.
    #[doc(alias = "BPF_FUNC_ktime_get_ns")]
    KtimeGetNs = 5,
    /// `(format, size, value, value, value)`: a line in the kernel's trace buffer. Linux 4.1; strings of kernel
    /// memory by `%s` 5.13.
    #[doc(alias = "BPF_FUNC_trace_printk")]
    TracePrintk = 6,
    /// `()` → 32 random bits. Linux 4.1.
    #[doc(alias = "BPF_FUNC_get_prandom_u32")]
    GetPrandomU32 = 7,
    /// `()` → the CPU. Linux 4.1.
    #[doc(alias = "BPF_FUNC_get_smp_processor_id")]
    GetSmpProcessorId = 8,
    /// `()` → tgid << 32 | pid. Linux 4.2.
    #[doc(alias = "BPF_FUNC_get_current_pid_tgid")]
    GetCurrentPidTgid = 14,
    /// `()` → gid << 32 | uid. Linux 4.2.
    #[doc(alias = "BPF_FUNC_get_current_uid_gid")]
    GetCurrentUidGid = 15,
    /// `(buffer, size)`: the name of the current task, padded with zeros. Linux 4.2.
    #[doc(alias = "BPF_FUNC_get_current_comm")]
    GetCurrentComm = 16,
    /// `()` → the address of the current `task_struct`. Linux 4.8.
    #[doc(alias = "BPF_FUNC_get_current_task")]
    GetCurrentTask = 35,
    /// `(to, from, size)` → 0 or an error: writes to the current process. Linux 4.8.
    #[doc(alias = "BPF_FUNC_probe_write_user")]
    ProbeWriteUser = 36,
    /// `()` → the NUMA node. Linux 4.10.
    #[doc(alias = "BPF_FUNC_get_numa_node_id")]
    GetNumaNodeId = 42,
    /// `(context, result)`: the probed function returns this at once, where it allows that. Linux 4.16.
    #[doc(alias = "BPF_FUNC_override_return")]
    OverrideReturn = 58,
    /// `()` → the cgroup v2 id. Linux 4.18, for all tracing programs 5.7.
    #[doc(alias = "BPF_FUNC_get_current_cgroup_id")]
    GetCurrentCgroupId = 80,
    /// `(signal)` → 0 or an error: to the current process. Linux 5.3.
    #[doc(alias = "BPF_FUNC_send_signal")]
    SendSignal = 109,
    /// `(to, size, from)` → 0 or an error, then zeros are there. Linux 5.5.
    #[doc(alias = "BPF_FUNC_probe_read_user")]
    ProbeReadUser = 112,
    /// `(to, size, from)` → 0 or an error, then zeros are there. Linux 5.5.
    #[doc(alias = "BPF_FUNC_probe_read_kernel")]
    ProbeReadKernel = 113,
    /// `(to, size, from)` → the length with the NUL, or an error. Linux 5.5.
    #[doc(alias = "BPF_FUNC_probe_read_user_str")]
    ProbeReadUserStr = 114,
    /// `(to, size, from)` → the length with the NUL, or an error. Linux 5.5.
    #[doc(alias = "BPF_FUNC_probe_read_kernel_str")]
    ProbeReadKernelStr = 115,
    /// `(signal)` → 0 or an error: to the current thread. Linux 5.5.
    #[doc(alias = "BPF_FUNC_send_signal_thread")]
    SendSignalThread = 117,
    /// `()` → jiffies in 64 bits. Linux 5.6.
    #[doc(alias = "BPF_FUNC_jiffies64")]
    Jiffies64 = 118,
    /// `(dev, ino, buffer, size)`: pid and tgid in a PID namespace. Linux 5.7.
    #[doc(alias = "BPF_FUNC_get_ns_current_pid_tgid")]
    GetNsCurrentPidTgid = 120,
    /// `()` → nanoseconds since boot, suspended time included. Linux 5.8.
    #[doc(alias = "BPF_FUNC_ktime_get_boot_ns")]
    KtimeGetBootNs = 125,
    /// `(ring, size, flags)` → a reservation or NULL. Linux 5.8.
    #[doc(alias = "BPF_FUNC_ringbuf_reserve")]
    RingbufReserve = 131,
    /// `(reservation, flags)`. Linux 5.8.
    #[doc(alias = "BPF_FUNC_ringbuf_submit")]
    RingbufSubmit = 132,
    /// `(variable, cpu)` → its address, or NULL where there is no such CPU. Linux 5.10.
    #[doc(alias = "BPF_FUNC_per_cpu_ptr")]
    PerCpuPtr = 153,
    /// `(variable)` → its address on this CPU. Linux 5.10.
    #[doc(alias = "BPF_FUNC_this_cpu_ptr")]
    ThisCpuPtr = 154,
    /// `(map, function, context, flags)`: calls the function for each element. Linux 5.13.
    #[doc(alias = "BPF_FUNC_for_each_map_elem")]
    ForEachMapElem = 164,
    /// `(context)` → the address of the probed function. Linux 5.15, for uprobes 6.6.
    #[doc(alias = "BPF_FUNC_get_func_ip")]
    GetFuncIp = 173,
    /// `(map, key, cpu)` → the value of that CPU or NULL. Linux 5.19.
    #[doc(alias = "BPF_FUNC_map_lookup_percpu_elem")]
    MapLookupPercpuElem = 195,
    /// `()` → TAI nanoseconds. Linux 6.1.
    #[doc(alias = "BPF_FUNC_ktime_get_tai_ns")]
    KtimeGetTaiNs = 208,
}

impl Helper {
    const ALL: [Self; 32] = [
        Self::MapLookupElem,
        Self::MapUpdateElem,
        Self::MapDeleteElem,
        Self::KtimeGetNs,
        Self::TracePrintk,
        Self::GetPrandomU32,
        Self::GetSmpProcessorId,
        Self::GetCurrentPidTgid,
        Self::GetCurrentUidGid,
        Self::GetCurrentComm,
        Self::GetCurrentTask,
        Self::ProbeWriteUser,
        Self::GetNumaNodeId,
        Self::OverrideReturn,
        Self::SendSignal,
        Self::SendSignalThread,
        Self::PerCpuPtr,
        Self::ThisCpuPtr,
        Self::GetCurrentCgroupId,
        Self::ProbeReadUser,
        Self::ProbeReadKernel,
        Self::ProbeReadUserStr,
        Self::ProbeReadKernelStr,
        Self::Jiffies64,
        Self::GetNsCurrentPidTgid,
        Self::KtimeGetBootNs,
        Self::RingbufReserve,
        Self::RingbufSubmit,
        Self::ForEachMapElem,
        Self::GetFuncIp,
        Self::MapLookupPercpuElem,
        Self::KtimeGetTaiNs,
    ];

    /// The helper of a number, if we know it.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| *helper as u32 == number)
    }

    /// Its name without the `bpf_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MapLookupElem => "map_lookup_elem",
            Self::MapUpdateElem => "map_update_elem",
            Self::MapDeleteElem => "map_delete_elem",
            Self::KtimeGetNs => "ktime_get_ns",
            Self::TracePrintk => "trace_printk",
            Self::GetPrandomU32 => "get_prandom_u32",
            Self::GetSmpProcessorId => "get_smp_processor_id",
            Self::GetCurrentPidTgid => "get_current_pid_tgid",
            Self::GetCurrentUidGid => "get_current_uid_gid",
            Self::GetCurrentComm => "get_current_comm",
            Self::GetCurrentTask => "get_current_task",
            Self::ProbeWriteUser => "probe_write_user",
            Self::SendSignal => "send_signal",
            Self::SendSignalThread => "send_signal_thread",
            Self::PerCpuPtr => "per_cpu_ptr",
            Self::ThisCpuPtr => "this_cpu_ptr",
            Self::OverrideReturn => "override_return",
            Self::GetNumaNodeId => "get_numa_node_id",
            Self::GetCurrentCgroupId => "get_current_cgroup_id",
            Self::ProbeReadUser => "probe_read_user",
            Self::ProbeReadKernel => "probe_read_kernel",
            Self::ProbeReadUserStr => "probe_read_user_str",
            Self::ProbeReadKernelStr => "probe_read_kernel_str",
            Self::Jiffies64 => "jiffies64",
            Self::GetNsCurrentPidTgid => "get_ns_current_pid_tgid",
            Self::KtimeGetBootNs => "ktime_get_boot_ns",
            Self::RingbufReserve => "ringbuf_reserve",
            Self::RingbufSubmit => "ringbuf_submit",
            Self::ForEachMapElem => "for_each_map_elem",
            Self::GetFuncIp => "get_func_ip",
            Self::MapLookupPercpuElem => "map_lookup_percpu_elem",
            Self::KtimeGetTaiNs => "ktime_get_tai_ns",
        }
    }
}
