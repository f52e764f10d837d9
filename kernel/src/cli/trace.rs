//! `probebook trace`: one program, with bpftrace's text or JSON on stdout.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Options, Purpose, Refusal, Running};
use probebook_lang::diagnostic::{Diagnostic, Style, render};
use probebook_lang::environment::{Parameters, Watch};
use probebook_lang::source::{Source, Span};
use probebook_lang::syntax;
use probebook_lang::typed::ProgramOption;
use regex::Regex;

use super::{Failed, doctor, dump, machine, terminal, trial};
use crate::display::{json, text};
use crate::magic::words;
use crate::runs::child::{Child, ChildOutput, Note};
use crate::runs::{LAST_EVENT, Target, refused, trouble};

/// How long an event is awaited before signals and processes are looked at.
const NAP: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Args, Debug)]
#[command(disable_version_flag = true)]
pub(super) struct Arguments {
    /// The program's text
    #[arg(short = 'e', value_name = "PROGRAM", overrides_with = "program", allow_hyphen_values = true)]
    program: Option<String>,
    /// The program's file (`-` for stdin; not with -e), then its parameters $1, $2, …
    #[arg(value_name = "FILE|ARG", required_unless_present_any = ["program", "info", "version", "list"])]
    positional: Vec<String>,
    /// Run this command once the probes are attached, end with it; uprobes, profile and software events see it
    /// alone, tracepoints see everything
    #[arg(short = 'c', long = "cmd", value_name = "COMMAND")]
    command: Option<String>,
    /// Trace this process alone, end with it
    #[arg(short = 'p', long, value_name = "PID")]
    pid: Option<u32>,
    /// What to write
    #[arg(short = 'f', value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Look for headers in this directory first; may be given several times
    #[arg(short = 'I', value_name = "DIR")]
    include_directories: Vec<String>,
    /// Read this header before the program; may be given several times
    #[arg(long = "include", value_name = "FILE")]
    headers: Vec<String>,
    /// Write to this file instead of stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// When what was printed is written: at the end of a line, when there is much of it, or at once
    #[arg(short = 'B', value_enum, value_name = "MODE", default_value_t = Buffering::Line)]
    buffering: Buffering,
    /// Do not tell how many probes were attached
    #[arg(short = 'q', long)]
    quiet: bool,
    /// Tell which probes were attached
    #[arg(short = 'v', long)]
    verbose: bool,
    /// Warn of reads of memory that fail and of map elements that are missing as well
    #[arg(short = 'k', long, conflicts_with = "no_warnings")]
    warnings: bool,
    /// Do not warn of anything
    #[arg(long)]
    no_warnings: bool,
    /// Allow functions that can harm the machine: system
    #[arg(long = "unsafe")]
    is_unsafe: bool,
    /// Compile, load and attach the program, then end
    #[arg(long)]
    dry_run: bool,
    /// Run the `test` probes of the program
    #[arg(long, conflicts_with = "bench")]
    test: bool,
    /// Run the `bench` probes of the program
    #[arg(long)]
    bench: bool,
    /// The same as --test or --bench
    #[arg(long, value_enum, conflicts_with_all = ["test", "bench"])]
    mode: Option<Mode>,
    /// Run only tests and benchmarks whose names match this regular expression
    #[arg(long, value_name = "REGEX")]
    probe_filter: Option<String>,
    /// Do without these features of Linux
    #[arg(long, value_enum, value_name = "FEATURE", value_delimiter = ',')]
    no_feature: Vec<Feature>,
    /// Show the program after a stage of the compiler, then run it
    #[arg(short = 'd', long = "debug", value_enum, value_name = "STAGE")]
    debug: Vec<DebugStage>,
    /// Tell what this machine supports, as `probebook doctor`
    #[arg(long)]
    info: bool,
    /// Tell the version
    #[arg(short = 'V', long)]
    version: bool,
    /// Accepted; usdt probes are not supported yet
    #[arg(long)]
    usdt_file_activation: bool,
    /// Accepted; Linux itself says which kernel functions can be traced
    #[arg(long, value_name = "FILE")]
    traceable_functions: Option<PathBuf>,
    #[arg(short = 'l', long = "list", hide = true)]
    list: bool,
    #[arg(long, hide = true, value_name = "FILE")]
    emit_elf: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "FILE")]
    emit_llvm: Option<PathBuf>,
    #[arg(long, hide = true)]
    verify_llvm_ir: bool,
    #[arg(long, hide = true, value_name = "FILE")]
    aot: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "DIR")]
    debuginfo: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "PID")]
    dwarf_pid: Option<u32>,
}

