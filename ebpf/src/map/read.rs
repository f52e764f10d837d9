//! A map in Linux → its [`Elements`], many per system call.
//!
//! *Not here:* what the bytes mean ([`super::snapshot`]).

use std::io;
use std::os::fd::BorrowedFd;

use crate::object::{MapSpec, Storage};
use crate::sys::map::{self, Batch, Cursor};

/// Bytes of values in the first batch that is asked for.
const BATCH: usize = 1 << 19;
/// What Linux answers for a kind of map that has no batches, by its own number `ENOTSUPP`.
const NO_BATCHES: i32 = 524;

/// The elements of a map, as Linux gives them.
#[derive(Debug)]
pub struct Elements {
    key_size: usize,
    stride: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
}

impl Elements {
    fn new(spec: &MapSpec, stride: usize) -> Self {
        let key_size = (spec.key_size as usize).max(1);
        Self { key_size, stride: stride.max(1), keys: Vec::new(), values: Vec::new() }
    }

    /// Key, and value: of all CPUs one after the other, in per-CPU maps.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.keys.chunks_exact(self.key_size).zip(self.values.chunks_exact(self.stride))
    }

    fn len(&self) -> usize {
        self.keys.len() / self.key_size
    }

    fn resize(&mut self, count: usize) {
        self.keys.resize(count * self.key_size, 0);
        self.values.resize(count * self.stride, 0);
    }
}

/// Reads all elements; `stride` is the size of a value as user space sees it.
///
/// # Errors
/// What Linux answers.
pub fn read(map: BorrowedFd<'_>, spec: &MapSpec, stride: usize) -> io::Result<Elements> {
    if spec.max_entries == 1 && matches!(spec.storage, Storage::Array | Storage::PerCpuArray) {
        let mut only = Elements::new(spec, stride);
        only.resize(1);
        map::lookup(map, &only.keys, &mut only.values)?;
        return Ok(only);
    }
    match read_batches(map, spec, stride) {
        // Hashes have batches since Linux 5.6, per-CPU arrays since 5.13.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | NO_BATCHES)) => {
            walk(map, spec, stride)
        }
        other => other,
    }
}

fn read_batches(map: BorrowedFd<'_>, spec: &MapSpec, stride: usize) -> io::Result<Elements> {
    let mut elements = Elements::new(spec, stride);
    let mut cursor = Cursor::default();
    let mut count = (BATCH / elements.stride).clamp(16, 4096).min(spec.max_entries as usize).max(1);
    loop {
        let before = elements.len();
        elements.resize(before + count);
        let keys = &mut elements.keys[before * elements.key_size..];
        let values = &mut elements.values[before * elements.stride..];
        let (read, is_last) = match map::lookup_batch(map, &mut cursor, count, keys, values)? {
            // A bucket of a hash that does not fit.
            Batch::TooSmall => {
                elements.resize(before);
                count *= 2;
                continue;
            }
            Batch::More(read) => (read, false),
            Batch::Last(read) => (read, true),
        };
        elements.resize(before + read.min(count));
        if is_last {
            return Ok(elements);
        }
    }
}

/// Element by element. A map that changes meanwhile may start over; the number of steps bounds that.
fn walk(map: BorrowedFd<'_>, spec: &MapSpec, stride: usize) -> io::Result<Elements> {
    let mut elements = Elements::new(spec, stride);
    let mut key: Option<Vec<u8>> = None;
    let mut value = vec![0; elements.stride];
    for _ in 0..2 * u64::from(spec.max_entries) {
        let mut next = vec![0; elements.key_size];
        if !map::next_key(map, key.as_deref(), &mut next)? {
            break;
        }
        if map::lookup(map, &next, &mut value)? {
            elements.keys.extend(&next);
            elements.values.extend(&value);
        }
        key = Some(next);
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use probebook_lang::ir;
    use probebook_lang::types::layout::Layout;
    use probebook_lang::types::{MapType, MapValue, Type};

    use super::super::Map;
    use super::*;

    #[test]
    fn batches_and_steps_see_the_same() {
        let ty = MapType { key: Some(vec![Type::I64]), value: MapValue::Plain(Type::I64), unit: None };
        let layout = Some(Layout::of(&Type::I64));
        let map = ir::Map {
            name: "many".into(),
            ty,
            key: layout.clone(),
            value: layout,
            max_entries: 10_000,
            evicts: false,
        };
        let Ok(map) = Map::create(MapSpec::new(&map)) else { return };
        for key in 0..9_000u64 {
            map::update(map.as_fd(), &key.to_ne_bytes(), &(key * 2).to_ne_bytes()).expect("room");
        }
        let sorted = |elements: &Elements| {
            let mut pairs: Vec<_> =
                elements.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            pairs.sort();
            pairs
        };
        let batches = sorted(&read_batches(map.as_fd(), map.spec(), 8).expect("batches"));
        assert_eq!(batches.len(), 9_000);
        assert_eq!(batches, sorted(&walk(map.as_fd(), map.spec(), 8).expect("steps")));
    }
}
