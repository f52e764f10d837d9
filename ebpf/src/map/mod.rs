//! A map of the notebook, which lives on from cell to cell: [`Map`]; and its content at one time:
//! [`MapSnapshot`], per-CPU values already merged.
//!
//! *Not here:* which maps there are (`live`), the bytes of elements (`element`).

mod element;
mod read;
mod snapshot;

pub use snapshot::{Entry, EntryValue, MapSnapshot, Point};

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::error::refused;
use crate::host::features;
use crate::object::{MapSpec, Storage};
use crate::sys::map;
use read::Elements;

/// Bytes that the histograms of a keyed map take, at most; of more there are fewer keys.
///
/// Hashes get all their elements when they are made. Without that (`BPF_F_NO_PREALLOC`) Linux refuses new
/// keys where a few come at once (measured on 6.18: the second key of a `hist` of 5 bits in 1 of 6 runs),
/// updates take up to 4 ns longer, and before 6.1 tracing programs may not use them. It takes 0.1 ms for an
/// ordinary hash of 4096 elements, 2 to 6 ms for a per-CPU one, and half a millisecond per MB of histograms.
const HISTOGRAMS: usize = 32 << 20;
/// Keys that a map of histograms has room for on any machine.
const FEWEST_KEYS: u32 = 64;

/// A map in Linux, with what it holds.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    fd: OwnedFd,
    /// A scalar aggregation that was set to zero is still there, whatever its words say.
    was_zeroed: AtomicBool,
}

impl Map {
    /// Makes an empty map; [`Map::spec`] tells how many elements it has room for.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn create(mut spec: MapSpec) -> Result<Self, Error> {
        spec.max_entries = room(&spec);
        // Numbers of `enum bpf_map_type`.
        let kind = match (spec.storage, spec.evicts) {
            (Storage::Hash, false) => 1,
            (Storage::Array, _) => 2,
            (Storage::PerCpuHash, false) => 5,
            (Storage::PerCpuArray, _) => 6,
            (Storage::Hash, true) => 9,
            (Storage::PerCpuHash, true) => 10,
        };
        let name = format!("AT_{}", spec.name);
        let fd = map::create(kind, spec.key_size, spec.value_size, spec.max_entries, 0, &name)
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
        let entries = snapshot::entries(&self.spec, raw.iter());
        let mut snapshot = MapSnapshot { name: self.spec.name.clone(), ty: self.spec.ty.clone(), entries };
        if snapshot.entries.is_empty() && self.spec.key.is_none() && self.was_zeroed.load(Ordering::Relaxed) {
            snapshot.entries.push(snapshot.zero());
        }
        Ok(snapshot)
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
        let is_there = !self.snapshot()?.entries.is_empty();
        let zeroed = match self.spec.storage {
            Storage::Array => {
                let mut value = vec![0; stride(&self.spec)];
                value[self.spec.set_offset() as usize..].copy_from_slice(&u64::from(is_there).to_ne_bytes());
                map::update(self.as_fd(), &[0; 4], &value)
            }
            Storage::PerCpuArray => {
                self.was_zeroed.store(is_there, Ordering::Relaxed);
                self.write_zeros()
            }
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
            for (key, value) in self.read()?.iter() {
                let key = element::recode_key(&self.spec, &new.spec, key);
                let value = element::recode_value(&self.spec, &new.spec, value);
                map::update(new.as_fd(), &key, &value)?;
            }
            Ok(())
        };
        move_over().map_err(|error| self.failed("moving", error))?;
        new.was_zeroed.store(self.was_zeroed.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(new)
    }

    fn read(&self) -> io::Result<Elements> {
        read::read(self.as_fd(), &self.spec, stride(&self.spec))
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

/// How many elements a map gets, of those that it is to have.
pub fn room(spec: &MapSpec) -> u32 {
    if !spec.holds_buckets() {
        return spec.max_entries;
    }
    let room = u32::try_from(HISTOGRAMS / stride(spec)).unwrap_or(u32::MAX);
    spec.max_entries.min(room.max(FEWEST_KEYS))
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

#[cfg(test)]
mod tests;
