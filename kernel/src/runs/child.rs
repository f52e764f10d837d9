//! A command line → a process that waits before it becomes the command: [`Child`], for `-c`.
//!
//! The process exists, so that probes can be attached for its id, but it has not executed anything yet;
//! [`Child::release`] lets it. There is no shell in between that would be traced as well.
//!
//! *Invariant:* dropping a `Child` ends its process group, and so does the death of this process.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::outlet::StreamName;

/// How long a command may take to end after SIGTERM.
const GRACE: Duration = Duration::from_millis(500);
/// How long text is awaited after a command's end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Where the command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildOutput {
    /// To us, as [`Note::Text`].
    Captured,
    /// To where we write ourselves.
    Inherited,
}

/// What the command does.
#[derive(Debug)]
pub enum Note {
    /// It wrote something.
    Text(StreamName, Vec<u8>),
    /// It ended, and all its text was seen.
    Ended(ExitStatus),
    /// It could not be executed.
    Failed(io::Error),
}

/// A command that is about to run, or runs.
pub struct Child {
    pid: u32,
    gate: Option<PipeWriter>,
    notes: Receiver<Note>,
    ended: bool,
}

impl Child {
    /// Makes the process.
    ///
    /// # Errors
    /// There is no such program, or no process can be made.
    pub fn spawn(command: &[String], output: ChildOutput) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
        };
        find(program)?;
        let (gate_reader, gate) = io::pipe()?;
        let (mut pid_reader, pid_writer) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        if output == ChildOutput::Captured {
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        }
        let (read_end, write_end, pid_end) =
            (gate_reader.as_raw_fd(), gate.as_raw_fd(), pid_writer.as_raw_fd());
        // SAFETY: between fork and exec the closure calls only async-signal-safe functions on descriptors
        // that this process owns and that stay open until `spawn` returns.
        unsafe { command.pre_exec(move || wait_at_gate(read_end, write_end, pid_end)) };
        let (sender, notes) = channel();
        // `Command::spawn` returns only once the command was executed. The thread stays until it ends:
        // PR_SET_PDEATHSIG counts the thread that forked as the parent.
        std::thread::Builder::new().name("command".into()).spawn(move || {
            let ends = (gate_reader, pid_writer);
            let spawned = command.spawn();
            drop(ends);
            follow(spawned, &sender);
        })?;
        let mut pid = [0; 4];
        pid_reader.read_exact(&mut pid).map_err(|_| match notes.recv() {
            Ok(Note::Failed(error)) => error,
            _ => io::Error::other(format!("{program} could not be started")),
        })?;
        Ok(Self { pid: u32::from_ne_bytes(pid), gate: Some(gate), notes, ended: false })
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets the process execute the command.
    pub fn release(&mut self) {
        if let Some(mut gate) = self.gate.take() {
            // Fails only if the process was killed meanwhile; its end is noted.
            drop(gate.write_all(&[1]));
        }
    }

    /// What it did since the last call.
    pub fn next_note(&mut self) -> Option<Note> {
        let note = self.notes.try_recv().ok()?;
        self.ended |= !matches!(note, Note::Text(..));
        Some(note)
    }

    /// Ends it, if it has not ended, and gives the rest of what it did.
    pub fn end(&mut self) -> Vec<Note> {
        let mut rest: Vec<Note> = std::iter::from_fn(|| self.next_note()).collect();
        if self.ended {
            return rest;
        }
        match self.gate.take() {
            // It still waits: the end of the pipe makes it give up. Its signal handlers are still ours.
            Some(gate) => drop(gate),
            None => self.signal(libc::SIGTERM),
        }
        let deadline = Instant::now() + GRACE;
        while !self.ended {
            match self.notes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(note) => {
                    self.ended |= !matches!(note, Note::Text(..));
                    rest.push(note);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.signal(libc::SIGKILL);
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        rest
    }

    fn signal(&self, signal: libc::c_int) {
        let pid = self.pid.cast_signed();
        // SAFETY: kill and getpgid take no pointers. The end of the process was not noted yet, so that its
        // id was free for milliseconds at most; Linux hands ids out in a circle.
        unsafe {
            // All of its group at once: when its leader has ended, nothing leads to the others any more.
            let is_leader = libc::getpgid(pid) == pid;
            libc::kill(if is_leader { -pid } else { pid }, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs in the new process: tells its id, and waits for a byte.
fn wait_at_gate(read_end: i32, write_end: i32, pid_end: i32) -> io::Result<()> {
    let mut byte = [0u8; 1];
    // SAFETY: prctl, close, getpid, write and read are async-signal-safe; the buffers outlive the calls.
    let read = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // Our copy of the other end would keep the pipe open for ever.
        libc::close(write_end);
        let pid = libc::getpid().to_ne_bytes();
        libc::write(pid_end, pid.as_ptr().cast(), pid.len());
        libc::read(read_end, byte.as_mut_ptr().cast(), 1)
    };
    if read == 1 { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}

/// Forwards what the command writes, then how it ended.
fn follow(spawned: io::Result<std::process::Child>, notes: &Sender<Note>) {
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return drop(notes.send(Note::Failed(error))),
    };
    let stdout = child.stdout.take().map(|pipe| (StreamName::Stdout, OwnedFd::from(pipe)));
    let stderr = child.stderr.take().map(|pipe| (StreamName::Stderr, OwnedFd::from(pipe)));
    let (reader_is_alive, readers) = channel::<()>();
    for (name, pipe) in [stdout, stderr].into_iter().flatten() {
        let (notes, is_alive) = (notes.clone(), reader_is_alive.clone());
        std::thread::spawn(move || {
            let _is_alive = is_alive;
            let mut pipe = PipeReader::from(pipe);
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                if notes.send(Note::Text(name, buffer[..n].to_vec())).is_err() {
                    break;
                }
            }
        });
    }
    drop(reader_is_alive);
    let ended = match child.wait() {
        Ok(status) => Note::Ended(status),
        Err(error) => Note::Failed(error),
    };
    // What it started in the background may hold the pipes open for long.
    let _ = readers.recv_timeout(LAST_WORDS);
    // Nobody listens when the cell is over.
    drop(notes.send(ended));
}

/// Fails early, before anything is attached, if there is no such program.
fn find(program: &str) -> io::Result<()> {
    let is_there = if program.contains('/') {
        std::path::Path::new(program).is_file()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    if is_there {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("{program}: no such program")))
    }
}

/// How a command ended, for the reader.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command ended with status {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        crate::magic::words(text).unwrap().into_iter().map(|word| word.text).collect()
    }

    fn notes(child: &mut Child) -> Vec<Note> {
        let mut notes = Vec::new();
        while !child.ended {
            match child.next_note() {
                Some(note) => notes.push(note),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        notes
    }

    #[test]
    fn waits_until_released_and_forwards_text() {
        let mut child = Child::spawn(&words("echo hello"), ChildOutput::Captured).unwrap();
        let comm = || std::fs::read_to_string(format!("/proc/{}/comm", child.pid()));
        std::thread::sleep(Duration::from_millis(50));
        assert_ne!(comm().unwrap().trim(), "echo");
        assert!(child.next_note().is_none());
        child.release();
        let notes = notes(&mut child);
        assert!(matches!(&notes[0], Note::Text(StreamName::Stdout, text) if text == b"hello\n"), "{notes:?}");
        assert!(matches!(notes.last(), Some(Note::Ended(status)) if status.success()));
    }

    #[test]
    fn is_killed_with_its_cell_released_or_not() {
        for release in [false, true] {
            let mut child = Child::spawn(&words("sh -c 'sleep 1000; true'"), ChildOutput::Captured).unwrap();
            let pid = child.pid();
            if release {
                child.release();
                std::thread::sleep(Duration::from_millis(30));
            }
            let start = Instant::now();
            child.end();
            assert!(start.elapsed() < Duration::from_millis(400));
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Child::spawn(&words("no-such-program-here"), ChildOutput::Captured).is_err());
        assert!(Child::spawn(&[], ChildOutput::Captured).is_err());
        let mut child = Child::spawn(&words("/etc/passwd"), ChildOutput::Captured).unwrap();
        child.release();
        assert!(matches!(notes(&mut child)[..], [Note::Failed(_)]));
    }
}
