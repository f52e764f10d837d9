//! Broadcast messages → subscribers: the iopub channel, an XPUB socket of our own.
//!
//! `zeromq`'s XPUB awaits each subscriber in turn, so that one which stopped reading stops all output, and
//! its PUB has no bound in bytes. Here each subscriber has a [`Queue`] and a task of its own; sending never
//! waits. A new subscription is welcomed by an `iopub_welcome` message
//! (<https://jupyter-client.readthedocs.io/en/stable/messaging.html#welcome-message>).
//!
//! *Invariant:* all subscribers get messages in the order of the calls to [`Publisher::send`].

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

pub use super::queue::Kind;
use super::queue::{Broadcast, Outgoing, Queue};
use super::zmtp::{self, Incoming};
use super::{Parent, Signer};

/// Bytes that wait for one subscriber before text is folded.
const QUEUE_BYTES: usize = 16 << 20;
/// A peer that has not introduced itself by then is dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Sends to all subscribers, from any thread, without waiting.
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    signer: Signer,
    peers: Mutex<Peers>,
}

#[derive(Default)]
struct Peers {
    by_number: HashMap<u64, Arc<Peer>>,
    next: u64,
}

struct Peer {
    state: Mutex<PeerState>,
    /// Something was queued, or the peer was given up.
    wake: Notify,
}

struct PeerState {
    queue: Queue,
    topics: Vec<Vec<u8>>,
    given_up: bool,
    /// The writer has taken something from the queue and not yet handed it to Linux.
    writing: bool,
}

