//! The programs that everybody writes, as instructions: few enough, and in the order one would write.

use probebook_lang::ir::{Aggregation, Ambient, Arith, Clock, Cond, MapId, Op};
use probebook_lang::probes::AttachPoint;
use probebook_lang::types::{MapValue, Type};

use super::machine::target;
use super::{S, constant, is_live, load, map, module, program_at};
use crate::codegen::generate;

fn event() -> AttachPoint {
    AttachPoint::RawTracepoint { event: "sys_enter".into() }
}

/// Words and text of the only program, after it was loaded.
fn code(maps: Vec<probebook_lang::ir::Map>, program: probebook_lang::ir::Program) -> (usize, String) {
    let mut module = module(maps, vec![], vec![program]);
    if is_live() {
        load(module.clone());
    }
    probebook_lang::opt::optimise(&mut module);
    let object = generate(&module, &target()).expect("code");
    let text = crate::isa::disassemble(&object.programs[0]);
    println!("{text}");
    (object.programs[0].code.len(), text)
}

#[test]
fn count() {
    let program = program_at(event(), |b| {
        b.effect(Op::Aggregate { map: MapId(0), key: None, aggregation: Aggregation::Count, value: None }, S);
        constant(b, 0)
    });
    let (_, text) = code(vec![map("", None, MapValue::Count)], program);
    let expected = "   0: r5 = &map globals[0]+0 ll
   2: r5 = *(u64 *)(r5 +0)
   3: if r5 == 0 goto 14
   4: *(u32 *)(r10 -8) = 0
   5: r1 = map m0 ll
   7: r2 = r10
   8: r2 += -8
   9: call map_lookup_elem#1
  10: if r0 == 0 goto 14
  11: r5 = *(u64 *)(r0 +0)
  12: r5 += 1
  13: *(u64 *)(r0 +0) = r5
  14: r0 = 0
  15: exit
";
    assert_eq!(text, expected);
}

#[test]
fn count_by_name() {
    let program = program_at(event(), |b| {
        let slot = b.slot(16, 8);
        let to = b.value(Op::SlotAddress(slot, 0), S);
        b.effect(Op::Comm { to }, S);
        let aggregation = Aggregation::Count;
        b.effect(Op::Aggregate { map: MapId(0), key: Some(to), aggregation, value: None }, S);
        constant(b, 0)
    });
    let key = Some(vec![Type::String { capacity: 16 }]);
    let (words, _) = code(vec![map("", key, MapValue::Count)], program);
    assert!(words <= 45, "{words}");
}

#[test]
fn latency() {
    let maps = vec![
        map("start", Some(vec![Type::U64]), MapValue::Plain(Type::U64)),
        map("ns", Some(vec![Type::String { capacity: 16 }]), MapValue::Hist { bits: 0 }),
    ];
    let program = program_at(event(), |b| {
        let key_slot = b.slot(8, 8);
        let key = Some(b.value(Op::SlotAddress(key_slot, 0), S));
        let store = |b: &mut probebook_lang::ir::builder::FunctionBuilder| {
            let memory = b.value(Op::SlotAddress(key_slot, 0), S);
            let value = b.value(Op::Ambient(Ambient::Tid), S);
            b.effect(Op::Store { memory, offset: 0, width: 8, value }, S);
        };
        let start = MapId(0);
        store(b);
        let started = b.value(Op::MapGet { map: start, key }, S);
        let (then, done) = (b.block(), b.block());
        b.branch(started, then, done, S);
        b.seal(then);
        b.switch_to(then);
        let name = b.slot(16, 8);
        let to = b.value(Op::SlotAddress(name, 0), S);
        b.effect(Op::Comm { to }, S);
        let now = b.value(Op::Ambient(Ambient::Time(Clock::Boot)), S);
        store(b);
        let before = b.value(Op::MapGet { map: start, key }, S);
        let value = Some(b.value(Op::Arith(Arith::Sub, now, before), S));
        let aggregation = Aggregation::Hist;
        b.effect(Op::Aggregate { map: MapId(1), key: Some(to), aggregation, value }, S);
        store(b);
        b.effect(Op::MapDelete { map: start, key }, S);
        b.jump(done, vec![]);
        b.seal(done);
        b.switch_to(done);
        constant(b, 0)
    });
    let (words, text) = code(maps, program);
    assert_eq!(text.matches("get_current_pid_tgid").count(), 1, "{text}");
    assert!(words <= 135, "{words}");
}

#[test]
fn predicate_on_a_name() {
    let program = program_at(event(), |b| {
        let (name, literal) = (b.slot(16, 8), b.slot(3, 1));
        let to = b.value(Op::SlotAddress(name, 0), S);
        b.effect(Op::Comm { to }, S);
        let memory = b.value(Op::SlotAddress(literal, 0), S);
        b.effect(Op::Write { memory, offset: 0, data: b"dd".to_vec() }, S);
        b.effect(Op::Zero { memory, offset: 2, size: 1 }, S);
        let same = b.value(Op::StringEq { a: to, b: memory, size: 3 }, S);
        let (then, done) = (b.block(), b.block());
        b.branch(same, then, done, S);
        b.seal(then);
        b.switch_to(then);
        let before = b.value(Op::MapGet { map: MapId(0), key: None }, S);
        let one = constant(b, 1);
        let value = b.value(Op::Arith(Arith::Add, before, one), S);
        b.effect(Op::MapSet { map: MapId(0), key: None, value }, S);
        b.jump(done, vec![]);
        b.seal(done);
        b.switch_to(done);
        constant(b, 0)
    });
    let (words, _) = code(vec![map("n", None, MapValue::Plain(Type::I64))], program);
    assert!(words <= 21, "{words}");
}

#[test]
fn increments_look_up_once() {
    let program = program_at(event(), |b| {
        let slot = b.slot(8, 8);
        let memory = b.value(Op::SlotAddress(slot, 0), S);
        let pid = b.value(Op::Ambient(Ambient::Pid), S);
        b.effect(Op::Store { memory, offset: 0, width: 8, value: pid }, S);
        let key = Some(memory);
        let before = b.value(Op::MapGet { map: MapId(0), key }, S);
        let one = constant(b, 1);
        let value = b.value(Op::Arith(Arith::Add, before, one), S);
        b.effect(Op::MapSet { map: MapId(0), key, value }, S);
        let again = b.value(Op::MapGet { map: MapId(0), key }, S);
        b.value(Op::Compare(Cond::Eq, again, value), S)
    });
    let maps = vec![map("n", Some(vec![Type::U64]), MapValue::Plain(Type::I64))];
    let (_, text) = code(maps.clone(), program.clone());
    // The one before and the one after.
    assert_eq!(text.matches("map_lookup_elem").count(), 2, "{text}");
    if is_live() {
        let machine = load(module(maps, vec![], vec![program]));
        assert_eq!([machine.run(0), machine.run(0)], [1, 1]);
        assert_eq!(machine.element(0, &u64::from(std::process::id()).to_le_bytes()), Some(vec![2]));
    }
}
