//! [`Attachment`]s → closed descriptors, on a thread of its own, so that detaching never blocks its caller.
//!
//! Closing a tracepoint's link waits for all CPUs to pass a grace period (about 40 ms), and so does its
//! perf event. Grace periods are shared: links are closed from several threads at once. Perf events are
//! closed one after the other, since Linux serialises them.
//!
//! When the process exits, Linux closes what is left one by one, and whoever waits for the process waits
//! too, 75 ms for each tracepoint. So a child is left behind that holds the descriptors and is the one to wait.
//!
//! *Invariant:* descriptors given to the reaper are closed, by the thread or at the end of that child.

use std::fs;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::mpsc::{self, Receiver, SendError, Sender};
use std::sync::{Once, OnceLock};
use std::thread;
use std::time::Duration;

use super::Attachment;

/// Threads that close links at the same time.
const CLOSERS: usize = 64;
/// Time for further attachments to come, which are then closed together, and for the process to exit.
const GATHERING: Duration = Duration::from_millis(50);

/// Hands an attachment over.
pub fn close(attachment: Attachment) {
    static REAPER: OnceLock<Sender<Attachment>> = OnceLock::new();
    if attachment.links.is_empty() && attachment.events.is_empty() {
        return;
    }
    let reaper = REAPER.get_or_init(|| {
        let (queue, attachments) = mpsc::channel::<Attachment>();
        // Without a thread nobody receives, and attachments are closed by their caller.
        drop(thread::Builder::new().name("reaper".into()).spawn(move || reap(&attachments)));
        queue
    });
    if let Err(SendError(attachment)) = reaper.send(attachment) {
        close_now(attachment);
    }
}

fn reap(attachments: &Receiver<Attachment>) {
    while let Ok(mut together) = attachments.recv() {
        thread::sleep(GATHERING);
        for attachment in attachments.try_iter() {
            together.links.extend(attachment.links);
            together.events.extend(attachment.events);
        }
        close_now(together);
    }
}

fn close_now(attachment: Attachment) {
    let Attachment { mut links, events } = attachment;
    thread::scope(|scope| {
        let share = links.len().div_ceil(CLOSERS).max(1);
        while links.len() > share {
            let part: Vec<OwnedFd> = links.split_off(links.len() - share);
            // Where no thread can be had, the part is closed right here.
            drop(thread::Builder::new().spawn_scoped(scope, move || drop(part)));
        }
        drop(links);
    });
    drop(events);
}

/// From now on, what is attached when the process exits in order is left to a child.
pub fn take_over_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `leave_child` may run at any exit; it cannot unwind.
        unsafe { libc::atexit(leave_child) };
    });
}

extern "C" fn leave_child() {
    let mut kept = slow_descriptors();
    let mut pipe = [-1; 2];
    // SAFETY: room for two descriptors.
    if kept.is_empty() || unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return;
    }
    let [wait, _] = pipe;
    kept.push(wait);
    kept.sort_unstable();
    // SAFETY: other threads may live, so the child only makes system calls until it is gone; it never
    // returns. It lets go of everything that others wait for (output, sockets, our end of the pipe), so the
    // read ends when this process is gone; until then Linux would make this process wait for the closing.
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            let mut first = 0;
            for fd in kept {
                if fd > first {
                    libc::close_range(first as libc::c_uint, fd as libc::c_uint - 1, 0);
                }
                first = fd + 1;
            }
            libc::close_range(first as libc::c_uint, libc::c_uint::MAX, 0);
            let mut byte = 0u8;
            while libc::read(wait, (&raw mut byte).cast(), 1) < 0 && *libc::__errno_location() == libc::EINTR
            {
            }
            libc::_exit(0);
        }
    }
}

/// Our open descriptors whose closing waits for Linux.
fn slow_descriptors() -> Vec<RawFd> {
    let is_slow = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|target| {
            ["anon_inode:bpf_link", "anon_inode:[perf_event]"].iter().any(|slow| target.as_os_str() == *slow)
        })
    };
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries.filter(is_slow).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
