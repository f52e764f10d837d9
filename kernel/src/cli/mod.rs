//! Command line → one of the commands.
//!
//! *Invariant:* an error goes to stderr and says which command to type next; a command that failed does not
//! exit with 0.

mod doctor;
mod dump;
mod exec;
mod fmt;
mod install;
mod lab;
mod machine;
mod notebook;
mod terminal;
mod trace;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::serve::serve;
use crate::shell::{History, Shell};

/// A Jupyter kernel for the bpftrace language: traces the running Linux and draws its maps.
#[derive(Debug, Parser)]
#[command(
    name = "probebook",
    version,
    arg_required_else_help = true,
    after_help = "First steps:\n  probebook doctor                        what this machine can do\n  \
        sudo probebook lab                      opens JupyterLab with the kernel installed\n  \
        sudo probebook exec notebooks/00_tour.ipynb\n  \
        sudo probebook trace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open JupyterLab with the kernel, in a private Python environment that is made once
    Lab(lab::Arguments),
    /// Run a notebook from the command line, without Jupyter
    Exec(exec::Arguments),
    /// Run one bpftrace program and print its text
    Trace(Box<trace::Arguments>),
    /// Tell what this machine supports, what is missing, and how to get it
    Doctor,
    /// Make the kernel known to Jupyter
    Install(install::Arguments),
    /// Take the kernel out of Jupyter again
    Uninstall(install::Place),
    /// Lay out programs as bpftrace does
    Fmt(fmt::Arguments),
    /// Show a program after a stage of the compiler
    Dump(dump::Arguments),
    /// Serve a Jupyter frontend; Jupyter itself calls this
    Kernel {
        /// The connection file that the frontend wrote
        #[arg(short = 'f', value_name = "FILE")]
        connection_file: PathBuf,
    },
}

/// What went wrong, in words for stderr.
struct Failed(String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A reader that has gone does not want to hear it.
            drop(error.print());
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    // `begin` runs on it, and there `comm` is the name of the process.
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
    let thread = std::thread::Builder::new().name(comm.trim_end().into()).stack_size(probebook_lang::STACK);
    match thread.spawn(move || run(arguments)).map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            eprintln!("probebook: no thread to work on: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Exec(arguments) => exec::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Doctor => doctor::run(),
        Command::Install(arguments) => install::install(&arguments),
        Command::Uninstall(place) => install::uninstall(&place),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Kernel { connection_file } => kernel(&connection_file),
    };
    result.unwrap_or_else(|Failed(message)| {
        eprintln!("probebook: {message}");
        ExitCode::FAILURE
    })
}

fn kernel(connection_file: &std::path::Path) -> Result<ExitCode, Failed> {
    let (mut tracer, host) = machine::live();
    machine::configure(tracer.environment_mut())?;
    serve(connection_file, Shell::new(tracer, host, History::path()))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn programs_may_look_like_options() {
        let arguments =
            Arguments::try_parse_from(["probebook", "trace", "-e", "begin { }", "3", "-c", "ls -l"]).unwrap();
        let Command::Trace(_) = arguments.command else { panic!() };
        assert!(Arguments::try_parse_from(["probebook", "trace"]).is_err());
    }
}
