//! Bytes ↔ frames: as much of ZMTP 3.0 as a publisher needs, with the NULL mechanism.
//!
//! Specification: <https://rfc.zeromq.org/spec/23/>. We announce minor version 0, so that a peer sends its
//! subscriptions as messages; those of 3.1, which are commands, are understood as well.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// More frames of the same message follow.
const MORE: u8 = 1;
/// The size has 8 bytes.
const LONG: u8 = 2;
/// The frame is a command.
const COMMAND: u8 = 4;
/// A subscriber sends topics only; whoever sends more is no subscriber.
const MAX_INCOMING: u64 = 64 * 1024;

/// What a subscriber says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// It wants messages whose topic starts so.
    Subscribe(Vec<u8>),
    /// It does not want them any more.
    Cancel(Vec<u8>),
    /// It wants this context back.
    Ping(Vec<u8>),
    /// Anything else.
    Other,
}

/// Exchanges greetings and READY commands.
///
/// # Errors
/// The peer does not speak ZMTP 3, wants another mechanism, or is no subscriber.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut greeting = [0u8; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting).await?;
    let mut theirs = [0u8; 64];
    stream.read_exact(&mut theirs).await?;
    if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 {
        return Err(refused("not ZMTP 3"));
    }
    if &theirs[12..17] != b"NULL\0" {
        return Err(refused("mechanism is not NULL"));
    }
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0\x04XPUB".to_vec();
    let header = [COMMAND, ready.len() as u8];
    ready.splice(0..0, header);
    stream.write_all(&ready).await?;
    let (flags, body) = read_frame(stream).await?;
    let properties = body.strip_prefix(b"\x05READY").filter(|_| flags & COMMAND != 0);
    let properties = properties.ok_or_else(|| refused("no READY command"))?;
    match property(properties, b"socket-type") {
        Some(b"SUB" | b"XSUB") => Ok(()),
        _ => Err(refused("not a subscriber")),
    }
}

/// Reads the next frame of a subscriber.
///
/// # Errors
/// The connection ended, or the frame is larger than a subscriber's frames are.
pub(super) async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Incoming> {
    let (flags, mut body) = read_frame(stream).await?;
    if flags & COMMAND == 0 {
        return Ok(match body.first() {
            Some(1) => Incoming::Subscribe(body.split_off(1)),
            Some(0) => Incoming::Cancel(body.split_off(1)),
            _ => Incoming::Other,
        });
    }
    Ok(if let Some(topic) = body.strip_prefix(b"\x09SUBSCRIBE") {
        Incoming::Subscribe(topic.to_vec())
    } else if let Some(topic) = body.strip_prefix(b"\x06CANCEL") {
        Incoming::Cancel(topic.to_vec())
    } else if let Some([_, _, context @ ..]) = body.strip_prefix(b"\x04PING") {
        Incoming::Ping(context.to_vec())
    } else {
        Incoming::Other
    })
}

/// The bytes of a message.
pub(super) fn encode(frames: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.iter().map(|frame| frame.len() + 9).sum());
    for (i, frame) in frames.iter().enumerate() {
        let more = if i + 1 < frames.len() { MORE } else { 0 };
        match u8::try_from(frame.len()) {
            Ok(short) => bytes.extend([more, short]),
            Err(_) => {
                bytes.push(more | LONG);
                bytes.extend((frame.len() as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(frame);
    }
    bytes
}

/// The answer to a PING.
pub(super) fn pong(context: &[u8]) -> Vec<u8> {
    let context = &context[..context.len().min(16)];
    let mut bytes = vec![COMMAND, 5 + context.len() as u8];
    bytes.extend(b"\x04PONG");
    bytes.extend_from_slice(context);
    bytes
}

async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(u8, Vec<u8>)> {
    let flags = stream.read_u8().await?;
    let size = if flags & LONG == 0 { u64::from(stream.read_u8().await?) } else { stream.read_u64().await? };
    if size > MAX_INCOMING {
        return Err(refused("frame too large"));
    }
    let mut body = vec![0; size as usize];
    stream.read_exact(&mut body).await?;
    Ok((flags, body))
}

/// A property of a READY command; names are compared without regard to case.
fn property<'a>(mut rest: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    loop {
        let (&length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(length as usize)?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_frames_have_long_sizes() {
        let bytes = encode(&[&[7; 3], &[8; 300]]);
        assert_eq!(bytes[..5], [MORE, 3, 7, 7, 7]);
        assert_eq!(bytes[5..14], [LONG, 0, 0, 0, 0, 0, 0, 1, 44]);
        assert_eq!(bytes.len(), 14 + 300);
    }

    #[test]
    fn finds_a_property() {
        let ready = b"\x08Identity\0\0\0\0\x0bSocket-Type\0\0\0\x03SUB";
        assert_eq!(property(ready, b"socket-type"), Some(&b"SUB"[..]));
        assert_eq!(property(&ready[..20], b"socket-type"), None);
    }

    #[tokio::test]
    async fn understands_both_ways_to_subscribe() {
        let mut bytes = &b"\0\x03\x01ab\x04\x0c\x09SUBSCRIBEab\0\x01\0\x04\x09\x04PING\0\0xy\0\x01z"[..];
        assert_eq!(receive(&mut bytes).await.unwrap(), Incoming::Subscribe(b"ab".to_vec()));
        assert_eq!(receive(&mut bytes).await.unwrap(), Incoming::Subscribe(b"ab".to_vec()));
        assert_eq!(receive(&mut bytes).await.unwrap(), Incoming::Cancel(vec![]));
        assert_eq!(receive(&mut bytes).await.unwrap(), Incoming::Ping(b"xy".to_vec()));
        assert_eq!(receive(&mut bytes).await.unwrap(), Incoming::Other);
        assert!(receive(&mut bytes).await.is_err());
        assert!(receive(&mut &[LONG, 0, 0, 1, 0, 0, 0, 0, 0][..]).await.is_err());
    }
}