impl Publisher {
    /// Listens at `address` (`host:port`).
    ///
    /// # Errors
    /// The port is taken.
    pub async fn bind(address: &str, signer: Signer) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|e| io::Error::new(e.kind(), format!("tcp://{address}: {e}")))?;
        let publisher = Self { shared: Arc::new(Shared { signer, peers: Mutex::default() }) };
        let accepting = publisher.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(accepting.clone().serve(stream))),
                    // Out of descriptors, most likely; some will be free again.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(publisher)
    }

    /// Sends a message to all that have subscribed to its topic, `kernel.SESSION.TYPE`.
    pub fn send(&self, kind: Kind, message_type: &str, parent: &Parent, content: &Value) {
        let topic = format!("kernel.{}.{message_type}", self.shared.signer.session()).into_bytes();
        let frames = self.shared.signer.encode(message_type, parent, content);
        let bytes = encode(&topic, &frames);
        let message = Arc::new(Broadcast { topic, kind, parent: parent.clone(), bytes });
        // The lock is held over all peers, so that all see the same order.
        let peers = lock(&self.shared.peers);
        for peer in peers.by_number.values() {
            let mut state = lock(&peer.state);
            if state.topics.iter().any(|topic| message.topic.starts_with(topic))
                && !state.given_up
                && state.queue.push(message.clone()).is_err()
            {
                eprintln!("probebook: a frontend stopped reading its output and was disconnected");
                state.given_up = true;
            }
            peer.wake.notify_one();
        }
    }

    /// Waits until everything was handed to Linux, but not longer than `limit`.
    pub async fn flush(&self, limit: Duration) {
        let is_idle = || {
            let peers = lock(&self.shared.peers);
            peers.by_number.values().all(|peer| {
                let state = lock(&peer.state);
                state.given_up || (state.queue.is_empty() && !state.writing)
            })
        };
        let wait = async {
            while !is_idle() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        // Past the limit a slow subscriber loses the rest.
        drop(timeout(limit, wait).await);
    }

    async fn serve(self, mut stream: TcpStream) {
        // Latency matters more than packets; without it things still work.
        drop(stream.set_nodelay(true));
        if !matches!(timeout(HANDSHAKE, zmtp::handshake(&mut stream)).await, Ok(Ok(()))) {
            return;
        }
        let peer = Arc::new(Peer {
            state: Mutex::new(PeerState {
                queue: Queue::new(QUEUE_BYTES),
                topics: Vec::new(),
                given_up: false,
                writing: false,
            }),
            wake: Notify::new(),
        });
        let number = {
            let mut peers = lock(&self.shared.peers);
            peers.next += 1;
            let number = peers.next;
            peers.by_number.insert(number, peer.clone());
            number
        };
        let (reader, writer) = stream.into_split();
        tokio::select! {
            _ = self.read(reader, &peer) => {}
            _ = self.write(writer, &peer) => {}
        }
        lock(&self.shared.peers).by_number.remove(&number);
    }

    async fn read(&self, mut stream: impl AsyncRead + Unpin, peer: &Peer) -> io::Result<()> {
        loop {
            let incoming = zmtp::receive(&mut stream).await?;
            let mut state = lock(&peer.state);
            match incoming {
                Incoming::Subscribe(topic) => {
                    let welcome = self.welcome(&topic);
                    state.queue.push_private(welcome);
                    state.topics.push(topic);
                }
                Incoming::Cancel(topic) => {
                    if let Some(index) = state.topics.iter().position(|t| *t == topic) {
                        state.topics.swap_remove(index);
                    }
                }
                Incoming::Ping(context) => state.queue.push_private(zmtp::pong(&context)),
                Incoming::Other => {}
            }
            drop(state);
            peer.wake.notify_one();
        }
    }

    async fn write(&self, mut stream: impl AsyncWrite + Unpin, peer: &Peer) -> io::Result<()> {
        loop {
            let next = {
                let mut state = lock(&peer.state);
                if state.given_up {
                    return Ok(());
                }
                let next = state.queue.pop();
                state.writing = next.is_some();
                next
            };
            match next {
                None => peer.wake.notified().await,
                Some(Outgoing::Message(message)) => self.write_all(&mut stream, peer, &message.bytes).await?,
                Some(Outgoing::Private(bytes)) => self.write_all(&mut stream, peer, &bytes).await?,
                Some(Outgoing::Folded { parent, name, lines, bytes }) => {
                    let marker = self.marker(&parent, name, lines, bytes);
                    self.write_all(&mut stream, peer, &marker).await?;
                }
            }
        }
    }

    /// Writes, unless the peer is given up meanwhile.
    async fn write_all(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        peer: &Peer,
        bytes: &[u8],
    ) -> io::Result<()> {
        let write = stream.write_all(bytes);
        tokio::pin!(write);
        loop {
            tokio::select! {
                result = &mut write => return result,
                () = peer.wake.notified() => {
                    if lock(&peer.state).given_up {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
            }
        }
    }

    fn welcome(&self, topic: &[u8]) -> Vec<u8> {
        let content = json!({ "subscription": String::from_utf8_lossy(topic) });
        encode(topic, &self.shared.signer.encode("iopub_welcome", &Parent::none(), &content))
    }

    fn marker(&self, parent: &Parent, name: &str, lines: u64, bytes: u64) -> Vec<u8> {
        let s = if lines == 1 { "" } else { "s" };
        let text = format!("… {lines} line{s} more ({bytes} bytes): this frontend reads too slowly\n");
        let topic = format!("kernel.{}.stream", self.shared.signer.session());
        let content = json!({ "name": name, "text": text });
        encode(topic.as_bytes(), &self.shared.signer.encode("stream", parent, &content))
    }
}

fn encode(topic: &[u8], frames: &[Vec<u8>]) -> Vec<u8> {
    let all: Vec<&[u8]> = std::iter::once(topic).chain(frames.iter().map(Vec::as_slice)).collect();
    zmtp::encode(&all)
}

/// A panic elsewhere must not silence the kernel: what the locks guard is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use zeromq::{Socket, SocketRecv, SubSocket};

    use super::*;

    async fn publisher() -> (Publisher, String) {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        (Publisher::bind(&address, Signer::new(b"key")).await.unwrap(), format!("tcp://{address}"))
    }

    async fn next(socket: &mut SubSocket) -> (String, Value) {
        let frames = timeout(Duration::from_secs(5), socket.recv()).await.unwrap().unwrap();
        let message = Signer::new(b"key").decode(frames.iter().map(|frame| &frame[..])).unwrap();
        (message.kind, Value::Object(message.content))
    }

    #[tokio::test]
    async fn welcomes_then_sends_what_was_subscribed() {
        let (publisher, endpoint) = publisher().await;
        let mut socket = SubSocket::new();
        socket.connect(&endpoint).await.unwrap();
        let topic = format!("kernel.{}.stream", publisher.shared.signer.session());
        socket.subscribe(&topic).await.unwrap();
        assert_eq!(next(&mut socket).await, ("iopub_welcome".into(), json!({ "subscription": topic })));
        publisher.send(Kind::Needed, "status", &Parent::none(), &json!({"execution_state": "busy"}));
        let content = json!({"name": "stdout", "text": "x".repeat(1000)});
        publisher.send(Kind::Stream { name: "stdout", lines: 0 }, "stream", &Parent::none(), &content);
        assert_eq!(next(&mut socket).await, ("stream".into(), content));
    }

    #[tokio::test]
    async fn a_stalled_subscriber_does_not_hinder_another() {
        let (publisher, endpoint) = publisher().await;
        let mut stalled = SubSocket::new();
        let mut reading = SubSocket::new();
        for socket in [&mut stalled, &mut reading] {
            socket.connect(&endpoint).await.unwrap();
            socket.subscribe("").await.unwrap();
            assert_eq!(next(socket).await.0, "iopub_welcome");
        }
        // Far more than socket buffers and queue hold; `stalled` is not read until the end.
        let content = json!({"name": "stdout", "text": "x".repeat(1 << 20)});
        for _ in 0..60 {
            publisher.send(Kind::Stream { name: "stdout", lines: 1 }, "stream", &Parent::none(), &content);
            assert_eq!(next(&mut reading).await.0, "stream");
        }
        let mut folded = 0;
        let mut whole = 0;
        while folded + whole < 60 {
            let text = next(&mut stalled).await.1["text"].as_str().unwrap().to_owned();
            match text.strip_prefix("… ") {
                None => whole += 1,
                Some(rest) => folded += rest.split(' ').next().unwrap().parse::<u64>().unwrap(),
            }
        }
        assert!(folded > 0 && whole > 10, "{folded} folded, {whole} whole");
    }

    #[tokio::test]
    async fn survives_garbage() {
        let (publisher, endpoint) = publisher().await;
        let mut stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        drop(stream);
        publisher.send(Kind::Needed, "status", &Parent::none(), &json!({}));
        publisher.flush(Duration::from_secs(1)).await;
    }
}
