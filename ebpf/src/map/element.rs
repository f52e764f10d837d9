//! The bytes of an element in one layout → in a wider one, when a map is rebuilt.

use crate::object::{MapSpec, Storage};
use crate::value::Value;

/// A key in the new map's layout.
pub fn recode_key(old: &MapSpec, new: &MapSpec, bytes: &[u8]) -> Vec<u8> {
    let (Some(from), Some(to)) = (&old.key, &new.key) else { return bytes.to_vec() };
    let mut key = vec![0; new.key_size as usize];
    Value::decode(from, bytes).encode(to, &mut key);
    key
}

/// A value in the new map's layout; aggregations have the same in both.
pub fn recode_value(old: &MapSpec, new: &MapSpec, bytes: &[u8]) -> Vec<u8> {
    let (Some(from), Some(to)) = (&old.value, &new.value) else { return bytes.to_vec() };
    let mut value = vec![0; new.value_size as usize];
    Value::decode(from, bytes).encode(to, &mut value);
    if new.storage == Storage::Array {
        let set = &bytes[old.set_offset() as usize..][..8];
        value[new.set_offset() as usize..][..8].copy_from_slice(set);
    }
    value
}
