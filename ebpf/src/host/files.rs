//! names of headers and imports → the texts of files.
//!
//! Headers are looked for beside the file that names them, in the directories given with `-I`, then where the
//! system keeps those of libc and Linux. What the compiler itself would bring is here: Debian without a compiler
//! has no `stddef.h`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use probebook_lang::host::{TextFile, Unavailable};

/// Where headers lie that are named in brackets.
const SYSTEM: &[&str] = &["/usr/local/include", "/usr/include/x86_64-linux-gnu", "/usr/include"];

/// Headers of Linux itself, below the place where a distribution puts those of the running version.
const KERNEL: &[&str] = &["include/uapi", "arch/x86/include/uapi", "arch/x86/include/generated/uapi"];

/// Larger than any header.
const MOST_BYTES: u64 = 16 << 20;

/// Headers that belong to the compiler.
const COMPILER: &[(&str, &str)] = &[
    ("stddef.h", include_str!("include/stddef.h")),
    ("stdbool.h", include_str!("include/stdbool.h")),
    ("stdarg.h", include_str!("include/stdarg.h")),
    ("limits.h", include_str!("include/limits.h")),
    ("float.h", include_str!("include/float.h")),
];

/// Headers that stand in where there is no libc to bring them.
const FALLBACK: &[(&str, &str)] = &[("stdint.h", include_str!("include/stdint.h"))];

/// The directory of a file by its name; names of cells have none.
fn directory(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}

fn read(path: &Path) -> Result<TextFile, Unavailable> {
    let refuse = |reason: String| Unavailable(format!("{}: {reason}", path.display()));
    let facts = fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if !facts.is_file() {
        return Err(refuse("this is no file".into()));
    }
    if facts.len() > MOST_BYTES {
        return Err(refuse("this file is too large".into()));
    }
    let bytes = fs::read(path).map_err(|error| refuse(error.to_string()))?;
    Ok(TextFile { path: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// What `#include` means.
pub fn header(
    name: &str,
    from: &str,
    is_system: bool,
    directories: &[String],
) -> Result<TextFile, Unavailable> {
    let embedded = |all: &[(&str, &str)]| {
        let (_, text) = all.iter().find(|(known, _)| *known == name)?;
        Some(TextFile { path: format!("<{name}>"), text: (*text).to_owned() })
    };
    if is_system && let Some(text) = embedded(COMPILER) {
        return Ok(text);
    }
    let beside = (!is_system).then(|| directory(from).to_owned());
    let given = directories.iter().map(PathBuf::from);
    let system = SYSTEM.iter().map(PathBuf::from);
    let places: Vec<PathBuf> = beside.into_iter().chain(given).chain(system).chain(kernel()).collect();
    match places.iter().map(|place| place.join(name)).find(|path| path.is_file()) {
        Some(path) => read(&path),
        None => embedded(FALLBACK).ok_or_else(|| {
            let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            let places = places.iter().map(|place| if place.is_empty() { "." } else { place });
            Unavailable(format!("looked in {}", places.collect::<Vec<_>>().join(", ")))
        }),
    }
}

/// The directories with headers of the running Linux, if they are installed.
fn kernel() -> Vec<PathBuf> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let modules = PathBuf::from(format!("/lib/modules/{}", release.trim()));
    let trees = ["build", "source"].map(|tree| modules.join(tree)).into_iter().filter(|tree| tree.is_dir());
    trees.flat_map(|tree| KERNEL.iter().map(move |place| tree.join(place))).collect()
}

/// What `import` means.
pub fn import(path: &str, from: &str) -> Result<Vec<TextFile>, Unavailable> {
    let place = directory(from).join(path);
    let shown = if path.is_empty() { "an empty path".to_owned() } else { place.display().to_string() };
    let facts = fs::metadata(&place).map_err(|error| Unavailable(format!("{shown}: {error}")))?;
    if facts.is_dir() {
        refuse_writable(&place, facts.mode())?;
        let entries = fs::read_dir(&place).map_err(|error| Unavailable(format!("{shown}: {error}")))?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.is_file() && is_importable(file));
        files.sort();
        return files.iter().map(|file| read_safe(file)).collect();
    }
    if !is_importable(&place) {
        return Err(Unavailable(format!(
            "{shown}: only directories and files in .bt and .h can be imported"
        )));
    }
    let parent = Some(directory(&shown)).filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let mode =
        fs::metadata(parent).map_err(|error| Unavailable(format!("{}: {error}", parent.display())))?.mode();
    refuse_writable(parent, mode)?;
    Ok(vec![read_safe(&place)?])
}

fn is_importable(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".bt", ".h", ".bpf.c", ".bpf.o"].iter().any(|ending| name.ends_with(ending))
}

/// A file that not everybody can change.
fn read_safe(path: &Path) -> Result<TextFile, Unavailable> {
    let mode =
        fs::metadata(path).map_err(|error| Unavailable(format!("{}: {error}", path.display())))?.mode();
    refuse_writable(path, mode)?;
    read(path)
}

/// What everybody may write to is not run with the rights of who traces.
fn refuse_writable(path: &Path, mode: u32) -> Result<(), Unavailable> {
    const OTHERS_WRITE: u32 = 0o002;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Unavailable(format!("{path}: everybody can write to it; `chmod o-w {path}` changes that")))
}
