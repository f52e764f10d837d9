//! Maps and events → the lines of `-f json`: one object a line, in bpftrace's spelling.
//!
//! *Invariant:* every line is valid JSON, whatever the traced system put into its strings: bytes that are not
//! UTF-8 become U+FFFD. Integers that a double cannot hold are strings. (bpftrace itself breaks on both kinds
//! of bytes, and deletes blanks from keys; that is not copied.)
//!
//! *Not here:* the data MIME type, which keeps types apart (`bundle`).

use std::fmt::Write;

use probebook_ebpf::clock;
use probebook_ebpf::event::{Failure, Origin};
use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot, Point};
use probebook_ebpf::value::Value;
use probebook_lang::types::MapValue;

use super::buckets::{Scale, used};
use super::text::{average, integer, last, sorted, total_of};

/// Where in a source a message belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's name, `stdin` for a program on the command line.
    pub filename: &'a str,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub col: usize,
}

/// `print(@m, top, divisor)`; `None` where bpftrace prints nothing: an empty keyed map or histogram.
pub fn map(snapshot: &MapSnapshot, top: u32, divisor: u32) -> Option<String> {
    let value = &snapshot.ty.value;
    let scale = Scale::of(value);
    let kind = match value {
        MapValue::Hist { .. } | MapValue::Lhist { .. } => "hist",
        MapValue::Avg { .. } | MapValue::Stats { .. } => "stats",
        MapValue::Tseries { .. } => "tseries",
        _ => "map",
    };
    let entries = last(sorted(snapshot), top);
    let mut data = String::new();
    if snapshot.ty.key.is_none() {
        match entries.first() {
            Some(entry) => write_entry(&mut data, entry, value, scale, divisor.max(1)),
            None if scale.is_some() => return None,
            None => write_entry(&mut data, &snapshot.zero(), value, scale, 1),
        }
    } else {
        if entries.is_empty() {
            return None;
        }
        data.push('{');
        for (i, entry) in entries.iter().enumerate() {
            if i > 0 {
                data.push_str(", ");
            }
            write_string(&mut data, &key_text(&entry.key));
            data.push_str(": ");
            write_entry(&mut data, entry, value, scale, divisor.max(1));
        }
        data.push('}');
    }
    let mut line = format!("{{\"type\": \"{kind}\", \"data\": {{");
    write_string(&mut line, &format!("@{}", snapshot.name));
    Some(format!("{line}: {data}}}}}"))
}

/// `print(value)`
pub fn value(value: &Value) -> String {
    let mut line = String::from("{\"type\": \"value\", \"data\": ");
    write_plain(&mut line, value);
    line.push('}');
    line
}

/// Text that was printed.
pub fn text(origin: Origin, text: &[u8]) -> String {
    let kind = match origin {
        Origin::Printf => "printf",
        Origin::Time => "time",
        Origin::Cat => "cat",
        Origin::Join => "join",
        Origin::System => "syscall",
    };
    // Here `join` ends without a line end.
    let text = if origin == Origin::Join { text.strip_suffix(b"\n").unwrap_or(text) } else { text };
    let mut line = format!("{{\"type\": \"{kind}\", \"data\": ");
    write_string(&mut line, &String::from_utf8_lossy(text));
    line.push('}');
    line
}

/// How many probes were attached.
pub fn attached_probes(count: usize) -> String {
    format!("{{\"type\": \"attached_probes\", \"count\": {count}, \"data\": {{\"probes\": {count}}}}}")
}

/// How many records were lost.
pub fn lost_events(count: u64) -> String {
    format!("{{\"type\": \"lost_events\", \"count\": {count}, \"data\": {{\"events\": {count}}}}}")
}

/// A message with its place: of kind `errorf`, `warnf` or `runtime_error`.
pub fn message(kind: &str, text: &str, place: &Place<'_>) -> String {
    let mut line = format!("{{\"type\": \"{kind}\", \"msg\": ");
    write_string(&mut line, text);
    write_place(&mut line, place);
    line
}

