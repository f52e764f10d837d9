//! Every operation on every storage.

use probebook_lang::ir::{Aggregation, MapId, Op};
use probebook_lang::types::{MapValue, Type};

use super::{S, begin, constant, is_live, load, map, module};
use crate::isa::Helper;

const M: MapId = MapId(0);

#[test]
fn scalar_count() {
    if !is_live() {
        return;
    }
    let program = begin(|b| {
        let op = Op::Aggregate { map: M, key: None, aggregation: Aggregation::Count, value: None };
        b.effect(op, S);
        b.value(Op::AggregateGet { map: M, key: None }, S)
    });
    let machine = load(module(vec![map("", None, MapValue::Count)], vec![], vec![program]));
    assert_eq!([machine.run(0), machine.run(0), machine.run(0)], [1, 2, 3]);
    assert_eq!(machine.sum(0, &[0; 4]), Some(vec![3]));
}

#[test]
fn scalar_aggregations_of_signed_numbers() {
    if !is_live() {
        return;
    }
    let cases = [
        (Aggregation::Sum, MapValue::Sum { signed: true }, -8_i32),
        (Aggregation::Min, MapValue::Min { signed: true }, -10),
        (Aggregation::Max, MapValue::Max { signed: true }, 5),
        (Aggregation::Avg, MapValue::Avg { signed: true }, -2),
        (Aggregation::Max, MapValue::Max { signed: false }, -3),
        (Aggregation::Min, MapValue::Min { signed: false }, 5),
    ];
    for (aggregation, value, expected) in cases {
        let program = begin(|b| {
            for number in [5, -10, -3] {
                let number = Some(constant(b, number));
                b.effect(Op::Aggregate { map: M, key: None, aggregation, value: number }, S);
            }
            b.value(Op::AggregateGet { map: M, key: None }, S)
        });
        let machine = load(module(vec![map("m", None, value)], vec![], vec![program]));
        assert_eq!(machine.run(0) as i32, expected, "{aggregation:?}");
    }
}

#[test]
fn keyed_aggregations_and_full_maps() {
    if !is_live() {
        return;
    }
    let program = begin(|b| {
        let slot = b.slot(8, 8);
        let memory = b.value(Op::SlotAddress(slot, 0), S);
        for key in (0..70).chain(0..3) {
            let value = constant(b, key);
            b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
            let value = Some(constant(b, key + 100));
            b.effect(Op::Aggregate { map: M, key: Some(memory), aggregation: Aggregation::Sum, value }, S);
        }
        let two = constant(b, 2);
        b.effect(Op::Store { memory, offset: 0, width: 8, value: two }, S);
        b.value(Op::AggregateGet { map: M, key: Some(memory) }, S)
    });
    let sum = MapValue::Sum { signed: false };
    let machine = load(module(vec![map("m", Some(vec![Type::I64]), sum)], vec![], vec![program]));
    assert_eq!(machine.run(0), 204);
    assert_eq!(machine.noticed(Helper::MapUpdateElem), 6);
    assert_eq!(machine.sum(0, &5_u64.to_le_bytes()), Some(vec![105, 1]));
}

#[test]
fn ordinary_values() {
    if !is_live() {
        return;
    }
    for key in [None, Some(vec![Type::I64])] {
        let program = begin(|b| {
            let slot = b.slot(8, 8);
            let memory = b.value(Op::SlotAddress(slot, 0), S);
            let seven = constant(b, 7);
            b.effect(Op::Store { memory, offset: 0, width: 8, value: seven }, S);
            let key = key.as_ref().map(|_| memory);
            let before = b.value(Op::MapGet { map: M, key }, S);
            let big = constant(b, 0x1234_5678_9abc);
            b.effect(Op::MapSet { map: M, key, value: big }, S);
            let has = b.value(Op::MapHas { map: M, key }, S);
            let after = b.value(Op::MapGet { map: M, key }, S);
            let deleted = b.value(Op::MapDelete { map: M, key }, S);
            let again = b.value(Op::MapDelete { map: M, key }, S);
            let gone = b.value(Op::MapHas { map: M, key }, S);
            let same = b.value(Op::Compare(probebook_lang::ir::Cond::Eq, after, big), S);
            let mut bits = same;
            for bit in [has, deleted, again, gone, before] {
                let two = constant(b, 2);
                let twice = b.value(Op::Arith(probebook_lang::ir::Arith::Mul, bits, two), S);
                bits = b.value(Op::Arith(probebook_lang::ir::Arith::Add, twice, bit), S);
            }
            bits
        });
        let plain = MapValue::Plain(Type::I64);
        let machine = load(module(vec![map("m", key.clone(), plain)], vec![], vec![program]));
        assert_eq!(machine.run(0), 0b11_1000, "{key:?}");
    }
}

#[test]
fn clearing_scalar_aggregations_and_len() {
    if !is_live() {
        return;
    }
    let maps =
        vec![map("h", None, MapValue::Hist { bits: 0 }), map("n", Some(vec![Type::I64]), MapValue::Count)];
    let program = begin(|b| {
        let value = Some(constant(b, 5));
        b.effect(Op::Aggregate { map: M, key: None, aggregation: Aggregation::Hist, value }, S);
        let had = b.value(Op::MapHas { map: M, key: None }, S);
        let deleted = b.value(Op::MapDelete { map: M, key: None }, S);
        let again = b.value(Op::MapDelete { map: M, key: None }, S);
        let slot = b.slot(8, 8);
        let memory = b.value(Op::SlotAddress(slot, 0), S);
        for key in 0..3 {
            let value = constant(b, key);
            b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
            let (map, key) = (MapId(1), Some(memory));
            b.effect(Op::Aggregate { map, key, aggregation: Aggregation::Count, value: None }, S);
        }
        let mut number = b.value(Op::MapLen(MapId(1)), S);
        for digit in [had, deleted, again] {
            let ten = constant(b, 10);
            let shifted = b.value(Op::Arith(probebook_lang::ir::Arith::Mul, number, ten), S);
            number = b.value(Op::Arith(probebook_lang::ir::Arith::Add, shifted, digit), S);
        }
        number
    });
    let machine = load(module(maps, vec![], vec![program]));
    assert_eq!(machine.run(0), 3110);
}

#[test]
fn merging_over_many_cpus() {
    if !is_live() {
        return;
    }
    for (cpus, value) in [(1, MapValue::Count), (512, MapValue::Count), (512, MapValue::Min { signed: true })]
    {
        let program = begin(|b| b.value(Op::AggregateGet { map: M, key: None }, S));
        let target = crate::codegen::Target { cpus, ..super::machine::target() };
        let machine = super::load_for(module(vec![map("m", None, value)], vec![], vec![program]), &target);
        assert_eq!(machine.run(0), 0);
    }
}
