//! A map of the notebook, which lives on from cell to cell: [`Map`]; and its content at one time:
//! [`MapSnapshot`], per-CPU values already merged.
//!
//! *Not here:* which maps there are (`live`), the bytes of elements (`element`).

mod element;
mod snapshot;

pub use snapshot::{Entry, EntryValue, MapSnapshot};

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::error::refused;
use crate::host::features;
use crate::object::{MapSpec, Storage};
use crate::sys::map::{self, Batch, Cursor};

/// `BPF_F_NO_PREALLOC`: elements are made when they are first used. Linux refuses some of those where many
/// new keys come at once, so hashes get all their elements when they are made, if that is at most
/// [`PREALLOCATED`] bytes; it takes 0.2 to 6 ms.
const NO_PREALLOC: u32 = 1;
const PREALLOCATED: usize = 64 << 20;
/// Bytes of values in the first batch that is asked for.
const BATCH: usize = 1 << 19;

/// A map in Linux, with what it holds.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    fd: OwnedFd,
    /// A scalar that was set to zero is still there, whatever its words say.
    was_zeroed: AtomicBool,
}

impl Map {
    /// Makes an empty map.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn create(spec: MapSpec) -> Result<Self, Error> {
        let is_large = stride(&spec) * spec.max_entries as usize > PREALLOCATED;
        let hash_flags = if is_large { NO_PREALLOC } else { 0 };
        let (kind, flags) = match spec.storage {
            Storage::Hash => (1, hash_flags),
            Storage::Array => (2, 0),
            Storage::PerCpuHash => (5, hash_flags),
            Storage::PerCpuArray => (6, 0),
        };
        let name = format!("AT_{}", spec.name);
        let fd = map::create(kind, spec.key_size, spec.value_size, spec.max_entries, flags, &name)
            .map_err(|error| refused(&format!("making the map @{}", spec.name), error))?;
        Ok(Self { spec, fd, was_zeroed: AtomicBool::new(false) })
    }

    /// What it holds, and how.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Its content now.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn snapshot(&self) -> Result<MapSnapshot, Error> {
        let raw = self.read().map_err(|error| self.failed("reading", error))?;
        let mut entries = snapshot::entries(&self.spec, &raw);
        if entries.is_empty() && self.spec.key.is_none() && self.was_zeroed.load(Ordering::Relaxed) {
            entries.push(snapshot::zero(&self.spec));
        }
        Ok(MapSnapshot { name: self.spec.name.clone(), ty: self.spec.ty.clone(), entries })
    }

    /// Removes all elements.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn clear(&self) -> Result<(), Error> {
        self.was_zeroed.store(false, Ordering::Relaxed);
        let cleared = match self.spec.storage {
            Storage::Array | Storage::PerCpuArray => self.write_zeros(),
            Storage::Hash | Storage::PerCpuHash => self
                .read()
                .and_then(|raw| raw.iter().try_for_each(|(key, _)| map::delete(self.as_fd(), key).map(drop))),
        };
        cleared.map_err(|error| self.failed("clearing", error))
    }

    /// Sets all values to zero; elements stay.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn zero(&self) -> Result<(), Error> {
        self.was_zeroed.store(!self.snapshot()?.entries.is_empty(), Ordering::Relaxed);
        let zeroed = match self.spec.storage {
            Storage::Array | Storage::PerCpuArray => self.write_zeros(),
            Storage::Hash | Storage::PerCpuHash => self.read().and_then(|raw| {
                let zeros = vec![0; stride(&self.spec)];
                raw.iter().try_for_each(|(key, _)| map::update(self.as_fd(), key, &zeros))
            }),
        };
        zeroed.map_err(|error| self.failed("zeroing", error))
    }

    /// The same content in a map with more room in its keys or values.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn rebuild(&self, spec: MapSpec) -> Result<Self, Error> {
        let new = Self::create(spec)?;
        let move_over = || -> io::Result<()> {
            for (key, value) in self.read()? {
                let key = element::recode_key(&self.spec, &new.spec, &key);
                let value = element::recode_value(&self.spec, &new.spec, &value);
                map::update(new.as_fd(), &key, &value)?;
            }
            Ok(())
        };
        move_over().map_err(|error| self.failed("moving", error))?;
        new.was_zeroed.store(self.was_zeroed.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(new)
    }

    /// All elements, key and value.
    fn read(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        match self.spec.storage {
            Storage::Array | Storage::PerCpuArray => (0..self.spec.max_entries)
                .map(|index| {
                    let mut value = vec![0; stride(&self.spec)];
                    map::lookup(self.as_fd(), &index.to_ne_bytes(), &mut value)?;
                    Ok((index.to_ne_bytes().to_vec(), value))
                })
                .collect(),
            Storage::Hash | Storage::PerCpuHash => match self.read_batches() {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.walk(),
                other => other,
            },
        }
    }

    fn read_batches(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let (key_size, stride) = (self.spec.key_size as usize, stride(&self.spec));
        let mut count = (BATCH / stride).clamp(16, 4096).min(self.spec.max_entries as usize).max(1);
        let mut cursor = Cursor::default();
        let mut elements = Vec::new();
        loop {
            let (mut keys, mut values) = (vec![0; count * key_size], vec![0; count * stride]);
            let batch = map::lookup_batch(self.as_fd(), &mut cursor, count, &mut keys, &mut values)?;
            let (read, is_last) = match batch {
                Batch::TooSmall => {
                    count *= 2;
                    continue;
                }
                Batch::More(read) => (read, false),
                Batch::Last(read) => (read, true),
            };
            let pairs = keys.chunks_exact(key_size).zip(values.chunks_exact(stride));
            elements.extend(pairs.take(read).map(|(key, value)| (key.to_vec(), value.to_vec())));
            if is_last {
                return Ok(elements);
            }
        }
    }

    /// Element by element, for a Linux without batches. A map that changes meanwhile may start over; the
    /// number of steps bounds that.
    fn walk(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut elements = Vec::new();
        let mut key: Option<Vec<u8>> = None;
        for _ in 0..2 * u64::from(self.spec.max_entries) {
            let mut next = vec![0; self.spec.key_size as usize];
            if !map::next_key(self.as_fd(), key.as_deref(), &mut next)? {
                break;
            }
            let mut value = vec![0; stride(&self.spec)];
            if map::lookup(self.as_fd(), &next, &mut value)? {
                elements.push((next.clone(), value));
            }
            key = Some(next);
        }
        Ok(elements)
    }

    fn write_zeros(&self) -> io::Result<()> {
        let zeros = vec![0; stride(&self.spec)];
        (0..self.spec.max_entries)
            .try_for_each(|index| map::update(self.as_fd(), &index.to_ne_bytes(), &zeros))
    }

    fn failed(&self, doing: &str, error: io::Error) -> Error {
        refused(&format!("{doing} the map @{}", self.spec.name), error)
    }
}

/// Bytes of an element's value as user space sees it: of all possible CPUs, in per-CPU maps.
fn stride(spec: &MapSpec) -> usize {
    let size = spec.value_size as usize;
    match spec.storage {
        Storage::Array | Storage::Hash => size,
        Storage::PerCpuArray | Storage::PerCpuHash => {
            size.next_multiple_of(8) * features::possible_cpus() as usize
        }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
