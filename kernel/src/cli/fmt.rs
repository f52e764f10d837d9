//! `probebook fmt`: programs in files or from stdin, laid out.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::format::{Refusal, format};
use probebook_lang::source::Source;

use super::Failed;

/// What to lay out.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The programs' files, which are rewritten; `-` or none: from stdin to stdout
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Change nothing; tell which files are not laid out, and fail if there are any
    #[arg(long)]
    check: bool,
}

/// Lays out all files. One that is no program stays as it is, and the exit code is 1.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let stdin = ["-".to_owned()];
    let files = if arguments.files.is_empty() { &stdin[..] } else { &arguments.files };
    let mut all_well = true;
    for file in files {
        all_well &= lay_out(file, arguments.check)?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the file is, or could be, laid out.
fn lay_out(file: &str, checks: bool) -> Result<bool, Failed> {
    let is_stdin = file == "-";
    let text = if is_stdin {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(file).map_err(|error| Failed(format!("{file}: {error}")))?
    };
    let source = Source::new(if is_stdin { "stdin" } else { file }, text);
    let formatted = match format(&source) {
        Ok(formatted) => formatted,
        Err(refusal) => {
            eprintln!("{}", complaint(&refusal, &source).trim_end());
            return Ok(false);
        }
    };
    let is_same = formatted == source.text();
    if checks {
        if !is_same {
            eprintln!("{}: not laid out", source.name());
        }
        return Ok(is_same);
    }
    if is_stdin {
        io::stdout().write_all(formatted.as_bytes())?;
    } else if !is_same {
        replace(Path::new(file), &formatted).map_err(|error| Failed(format!("{file}: {error}")))?;
    }
    Ok(true)
}

/// Writes beside the file first, so that nothing is lost if the disk is full.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = file.with_file_name(name);
    let written = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(&file)?.permissions()))
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Why a program was not laid out.
fn complaint(refusal: &Refusal, source: &Source) -> String {
    let style = if io::stderr().is_terminal() { Style::Ansi } else { Style::Plain };
    match refusal {
        Refusal::Program(diagnostics) => render(source, diagnostics, style),
        Refusal::WouldChange => format!("{}: {}", source.name(), refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_rewritten_or_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bt");
        let file = path.to_str().unwrap();
        let lay_out = |checks| lay_out(file, checks).unwrap_or_else(|Failed(message)| panic!("{message}"));
        fs::write(&path, "begin{@=1}").unwrap();
        assert!(!lay_out(true));
        assert_eq!(fs::read_to_string(&path).unwrap(), "begin{@=1}");
        assert!(lay_out(false));
        assert_eq!(fs::read_to_string(&path).unwrap(), "begin\n{\n  @ = 1\n}\n");
        assert!(lay_out(true));
        fs::write(&path, "begin {").unwrap();
        assert!(!lay_out(false));
        assert_eq!(fs::read_to_string(&path).unwrap(), "begin {");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(super::lay_out("/nowhere/a.bt", false).is_err());
    }
}
