//! A fixture → the text that `probebook trace` prints for it: loads it for real, attaches, runs the
//! workload on this thread, stops, and gathers everything in the order it happened.

use std::ffi::CString;
use std::time::{Duration, Instant};
use std::{hint, thread};

use probebook::display::text;
use probebook_ebpf::event::Event;
use probebook_ebpf::live::LiveTracer;
use probebook_ebpf::tracer::{Options, Refusal, Running, Tracer};
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::source::Source;

use crate::fixture::{Fixture, Workload};

/// No fixture takes longer, whatever the machine does beside it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a fixture and returns its output: events as text, then maps, then the exit code if it is not 0.
///
/// # Errors
/// Diagnostics or what the machine refused, as text.
pub fn run(fixture: &Fixture) -> Result<String, String> {
    let mut tracer = LiveTracer::new();
    let thread = thread_id().to_string();
    tracer.environment_mut().parameters.positional =
        fixture.args.iter().map(|arg| if arg == "TID" { thread.clone() } else { arg.clone() }).collect();
    let source = Source::new(fixture.name.clone(), fixture.text.clone());
    let mut running = tracer.start(&source, &Options::default()).map_err(|refusal| match refusal {
        Refusal::Program(diagnostics) => render(&source, &diagnostics, Style::Plain),
        Refusal::Machine(error) => error.to_string(),
    })?;
    let mut output = Output::default();
    if let Some(workload) = &fixture.workload {
        workload.perform();
    } else if !running.is_finished() {
        output.until_exit(running.as_mut());
    }
    running.stop().map_err(|error| error.to_string())?;
    output.until_exit(running.as_mut());
    for name in running.maps() {
        let snapshot = running.snapshot(name).map_err(|error| error.to_string())?;
        output.text.extend(text::map(&snapshot, 0, 1));
    }
    Ok(output.finish())
}

#[derive(Default)]
struct Output {
    text: Vec<u8>,
    code: i64,
}

impl Output {
    /// Takes events until the program exits, or until none is left.
    fn until_exit(&mut self, running: &mut dyn Running) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = running.next_event(deadline) {
            match event {
                Event::Printf(bytes) | Event::Time(bytes) => self.text.extend(bytes),
                Event::Value(value) | Event::Result(value) => self.text.extend(format!("{value}\n").bytes()),
                Event::MapPrint { snapshot, top, divisor } => {
                    self.text.extend(text::map(&snapshot, top, divisor));
                }
                Event::Exit(code) => {
                    self.code = code;
                    return;
                }
                Event::Warning { message, .. } => self.text.extend(format!("WARNING: {message}\n").bytes()),
                Event::Lost(events) => self.text.extend(format!("Lost {events} events\n").bytes()),
            }
        }
    }

    fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.text).into_owned();
        if self.code != 0 {
            text.push_str(&format!("exit code {}\n", self.code));
        }
        text
    }
}

fn thread_id() -> i32 {
    // SAFETY: gettid takes no arguments and cannot fail.
    unsafe { libc::gettid() }
}

impl Workload {
    /// Does it, on this thread.
    pub fn perform(&self) {
        match self {
            Self::Getppid(times) => {
                for _ in 0..*times {
                    // SAFETY: getppid takes no arguments and cannot fail.
                    unsafe { libc::syscall(libc::SYS_getppid) };
                }
            }
            Self::Close(descriptor) => {
                // SAFETY: the descriptor is not open, so nothing is closed.
                unsafe { libc::close(*descriptor) };
            }
            Self::Open(path) => {
                let path = CString::new(path.as_str()).unwrap_or_default();
                // SAFETY: the path is NUL-terminated and outlives the call; the file does not exist.
                unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY) };
            }
            Self::Atoi(text) => {
                let text = CString::new(text.as_str()).unwrap_or_default();
                // SAFETY: the text is NUL-terminated and outlives the call.
                hint::black_box(unsafe { libc::atoi(text.as_ptr()) });
            }
            Self::Fault(pages) => touch(*pages),
            Self::Sleep(times) => (0..*times).for_each(|_| thread::sleep(Duration::from_millis(1))),
        }
    }
}

/// Maps fresh pages, writes to each, unmaps them.
fn touch(pages: usize) {
    const PAGE: usize = 4096;
    let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh private mapping, used only within its length and unmapped once.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), pages * PAGE, read_write, private, -1, 0);
        assert_ne!(start, libc::MAP_FAILED);
        libc::madvise(start, pages * PAGE, libc::MADV_NOHUGEPAGE);
        for page in 0..pages {
            start.cast::<u8>().add(page * PAGE).write_volatile(1);
        }
        libc::munmap(start, pages * PAGE);
    }
}
