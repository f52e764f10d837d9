//! `history_request` → earlier cells, kept per user across sessions: [`History`].
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#history>
//!
//! One JSON object a line, appended by one write each, so that several notebooks share the file.
//!
//! *Invariant:* lines that cannot be read are skipped, and a file that cannot be written costs the memory
//! across sessions only.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Shell, flag, text};

/// Entries that are kept in memory.
const KEPT: usize = 10_000;
/// What `tail` gives unless told.
const TAIL: usize = 10;

/// An executed cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    session: u64,
    line: u32,
    input: String,
}

/// Executed cells, oldest first.
#[derive(Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
    /// When this session began, in seconds since 1970.
    session: u64,
    file: Option<File>,
}

impl History {
    /// Reads what earlier sessions kept at `path`, and will append there.
    pub fn open(path: Option<PathBuf>) -> Self {
        let session = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut entries = Vec::new();
        let file = path.and_then(|path| {
            if let Ok(file) = File::open(&path) {
                // Split by bytes: one line that is not UTF-8 must not end the reading.
                let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
                entries.extend(lines.filter_map(|line| serde_json::from_slice(&line).ok()));
                let excess = entries.len().saturating_sub(KEPT);
                entries.drain(..excess);
            }
            if let Some(directory) = path.parent() {
                // If it cannot be made, opening the file fails next.
                drop(std::fs::create_dir_all(directory));
            }
            OpenOptions::new().create(true).append(true).open(path).ok()
        });
        Self { entries, session, file }
    }

    /// Where the user's history lies: `$XDG_STATE_HOME/probebook/history.jsonl`.
    pub fn path() -> Option<PathBuf> {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        state.or_else(home).map(|state| state.join("probebook/history.jsonl"))
    }

    /// Keeps a cell.
    pub(super) fn append(&mut self, line: u32, input: &str) {
        let entry = Entry { session: self.session, line, input: input.to_owned() };
        if let Some(file) = &mut self.file
            && let Ok(mut text) = serde_json::to_vec(&entry)
        {
            text.push(b'\n');
            if file.write_all(&text).is_err() {
                self.file = None;
            }
        }
        if self.entries.len() == KEPT {
            self.entries.remove(0);
        }
        self.entries.push(entry);
    }

    fn tail(&self, n: usize) -> Vec<&Entry> {
        self.entries[self.entries.len().saturating_sub(n)..].iter().collect()
    }

    /// `session` counts back from this one if it is 0 or negative; `stop` is exclusive.
    fn range(&self, session: i64, start: i64, stop: Option<i64>) -> Vec<&Entry> {
        let session = match u64::try_from(session) {
            Ok(0) => Some(self.session),
            Ok(session) => Some(session),
            Err(_) => self.sessions_ago(session.unsigned_abs()),
        };
        let is_wanted = |entry: &&Entry| {
            let line = i64::from(entry.line);
            Some(entry.session) == session && line >= start && stop.is_none_or(|stop| line < stop)
        };
        self.entries.iter().filter(is_wanted).collect()
    }

    fn sessions_ago(&self, ago: u64) -> Option<u64> {
        let mut sessions: Vec<u64> = self.entries.iter().map(|entry| entry.session).collect();
        sessions.retain(|&session| session != self.session);
        sessions.dedup();
        sessions.iter().rev().nth(usize::try_from(ago).ok()?.checked_sub(1)?).copied()
    }

    fn search(&self, pattern: &str, unique: bool, n: Option<usize>) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = Vec::new();
        // From the newest on, so that `n` and `unique` keep the newest.
        for entry in self.entries.iter().rev() {
            if n.is_some_and(|n| found.len() >= n) {
                break;
            }
            let is_new = || !unique || found.iter().all(|other| other.input != entry.input);
            if is_match(pattern.as_bytes(), entry.input.as_bytes()) && is_new() {
                found.push(entry);
            }
        }
        found.reverse();
        found
    }
}

impl Shell {
    /// Answers a `history_request`.
    pub(super) fn history(&self, content: &Map<String, Value>) -> Value {
        let number = |name: &str| content.get(name).and_then(Value::as_i64);
        let n = number("n").and_then(|n| usize::try_from(n).ok());
        let entries = match text(content, "hist_access_type") {
            "range" => {
                let (session, start) = (number("session").unwrap_or(0), number("start").unwrap_or(0));
                self.history.range(session, start, number("stop"))
            }
            "search" => {
                let pattern = content.get("pattern").and_then(Value::as_str).unwrap_or("*");
                self.history.search(pattern, flag(content, "unique", false), n)
            }
            _ => self.history.tail(n.unwrap_or(TAIL)),
        };
        let with_output = flag(content, "output", false);
        let entries: Vec<Value> = entries
            .into_iter()
            .map(|entry| match with_output {
                // Outputs are not kept.
                true => json!([entry.session, entry.line, [entry.input, null]]),
                false => json!([entry.session, entry.line, entry.input]),
            })
            .collect();
        json!({ "status": "ok", "history": entries })
    }
}

/// Whether a text matches a pattern with `*` and `?` as a whole. Remembers the last star, so that the time is
/// bounded by the product of both lengths.
fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(entries: Vec<&Entry>) -> Vec<u32> {
        entries.into_iter().map(|entry| entry.line).collect()
    }

    #[test]
    fn survives_restarts_and_broken_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/history.jsonl");
        let mut history = History::open(Some(path.clone()));
        history.append(1, "@a\nö");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"session\": 1}\n\xff\xff\nnonsense\n").unwrap();
        drop(file);
        history.append(2, "@b");
        let history = History::open(Some(path));
        assert_eq!(history.entries.iter().map(|e| e.input.as_str()).collect::<Vec<_>>(), ["@a\nö", "@b"]);
    }

    #[test]
    fn ranges() {
        let mut history = History::open(None);
        for (session, line) in [(5, 1), (5, 2), (7, 1), (history.session, 1), (history.session, 2)] {
            history.entries.push(Entry { session, line, input: line.to_string() });
        }
        assert_eq!(lines(history.range(5, 1, None)), [1, 2]);
        assert_eq!(lines(history.range(0, 2, Some(3))), [2]);
        assert_eq!(lines(history.range(-1, 0, None)), [1]);
        assert_eq!(lines(history.range(-2, 2, None)), [2]);
        assert_eq!(lines(history.range(-9, 0, None)), [0; 0]);
        assert_eq!(lines(history.tail(2)), [1, 2]);
        assert_eq!(history.tail(100).len(), 5);
    }

    #[test]
    fn searches() {
        let mut history = History::open(None);
        for (line, input) in ["@a", "@b", "@a", "print(@a)"].into_iter().enumerate() {
            history.append(line as u32, input);
        }
        assert_eq!(lines(history.search("@a", false, None)), [0, 2]);
        assert_eq!(lines(history.search("@a", true, None)), [2]);
        assert_eq!(lines(history.search("*@a*", false, Some(2))), [2, 3]);
        assert_eq!(lines(history.search("*", true, None)), [1, 2, 3]);
    }

    #[test]
    fn patterns() {
        for (pattern, text) in [("", ""), ("*", ""), ("a*c", "abbc"), ("a?c", "abc"), ("*b*b", "abab")] {
            assert!(is_match(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in [("a", ""), ("a*c", "ab"), ("?", ""), ("a", "ab")] {
            assert!(!is_match(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        let long = "a".repeat(20_000);
        assert!(!is_match(b"*a*a*a*a*b", long.as_bytes()));
    }
}
