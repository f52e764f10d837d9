//! [`Channels`](crate::wire::Channels) and a [`Shell`] → a Jupyter kernel: which request is handled when.
//!
//! Requests of the shell channel wait in a queue for the executor, a thread that runs one after the other.
//! Those of the control channel are answered at once. Interrupt and shutdown are recognised on the shell
//! channel as well, before they are queued, because some frontends send them there.
//!
//! *Invariant:* every request gets a reply, between `busy` and `idle` of its own; the reply goes out before
//! `idle`.
//!
//! *Not here:* what requests mean (`shell`).

mod frontend;
mod parent;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::interrupt::Interrupt;
use crate::outlet::{Failure, Outlet, Output};
use crate::shell::{Execute, Shell, error_reply, guarded, info};
use crate::wire::{Connection, Kind, Message, Parent, Publisher, Replier, bind};

use frontend::Frontend;

/// How long a running cell gets to end when the kernel shuts down.
const LAST_CELL: Duration = Duration::from_secs(2);
/// How long frontends get to read the last messages.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A request of the shell channel that waits for the executor.
struct Queued {
    message: Message,
    arrived: Instant,
}

/// Serves one frontend session; returns when it ends.
///
/// # Errors
/// The connection file or a port is of no use.
pub fn serve(connection_file: &Path, shell: Shell) -> io::Result<()> {
    parent::watch();
    let connection = Connection::read(connection_file)?;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(run(&connection, shell));
    // A stuck cell must not keep the process: what it attached ends with the process.
    runtime.shutdown_background();
    served
}

async fn run(connection: &Connection, shell: Shell) -> io::Result<()> {
    let mut channels = bind(connection).await?;
    let interrupt = Interrupt::default();
    let (queue, waiting) = channel();
    let (done, mut executor_done) = oneshot::channel();
    let executor = Executor {
        shell,
        publisher: channels.iopub.clone(),
        replier: channels.shell.replier(),
        interrupt: interrupt.clone(),
        abort: None,
    };
    let thread = std::thread::Builder::new().name("executor".into()).stack_size(probebook_lang::STACK);
    thread.spawn(move || {
        executor.run(&waiting);
        // Nobody waits any more when the process is about to end anyway.
        let _ = done.send(());
    })?;
    channels.iopub.send(Kind::Needed, "status", &Parent::none(), &json!({ "execution_state": "starting" }));
    let mut urgent = Urgent { publisher: channels.iopub.clone(), interrupt: interrupt.clone() };
    let (shell_replier, control_replier) = (channels.shell.replier(), channels.control.replier());
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut signals = signal(SignalKind::user_defined1())?;
    let mut is_done = false;
    loop {
        let shutdown = tokio::select! {
            message = channels.control.next() => urgent.answer(&message, &control_replier),
            message = channels.shell.next() => receive(message, &mut urgent, &shell_replier, &queue),
            _ = interrupts.recv() => {
                interrupt.interrupt();
                false
            }
            _ = terminations.recv() => true,
            _ = signals.recv() => {
                interrupt.signal();
                false
            }
            _ = &mut executor_done, if !is_done => {
                is_done = true;
                true
            }
        };
        if shutdown {
            break;
        }
    }
    interrupt.close();
    drop(queue);
    // Past the limit the cell is cut off.
    if !is_done {
        drop(tokio::time::timeout(LAST_CELL, &mut executor_done).await);
    }
    channels.iopub.flush(LAST_WORDS).await;
    // Replies are handed to Linux by another task.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

/// Takes a message of the shell channel; gives whether to shut down.
fn receive(message: Message, urgent: &mut Urgent, replier: &Replier, queue: &Sender<Queued>) -> bool {
    if matches!(message.kind.as_str(), "interrupt_request" | "shutdown_request") {
        return urgent.answer(&message, replier);
    }
    // Fails only when the executor has gone, which ends the loop.
    queue.send(Queued { message, arrived: Instant::now() }).is_err()
}

/// Answers what must not wait.
struct Urgent {
    publisher: Publisher,
    interrupt: Interrupt,
}

impl Urgent {
    /// Gives whether to shut down.
    fn answer(&mut self, message: &Message, replier: &Replier) -> bool {
        let frontend = Frontend::new(&self.publisher, &message.parent);
        frontend.status("busy");
        let mut shutdown = false;
        let reply = match message.kind.as_str() {
            "kernel_info_request" => info(),
            "interrupt_request" => {
                self.interrupt.interrupt();
                json!({ "status": "ok" })
            }
            "shutdown_request" => {
                shutdown = true;
                let restart = message.content.get("restart").and_then(Value::as_bool).unwrap_or(false);
                let content = json!({ "status": "ok", "restart": restart });
                frontend.needed("shutdown_reply", &content);
                content
            }
            kind => unknown(kind),
        };
        replier.reply(message, &reply);
        frontend.status("idle");
        shutdown
    }
}

/// Runs the requests of the shell channel, one after the other.
struct Executor {
    shell: Shell,
    publisher: Publisher,
    replier: Replier,
    interrupt: Interrupt,
    /// Execute requests that arrived before are aborted: a cell before them failed.
    abort: Option<Instant>,
}

impl Executor {
    fn run(mut self, waiting: &Receiver<Queued>) {
        while let Ok(queued) = waiting.recv() {
            if self.interrupt.is_closing() {
                return;
            }
            self.handle(&queued);
        }
    }

    fn handle(&mut self, queued: &Queued) {
        let message = &queued.message;
        if message.kind == "execute_request" {
            self.interrupt.reset();
        }
        let publisher = self.publisher.clone();
        let frontend = Frontend::new(&publisher, &message.parent);
        frontend.status("busy");
        let reply = match message.kind.as_str() {
            "execute_request" if self.abort.is_some_and(|abort| queued.arrived < abort) => {
                Some(json!({ "status": "aborted" }))
            }
            "execute_request" => Some(self.execute(message, &frontend)),
            "comm_open" => {
                // We know no target: the frontend's side is closed again.
                let comm = message.content.get("comm_id").cloned().unwrap_or_default();
                frontend.needed("comm_close", &json!({ "comm_id": comm, "data": {} }));
                None
            }
            kind => match guarded(|| self.shell.answer(kind, &message.content)) {
                Ok(Some(reply)) => Some(reply),
                Ok(None) => kind.ends_with("_request").then(|| unknown(kind)),
                Err(failure) => Some(error_reply(&failure)),
            },
        };
        if let Some(reply) = reply {
            self.replier.reply(message, &reply);
        }
        frontend.status("idle");
    }

    fn execute(&mut self, message: &Message, frontend: &Frontend<'_>) -> Value {
        let request = Execute::parse(&message.content);
        let executed = guarded(|| self.shell.execute(&request, &self.interrupt, frontend));
        let (reply, failed) = match &executed {
            Ok(executed) => (executed.reply(), executed.failure.is_some()),
            Err(failure) => {
                frontend.put(Output::Error(failure.clone()));
                let mut reply = error_reply(failure);
                reply["execution_count"] = self.shell.count().into();
                (reply, true)
            }
        };
        if failed && request.stop_on_error {
            self.abort = Some(Instant::now());
        }
        reply
    }
}

fn unknown(kind: &str) -> Value {
    error_reply(&Failure::plain("NotSupported", format!("{kind} is not supported")))
}
