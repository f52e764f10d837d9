//! `probebook lab`: JupyterLab in a Python environment of its own.
//!
//! *Invariant:* the environment is used only after it was made completely; one that was not is made anew.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::install::{install_into, user_share};
use super::{Failed, machine};

/// The range of versions that the pictures were tried with.
const JUPYTERLAB: &str = "jupyterlab>=4.4,<5";

/// How to start it.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The directory to open [default: ./notebooks, or the current directory]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Make the Python environment anew
    #[arg(long)]
    renew: bool,
    /// Further arguments for JupyterLab, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Makes the environment if need be and becomes JupyterLab.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let environment = user_share()?.join("probebook/lab");
    let complete = environment.join("complete");
    if arguments.renew || fs::read_to_string(&complete).ok().as_deref() != Some(JUPYTERLAB) {
        make(&environment)?;
        fs::write(&complete, JUPYTERLAB)?;
    }
    // The program may have moved since.
    install_into(&environment)?;
    if !is_root() {
        eprintln!("Without root, cells compile but cannot trace. To trace:\n  {}", machine::with_sudo());
    }
    let notebooks = Path::new("notebooks");
    let directory = match &arguments.directory {
        Some(directory) => directory.as_path(),
        None if notebooks.is_dir() => notebooks,
        None => Path::new("."),
    };
    let program = environment.join("bin/jupyter-lab");
    let mut command = Command::new(&program);
    command.arg(format!("--ServerApp.root_dir={}", fs::canonicalize(directory)?.display()));
    if is_root() {
        command.arg("--allow-root");
    }
    command.arg("--MultiKernelManager.default_kernel_name=bpftrace").args(&arguments.rest);
    Err(Failed(format!("{}: {}\nhelp: probebook lab --renew", program.display(), command.exec())))
}

fn make(environment: &Path) -> Result<(), Failed> {
    println!("Making a Python environment in {} (once)", environment.display());
    if environment.exists() {
        fs::remove_dir_all(environment)?;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(environment);
    step("python3 -m venv", venv, "sudo apt-get install python3-venv")?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", JUPYTERLAB]);
    step("pip install jupyterlab", pip, "check the network, then: probebook lab")
}

/// Runs a command behind a spinner; its output is shown if it fails.
fn step(what: &'static str, mut command: Command, help: &str) -> Result<(), Failed> {
    let spinner = ProgressBar::new_spinner().with_message(what);
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.enable_steady_tick(Duration::from_millis(120));
    let output = command.output();
    spinner.finish_and_clear();
    match output {
        Ok(output) if output.status.success() => {
            println!("{what}: done in {} s", spinner.elapsed().as_secs());
            Ok(())
        }
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Err(Failed(format!("{what} failed:\n{}help: {help}", String::from_utf8_lossy(&text))))
        }
        Err(error) => Err(Failed(format!("{what}: {error}\nhelp: {help}"))),
    }
}

pub(super) fn is_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}
