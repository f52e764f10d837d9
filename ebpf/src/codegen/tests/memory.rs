//! Local memory, strings, records and facts.

use probebook_lang::ir::builder::FunctionBuilder;
use probebook_lang::ir::{Ambient, Arith, Op, Record, RecordId, RecordKind, Space, Value};
use probebook_lang::probes::AttachPoint;
use probebook_lang::types::Type;
use probebook_lang::types::layout::Layout;

use super::machine::target;
use super::{S, begin, constant, is_live, load, load_for, module, program_at};
use crate::codegen::Target;
use crate::object::{Counter, Globals};

fn memory(b: &mut FunctionBuilder, size: u32) -> Value {
    let slot = b.slot(size, 8);
    b.value(Op::SlotAddress(slot, 0), S)
}

fn text(b: &mut FunctionBuilder, text: &[u8], size: usize) -> Value {
    let memory = memory(b, size as u32);
    let mut data = text.to_vec();
    data.resize(size, 0);
    b.effect(Op::Write { memory, offset: 0, data }, S);
    memory
}

#[test]
fn string_comparison() {
    if !is_live() {
        return;
    }
    let cases: [(&[u8], &[u8], u32); 10] = [
        (b"dd", b"dd", 1),
        (b"dd", b"de", 0),
        (b"", b"", 1),
        (b"", b"a", 0),
        (b"12345678", b"12345678", 1),
        (b"123456789", b"12345678", 0),
        (b"1234567890abcdef", b"1234567890abcdef", 1),
        (b"1234567890abcdef", b"1234567890abcdeg", 0),
        // What lies behind the NUL does not count.
        (b"ab\0garbage", b"ab\0different", 1),
        (b"\xff\x80\x01", b"\xff\x80\x01", 1),
    ];
    for size in [16, 20, 64] {
        let programs = cases.iter().map(|(one, other, _)| {
            begin(|b| {
                let (one, other) = (text(b, one, 64), text(b, other, 64));
                b.value(Op::StringEq { a: one, b: other, size }, S)
            })
        });
        let machine = load(module(vec![], vec![], programs.collect()));
        for (index, (one, other, expected)) in cases.iter().enumerate() {
            assert_eq!(machine.run(index), *expected, "{one:?} {other:?} {size}");
        }
    }
}

fn record(types: &[Type]) -> Record {
    let layout = Layout::sequence(types.iter(), probebook_lang::ir::RECORD_HEADER);
    let probebook_lang::types::layout::Shape::Tuple(fields) = layout.shape else { unreachable!() };
    Record { kind: RecordKind::PrintValue, fields, size: layout.size.next_multiple_of(8), span: S }
}

#[test]
fn records() {
    if !is_live() {
        return;
    }
    let types = [Type::int(1, false), Type::int(4, true), Type::String { capacity: 16 }, Type::Bool];
    let program = begin(|b| {
        let (small, negative, truth) = (constant(b, 0x1ff), constant(b, -2), constant(b, 1));
        let name = memory(b, 16);
        b.effect(Op::Comm { to: name }, S);
        let fields = vec![small, negative, name, truth];
        b.effect(Op::Emit { record: RecordId(1), fields }, S);
        constant(b, 0)
    });
    let machine = load(module(vec![], vec![record(&[]), record(&types)], vec![program]));
    machine.run(0);
    let records = machine.records();
    let comm = std::fs::read("/proc/thread-self/comm").expect("a name");
    let mut expected = vec![1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff];
    expected.extend(&comm[..comm.len() - 1]);
    expected.resize(32, 0);
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(records, [expected]);
    for _ in 0..2000 {
        machine.run(0);
    }
    assert!(machine.counter(Counter::LostRecords) > 0);
}

