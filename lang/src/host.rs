//! Facts about the machine that checking a program needs, as the [`Host`] trait.
//!
//! `lang` does no IO: the live implementation is `probebook_ebpf::host::LiveHost`, the test one
//! [`FixedHost`], which knows a few tracepoints and one library.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::types::Type;
use crate::types::structure::{Enumeration, Keyword, Structure};

/// A field of a tracepoint's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name as in the format file.
    pub name: String,
    /// The C type as written there, without array brackets: `char *`, `pid_t`, `__data_loc char[]`.
    pub c_type: String,
    /// Byte offset into the program's context.
    pub offset: u32,
    /// Size in bytes; of a `__data_loc` field the size of its locator (4).
    pub size: u32,
    /// Whether integers in it are signed.
    pub signed: bool,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a tracepoint's field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An integer of `size` bytes.
    Integer,
    /// A pointer into kernel memory, or user memory for `syscalls:*`.
    Pointer,
    /// A fixed array of characters, read as a string.
    Text,
    /// A fixed array of anything else, with the size of one element.
    Array {
        /// Bytes per element.
        element: u32,
    },
    /// `__data_loc char[]`: a 16-bit offset and a 16-bit length; read as a string.
    DynamicText,
    /// `__data_loc` of anything else.
    DynamicArray {
        /// Bytes per element.
        element: u32,
    },
}

/// A tracepoint's own fields, without the `common_` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracepointFormat {
    /// In the order of the format file.
    pub fields: Vec<Field>,
}

/// A symbol of a binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// As the file says.
    pub address: u64,
    /// Bytes; 0 if the file does not say.
    pub size: u64,
    /// The binary always lies where the file says.
    pub is_fixed: bool,
}

/// A function of Linux or of a module of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelFunction {
    /// Its symbol.
    pub name: String,
    /// The module; `vmlinux` is Linux itself.
    pub module: String,
}

/// What a function of Linux takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionType {
    /// Names and types, in order.
    pub arguments: Vec<(String, Type)>,
    /// `void` where there is none.
    pub result: Type,
}

/// Why a fact cannot be had, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// A file that a program names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// Where it was found; what diagnostics call it.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Facts about the running machine. Lookups are by exact name; matching wildcards is `lang`'s business.
pub trait Host {
    /// All tracepoints as `category:event`, sorted.
    fn tracepoints(&self) -> Result<Vec<String>, Unavailable>;
    /// The fields of a tracepoint, or `None` if there is no such tracepoint.
    fn tracepoint(&self, category: &str, event: &str) -> Result<Option<TracepointFormat>, Unavailable>;
    /// Names that `rawtracepoint:` can take, sorted.
    fn raw_tracepoints(&self) -> Result<Vec<String>, Unavailable>;
    /// The functions that `kprobe:` can take, by name; each name once in a module.
    fn kernel_functions(&self) -> Result<Arc<Vec<KernelFunction>>, Unavailable>;
    /// The absolute path of a program or library given as a path, a program in `$PATH`, or a library's
    /// bare name (`libc`, `c`, `libssl`).
    fn resolve_binary(&self, name: &str) -> Option<String>;
    /// The functions of a binary, by name with their file offsets, sorted by name.
    fn functions(&self, path: &str) -> Result<Vec<(String, u64)>, Unavailable>;
    /// A symbol of a binary, function or variable.
    fn symbol(&self, path: &str, name: &str) -> Result<Option<Symbol>, Unavailable>;
    /// The address of a symbol of Linux itself.
    fn kernel_symbol(&self, name: &str) -> Result<Option<u64>, Unavailable>;
    /// The number by which code generation knows a per-CPU variable of Linux.
    fn kernel_variable(&self, name: &str) -> Result<Option<u32>, Unavailable>;
    /// The number of CPUs.
    fn cpus(&self) -> u32;
    /// The header that `#include` in the file `from` means: looked for beside `from` unless `is_system`, then in
    /// the directories, then where the system keeps its headers.
    fn header(
        &self,
        name: &str,
        _from: &str,
        _is_system: bool,
        _directories: &[String],
    ) -> Result<TextFile, Unavailable> {
        Err(Unavailable(format!("no files can be read here, nor {name}")))
    }
    /// What `import` in the file `from` means: a file, or all files of a directory that can be imported.
    fn import(&self, path: &str, _from: &str) -> Result<Vec<TextFile>, Unavailable> {
        Err(Unavailable(format!("no files can be read here, nor {path}")))
    }
    /// The id of the cgroup that a directory of a cgroup file system stands for.
    fn cgroup(&self, path: &str) -> Result<u64, Unavailable>;
    /// A structure or union of Linux. Names of those without a tag come from types of this host.
    fn structure(&self, keyword: Keyword, name: &str) -> Option<Arc<Structure>>;
    /// An enumeration of Linux, likewise.
    fn enumeration(&self, name: &str) -> Option<Arc<Enumeration>>;
    /// What a `typedef` of Linux names.
    fn typedef(&self, name: &str) -> Option<Type>;
    /// The enumeration of Linux that has a constant of that name, and its value.
    fn enum_constant(&self, name: &str) -> Option<(Arc<Enumeration>, i64)>;
    /// The tags of the structures and unions of Linux that have one, sorted.
    fn structure_names(&self) -> Vec<String>;
    /// The arguments of a raw tracepoint, if their types are known.
    fn raw_tracepoint(&self, name: &str) -> Option<Vec<(String, Type)>>;
    /// The type of a kernel function.
    fn kernel_function_type(&self, name: &str) -> Option<FunctionType>;
    /// Whether this Linux describes a kernel function of that name (in its BTF).
    fn has_kernel_function(&self, name: &str) -> bool;
}