/// A helper of Linux that failed, with its place.
pub fn helper_error(failure: &Failure, place: &Place<'_>) -> String {
    let mut line = String::from("{\"type\": \"helper_error\", \"msg\": ");
    write_string(&mut line, &failure.error);
    let _ = write!(line, ", \"helper\": \"{}\", \"retcode\": {}", failure.helper, failure.code);
    write_place(&mut line, place);
    line
}

/// How a test ended: nanoseconds, and what it has printed.
pub fn test_result(name: &str, duration: u128, passed: bool, output: &[u8]) -> String {
    let mut line = String::from("{\"type\": \"test_result\", \"data\": {");
    write_string(&mut line, name);
    let _ = write!(line, ": {{\"duration\": {duration}, \"passed\": {passed}, \"output\": ");
    write_string(&mut line, &String::from_utf8_lossy(output));
    line.push_str("}}}");
    line
}

/// How long a benchmark takes once, in nanoseconds, and how often it was run.
pub fn benchmark_result(name: &str, average: u128, times: u32) -> String {
    let mut line = String::from("{\"type\": \"benchmark_result\", \"data\": {");
    write_string(&mut line, name);
    let _ = write!(line, ": {{\"average\": {average}, \"iters\": {times}}}}}}}");
    line
}

fn write_place(line: &mut String, place: &Place<'_>) {
    line.push_str(", \"filename\": ");
    write_string(line, place.filename);
    let _ = write!(line, ", \"line\": {}, \"col\": {}}}", place.line, place.col);
}

fn write_entry(out: &mut String, entry: &Entry, ty: &MapValue, scale: Option<Scale>, divisor: u32) {
    match &entry.value {
        EntryValue::Plain(value) | EntryValue::Number(value) => match integer(value) {
            Some(n) => write_integer(out, n / i128::from(divisor)),
            None => write_plain(out, value),
        },
        EntryValue::Average { total, count } => {
            let average = average(*total, *count, ty);
            if matches!(ty, MapValue::Avg { .. }) {
                write_integer(out, average / i128::from(divisor));
                return;
            }
            let parts =
                [("count", i128::from(*count)), ("average", average), ("total", total_of(*total, ty))];
            for (i, (name, number)) in parts.into_iter().enumerate() {
                let _ = write!(out, "{}\"{name}\": ", if i == 0 { "{" } else { ", " });
                write_integer(out, number);
            }
            out.push('}');
        }
        EntryValue::Series(points) => write_series(out, points, ty),
        EntryValue::Buckets(counts) => {
            let Some(scale) = scale else { return };
            write_buckets(out, scale, counts, divisor);
        }
    }
}

fn write_series(out: &mut String, points: &[Point], ty: &MapValue) {
    let MapValue::Tseries { interval, .. } = ty else { return };
    out.push('[');
    for (i, point) in points.iter().enumerate() {
        let start = point.number.saturating_mul(*interval);
        let second = clock::strftime_utc(b"%Y-%m-%d %H:%M:%S", (start / 1_000_000_000) as i64);
        let second = String::from_utf8_lossy(&second);
        let comma = if i == 0 { "" } else { "," };
        let fraction = start % 1_000_000_000;
        let _ = write!(out, "{comma}{{\"interval_start\":\"{second}.{fraction:09}\",\"value\":");
        write_plain(out, &point.value);
        out.push('}');
    }
    out.push(']');
}

fn write_buckets(out: &mut String, scale: Scale, counts: &[u64], divisor: u32) {
    let divisor = if matches!(scale, Scale::Log2 { .. }) { u64::from(divisor) } else { 1 };
    out.push('[');
    for (i, index) in used(counts).into_iter().flatten().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push('{');
        let bucket = scale.bucket(index);
        if let Some(low) = bucket.low {
            out.push_str("\"min\": ");
            write_integer(out, low.value);
            out.push_str(", ");
        }
        if let Some(high) = bucket.high {
            // Inclusive.
            out.push_str("\"max\": ");
            write_integer(out, high.value - 1);
            out.push_str(", ");
        }
        let _ = write!(out, "\"count\": {}}}", counts[index] / divisor);
    }
    out.push(']');
}

fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::Bool(b) => {
            let _ = write!(out, "{b}");
        }
        Value::Int(n) | Value::Enum(n, _) => write_integer(out, i128::from(*n)),
        Value::Uint(n) | Value::Pointer(n) => write_integer(out, i128::from(*n)),
        Value::String(bytes) => write_string(out, &String::from_utf8_lossy(bytes)),
        Value::Handle { text, .. } => write_string(out, &String::from_utf8_lossy(text)),
        Value::Buffer(bytes) => {
            // bpftrace's numbers: signed characters.
            let numbers: Vec<_> = bytes.iter().map(|&byte| (byte as i8).to_string()).collect();
            let _ = write!(out, "[{}]", numbers.join(","));
        }
        Value::Tuple(items) | Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_plain(out, item);
            }
            out.push(']');
        }
        Value::Record(fields) => {
            out.push('{');
            for (i, (name, value)) in fields.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_string(out, name);
                out.push_str(": ");
                write_plain(out, value);
            }
            out.push('}');
        }
    }
}

fn write_integer(out: &mut String, number: i128) {
    // JSON's readers keep numbers as doubles.
    let exact = number as f64 as i128 == number;
    let _ = if exact { write!(out, "{number}") } else { write!(out, "\"{number}\"") };
}

fn write_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// The parts of a key, joined with commas.
fn key_text(key: &[Value]) -> String {
    let parts: Vec<String> = key.iter().map(part_text).collect();
    parts.join(",")
}

