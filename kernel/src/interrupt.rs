//! Requests to stop → the cell that runs: [`Interrupt`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set from any thread, looked at by the running cell.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    interrupted: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
    signalled: Arc<AtomicBool>,
}

impl Interrupt {
    /// Ends the running cell, normally: what was collected is shown.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
    }

    /// Ends the running cell and every later one at once.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// This process got SIGUSR1, which `self` probes of the running cell wait for.
    pub fn signal(&self) {
        self.signalled.store(true, Ordering::Release);
    }

    /// Whether SIGUSR1 has come since the last call.
    pub fn take_signal(&self) -> bool {
        self.signalled.swap(false, Ordering::AcqRel)
    }

    /// A new cell starts; what was meant for the one before is forgotten.
    pub fn reset(&self) {
        self.interrupted.store(false, Ordering::Release);
        self.signalled.store(false, Ordering::Release);
    }

    /// Whether the running cell should end.
    pub fn is_set(&self) -> bool {
        self.interrupted.load(Ordering::Acquire) || self.is_closing()
    }

    /// Whether the kernel is about to end.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}
