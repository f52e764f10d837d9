//! [`Attachment`]s → closed descriptors, on a thread of its own, so that detaching never blocks its caller.
//!
//! Closing a tracepoint's link waits for all CPUs to pass a grace period (about 40 ms), and so does its
//! perf event. Grace periods are shared: links are closed from several threads at once. Perf events are
//! closed one after the other, since Linux serialises them.
//!
//! *Invariant:* descriptors given to the reaper are closed, if the process lives on; at exit Linux does it.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::mpsc::{self, SendError, Sender};
use std::thread;

use super::Attachment;

/// Threads that close links at the same time.
const CLOSERS: usize = 64;

/// Hands an attachment over.
pub fn close(attachment: Attachment) {
    static REAPER: OnceLock<Sender<Attachment>> = OnceLock::new();
    if attachment.links.is_empty() && attachment.events.is_empty() {
        return;
    }
    let reaper = REAPER.get_or_init(|| {
        let (queue, attachments) = mpsc::channel::<Attachment>();
        // Without a thread nobody receives, and attachments are closed by their caller.
        drop(thread::Builder::new().name("reaper".into()).spawn(move || attachments.into_iter().for_each(close_now)));
        queue
    });
    if let Err(SendError(attachment)) = reaper.send(attachment) {
        close_now(attachment);
    }
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
