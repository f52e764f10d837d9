//! A line that starts with `%` → [`Command`] or [`Trace`]: what a notebook adds to the language.
//!
//! *Not here:* where such lines may stand (`cell`), what a command does (`shell`).

mod condition;
mod help;
mod trace;
mod words;

pub use condition::Condition;
pub use help::{describe, help};
pub use trace::{Bound, Trace, parse_duration};
pub use words::{Word, words};

use probebook_lang::config::{self, Config, Refused};
use probebook_lang::environment::Watch;
use probebook_lang::source::{Source, Span};

/// A magic that cannot be understood, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place, counted from the start of the line or, later, of the cell.
    pub span: Span,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// Adds what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Counts its place from `by` bytes earlier on.
    pub fn offset(mut self, by: u32) -> Self {
        self.span = Span::new(self.span.start + by, self.span.end + by);
        self
    }

    /// As lines to read, with a caret under the place.
    pub fn render(&self, source: &Source) -> Vec<String> {
        let at = source.position(self.span.start);
        let line = source.text().lines().nth(at.line as usize - 1).unwrap_or_default();
        let gutter = at.line.to_string();
        let pad = " ".repeat(gutter.len());
        let carets = "^".repeat(source.slice(self.span).chars().count().max(1));
        let mut lines = vec![
            format!("\u{1b}[1;31merror\u{1b}[0m\u{1b}[1m: {}\u{1b}[0m", self.message),
            format!("{pad}\u{1b}[1;34m-->\u{1b}[0m {}:{}:{}", source.name(), at.line, at.column),
            format!("\u{1b}[1;34m{gutter} |\u{1b}[0m {line}"),
            format!(
                "{pad} \u{1b}[1;34m|\u{1b}[0m {}\u{1b}[1;31m{carets}\u{1b}[0m",
                " ".repeat(at.column as usize - 1)
            ),
        ];
        lines.extend(
            self.help
                .iter()
                .map(|help| format!("{pad} \u{1b}[1;34m=\u{1b}[0m \u{1b}[1mhelp\u{1b}[0m: {help}")),
        );
        lines
    }
}

/// What a `%` line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `%reset [@m …]`: forgets maps, or all.
    Reset(Vec<String>),
    /// `%maps`: lists the maps.
    Maps,
    /// `%args …`: sets `$1`, `$2`, … and, as `--name=value`, what `getopt` reads.
    Args(Vec<String>),
    /// `%fmt`: lays out the cell instead of running it.
    Format,
    /// `%help [topic]`
    Help(Option<String>),
    /// `%set [name value]`: changes a setting, or lists all.
    Set(Option<Setting>),
    /// `%clear`: clears the output of the cell so far.
    Clear,
}

/// A setting of the notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How long a cell runs that does not say so.
    Bound(Bound),
    /// Whether unsafe functions are allowed.
    Unsafe(bool),
    /// What programs notice while they run.
    Warnings(Watch),
    /// A variable of configuration.
    Config(String, config::Value),
}

/// Every magic by name, with what is said of it.
pub const MAGICS: &[(&str, &str)] = &[
    (
        "%%trace",
        "how long and for what the cell runs: 30s | forever | until @n >= 1000 | -c \"cmd\" | -p PID | --fresh",
    ),
    ("%args", "sets $1, $2, … and --name=value for the cells that follow"),
    ("%clear", "clears the output of the cell so far"),
    ("%fmt", "lays out the cell instead of running it"),
    ("%help", "this page, or one magic: %help trace"),
    ("%maps", "lists the maps of the notebook with their types"),
    ("%reset", "forgets maps: %reset @a @b, or all"),
    ("%set", "changes a setting: bound 30s | unsafe on|off | warnings on|all|off | max_strlen 200 …"),
];

/// Magics that are known and not there yet.
const PLANNED: &[&str] = &[
    "bg", "sessions", "stop", "live", "plots", "plot", "unit", "snap", "diff", "probes", "struct", "explain",
    "ast", "ir", "asm", "record", "replay", "save", "load",
];

impl Command {
    /// Understands a line without its `%`.
    ///
    /// # Errors
    /// The magic is unknown or its arguments make no sense.
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let words = words(line)?;
        let Some((name, arguments)) = words.split_first() else {
            return Err(Fault::new(Span::new(0, 0), "a magic needs a name").help("`%help` lists them"));
        };
        let texts = || arguments.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
        let none = |command| match arguments.first() {
            None => Ok(command),
            Some(word) => Err(Fault::new(word.span, format!("`%{}` takes no arguments", name.text))),
        };
        match name.text.as_str() {
            "reset" => arguments.iter().map(map_name).collect::<Result<_, _>>().map(Self::Reset),
            "maps" => none(Self::Maps),
            "clear" => none(Self::Clear),
            "fmt" => none(Self::Format),
            "args" => Ok(Self::Args(texts())),
            "help" => Ok(Self::Help(texts().into_iter().next())),
            "set" => Setting::parse(arguments).map(Self::Set),
            _ => Err(unknown("%", name)),
        }
    }
}

