//! Operations on text against what they should give, for many strings and with and without Linux's own search.

use probebook_lang::ir::builder::FunctionBuilder;
use probebook_lang::ir::{NAME_SIZE, Names, Needle, Op, Space, TextOp, Value};
use probebook_lang::probes::AttachPoint;

use super::machine::{Machine, target};
use super::{S, constant, is_live, load, load_for, module, program_at};
use crate::codegen::Target;

/// A program that gets the addresses of two strings and a number, and reads the strings to local memory.
fn on_strings(
    sizes: (u32, u32),
    target: &Target,
    build: impl FnOnce(&mut FunctionBuilder, [Value; 3]) -> Value,
) -> Machine {
    let point = AttachPoint::RawTracepoint { event: "sys_enter".into() };
    let program = program_at(point, |b| {
        let [one, other] = [(0, sizes.0), (1, sizes.1)].map(|(argument, capacity)| {
            let address = b.value(Op::Argument(argument), S);
            let slot = b.slot(capacity, 8);
            let to = b.value(Op::SlotAddress(slot, 0), S);
            b.effect(Op::ReadString { to, capacity, limit: None, space: Space::User, address }, S);
            to
        });
        let number = b.value(Op::Argument(2), S);
        build(b, [one, other, number])
    });
    load_for(module(vec![], vec![], vec![program]), target)
}

fn run(machine: &Machine, one: &str, other: &str, number: u64) -> i32 {
    let [one, other] = [one, other].map(|text| std::ffi::CString::new(text).expect("no NUL"));
    machine.run_with(0, &[one.as_ptr() as u64, other.as_ptr() as u64, number]) as i32
}

/// Strings of two letters, so that parts of them occur again and again.
fn strings(size: u32) -> Vec<String> {
    let most = size as usize - 1;
    let mut state = 0x2545_f491_4f6c_dd1d_u64 + u64::from(size);
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % below
    };
    let mut made: Vec<String> =
        vec![String::new(), "a".into(), "ab".repeat(size as usize / 2), "a".repeat(most)];
    for _ in 0..12 {
        let length = next(most + 1);
        made.push((0..length).map(|_| if next(4) == 0 { 'b' } else { 'a' }).collect());
    }
    made.iter_mut().for_each(|text| text.truncate(most));
    made
}

#[test]
fn length() {
    if !is_live() {
        return;
    }
    for size in [1, 5, 8, 16, 23, 64, 100, 1024] {
        let machine = on_strings((size, 8), &target(), |b, [memory, ..]| {
            b.value(Op::Text(TextOp::Length { memory, size }), S)
        });
        for text in strings(size) {
            assert_eq!(run(&machine, &text, "", 0), text.len() as i32, "{text:?} in {size}");
        }
    }
}

#[test]
fn finding() {
    if !is_live() {
        return;
    }
    let without = Target { strnstr: None, ..target() };
    let place = |hay: &str, needle: &str| hay.find(needle).map_or(-1, |at| at as i32);
    for (size, other, target) in [
        (16, 8, &without),
        (16, 16, &target()),
        (100, 20, &without),
        (1024, 24, &without),
        (100, 100, &target()),
        (1024, 1024, &target()),
    ] {
        let machine = on_strings((size, other), target, |b, [hay, memory, _]| {
            let needle = Needle::Memory { memory, size: other };
            b.value(Op::Text(TextOp::Find { hay, size, needle }), S)
        });
        for hay in strings(size) {
            for needle in strings(other) {
                assert_eq!(run(&machine, &hay, &needle, 0), place(&hay, &needle), "{needle:?} in {hay:?}");
            }
        }
    }
    for size in [4, 16, 1024] {
        for needle in ["b", "ab", "bab", "aaaaaaaaab", "c"] {
            let machine = on_strings((size, 8), &without, |b, [hay, ..]| {
                let needle = Needle::Literal(needle.into());
                b.value(Op::Text(TextOp::Find { hay, size, needle }), S)
            });
            for hay in strings(size) {
                assert_eq!(run(&machine, &hay, "", 0), place(&hay, needle), "{needle:?} in {hay:?}");
            }
        }
    }
}

