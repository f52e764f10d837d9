//! `deviations.txt` → [`Deviations`]: fixtures whose output is meant to differ, and why.

use std::collections::BTreeMap;

use probebook_tests::fixture::Fixture;

/// Fixture → reason.
pub struct Deviations(BTreeMap<String, String>);

impl Deviations {
    /// The list beside this file: `fixture: reason` lines, `#` starts a comment.
    pub fn read() -> Self {
        let lines = include_str!("deviations.txt").lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
            let (fixture, reason) = line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}"));
            (fixture.to_owned(), reason.to_owned())
        });
        Self(entries.collect())
    }

    /// Why the fixture differs, if it is meant to.
    pub fn reason(&self, fixture: &str) -> Option<&str> {
        self.0.get(fixture).map(String::as_str)
    }

    /// # Panics
    /// If a listed fixture does not exist.
    pub fn check_names(&self, fixtures: &[Fixture]) {
        for name in self.0.keys() {
            let exists = fixtures.iter().any(|fixture| fixture.name == *name);
            assert!(exists, "deviations.txt names a fixture that does not exist: {name}");
        }
    }
}
