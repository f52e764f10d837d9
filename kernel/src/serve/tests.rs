//! A whole kernel over real sockets, on a scripted machine.

use std::time::Duration;

use probebook_ebpf::event::Event;
use probebook_ebpf::value::Value as Decoded;
use serde_json::{Value, json};
use tokio::time::timeout;
use zeromq::{DealerSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqMessage};

use super::*;
use crate::shell::scripted::{Script, shell};
use crate::wire::Signer;

/// A frontend.
struct Client {
    signer: Signer,
    shell: DealerSocket,
    control: DealerSocket,
    iopub: SubSocket,
    kernel: tokio::task::JoinHandle<io::Result<()>>,
}

impl Client {
    async fn start() -> Self {
        let listeners: Vec<_> = (0..5).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().unwrap().port()).collect();
        drop(listeners);
        let file = json!({
            "shell_port": ports[0], "control_port": ports[1], "iopub_port": ports[2], "stdin_port": ports[3],
            "hb_port": ports[4], "ip": "127.0.0.1", "key": "k", "transport": "tcp",
            "signature_scheme": "hmac-sha256",
        });
        let connection = Connection::parse(&file.to_string()).unwrap();
        let served = connection.clone();
        let kernel = tokio::spawn(async move { run(&served, shell(script)).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut client = Self {
            signer: Signer::new(b"k"),
            shell: DealerSocket::new(),
            control: DealerSocket::new(),
            iopub: SubSocket::new(),
            kernel,
        };
        client.shell.connect(&connection.shell()).await.unwrap();
        client.control.connect(&connection.control()).await.unwrap();
        client.iopub.connect(&format!("tcp://{}", connection.iopub())).await.unwrap();
        client.iopub.subscribe("").await.unwrap();
        assert_eq!(client.broadcast().await.0, "iopub_welcome");
        client
    }

    fn request(&self, kind: &str, content: &Value) -> ZmqMessage {
        let frames = self.signer.encode(kind, &Parent::none(), content);
        let mut frames = frames.into_iter();
        let mut message = ZmqMessage::from(frames.next().unwrap());
        frames.for_each(|frame| message.push_back(frame.into()));
        message
    }

    async fn send(&mut self, kind: &str, content: Value) {
        let request = self.request(kind, &content);
        self.shell.send(request).await.unwrap();
    }

    async fn execute(&mut self, code: &str) {
        self.send("execute_request", json!({ "code": code })).await;
    }

    async fn reply(&mut self) -> (String, Value) {
        decode(&self.signer, timeout(Duration::from_secs(5), self.shell.recv()).await.unwrap().unwrap())
    }

    async fn broadcast(&mut self) -> (String, Value) {
        decode(&self.signer, timeout(Duration::from_secs(5), self.iopub.recv()).await.unwrap().unwrap())
    }

    /// What is broadcast up to the next `idle`, by type.
    async fn until_idle(&mut self) -> Vec<String> {
        let mut kinds = Vec::new();
        loop {
            let (kind, content) = self.broadcast().await;
            if content["execution_state"] == "idle" {
                return kinds;
            }
            kinds.push(kind);
        }
    }
}

fn decode(signer: &Signer, message: ZmqMessage) -> (String, Value) {
    let message = signer.decode(message.iter().map(|frame| &frame[..])).unwrap();
    (message.kind, Value::Object(message.content))
}

/// `fail` fails after a while, `forever` runs, `panic` breaks us; anything else is 1.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a script")]
fn script(
    source: &probebook_lang::source::Source,
    _: &probebook_ebpf::tracer::Options,
) -> Result<Script, probebook_ebpf::tracer::Refusal> {
    let attached = Script { probes: vec!["interval:s:1".into()], ..Script::default() };
    Ok(match source.text().trim() {
        "fail" => Script { events: vec![(Duration::from_millis(200), Event::Exit(1))], ..attached },
        "forever" => attached,
        "panic" => panic!("as told"),
        _ => Script { events: vec![(Duration::ZERO, Event::Result(Decoded::Int(1)))], ..Script::default() },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_aborts_what_waited_and_nothing_else() {
    let mut client = Client::start().await;
    for code in ["fail", "waiting", "waiting"] {
        client.execute(code).await;
    }
    assert_eq!(client.reply().await.1["ename"], "Exit");
    for _ in 0..2 {
        let (kind, content) = client.reply().await;
        assert_eq!((kind.as_str(), content), ("execute_reply", json!({ "status": "aborted" })));
    }
    client.execute("later").await;
    assert_eq!(client.reply().await.1["status"], "ok");
    assert_eq!(
        client.until_idle().await,
        ["status", "execute_input", "display_data", "update_display_data", "error"]
    );
    assert_eq!(client.until_idle().await, ["status"]);
    assert_eq!(client.until_idle().await, ["status"]);
    assert_eq!(client.until_idle().await, ["status", "execute_input", "execute_result"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_on_either_channel_ends_the_cell() {
    let mut client = Client::start().await;
    for on_shell in [true, false] {
        client.execute("%%trace forever\nforever").await;
        while client.broadcast().await.0 != "display_data" {}
        if on_shell {
            client.send("interrupt_request", json!({})).await;
            assert_eq!(client.reply().await.0, "interrupt_reply");
        } else {
            let request = client.request("interrupt_request", &json!({}));
            client.control.send(request).await.unwrap();
        }
        assert_eq!(client.reply().await.1["status"], "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_answered() {
    let mut client = Client::start().await;
    client.execute("panic").await;
    let (_, content) = client.reply().await;
    assert_eq!(content["ename"], "InternalError");
    assert!(content["evalue"].as_str().unwrap().contains("as told"));
    client.send("create_subshell_request", json!({})).await;
    let (kind, content) = client.reply().await;
    assert_eq!((kind.as_str(), &content["status"]), ("create_subshell_reply", &json!("error")));
    client.send("comm_open", json!({ "comm_id": "x" })).await;
    while client.broadcast().await.0 != "comm_close" {}
    client.execute("still there").await;
    assert_eq!(client.reply().await.1["status"], "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_a_running_cell_and_the_kernel() {
    let mut client = Client::start().await;
    client.execute("%%trace forever\nforever").await;
    while client.broadcast().await.0 != "display_data" {}
    let request = client.request("shutdown_request", &json!({ "restart": true }));
    client.control.send(request).await.unwrap();
    let reply = timeout(Duration::from_secs(2), client.control.recv()).await.unwrap().unwrap();
    assert_eq!(decode(&client.signer, reply).1["restart"], true);
    timeout(Duration::from_secs(4), client.kernel).await.unwrap().unwrap().unwrap();
}
