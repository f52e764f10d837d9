//! `hist` and `lhist`, with and without a key.

use probebook_lang::ir::builder::FunctionBuilder;
use probebook_lang::ir::{Aggregation, Ambient, Clock, MapId, Op, Value};
use probebook_lang::types::{MapValue, Type};

use super::{S, begin, constant, is_live, load, map, module};
use crate::isa::Helper;

const M: MapId = MapId(0);

/// bpftrace's definition, as `MapValue::buckets` states it.
fn hist_bucket(n: i64, bits: u32) -> u64 {
    if n < 0 {
        return 0;
    }
    if n < 1 << bits {
        return n as u64 + 1;
    }
    let msb = n.ilog2();
    (u64::from(msb - bits + 1) << bits) + (n as u64 >> (msb - bits) & ((1 << bits) - 1)) + 1
}

#[test]
fn hist_buckets() {
    if !is_live() {
        return;
    }
    for bits in [0, 1, 3, 5] {
        let mut numbers = vec![-5, 0, 1, 2, 3, 7, 8, 100, 1000, 65535, 65536, i64::MAX, i64::MIN];
        numbers.extend((0..63).map(|shift| 1 << shift));
        numbers.extend((2..63).map(|shift| (1 << shift) - 1));
        numbers.extend((3..62).map(|shift| 0b1011 << (shift - 2)));
        let value = MapValue::Hist { bits: bits as u8 };
        let buckets = value.buckets();
        let programs = numbers.iter().map(|&number| {
            begin(|b| {
                let value = Some(constant(b, number));
                b.effect(Op::Aggregate { map: M, key: None, aggregation: Aggregation::Hist, value }, S);
                constant(b, 0)
            })
        });
        let machine = load(module(vec![map("h", None, value)], vec![], programs.collect()));
        let mut expected = vec![0; buckets as usize];
        for (index, &number) in numbers.iter().enumerate() {
            machine.run(index);
            expected[hist_bucket(number, bits) as usize] += 1;
        }
        for (bucket, &count) in expected.iter().enumerate() {
            let found = machine.sum(0, &(bucket as u32).to_le_bytes());
            assert_eq!(found, Some(vec![count]), "bucket {bucket} of {bits} bits");
        }
    }
}

/// A program that adds a number to the histogram of a key.
fn adding(key: i64, number: i64, aggregation: Aggregation) -> probebook_lang::ir::Program {
    begin(|b| {
        let memory = key_slot(b, key);
        let value = Some(constant(b, number));
        b.effect(Op::Aggregate { map: M, key: Some(memory), aggregation, value }, S);
        constant(b, 0)
    })
}

fn key_slot(b: &mut FunctionBuilder, key: i64) -> Value {
    let slot = b.slot(8, 8);
    let memory = b.value(Op::SlotAddress(slot, 0), S);
    let value = constant(b, key);
    b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
    memory
}

#[test]
fn keyed_hist_buckets() {
    if !is_live() {
        return;
    }
    let numbers = [-5, 0, 1, 2, 3, 7, 8, 100, 1000, 65535, 65536, 1 << 40, i64::MAX, i64::MIN];
    for bits in [0, 2, 5] {
        let value = MapValue::Hist { bits: bits as u8 };
        let buckets = value.buckets() as usize;
        let keys = [7, -3];
        let mut programs = Vec::new();
        let mut expected = [vec![0; buckets], vec![0; buckets]];
        for (index, &number) in numbers.iter().enumerate() {
            programs.push(adding(keys[index % 2], number, Aggregation::Hist));
            expected[index % 2][hist_bucket(number, bits) as usize] += 2;
        }
        let maps = vec![map("h", Some(vec![Type::I64]), value)];
        let machine = load(module(maps, vec![], programs));
        for index in (0..numbers.len()).chain(0..numbers.len()) {
            machine.run(index);
        }
        assert_eq!(machine.noticed(Helper::MapUpdateElem), 0, "{bits} bits");
        for (key, expected) in keys.iter().zip(expected) {
            assert_eq!(machine.sum(0, &key.to_le_bytes()), Some(expected), "key {key} of {bits} bits");
        }
    }
}

#[test]
fn keyed_lhist_buckets() {
    if !is_live() {
        return;
    }
    let numbers = [-11, -10, -1, 0, 9, 10, 99, 100, 1 << 40, i64::MIN];
    let buckets = [0, 1, 1, 2, 2, 3, 11, 12, 12, 0];
    let value = MapValue::Lhist { min: -10, max: 100, step: 10 };
    let mut expected = vec![0; value.buckets() as usize];
    buckets.iter().for_each(|&bucket| expected[bucket] += 1);
    let programs = numbers.iter().map(|&number| adding(9, number, Aggregation::Lhist)).collect();
    let machine = load(module(vec![map("l", Some(vec![Type::I64]), value)], vec![], programs));
    for index in 0..numbers.len() {
        machine.run(index);
    }
    assert_eq!(machine.sum(0, &9_u64.to_le_bytes()), Some(expected));
}

