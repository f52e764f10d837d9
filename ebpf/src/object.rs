//! What code generation produces: [`Object`], pure data. The same IR and target give the same bytes.
//!
//! *Not here:* what Linux gave back for it (`session`).

use probebook_lang::ir::{Record, RuntimeWarning};
use probebook_lang::probes::AttachPoint;
use probebook_lang::source::Span;
use probebook_lang::types::MapType;
use probebook_lang::types::layout::Layout;

use crate::isa::Helper;

/// A compiled cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The user's maps; [`MapRef::User`] indexes this.
    pub maps: Vec<MapSpec>,
    /// The records its programs send; the id in a record's header indexes this.
    pub records: Vec<Record>,
    /// Its programs, in source order.
    pub programs: Vec<ProgramSpec>,
    /// Bytes of scratch memory that its programs need on each CPU; 0 for none.
    pub scratch_size: u32,
    /// What its programs read at [`MapRef::Constants`]; may be empty.
    pub constants: Vec<u8>,
    /// Where its programs notice that something has gone wrong; each has a [`Notice`] behind the zeros.
    pub sites: Vec<Site>,
}

/// A place in the source where something can go wrong while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The place.
    pub span: Span,
    /// What goes wrong.
    pub trouble: Trouble,
}

/// What goes wrong while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trouble {
    /// The program itself has noticed.
    Program(RuntimeWarning),
    /// A helper of Linux returned an error.
    Helper(Helper),
}

/// What is known of a [`Site`], as programs and user space see it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// How often it has gone wrong.
    pub times: u64,
    /// What the helper returned last.
    pub code: i64,
}

impl Object {
    /// Bytes of 0 that its programs need at [`ZEROS`]: the value of a new key in the largest map of histograms.
    pub fn zeros(&self) -> u32 {
        let sizes = self.maps.iter().filter(|map| map.holds_buckets()).map(|map| map.value_size);
        sizes.max().unwrap_or(0)
    }

    /// Where behind the [`Globals`] the [`Notice`]s begin.
    pub fn notices(&self) -> u32 {
        ZEROS + self.zeros()
    }

    /// The length of globals, zeros and notices.
    pub fn globals_size(&self) -> u32 {
        self.notices() + self.sites.len() as u32 * size_of::<Notice>() as u32
    }
}

/// A program as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSpec {
    /// At most 15 characters, an identifier.
    pub name: String,
    /// Where it is attached.
    pub points: Vec<AttachPoint>,
    /// Instructions, 8 bytes each.
    pub code: Vec<u64>,
    /// Map references to burn in: instruction index (of the first half of a 16-byte load) → map.
    pub relocations: Vec<Relocation>,
    /// For each instruction the place in the source.
    pub spans: Vec<Span>,
    /// Its functions in the order of their code, that of the events first; empty where there are no others.
    pub functions: Vec<FunctionSpec>,
    /// The probe in the source.
    pub span: Span,
}

/// A function of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSpec {
    /// An identifier.
    pub name: String,
    /// Index of its first instruction.
    pub start: u32,
}

/// A 16-byte load whose immediate is a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Index of the instruction's first half.
    pub index: u32,
    /// What is loaded.
    pub map: MapRef,
    /// The address of this byte of the map's first element instead of the map itself.
    pub value_offset: Option<u32>,
}

/// A map that a program refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// A map of the user.
    User(u32),
    /// The session's ring buffer.
    Ring,
    /// The session's [`Counter`]s: a per-CPU array of u64.
    Counters,
    /// The session's scratch memory: an array of one element with `scratch_size` bytes for each CPU.
    Scratch,
    /// [`Object::constants`]: an array with one element that no program writes.
    Constants,
    /// The session's [`Globals`], then [`Object::zeros`] bytes of 0, then the [`Notice`]s of the sites: an array
    /// with one element, mapped into user space.
    Globals,
}

/// What the session counts in the kernel, as indices of the counters map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Counter {
    /// Records that found no room in the ring buffer.
    LostRecords = 0,
}

/// The number of [`Counter`]s.
pub const COUNTERS: u32 = 1;

/// The session's globals, as programs and user space see them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Globals {
    /// Event programs (all but begin and end) return at once while it is 0.
    pub gate: u64,
    /// Boot-clock nanoseconds when the session started.
    pub started: u64,
    /// What the wall clock is ahead of the boot clock, in nanoseconds.
    pub wall: u64,
}

