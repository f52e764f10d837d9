//! Facts about this machine, as `lang` asks for them: [`LiveHost`].
//!
//! Everything is read when it is first asked for; nothing is read at start. Symbols of a binary are kept
//! until its file changes, as it does when a program under test is built anew.
//!
//! *Not here:* what code generation needs to know ([`features`]).

pub mod btf;
pub mod elf;
pub mod features;
mod files;
mod kallsyms;
mod kernel;
pub mod tracefs;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use probebook_lang::host::{
    FunctionType, Host, KernelFunction, Symbol, TextFile, TracepointFormat, Unavailable,
};
use probebook_lang::types::Type;
use probebook_lang::types::structure::{Enumeration, Keyword, Structure};

/// The running machine.
#[derive(Debug, Default)]
pub struct LiveHost {
    types: btf::types::Known,
    binaries: Mutex<BTreeMap<String, Binary>>,
    /// The functions of Linux, and the modules that were loaded then.
    kernel: Mutex<Option<(String, Arc<Vec<KernelFunction>>)>>,
}

/// The symbols of a file, and which state of the file they are from.
#[derive(Debug)]
struct Binary {
    stamp: Stamp,
    functions: Vec<(String, u64)>,
}

/// Inode, size and time of change (seconds, nanoseconds): another file has another one.
type Stamp = (u64, u64, i64, i64);

impl LiveHost {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Host for LiveHost {
    fn tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        tracefs::tracepoints()
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<Option<TracepointFormat>, Unavailable> {
        tracefs::format(category, event)
    }

    fn raw_tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        if let Some(names) = btf::raw_tracepoints() {
            return Ok(names);
        }
        // Without BTF: every event is a candidate by its bare name.
        let names = tracefs::tracepoints()?;
        let mut names: Vec<String> =
            names.iter().filter_map(|name| name.split_once(':')).map(|(_, event)| event.to_owned()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn kernel_functions(&self) -> Result<Arc<Vec<KernelFunction>>, Unavailable> {
        let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
        let mut known = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, functions)) = known.as_ref().filter(|(then, _)| *then == modules) {
            return Ok(Arc::clone(functions));
        }
        let functions = Arc::new(kernel::functions()?);
        *known = Some((modules, Arc::clone(&functions)));
        Ok(functions)
    }

    fn resolve_binary(&self, name: &str) -> Option<String> {
        elf::resolve(name)
    }

    fn functions(&self, path: &str) -> Result<Vec<(String, u64)>, Unavailable> {
        let file = fs::metadata(path).map_err(|error| Unavailable(format!("{path}: {error}")))?;
        let stamp: Stamp = (file.ino(), file.size(), file.mtime(), file.mtime_nsec());
        // A panic elsewhere cannot have left an entry half made.
        let mut known = self.binaries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binary) = known.get(path).filter(|binary| binary.stamp == stamp) {
            return Ok(binary.functions.clone());
        }
        let functions = elf::functions(path)?;
        known.insert(path.to_owned(), Binary { stamp, functions: functions.clone() });
        Ok(functions)
    }

    fn symbol(&self, path: &str, name: &str) -> Result<Option<Symbol>, Unavailable> {
        elf::symbol(path, name)
    }

    fn kernel_symbol(&self, name: &str) -> Result<Option<u64>, Unavailable> {
        kallsyms::address(name)
    }

    /// Linux finds it by its name in its own symbol table, where variables may be missing.
    fn kernel_variable(&self, name: &str) -> Result<Option<u32>, Unavailable> {
        let Some(id) = btf::variable_id(name) else { return Ok(None) };
        match kallsyms::address(name)? {
            Some(_) => Ok(Some(id)),
            None => Err(Unavailable(format!(
                "this Linux keeps no addresses of variables as `{name}` (CONFIG_KALLSYMS_ALL)"
            ))),
        }
    }

    fn header(
        &self,
        name: &str,
        from: &str,
        is_system: bool,
        directories: &[String],
    ) -> Result<TextFile, Unavailable> {
        files::header(name, from, is_system, directories)
    }

    fn import(&self, path: &str, from: &str) -> Result<Vec<TextFile>, Unavailable> {
        files::import(path, from)
    }

    fn cpus(&self) -> u32 {
        features::online_cpus().len() as u32
    }

    fn cgroup(&self, path: &str) -> Result<u64, Unavailable> {
        crate::cgroup::id(path).map_err(|error| Unavailable(format!("`{path}` is no cgroup: {error}")))
    }

    fn structure(&self, keyword: Keyword, name: &str) -> Option<Arc<Structure>> {
        self.types.structure(keyword, name)
    }

    fn enumeration(&self, name: &str) -> Option<Arc<Enumeration>> {
        self.types.enumeration(name)
    }

    fn typedef(&self, name: &str) -> Option<Type> {
        self.types.typedef(name)
    }

    fn enum_constant(&self, name: &str) -> Option<(Arc<Enumeration>, i64)> {
        self.types.enum_constant(name)
    }

    fn structure_names(&self) -> Vec<String> {
        btf::types::structure_names()
    }

    fn raw_tracepoint(&self, name: &str) -> Option<Vec<(String, Type)>> {
        btf::types::raw_tracepoint(name)
    }

    fn kernel_function_type(&self, name: &str) -> Option<FunctionType> {
        btf::types::function(name)
    }

    fn has_kernel_function(&self, name: &str) -> bool {
        btf::function_ids([name])[0].is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_read_again_when_the_file_changes() {
        let host = LiveHost::new();
        let path = std::env::temp_dir().join(format!("probebook-host-{}", std::process::id()));
        let name = path.to_str().expect("UTF-8");
        let count = |binary: &str| {
            fs::copy(host.resolve_binary(binary).expect("a binary"), &path).expect("a copy");
            host.functions(name).expect("symbols").len()
        };
        let (libc, libm) = (count("libc"), count("libm"));
        fs::remove_file(&path).expect("removed");
        assert!(libc > libm && libm > 100, "{libc} {libm}");
        assert!(host.functions(name).is_err());
    }

    #[test]
    fn facts_of_this_machine() {
        let host = LiveHost::new();
        let raw = host.raw_tracepoints().expect("raw tracepoints");
        assert!(raw.is_sorted() && raw.iter().any(|name| name == "sys_enter"));
        assert!(host.cpus() >= 1 && host.cpus() <= features::possible_cpus());
        assert_eq!(features::online_cpus().len(), host.cpus() as usize);
        let target = features::target();
        assert!(target.linux >= (5, 8), "{target:?}");
        assert_eq!(target.cpus, features::possible_cpus());
    }
}
