//! tracefs → the tracepoints of this Linux and the formats of their records.
//!
//! Where it is not mounted, root mounts it; anybody else is told what to type.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use probebook_lang::host::{Field, FieldKind, TracepointFormat, Unavailable};

/// Where it is looked for; the first place is where it is mounted since Linux 4.1.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// The events folder of the mounted tracefs.
fn events() -> Result<PathBuf, Unavailable> {
    static EVENTS: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = EVENTS.get() {
        return Ok(path.clone());
    }
    let find = || PLACES.iter().map(|place| Path::new(place).join("events")).find(|path| path.is_dir());
    let found = match find() {
        Some(path) => path,
        None => {
            mount();
            find().ok_or_else(|| {
                let advice = if is_mounted() {
                    "only root may read it: run probebook as root".to_owned()
                } else {
                    format!("run `sudo mount -t tracefs tracefs {}`, and run probebook as root", PLACES[0])
                };
                Unavailable(format!("tracefs cannot be read, so tracepoints are not known: {advice}"))
            })?
        }
    };
    Ok(EVENTS.get_or_init(|| found).clone())
}

fn is_mounted() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|place| PLACES.contains(&place)))
}

/// Mounts tracefs at its usual place; without the right to do so nothing happens.
fn mount() {
    // SAFETY: constant NUL-terminated strings; no data.
    unsafe {
        libc::mount(
            c"tracefs".as_ptr(),
            c"/sys/kernel/tracing".as_ptr(),
            c"tracefs".as_ptr(),
            libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC,
            std::ptr::null(),
        )
    };
}

fn unreadable(path: &Path, error: &io::Error) -> Unavailable {
    let advice = if error.kind() == io::ErrorKind::PermissionDenied { ": run probebook as root" } else { "" };
    Unavailable(format!("{}: {error}{advice}", path.display()))
}

fn folders(path: &Path) -> Result<Vec<String>, Unavailable> {
    let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    Ok(entries
        .flatten()
        .filter(is_folder)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}

/// All tracepoints as `category:event`, sorted.
///
/// # Errors
/// Where tracefs cannot be read.
pub fn tracepoints() -> Result<Vec<String>, Unavailable> {
    let events = events()?;
    // One file lists them all; some kernels deny it, then the folders tell.
    if let Ok(list) = fs::read_to_string(events.with_file_name("available_events")) {
        let mut names: Vec<String> = list.lines().map(str::to_owned).collect();
        names.sort();
        return Ok(names);
    }
    let mut names = Vec::new();
    for category in folders(&events)? {
        names.extend(folders(&events.join(&category))?.iter().map(|event| format!("{category}:{event}")));
    }
    names.sort();
    Ok(names)
}

/// A file at the top of tracefs, or nothing where it cannot be read.
pub fn read(name: &str) -> Option<String> {
    fs::read_to_string(events().ok()?.with_file_name(name)).ok()
}

/// The number that perf knows a tracepoint by.
///
/// # Errors
/// Where there is none.
pub fn tracepoint_id(category: &str, event: &str) -> Result<u64, Unavailable> {
    let path = events()?.join(category).join(event).join("id");
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    text.trim().parse().map_err(|_| Unavailable(format!("{}: not a number", path.display())))
}

/// The fields of a tracepoint, or nothing if there is no such tracepoint.
///
/// # Errors
/// Where tracefs cannot be read.
pub fn format(category: &str, event: &str) -> Result<Option<TracepointFormat>, Unavailable> {
    let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    if !is_name(category) || !is_name(event) {
        return Ok(None);
    }
    let path = events()?.join(category).join(event).join("format");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(parse(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&path, &error)),
    }
}

/// Parses a format file; lines it does not understand are passed over.
fn parse(text: &str) -> TracepointFormat {
    TracepointFormat { fields: text.lines().filter_map(field).collect() }
}

/// Parses a line as `field:const char * filename; offset:24; size:8; signed:0;`, with tabs between its parts.
fn field(line: &str) -> Option<Field> {
    let declaration = line.trim().strip_prefix("field:")?;
    let mut parts = declaration.split(';').map(str::trim);
    let declaration = parts.next()?;
    let mut number = |name: &str| parts.next()?.strip_prefix(name)?.trim().parse::<u32>().ok();
    let (offset, size, signed) = (number("offset:")?, number("size:")?, number("signed:")?);
    // The name is the last word; its array brackets, if any, stand behind it.
    let (head, brackets) = match declaration.find('[') {
        Some(start) if declaration.ends_with(']') && !declaration.starts_with("__data_loc") => {
            declaration.split_at(start)
        }
        _ => (declaration, ""),
    };
    let (c_type, name) = head.rsplit_once([' ', '*'])?;
    let c_type =
        if head[..head.len() - name.len()].ends_with('*') { format!("{c_type}*") } else { c_type.to_owned() };
    if name.starts_with("common_") || name.is_empty() {
        return None;
    }
    let kind = kind(&c_type, brackets, size);
    Some(Field {
        name: name.to_owned(),
        c_type: c_type.trim().to_owned(),
        offset,
        size,
        signed: signed != 0,
        kind,
    })
}

