//! ELF files → where their functions lie, for uprobes; and names of programs and libraries → paths.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use object::read::elf::{ElfFile, FileHeader};
use object::{Object, ObjectSegment, ObjectSymbol, Symbol, SymbolIndex, SymbolKind};
use probebook_lang::host::Unavailable;

/// Where libraries lie beside what `/etc/ld.so.conf.d` says.
const LIBRARY_FOLDERS: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// The absolute path of a binary: given as a path, a program in `$PATH`, or a library's name (`libc`, `c`,
/// `libc.so.6`). Programs come first: `curl` is not `libcurl.so`.
pub fn resolve(name: &str) -> Option<String> {
    let path = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|path| path.is_file())
    } else {
        program(name).or_else(|| library(name))
    };
    let path = fs::canonicalize(path?).ok()?;
    Some(path.to_string_lossy().into_owned())
}

fn program(name: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(is_program)
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

/// The functions of a binary with their offsets in the file, sorted by name. Of several with one name it is
/// the one that callers are linked to: visible before local, the default version before older ones.
///
/// # Errors
/// In words, where the file cannot be read.
pub fn functions(path: &str) -> Result<Vec<(String, u64)>, Unavailable> {
    let data = fs::read(path).map_err(|error| Unavailable(format!("{path}: {error}")))?;
    let file = object::File::parse(&*data)
        .map_err(|error| Unavailable(format!("{path}: not a binary with symbols: {error}")))?;
    let old = match &file {
        object::File::Elf64(elf) => old_versions(elf),
        object::File::Elf32(elf) => old_versions(elf),
        _ => return Err(Unavailable(format!("{path}: not an ELF file"))),
    };
    let segments: Vec<Segment> = file
        .segments()
        .map(|segment| Segment {
            address: segment.address(),
            offset: segment.file_range().0,
            size: segment.file_range().1,
        })
        .collect();
    let mut functions = Vec::new();
    for symbol in file.symbols() {
        functions.extend(place(&symbol, &segments).map(|(name, at)| (name, (symbol.is_local(), false), at)));
    }
    for symbol in file.dynamic_symbols() {
        let is_old = old.contains(&symbol.index());
        functions.extend(place(&symbol, &segments).map(|(name, at)| (name, (symbol.is_local(), is_old), at)));
    }
    functions.sort_unstable();
    functions.dedup_by_key(|(name, ..)| *name);
    Ok(functions.into_iter().map(|(name, _, offset)| (name.to_owned(), offset)).collect())
}

/// A function or variable of a binary; of several with one name the one that others are linked to.
///
/// # Errors
/// In words, where the file cannot be read.
pub fn symbol(path: &str, name: &str) -> Result<Option<probebook_lang::host::Symbol>, Unavailable> {
    let data = fs::read(path).map_err(|error| Unavailable(format!("{path}: {error}")))?;
    let file = object::File::parse(&*data)
        .map_err(|error| Unavailable(format!("{path}: not a binary with symbols: {error}")))?;
    let is_fixed = file.kind() == object::ObjectKind::Executable;
    let is_wanted = |symbol: &Symbol<'_, '_>| {
        symbol.is_definition()
            && symbol.name() == Ok(name)
            && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data)
    };
    let found = file.symbols().chain(file.dynamic_symbols()).filter(is_wanted).min_by_key(Symbol::is_local);
    Ok(found.map(|symbol| probebook_lang::host::Symbol {
        address: symbol.address(),
        size: symbol.size(),
        is_fixed,
    }))
}

/// A part of the file that is loaded to memory.
struct Segment {
    address: u64,
    offset: u64,
    size: u64,
}

/// The name of a function and its offset in the file, if the symbol is a function that lies there.
fn place<'data>(symbol: &Symbol<'data, '_>, segments: &[Segment]) -> Option<(&'data str, u64)> {
    let address = symbol.address();
    if symbol.kind() != SymbolKind::Text || !symbol.is_definition() || address == 0 {
        return None;
    }
    // What `.symtab` calls `name@@VERSION` is `name` among the dynamic symbols.
    let name = symbol.name().ok().filter(|name| !name.is_empty() && !name.contains('@'))?;
    let holds = |part: &&Segment| address >= part.address && address - part.address < part.size;
    let segment = segments.iter().find(holds)?;
    Some((name, (address - segment.address).checked_add(segment.offset)?))
}

/// The dynamic symbols that are there only for programs linked long ago: hidden versions, as
/// `pthread_cond_wait@GLIBC_2.2.5`.
fn old_versions<'data, E: FileHeader>(file: &ElfFile<'data, E>) -> HashSet<SymbolIndex> {
    let endian = file.endian();
    let Ok(Some(versions)) = file.elf_section_table().versions(endian, file.data()) else {
        return HashSet::new();
    };
    let symbols = file.dynamic_symbols().map(|symbol| symbol.index());
    symbols.filter(|index| versions.version_index(endian, *index).is_hidden()).collect()
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
    fn the_version_that_programs_are_linked_to() {
        let path = resolve("libc").expect("a libc");
        let functions = functions(&path).expect("symbols");
        assert!(functions.is_sorted_by(|a, b| a.0 < b.0));
        let listed = |name: &str| functions.iter().find(|(n, _)| n == name).map(|(_, offset)| *offset);
        // dlsym finds the default version; libc is mapped here, so the address tells the offset.
        for name in [c"pthread_cond_wait", c"posix_spawn", c"malloc", c"getppid"] {
            // SAFETY: a NUL-terminated name.
            let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) } as u64;
            let maps = fs::read_to_string("/proc/self/maps").expect("maps");
            let mapped = maps.lines().find_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (start, end) = range.split_once('-')?;
                let hex = |text| u64::from_str_radix(text, 16).ok();
                let offset = hex(rest.split(' ').nth(1)?)?;
                (hex(start)?..hex(end)?).contains(&address).then(|| Some(address - hex(start)? + offset))?
            });
            assert_eq!(listed(name.to_str().expect("ASCII")), mapped, "{name:?}");
        }
    }

    #[test]
    fn programs_come_before_libraries() {
        let shell = resolve("sh").expect("a shell");
        assert!(is_elf(Path::new(&shell)), "{shell}");
        assert_eq!(resolve("/bin/sh"), Some(shell));
        assert!(functions("/etc/passwd").is_err());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(resolve("/no/such/file"), None);
        assert_eq!(resolve("no-such-program"), None);
    }
}
