//! Request content → reply content: one file per request of the shell channel.
//!
//! A [`Shell`] is the notebook's state: the tracer with its maps, the history, the settings. Whoever has one
//! can run cells: a Jupyter frontend (`serve`) and a notebook file (`cli`) use it alike.
//!
//! *Invariant:* no request can leave it unusable; a panic within one is caught by [`guarded`].
//!
//! *Not here:* sockets and order (`wire`, `serve`).

mod command;
mod complete;
mod execute;
mod history;
mod inspect;
mod kernel;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use probebook_ebpf::tracer::Tracer;
use probebook_lang::host::Host;
use serde_json::{Map, Value, json};

use crate::outlet::Failure;
use crate::runs::Settings;

pub use execute::{Execute, Executed};
pub use history::History;
pub use kernel::{banner, info};

/// The state of a notebook.
pub struct Shell {
    tracer: Box<dyn Tracer>,
    host: Box<dyn Host + Send>,
    history: History,
    settings: Settings,
    /// The number of the last cell.
    count: u32,
}

impl Shell {
    /// A new notebook. `history` is where inputs are kept across sessions; `None` keeps them nowhere.
    pub fn new(tracer: Box<dyn Tracer>, host: Box<dyn Host + Send>, history: Option<PathBuf>) -> Self {
        Self { tracer, host, history: History::open(history), settings: Settings::default(), count: 0 }
    }

    /// The number of the last cell.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Answers a request that neither runs code nor concerns the kernel as a whole; `None` if it is unknown.
    pub fn answer(&mut self, kind: &str, content: &Map<String, Value>) -> Option<Value> {
        Some(match kind {
            "kernel_info_request" => info(),
            "complete_request" => self.complete(content),
            "inspect_request" => self.inspect(content),
            "is_complete_request" => self.is_complete(content),
            "history_request" => self.history(content),
            // We open no comms, so that none can be asked for.
            "comm_info_request" => json!({ "status": "ok", "comms": {} }),
            _ => return None,
        })
    }
}

/// An error reply.
pub fn error_reply(failure: &Failure) -> Value {
    let mut reply = failure.fields();
    reply.insert("status".into(), "error".into());
    Value::Object(reply)
}

/// Runs one request; a panic within becomes a failure.
///
/// # Errors
/// It panicked: our fault, said so.
pub fn guarded<T>(request: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(request)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        Failure::plain(
            "InternalError",
            format!(
                "Probebook itself failed: {message}\nThe notebook's maps are kept. Please report this with \
                 the cell that caused it."
            ),
        )
    })
}

/// A text field of a request; empty if it is missing.
fn text<'a>(content: &'a Map<String, Value>, name: &str) -> &'a str {
    content.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A yes-or-no field of a request.
fn flag(content: &Map<String, Value>, name: &str, default: bool) -> bool {
    content.get(name).and_then(Value::as_bool).unwrap_or(default)
}

/// The byte offset of a cursor that counts code points; the end if it lies beyond, or is missing.
fn cursor(code: &str, content: &Map<String, Value>) -> usize {
    let position = content.get("cursor_pos").and_then(Value::as_u64);
    position
        .and_then(|position| code.char_indices().nth(usize::try_from(position).ok()?))
        .map_or(code.len(), |(offset, _)| offset)
}

/// The code points before a byte offset.
fn code_points(code: &str, offset: usize) -> usize {
    code.char_indices().take_while(|&(at, _)| at < offset).count()
}