impl Arguments {
    /// An option of bpftrace that has no meaning here, or not yet.
    fn refused(&self) -> Option<&'static str> {
        let options = [
            (self.list, "-l: listing probes is not supported yet"),
            (
                self.emit_elf.is_some(),
                "--emit-elf: programs are not written to files; `-d dis` shows their code",
            ),
            (self.emit_llvm.is_some(), "--emit-llvm: there is no LLVM here; `-d codegen` shows the IR"),
            (self.verify_llvm_ir, "--verify-llvm-ir: there is no LLVM here"),
            (
                self.aot.is_some(),
                "--aot: programs are not compiled ahead of time; compiling takes milliseconds",
            ),
            (self.debuginfo.is_some(), "--debuginfo: debug information is not read yet"),
            (self.dwarf_pid.is_some(), "--dwarf-pid: stacks are not unwound by debug information yet"),
        ];
        options.into_iter().find(|(is_given, _)| *is_given).map(|(_, why)| why)
    }

    fn purpose(&self) -> Purpose {
        match (self.mode, self.test, self.bench) {
            (Some(Mode::Test), ..) | (_, true, _) => Purpose::Test,
            (Some(Mode::Bench), ..) | (.., true) => Purpose::Bench,
            _ => Purpose::Trace,
        }
    }

    fn watch(&self) -> Watch {
        match (self.warnings, self.no_warnings) {
            (true, _) => Watch::Everything,
            (_, true) => Watch::Nothing,
            _ => Watch::Updates,
        }
    }
}

/// What is run of a program, by bpftrace's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Run `test` probes
    Test,
    /// Run `bench` probes
    Bench,
}

/// When what was printed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Buffering {
    /// At the end of a line
    Line,
    /// When the buffer is full
    Full,
    /// At once
    None,
}

/// A feature of Linux that can be done without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Feature {
    KprobeMulti,
    KprobeSession,
    UprobeMulti,
}

/// A stage of the compiler, by bpftrace's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
enum DebugStage {
    /// Tokens
    Parse,
    /// The tree
    Ast,
    /// The tree with types
    Types,
    /// Intermediate representation
    Codegen,
    /// Likewise
    CodegenOpt,
    /// BPF instructions
    Dis,
    /// All of these
    All,
}