/// Where behind the [`Globals`] the zeros begin, which no program writes.
pub const ZEROS: u32 = size_of::<Globals>() as u32;

/// Bytes of an interval of a time series.
pub const INTERVAL: u32 = 24;

/// How a map's elements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// An array of one element: scalar maps of ordinary values.
    Array,
    /// A per-CPU array: scalar aggregations; `hist` and `lhist` have one element per bucket.
    PerCpuArray,
    /// A hash: keyed maps of ordinary values.
    Hash,
    /// A per-CPU hash: keyed aggregations; for `hist` and `lhist` a value holds all buckets.
    PerCpuHash,
}

/// A map to make, and how to read what is in it.
///
/// Element layouts (all words are 8 bytes, in this order):
/// * `Array`: the value in its layout, then at [`MapSpec::set_offset`] a word that is 1 once it was set.
/// * `Hash`: the value in its layout, padded to a multiple of 8.
/// * `count`: `{n}`; a scalar count was never updated while it is 0.
/// * `sum min max`: `{value, set}`.
/// * `avg stats`: `{total, count}`.
/// * `hist lhist`: `{n}` per bucket; in a `PerCpuArray` each bucket is an element, in a `PerCpuHash` they lie in
///   one value.
/// * `tseries`: `{value, meta, number}` per interval, likewise; the interval of this number (time divided by
///   length) lies at its number modulo how many there are. The meta is how many numbers there were for `avg`, else
///   the time of the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// Without the `@`.
    pub name: String,
    /// Key, value, unit.
    pub ty: MapType,
    /// How its elements are kept.
    pub storage: Storage,
    /// The layout of the key; `None` for a scalar map.
    pub key: Option<Layout>,
    /// The layout of an ordinary value; `None` for aggregations.
    pub value: Option<Layout>,
    /// Bytes of a key for Linux: 4 for arrays.
    pub key_size: u32,
    /// Bytes of a value for Linux, a multiple of 8.
    pub value_size: u32,
    /// Elements for Linux.
    pub max_entries: u32,
    /// Where a hash is full, the elements used least recently make room.
    pub evicts: bool,
}

impl MapSpec {
    /// The map that serves a map of the IR.
    pub fn new(map: &probebook_lang::ir::Map) -> Self {
        use probebook_lang::types::MapValue;
        let aggregation = map.ty.value.is_aggregation();
        let buckets = map.ty.value.buckets();
        let storage = match (&map.key, aggregation) {
            (None, false) => Storage::Array,
            (None, true) => Storage::PerCpuArray,
            (Some(_), false) => Storage::Hash,
            (Some(_), true) => Storage::PerCpuHash,
        };
        let key_size = map.key.as_ref().map_or(4, |layout| layout.size);
        let value_size = match &map.ty.value {
            MapValue::Plain(_) => {
                let padded = map.value.as_ref().map_or(0, |layout| layout.size).next_multiple_of(8);
                if storage == Storage::Array { padded + 8 } else { padded }
            }
            MapValue::Tseries { .. } if map.key.is_some() => buckets * INTERVAL,
            MapValue::Tseries { .. } => INTERVAL,
            MapValue::Hist { .. } | MapValue::Lhist { .. } if map.key.is_some() => buckets * 8,
            MapValue::Count | MapValue::Hist { .. } | MapValue::Lhist { .. } => 8,
            _ => 16,
        };
        let max_entries = match storage {
            Storage::Array => 1,
            Storage::PerCpuArray => buckets.max(1),
            Storage::Hash | Storage::PerCpuHash => map.max_entries,
        };
        Self {
            name: map.name.clone(),
            ty: map.ty.clone(),
            storage,
            key: map.key.clone(),
            value: map.value.clone(),
            key_size,
            value_size,
            max_entries,
            evicts: map.evicts,
        }
    }

    /// Where the word lies that tells whether an [`Storage::Array`] element was set.
    pub fn set_offset(&self) -> u32 {
        self.value_size - 8
    }

    /// Whether a value holds the buckets of a `hist` or `lhist`, or the intervals of a `tseries`.
    pub fn holds_buckets(&self) -> bool {
        self.storage == Storage::PerCpuHash && self.ty.value.buckets() > 0
    }
}