/// A small machine for tests: what it answers is what was put in.
#[derive(Clone, Debug, Default)]
pub struct FixedHost {
    /// `category:event` → format.
    pub tracepoints: BTreeMap<String, TracepointFormat>,
    /// Names for `rawtracepoint:`.
    pub raw_tracepoints: Vec<String>,
    /// What `kprobe:` can take.
    pub kernel_functions: Arc<Vec<KernelFunction>>,
    /// Path → functions with file offsets.
    pub binaries: BTreeMap<String, Vec<(String, u64)>>,
    /// Symbols of Linux.
    pub kernel_symbols: BTreeMap<String, u64>,
    /// Per-CPU variables of Linux.
    pub kernel_variables: BTreeMap<String, u32>,
    /// Path → text of headers and imports; a directory is what paths have in common.
    pub files: BTreeMap<String, String>,
    /// Directory → id.
    pub cgroups: BTreeMap<String, u64>,
    /// Structures and unions.
    pub structures: Vec<Arc<Structure>>,
    /// Enumerations.
    pub enumerations: Vec<Arc<Enumeration>>,
    /// Name → type.
    pub typedefs: BTreeMap<String, Type>,
    /// Kernel function → its type.
    pub kernel_function_types: BTreeMap<String, FunctionType>,
    /// Raw tracepoint → arguments.
    pub raw_arguments: BTreeMap<String, Vec<(String, Type)>>,
}

impl Host for FixedHost {
    fn tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        Ok(self.tracepoints.keys().cloned().collect())
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<Option<TracepointFormat>, Unavailable> {
        Ok(self.tracepoints.get(&format!("{category}:{event}")).cloned())
    }

    fn raw_tracepoints(&self) -> Result<Vec<String>, Unavailable> {
        Ok(self.raw_tracepoints.clone())
    }

    fn kernel_functions(&self) -> Result<Arc<Vec<KernelFunction>>, Unavailable> {
        Ok(Arc::clone(&self.kernel_functions))
    }

    fn resolve_binary(&self, name: &str) -> Option<String> {
        let is_match = |path: &&String| {
            *path == name || path.rsplit('/').next().is_some_and(|file| file.split('.').next() == Some(name))
        };
        self.binaries.keys().find(is_match).cloned()
    }

    fn functions(&self, path: &str) -> Result<Vec<(String, u64)>, Unavailable> {
        self.binaries.get(path).cloned().ok_or_else(|| Unavailable(format!("no such file: {path}")))
    }

    /// A function, 8 bytes long, at its offset.
    fn symbol(&self, path: &str, name: &str) -> Result<Option<Symbol>, Unavailable> {
        let functions = self.functions(path)?;
        let function = functions.into_iter().find(|(function, _)| function == name);
        Ok(function.map(|(_, address)| Symbol { address, size: 8, is_fixed: false }))
    }

    fn kernel_symbol(&self, name: &str) -> Result<Option<u64>, Unavailable> {
        Ok(self.kernel_symbols.get(name).copied())
    }

    fn kernel_variable(&self, name: &str) -> Result<Option<u32>, Unavailable> {
        Ok(self.kernel_variables.get(name).copied())
    }

    fn cpus(&self) -> u32 {
        4
    }

    fn header(
        &self,
        name: &str,
        _from: &str,
        _is_system: bool,
        _directories: &[String],
    ) -> Result<TextFile, Unavailable> {
        let text = self.files.get(name).ok_or_else(|| Unavailable(format!("no such file: {name}")))?;
        Ok(TextFile { path: name.to_owned(), text: text.clone() })
    }

    fn import(&self, path: &str, _from: &str) -> Result<Vec<TextFile>, Unavailable> {
        let is_meant =
            |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let found: Vec<_> = self
            .files
            .iter()
            .filter(|(file, _)| is_meant(file))
            .map(|(path, text)| TextFile { path: path.clone(), text: text.clone() })
            .collect();
        if found.is_empty() { Err(Unavailable(format!("no such file: {path}"))) } else { Ok(found) }
    }

    fn cgroup(&self, path: &str) -> Result<u64, Unavailable> {
        self.cgroups.get(path).copied().ok_or_else(|| Unavailable(format!("no such directory: {path}")))
    }

    fn structure(&self, keyword: Keyword, name: &str) -> Option<Arc<Structure>> {
        let is_meant = |other: &&Arc<Structure>| other.keyword == keyword && other.name == name;
        self.structures.iter().find(is_meant).cloned()
    }

    fn enumeration(&self, name: &str) -> Option<Arc<Enumeration>> {
        self.enumerations.iter().find(|other| other.name == name).cloned()
    }

    fn typedef(&self, name: &str) -> Option<Type> {
        self.typedefs.get(name).cloned()
    }

    fn enum_constant(&self, name: &str) -> Option<(Arc<Enumeration>, i64)> {
        self.enumerations.iter().find_map(|enumeration| {
            let (_, value) = enumeration.variants.iter().find(|(variant, _)| variant == name)?;
            Some((Arc::clone(enumeration), *value))
        })
    }

    fn structure_names(&self) -> Vec<String> {
        self.structures.iter().map(|structure| structure.name.clone()).collect()
    }

    fn raw_tracepoint(&self, name: &str) -> Option<Vec<(String, Type)>> {
        self.raw_arguments.get(name).cloned()
    }

    fn kernel_function_type(&self, name: &str) -> Option<FunctionType> {
        self.kernel_function_types.get(name).cloned()
    }

    fn has_kernel_function(&self, name: &str) -> bool {
        name == "bpf_task_from_pid" || self.kernel_functions.iter().any(|function| function.name == name)
    }
}