impl DebugStage {
    fn stages(self) -> &'static [dump::Stage] {
        use dump::Stage::{Asm, Ast, Ir, Tokens, Types};
        match self {
            Self::Parse => &[Tokens],
            Self::Ast => &[Ast],
            Self::Types => &[Types],
            Self::Codegen | Self::CodegenOpt => &[Ir],
            Self::Dis => &[Asm],
            Self::All => &[Tokens, Ast, Types, Ir, Asm],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// bpftrace's text
    Text,
    /// One JSON object a line
    Json,
}

/// Runs the program; the exit code is that of `exit()`, or 1 if the program does not run.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    machine::end_with_reader();
    if let Some(why) = arguments.refused() {
        return Err(Failed(why.into()));
    }
    if arguments.version {
        println!("probebook {}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.info {
        return doctor::run();
    }
    let filter = arguments.probe_filter.as_deref().map(Regex::new).transpose()?;
    let (source, parameters) = read(arguments)?;
    let out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(File::create(path).map_err(|e| Failed(format!("{}: {e}", path.display())))?),
        None => Box::new(io::stdout()),
    };
    let (mut tracer, host) = machine::live();
    let environment = tracer.environment_mut();
    machine::configure(environment)?;
    environment.parameters = Parameters { is_strict: true, ..Parameters::from_words(parameters) };
    environment.watch = arguments.watch();
    environment.unsafe_allowed = arguments.is_unsafe;
    environment.include_directories.clone_from(&arguments.include_directories);
    environment.headers.clone_from(&arguments.headers);
    source.name().clone_into(&mut environment.cell);
    let source = syntax::load(&source, &*host, environment);
    if environment.parameters.named.iter().any(|named| named.name == "help") {
        let known = probebook_lang::options(&source, &*host, environment);
        if !known.contains_key("help") {
            return Ok(tell_options(&known));
        }
    }
    for stage in arguments.debug.iter().flat_map(|stage| stage.stages()) {
        print!("{}", dump::shown(*stage, &source, environment)?.0);
    }
    let mut printer = Printer {
        out: BufWriter::new(out),
        format: arguments.format,
        buffering: arguments.buffering,
        source: &source,
    };
    let mut child = match &arguments.command {
        Some(command) => Some(spawn(command)?),
        None => None,
    };
    let target = match arguments.pid {
        Some(pid) => Some(Target::open(pid).map_err(|e| Failed(format!("process {pid}: {e}")))?),
        None => None,
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    let signalled = Arc::new(AtomicBool::new(false));
    let signal = signalled.clone();
    machine::on_signal(
        move || stop.store(true, Ordering::Release),
        move || signal.store(true, Ordering::Release),
    )?;
    let options = Options {
        pid: arguments.pid,
        command: child.as_ref().map(Child::pid),
        purpose: arguments.purpose(),
        no_uprobe_multi: arguments.no_feature.contains(&Feature::UprobeMulti),
        no_kprobe_multi: arguments.no_feature.contains(&Feature::KprobeMulti),
        dry_run: arguments.dry_run,
        statistics: arguments.purpose() == Purpose::Bench,
        ..Options::default()
    };
    let mut running = match tracer.start(&source, &options) {
        Ok(running) => running,
        Err(refusal) => return Ok(report(&refusal, &source)),
    };
    if !arguments.no_warnings {
        print_diagnostics(running.warnings(), &source);
    }
    if arguments.verbose {
        running.probes().iter().for_each(|probe| eprintln!("attached {probe}"));
    }
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if options.purpose != Purpose::Trace {
        return trial::run(&mut *running, options.purpose, filter.as_ref(), &mut printer);
    }
    if running.probe_count() == 0 {
        return Err(Failed("there is no probe to attach".into()));
    }
    if let Some(child) = &mut child {
        child.release();
    }
    if !arguments.quiet {
        printer.attached(running.probe_count())?;
    }
    let mut exit = None;
    while exit.is_none() && !running.is_finished() && !stopped.load(Ordering::Acquire) {
        if has_ended(child.as_mut()) || target.as_ref().is_some_and(Target::has_ended) {
            break;
        }
        if signalled.swap(false, Ordering::AcqRel) {
            running.signal().map_err(|error| Failed(error.to_string()))?;
        }
        match running.next_event(Instant::now()) {
            Some(event) => exit = printer.print(event)?,
            None => {
                // What is there was printed; now it is shown.
                printer.idle()?;
                if let Some(event) = running.next_event(Instant::now() + NAP) {
                    exit = printer.print(event)?;
                }
            }
        }
    }
    running.stop().map_err(|error| Failed(error.to_string()))?;
    while let Some(event) = running.next_event(Instant::now() + LAST_EVENT) {
        exit = printer.print(event)?.or(exit);
    }
    drop(child);
    if running.config().print_maps_on_exit {
        printer.maps(&*running)?;
    }
    printer.out.flush()?;
    let counts = running.counts();
    if counts.lost > 0 && arguments.format == Format::Text {
        eprintln!("Lost {} events in all", counts.lost);
    }
    if counts.missed > 0 {
        eprintln!(
            "WARNING: {} events were missed: their probe was already running on that CPU",
            counts.missed
        );
    }
    let code = exit.unwrap_or(0);
    Ok(u8::try_from(code & 0xff).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The program and its parameters.
fn read(arguments: &Arguments) -> Result<(Source, Vec<String>), Failed> {
    let mut positional = arguments.positional.clone();
    if let Some(program) = &arguments.program {
        return Ok((Source::new("stdin", program.as_str()), positional));
    }
    let path = positional.remove(0);
    if path == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok((Source::new("stdin", text), positional));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failed(format!("{path}: {error}\nhelp: a program's text goes behind -e")))?;
    Ok((Source::new(path, text), positional))
}

/// The options of a program, for `-- --help`; ends like bpftrace, which runs nothing then.
fn tell_options(options: &BTreeMap<String, ProgramOption>) -> ExitCode {
    if options.is_empty() {
        eprintln!("The program has no options of its own.");
    } else {
        eprintln!("The program's options, given behind `--`:");
    }
    let width = options.keys().map(String::len).max().unwrap_or(0);
    for (name, option) in options {
        let pad = width - name.len();
        let line = format!("  --{name}{:pad$}  {} (by default {})", "", option.description, option.default);
        eprintln!("{}", line.replace("   (by", "  (by"));
    }
    ExitCode::FAILURE
}

fn spawn(command: &str) -> Result<Child, Failed> {
    let words = words(command).map_err(|fault| Failed(format!("-c: {}", fault.message)))?;
    let words: Vec<String> = words.into_iter().map(|word| word.text).collect();
    Child::spawn(&words, ChildOutput::Inherited).map_err(|error| Failed(format!("-c: {error}")))
}

fn has_ended(child: Option<&mut Child>) -> bool {
    let Some(child) = child else { return false };
    match child.next_note() {
        Some(Note::Failed(error)) => {
            eprintln!("probebook: the command could not be run: {error}");
            true
        }
        Some(Note::Ended(_)) => true,
        Some(Note::Text(..)) | None => false,
    }
}

fn report(refusal: &Refusal, source: &Source) -> ExitCode {
    match refusal {
        Refusal::Program(diagnostics) => print_diagnostics(diagnostics, source),
        Refusal::Machine(error) => {
            terminal::complain(&refused(refusal, source).traceback);
            if matches!(error, probebook_ebpf::Error::Permission { .. }) {
                eprintln!("help: {}", machine::with_sudo());
            }
        }
    }
    ExitCode::FAILURE
}

fn print_diagnostics(diagnostics: &[Diagnostic], source: &Source) {
    use io::IsTerminal;
    let style = if io::stderr().is_terminal() { Style::Ansi } else { Style::Plain };
    if !diagnostics.is_empty() {
        eprintln!("{}", render(source, diagnostics, style).trim_end());
    }
}

/// Writes events as bpftrace does.
pub(super) struct Printer<'a> {
    out: BufWriter<Box<dyn Write>>,
    format: Format,
    buffering: Buffering,
    source: &'a Source,
}

impl Printer<'_> {
    fn attached(&mut self, count: usize) -> io::Result<()> {
        match self.format {
            Format::Text => eprintln!("Attached {count} probe{}", if count == 1 { "" } else { "s" }),
            Format::Json => writeln!(self.out, "{}", json::attached_probes(count))?,
        }
        Ok(())
    }

