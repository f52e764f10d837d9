//! [`MapSnapshot`] → bpftrace's own text, byte for byte.
//!
//! *Invariant:* [`map`] writes the bytes of the traced system as they are, as bpftrace does; [`maps`] goes
//! into notebooks, so there they are [`clean`]. No key or string is shortened.
//!
//! *Not here:* the two empty lines before the maps when a program ends (the command line), values outside of
//! maps (`probebook_ebpf::value`).

mod series;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::Write;

use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_ebpf::value::Value;
use probebook_lang::types::MapValue;

use super::buckets::{Scale, used};

/// Columns of a full bar.
const BAR: f32 = 52.0;

/// All maps in order of name, each as `print(@m)` writes it, with hostile bytes made visible.
pub fn maps(maps: &[MapSnapshot]) -> String {
    let mut sorted: Vec<&MapSnapshot> = maps.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut out = Vec::new();
    for snapshot in sorted {
        write_map(&mut out, snapshot, 0, 1, true);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// One map as `print(@m, top, divisor)` writes it. `top` keeps the last so many of the sorted order, 0 keeps
/// all; a `divisor` of 0 or 1 changes nothing.
pub fn map(snapshot: &MapSnapshot, top: u32, divisor: u32) -> Vec<u8> {
    let mut out = Vec::new();
    write_map(&mut out, snapshot, top, divisor, false);
    out
}

fn write_map(out: &mut Vec<u8>, snapshot: &MapSnapshot, top: u32, divisor: u32, cleaned: bool) {
    let value = &snapshot.ty.value;
    if let MapValue::Tseries { interval, intervals, .. } = value {
        return series::write(out, snapshot, *interval, *intervals, cleaned);
    }
    let scale = Scale::of(value);
    let scalar = snapshot.ty.key.is_none();
    let entries = last(sorted(snapshot), top);
    // A cleared or never set scalar is 0 or empty; other empty maps write nothing.
    let zero = (scalar && entries.is_empty() && scale.is_none()).then(|| snapshot.zero());
    for entry in entries.into_iter().chain(&zero) {
        let Some(scale) = scale else {
            push(out, format_args!("@{}", snapshot.name));
            write_key(out, entry, scalar, cleaned);
            out.extend_from_slice(b": ");
            write_value(out, &entry.value, value, divisor.max(1), cleaned);
            out.push(b'\n');
            continue;
        };
        let EntryValue::Buckets(counts) = &entry.value else { continue };
        push(out, format_args!("@{}", snapshot.name));
        write_key(out, entry, scalar, cleaned);
        out.extend_from_slice(b":\n");
        // Linear histograms are not divided.
        let divisor = if matches!(scale, Scale::Log2 { .. }) { divisor.max(1) } else { 1 };
        write_buckets(out, scale, counts, divisor);
        out.push(b'\n');
    }
}

fn write_key(out: &mut Vec<u8>, entry: &Entry, scalar: bool, cleaned: bool) {
    if scalar {
        return;
    }
    out.push(b'[');
    write_list(out, &entry.key, ", ", cleaned);
    out.push(b']');
}

fn write_value(out: &mut Vec<u8>, value: &EntryValue, ty: &MapValue, divisor: u32, cleaned: bool) {
    match value {
        EntryValue::Plain(value) | EntryValue::Number(value) => match value {
            Value::Int(n) => push(out, format_args!("{}", n / i64::from(divisor))),
            Value::Uint(n) => push(out, format_args!("{}", n / u64::from(divisor))),
            other => write_plain(out, other, cleaned),
        },
        EntryValue::Average { total, count } => {
            let average = average(*total, *count, ty);
            let total = total_of(*total, ty);
            if matches!(ty, MapValue::Stats { .. }) {
                // The parts of `stats` are not divided.
                push(out, format_args!("{{ .count = {count}, .average = {average}, .total = {total} }}"));
            } else {
                push(out, format_args!("{}", average / i128::from(divisor)));
            }
        }
        EntryValue::Buckets(_) | EntryValue::Series(_) => {}
    }
}

fn write_plain(out: &mut Vec<u8>, value: &Value, cleaned: bool) {
    match value {
        Value::Bool(b) => push(out, format_args!("{b}")),
        Value::Int(n) => push(out, format_args!("{n}")),
        Value::Uint(n) => push(out, format_args!("{n}")),
        Value::Pointer(address) => push(out, format_args!("{address:#x}")),
        Value::String(bytes) if cleaned => out.extend_from_slice(clean(bytes).as_bytes()),
        Value::String(bytes) => out.extend_from_slice(bytes),
        Value::Handle { text, .. } if cleaned => out.extend_from_slice(clean(text).as_bytes()),
        Value::Buffer(_) | Value::Handle { .. } => value.write(out),
        Value::Tuple(items) => {
            out.push(b'(');
            write_list(out, items, ", ", cleaned);
            out.push(b')');
        }
        Value::Array(items) => {
            out.push(b'[');
            write_list(out, items, ",", cleaned);
            out.push(b']');
        }
        Value::Record(fields) => {
            out.push(b'{');
            for (i, (name, value)) in fields.iter().enumerate() {
                push(out, format_args!("{} .{name} = ", if i > 0 { "," } else { "" }));
                write_plain(out, value, cleaned);
            }
            out.extend_from_slice(if fields.is_empty() { b"}" } else { b" }" });
        }
        Value::Enum(_, name) => push(out, format_args!("{name}")),
    }
}

fn write_list(out: &mut Vec<u8>, items: &[Value], separator: &str, cleaned: bool) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator.as_bytes());
        }
        write_plain(out, item, cleaned);
    }
}

