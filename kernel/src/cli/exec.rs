//! `probebook exec`: runs a notebook from the command line, without Jupyter.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use probebook_lang::environment::{Named, Parameters};

use super::notebook::{Notebook, Recorder};
use super::{Failed, machine, terminal};
use crate::interrupt::Interrupt;
use crate::outlet::{Failure, Outlet, Output, plain};
use crate::shell::{Execute, Shell, guarded, info};

/// Lines of a cell's output that are printed; the notebook has all.
const SUMMARY: usize = 40;

/// What to run.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The notebook
    notebook: PathBuf,
    /// Where to write it with its outputs; may be the same file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Set $N or an option of the programs: -p 1=cat -p top=5
    #[arg(short, long = "parameter", value_name = "N|NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Run the cells after one that failed as well
    #[arg(long)]
    keep_going: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// Runs all cells; the exit code is 1 if one failed.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let path = &arguments.notebook;
    let mut notebook =
        Notebook::read(path).map_err(|error| Failed(format!("{}: {error}", path.display())))?;
    let (mut tracer, host) = machine::live();
    machine::configure(tracer.environment_mut())?;
    tracer.environment_mut().parameters = given(&arguments.parameters);
    let mut shell = Shell::new(tracer, host, None);
    let interrupt = Interrupt::default();
    let stop = interrupt.clone();
    let signalled = interrupt.clone();
    machine::on_signal(move || stop.close(), move || signalled.signal())?;
    notebook.clear();
    notebook.set_language(&info()["language_info"]);
    let cells = notebook.code_cells();
    let progress = progress(cells.len(), arguments.quiet);
    let recorder = Recorder::default();
    let mut counts = Vec::new();
    let mut has_failed = false;
    for (number, (_, code)) in cells.iter().enumerate() {
        if interrupt.is_closing() {
            break;
        }
        let title = code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        progress.set_message(title.to_owned());
        recorder.next_cell();
        let request = Execute { code: code.clone(), store_history: true, ..Execute::default() };
        let failure = match guarded(|| shell.execute(&request, &interrupt, &recorder)) {
            Ok(executed) => {
                let pages = executed.pages.into_iter().chain(executed.replacement.map(plain));
                for page in pages {
                    recorder.put(Output::Result { bundle: page, count: executed.count });
                }
                executed.failure
            }
            Err(failure) => {
                recorder.put(Output::Error(failure.clone()));
                Some(failure)
            }
        };
        counts.push(shell.count());
        progress.inc(1);
        report(number + 1, title, &recorder.last_text(), failure.as_ref(), arguments.quiet, &progress);
        if failure.is_some() {
            has_failed = true;
            if !arguments.keep_going {
                break;
            }
        }
    }
    progress.finish_and_clear();
    for (((index, _), count), cell) in cells.iter().zip(counts).zip(recorder.into_cells()) {
        notebook.set_outputs(*index, cell.outputs, Some(count));
    }
    if let Some(output) = &arguments.output {
        notebook.write(output).map_err(|error| Failed(format!("{}: {error}", output.display())))?;
        if !arguments.quiet {
            eprintln!("Wrote {}", output.display());
        }
    }
    Ok(if has_failed || interrupt.is_closing() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints what a cell has shown, shortened; of a failed one, why.
fn report(
    number: usize,
    title: &str,
    text: &str,
    failure: Option<&Failure>,
    quiet: bool,
    progress: &ProgressBar,
) {
    progress.suspend(|| {
        if !quiet {
            let total = text.lines().count();
            let mut summary = format!("── [{number}] {title}\n");
            for line in text.lines().take(SUMMARY) {
                summary.push_str(line);
                summary.push('\n');
            }
            if total > SUMMARY {
                summary.push_str(&format!("… {} lines more\n", total - SUMMARY));
            }
            terminal::print(&summary);
        }
        if let Some(failure) = failure {
            if quiet {
                terminal::complain(&failure.traceback);
            }
            eprintln!("probebook: cell {number} failed: {}", failure.value);
            if failure.name == "LinuxError" && !super::lab::is_root() {
                eprintln!("help: {}", machine::with_sudo());
            }
        }
    });
}

fn progress(cells: usize, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed} {wide_msg}");
    let progress = ProgressBar::new(cells as u64);
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    progress
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write N=VALUE or NAME=VALUE")?;
    match name.parse::<usize>() {
        Ok(1..=64) => Ok((name.to_owned(), value.to_owned())),
        Err(_) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{name}` is not the number of a parameter, from 1 to 64")),
    }
}

/// `$1`, `$2`, …, where those between that were not given are empty, and options.
fn given(parameters: &[(String, String)]) -> Parameters {
    let mut given = Parameters::default();
    for (name, value) in parameters {
        match name.parse::<usize>() {
            Ok(number) => {
                let count = given.positional.len().max(number);
                given.positional.resize(count, String::new());
                given.positional[number - 1].clone_from(value);
            }
            Err(_) => given.named.push(Named { name: name.clone(), value: Some(value.clone()) }),
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let parameters = [parse_parameter("3=a=b").unwrap(), parse_parameter("1=").unwrap()];
        assert_eq!(given(&parameters).positional, ["", "", "a=b"]);
        let named = given(&[parse_parameter("top=5").unwrap()]).named;
        assert_eq!(named, [Named { name: "top".into(), value: Some("5".into()) }]);
        for text in ["0=x", "65=1", "=1", "7"] {
            assert!(parse_parameter(text).is_err());
        }
    }
}
