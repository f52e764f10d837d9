//! A map of the notebook, which lives on from cell to cell: [`Map`]; and its content at one time:
//! [`MapSnapshot`], per-CPU values already merged.
//!
//! *Not here:* which maps there are (`live`), the bytes of elements (`element`).

mod element;
mod read;
mod snapshot;

pub use snapshot::{Entry, EntryValue, MapSnapshot};

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::error::refused;
use crate::host::features;
use crate::object::{MapSpec, Storage};
use crate::sys::map;
use read::Elements;

/// `BPF_F_NO_PREALLOC`: elements are made when they are first used. Linux refuses some of those where many
/// new keys come at once, so hashes get all their elements when they are made, if that is at most
/// [`PREALLOCATED`] bytes; it takes 0.2 to 6 ms, and updates cost up to 4 ns less. Before Linux 6.1 tracing
/// programs may only use such hashes.
const NO_PREALLOC: u32 = 1;
const PREALLOCATED: usize = 64 << 20;
/// Linux seldom has per-CPU memory of more than a page at hand while a program runs: hashes with such values
/// (histograms of more than 512 buckets) are made with all their elements, as many as [`PREALLOCATED_WIDE`]
/// bytes hold; that takes some 15 ms.
const PAGE: u32 = 4096;
const PREALLOCATED_WIDE: usize = 16 << 20;
/// Elements that such a hash has in any case.
const FEWEST: u32 = 64;

/// A map in Linux, with what it holds.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    fd: OwnedFd,
    /// A scalar aggregation that was set to zero is still there, whatever its words say.
    was_zeroed: AtomicBool,
}

impl Map {
    /// Makes an empty map.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn create(mut spec: MapSpec) -> Result<Self, Error> {
        let fit = |bytes: usize| (bytes / stride(&spec)) as u32;
        let is_large = spec.max_entries > fit(PREALLOCATED) && features::linux_version() >= (6, 1);
        let is_wide = spec.key.is_some() && spec.value_size > PAGE;
        let hash_flags = if is_large && !is_wide { NO_PREALLOC } else { 0 };
        if is_wide {
            spec.max_entries = fit(PREALLOCATED_WIDE).max(FEWEST).min(spec.max_entries);
        }
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
        let mut entries = snapshot::entries(&self.spec, raw.iter());
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
