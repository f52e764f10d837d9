//! [`Attachment`]s → closed descriptors, on a thread of its own, so that detaching never blocks its caller.
//!
//! Closing a tracepoint's link waits for all CPUs to pass a grace period (about 40 ms), and so does its
//! perf event. Grace periods are shared: links are closed from several threads at once. Perf events are
//! closed one after the other, since Linux serialises them.
//!
//! *Invariant:* descriptors given to the reaper are closed, if the process lives on; at exit Linux does it.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::Attachment;

/// Threads that close links at the same time.
const CLOSERS: usize = 64;

struct Reaper {
    queue: Sender<Attachment>,
}

/// How many attachments are not closed yet.
static PENDING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());
static REAPER: OnceLock<Reaper> = OnceLock::new();

/// Hands an attachment over.
pub fn close(attachment: Attachment) {
    if attachment.links.is_empty() && attachment.events.is_empty() {
        return;
    }
    let reaper = REAPER.get_or_init(|| {
        let (queue, attachments) = mpsc::channel::<Attachment>();
        let run = move || {
            for attachment in attachments {
                close_now(attachment);
                if let Ok(mut pending) = PENDING.0.lock() {
                    *pending -= 1;
                }
                PENDING.1.notify_all();
            }
        };
        // Without a thread the sender fails, and attachments are closed by their caller.
        drop(thread::Builder::new().name("reaper".into()).spawn(run));
        Reaper { queue }
    });
    if let Ok(mut pending) = PENDING.0.lock() {
        *pending += 1;
    }
    if let Err(mpsc::SendError(attachment)) = reaper.queue.send(attachment) {
        close_now(attachment);
        if let Ok(mut pending) = PENDING.0.lock() {
            *pending -= 1;
        }
    }
}

/// Waits until everything handed over is closed, or for `patience`. Says whether it is.
pub fn wait(patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let Ok(mut pending) = PENDING.0.lock() else { return false };
    while *pending > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        match PENDING.1.wait_timeout(pending, left) {
            Ok((guard, _)) => pending = guard,
            Err(_) => return false,
        }
    }
    true
}

fn close_now(attachment: Attachment) {
    let Attachment { mut links, events } = attachment;
    thread::scope(|scope| {
        let share = links.len().div_ceil(CLOSERS).max(1);
        while links.len() > share {
            let part: Vec<OwnedFd> = links.split_off(links.len() - share);
            scope.spawn(move || drop(part));
        }
        drop(links);
    });
    drop(events);
}
