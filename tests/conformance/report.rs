//! The outcomes → a table in Markdown.

use std::fs;
use std::process::Command;

/// How a fixture compares.
pub enum Outcome {
    /// Both print the same.
    Same,
    /// They differ, as they should, and why.
    Deviates(String),
    /// They differ and should not, or the other way round.
    Unexpected,
}

/// One fixture.
pub struct Row {
    /// Its name.
    pub fixture: String,
    /// How it compares.
    pub outcome: Outcome,
}

/// The report: when, with what, how many, and each deviation.
pub fn table(rows: &[Row], version: &str) -> String {
    let count = |is: fn(&Outcome) -> bool| rows.iter().filter(|row| is(&row.outcome)).count();
    let mut text = format!(
        "# bpftrace and Probebook side by side\n\nEvery fixture of `tests/fixtures/run/`, through both; see \
         `main.rs` for how to repeat it.\n\n| | |\n|---|---|\n| date | {} |\n| bpftrace | {version} |\n| Linux | {} \
         |\n| fixtures | {} |\n| same output | {} |\n| documented deviations | {} |\n| other differences | {} |\n\n",
        today(),
        linux(),
        rows.len(),
        count(|outcome| matches!(outcome, Outcome::Same)),
        count(|outcome| matches!(outcome, Outcome::Deviates(_))),
        count(|outcome| matches!(outcome, Outcome::Unexpected)),
    );
    text.push_str("| fixture | why Probebook differs |\n|---|---|\n");
    for row in rows {
        match &row.outcome {
            Outcome::Same => {}
            Outcome::Deviates(reason) => text.push_str(&format!("| `{}` | {reason} |\n", row.fixture)),
            Outcome::Unexpected => text.push_str(&format!("| `{}` | **not explained** |\n", row.fixture)),
        }
    }
    text
}

fn today() -> String {
    let output = Command::new("date").arg("+%F").output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
}

fn linux() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.split('-').next().unwrap_or_default().trim().to_owned()
}