#[test]
fn keyed_hist_of_any_number() {
    if !is_live() {
        return;
    }
    // The verifier knows nothing of the number, and the key is text.
    for value in [
        MapValue::Hist { bits: 0 },
        MapValue::Hist { bits: 5 },
        MapValue::Lhist { min: i64::MIN / 4, max: i64::MAX / 4, step: 1 << 60 },
        MapValue::Lhist { min: 0, max: 1000, step: 1 },
    ] {
        let aggregation = match value {
            MapValue::Hist { .. } => Aggregation::Hist,
            _ => Aggregation::Lhist,
        };
        let program = begin(|b| {
            let slot = b.slot(16, 8);
            let memory = b.value(Op::SlotAddress(slot, 0), S);
            b.effect(Op::Comm { to: memory }, S);
            let value = Some(b.value(Op::Ambient(Ambient::Time(Clock::Boot)), S));
            b.effect(Op::Aggregate { map: M, key: Some(memory), aggregation, value }, S);
            let value = Some(b.value(Op::Ambient(Ambient::Random), S));
            b.effect(Op::Aggregate { map: M, key: Some(memory), aggregation, value }, S);
            b.value(Op::MapLen(M), S)
        });
        let buckets = value.buckets();
        let key = Some(vec![Type::String { capacity: 16 }]);
        let machine = load(module(vec![map("h", key, value)], vec![], vec![program]));
        assert_eq!((machine.run(0), machine.run(0)), (1, 1), "{buckets} buckets");
    }
}

#[test]
fn keyed_hist_len_has_and_delete() {
    if !is_live() {
        return;
    }
    let mut programs = vec![adding(1, 5, Aggregation::Hist), adding(2, 6, Aggregation::Hist)];
    programs.push(begin(|b| b.value(Op::MapLen(M), S)));
    for key in [1, 3] {
        programs.push(begin(|b| {
            let key = Some(key_slot(b, key));
            b.value(Op::MapHas { map: M, key }, S)
        }));
    }
    programs.push(begin(|b| {
        let key = Some(key_slot(b, 1));
        b.value(Op::MapDelete { map: M, key }, S)
    }));
    let maps = vec![map("h", Some(vec![Type::I64]), MapValue::Hist { bits: 0 })];
    let machine = load(module(maps, vec![], programs));
    let steps = [0, 1, 0, 2, 3, 4, 5, 2, 3, 5, 1, 2];
    let results = steps.map(|index| machine.run(index));
    assert_eq!(results, [0, 0, 0, 2, 1, 0, 1, 1, 0, 0, 0, 1]);
    assert_eq!(machine.sum(0, &1_u64.to_le_bytes()), None);
    let sixes = machine.sum(0, &2_u64.to_le_bytes()).expect("the other key");
    assert_eq!((sixes[4], sixes.iter().sum::<u64>()), (2, 2));
}

#[test]
fn keyed_hist_map_full() {
    if !is_live() {
        return;
    }
    let programs = (0..70).map(|key| adding(key, key, Aggregation::Hist)).collect();
    let maps = vec![map("h", Some(vec![Type::I64]), MapValue::Hist { bits: 0 })];
    let machine = load(module(maps, vec![], programs));
    for index in (0..70).chain(0..3) {
        machine.run(index);
    }
    assert_eq!(machine.noticed(Helper::MapUpdateElem), 6);
    let two = machine.sum(0, &2_u64.to_le_bytes()).expect("a key that had room");
    assert_eq!((two[3], two.iter().sum::<u64>()), (2, 2));
    assert_eq!(machine.sum(0, &66_u64.to_le_bytes()), None);
}

#[test]
fn lhist_buckets() {
    if !is_live() {
        return;
    }
    let value = MapValue::Lhist { min: -10, max: 100, step: 10 };
    let numbers = [-11, -10, -1, 0, 9, 10, 99, 100, 1 << 40, i64::MIN];
    let expected = [0, 1, 1, 2, 2, 3, 11, 12, 12, 0];
    let programs = numbers.iter().map(|&number| {
        begin(|b| {
            let value = Some(constant(b, number));
            b.effect(Op::Aggregate { map: M, key: None, aggregation: Aggregation::Lhist, value }, S);
            constant(b, 0)
        })
    });
    let machine = load(module(vec![map("l", None, value)], vec![], programs.collect()));
    let mut counts = [0; 13];
    for (index, bucket) in expected.into_iter().enumerate() {
        machine.run(index);
        counts[bucket] += 1;
    }
    for (bucket, &count) in counts.iter().enumerate() {
        assert_eq!(machine.sum(0, &(bucket as u32).to_le_bytes()), Some(vec![count]), "bucket {bucket}");
    }
}
