//! Signals, registers and variables of Linux.

use probebook_lang::ir::{Ambient, Cond, Op, Register, SystemOp};
use probebook_lang::probes::{AttachPoint, Rate};

use super::machine::{Machine, target};
use super::{S, begin, constant, is_live, load, module, program_at};
use crate::host::btf;

#[test]
fn per_cpu_variables() {
    if !is_live() {
        return;
    }
    let variable = btf::variable_id("process_counts").expect("a variable of Linux");
    for cpu in [None, Some(0)] {
        let program = begin(|b| {
            let cpu = cpu.map(|cpu| constant(b, cpu));
            let address = b.value(Op::System(SystemOp::PerCpuAddress { variable, cpu }), S);
            let zero = constant(b, 0);
            b.value(Op::Compare(Cond::Ne, address, zero), S)
        });
        let object = super::generate(&module(vec![], vec![], vec![program]), &target()).expect("code");
        match Machine::try_load(object) {
            Ok(machine) => assert_eq!(machine.run(0), 1),
            // Linux finds it by name, and may have left it out of its symbols.
            Err(refused) => assert!(refused.contains("process_counts"), "{refused}"),
        }
    }
}

#[test]
fn a_signal_that_is_none() {
    if !is_live() {
        return;
    }
    for thread in [false, true] {
        let machine = load(module(
            vec![],
            vec![],
            vec![begin(|b| {
                let number = constant(b, 65);
                b.value(Op::System(SystemOp::Signal { number, thread }), S)
            })],
        ));
        assert_eq!(machine.run(0) as i32, -libc::EINVAL);
    }
}

#[test]
fn a_signal_arrives() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static ARRIVED: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: i32) {
        ARRIVED.fetch_add(1, Ordering::SeqCst);
    }
    if !is_live() {
        return;
    }
    // SAFETY: the handler only counts.
    unsafe { libc::signal(libc::SIGUSR2, count as *const () as libc::sighandler_t) };
    for (thread, expected) in [(true, 1), (false, 2)] {
        let machine = load(module(
            vec![],
            vec![],
            vec![begin(|b| {
                let number = constant(b, i64::from(libc::SIGUSR2));
                b.value(Op::System(SystemOp::Signal { number, thread }), S)
            })],
        ));
        assert_eq!(machine.run(0), 0);
        // Any thread may get one that is for the process.
        for _ in 0..100 {
            if ARRIVED.load(Ordering::SeqCst) < expected {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        assert_eq!(ARRIVED.load(Ordering::SeqCst), expected);
    }
}

#[test]
fn registers_only_where_there_are_some() {
    if !is_live() {
        return;
    }
    let profile = || AttachPoint::Profile(Rate::Hz(99));
    load(module(vec![], vec![], vec![program_at(profile(), |b| b.value(Op::Register(Register::Ss), S))]));
    load(module(vec![], vec![], vec![program_at(profile(), |b| b.value(Op::Ambient(Ambient::UserMode), S))]));
    let none = begin(|b| b.value(Op::Register(Register::Ip), S));
    assert!(super::generate(&module(vec![], vec![], vec![none]), &target()).is_err());
    let machine = load(module(vec![], vec![], vec![begin(|b| b.value(Op::Ambient(Ambient::UserMode), S))]));
    assert_eq!(machine.run(0), 0);
}
