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

#[cfg(test)]
mod tests {
    use probebook_lang::ir::{RECORD_HEADER, RecordKind};
    use probebook_lang::source::Span;
    use probebook_lang::types::Type;
    use probebook_lang::types::layout::{Layout, Shape};

    use super::*;

    #[test]
    fn fields_lie_behind_the_header() {
        let types = [Type::int(4, true), Type::String { capacity: 6 }, Type::U64];
        let layout = Layout::sequence(types.iter(), RECORD_HEADER);
        let Shape::Tuple(fields) = layout.shape else { panic!("a sequence") };
        let record =
            Record { kind: RecordKind::PrintValue, fields, size: layout.size, span: Span::default() };
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend((-7i32).to_ne_bytes());
        bytes.extend(b"comm\0x");
        bytes.resize(24, 0);
        bytes.extend(u64::MAX.to_ne_bytes());
        let values = [Value::Int(-7), Value::String(b"comm".into()), Value::Uint(u64::MAX)];
        assert_eq!(decode(&record, &bytes), values);
        let cut = [Value::Int(-7), Value::String(b"co".into()), Value::Uint(0)];
        assert_eq!(decode(&record, &bytes[..14]), cut);
    }
}