    /// Whether people read it.
    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Writes a line of our own.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Writes all that was printed.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// No event is waiting.
    fn idle(&mut self) -> io::Result<()> {
        if self.buffering == Buffering::Full { Ok(()) } else { self.out.flush() }
    }

    /// Gives the code of `exit()`.
    pub(super) fn print(&mut self, event: Event) -> io::Result<Option<i64>> {
        let exit = self.write(event)?;
        if self.buffering == Buffering::None {
            self.out.flush()?;
        }
        Ok(exit)
    }

    fn write(&mut self, event: Event) -> io::Result<Option<i64>> {
        let is_json = self.format == Format::Json;
        match event {
            Event::Text(origin, bytes) if is_json => writeln!(self.out, "{}", json::text(origin, &bytes))?,
            Event::Text(_, bytes) => self.out.write_all(&bytes)?,
            Event::CommandError(bytes) => io::stderr().write_all(&bytes)?,
            Event::Message { is_error, text, span } if is_json => {
                let kind = if is_error { "errorf" } else { "warnf" };
                let place = self.place(span);
                writeln!(self.out, "{}", json::message(kind, &String::from_utf8_lossy(&text), &place))?;
            }
            Event::Message { is_error, text, span } => {
                let severity = if is_error { "ERROR" } else { "WARNING" };
                self.complain(severity, &text, span)?;
            }
            Event::Failed { message, span } => self.complain("ERROR", message.as_bytes(), span)?,
            Event::Value(value) | Event::Result(value) if is_json => {
                writeln!(self.out, "{}", json::value(&value))?
            }
            Event::Value(value) | Event::Result(value) => writeln!(self.out, "{value}")?,
            Event::MapPrint { snapshot, top, divisor } if is_json => {
                if let Some(line) = json::map(&snapshot, top, divisor) {
                    writeln!(self.out, "{line}")?;
                }
            }
            Event::MapPrint { snapshot, top, divisor } => {
                self.out.write_all(&text::map(&snapshot, top, divisor))?;
            }
            Event::Exit(code) => return Ok(Some(code)),
            Event::Warning { message, help, helper, span, times } => {
                let place = self.place(span);
                if is_json {
                    let line = match &helper {
                        Some(failure) => json::helper_error(failure, &place),
                        None => json::message("runtime_error", &message, &place),
                    };
                    writeln!(self.out, "{line}")?;
                } else {
                    print_diagnostics(&[trouble(message, help, helper.as_ref(), span, times)], self.source);
                }
            }
            Event::Lost(count) if is_json => writeln!(self.out, "{}", json::lost_events(count))?,
            Event::Lost(count) => eprintln!("Lost {count} events"),
        }
        Ok(None)
    }

    fn place(&self, span: Span) -> json::Place<'_> {
        let at = self.source.position(span.start);
        let filename = self.source.file(span.start).name();
        json::Place { filename, line: at.line as usize, col: at.column as usize }
    }

    /// A message with its place on stderr, behind what was printed so far.
    fn complain(&mut self, severity: &str, text: &[u8], span: Span) -> io::Result<()> {
        self.out.flush()?;
        let mut line = format!("{}: {severity}: ", self.source.place(span)).into_bytes();
        line.extend(text);
        line.push(b'\n');
        io::stderr().write_all(&line)
    }

    /// All maps, at the end.
    pub(super) fn maps(&mut self, running: &dyn Running) -> Result<(), Failed> {
        if self.format == Format::Text {
            self.out.write_all(b"\n\n")?;
        }
        for name in running.maps() {
            let snapshot = running.snapshot(name).map_err(|error| Failed(format!("@{name}: {error}")))?;
            match self.format {
                _ if snapshot.entries.is_empty() => {}
                Format::Text => self.out.write_all(&text::map(&snapshot, 0, 0))?,
                Format::Json => {
                    if let Some(line) = json::map(&snapshot, 0, 0) {
                        writeln!(self.out, "{line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
