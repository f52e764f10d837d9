//! Elements as Linux gives them → [`MapSnapshot`]: values of all CPUs merged.

use probebook_lang::types::layout::Shape;
use probebook_lang::types::{MapType, MapValue};

use crate::object::{MapSpec, Storage};
use crate::value::Value;

/// One map at one time. The order of entries is Linux's, not sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct MapSnapshot {
    /// Without the `@`; the anonymous map is the empty name.
    pub name: String,
    /// Key, value, unit.
    pub ty: MapType,
    /// A scalar map has at most one entry, with an empty key.
    pub entries: Vec<Entry>,
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The parts of the key; empty for a scalar map.
    pub key: Vec<Value>,
    /// The value.
    pub value: EntryValue,
}

/// The merged value of an element. Integers carry their sign bit as the map's type says: an unsigned one
/// is the same 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryValue {
    /// An ordinary value.
    Plain(Value),
    /// `count sum min max`
    Number(Value),
    /// `avg`, `stats`
    Average {
        /// The sum of all numbers (two's complement if the map is signed).
        total: i64,
        /// How many.
        count: u64,
    },
    /// `hist`, `lhist`: the count of each bucket, as many as [`MapValue::buckets`].
    Buckets(Vec<u64>),
}

/// Makes entries of raw elements: key bytes, and value bytes of all CPUs.
pub(super) fn entries(spec: &MapSpec, raw: &[(Vec<u8>, Vec<u8>)]) -> Vec<Entry> {
    if spec.key.is_none() && spec.ty.value.buckets() > 0 {
        return scalar_histogram(spec, raw).into_iter().collect();
    }
    raw.iter()
        .filter_map(|(key, value)| {
            let value = match (spec.storage, &spec.value) {
                (Storage::Array, Some(layout)) => {
                    let is_set = words(&value[spec.set_offset() as usize..]).next() == Some(1);
                    is_set.then(|| EntryValue::Plain(Value::decode(layout, value)))?
                }
                (Storage::Hash, Some(layout)) => EntryValue::Plain(Value::decode(layout, value)),
                _ => merge(&spec.ty.value, value, spec.key.is_some())?,
            };
            Some(Entry { key: key_parts(spec, key), value })
        })
        .collect()
}

/// What a scalar shows after it was set to zero.
pub(super) fn zero(spec: &MapSpec) -> Entry {
    let value = match (&spec.ty.value, &spec.value) {
        (kind @ (MapValue::Hist { .. } | MapValue::Lhist { .. }), _) => {
            EntryValue::Buckets(vec![0; kind.buckets() as usize])
        }
        (MapValue::Plain(_), Some(layout)) => EntryValue::Plain(Value::decode(layout, &[])),
        (MapValue::Avg { .. } | MapValue::Stats { .. }, _) => EntryValue::Average { total: 0, count: 0 },
        (other, _) => EntryValue::Number(number(is_signed(other), 0)),
    };
    Entry { key: Vec::new(), value }
}

fn key_parts(spec: &MapSpec, bytes: &[u8]) -> Vec<Value> {
    let (Some(layout), Some(types)) = (&spec.key, &spec.ty.key) else { return Vec::new() };
    match (&layout.shape, types.len()) {
        (Shape::Tuple(parts), count) if count != 1 => {
            let part = |part: &probebook_lang::types::layout::Part| {
                Value::decode(&part.layout, bytes.get(part.offset as usize..).unwrap_or_default())
            };
            parts.iter().map(part).collect()
        }
        _ => vec![Value::decode(layout, bytes)],
    }
}

/// The histogram of an array with an element per bucket, if anything was counted.
fn scalar_histogram(spec: &MapSpec, raw: &[(Vec<u8>, Vec<u8>)]) -> Option<Entry> {
    let mut counts = vec![0; spec.ty.value.buckets() as usize];
    for (key, value) in raw {
        let index = key.first_chunk().map_or(0, |index| u32::from_ne_bytes(*index) as usize);
        if let Some(slot) = counts.get_mut(index) {
            *slot = words(value).fold(0, u64::wrapping_add);
        }
    }
    let is_used = counts.iter().any(|&count| count > 0);
    is_used.then(|| Entry { key: Vec::new(), value: EntryValue::Buckets(counts) })
}

/// The merged value of an aggregation, or nothing if a scalar one was never updated.
fn merge(kind: &MapValue, value: &[u8], is_keyed: bool) -> Option<EntryValue> {
    let signed = is_signed(kind);
    let pairs = || {
        value.as_chunks::<16>().0.iter().map(|pair| {
            let mut words = words(pair);
            (words.next().unwrap_or(0), words.next().unwrap_or(0))
        })
    };
    let set = || pairs().filter(|(_, set)| *set != 0).map(|(value, _)| value);
    let merged = match kind {
        MapValue::Count => {
            let count: u64 = words(value).fold(0, u64::wrapping_add);
            (count > 0 || is_keyed).then_some(EntryValue::Number(Value::Uint(count)))
        }
        MapValue::Hist { .. } | MapValue::Lhist { .. } => {
            let mut counts = vec![0u64; kind.buckets() as usize];
            for of_cpu in value.chunks_exact(counts.len() * 8) {
                counts.iter_mut().zip(words(of_cpu)).for_each(|(sum, count)| *sum = sum.wrapping_add(count));
            }
            Some(EntryValue::Buckets(counts))
        }
        MapValue::Sum { .. } => {
            let sum = set().fold(0u64, u64::wrapping_add);
            set().next().map(|_| EntryValue::Number(number(signed, sum)))
        }
        MapValue::Min { .. } => extreme(set(), signed, false).map(EntryValue::Number),
        MapValue::Max { .. } => extreme(set(), signed, true).map(EntryValue::Number),
        _ => {
            let total = pairs().fold(0i64, |total, (value, _)| total.wrapping_add(value as i64));
            let count = pairs().fold(0u64, |count, (_, n)| count.wrapping_add(n));
            (count > 0 || is_keyed).then_some(EntryValue::Average { total, count })
        }
    };
    // An element of a keyed map that was zeroed has no set word anywhere: it is there, and it is 0.
    merged.or_else(|| is_keyed.then(|| EntryValue::Number(number(signed, 0))))
}

fn extreme(values: impl Iterator<Item = u64>, signed: bool, largest: bool) -> Option<Value> {
    // Signed numbers are ordered as unsigned ones once their sign bit is flipped.
    let flip = if signed { 1 << 63 } else { 0 };
    let ordered = values.map(|value| value ^ flip);
    let found = if largest { ordered.max() } else { ordered.min() };
    found.map(|value| number(signed, value ^ flip))
}

fn number(signed: bool, bits: u64) -> Value {
    if signed { Value::Int(bits as i64) } else { Value::Uint(bits) }
}

fn is_signed(kind: &MapValue) -> bool {
    matches!(
        kind,
        MapValue::Sum { signed: true }
            | MapValue::Min { signed: true }
            | MapValue::Max { signed: true }
            | MapValue::Avg { signed: true }
            | MapValue::Stats { signed: true }
    )
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word))
}
