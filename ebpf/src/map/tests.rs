//! Maps in the real Linux; without the right to make them there is nothing to check.

use probebook_lang::ir;
use probebook_lang::types::layout::Layout;
use probebook_lang::types::{MapType, MapValue, Type};

use super::*;
use crate::value::Value;

fn spec(key: Option<Vec<Type>>, value: MapValue) -> MapSpec {
    let ty = MapType { key, value, unit: None };
    let value = match &ty.value {
        MapValue::Plain(ty) => Some(Layout::of(ty)),
        _ => None,
    };
    let key = ty.key_type().map(|ty| Layout::of(&ty));
    MapSpec::new(&ir::Map {
        name: "a_map_with_a_long_name".into(),
        ty,
        key,
        value,
        max_entries: 16,
        evicts: false,
    })
}

/// Sets an element; in a per-CPU map the words are those of the last CPU.
fn set(map: &Map, key: &[u8], words: &[u64]) {
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut value = vec![0; stride(map.spec()) - words.len()];
    value.extend(words);
    map::update(map.as_fd(), key, &value).expect("room");
}

fn entries(map: &Map) -> Vec<(Vec<Value>, EntryValue)> {
    let mut entries: Vec<_> =
        map.snapshot().expect("readable").entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

fn number(value: u64) -> EntryValue {
    EntryValue::Number(Value::Uint(value))
}

const FIRST: &[u8] = &[0; 4];

#[test]
fn scalars_are_set_zeroed_and_cleared() {
    let Ok(plain) = Map::create(spec(None, MapValue::Plain(Type::I64))) else { return };
    assert_eq!(entries(&plain), []);
    plain.zero().expect("zeroed");
    assert_eq!(entries(&plain), [], "what was not there is not made");
    set(&plain, FIRST, &[7, 1]);
    assert_eq!(entries(&plain), [(vec![], EntryValue::Plain(Value::Int(7)))]);
    plain.zero().expect("zeroed");
    assert_eq!(entries(&plain), [(vec![], EntryValue::Plain(Value::Int(0)))]);
    plain.clear().expect("cleared");
    assert_eq!(entries(&plain), []);

    let count = Map::create(spec(None, MapValue::Count)).expect("a map");
    set(&count, FIRST, &[3]);
    assert_eq!(entries(&count), [(vec![], number(3))]);
    count.zero().expect("zeroed");
    assert_eq!(entries(&count), [(vec![], number(0))]);
    count.clear().expect("cleared");
    assert_eq!(entries(&count), []);
}

#[test]
fn elements_are_zeroed_and_cleared() {
    let Ok(map) = Map::create(spec(Some(vec![Type::U64]), MapValue::Sum { signed: false })) else { return };
    for key in 1..=16u64 {
        set(&map, &key.to_ne_bytes(), &[key * 10, 1]);
    }
    let expected = |factor: u64| (1..=16).map(move |key| (vec![Value::Uint(key)], number(key * factor)));
    assert_eq!(entries(&map), expected(10).collect::<Vec<_>>());
    map.zero().expect("zeroed");
    assert_eq!(entries(&map), expected(0).collect::<Vec<_>>());
    map.clear().expect("cleared");
    assert_eq!(entries(&map), []);
}

#[test]
fn histograms_keep_their_buckets() {
    let hist = MapValue::Hist { bits: 5 };
    let Ok(scalar) = Map::create(spec(None, hist.clone())) else { return };
    let mut expected = vec![0; hist.buckets() as usize];
    for bucket in [0, 1, 700, expected.len() - 1] {
        set(&scalar, &(bucket as u32).to_ne_bytes(), &[bucket as u64 + 1]);
        expected[bucket] = bucket as u64 + 1;
    }
    assert_eq!(entries(&scalar), [(vec![], EntryValue::Buckets(expected))]);
    scalar.zero().expect("zeroed");
    assert_eq!(entries(&scalar), [(vec![], EntryValue::Buckets(vec![0; hist.buckets() as usize]))]);
    scalar.clear().expect("cleared");
    assert_eq!(entries(&scalar), []);
}

/// Linux must not refuse new keys that come one after the other.
#[test]
fn many_keys_of_large_histograms_fit() {
    let mut wanted = spec(Some(vec![Type::U64]), MapValue::Hist { bits: 5 });
    wanted.max_entries = 4096;
    let Ok(map) = Map::create(wanted) else { return };
    let room = u64::from(map.spec().max_entries);
    assert!((64..=4096).contains(&room), "{room}");
    for key in 0..room {
        set(&map, &key.to_ne_bytes(), &[key]);
    }
    assert_eq!(map.snapshot().expect("readable").entries.len() as u64, room);
}

#[test]
fn a_wider_map_holds_the_same() {
    let text = |capacity| Type::String { capacity };
    let key = |capacity| Some(vec![text(capacity), Type::I64]);
    for value in [MapValue::Plain(text(8)), MapValue::Count, MapValue::Hist { bits: 0 }] {
        let Ok(old) = Map::create(spec(key(8), value.clone())) else { return };
        let mut bytes = b"ab\0\0\0\0\0\0".to_vec();
        bytes.extend((-3i64).to_ne_bytes());
        set(&old, &bytes, &[u64::from_ne_bytes(*b"text\0\0\0\0")]);
        let wide = if let MapValue::Plain(_) = value { MapValue::Plain(text(64)) } else { value };
        let new = old.rebuild(spec(key(24), wide)).expect("rebuilt");
        assert_eq!(entries(&new), entries(&old));
        assert_eq!(entries(&new)[0].0, [Value::String(b"ab".into()), Value::Int(-3)]);
        assert!(new.spec().key_size > old.spec().key_size);
    }
    let old = Map::create(spec(None, MapValue::Plain(text(8)))).expect("a map");
    set(&old, FIRST, &[u64::from_ne_bytes(*b"text\0\0\0\0"), 1]);
    let new = old.rebuild(spec(None, MapValue::Plain(text(32)))).expect("rebuilt");
    assert_eq!(entries(&new), [(vec![], EntryValue::Plain(Value::String(b"text".into())))]);
}
