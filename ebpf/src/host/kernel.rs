//! What tracefs and kallsyms list → the functions of Linux that can be probed.
//!
//! `available_filter_functions` holds what ftrace can stop at; where it cannot be read (lockdown, no ftrace)
//! the symbols of `/proc/kallsyms` stand in, of which some cannot be probed.

use std::fs;

use probebook_lang::host::{KernelFunction, Unavailable};

use super::tracefs;

const SYMBOLS: &str = "/proc/kallsyms";
/// What the functions of Linux itself are listed under.
const LINUX: &str = "vmlinux";

/// All functions, by name; each name once in a module.
///
/// # Errors
/// Where neither list can be read.
pub fn functions() -> Result<Vec<KernelFunction>, Unavailable> {
    let mut functions: Vec<KernelFunction> = match tracefs::read("available_filter_functions") {
        Some(text) => text.lines().filter_map(traceable).collect(),
        None => {
            let text = fs::read_to_string(SYMBOLS).map_err(|error| {
                Unavailable(format!("cannot list the functions of Linux: {SYMBOLS}: {error}"))
            })?;
            text.lines().filter_map(symbol).collect()
        }
    };
    functions.sort_unstable();
    functions.dedup();
    Ok(functions)
}

/// `vfs_read` or `nf_hook [nf_tables]`
fn traceable(line: &str) -> Option<KernelFunction> {
    let mut words = line.split_ascii_whitespace();
    // Left behind where Linux threw away a weak function.
    let name = words.next().filter(|name| !name.starts_with("__ftrace_invalid_address__"))?;
    Some(function(name, words.next()))
}

/// `ffffffff81000000 T vfs_read` or `… t nf_hook\t[nf_tables]`
fn symbol(line: &str) -> Option<KernelFunction> {
    let mut words = line.split_ascii_whitespace();
    let (_, kind, name) = (words.next()?, words.next()?, words.next()?);
    let module = words.next();
    let is_code = matches!(kind, "t" | "T" | "w" | "W") && module != Some("[bpf]");
    is_code.then(|| function(name, module))
}

fn function(name: &str, module: Option<&str>) -> KernelFunction {
    let module = module.map_or(LINUX, |module| module.trim_matches(['[', ']']));
    KernelFunction { name: name.to_owned(), module: module.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_lists() {
        let known = |name: &str, module: &str| Some(function(name, Some(module)));
        assert_eq!(traceable("vfs_read"), known("vfs_read", LINUX));
        assert_eq!(traceable("nf_hook [nf_tables]"), known("nf_hook", "nf_tables"));
        assert_eq!(traceable("__ftrace_invalid_address___12"), None);
        assert_eq!(symbol("ffffffff81000000 T vfs_read"), known("vfs_read", LINUX));
        assert_eq!(symbol("ffffffffc0000000 t nf_hook\t[nf_tables]"), known("nf_hook", "nf_tables"));
        assert_eq!(symbol("ffffffff82000000 D jiffies"), None);
        assert_eq!(symbol("ffffffffc0000000 t bpf_prog_1\t[bpf]"), None);
    }

    #[test]
    fn this_linux_has_functions() {
        let functions = functions().expect("a list");
        assert!(functions.is_sorted() && functions.iter().any(|function| function.name == "vfs_read"));
    }
}
