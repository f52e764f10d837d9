//! The running machine, for the commands that trace it.

use std::io;

use probebook_ebpf::codegen::Target;
use probebook_ebpf::host::{LiveHost, features};
use probebook_ebpf::live::LiveTracer;
use probebook_ebpf::tracer::Tracer;
use probebook_lang::environment::Environment;
use probebook_lang::host::Host;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::Failed;

/// The tracer of this machine, and its facts. Whether it may trace shows when it is asked to.
pub(super) fn live() -> (Box<dyn Tracer>, Box<dyn Host + Send>) {
    (Box::new(LiveTracer::new()), Box::new(LiveHost::new()))
}

/// Sets the variables of configuration that the process environment holds.
///
/// # Errors
/// A variable does not take its value.
pub(super) fn configure(environment: &mut Environment) -> Result<(), Failed> {
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            environment.settings.fix(name, value).map_err(Failed)?;
        }
    }
    Ok(())
}

/// What generated code may count on here.
pub(super) fn target() -> Target {
    features::target().clone()
}

/// Calls `stop` when the user or the system asks this process to end (SIGINT, SIGTERM, SIGHUP), and `signal`
/// on SIGUSR1.
///
/// # Errors
/// No thread can be made.
pub(super) fn on_signal(
    mut stop: impl FnMut() + Send + 'static,
    mut on_user: impl FnMut() + Send + 'static,
) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        [interrupt, terminate, hangup, signal(SignalKind::user_defined1())]
    };
    if signals.iter().any(Result::is_err) {
        return Err(io::Error::other("signals cannot be received"));
    }
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let [Ok(interrupt), Ok(terminate), Ok(hangup), Ok(user)] = &mut signals else { return };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                    _ = user.recv() => {
                        on_user();
                        continue;
                    }
                }
                stop();
            }
        });
    })?;
    Ok(())
}

/// Lets the end of whoever reads our output end us silently, as with other commands: `| head`.
pub(super) fn end_with_reader() {
    // SAFETY: the default action is set before any thread is made; no handler of ours is replaced.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// This command once more, with `sudo`, as one would type it.
pub(super) fn with_sudo() -> String {
    let program = std::env::current_exe().map_or("probebook".into(), |path| path.display().to_string());
    let words = std::iter::once(program).chain(std::env::args().skip(1));
    words.fold("sudo".into(), |line, word| format!("{line} {}", quote(&word)))
}

/// A word as a shell reads it.
fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_change() {
        assert_eq!(quote("a-b/c.d:e"), "a-b/c.d:e");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote(""), "''");
    }
}
