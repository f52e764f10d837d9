//! The bytes of a record → the values of its fields, by the layout that the record carries.

use probebook_lang::ir::Record;

use crate::value::Value;

/// The fields in order; bytes that are missing read as zeros.
pub fn decode(record: &Record, bytes: &[u8]) -> Vec<Value> {
    let field = |field: &probebook_lang::types::layout::Part| {
        Value::decode(&field.layout, bytes.get(field.offset as usize..).unwrap_or_default())
    };
    record.fields.iter().map(field).collect()
}
