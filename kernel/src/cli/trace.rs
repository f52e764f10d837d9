//! `probebook trace`: one program, with bpftrace's text or JSON on stdout.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Options, Refusal, Running};
use probebook_lang::diagnostic::{Diagnostic, Style, render};
use probebook_lang::environment::Parameters;
use probebook_lang::source::Source;
use probebook_lang::syntax;

use super::{Failed, machine, terminal};
use crate::display::{json, text};
use crate::magic::words;
use crate::runs::child::{Child, ChildOutput, Note};
use crate::runs::{LAST_EVENT, Target, refused, trouble};

/// How long an event is awaited before signals and processes are looked at.
const NAP: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The program's text
    #[arg(short = 'e', value_name = "PROGRAM")]
    program: Option<String>,
    /// The program's file (`-` for stdin; not with -e), then its parameters $1, $2, …
    #[arg(value_name = "FILE|ARG", required_unless_present = "program")]
    positional: Vec<String>,
    /// Run this command once the probes are attached, end with it; uprobes, profile and software events see it
    /// alone, tracepoints see everything
    #[arg(short = 'c', value_name = "COMMAND")]
    command: Option<String>,
    /// Trace this process alone, end with it
    #[arg(short = 'p', value_name = "PID")]
    pid: Option<u32>,
    /// What to write
    #[arg(short = 'f', value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Do not tell how many probes were attached
    #[arg(short = 'q')]
    quiet: bool,
    /// Write to this file instead of stdout
    #[arg(short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
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
    let (source, parameters) = read(arguments)?;
    let out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(File::create(path).map_err(|e| Failed(format!("{}: {e}", path.display())))?),
        None => Box::new(io::stdout()),
    };
    let mut printer = Printer { out: BufWriter::new(out), format: arguments.format, source: &source };
    let mut child = match &arguments.command {
        Some(command) => Some(spawn(command)?),
        None => None,
    };
    let target = match arguments.pid {
        Some(pid) => Some(Target::open(pid).map_err(|e| Failed(format!("process {pid}: {e}")))?),
        None => None,
    };
    let (mut tracer, _) = machine::live();
    let environment = tracer.environment_mut();
    machine::configure(environment)?;
    environment.parameters.positional = parameters;
    source.name().clone_into(&mut environment.cell);
    let special = count_special(&source, &environment.parameters);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    machine::on_signal(move || stop.store(true, Ordering::Release))?;
    let command = child.as_ref().map(Child::pid);
    let options = Options { pid: arguments.pid, command, ..Options::default() };
    let mut running = match tracer.start(&source, &options) {
        Ok(running) => running,
        Err(refusal) => return Ok(report(&refusal, &source)),
    };
    print_diagnostics(running.warnings(), &source);
    if let Some(child) = &mut child {
        child.release();
    }
    if !arguments.quiet {
        printer.attached(running.probes().len() + special)?;
    }
    let mut exit = None;
    while exit.is_none() && !running.is_finished() && !stopped.load(Ordering::Acquire) {
        if has_ended(child.as_mut()) || target.as_ref().is_some_and(Target::has_ended) {
            break;
        }
        match running.next_event(Instant::now()) {
            Some(event) => exit = printer.print(event)?,
            None => {
                // What is there was printed; now it is shown.
                printer.out.flush()?;
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

/// bpftrace counts `begin` and `end` as probes, which are never attached.
fn count_special(source: &Source, parameters: &Parameters) -> usize {
    let (program, _) = syntax::parse(source, parameters);
    let points = program.probes.iter().flat_map(|probe| &probe.points);
    let special = points.filter(|point| {
        point
            .parts
            .first()
            .is_some_and(|part| matches!(part.text.as_str(), "begin" | "BEGIN" | "end" | "END"))
    });
    special.count() + usize::from(!program.statements.is_empty() || program.result.is_some())
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
struct Printer<'a> {
    out: BufWriter<Box<dyn Write>>,
    format: Format,
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

    /// Gives the code of `exit()`.
    fn print(&mut self, event: Event) -> io::Result<Option<i64>> {
        let is_json = self.format == Format::Json;
        match event {
            Event::Printf(bytes) if is_json => writeln!(self.out, "{}", json::text("printf", &bytes))?,
            Event::Time(bytes) if is_json => writeln!(self.out, "{}", json::text("time", &bytes))?,
            Event::Printf(bytes) | Event::Time(bytes) => self.out.write_all(&bytes)?,
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
                if is_json {
                    let at = self.source.position(span.start);
                    let place = json::Place {
                        filename: self.source.name(),
                        line: at.line as usize,
                        col: at.column as usize,
                    };
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

    /// All maps, at the end.
    fn maps(&mut self, running: &dyn Running) -> Result<(), Failed> {
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
