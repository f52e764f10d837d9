//! The shape of the house as tests: layering, orphan snapshots, and a fixture for every feature.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use probebook_lang::builtins;
use probebook_lang::diagnostic::Code;
use probebook_tests::fixture;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// All files below a folder with one of the endings.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|e| *e == ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Lines of code that name one of the words, as `file:line: text`; comments do not count.
fn mentions(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder, &["rs"]) {
        let text = fs::read_to_string(&path).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[track_caller]
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn lang_is_pure() {
    let words = ["std::fs", "std::net", "std::process", "std::time", "std::env", "unsafe {", "aya", "probebook_ebpf"];
    assert_none("lang does no IO and knows no BPF", &mentions(&workspace().join("lang/src"), &words));
}

#[test]
fn ebpf_knows_no_notebook() {
    let words = ["serde_json", "MIME", "svg", "plotters", "probebook::"];
    assert_none("ebpf knows no JSON, no pictures, no cells", &mentions(&workspace().join("ebpf/src"), &words));
}

#[test]
fn kernel_makes_no_bpf_system_calls() {
    let words = ["SYS_bpf", "SYS_perf_event_open", "aya"];
    assert_none("only ebpf talks to BPF", &mentions(&workspace().join("kernel/src"), &words));
}

#[test]
fn raw_bpf_calls_only_in_sys() {
    let found: Vec<String> = mentions(&workspace().join("ebpf/src"), &["SYS_bpf", "SYS_perf_event_open"])
        .into_iter()
        .filter(|line| !line.contains("/src/sys/") && !line.contains("/tests/"))
        .collect();
    assert_none("only ebpf/src/sys issues bpf(2) and perf_event_open(2)", &found);
}

#[test]
fn early_stages_do_not_know_later_ones() {
    let source = workspace().join("lang/src");
    let rules: [(&str, &[&str]); 4] = [
        ("syntax", &["crate::check", "crate::typed", "crate::lower", "crate::opt", "crate::ir"]),
        ("check", &["crate::lower", "crate::opt"]),
        ("ir", &["crate::lower", "crate::opt", "crate::check", "crate::typed", "crate::syntax"]),
        ("opt", &["crate::lower", "crate::check", "crate::typed", "crate::syntax"]),
    ];
    for (stage, later) in rules {
        assert_none(&format!("lang::{stage} uses a later stage"), &mentions(&source.join(stage), later));
    }
}

#[test]
fn every_module_says_what_it_is() {
    let mut silent = Vec::new();
    for folder in ["lang/src", "ebpf/src", "kernel/src", "tests/src"] {
        for path in files(&workspace().join(folder), &["rs"]) {
            let text = fs::read_to_string(&path).expect("readable source");
            if !text.starts_with("//!") {
                silent.push(path.display().to_string());
            }
        }
    }
    assert_none("a file's first lines say what it turns into what", &silent);
}

#[test]
fn no_orphan_snapshots() {
    let orphans: Vec<String> = files(&fixture::root(), &["snap"])
        .into_iter()
        .filter(|path| !path.with_extension("bt").exists())
        .map(|path| path.display().to_string())
        .collect();
    assert_none("a snapshot without its fixture", &orphans);
}

/// The identifiers in the programs of a folder.
fn words(folder: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for fixture in fixture::all(folder).expect("readable folder") {
        let separators = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        words.extend(fixture.text.split(separators).map(str::to_owned));
    }
    words
}

#[test]
fn every_builtin_has_a_fixture() {
    let used = words("run");
    let missing: Vec<String> = builtins::all()
        .map(|builtin| builtin.name.to_owned())
        .filter(|name| !used.contains(&name.replace("argN", "arg0")))
        .collect();
    assert_none("builtins without a fixture under run/", &missing);
}

#[test]
fn every_diagnostic_code_is_shown_somewhere() {
    let read = |path: &PathBuf| fs::read_to_string(path).expect("readable file");
    let shown: String = files(&fixture::root(), &["snap"]).iter().map(read).collect();
    // What depends on the machine has a unit test beside the code instead.
    let crates = ["lang/src", "ebpf/src"].map(|folder| files(&workspace().join(folder), &["rs"]));
    let tests: String = crates
        .concat()
        .iter()
        .map(read)
        .filter_map(|text| text.find("#[test]").map(|start| text[start..].to_owned()))
        .collect();
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(&format!("[{}]", code.name())) && !tests.contains(&format!("Code::{code:?}")))
        .map(|code| code.name().to_owned())
        .collect();
    assert_none("diagnostic codes that no fixture and no test shows", &missing);
}
