//! Numbers → names, as Linux on x86-64 numbers errors, signals and system calls: tables for programs to read.
//!
//! The texts are those of Linux's own headers. A table is rows of equal width; a number without a name of its
//! own has the last row.

use probebook_lang::ir::{NAME_SIZE, Names};

const ERRORS: &str = include_str!("names/errors.txt");
const SIGNALS: &str = include_str!("names/signals.txt");
const SYSTEM_CALLS: &str = include_str!("names/system_calls.txt");

/// The last signal, which is a real-time one.
const LAST_SIGNAL: usize = 64;
/// The first real-time signal that programs may use: two are the C library's.
const FIRST_REAL_TIME: usize = 34;

/// A table of names.
pub(super) struct Table {
    /// By number; the last one names all other numbers.
    rows: Vec<String>,
    /// Bytes of a row, the NUL included, a multiple of 8 and at most [`NAME_SIZE`].
    pub width: u32,
    /// Numbers below 0 mean the same as without their sign.
    pub is_symmetric: bool,
}

impl Table {
    pub fn of(names: Names) -> Self {
        let (mut rows, other) = match names {
            Names::Error => (numbered(ERRORS, |_| "Unknown error".into()), "Unknown error"),
            Names::Signal => (signals(), "N/A"),
            Names::SystemCall => (numbered(SYSTEM_CALLS, |_| "Unknown syscall".into()), "Unknown syscall"),
        };
        rows.push(other.into());
        let longest = rows.iter().map(|row| row.len() as u32 + 1).max().unwrap_or(1);
        let width = longest.next_multiple_of(8).min(NAME_SIZE);
        Self { rows, width, is_symmetric: names == Names::Error }
    }

    /// The number of the last row.
    pub fn last(&self) -> u32 {
        self.rows.len() as u32 - 1
    }

    /// The name of a number.
    pub fn name(&self, number: i64) -> &str {
        // A number is an int of C.
        let number = i64::from(number as i32);
        let number = if self.is_symmetric { number.abs() } else { number };
        let row = usize::try_from(number).unwrap_or(usize::MAX).min(self.last() as usize);
        &self.rows[row]
    }

    /// All rows, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.rows.len() * self.width as usize);
        for row in &self.rows {
            let end = bytes.len() + self.width as usize;
            bytes.extend(row.bytes().take(self.width as usize - 1));
            bytes.resize(end, 0);
        }
        bytes
    }
}

/// Lines `number name` → names by number, with `missing` for those between.
fn numbered(text: &str, missing: impl Fn(usize) -> String) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let Some((number, name)) = line.split_once(' ') else { continue };
        let number = number.parse().unwrap_or(0);
        while rows.len() < number {
            rows.push(missing(rows.len()));
        }
        rows.push(name.to_owned());
    }
    rows
}

fn signals() -> Vec<String> {
    let unknown = |number| format!("Unknown signal {number}");
    let mut rows = numbered(SIGNALS, unknown);
    for number in rows.len()..=LAST_SIGNAL {
        rows.push(match number.checked_sub(FIRST_REAL_TIME) {
            Some(real_time) => format!("Real-time signal {real_time}"),
            None => unknown(number),
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_numbers() {
        let name = |names, number| Table::of(names).name(number).to_owned();
        assert_eq!(name(Names::Error, -2), "No such file or directory");
        assert_eq!(name(Names::Error, 41), "Unknown error");
        assert_eq!(name(Names::Error, i64::MIN), "Success");
        assert_eq!(name(Names::Signal, 9), "Killed");
        assert_eq!(name(Names::Signal, 33), "Unknown signal 33");
        assert_eq!(name(Names::Signal, 64), "Real-time signal 30");
        assert_eq!(name(Names::Signal, -1), "N/A");
        assert_eq!(name(Names::SystemCall, 0), "read");
        assert_eq!(name(Names::SystemCall, 424), "pidfd_send_signal");
        assert_eq!(name(Names::SystemCall, 1 << 40 | 1), "write");
        assert_eq!(name(Names::SystemCall, -1), "Unknown syscall");
    }

    #[test]
    fn rows_have_equal_width() {
        for names in [Names::Error, Names::Signal, Names::SystemCall] {
            let table = Table::of(names);
            let bytes = table.bytes();
            assert_eq!(bytes.len() as u32, (table.last() + 1) * table.width);
            let row = &bytes[(5 * table.width) as usize..][..table.width as usize];
            assert!(row.starts_with(table.name(5).as_bytes()) && row.ends_with(b"\0"));
        }
    }
}
