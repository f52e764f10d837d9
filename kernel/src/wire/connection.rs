//! Connection file → [`Connection`]: where to listen and with which key to sign.

use std::io;
use std::path::Path;

use jupyter_protocol::connection_info::{ConnectionInfo, Transport};

/// Where the frontend expects the kernel.
#[derive(Clone, Debug)]
pub struct Connection {
    info: ConnectionInfo,
}

impl Connection {
    /// Reads a connection file.
    ///
    /// # Errors
    /// The file cannot be read, is not a connection file, or asks for a transport or signature we lack.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(&text).map_err(|reason| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()))
        })
    }

    /// Reads the text of a connection file.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let info: ConnectionInfo =
            serde_json::from_str(text).map_err(|e| format!("not a connection file: {e}"))?;
        if info.transport != Transport::TCP {
            return Err("transport ipc is not supported; start the kernel with transport tcp".into());
        }
        if !info.key.is_empty() && info.signature_scheme != "hmac-sha256" {
            return Err(format!(
                "signature scheme {} is not supported, only hmac-sha256",
                info.signature_scheme
            ));
        }
        Ok(Self { info })
    }

    /// The key of the signatures; empty for none.
    pub fn key(&self) -> &[u8] {
        self.info.key.as_bytes()
    }

    /// `host:port` of the broadcast channel.
    pub fn iopub(&self) -> String {
        self.address(self.info.iopub_port)
    }

    /// ZeroMQ's endpoint of the shell channel.
    pub fn shell(&self) -> String {
        self.endpoint(self.info.shell_port)
    }

    /// ZeroMQ's endpoint of the control channel.
    pub fn control(&self) -> String {
        self.endpoint(self.info.control_port)
    }

    /// ZeroMQ's endpoint of the stdin channel.
    pub fn stdin(&self) -> String {
        self.endpoint(self.info.stdin_port)
    }

    /// ZeroMQ's endpoint of the heartbeat.
    pub fn heartbeat(&self) -> String {
        self.endpoint(self.info.hb_port)
    }

    fn address(&self, port: u16) -> String {
        match self.info.ip.as_str() {
            "*" => format!("0.0.0.0:{port}"),
            ip if ip.contains(':') && !ip.starts_with('[') => format!("[{ip}]:{port}"),
            ip => format!("{ip}:{port}"),
        }
    }

    fn endpoint(&self, port: u16) -> String {
        format!("tcp://{}", self.address(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
        "ip": "127.0.0.1", "key": "k", "transport": "tcp", "signature_scheme": "hmac-sha256",
        "kernel_name": "bpftrace", "jupyter_session": "x"}"#;

    #[test]
    fn reads_jupyters_file() {
        let connection = Connection::parse(FILE).unwrap();
        assert_eq!(connection.shell(), "tcp://127.0.0.1:1");
        assert_eq!(connection.iopub(), "127.0.0.1:2");
        assert_eq!(connection.key(), b"k");
    }

    #[test]
    fn refuses_what_it_cannot_serve() {
        assert!(Connection::parse("{}").is_err());
        assert!(Connection::parse(&FILE.replace("\"tcp\"", "\"ipc\"")).unwrap_err().contains("ipc"));
        assert!(Connection::parse(&FILE.replace("hmac-sha256", "hmac-md5")).unwrap_err().contains("md5"));
    }
}
