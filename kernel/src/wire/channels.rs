//! [`Connection`] → bound sockets: shell, control and stdin (ROUTER), heartbeat (REP), iopub ([`Publisher`]).
//!
//! *Invariant:* a bad message or a peer that went away never ends a channel.

use std::io;

use serde_json::Value;
use tokio::sync::mpsc;
use zeromq::{
    RepSocket, RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage,
};

use super::{Connection, Message, Publisher, Signer};

/// All channels of a kernel, listening.
pub struct Channels {
    /// Requests to run code and to ask about it.
    pub shell: Requests,
    /// Requests that must not wait for the shell.
    pub control: Requests,
    /// Where everything that happens is broadcast.
    pub iopub: Publisher,
}

/// Listens on all channels. The heartbeat and stdin serve themselves from then on: one echoes, the other
/// discards, since nothing ever asks the frontend for input.
///
/// # Errors
/// A port is taken.
pub async fn bind(connection: &Connection) -> io::Result<Channels> {
    let signer = Signer::new(connection.key());
    let iopub = Publisher::bind(&connection.iopub(), signer.clone()).await?;
    let shell = Requests::bind(&connection.shell(), signer.clone()).await?;
    let control = Requests::bind(&connection.control(), signer.clone()).await?;
    let mut stdin = Requests::bind(&connection.stdin(), signer).await?;
    tokio::spawn(async move {
        loop {
            stdin.next().await;
        }
    });
    let mut heartbeat = RepSocket::new();
    heartbeat.bind(&connection.heartbeat()).await.map_err(io::Error::other)?;
    tokio::spawn(async move {
        loop {
            match heartbeat.recv().await {
                Ok(beat) => drop(heartbeat.send(beat).await),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    Ok(Channels { shell, control, iopub })
}

/// The requests of one ROUTER socket.
pub struct Requests {
    receiver: RouterRecvHalf,
    signer: Signer,
    replier: Replier,
}

impl Requests {
    async fn bind(endpoint: &str, signer: Signer) -> io::Result<Self> {
        let mut socket = RouterSocket::new();
        socket.bind(endpoint).await.map_err(|e| io::Error::other(format!("{endpoint}: {e}")))?;
        let (sender, receiver) = socket.split();
        let (replies, queue) = mpsc::unbounded_channel();
        tokio::spawn(send_replies(sender, queue));
        Ok(Self { receiver, replier: Replier { signer: signer.clone(), replies }, signer })
    }

    /// The next well-formed request; others are reported on stderr and left out.
    pub async fn next(&mut self) -> Message {
        loop {
            match self.receiver.recv().await {
                Ok(frames) => match self.signer.decode(frames.iter().map(|frame| &frame[..])) {
                    Ok(message) => return message,
                    Err(reason) => eprintln!("probebook: message ignored: {reason}"),
                },
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Where replies to these requests go.
    pub fn replier(&self) -> Replier {
        self.replier.clone()
    }
}

async fn send_replies(mut sender: RouterSendHalf, mut queue: mpsc::UnboundedReceiver<ZmqMessage>) {
    while let Some(reply) = queue.recv().await {
        if let Err(reason) = sender.send(reply).await {
            eprintln!("probebook: reply not delivered: {reason}");
        }
    }
}

/// Sends replies, from any thread, without waiting.
#[derive(Clone)]
pub struct Replier {
    signer: Signer,
    replies: mpsc::UnboundedSender<ZmqMessage>,
}

impl Replier {
    /// Replies to `request`: `execute_request` is answered by `execute_reply`.
    pub fn reply(&self, request: &Message, content: &Value) {
        let stem = request.kind.strip_suffix("_request").unwrap_or(&request.kind);
        let frames = self.signer.encode(&format!("{stem}_reply"), &request.parent, content);
        let mut all = request.identities.iter().cloned().chain(frames);
        let Some(first) = all.next() else { return };
        let mut reply = ZmqMessage::from(first);
        for frame in all {
            reply.push_back(frame.into());
        }
        // Fails only when the socket's task is gone, at the end of the process.
        drop(self.replies.send(reply));
    }
}
