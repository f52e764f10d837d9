//! A fixture → the text that `probebook trace` prints for it: loads it for real, attaches, runs the
//! workload on this thread, stops, and gathers everything in the order it happened.

use std::cell::RefCell;
use std::ffi::CString;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{hint, thread};

use probebook::display::bundle::Bundle;
use probebook::display::{display, svg, text};
use probebook::interrupt::Interrupt;
use probebook::outlet::{Outlet, Output as CellOutput};
use probebook::shell::{Execute, Shell};
use probebook_ebpf::Error;
use probebook_ebpf::codegen::{self, Target};
use probebook_ebpf::event::Event;
use probebook_ebpf::host::LiveHost;
use probebook_ebpf::isa;
use probebook_ebpf::live::LiveTracer;
use probebook_ebpf::map::MapSnapshot;
use probebook_ebpf::tracer::{Options, Refusal, Running, Tracer};
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::ir::{self, print};
use probebook_lang::source::{Source, Span};
use probebook_lang::syntax::load;

use crate::fixture::{self, Fixture, Workload};

/// No fixture takes longer, whatever the machine does beside it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether BPF programs can be loaded here.
pub fn is_live() -> bool {
    let source = Source::new("probe", "begin { @x = 1; }");
    LiveTracer::new().start(&source, &Options::default()).is_ok()
}

/// Whether this Linux was built with a kind of probes.
///
/// # Panics
/// On a name it does not know: a fault of the fixture.
pub fn has(need: &str) -> bool {
    match need {
        "fentry" => Path::new("/sys/kernel/btf/vmlinux").exists() && has("kprobe"),
        "kprobe" => Path::new("/sys/bus/event_source/devices/kprobe").exists(),
        _ => panic!("unknown need: {need}"),
    }
}

/// Runs a fixture and returns its output: events as text, then maps, then the exit code if it is not 0.
///
/// # Errors
/// Diagnostics or what the machine refused, as text.
pub fn run(fixture: &Fixture) -> Result<String, String> {
    let (output, maps) = execute(fixture)?;
    let mut output = output;
    for snapshot in maps.iter().filter(|snapshot| !snapshot.entries.is_empty()) {
        output.text.extend(text::map(snapshot, 0, 1));
    }
    Ok(output.finish())
}

/// Runs a fixture and draws its maps.
///
/// # Errors
/// As [`run`].
pub fn picture(fixture: &Fixture) -> Result<String, String> {
    let (_, maps) = execute(fixture)?;
    Ok(svg::render(&display(&maps, None)).text)
}

fn execute(fixture: &Fixture) -> Result<(Output, Vec<MapSnapshot>), String> {
    let mut tracer = LiveTracer::new();
    fixture.set_environment(tracer.environment_mut());
    tracer.environment_mut().parameters = fixture::parameters(arguments(fixture));
    tracer.environment_mut().unsafe_allowed = fixture.unsafe_allowed;
    // The path decides where imports are looked for.
    let source = Source::new(fixture.path.to_string_lossy(), fixture.text.clone());
    let source = load(&source, tracer.host(), tracer.environment());
    let mut running = tracer.start(&source, &Options::default()).map_err(|refusal| match refusal {
        Refusal::Program(diagnostics) => render(&source, &diagnostics, Style::Plain),
        Refusal::Machine(Error::Verifier { diagnostic, log }) => {
            format!("{}{log}", render(&source, &[*diagnostic], Style::Plain))
        }
        Refusal::Machine(error) => error.to_string(),
    })?;
    let mut output = Output::default();
    if let Some(Workload::Signal(times)) = fixture.workload {
        for _ in 0..times {
            running.signal().map_err(|error| error.to_string())?;
        }
    } else if let Some(workload) = &fixture.workload {
        workload.perform();
    } else if !running.is_finished() {
        output.until_exit(running.as_mut(), &source);
    }
    running.stop().map_err(|error| error.to_string())?;
    output.rest(running.as_mut(), &source);
    let names = running.maps().iter().filter(|_| running.config().print_maps_on_exit);
    let maps: Result<Vec<_>, _> =
        names.map(|name| running.snapshot(name).map_err(|error| error.to_string())).collect();
    Ok((output, maps?))
}

/// The positional parameters, for a workload that is performed by this thread.
pub fn arguments(fixture: &Fixture) -> Vec<String> {
    let thread = thread_id().to_string();
    fixture.args.iter().map(|arg| if arg == "TID" { thread.clone() } else { arg.clone() }).collect()
}

/// IR and instructions for a Linux that never changes.
///
/// # Errors
/// What that Linux cannot do.
pub fn instructions(module: &ir::Module) -> Result<String, String> {
    let target = Target {
        linux: (6, 12),
        cpus: 2,
        iter_num: Some([101, 102, 103]),
        map_sum_elem_count: Some(104),
        strnstr: None,
        task_from_pid: None,
        pid_namespace: None,
    };
    let object = codegen::generate(module, &target).map_err(|unsupported| unsupported.message)?;
    let mut text = print::print(module);
    for program in &object.programs {
        text.push_str(&format!("\n{}:\n{}", program.name, isa::disassemble(program)));
    }
    Ok(text)
}

/// Keeps what a cell puts out.
#[derive(Default)]
struct Tape(RefCell<Vec<CellOutput>>);

impl Outlet for Tape {
    fn put(&self, output: CellOutput) {
        self.0.borrow_mut().push(output);
    }
}

