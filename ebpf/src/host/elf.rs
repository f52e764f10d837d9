//! ELF files → where their functions lie, for uprobes; and names of programs and libraries → paths.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};
use probebook_lang::host::Unavailable;

/// Where libraries lie beside what `/etc/ld.so.conf.d` says.
const LIBRARY_FOLDERS: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// The absolute path of a binary: given as a path, found in `$PATH`, or a library's name (`libc`, `c`,
/// `libc.so.6`).
pub fn resolve(name: &str) -> Option<String> {
    let is_file = |path: &PathBuf| path.is_file();
    let path = if name.contains('/') {
        Some(PathBuf::from(name)).filter(is_file)
    } else {
        let program = || {
            let folders = env::var_os("PATH")?;
            env::split_paths(&folders).map(|folder| folder.join(name)).find(is_file)
        };
        library(name).or_else(program)
    };
    let path = fs::canonicalize(path?).ok()?;
    Some(path.to_string_lossy().into_owned())
}

fn library(name: &str) -> Option<PathBuf> {
    let configured = fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten().flatten().flat_map(|entry| {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        text.lines().filter(|line| line.starts_with('/')).map(PathBuf::from).collect::<Vec<_>>()
    });
    let folders = LIBRARY_FOLDERS.iter().map(PathBuf::from).chain(configured);
    folders.filter_map(|folder| library_in(&folder, name)).next()
}

/// The library `name` in a folder: the exact file, or `[lib]name.so` with the shortest version behind it.
fn library_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let stems = [format!("{name}.so"), format!("lib{name}.so")];
    let mut found: Vec<String> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|file| {
            (file == name && file.contains(".so"))
                || stems.iter().any(|stem| {
                    file.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
        })
        .collect();
    // `libc.so` without a version may be a linker script: it is no ELF file.
    found.retain(|file| is_elf(&folder.join(file)));
    found.sort_by_key(|file| (file.len(), file.clone()));
    found.first().map(|file| folder.join(file))
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut magic));
    read.is_ok() && magic == *b"\x7fELF"
}

/// The functions of a binary with their offsets in the file, sorted by name; of several with one name the
/// first.
///
/// # Errors
/// In words, where the file cannot be read.
pub fn functions(path: &str) -> Result<Vec<(String, u64)>, Unavailable> {
    let data = fs::read(path).map_err(|error| Unavailable(format!("{path}: {error}")))?;
    let file = object::File::parse(&*data)
        .map_err(|error| Unavailable(format!("{path}: not a binary with symbols: {error}")))?;
    let segments: Vec<(u64, u64, u64)> = file
        .segments()
        .map(|segment| {
            let (offset, size) = segment.file_range();
            (segment.address(), size, offset)
        })
        .collect();
    let file_offset = |address: u64| {
        segments
            .iter()
            .find(|(start, size, _)| address >= *start && address - start < *size)
            .map(|(start, _, offset)| address - start + offset)
    };
    let mut functions: Vec<(String, u64)> = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition() && symbol.address() != 0)
        .filter_map(|symbol| Some((symbol.name().ok()?.to_owned(), file_offset(symbol.address())?)))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    functions.sort();
    functions.dedup_by(|a, b| a.0 == b.0);
    Ok(functions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_is_found_by_all_its_names() {
        let path = resolve("libc").expect("a libc");
        assert!(path.starts_with('/'), "{path}");
        assert_eq!(resolve("c"), Some(path.clone()));
        assert_eq!(resolve("libc.so.6"), Some(path.clone()));
        let functions = functions(&path).expect("symbols");
        assert!(functions.iter().any(|(name, offset)| name == "malloc" && *offset > 0));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(resolve("/no/such/file"), None);
        assert_eq!(resolve("no-such-program"), None);
    }
}
