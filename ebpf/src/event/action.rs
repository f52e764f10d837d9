//! `cat` and `system` → what a file holds, what a command writes.
//!
//! Both run on the event thread, so what is printed stays in the order of the program; meanwhile the ring
//! buffer keeps what comes.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::{Event, Origin};

/// How long a command's silence lasts before its end is looked for, in milliseconds.
const NAP: i32 = 100;
/// What a command has written is passed on in pieces of this size.
const PIECE: usize = 1 << 20;

/// The first bytes of a file. It is never waited for: a pipe without data is empty.
///
/// # Errors
/// The text of what went wrong, as bpftrace says it.
pub fn cat(path: Vec<u8>, limit: u32) -> Result<Vec<u8>, String> {
    let path = std::ffi::OsString::from_vec(path);
    let name = path.to_string_lossy().into_owned();
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path);
    let file = file.map_err(|error| format!("failed to open file '{name}' ({})", reason(&error)))?;
    let mut text = Vec::new();
    match file.take(limit.into()).read_to_end(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
            Err(format!("failed to read file '{name}' ({})", reason(&error)))
        }
        _ => Ok(text),
    }
}

/// Runs a command of the shell to its end and sends what it writes. When `send` fails, nobody wants it any
/// more, and it is killed.
///
/// # Errors
/// Those of `send`.
pub fn system<E>(
    command: Vec<u8>,
    mut is_wanted: impl FnMut() -> bool,
    mut send: impl FnMut(Output) -> Result<(), E>,
) -> Result<(), E> {
    let spawned = Command::new("/bin/sh")
        .arg("-c")
        .arg(std::ffi::OsString::from_vec(command))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return send(Output::Failed(format!("command was not started: {}", reason(&error)))),
    };
    let written = follow(&mut child, &mut is_wanted, &mut send);
    if written.is_err() || !is_wanted() {
        // It may have ended already.
        let _ = child.kill();
    }
    let ended = child.wait();
    written?;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => send(Output::Failed(describe(status))),
        Err(error) => send(Output::Failed(format!("command was lost: {}", reason(&error)))),
    }
}

/// What comes of a command.
pub enum Output {
    /// It has written this.
    Event(Event),
    /// It failed.
    Failed(String),
}

/// Passes on what the command writes until both pipes are at their end, or it has ended and whoever it left
/// behind with its pipes is silent.
fn follow<E>(
    child: &mut Child,
    is_wanted: &mut impl FnMut() -> bool,
    send: &mut impl FnMut(Output) -> Result<(), E>,
) -> Result<(), E> {
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Ok(());
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut descriptors = [stdout.as_raw_fd(), stderr.as_raw_fd()];
    while descriptors.iter().any(|&descriptor| descriptor >= 0) && is_wanted() {
        let ended = matches!(child.try_wait(), Ok(Some(_)));
        let mut fds = descriptors.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
        // SAFETY: two valid entries; their descriptors are open, or negative and then skipped.
        let ready = unsafe { libc::poll(fds.as_mut_ptr(), 2, NAP) };
        if ready == 0 && ended {
            break;
        }
        if fds[0].revents != 0 && !read_some(&mut stdout, &mut out) {
            descriptors[0] = -1;
        }
        if fds[1].revents != 0 && !read_some(&mut stderr, &mut err) {
            descriptors[1] = -1;
        }
        if out.len() >= PIECE {
            send(Output::Event(Event::Text(Origin::System, std::mem::take(&mut out))))?;
        }
        if err.len() >= PIECE {
            send(Output::Event(Event::CommandError(std::mem::take(&mut err))))?;
        }
    }
    if !err.is_empty() {
        send(Output::Event(Event::CommandError(err)))?;
    }
    if out.is_empty() { Ok(()) } else { send(Output::Event(Event::Text(Origin::System, out))) }
}

/// Reads what is there; false at the end.
fn read_some(from: &mut impl Read, to: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 1 << 16];
    match from.read(&mut bytes) {
        Ok(0) => false,
        Ok(count) => {
            to.extend(&bytes[..count]);
            true
        }
        Err(error) => error.kind() == io::ErrorKind::Interrupted,
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("command exited with code {code}"),
        (None, Some(signal)) => format!("command was ended by signal {signal}"),
        (None, None) => "command has not ended".into(),
    }
}

/// The text of a system error, without the number that Rust adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str) -> (String, String, Option<String>) {
        let (mut out, mut err, mut failure) = (Vec::new(), Vec::new(), None);
        let sent: Result<(), ()> = system(
            command.into(),
            || true,
            |output| {
                match output {
                    Output::Event(Event::Text(_, text)) => out.extend(text),
                    Output::Event(Event::CommandError(text)) => err.extend(text),
                    Output::Event(_) => {}
                    Output::Failed(message) => failure = Some(message),
                }
                Ok(())
            },
        );
        assert_eq!(sent, Ok(()));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(err), failure)
    }

    #[test]
    fn commands_write_and_end() {
        assert_eq!(run("echo a; echo b >&2"), ("a\n".into(), "b\n".into(), None));
        let failure = Some("command exited with code 3".into());
        assert_eq!(run("printf x; exit 3"), ("x".into(), String::new(), failure));
        assert_eq!(run("kill -9 $$").2, Some("command was ended by signal 9".into()));
        assert_eq!(run("cat").0, "");
    }

    #[test]
    fn much_on_both_pipes_does_not_block() {
        let (out, err, _) = run("head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2");
        assert_eq!((out.len(), err.len()), (3_000_000, 300_000));
    }

    #[test]
    fn who_stays_behind_is_not_waited_for() {
        let start = std::time::Instant::now();
        assert_eq!(run("echo a; sleep 30 & true").0, "a\n");
        assert!(start.elapsed().as_secs() < 10);
    }

    #[test]
    fn unwanted_commands_are_killed() {
        let start = std::time::Instant::now();
        let mut asked = 0;
        let wanted = || {
            asked += 1;
            asked < 3
        };
        let ended: Result<(), ()> = system(b"exec sleep 30".to_vec(), wanted, |_| Ok(()));
        assert_eq!(ended, Ok(()));
        assert!(start.elapsed().as_secs() < 10);
    }

    #[test]
    fn files_are_cut_and_missing_ones_named() {
        assert_eq!(cat(b"/proc/sys/kernel/ostype".to_vec(), 3), Ok(b"Lin".to_vec()));
        let missing = "failed to open file '/nope' (No such file or directory)";
        assert_eq!(cat(b"/nope".to_vec(), 3), Err(missing.into()));
        assert!(cat(b"/tmp".to_vec(), 3).unwrap_err().contains("failed to read"));
    }
}
