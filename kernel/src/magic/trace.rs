//! `%%trace` line → [`Trace`]: how long a cell runs, for whom, and what ends it.

use std::time::Duration;

use probebook_lang::source::Span;

use super::words::next_word;
use super::{Condition, Fault, Word, unknown, words};

/// How a cell is run. The parts combine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// How long; `None` leaves it to the notebook.
    pub bound: Option<Bound>,
    /// Ends the run when it holds.
    pub until: Option<Condition>,
    /// A command to run and trace; its end is the run's.
    pub command: Option<Vec<String>>,
    /// A process to trace; its end is the run's.
    pub pid: Option<u32>,
    /// The maps of the cell start empty.
    pub fresh: bool,
}

/// The longest time a cell runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So long.
    After(Duration),
    /// Until something else ends it.
    Forever,
}

impl Trace {
    /// Understands a line without its `%%`.
    ///
    /// # Errors
    /// It is another magic, or an option makes no sense.
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let Some((name, mut rest)) = next_word(line, line)? else {
            return Err(Fault::new(Span::new(0, 0), "a magic needs a name").help("write `%%trace 30s`"));
        };
        if name.text != "trace" {
            return Err(unknown("%%", &name));
        }
        let mut trace = Self::default();
        while let Some((word, after)) = next_word(line, rest)? {
            rest = after;
            let mut argument = |what: &str| match next_word(line, rest)? {
                Some((word, after)) => {
                    rest = after;
                    Ok(word)
                }
                None => Err(Fault::new(word.span, format!("`{}` needs {what}", word.text))),
            };
            match word.text.as_str() {
                "forever" => trace.bound = Some(Bound::Forever),
                "--fresh" => trace.fresh = true,
                "-c" => trace.command = Some(parse_command(&argument("a command, in quotes")?)?),
                "-p" => trace.pid = Some(parse_pid(&argument("the id of a process")?)?),
                "until" => {
                    let start = (line.len() - rest.len()) as u32;
                    let (condition, after) = Condition::parse(rest).map_err(|fault| fault.offset(start))?;
                    trace.until = Some(condition);
                    rest = after;
                }
                text => match parse_duration(text) {
                    Some(time) => trace.bound = Some(Bound::After(time)),
                    None => {
                        return Err(Fault::new(word.span, format!("`{text}` is not an option of `%%trace`"))
                            .help("30s | forever | until @n >= 1000 | -c \"cmd\" | -p PID | --fresh"));
                    }
                },
            }
        }
        Ok(trace)
    }
}

/// A time as `30s`, `500ms`, `1.5m`, `1h`; without a unit, seconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * factor).ok()
}

fn parse_command(word: &Word) -> Result<Vec<String>, Fault> {
    let command: Vec<String> = words(&word.text)
        .map_err(|fault| Fault { span: word.span, ..fault })?
        .into_iter()
        .map(|word| word.text)
        .collect();
    if command.is_empty() { Err(Fault::new(word.span, "the command is empty")) } else { Ok(command) }
}

fn parse_pid(word: &Word) -> Result<u32, Fault> {
    match word.text.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err(Fault::new(word.span, format!("`{}` is not the id of a process", word.text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_combine() {
        let trace =
            Trace::parse(r#"trace --fresh until @n["a b"] >= 1000 30s -c "dd if=/dev/zero 'x y'" -p 7"#)
                .unwrap();
        assert!(trace.fresh);
        assert!(trace.until.is_some());
        assert_eq!(trace.bound, Some(Bound::After(Duration::from_secs(30))));
        assert_eq!(trace.command.unwrap(), ["dd", "if=/dev/zero", "x y"]);
        assert_eq!(trace.pid, Some(7));
        assert_eq!(Trace::parse("trace").unwrap(), Trace::default());
        assert_eq!(Trace::parse("trace forever").unwrap().bound, Some(Bound::Forever));
    }

    #[test]
    fn times() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("3"), Some(Duration::from_secs(3)));
        for text in ["", "s", "3x", "-1s", "1e400s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn faults_point_at_the_word() {
        let at = |line| Trace::parse(line).unwrap_err().span;
        assert_eq!(at("trace 30x"), Span::new(6, 9));
        assert_eq!(at("trace -p x"), Span::new(9, 10));
        assert_eq!(at("trace -c"), Span::new(6, 8));
        assert_eq!(at("trace until n > 1").start, 12);
        assert!(Trace::parse("bg x").unwrap_err().message.contains("not supported yet"));
        assert!(Trace::parse("maps").unwrap_err().help.unwrap().contains("`%maps`"));
    }
}
