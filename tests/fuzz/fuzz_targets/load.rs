//! Bytes as choices → a program that should be right → Linux: what the checker accepts, the verifier accepts.
//!
//! Runs as root. At the end it says how many programs were accepted.
#![no_main]

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use libfuzzer_sys::fuzz_target;
use probebook_tests::fuzz::{Fault, Loader};
use probebook_tests::generate::{Bytes, program};

static ACCEPTED: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LOADER: RefCell<Loader> = RefCell::new(Loader::new());
}

fuzz_target!(|choices: &[u8]| {
    let text = program(&mut Bytes(choices));
    let counter = match LOADER.with_borrow_mut(|loader| loader.load(&text)) {
        Ok(()) => &ACCEPTED,
        Err(Fault::Program(_) | Fault::TooLong) => &REFUSED,
        Err(Fault::Machine(error)) => panic!("{text}\n{error}"),
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let (accepted, refused) = (ACCEPTED.load(Ordering::Relaxed), REFUSED.load(Ordering::Relaxed));
    if (accepted + refused) % 1000 == 0 {
        eprintln!("{accepted} accepted and loaded, {refused} refused");
    }
});