fn kind(c_type: &str, brackets: &str, size: u32) -> FieldKind {
    if let Some(element) = c_type.strip_prefix("__data_loc") {
        let element = element.trim().trim_end_matches("[]").trim();
        return if is_char(element) {
            FieldKind::DynamicText
        } else {
            FieldKind::DynamicArray { element: element_size(element).unwrap_or(1) }
        };
    }
    if brackets.is_empty() {
        let is_pointer = c_type.trim_end().ends_with('*');
        let is_word = matches!(size, 1 | 2 | 4 | 8);
        return match (is_pointer, is_word) {
            (true, _) => FieldKind::Pointer,
            (false, true) => FieldKind::Integer,
            (false, false) => FieldKind::Array { element: 1 },
        };
    }
    if is_char(c_type) {
        return FieldKind::Text;
    }
    // The count may be a symbol of the kernel's source; the type says how wide an element is.
    let count = brackets.trim_matches(['[', ']']).parse::<u32>().ok().filter(|count| *count > 0);
    let element = count.map(|count| size / count).or_else(|| element_size(c_type));
    FieldKind::Array { element: element.filter(|size| matches!(size, 1 | 2 | 4 | 8)).unwrap_or(1) }
}

fn is_char(c_type: &str) -> bool {
    matches!(c_type.trim().trim_start_matches("const ").trim(), "char" | "signed char")
}

fn element_size(c_type: &str) -> Option<u32> {
    let name = c_type.trim().trim_start_matches("const ").trim();
    match name {
        "u8" | "s8" | "__u8" | "__s8" | "uint8_t" | "int8_t" | "unsigned char" | "bool" => Some(1),
        "u16" | "s16" | "__u16" | "__s16" | "__be16" | "short" | "unsigned short" => Some(2),
        "u32" | "s32" | "__u32" | "__s32" | "__be32" | "int" | "unsigned int" | "unsigned" => Some(4),
        "u64" | "s64" | "__u64" | "__s64" | "long" | "unsigned long" | "long long" | "unsigned long long" => {
            Some(8)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, name: &str, c_type: &str, kind: FieldKind) {
        let field = field(line).unwrap_or_else(|| panic!("not understood: {line}"));
        assert_eq!((field.name.as_str(), field.c_type.as_str(), field.kind), (name, c_type, kind));
    }

    #[test]
    fn fields_of_all_kinds() {
        check(
            "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;",
            "__syscall_nr",
            "int",
            FieldKind::Integer,
        );
        let line = "\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;";
        check(line, "filename", "const char *", FieldKind::Pointer);
        check(
            "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;",
            "prev_comm",
            "char",
            FieldKind::Text,
        );
        let line = "\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;";
        check(line, "args", "unsigned long", FieldKind::Array { element: 8 });
        let line = "\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;";
        check(line, "name", "__data_loc char[]", FieldKind::DynamicText);
        let line = "\tfield:__data_loc u8[] buf;\toffset:8;\tsize:4;\tsigned:0;";
        check(line, "buf", "__data_loc u8[]", FieldKind::DynamicArray { element: 1 });
        let line = "\tfield:struct page *page;\toffset:8;\tsize:8;\tsigned:0;";
        check(line, "page", "struct page *", FieldKind::Pointer);
    }

    #[test]
    fn the_header_and_noise_are_passed_over() {
        let text = "name: x\nID: 5\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                    \tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n\nprint fmt: \"0x%lx\", REC->ret\n";
        let format = parse(text);
        assert_eq!(format.fields.len(), 1);
        assert!(format.fields[0].signed && format.fields[0].offset == 16);
    }

    /// All formats of this Linux, where tracefs can be read.
    #[test]
    fn this_linux_is_understood() {
        let Ok(names) = tracepoints() else { return };
        assert!(names.len() > 100 && names.is_sorted());
        for name in &names {
            let (category, event) = name.split_once(':').expect("category:event");
            let path = events().expect("tracefs").join(category).join(event).join("format");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let format = format(category, event).expect("readable").expect("known");
            let lines = text.lines().filter(|line| line.contains("field:") && !line.contains(" common_"));
            assert_eq!(format.fields.len(), lines.count(), "{name}");
            for field in &format.fields {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                assert!(!field.name.is_empty() && field.name.chars().all(is_name), "{name}: {field:?}");
                match field.kind {
                    FieldKind::Integer => assert!(matches!(field.size, 1 | 2 | 4 | 8), "{name}: {field:?}"),
                    FieldKind::Pointer => assert_eq!(field.size, 8, "{name}: {field:?}"),
                    FieldKind::Array { element } => assert_eq!(field.size % element, 0, "{name}: {field:?}"),
                    FieldKind::DynamicText | FieldKind::DynamicArray { .. } => {
                        assert_eq!(field.size, 4, "{name}: {field:?}");
                    }
                    FieldKind::Text => {}
                }
            }
        }
        assert!(tracepoint_id("sched", "sched_switch").expect("a number") > 0);
        assert_eq!(format("sched", "no_such_event"), Ok(None));
        assert_eq!(format("..", "events"), Ok(None));
    }
}
