//! What happens in a cell → whoever shows it: [`Output`] and [`Outlet`].
//!
//! Behind an outlet stands a Jupyter frontend (`serve`) or a notebook file (`cli`): the code that runs cells
//! knows neither.

use serde_json::{Map, Value};

/// Data by MIME type, with metadata by MIME type.
pub use crate::display::bundle::Bundle;

/// Something that happens in a cell, in the order in which it is to be shown.
#[derive(Clone, Debug)]
pub enum Output {
    /// The cell starts.
    Input {
        /// Its text.
        code: String,
        /// Its number.
        count: u32,
    },
    /// Text.
    Stream {
        /// Which of the two streams.
        name: StreamName,
        /// As it is appended.
        text: String,
    },
    /// A picture that later [`Output::Update`]s replace.
    Display {
        /// The picture.
        bundle: Bundle,
        /// Under which name it is replaced.
        display_id: String,
    },
    /// The next state of a picture.
    Update {
        /// The picture.
        bundle: Bundle,
        /// Which.
        display_id: String,
    },
    /// The value of the cell.
    Result {
        /// The value.
        bundle: Bundle,
        /// The number of the cell.
        count: u32,
    },
    /// The cell failed.
    Error(Failure),
    /// What was shown so far is taken away.
    Clear,
}

/// One of the two streams of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamName {
    /// What the program prints.
    Stdout,
    /// What is said about the program.
    Stderr,
}

impl StreamName {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The sort of failure, one word.
    pub name: String,
    /// One line.
    pub value: String,
    /// Lines to read, coloured by ANSI sequences.
    pub traceback: Vec<String>,
}

impl Failure {
    /// A failure that one line explains.
    pub fn plain(name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        let mut traceback = vec![format!("\u{1b}[1;31m{name}\u{1b}[0m\u{1b}[1m: {first}\u{1b}[0m")];
        traceback.extend(lines.map(str::to_owned));
        Self { name: name.into(), value: first.into(), traceback }
    }

    /// As the content of an `error` message or an error reply.
    pub fn fields(&self) -> Map<String, Value> {
        Map::from_iter([
            ("ename".into(), self.name.as_str().into()),
            ("evalue".into(), self.value.as_str().into()),
            ("traceback".into(), self.traceback.clone().into()),
        ])
    }
}

/// A bundle of nothing but text.
pub fn plain(text: impl Into<String>) -> Bundle {
    Bundle { data: Map::from_iter([("text/plain".into(), Value::String(text.into()))]), metadata: Map::new() }
}

/// Shows what happens in a cell.
pub trait Outlet {
    /// Shows one thing, without waiting.
    fn put(&self, output: Output);
}

/// Shows nothing: for silent requests.
pub struct Silence;

impl Outlet for Silence {
    fn put(&self, _: Output) {}
}

/// Keeps everything, for tests.
#[cfg(test)]
#[derive(Default)]
pub struct Tape(std::cell::RefCell<Vec<Output>>);

#[cfg(test)]
impl Tape {
    /// All text of a stream.
    pub fn text(&self, wanted: StreamName) -> String {
        let texts = self.0.borrow();
        let texts = texts.iter().filter_map(|output| match output {
            Output::Stream { name, text } if *name == wanted => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The sorts of outputs in order.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.0
            .borrow()
            .iter()
            .map(|output| match output {
                Output::Input { .. } => "input",
                Output::Stream { .. } => "stream",
                Output::Display { .. } => "display",
                Output::Update { .. } => "update",
                Output::Result { .. } => "result",
                Output::Error(_) => "error",
                Output::Clear => "clear",
            })
            .collect()
    }

    /// The bundles of displays, updates and results.
    pub fn bundles(&self) -> Vec<Bundle> {
        let outputs = self.0.borrow();
        let bundles = outputs.iter().filter_map(|output| match output {
            Output::Display { bundle, .. }
            | Output::Update { bundle, .. }
            | Output::Result { bundle, .. } => Some(bundle.clone()),
            _ => None,
        });
        bundles.collect()
    }

    /// The last error.
    pub fn error(&self) -> Option<Failure> {
        self.0.borrow().iter().rev().find_map(|output| match output {
            Output::Error(failure) => Some(failure.clone()),
            _ => None,
        })
    }
}

#[cfg(test)]
impl Outlet for Tape {
    fn put(&self, output: Output) {
        self.0.borrow_mut().push(output);
    }
}
