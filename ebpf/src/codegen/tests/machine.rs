//! A machine for tests: loads an [`Object`] by bare bpf(2), runs its programs and reads its maps.
//!
//! Small on purpose, so that a test of code generation depends on nothing but Linux.

use std::io::Error;

use crate::codegen::Target;
use crate::isa::Helper;
use crate::object::{COUNTERS, Globals, MapRef, MapSpec, Object, Storage, Trouble};

const MAP_CREATE: i32 = 0;
const MAP_LOOKUP: i32 = 1;
const MAP_UPDATE: i32 = 2;
const PROG_LOAD: i32 = 5;
const PROG_TEST_RUN: i32 = 10;
const BTF_LOAD: i32 = 18;
const RAW_TRACEPOINT: u32 = 17;
const TRACEPOINT: u32 = 5;
const KPROBE: u32 = 2;
const PERF_EVENT: u32 = 7;

pub struct Machine {
    pub object: Object,
    maps: Vec<i32>,
    session: [i32; 5],
    programs: Vec<i32>,
    cpus: usize,
}

/// The attributes of a bpf(2) call as words; every field we use is one or two of them.
fn bpf(command: i32, attributes: &mut [u32; 40]) -> Result<i32, Error> {
    // SAFETY: the attributes are as large as we say, and the addresses in them outlive the call.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size_of_val(attributes) as u32)
    };
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result as i32) }
}

fn put(attributes: &mut [u32; 40], at: usize, address: u64) {
    attributes[at] = address as u32;
    attributes[at + 1] = (address >> 32) as u32;
}

fn create(kind: u32, key: u32, value: u32, entries: u32, flags: u32) -> i32 {
    let mut attributes = [0; 40];
    attributes[..5].copy_from_slice(&[kind, key, value, entries, flags]);
    bpf(MAP_CREATE, &mut attributes).expect("a map")
}

fn possible_cpus() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").expect("possible CPUs");
    text.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<usize>().ok()).expect("a range") + 1
}

/// This machine as a target.
pub fn target() -> Target {
    let ids = btf_functions(&[
        "bpf_iter_num_new",
        "bpf_iter_num_next",
        "bpf_iter_num_destroy",
        "bpf_map_sum_elem_count",
        "bpf_strnstr",
        "bpf_task_from_pid",
        "bpf_task_release",
    ]);
    Target {
        linux: (6, 18),
        cpus: possible_cpus() as u32,
        iter_num: Some([ids[0], ids[1], ids[2]]),
        map_sum_elem_count: Some(ids[3]),
        strnstr: Some(ids[4]),
        task_from_pid: Some([ids[5], ids[6]]),
        pid_namespace: None,
    }
}

/// The BTF ids of functions in vmlinux.
fn btf_functions(names: &[&str]) -> Vec<u32> {
    let btf = std::fs::read("/sys/kernel/btf/vmlinux").expect("BTF");
    let word = |at: usize| u32::from_le_bytes(btf[at..at + 4].try_into().expect("a word"));
    let header = word(4) as usize;
    let (types, end) = (header + word(8) as usize, header + word(8) as usize + word(12) as usize);
    let strings = header + word(16) as usize;
    let mut found = vec![0; names.len()];
    let (mut at, mut id) = (types, 1);
    while at < end {
        let (name, info) = (strings + word(at) as usize, word(at + 4));
        let count = (info & 0xffff) as usize;
        let kind = info >> 24 & 31;
        if kind == 12 {
            let length = btf[name..].iter().position(|&byte| byte == 0).unwrap_or(0);
            if let Some(index) = names.iter().position(|n| n.as_bytes() == &btf[name..name + length]) {
                found[index] = id;
            }
        }
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 => 8 * count,
                13 => 8 * count,
                _ => 0,
            };
        id += 1;
    }
    found
}

