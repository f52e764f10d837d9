//! Output → what must be the same in both: no blank lines, no warnings, map entries in one order.
//!
//! Entries of equal value come in any order from bpftrace, and narrow integers unsorted; our own order is
//! checked by the snapshots.

use super::peer::PeerOutput;

/// bpftrace's stdout and exit status.
pub fn theirs(output: &PeerOutput) -> String {
    let mut text = normal(&output.stdout);
    if output.code != 0 {
        text.push_str(&format!("exit code {}\n", output.code));
    }
    text
}

/// Our output as the suite writes it down; what goes to stderr in bpftrace is
/// left out.
pub fn ours(output: &str) -> String {
    let is_said = |line: &&str| {
        let starts = ["WARNING: ", "ERROR: ", "stderr: "];
        !starts.iter().any(|start| line.starts_with(start))
            && !line.contains(": WARNING: ")
            && !line.contains(": ERROR: ")
    };
    normal(&output.lines().filter(is_said).map(|line| format!("{line}\n")).collect::<String>())
}

fn normal(text: &str) -> String {
    let mut entries: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut map = String::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let name = entry_of(line);
        if name.is_none_or(|name| name != map) && !is_row(line, &entries) {
            entries.sort();
            out.extend(entries.drain(..));
            map = name.unwrap_or_default().to_owned();
        }
        match (name, entries.last_mut()) {
            (None, Some(entry)) => entry.push_str(&format!("{line}\n")),
            (None, None) => out.push_str(&format!("{line}\n")),
            (Some(_), _) => entries.push(format!("{line}\n")),
        }
    }
    entries.sort();
    out.extend(entries);
    out
}

/// The map of which the line starts an entry.
fn entry_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('@')?;
    let end = rest.find('[')?;
    rest[..end].chars().all(|c| c.is_alphanumeric() || c == '_').then(|| &rest[..end])
}

/// Whether the line goes on with the entry before: a bucket of a histogram.
fn is_row(line: &str, entries: &[String]) -> bool {
    let follows_heading =
        entries.last().is_some_and(|entry| entry.lines().next().is_some_and(|l| l.ends_with(':')));
    follows_heading && line.ends_with('|') && line.starts_with(['[', '('])
}