/// Runs the cells of a fixture, split by lines `// %%`, one after the other in one notebook session, and
/// writes down what each puts out: streams, plain texts of results and final pictures with their MIME
/// types, and errors.
///
/// # Errors
/// Never: what goes wrong in a cell is its output.
pub fn session(fixture: &Fixture) -> Result<String, String> {
    let mut shell = Shell::new(Box::new(LiveTracer::new()), Box::new(LiveHost::new()), None);
    let interrupt = Interrupt::default();
    let mut text = String::new();
    for (number, cell) in fixture.text.split("// %%\n").enumerate() {
        let tape = Tape::default();
        let request = Execute { code: cell.to_owned(), store_history: true, ..Execute::default() };
        shell.execute(&request, &interrupt, &tape);
        text.push_str(&format!("── cell {}\n", number + 1));
        describe(&tape.0.into_inner(), &mut text);
    }
    Ok(text)
}

/// The outputs as a reader is left with them: only the last state of a picture.
fn describe(outputs: &[CellOutput], text: &mut String) {
    let mut picture: Option<&Bundle> = None;
    let show = |kind: &str, bundle: &Bundle| {
        let types: Vec<&str> = bundle.data.keys().map(String::as_str).collect();
        let plain = bundle.data.get("text/plain").and_then(|plain| plain.as_str()).unwrap_or_default();
        format!("[{kind}: {}]\n{}\n", types.join(" "), plain.trim_end())
    };
    for output in outputs {
        match output {
            CellOutput::Stream { name, text: line } => text.push_str(&format!("[{}] {line}", name.as_str())),
            CellOutput::Display { bundle, .. } | CellOutput::Update { bundle, .. } => picture = Some(bundle),
            CellOutput::Result { bundle, .. } => text.push_str(&show("result", bundle)),
            CellOutput::Error(failure) => {
                let plain: String = failure.traceback.iter().map(|line| strip_ansi(line) + "\n").collect();
                text.push_str(&format!("[error {}] {}\n{plain}", failure.name, failure.value));
            }
            CellOutput::Input { .. } | CellOutput::Clear => {}
        }
    }
    if let Some(bundle) = picture {
        text.push_str(&show("picture", bundle));
    }
}

/// Without the escape sequences of colours.
fn strip_ansi(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        rest = rest.find('m').map_or("", |end| &rest[end + 1..]);
    }
    plain + rest
}

#[derive(Default)]
struct Output {
    text: Vec<u8>,
    code: i64,
    /// What has gone wrong; told at the end, because it comes some time after it has happened.
    warnings: Vec<String>,
}

impl Output {
    /// Takes events until the program exits, or patience ends.
    fn until_exit(&mut self, running: &mut dyn Running, source: &Source) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = running.next_event(deadline) {
            if matches!(event, Event::Exit(_)) {
                self.take(event, source);
                return;
            }
            self.take(event, source);
        }
    }

    /// Takes all events of a program that was stopped.
    fn rest(&mut self, running: &mut dyn Running, source: &Source) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = running.next_event(deadline) {
            self.take(event, source);
        }
    }

    fn take(&mut self, event: Event, source: &Source) {
        match event {
            Event::Text(_, bytes) => self.text.extend(bytes),
            Event::CommandError(bytes) => self.text.extend([b"stderr: ".as_slice(), &bytes].concat()),
            Event::Message { is_error, text, span } => {
                let severity = if is_error { "ERROR" } else { "WARNING" };
                self.text.extend(format!("{}: {severity}: ", place(source, span)).bytes());
                self.text.extend(text);
                self.text.push(b'\n');
            }
            Event::Failed { message, span } => {
                self.text.extend(format!("{}: ERROR: {message}\n", place(source, span)).bytes())
            }
            Event::Value(value) | Event::Result(value) => self.text.extend(format!("{value}\n").bytes()),
            Event::MapPrint { snapshot, top, divisor } => {
                self.text.extend(text::map(&snapshot, top, divisor))
            }
            Event::Exit(code) => self.code = code,
            Event::Warning { message, times, .. } => {
                let often = if times > 1 { format!(" ({times} times)") } else { String::new() };
                self.warnings.push(format!("WARNING: {message}{often}\n"));
            }
            Event::Lost(events) => self.text.extend(format!("Lost {events} events\n").bytes()),
        }
    }

    fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.text).into_owned();
        text.extend(self.warnings);
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
            Self::Write(count, text) => {
                assert!(*count <= text.len(), "the text has {} bytes", text.len());
                // SAFETY: so many bytes of the text may be read; the descriptor is not open.
                unsafe { libc::write(-1, text.as_ptr().cast(), *count) };
            }
            Self::Exec(arguments) => {
                let arguments: Vec<_> =
                    arguments.iter().map(|text| CString::new(text.as_str()).unwrap_or_default()).collect();
                let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
                pointers.push(std::ptr::null());
                let environment = [std::ptr::null()];
                // SAFETY: the path is NUL-terminated, both arrays end with NULL, all outlive the call; the
                // program does not exist, so the call returns.
                unsafe {
                    libc::execve(c"/no/such/program".as_ptr(), pointers.as_ptr(), environment.as_ptr())
                };
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
            Self::Signal(_) => {}
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

/// A place in a fixture or in a file that it imports, without the folders.
fn place(source: &Source, span: Span) -> String {
    let place = source.place(span);
    place.rsplit('/').next().unwrap_or(&place).to_owned()
}