#[test]
fn reading_user_and_kernel_memory() {
    if !is_live() {
        return;
    }
    let point = || AttachPoint::RawTracepoint { event: "sys_enter".into() };
    for capacity in [16, 64, 200, 1024] {
        let program = program_at(point(), |b| {
            let address = b.value(Op::Argument(0), S);
            let limit = Some(b.value(Op::Argument(1), S));
            let to = memory(b, capacity);
            let space = Space::User;
            let length = b.value(Op::ReadString { to, capacity, limit, space, address }, S);
            // The rest is zero, whatever lay there.
            let last = b.value(Op::Load { memory: to, offset: capacity - 1, width: 1, signed: false }, S);
            let fifth = b.value(Op::Load { memory: to, offset: 5, width: 1, signed: false }, S);
            let both = b.value(Op::Arith(Arith::Or, last, fifth), S);
            let shift = constant(b, 8);
            let high = b.value(Op::Arith(Arith::Shl, both, shift), S);
            b.value(Op::Arith(Arith::Or, high, length), S)
        });
        let machine = load(module(vec![], vec![], vec![program]));
        let text = c"hello";
        assert_eq!(machine.run_with(0, &[text.as_ptr() as u64, 1000]), 5);
        assert_eq!(machine.run_with(0, &[text.as_ptr() as u64, 3]), 2);
        assert_eq!(machine.run_with(0, &[text.as_ptr() as u64, 0]), 0);
        assert_eq!(machine.run_with(0, &[16, 1000]), 0);
    }
    let program = program_at(point(), |b| {
        let address = b.value(Op::Argument(0), S);
        let to = memory(b, 8);
        let junk = constant(b, -1);
        b.effect(Op::Store { memory: to, offset: 0, width: 8, value: junk }, S);
        b.effect(Op::Read { to, size: 8, space: Space::User, address }, S);
        b.value(Op::Load { memory: to, offset: 0, width: 8, signed: false }, S)
    });
    let machine = load(module(vec![], vec![], vec![program]));
    let number = 4_711_u64;
    assert_eq!(machine.run_with(0, &[&raw const number as u64]), 4711);
    assert_eq!(machine.run_with(0, &[8]), 0);
}

#[test]
fn large_memory_lies_in_scratch() {
    if !is_live() {
        return;
    }
    let programs = (0..3).map(|index: i64| {
        begin(|b| {
            let (one, other) = (memory(b, 1024), memory(b, 1024));
            b.effect(Op::Zero { memory: one, offset: 0, size: 1024 }, S);
            let value = constant(b, 40 + index);
            b.effect(Op::Store { memory: one, offset: 1016, width: 8, value }, S);
            let (to, from) = (other, one);
            b.effect(Op::Copy { to, to_offset: 0, from, from_offset: 0, size: 1024 }, S);
            let same = b.value(Op::BytesEq { a: one, b: other, size: 1024 }, S);
            let last = b.value(Op::Load { memory: other, offset: 1016, width: 8, signed: false }, S);
            b.value(Op::Arith(Arith::Add, same, last), S)
        })
    });
    let machine = load(module(vec![], vec![], programs.collect()));
    // We run them one after the other, so they share it.
    assert_eq!(machine.object.scratch_size, 2048);
    assert_eq!([machine.run(0), machine.run(1), machine.run(2)], [41, 42, 43]);
}

#[test]
fn narrow_numbers() {
    if !is_live() {
        return;
    }
    let old = Target { linux: (6, 1), iter_num: None, ..target() };
    for target in [target(), old] {
        let program = begin(|b| {
            let at = memory(b, 16);
            b.effect(Op::Zero { memory: at, offset: 0, size: 16 }, S);
            let value = constant(b, -2);
            b.effect(Op::Store { memory: at, offset: 3, width: 4, value }, S);
            let unaligned = b.value(Op::Load { memory: at, offset: 3, width: 4, signed: true }, S);
            let byte = b.value(Op::Load { memory: at, offset: 3, width: 1, signed: true }, S);
            let word = b.value(Op::Load { memory: at, offset: 3, width: 2, signed: false }, S);
            let short = b.value(Op::Extend { value: word, width: 2, signed: true }, S);
            let swapped = b.value(Op::Swap { value: word, width: 2 }, S);
            let sum = b.value(Op::Arith(Arith::Add, unaligned, byte), S);
            let sum = b.value(Op::Arith(Arith::Add, sum, short), S);
            b.value(Op::Arith(Arith::Add, sum, swapped), S)
        });
        let machine = load_for(module(vec![], vec![], vec![program]), &target);
        assert_eq!(machine.run(0), 0xfeff - 6);
    }
}

