//! A fixture → what bpftrace prints for it: started as a process, given the workload, and interrupted.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use probebook_ebpf::host::elf;
use probebook_tests::fixture::Fixture;
use probebook_tests::run;

/// bpftrace compiles with LLVM, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The other implementation.
pub struct Peer {
    path: PathBuf,
}

/// What a program of it did.
pub struct PeerOutput {
    /// Everything on stdout.
    pub stdout: String,
    /// Its exit status.
    pub code: i32,
}

impl Peer {
    /// The program at a path.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What it calls itself.
    pub fn version(&self) -> String {
        let output = Command::new(&self.path).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().trim().trim_start_matches("bpftrace v").to_owned()
    }

    /// Runs a fixture to its end.
    ///
    /// # Errors
    /// It does not run, or does not end; with what it said.
    pub fn run(&self, fixture: &Fixture) -> Result<PeerOutput, String> {
        let mut command = Command::new(&self.path);
        command.envs(fixture.env.iter().map(|(name, value)| (name, value)));
        if fixture.unsafe_allowed {
            command.arg("--unsafe");
        }
        match own_libc(&fixture.text) {
            Some(text) => command.args(["-e", &text]),
            None => command.arg(&fixture.path),
        };
        command.args(run::arguments(fixture));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let stdout = thread::spawn(move || read_all(stdout));
        let stderr = lines(child.stderr.take().ok_or("no stderr")?);
        let mut said = Vec::new();
        let is_attached = await_attached(&stderr, &mut said);
        if let (true, Some(workload)) = (is_attached, &fixture.workload) {
            workload.perform();
            // What happened is still on its way through the ring buffer.
            thread::sleep(Duration::from_millis(200));
            interrupt(&child);
        }
        let code = wait(&mut child)?;
        let stdout = stdout.join().map_err(|_| "stdout could not be read")?;
        said.extend(stderr.iter());
        if !is_attached {
            return Err(said.join("\n"));
        }
        Ok(PeerOutput { stdout, code })
    }
}

/// A program that traces libc, with the path of the libc of this process, whose functions the workload calls:
/// bpftrace may live in a root of its own.
fn own_libc(text: &str) -> Option<String> {
    let path = elf::resolve("libc")?;
    let own = format!("probe:/proc/{}/root{path}:", std::process::id());
    text.contains("probe:libc:").then(|| text.replace("probe:libc:", &own))
}

/// Waits until the probes are live; `false` if it ends before.
fn await_attached(stderr: &Receiver<String>, said: &mut Vec<String>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with("Attached ") => return true,
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
        }
    }
}

fn wait(child: &mut Child) -> Result<i32, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.code().ok_or_else(|| format!("{status}")),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                // It is ours, and it hangs.
                let _ = child.kill();
                let _ = child.wait();
                return Err("it does not end".into());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// As Ctrl-C does.
fn interrupt(child: &Child) {
    // SAFETY: a signal to a child that was not waited for yet, so the number is still its own.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
}

fn read_all(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is what there is.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
