//! [`Handle`] and what a program kept of it → its text: names of users, addresses, times, paths of cgroups.
//!
//! *Not here:* the bytes of values (`value`), the time of day by itself (`clock`).

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use probebook_lang::types::handle::Handle;

use crate::value::Value;
use crate::{cgroup, clock};

/// Linux's AF_INET6.
const IPV6: u64 = 10;
/// How long a name of a user holds before it is asked for again.
const FRESH: Duration = Duration::from_secs(1);

/// The text of a handle.
pub fn text(handle: Handle, raw: &Value) -> Vec<u8> {
    let parts = match raw {
        Value::Tuple(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    let number = |index: usize| parts.get(index).map_or(0, Value::bits);
    let words = |index: usize| match parts.get(index) {
        Some(Value::String(text)) => text.as_slice(),
        _ => &[],
    };
    match handle {
        Handle::Inet => inet(number(0), &parts.get(1).map(bytes).unwrap_or_default()),
        Handle::Mac => mac(&bytes(raw)),
        Handle::Username => username(number(0)),
        Handle::Timestamp { .. } => clock::format(words(2), clock::wall(number(0), number(1) == 1)),
        Handle::CgroupPath { .. } => cgroup::path(number(0), words(1)),
    }
}

/// The bytes of an array of them.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.bits() as u8).collect(),
        _ => Vec::new(),
    }
}

fn inet(family: u64, bytes: &[u8]) -> Vec<u8> {
    if family == IPV6
        && let Some(bytes) = bytes.first_chunk::<16>()
    {
        return Ipv6Addr::from(*bytes).to_string().into();
    }
    bytes.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).to_string().into()).unwrap_or_default()
}

fn mac(bytes: &[u8]) -> Vec<u8> {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":").into()
}

/// The name of a user; the id where it has none.
fn username(id: u64) -> Vec<u8> {
    /// By id, with the time of asking.
    type Names = BTreeMap<u64, (Instant, Vec<u8>)>;
    static NAMES: Mutex<Names> = Mutex::new(Names::new());
    let Ok(mut names) = NAMES.lock() else { return look_up(id) };
    match names.get(&id) {
        Some((when, name)) if when.elapsed() < FRESH => name.clone(),
        _ => {
            let name = look_up(id);
            names.insert(id, (Instant::now(), name.clone()));
            name
        }
    }
}

fn look_up(id: u64) -> Vec<u8> {
    let unnamed = || id.to_string().into_bytes();
    let Ok(id) = libc::uid_t::try_from(id) else { return unnamed() };
    let mut room = vec![0; 16 << 10];
    // SAFETY: the structures are filled before they are read; strings lie in `room`, which lives long enough
    // and whose length is passed.
    unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        let mut found = std::ptr::null_mut();
        libc::getpwuid_r(id, &raw mut entry, room.as_mut_ptr(), room.len(), &raw mut found);
        if found.is_null() { unnamed() } else { CStr::from_ptr(entry.pw_name).to_bytes().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(bytes: &[u8]) -> Value {
        Value::Array(bytes.iter().map(|&byte| Value::Uint(byte.into())).collect())
    }

    fn shown(handle: Handle, raw: &Value) -> String {
        String::from_utf8(text(handle, raw)).unwrap()
    }

    #[test]
    fn addresses() {
        let mut sixteen = [0; 16];
        sixteen[..4].copy_from_slice(&[127, 0, 0, 1]);
        let address = |family| Value::Tuple(vec![Value::Uint(family), array(&sixteen)]);
        assert_eq!(shown(Handle::Inet, &address(2)), "127.0.0.1");
        assert_eq!(shown(Handle::Inet, &address(10)), "7f00:1::");
        let card = array(&[0x18, 0xc0, 0x4d, 8, 0x2e, 0xbb]);
        assert_eq!(shown(Handle::Mac, &card), "18:C0:4D:08:2E:BB");
    }

    #[test]
    fn users() {
        assert_eq!(shown(Handle::Username, &Value::Uint(0)), "root");
        assert_eq!(shown(Handle::Username, &Value::Uint(4_123_456_789)), "4123456789");
        assert_eq!(shown(Handle::Username, &Value::Uint(1 << 40)), "1099511627776");
    }
}