impl Machine {
    /// Loads all; panics with the verifier's log.
    pub fn load(object: Object) -> Self {
        Self::try_load(object).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// Loads all, or gives the program and the end of the verifier's log.
    pub fn try_load(object: Object) -> Result<Self, String> {
        let mut machine = Self {
            maps: object.maps.iter().map(create_map).collect(),
            session: [
                create(27, 0, 0, 1 << 16, 0),
                create(6, 4, 8, COUNTERS, 0),
                create(2, 4, object.scratch_size.max(8) * possible_cpus() as u32, 1, 0),
                create(2, 4, object.globals_size(), 1, 0),
                create(2, 4, (object.constants.len() as u32).next_multiple_of(8).max(8), 1, 0),
            ],
            programs: Vec::new(),
            cpus: possible_cpus(),
            object,
        };
        machine.set_globals(Globals { gate: 1, ..Globals::default() });
        let words = machine.object.constants.chunks(8).map(|bytes| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_ne_bytes(word)
        });
        let words: Vec<u64> = words.collect();
        if !words.is_empty() {
            machine.update(machine.session[4], &0_u32.to_le_bytes(), &words);
        }
        for index in 0..machine.object.programs.len() {
            let fd = machine.load_program(index)?;
            machine.programs.push(fd);
        }
        Ok(machine)
    }

    fn load_program(&self, index: usize) -> Result<i32, String> {
        let program = &self.object.programs[index];
        assert_eq!(program.code.len(), program.spans.len());
        let mut code = program.code.clone();
        for relocation in &program.relocations {
            let at = relocation.index as usize;
            let fd = match relocation.map {
                MapRef::User(map) => self.maps[map as usize],
                MapRef::Ring => self.session[0],
                MapRef::Counters => self.session[1],
                MapRef::Scratch => self.session[2],
                MapRef::Globals => self.session[3],
                MapRef::Constants => self.session[4],
            };
            let pseudo = if relocation.value_offset.is_some() { 2 } else { 1 };
            code[at] |= pseudo << 12 | (fd as u64) << 32;
            code[at + 1] |= u64::from(relocation.value_offset.unwrap_or(0)) << 32;
        }
        let mut log = vec![0_u8; 1 << 20];
        let license = c"GPL";
        let mut attributes = [0; 40];
        attributes[0] = match program.points[0].provider() {
            "tracepoint" => TRACEPOINT,
            "uprobe" | "uretprobe" => KPROBE,
            "profile" | "interval" | "software" => PERF_EVENT,
            _ => RAW_TRACEPOINT,
        };
        attributes[1] = code.len() as u32;
        put(&mut attributes, 2, code.as_ptr() as u64);
        put(&mut attributes, 4, license.as_ptr() as u64);
        let types = crate::load::functions::btf(&program.functions);
        let records = crate::load::functions::records(&program.functions);
        let btf = (!records.is_empty()).then(|| {
            let mut attributes = [0; 40];
            put(&mut attributes, 0, types.as_ptr() as u64);
            attributes[4] = types.len() as u32;
            bpf(BTF_LOAD, &mut attributes).expect("types")
        });
        if let Some(btf) = btf {
            attributes[18..20].copy_from_slice(&[btf as u32, 8]);
            put(&mut attributes, 20, records.as_ptr() as u64);
            attributes[22] = records.len() as u32;
        }
        let loaded = bpf(PROG_LOAD, &mut attributes);
        if loaded.is_err() {
            attributes[6] = 1;
            attributes[7] = log.len() as u32;
            put(&mut attributes, 8, log.as_mut_ptr() as u64);
        }
        loaded.or_else(|_| bpf(PROG_LOAD, &mut attributes)).map_err(|error| {
            let end = log.iter().position(|&byte| byte == 0).unwrap_or(0);
            let text = String::from_utf8_lossy(&log[..end]);
            let tail: Vec<&str> = text.lines().rev().take(40).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            format!("{error}\n{}\n{}", crate::isa::disassemble(program), tail.join("\n"))
        })
    }

    /// Runs a program and gives its result.
    pub fn run(&self, index: usize) -> u32 {
        self.run_with(index, &[])
    }

    /// Runs a raw tracepoint program with arguments.
    pub fn run_with(&self, index: usize, arguments: &[u64]) -> u32 {
        let mut attributes = [0; 40];
        attributes[0] = self.programs[index] as u32;
        if !arguments.is_empty() {
            attributes[10] = size_of_val(arguments) as u32;
            put(&mut attributes, 12, arguments.as_ptr() as u64);
        }
        bpf(PROG_TEST_RUN, &mut attributes).expect("a test run");
        attributes[1]
    }

    pub fn set_globals(&self, globals: Globals) {
        let mut words = vec![0; self.object.globals_size() as usize / 8];
        words[..3].copy_from_slice(&[globals.gate, globals.started, globals.wall]);
        self.update(self.session[3], &0_u32.to_le_bytes(), &words);
    }

