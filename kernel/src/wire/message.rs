//! Multipart frames ↔ [`Message`]: signatures checked on the way in, made on the way out.
//!
//! *Invariant:* a decoded message was signed with our key, its header is an object with a message id and a
//! type, and its content is an object. The header is kept as the bytes that came, so that a reply echoes
//! also fields that we do not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{PROTOCOL_VERSION, clock};

/// Separates routing identities from the message proper.
const DELIMITER: &[u8] = b"<IDS|MSG>";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sent it, for the way back.
    pub identities: Vec<Vec<u8>>,
    /// The sort of message, as `execute_request`.
    pub kind: String,
    /// The header, to be the parent of all that follows from it.
    pub parent: Parent,
    /// What it says.
    pub content: Map<String, Value>,
}

/// The header of the request that a message follows from, as JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parent(Arc<str>);

impl Parent {
    /// The parent of what nobody asked for.
    pub fn none() -> Self {
        Self("{}".into())
    }
}

/// Why frames are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No delimiter, or too few frames behind it.
    #[error("too few frames")]
    Frames,
    /// Signed with another key, or not at all.
    #[error("wrong signature")]
    Signature,
    /// A part is not the JSON it should be.
    #[error("not a Jupyter message: {0}")]
    Json(&'static str),
}

/// Signs and checks messages, and names those it makes.
#[derive(Clone, Debug)]
pub struct Signer {
    mac: Option<Hmac<Sha256>>,
    session: Arc<str>,
    count: Arc<AtomicU64>,
}

impl Signer {
    /// A signer with the connection's key; with an empty key nothing is signed.
    pub fn new(key: &[u8]) -> Self {
        let mac =
            (!key.is_empty()).then(|| Hmac::new_from_slice(key).expect("HMAC takes keys of any length"));
        Self { mac, session: uuid::Uuid::new_v4().to_string().into(), count: Arc::default() }
    }

    /// The id of this kernel's session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Takes a message apart.
    ///
    /// # Errors
    /// [`Malformed`]; nothing of such a message may be used.
    pub fn decode<'a>(&self, frames: impl Iterator<Item = &'a [u8]>) -> Result<Message, Malformed> {
        let frames: Vec<&[u8]> = frames.collect();
        let delimiter = frames.iter().position(|frame| *frame == DELIMITER).ok_or(Malformed::Frames)?;
        let (identities, rest) = (&frames[..delimiter], &frames[delimiter + 1..]);
        let [signature, header, parent, metadata, content, ..] = rest else { return Err(Malformed::Frames) };
        if let Some(mac) = &self.mac {
            let mut mac = mac.clone();
            for part in [header, parent, metadata, content] {
                mac.update(part);
            }
            let signature = decode_hex(signature).ok_or(Malformed::Signature)?;
            mac.verify_slice(&signature).map_err(|_| Malformed::Signature)?;
        }
        let text = std::str::from_utf8(header).map_err(|_| Malformed::Json("header"))?;
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|_| Malformed::Json("header"))?;
        let kind = fields.get("msg_type").and_then(Value::as_str).ok_or(Malformed::Json("msg_type"))?;
        if !fields.get("msg_id").is_some_and(Value::is_string) {
            return Err(Malformed::Json("msg_id"));
        }
        Ok(Message {
            identities: identities.iter().map(|frame| frame.to_vec()).collect(),
            kind: kind.to_owned(),
            parent: Parent(text.into()),
            content: serde_json::from_slice(content).map_err(|_| Malformed::Json("content"))?,
        })
    }

    /// Puts a message together: the frames behind the routing identities, signed.
    pub fn encode(&self, kind: &str, parent: &Parent, content: &Value) -> Vec<Vec<u8>> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let header = json!({
            "msg_id": format!("{}_{number}", self.session),
            "session": &*self.session,
            "username": "kernel",
            "date": clock::now(),
            "msg_type": kind,
            "version": PROTOCOL_VERSION,
        });
        let parts = [
            header.to_string().into_bytes(),
            parent.0.as_bytes().to_vec(),
            b"{}".to_vec(),
            content.to_string().into_bytes(),
        ];
        let mut signature = Vec::new();
        if let Some(mac) = &self.mac {
            let mut mac = mac.clone();
            for part in &parts {
                mac.update(part);
            }
            signature = encode_hex(&mac.finalize().into_bytes());
        }
        let mut frames = vec![DELIMITER.to_vec(), signature];
        frames.extend(parts);
        frames
    }
}

fn encode_hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| (b as char).to_digit(16);
    text.chunks(2).map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(signer: &Signer) -> Vec<Vec<u8>> {
        let mut frames = vec![b"id".to_vec()];
        frames.extend(signer.encode("execute_request", &Parent::none(), &json!({"code": "1"})));
        frames
    }

    fn decode(signer: &Signer, frames: &[Vec<u8>]) -> Result<Message, Malformed> {
        signer.decode(frames.iter().map(Vec::as_slice))
    }

    #[test]
    fn what_was_encoded_decodes() {
        let signer = Signer::new(b"key");
        let message = decode(&signer, &frames(&signer)).unwrap();
        assert_eq!(message.identities, [b"id".to_vec()]);
        assert_eq!(message.kind, "execute_request");
        assert_eq!(message.content["code"], "1");
    }

    #[test]
    fn the_parent_is_the_header_as_it_came() {
        let signer = Signer::new(b"");
        let header = r#"{"msg_id": "a", "msg_type":"x", "subshell_id": null}"#;
        let parts = ["<IDS|MSG>", "", header, "{}", "{}", "{}"];
        let message = signer.decode(parts.iter().map(|part| part.as_bytes())).unwrap();
        let reply = signer.encode("y", &message.parent, &json!({}));
        assert_eq!(reply[3], header.as_bytes());
    }

    #[test]
    fn a_wrong_signature_is_refused() {
        let signer = Signer::new(b"key");
        assert_eq!(decode(&Signer::new(b"other"), &frames(&signer)).unwrap_err(), Malformed::Signature);
        let mut changed = frames(&signer);
        *changed.last_mut().unwrap() = b"{\"code\": \"2\"}".to_vec();
        assert_eq!(decode(&signer, &changed).unwrap_err(), Malformed::Signature);
        changed[2] = b"zz".to_vec();
        assert_eq!(decode(&signer, &changed).unwrap_err(), Malformed::Signature);
    }

    #[test]
    fn garbage_is_refused() {
        let signer = Signer::new(b"");
        assert_eq!(decode(&signer, &[]).unwrap_err(), Malformed::Frames);
        assert_eq!(decode(&signer, &[DELIMITER.to_vec(), vec![]]).unwrap_err(), Malformed::Frames);
        let mut broken = frames(&signer);
        broken[3] = b"[]".to_vec();
        assert_eq!(decode(&signer, &broken).unwrap_err(), Malformed::Json("header"));
    }

    /// HMAC-SHA256 of RFC 4231, test case 2.
    #[test]
    fn signature_is_hmac_sha256() {
        let mut mac = Signer::new(b"Jefe").mac.unwrap();
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            encode_hex(&mac.finalize().into_bytes()),
            b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