fn part_text(value: &Value) -> String {
    match value {
        Value::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Pointer(address) => format!("{address:#x}"),
        Value::Buffer(_) | Value::Handle { .. } => value.to_string(),
        Value::Tuple(items) => format!("({})", key_text(items)),
        Value::Array(items) => format!("[{}]", key_text(items)),
        Value::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!(".{name}={}", part_text(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Enum(_, name) => name.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use probebook_lang::types::{MapType, Type};

    use super::*;

    fn snapshot(key: Option<Vec<Type>>, value: MapValue, entries: Vec<Entry>) -> MapSnapshot {
        MapSnapshot { name: "m".into(), ty: MapType { key, value, unit: None }, entries }
    }

    fn entry(key: Vec<Value>, value: EntryValue) -> Entry {
        Entry { key, value }
    }

    fn string(text: &[u8]) -> Value {
        Value::String(text.to_vec())
    }

    fn text_key() -> Option<Vec<Type>> {
        Some(vec![Type::String { capacity: 16 }])
    }

    #[test]
    fn spelling_is_bpftraces() {
        let count = |n| EntryValue::Number(Value::Uint(n));
        let scalar = snapshot(None, MapValue::Count, vec![entry(vec![], count(1))]);
        assert_eq!(map(&scalar, 0, 1).as_deref(), Some(r#"{"type": "map", "data": {"@m": 1}}"#));
        let pair = entry(vec![Value::Int(1), string(b"xy")], count(3));
        let keyed = snapshot(text_key(), MapValue::Count, vec![pair]);
        assert_eq!(map(&keyed, 0, 1).as_deref(), Some(r#"{"type": "map", "data": {"@m": {"1,xy": 3}}}"#));
        let average = EntryValue::Average { total: 13, count: 2 };
        let stats =
            snapshot(text_key(), MapValue::Stats { signed: true }, vec![entry(vec![string(b"x")], average)]);
        assert_eq!(
            map(&stats, 0, 1).as_deref(),
            Some(r#"{"type": "stats", "data": {"@m": {"x": {"count": 2, "average": 6, "total": 13}}}}"#)
        );
        let counts = EntryValue::Buckets(vec![1, 0, 0, 1, 0]);
        let hist = snapshot(None, MapValue::Hist { bits: 0 }, vec![entry(vec![], counts)]);
        assert_eq!(
            map(&hist, 0, 1).as_deref(),
            Some(
                r#"{"type": "hist", "data": {"@m": [{"max": -1, "count": 1},{"min": 0, "max": 0, "count": 0},{"min": 1, "max": 1, "count": 0},{"min": 2, "max": 3, "count": 1}]}}"#
            )
        );
        let value = MapValue::Lhist { min: 0, max: 10, step: 10 };
        let over = entry(vec![], EntryValue::Buckets(vec![0, 0, 2]));
        assert_eq!(
            map(&snapshot(None, value, vec![over]), 0, 1).as_deref(),
            Some(r#"{"type": "hist", "data": {"@m": [{"min": 10, "count": 2}]}}"#)
        );
        assert_eq!(super::value(&Value::Int(5)), r#"{"type": "value", "data": 5}"#);
        let tuple = Value::Tuple(vec![Value::Bool(true), Value::Uint(9_007_199_254_740_993)]);
        assert_eq!(super::value(&tuple), r#"{"type": "value", "data": [true,"9007199254740993"]}"#);
        assert_eq!(attached_probes(1), r#"{"type": "attached_probes", "count": 1, "data": {"probes": 1}}"#);
    }

    #[test]
    fn data_has_its_form() {
        let user = || Value::Handle { raw: Value::Uint(0).into(), text: b"root".to_vec() };
        let pair = Value::Tuple(vec![user(), Value::Buffer(b"a\xff".to_vec())]);
        assert_eq!(value(&pair), r#"{"type": "value", "data": ["root",[97,-1]]}"#);
        let key = vec![user(), Value::Buffer(b"a \x01".to_vec())];
        let number = MapValue::Plain(Type::I64);
        let keyed = snapshot(text_key(), number, vec![entry(key, EntryValue::Plain(Value::Int(1)))]);
        let line = map(&keyed, 0, 1).expect("not empty");
        assert_eq!(line, r#"{"type": "map", "data": {"@m": {"root,a \\x01": 1}}}"#);
        assert_eq!(text(Origin::Join, b"a b\n"), r#"{"type": "join", "data": "a b"}"#);
        assert_eq!(text(Origin::System, b"hi\n"), r#"{"type": "syscall", "data": "hi\n"}"#);
    }

    #[test]
    fn nothing_for_empty_maps_but_zero_for_scalars() {
        assert_eq!(map(&snapshot(text_key(), MapValue::Count, vec![]), 0, 1), None);
        assert_eq!(map(&snapshot(None, MapValue::Hist { bits: 0 }, vec![]), 0, 1), None);
        assert_eq!(
            map(&snapshot(None, MapValue::Count, vec![]), 0, 1).as_deref(),
            Some(r#"{"type": "map", "data": {"@m": 0}}"#)
        );
    }

    #[test]
    fn records_are_objects_and_constants_have_names_in_keys() {
        let record = Value::Record(vec![("a".into(), Value::Int(1)), ("b".into(), string(b"z"))]);
        let constant = Value::Enum(2, "GREEN".into());
        let array = Value::Array(vec![Value::Uint(1), Value::Uint(2)]);
        let whole = Value::Record(vec![("of".into(), constant.clone()), ("all".into(), array)]);
        let entries = vec![entry(vec![record, constant], EntryValue::Plain(whole))];
        assert_eq!(
            map(&snapshot(text_key(), MapValue::Plain(Type::I64), entries), 0, 1).as_deref(),
            Some(r#"{"type": "map", "data": {"@m": {"{.a=1,.b=z},GREEN": {"of": 2, "all": [1,2]}}}}"#)
        );
    }

    #[test]
    fn always_valid() {
        let hostile = entry(vec![string(b"\xff\"\\\x1b\n \xc3\xa9")], EntryValue::Plain(string(b"\x00a b")));
        let value = MapValue::Plain(Type::String { capacity: 8 });
        let line = map(&snapshot(text_key(), value, vec![hostile]), 0, 1).expect("not empty");
        let parsed: serde_json::Value = serde_json::from_str(&line).expect("valid JSON");
        assert_eq!(parsed["data"]["@m"]["\u{fffd}\"\\\u{1b}\n é"], "\0a b");
        let place = Place { filename: "a\"b", line: 1, col: 9 };
        let failure = Failure { helper: "map_update_elem", code: -7, error: "no \"room\"".into() };
        for line in [
            text(Origin::Printf, b"\xe9\n"),
            message("errorf", "x\"", &place),
            helper_error(&failure, &place),
            lost_events(u64::MAX),
        ] {
            serde_json::from_str::<serde_json::Value>(&line).expect("valid JSON");
        }
    }
}