#[test]
fn facts() {
    if !is_live() {
        return;
    }
    let ambients = [
        Ambient::Pid,
        Ambient::Tid,
        Ambient::Uid,
        Ambient::Gid,
        Ambient::Cpu,
        Ambient::Cgroup,
        Ambient::Task,
        Ambient::Random,
        Ambient::Elapsed,
        Ambient::Time(probebook_lang::ir::Clock::Boot),
        Ambient::Time(probebook_lang::ir::Clock::Monotonic),
        Ambient::Time(probebook_lang::ir::Clock::Tai),
    ];
    let programs: Vec<_> =
        ambients.iter().map(|&ambient| begin(|b| b.value(Op::Ambient(ambient), S))).collect();
    let machine = load(module(vec![], vec![], programs.clone()));
    // SAFETY: no memory is passed.
    let tid = unsafe { libc::gettid() } as u32;
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("a status");
    if status.lines().any(|line| line.starts_with("NSpid:") && line.split_whitespace().count() == 2) {
        assert_eq!(machine.run(0), std::process::id());
        assert_eq!(machine.run(1), tid);
    }
    assert_eq!((machine.run(2), machine.run(3)), (0, 0));
    assert!(machine.run(4) < target().cpus);

    use std::os::linux::fs::MetadataExt as _;
    let namespace = std::fs::metadata("/proc/self/ns/pid").expect("a namespace");
    let pid_namespace = Some((namespace.st_dev(), namespace.st_ino()));
    let machine = load_for(module(vec![], vec![], programs), &Target { pid_namespace, ..target() });
    assert_eq!((machine.run(0), machine.run(1)), (std::process::id(), tid));
}

#[test]
fn the_gate() {
    if !is_live() {
        return;
    }
    let event = AttachPoint::RawTracepoint { event: "sys_enter".into() };
    let program = program_at(event, |b| constant(b, 7));
    let machine = load(module(vec![], vec![], vec![program]));
    assert_eq!(machine.run(0), 7);
    machine.set_globals(Globals::default());
    assert_eq!(machine.run(0), 0);
}

#[test]
fn contexts_of_all_providers() {
    if !is_live() {
        return;
    }
    let uprobe = |at_return| AttachPoint::Uprobe {
        path: "/bin/true".into(),
        function: "f".into(),
        written: "/bin/true".into(),
        offset: 0,
        at_return,
    };
    let arguments = program_at(uprobe(false), |b| {
        let mut sum = constant(b, 0);
        for index in 0..8 {
            let argument = b.value(Op::Argument(index), S);
            sum = b.value(Op::Arith(Arith::Add, sum, argument), S);
        }
        sum
    });
    let result = program_at(uprobe(true), |b| b.value(Op::ReturnValue, S));
    let tracepoint = AttachPoint::Tracepoint { category: "sched".into(), event: "sched_switch".into() };
    let fields = program_at(tracepoint, |b| {
        let mut sum = b.value(Op::Context { offset: 8, width: 1, signed: true }, S);
        for (offset, width) in [(24, 4), (28, 4), (32, 8), (10, 2)] {
            let field = b.value(Op::Context { offset, width, signed: true }, S);
            sum = b.value(Op::Arith(Arith::Add, sum, field), S);
        }
        let start = b.value(Op::ContextAddress(8), S);
        let mask = constant(b, 0xff);
        let offset = b.value(Op::Arith(Arith::And, sum, mask), S);
        let address = b.value(Op::Arith(Arith::Add, start, offset), S);
        let to = memory(b, 16);
        let (capacity, limit, space) = (16, None, Space::Kernel);
        b.value(Op::ReadString { to, capacity, limit, space, address }, S)
    });
    load(module(vec![], vec![], vec![arguments, result, fields]));
}
