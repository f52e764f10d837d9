//! `execute_request` → a cell runs.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute>

use std::time::Instant;

use probebook_ebpf::event::Event;
use probebook_ebpf::tracer::{Options, Refusal};
use probebook_lang::format;
use probebook_lang::source::Source;
use probebook_lang::syntax::load;
use serde_json::{Map, Value, json};

use super::{Shell, error_reply, flag, text};
use crate::cell::Cell;
use crate::display::text::clean;
use crate::display::{bundle, display};
use crate::interrupt::Interrupt;
use crate::magic::Command;
use crate::outlet::{Bundle, Failure, Outlet, Output, Silence, plain};
use crate::runs;

/// What a frontend asks for.
#[derive(Clone, Debug, Default)]
pub struct Execute {
    /// The cell.
    pub code: String,
    /// Shows nothing, counts nothing, keeps nothing.
    pub silent: bool,
    /// Counts the cell and keeps it in the history.
    pub store_history: bool,
    /// Name → expression, to be evaluated afterwards.
    pub user_expressions: Map<String, Value>,
    /// A failure ends the requests that wait already.
    pub stop_on_error: bool,
}

impl Execute {
    /// Reads a request's content; what is missing gets the protocol's default.
    pub fn parse(content: &Map<String, Value>) -> Self {
        let silent = flag(content, "silent", false);
        Self {
            code: text(content, "code").to_owned(),
            silent,
            store_history: flag(content, "store_history", true) && !silent,
            user_expressions: content
                .get("user_expressions")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            stop_on_error: flag(content, "stop_on_error", true),
        }
    }
}

/// How a cell went.
#[derive(Debug)]
pub struct Executed {
    /// The number of the cell.
    pub count: u32,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Pages to show beside the output.
    pub pages: Vec<Bundle>,
    /// What the frontend should put into the cell.
    pub replacement: Option<String>,
    /// Name → bundle or error.
    pub user_expressions: Map<String, Value>,
}

impl Executed {
    /// The content of the reply.
    pub fn reply(&self) -> Value {
        let pages = self.pages.iter().map(|page| json!({ "source": "page", "data": page.data, "start": 0 }));
        let replacement = self
            .replacement
            .iter()
            .map(|text| json!({ "source": "set_next_input", "text": text, "replace": true }));
        let payload: Vec<Value> = pages.chain(replacement).collect();
        let mut reply = match &self.failure {
            Some(failure) => error_reply(failure),
            None => json!({ "status": "ok" }),
        };
        reply["execution_count"] = self.count.into();
        reply["payload"] = payload.into();
        reply["user_expressions"] = self.user_expressions.clone().into();
        reply
    }
}

impl Shell {
    /// Runs a cell and shows what happens.
    pub fn execute(&mut self, request: &Execute, interrupt: &Interrupt, outlet: &dyn Outlet) -> Executed {
        let outlet = if request.silent { &Silence } else { outlet };
        if request.store_history {
            self.count += 1;
            self.history.append(self.count, &request.code);
        }
        let count = self.count;
        outlet.put(Output::Input { code: request.code.clone(), count });
        let mut executed = Executed {
            count,
            failure: None,
            pages: Vec::new(),
            replacement: None,
            user_expressions: Map::new(),
        };
        let failure = self.run(&request.code, interrupt, outlet, &mut executed).err();
        if let Some(failure) = &failure {
            outlet.put(Output::Error(failure.clone()));
        }
        if failure.is_none() {
            for (name, expression) in &request.user_expressions {
                let value = match self.evaluate(expression.as_str().unwrap_or_default()) {
                    Ok(bundle) => json!({ "status": "ok", "data": bundle.data, "metadata": bundle.metadata }),
                    Err(failure) => error_reply(&failure),
                };
                executed.user_expressions.insert(name.clone(), value);
            }
        }
        Executed { failure, ..executed }
    }

    fn run(
        &mut self,
        code: &str,
        interrupt: &Interrupt,
        outlet: &dyn Outlet,
        executed: &mut Executed,
    ) -> Result<(), Failure> {
        if let Some(name) = asked_for(code) {
            executed.pages.push(self.describe(name)?);
            return Ok(());
        }
        let name = format!("cell {}", self.count);
        let mut cell = Cell::parse(&name, code).map_err(|fault| Failure {
            name: "MagicError".into(),
            value: fault.message.clone(),
            traceback: fault.render(&Source::new(name.clone(), code)),
        })?;
        if cell.commands.contains(&Command::Format) {
            let laid_out = cell.laid_out().map_err(|refusal| match refusal {
                format::Refusal::Program(diagnostics) => {
                    runs::refused(&Refusal::Program(diagnostics), &cell.written)
                }
                format::Refusal::WouldChange => Failure::plain("FormatError", refusal.to_string()),
            })?;
            executed.replacement = Some(laid_out);
            return Ok(());
        }
        for command in &cell.commands {
            self.command(command, outlet, &mut executed.pages)?;
        }
        if !cell.has_program() {
            return Ok(());
        }
        cell.load(&*self.host, self.tracer.environment());
        self.tracer.environment_mut().cell = name;
        runs::run(&mut *self.tracer, &cell, self.settings, self.count, interrupt, outlet)
    }

    /// The value of an expression: a map as it is, anything else by running it.
    fn evaluate(&mut self, expression: &str) -> Result<Bundle, Failure> {
        let expression = expression.trim();
        if let Some(name) = expression.strip_prefix('@')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        {
            return match self.tracer.snapshot(name) {
                Ok(Some(snapshot)) => Ok(bundle::complete(&display(&[snapshot], None))),
                Ok(None) => Err(Failure::plain("NameError", format!("there is no map @{name}"))),
                Err(error) => Err(Failure::plain("LinuxError", error.to_string())),
            };
        }
        let source = Source::new("expression", expression);
        let source = load(&source, &*self.host, self.tracer.environment());
        let mut running = self
            .tracer
            .start(&source, &Options::default())
            .map_err(|refusal| runs::refused(&refusal, &source))?;
        let is_expression = running.is_finished();
        running.stop().map_err(|error| Failure::plain("LinuxError", error.to_string()))?;
        let mut value = None;
        while let Some(event) = running.next_event(Instant::now() + runs::LAST_EVENT) {
            if let Event::Result(result) = event {
                value = Some(plain(clean(result.to_string().as_bytes())));
            }
        }
        value
            .filter(|_| is_expression)
            .ok_or_else(|| Failure::plain("ValueError", format!("`{expression}` is not an expression")))
    }
}

/// The name in `name?` or `?name`.
fn asked_for(code: &str) -> Option<&str> {
    let code = code.trim();
    let name = code.strip_suffix('?').or_else(|| code.strip_prefix('?'))?.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| !c.is_whitespace() && !";{}()?".contains(c));
    is_name.then_some(name)
}