#[test]
fn comparing_bytes() {
    if !is_live() {
        return;
    }
    for size in [1, 3, 8, 20, 64, 300] {
        let machine = on_strings((size, size), &target(), |b, [one, other, count]| {
            b.value(Op::Text(TextOp::CompareBytes { a: one, b: other, size, count }), S)
        });
        for one in strings(size) {
            for other in strings(size) {
                for count in [0, 1, 7, 200, u64::MAX] {
                    let bytes = |text: &str| {
                        let mut bytes = text.as_bytes().to_vec();
                        bytes.resize(size as usize, 0);
                        bytes.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                        bytes
                    };
                    let (a, b) = (bytes(&one), bytes(&other));
                    let difference = a.iter().zip(&b).find(|(a, b)| a != b);
                    let expected = difference.map_or(0, |(a, b)| i32::from(*a as i8) - i32::from(*b as i8));
                    assert_eq!(run(&machine, &one, &other, count), expected, "{one:?} {other:?} {count}");
                }
            }
        }
    }
}

#[test]
fn appending() {
    if !is_live() {
        return;
    }
    let (first, second, total) = (16, 40, 56);
    let machine = on_strings((first, second), &target(), |b, [one, from, limit]| {
        let slot = b.slot(total, 8);
        let to = b.value(Op::SlotAddress(slot, 0), S);
        b.effect(Op::Zero { memory: to, offset: 0, size: total }, S);
        b.effect(Op::Copy { to, to_offset: 0, from: one, from_offset: 0, size: first }, S);
        let at = b.value(Op::Text(TextOp::Length { memory: to, size: first }), S);
        let op = TextOp::Append { to, at, most: first - 1, from, size: second, limit: Some(limit) };
        b.effect(Op::Text(op), S);
        let length = b.value(Op::Text(TextOp::Length { memory: to, size: total }), S);
        // The last letter beside the length.
        let one = constant(b, 1);
        let last = b.value(Op::Arith(probebook_lang::ir::Arith::Sub, length, one), S);
        let op = TextOp::LoadAt { memory: to, len: total, index: last, width: 1, signed: false };
        let letter = b.value(Op::Text(op), S);
        let shift = constant(b, 8);
        let letter = b.value(Op::Arith(probebook_lang::ir::Arith::Shl, letter, shift), S);
        b.value(Op::Arith(probebook_lang::ir::Arith::Or, letter, length), S)
    });
    let expected = |text: &str| i32::from(text.as_bytes()[text.len() - 1]) << 8 | text.len() as i32;
    assert_eq!(run(&machine, "one", "two", 100), expected("onetwo"));
    assert_eq!(run(&machine, "one", "two", 2), expected("onetw"));
    assert_eq!(run(&machine, "one", "two", 0), expected("one"));
    assert_eq!(run(&machine, "", "x", 100), expected("x"));
    let (long, longer) = ("a".repeat(15), "b".repeat(39));
    assert_eq!(run(&machine, &long, &longer, 100), expected(&(long.clone() + &longer)));
}

#[test]
fn names() {
    if !is_live() {
        return;
    }
    let point = || AttachPoint::RawTracepoint { event: "sys_enter".into() };
    for (names, number, expected) in [
        (Names::Error, 2_u64, "No such file or directory"),
        (Names::Error, (-13_i64) as u64, "Permission denied"),
        (Names::Error, 1000, "Unknown error"),
        (Names::Signal, 9, "Killed"),
        (Names::Signal, u64::MAX, "N/A"),
        (Names::SystemCall, 1, "write"),
        (Names::SystemCall, 1000, "Unknown syscall"),
    ] {
        let program = program_at(point(), |b| {
            let number = b.value(Op::Argument(0), S);
            let slot = b.slot(NAME_SIZE, 8);
            let to = b.value(Op::SlotAddress(slot, 0), S);
            b.effect(Op::Text(TextOp::Name { to, names, number }), S);
            let mut data = expected.as_bytes().to_vec();
            data.resize(NAME_SIZE as usize, 0);
            b.value(Op::BytesAre { memory: to, data }, S)
        });
        let machine = load(module(vec![], vec![], vec![program]));
        assert_eq!(machine.run_with(0, &[number]), 1, "{names:?} {number}");
    }
}
