//! Elements as Linux gives them → [`MapSnapshot`]: values of all CPUs merged.

use std::collections::BTreeMap;

use probebook_lang::types::layout::{Layout, Shape};
use probebook_lang::types::{Gathered, MapType, MapValue};

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
    /// `tseries`: the intervals in which there was something, in order.
    Series(Vec<Point>),
}

/// An interval of a time series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its number: nanoseconds since 1970 divided by its length.
    pub number: u64,
    /// What was gathered in it.
    pub value: Value,
}

/// Makes entries of raw elements: key bytes, and value bytes of all CPUs.
pub(super) fn entries<'a>(spec: &MapSpec, raw: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<Entry> {
    if spec.key.is_none() && matches!(spec.ty.value, MapValue::Tseries { .. }) {
        let all: Vec<u8> = raw.flat_map(|(_, value)| value).copied().collect();
        let value = series(&spec.ty.value, &all);
        let is_used = matches!(&value, EntryValue::Series(points) if !points.is_empty());
        return is_used.then(|| Entry { key: Vec::new(), value }).into_iter().collect();
    }
    if spec.key.is_none() && spec.ty.value.buckets() > 0 {
        return scalar_histogram(spec, raw).into_iter().collect();
    }
    raw.filter_map(|(key, value)| {
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

impl MapSnapshot {
    /// What a scalar map shows that was cleared, or set to zero: 0, or empty.
    pub fn zero(&self) -> Entry {
        let value = match &self.ty.value {
            MapValue::Plain(ty) => {
                let layout = Layout::of(ty);
                EntryValue::Plain(Value::decode(&layout, &vec![0; layout.size as usize]))
            }
            kind @ (MapValue::Hist { .. } | MapValue::Lhist { .. }) => {
                EntryValue::Buckets(vec![0; kind.buckets() as usize])
            }
            MapValue::Tseries { .. } => EntryValue::Series(Vec::new()),
            MapValue::Avg { .. } | MapValue::Stats { .. } => EntryValue::Average { total: 0, count: 0 },
            other => EntryValue::Number(number(is_signed(other), 0)),
        };
        Entry { key: Vec::new(), value }
    }
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
fn scalar_histogram<'a>(spec: &MapSpec, raw: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Option<Entry> {
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
        MapValue::Tseries { .. } => Some(series(kind, value)),
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

/// The intervals of all CPUs, those of the same number joined, of those at the same place the newest.
fn series(kind: &MapValue, bytes: &[u8]) -> EntryValue {
    let &MapValue::Tseries { intervals, how, signed, .. } = kind else {
        return EntryValue::Series(Vec::new());
    };
    let mut joined: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for interval in bytes.as_chunks::<24>().0 {
        let mut words = words(interval);
        let mut word = || words.next().unwrap_or(0);
        let (value, meta, number) = (word(), word(), word());
        if number == 0 {
            continue;
        }
        joined
            .entry(number)
            .and_modify(|(kept, kept_meta)| {
                let flip = if signed { 1 << 63 } else { 0 };
                match how {
                    Gathered::Last if *kept_meta < meta => (*kept, *kept_meta) = (value, meta),
                    Gathered::Last => {}
                    Gathered::Avg => {
                        (*kept, *kept_meta) = (kept.wrapping_add(value), kept_meta.wrapping_add(meta));
                    }
                    Gathered::Sum => *kept = kept.wrapping_add(value),
                    Gathered::Min => *kept = (*kept ^ flip).min(value ^ flip) ^ flip,
                    Gathered::Max => *kept = (*kept ^ flip).max(value ^ flip) ^ flip,
                }
            })
            .or_insert((value, meta));
    }
    // What another CPU has not replaced yet is older than the newest at its place.
    let newest = joined.keys().next_back().copied().unwrap_or(0);
    let points = joined.into_iter().filter(|(number, _)| newest - number < u64::from(intervals));
    let value = |(value, meta): (u64, u64)| match (how, signed) {
        (Gathered::Avg, true) => Value::Int((value as i64).checked_div(meta as i64).unwrap_or(0)),
        (Gathered::Avg, false) => Value::Uint(value.checked_div(meta).unwrap_or(0)),
        _ => number(signed, value),
    };
    EntryValue::Series(points.map(|(number, kept)| Point { number, value: value(kept) }).collect())
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

#[cfg(test)]
mod tests {
    use probebook_lang::ir;
    use probebook_lang::types::Type;

    use super::*;

    fn spec(key: Option<Vec<Type>>, value: MapValue) -> MapSpec {
        let ty = MapType { key, value, unit: None };
        let value = match &ty.value {
            MapValue::Plain(ty) => Some(Layout::of(ty)),
            _ => None,
        };
        let key = ty.key_type().map(|ty| Layout::of(&ty));
        MapSpec::new(&ir::Map { name: "m".into(), ty, key, value, max_entries: 8, evicts: false })
    }

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[track_caller]
    fn check(spec: &MapSpec, raw: &[(&[u8], &[u64])], expected: &[(&[Value], EntryValue)]) {
        let raw: Vec<(&[u8], Vec<u8>)> = raw.iter().map(|(key, words)| (*key, bytes(words))).collect();
        let found = entries(spec, raw.iter().map(|(key, value)| (*key, value.as_slice())));
        let expected: Vec<Entry> =
            expected.iter().map(|(key, value)| Entry { key: key.to_vec(), value: value.clone() }).collect();
        assert_eq!(found, expected);
    }

    const FIRST: &[u8] = &[0; 4];
    const MINUS: u64 = -5i64 as u64;

    #[test]
    fn values_of_all_cpus_are_merged() {
        let number = |value| [(&[][..], EntryValue::Number(value))];
        let count = spec(None, MapValue::Count);
        check(&count, &[(FIRST, &[2, 0, 3])], &number(Value::Uint(5)));
        check(&count, &[(FIRST, &[0, 0, 0])], &[]);
        let sum = spec(None, MapValue::Sum { signed: true });
        check(&sum, &[(FIRST, &[MINUS, 1, 0, 0, 2, 1])], &number(Value::Int(-3)));
        check(&sum, &[(FIRST, &[0, 1, 0, 0])], &number(Value::Int(0)));
        check(&sum, &[(FIRST, &[0, 0, 0, 0])], &[]);
        let average = EntryValue::Average { total: -3, count: 3 };
        let avg = spec(None, MapValue::Avg { signed: true });
        check(&avg, &[(FIRST, &[MINUS, 1, 2, 2])], &[(&[], average)]);
    }

    #[test]
    fn extremes_leave_out_cpus_that_saw_nothing() {
        let number = |value| [(&[][..], EntryValue::Number(value))];
        let raw: &[(&[u8], &[u64])] = &[(FIRST, &[0, 0, MINUS, 1, 7, 1])];
        check(&spec(None, MapValue::Min { signed: true }), raw, &number(Value::Int(-5)));
        check(&spec(None, MapValue::Max { signed: true }), raw, &number(Value::Int(7)));
        check(&spec(None, MapValue::Min { signed: false }), raw, &number(Value::Uint(7)));
        check(&spec(None, MapValue::Max { signed: false }), raw, &number(Value::Uint(MINUS)));
        check(&spec(None, MapValue::Min { signed: false }), &[(FIRST, &[0, 0, 0, 0])], &[]);
    }

    #[test]
    fn keys_are_parts_and_zeroed_elements_stay() {
        let text = Type::String { capacity: 8 };
        let min = spec(Some(vec![Type::I64, text.clone()]), MapValue::Min { signed: true });
        let mut key = bytes(&[MINUS]);
        key.extend(b"ab\0 old\0");
        let parts = [Value::Int(-5), Value::String(b"ab".into())];
        check(&min, &[(&key, &[0, 0])], &[(&parts, EntryValue::Number(Value::Int(0)))]);
        // One part that is a tuple is that tuple.
        let tuple = spec(Some(vec![Type::Tuple(vec![Type::I64, text])]), MapValue::Count);
        check(
            &tuple,
            &[(&key, &[4])],
            &[(&[Value::Tuple(parts.into())], EntryValue::Number(Value::Uint(4)))],
        );
    }

    #[test]
    fn an_array_tells_whether_it_was_set() {
        let plain = spec(None, MapValue::Plain(Type::U64));
        check(&plain, &[(FIRST, &[9, 0])], &[]);
        check(&plain, &[(FIRST, &[9, 1])], &[(&[], EntryValue::Plain(Value::Uint(9)))]);
    }

    #[test]
    fn buckets_of_all_cpus_are_added() {
        let lhist = MapValue::Lhist { min: 0, max: 20, step: 10 };
        let scalar = spec(None, lhist.clone());
        let raw: &[(&[u8], &[u64])] =
            &[(&[0; 4], &[0, 0]), (&[1, 0, 0, 0], &[2, 1]), (&[3, 0, 0, 0], &[0, 7])];
        check(&scalar, raw, &[(&[], EntryValue::Buckets(vec![0, 3, 0, 7]))]);
        check(&scalar, &[(&[0; 4], &[0, 0])], &[]);
        let keyed = spec(Some(vec![Type::U64]), lhist);
        let (six, five) = (bytes(&[6]), bytes(&[5]));
        let raw: &[(&[u8], &[u64])] = &[(&six, &[0, 0, 1, 1, 4, 0, 1, 0]), (&five, &[0; 8])];
        let expected: [(&[Value], EntryValue); 2] = [
            (&[Value::Uint(6)], EntryValue::Buckets(vec![4, 0, 2, 1])),
            (&[Value::Uint(5)], EntryValue::Buckets(vec![0; 4])),
        ];
        check(&keyed, raw, &expected);
    }
}
