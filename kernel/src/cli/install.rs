//! `probebook install` and `uninstall`: the kernelspec, which makes Jupyter know the kernel.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;
use serde_json::Value;

use super::Failed;

/// The template; what is specific to the installation is filled in.
const SPEC: &str = include_str!("../../../kernelspec/kernel.json");

/// Pictures that frontends look for, by name.
const LOGOS: [(&str, &[u8]); 3] = [
    ("logo-svg.svg", include_bytes!("../../../kernelspec/logo-svg.svg")),
    ("logo-32x32.png", include_bytes!("../../../kernelspec/logo-32x32.png")),
    ("logo-64x64.png", include_bytes!("../../../kernelspec/logo-64x64.png")),
];

/// What to install.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// What frontends call it
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
}

/// Where a kernelspec lies.
#[derive(Args, Debug)]
pub(super) struct Place {
    /// For the current user (this is the default)
    #[arg(long, group = "place")]
    user: bool,
    /// For the active Python environment
    #[arg(long, group = "place")]
    sys_prefix: bool,
    /// For the environment in this directory
    #[arg(long, group = "place", value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// The name of the kernelspec
    #[arg(long, default_value = "bpftrace", value_parser = parse_name)]
    name: String,
}

impl Place {
    fn directory(&self) -> Result<PathBuf, Failed> {
        let data = match (&self.prefix, self.sys_prefix) {
            (Some(prefix), _) => prefix.join("share/jupyter"),
            (None, true) => active_environment()?.join("share/jupyter"),
            (None, false) => user_data()?,
        };
        Ok(data.join("kernels").join(&self.name))
    }
}

/// Installs the kernelspec.
pub(super) fn install(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let directory = arguments.place.directory()?;
    write(&directory, arguments.display_name.as_deref()).map_err(|error| {
        Failed(format!("{}: {error}\nhelp: `probebook install --user` needs no rights", directory.display()))
    })?;
    println!("Installed {}", directory.display());
    println!("Start it with: jupyter lab     (or without Jupyter installed: probebook lab)");
    Ok(ExitCode::SUCCESS)
}

/// Removes the kernelspec.
pub(super) fn uninstall(place: &Place) -> Result<ExitCode, Failed> {
    let directory = place.directory()?;
    // What is not ours is not ours to remove.
    let spec = fs::read_to_string(directory.join("kernel.json")).map_err(|_| {
        Failed(format!("{}: no kernelspec there\nhelp: jupyter kernelspec list", directory.display()))
    })?;
    if !is_ours(&spec) {
        return Err(Failed(format!("{}: this kernelspec is not Probebook's", directory.display())));
    }
    fs::remove_dir_all(&directory)?;
    println!("Removed {}", directory.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes the kernelspec into the environment at `prefix`.
pub(super) fn install_into(prefix: &Path) -> io::Result<()> {
    write(&prefix.join("share/jupyter/kernels/bpftrace"), None)
}

fn write(directory: &Path, display_name: Option<&str>) -> io::Result<()> {
    let program = env::current_exe()?;
    let spec = fill(&program.to_string_lossy(), display_name)?;
    fs::create_dir_all(directory)?;
    fs::write(directory.join("kernel.json"), spec)?;
    for (name, bytes) in LOGOS {
        fs::write(directory.join(name), bytes)?;
    }
    Ok(())
}

fn fill(program: &str, display_name: Option<&str>) -> io::Result<String> {
    let mut spec: Value = serde_json::from_str(SPEC)?;
    spec["argv"][0] = program.into();
    if let Some(name) = display_name {
        spec["display_name"] = name.into();
    }
    Ok(serde_json::to_string_pretty(&spec)? + "\n")
}

fn is_ours(spec: &str) -> bool {
    let spec: Value = serde_json::from_str(spec).unwrap_or_default();
    spec["language"] == "bpftrace" && spec["argv"][1] == "kernel"
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(is_allowed) {
        return Ok(name.to_ascii_lowercase());
    }
    Err("a name has letters, digits, `-`, `_` and `.`".into())
}

fn active_environment() -> Result<PathBuf, Failed> {
    if let Some(prefix) = env::var_os("VIRTUAL_ENV").or_else(|| env::var_os("CONDA_PREFIX")) {
        return Ok(prefix.into());
    }
    let output = Command::new("python3").args(["-c", "import sys; print(sys.prefix)"]).output();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().into()),
        _ => Err(Failed("there is no Python\nhelp: `probebook install --prefix DIR` names the place".into())),
    }
}

/// As jupyter_core finds it.
fn user_data() -> Result<PathBuf, Failed> {
    if let Some(data) = env::var_os("JUPYTER_DATA_DIR") {
        return Ok(data.into());
    }
    user_share().map(|share| share.join("jupyter"))
}

/// `$XDG_DATA_HOME` or its default.
pub(super) fn user_share() -> Result<PathBuf, Failed> {
    let given = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    given.or_else(home).ok_or_else(|| Failed("$HOME is not set".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernelspec_is_what_jupyter_needs() {
        let spec: Value = serde_json::from_str(&fill("/x/probebook", Some("Mine")).unwrap()).unwrap();
        assert_eq!(spec["argv"], serde_json::json!(["/x/probebook", "kernel", "-f", "{connection_file}"]));
        assert_eq!(spec["display_name"], "Mine");
        assert_eq!(spec["interrupt_mode"], "message");
        assert_eq!(spec["kernel_protocol_version"], "5.5");
        let spec: Value = serde_json::from_str(SPEC).unwrap();
        assert_eq!(spec["display_name"], "bpftrace (Probebook)");
    }

    #[test]
    fn only_our_kernelspec_is_removed() {
        assert!(is_ours(SPEC));
        assert!(!is_ours("{\"language\": \"python\", \"argv\": [\"python\"]}"));
        assert!(!is_ours("broken"));
    }

    #[test]
    fn writes_all_files() {
        let directory = tempfile::tempdir().unwrap();
        install_into(directory.path()).unwrap();
        let kernels = directory.path().join("share/jupyter/kernels/bpftrace");
        for name in ["kernel.json", "logo-svg.svg", "logo-32x32.png", "logo-64x64.png"] {
            assert!(kernels.join(name).is_file(), "{name}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(parse_name("My-Kernel"), Ok("my-kernel".into()));
        assert!(parse_name("../x").is_err() && parse_name("").is_err());
    }
}