    fn update(&self, map: i32, key: &[u8], words: &[u64]) {
        let mut attributes = [0; 40];
        attributes[0] = map as u32;
        put(&mut attributes, 2, key.as_ptr() as u64);
        put(&mut attributes, 4, words.as_ptr() as u64);
        bpf(MAP_UPDATE, &mut attributes).expect("an update");
    }

    fn look_up(&self, map: i32, key: &[u8], words: usize) -> Option<Vec<u64>> {
        let mut value = vec![0_u64; words];
        let mut attributes = [0; 40];
        attributes[0] = map as u32;
        put(&mut attributes, 2, key.as_ptr() as u64);
        put(&mut attributes, 4, value.as_mut_ptr() as u64);
        bpf(MAP_LOOKUP, &mut attributes).ok().map(|_| value)
    }

    /// The words of an element, one group for each CPU where the map is per CPU.
    pub fn element(&self, map: usize, key: &[u8]) -> Option<Vec<u64>> {
        let spec = &self.object.maps[map];
        let copies = match spec.storage {
            Storage::PerCpuArray | Storage::PerCpuHash => self.cpus,
            _ => 1,
        };
        self.look_up(self.maps[map], key, spec.value_size as usize / 8 * copies)
    }

    /// The words of an element summed over the CPUs.
    pub fn sum(&self, map: usize, key: &[u8]) -> Option<Vec<u64>> {
        let words = self.object.maps[map].value_size as usize / 8;
        let all = self.element(map, key)?;
        let add = |word: usize| all.iter().skip(word).step_by(words).fold(0, |a: u64, b| a.wrapping_add(*b));
        Some((0..words).map(add).collect())
    }

    /// A counter summed over the CPUs.
    pub fn counter(&self, counter: crate::object::Counter) -> u64 {
        let key = (counter as u32).to_le_bytes();
        self.look_up(self.session[1], &key, self.cpus).expect("a counter").iter().sum()
    }

    /// How often a helper has failed where the programs watch it.
    pub fn noticed(&self, helper: Helper) -> u64 {
        let words = self.object.globals_size() as usize / 8;
        let globals = self.look_up(self.session[3], &0_u32.to_le_bytes(), words).expect("globals");
        let notices = globals[self.object.notices() as usize / 8..].chunks(2);
        let sites = self.object.sites.iter().zip(notices);
        sites.filter(|(site, _)| site.trouble == Trouble::Helper(helper)).map(|(_, notice)| notice[0]).sum()
    }

    /// The bytes of the first record in the ring buffer that has not been read by this call before.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let page = 4096;
        // SAFETY: a ring buffer of 64 KiB: the producer page and twice the data follow the first page.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                page + 2 * (1 << 16),
                libc::PROT_READ,
                libc::MAP_SHARED,
                self.session[0],
                page as i64,
            )
        };
        assert_ne!(base, libc::MAP_FAILED);
        let mut records = Vec::new();
        // SAFETY: the mapping is readable in its whole length; programs do not run at the same time.
        unsafe {
            let end = *base.cast::<u64>() as usize;
            let data = base.cast::<u8>().add(page);
            let mut at = 0;
            while at < end {
                let length = data.add(at).cast::<u32>().read() as usize;
                records.push(std::slice::from_raw_parts(data.add(at + 8), length & 0x3fff_ffff).to_vec());
                at += (length & 0x3fff_ffff).next_multiple_of(8) + 8;
            }
            libc::munmap(base, page + 2 * (1 << 16));
        }
        records
    }
}

fn create_map(spec: &MapSpec) -> i32 {
    let (kind, flags) = match spec.storage {
        Storage::Array => (2, 0),
        Storage::PerCpuArray => (6, 0),
        Storage::Hash => (1, 0),
        Storage::PerCpuHash => (5, 0),
    };
    create(kind, spec.key_size, spec.value_size, spec.max_entries, flags)
}

impl Drop for Machine {
    fn drop(&mut self) {
        for &fd in self.maps.iter().chain(&self.session).chain(&self.programs) {
            // SAFETY: the descriptors are ours, and nobody uses them any more.
            unsafe { libc::close(fd) };
        }
    }
}
