//! ids of cgroups ↔ paths below the mounts of their hierarchies.
//!
//! The id of a cgroup is the inode of its directory, within its hierarchy; a path is found by walking that.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Directories that are looked at for one id at most: a search must end.
const MAX_DIRECTORIES: usize = 100_000;

/// A hierarchy and where it is mounted.
struct Hierarchy {
    name: String,
    mount: PathBuf,
    is_unified: bool,
}

/// The id of the cgroup whose directory this is.
///
/// # Errors
/// Where there is no such directory.
pub fn id(path: &str) -> io::Result<u64> {
    let found = fs::metadata(path)?;
    if found.is_dir() { Ok(found.ino()) } else { Err(io::Error::from(io::ErrorKind::NotADirectory)) }
}

/// `name:path` of every hierarchy whose name fits the filter (empty: all of them) and that has the id, the unified one
/// first, the others by name.
pub fn path(id: u64, filter: &[u8]) -> Vec<u8> {
    let mut hierarchies = mounted();
    hierarchies.retain(|hierarchy| filter.is_empty() || matches(filter, hierarchy.name.as_bytes()));
    hierarchies.sort_by(|a, b| (!a.is_unified, &a.name).cmp(&(!b.is_unified, &b.name)));
    let found = hierarchies.iter().filter_map(|hierarchy| {
        let path = find(&hierarchy.mount, id)?;
        Some(format!("{}:/{}", hierarchy.name, path.display()))
    });
    found.collect::<Vec<_>>().join(",").into()
}

/// The hierarchies of this mount namespace: the last mount of each name.
fn mounted() -> Vec<Hierarchy> {
    let Ok(mounts) = fs::read_to_string("/proc/self/mounts") else { return Vec::new() };
    parse(&mounts)
}

fn parse(mounts: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(mount), Some(kind)) = (words.next(), words.next()) else { continue };
        let is_unified = match kind {
            "cgroup2" => true,
            "cgroup" => false,
            _ => continue,
        };
        let mount = PathBuf::from(mount.replace("\\040", " "));
        let name = match mount.file_name() {
            Some(name) if !is_unified => name.to_string_lossy().into_owned(),
            _ => "unified".to_owned(),
        };
        if !found.iter().any(|other| other.name == name) {
            found.push(Hierarchy { name, mount, is_unified });
        }
    }
    found
}

/// The path of the directory with this inode below another.
fn find(root: &Path, id: u64) -> Option<PathBuf> {
    if fs::metadata(root).ok()?.ino() == id {
        return Some(PathBuf::new());
    }
    let mut waiting = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            seen += 1;
            if fs::metadata(entry.path()).is_ok_and(|found| found.ino() == id) {
                return entry.path().strip_prefix(root).ok().map(Path::to_owned);
            }
            if seen > MAX_DIRECTORIES {
                return None;
            }
            waiting.push(entry.path());
        }
    }
    None
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches(rest, name) || (!name.is_empty() && matches(pattern, &name[1..])),
        (Some((b'?', rest)), Some((_, left))) => matches(rest, left),
        (Some((a, rest)), Some((b, left))) if a == b => matches(rest, left),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches(b"cpu*", b"cpuset") && matches(b"*", b"") && matches(b"a*c", b"abbc"));
        assert!(!matches(b"cpu", b"cpuset") && !matches(b"?", b""));
    }

    #[test]
    fn mounts_have_names() {
        let mounts = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n\
                      cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\nproc /proc proc rw 0 0\n";
        let names: Vec<_> = parse(mounts).into_iter().map(|found| (found.name, found.is_unified)).collect();
        assert_eq!(names, [("unified".into(), true), ("cpu".into(), false)]);
    }

    #[test]
    fn directories_are_found_by_their_inode() {
        let root = std::env::temp_dir().join(format!("cgroup-{}", std::process::id()));
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let inode = id(inner.to_str().unwrap()).unwrap();
        assert_eq!(find(&root, inode), Some("a/b".into()));
        assert_eq!(find(&root, u64::MAX), None);
        fs::remove_dir_all(&root).unwrap();
        assert!(id("/proc/self/comm").is_err());
    }
}