fn write_buckets(out: &mut Vec<u8>, scale: Scale, counts: &[u64], divisor: u32) {
    let Some(range) = used(counts) else { return };
    let divided = |index: usize| counts[index] / u64::from(divisor);
    let most = range.clone().map(divided).max().unwrap_or(0);
    for index in range {
        let count = divided(index);
        // In single precision, so that the truncation falls where bpftrace's does.
        let width = if most == 0 { 0 } else { (count as f32 / most as f32 * BAR) as usize };
        let label = scale.bucket(index).label();
        push(out, format_args!("{label:<16}{count:>8} |{:<52}|\n", "@".repeat(width)));
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

/// A value as a label: bpftrace's form, hostile bytes made visible.
pub fn label(value: &Value) -> String {
    let mut out = Vec::new();
    write_plain(&mut out, value, true);
    String::from_utf8_lossy(&out).into_owned()
}

/// The average as bpftrace computes it: an integer, rounded towards zero.
pub fn average(total: i64, count: u64, ty: &MapValue) -> i128 {
    if count == 0 { 0 } else { total_of(total, ty) / i128::from(count) }
}

/// The total of an `avg` or `stats` with the sign its map gives it.
pub fn total_of(total: i64, ty: &MapValue) -> i128 {
    match ty {
        MapValue::Avg { signed: false } | MapValue::Stats { signed: false } => i128::from(total as u64),
        _ => i128::from(total),
    }
}

/// An integer value, if it is one.
pub fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(n) => Some(i128::from(*n)),
        Value::Uint(n) => Some(i128::from(*n)),
        _ => None,
    }
}

/// The entries in bpftrace's order. Where it leaves the order open, the key decides.
pub fn sorted(snapshot: &MapSnapshot) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = snapshot.entries.iter().collect();
    let ty = &snapshot.ty.value;
    entries.sort_by(|a, b| by_value(&a.value, &b.value, ty).then_with(|| by_key(&a.key, &b.key)));
    entries
}

/// The last `top` of them; 0 keeps all.
pub fn last<T>(mut entries: Vec<T>, top: u32) -> Vec<T> {
    let top = top as usize;
    if top > 0 && entries.len() > top {
        entries.drain(..entries.len() - top);
    }
    entries
}

fn by_value(a: &EntryValue, b: &EntryValue, ty: &MapValue) -> Ordering {
    match (a, b) {
        (EntryValue::Number(a), EntryValue::Number(b))
            if matches!(ty, MapValue::Min { .. } | MapValue::Max { .. }) =>
        {
            // bpftrace compares these as unsigned, whatever their sign.
            let unsigned = |value| integer(value).map(|n| n as u64);
            unsigned(a).cmp(&unsigned(b))
        }
        (EntryValue::Plain(a) | EntryValue::Number(a), EntryValue::Plain(b) | EntryValue::Number(b)) => {
            match (integer(a), integer(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ if matches!((a, b), (Value::Enum(..), Value::Enum(..))) => a.cmp(b),
                // Values of other types are ordered by key.
                _ => Ordering::Equal,
            }
        }
        (EntryValue::Average { total: a, count: of_a }, EntryValue::Average { total: b, count: of_b }) => {
            average(*a, *of_a, ty).cmp(&average(*b, *of_b, ty))
        }
        (EntryValue::Buckets(a), EntryValue::Buckets(b)) => sum(a).cmp(&sum(b)),
        _ => Ordering::Equal,
    }
}

/// How many values are in these buckets.
pub fn sum(counts: &[u64]) -> u128 {
    counts.iter().map(|&n| u128::from(n)).sum()
}

/// Part by part; integers as signed, as bpftrace compares them in keys.
fn by_key(a: &[Value], b: &[Value]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| match (integer(a), integer(b)) {
        (Some(a), Some(b)) => (a as i64).cmp(&(b as i64)),
        _ => a.cmp(b),
    });
    pairs.fold(Ordering::Equal, Ordering::then).then_with(|| a.len().cmp(&b.len()))
}

/// Bytes of the traced system as text that is safe to show: what is not valid UTF-8, control characters
/// (ANSI sequences begin with one), and characters that are invisible or turn the direction of writing become
/// escapes like `\xff`, `\x1b`, `\u{202e}`.
pub fn clean(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                    out.push_str(&format!("\\x{:02x}", c as u32));
                }
                c if is_deceptive(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Characters that do not show, or make others show elsewhere.
fn is_deceptive(c: char) -> bool {
    let code = c as u32;
    c.is_control()
        || matches!(
            code,
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x3164 | 0xfeff | 0xffa0
                | 0x180b..=0x180f
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0xfff0..=0xfffb
                | 0xe0000..=0xe0fff
        )
        || code & 0xfffe == 0xfffe
        || (0xfdd0..=0xfdef).contains(&code)
}

/// Text that is already valid UTF-8, cleaned if it needs to be.
pub fn clean_str(text: &str) -> Cow<'_, str> {
    let hostile = text.chars().any(|c| (c as u32) < 0x20 || c as u32 == 0x7f || is_deceptive(c));
    if hostile { Cow::Owned(clean(text.as_bytes())) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests;