impl Setting {
    fn parse(words: &[Word]) -> Result<Option<Self>, Fault> {
        let [name, value] = words else {
            return match words {
                [] => Ok(None),
                [name, ..] => Err(Fault::new(name.span, "a setting takes one value")
                    .help("`%set bound 30s` or `%set unsafe on`")),
            };
        };
        match (name.text.as_str(), value.text.as_str()) {
            ("bound", "forever") => Ok(Some(Self::Bound(Bound::Forever))),
            ("bound", text) => match parse_duration(text) {
                Some(time) => Ok(Some(Self::Bound(Bound::After(time)))),
                None => {
                    Err(Fault::new(value.span, "not a time").help("write `30s`, `500ms`, `2m` or `forever`"))
                }
            },
            ("unsafe", "on") => Ok(Some(Self::Unsafe(true))),
            ("unsafe", "off") => Ok(Some(Self::Unsafe(false))),
            ("unsafe", _) => Err(Fault::new(value.span, "neither `on` nor `off`")),
            ("warnings", "all") => Ok(Some(Self::Warnings(Watch::Everything))),
            ("warnings", "on") => Ok(Some(Self::Warnings(Watch::Updates))),
            ("warnings", "off") => Ok(Some(Self::Warnings(Watch::Nothing))),
            ("warnings", _) => Err(Fault::new(value.span, "neither `on`, `all` nor `off`")),
            (key, text) => Self::config(key, config::Value::of_text(text)).map(Some).map_err(|refused| {
                let unknown = Fault::new(name.span, format!("no setting is called `{key}`"));
                match refused {
                    Refused::Value(_, expected) => {
                        Fault::new(value.span, format!("`{key}` does not take this value"))
                            .help(format!("it takes {expected}"))
                    }
                    Refused::Unknown(Some(near)) => unknown.help(format!("did you mean `{near}`?")),
                    Refused::Unknown(None) | Refused::EnvironmentOnly => {
                        unknown.help("`%set` lists the settings")
                    }
                }
            }),
        }
    }
}

impl Setting {
    fn config(name: &str, value: config::Value) -> Result<Self, Refused> {
        Config::default().set(name, &value)?;
        Ok(Self::Config(name.to_owned(), value))
    }
}

/// The fault of a magic that is not known, or not yet.
fn unknown(sigil: &str, name: &Word) -> Fault {
    if PLANNED.contains(&name.text.as_str()) {
        return Fault::new(name.span, format!("`{sigil}{}` is not supported yet", name.text));
    }
    let fault = Fault::new(name.span, format!("no magic is called `{sigil}{}`", name.text));
    let other = if sigil == "%" { "%%" } else { "%" };
    if MAGICS.iter().any(|(magic, _)| magic.strip_prefix(other) == Some(&name.text)) {
        return fault.help(format!("write `{other}{}`", name.text));
    }
    fault.help("`%help` lists them")
}

fn map_name(word: &Word) -> Result<String, Fault> {
    match word.text.strip_prefix('@') {
        Some(name) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => Ok(name.to_owned()),
        _ => {
            Err(Fault::new(word.span, format!("`{}` is not the name of a map", word.text))
                .help("write `@name`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn commands() {
        assert_eq!(Command::parse("reset @a @").unwrap(), Command::Reset(vec!["a".into(), String::new()]));
        assert_eq!(Command::parse("args 3 \"a b\"").unwrap(), Command::Args(vec!["3".into(), "a b".into()]));
        assert_eq!(Command::parse("help").unwrap(), Command::Help(None));
        let bound = Setting::Bound(Bound::After(Duration::from_secs(30)));
        assert_eq!(Command::parse("set bound 30s").unwrap(), Command::Set(Some(bound)));
        assert_eq!(Command::parse("set").unwrap(), Command::Set(None));
    }

    #[test]
    fn faults_say_what_to_do() {
        let help = |line| Command::parse(line).unwrap_err();
        assert!(help("plot @a").message.contains("not supported yet"));
        assert!(help("plt").message.contains("no magic is called `%plt`"));
        assert_eq!(help("trace 3s").help.unwrap(), "write `%%trace`");
        assert_eq!(help("reset a").span, Span::new(6, 7));
        assert!(help("maps x").message.contains("no arguments"));
        assert!(Command::parse("set bound soon").is_err());
        assert_eq!(help("set max_strle 3").help.unwrap(), "did you mean `max_strlen`?");
        assert_eq!(help("set max_strlen x").span, Span::new(15, 16));
        assert!(Command::parse("set max_strlen 0x40").is_ok());
        assert!(Command::parse("").is_err());
    }

    #[test]
    fn a_caret_stands_under_the_place() {
        let source = Source::new("cell 2", "%maps\n%plt x");
        let lines = Fault::new(Span::new(7, 10), "no").help("yes").render(&source);
        assert!(lines[1].ends_with("cell 2:2:2"), "{}", lines[1]);
        assert!(lines[2].ends_with("%plt x"));
        assert!(lines[3].contains(" \u{1b}[1;31m^^^"));
        assert!(lines[4].ends_with("yes"));
    }
}
