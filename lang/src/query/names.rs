//! What names stand for, as far as completion and inspection both need it: fields of tracepoints, types of
//! maps, words of the language.

use crate::check::attach;
use crate::host::{Field, FieldKind, Host};
use crate::probes;
use crate::syntax::ast::AttachPoint;
use crate::types::MapType;

/// A wildcard's tracepoints are looked at up to this number: each is a file to read.
const MOST_FORMATS: usize = 64;

/// Words that start a statement or a value: word, form, sentence, example.
pub const WORDS: &[(&str, &str, &str, &str)] = &[
    (
        "if",
        "if (condition) { … } else { … }",
        "Chooses between two blocks.",
        "if (args.ret < 0) { @errors = count(); }",
    ),
    (
        "else",
        "if (condition) { … } else { … }",
        "The block that runs if the condition is false.",
        "if (args.ret < 0) { @errors = count(); } else { @ok = count(); }",
    ),
    (
        "for",
        "for ($i : from..to) { … }",
        "Repeats a block for each number; the end is exclusive.",
        "for ($i : 0..10) { printf(\"%d\\n\", $i); }",
    ),
    (
        "while",
        "while (condition) { … }",
        "Repeats a block as long as the condition is true.",
        "while ($i < 10) { $i++; }",
    ),
    (
        "unroll",
        "unroll (n) { … }",
        "Repeats a block a constant number of times, from 1 to 100.",
        "unroll (3) { printf(\"hi\\n\"); }",
    ),
    (
        "let",
        "let $name : type = value;",
        "Declares a variable of this block; type and value may be left out.",
        "let $n : uint64 = 0;",
    ),
    ("return", "return;", "Ends this run of the probe.", "if (pid == 1) { return; }"),
    ("break", "break;", "Leaves the loop.", "while (1) { if ($i > 9) { break; } $i++; }"),
    (
        "continue",
        "continue;",
        "Goes on with the next round of the loop.",
        "for ($i : 0..10) { if ($i % 2) { continue; } print($i); }",
    ),
    ("sizeof", "sizeof(type or value)", "The size in bytes.", "printf(\"%d\\n\", sizeof(uint64));"),
    ("true", "true", "The boolean that holds.", "@seen[comm] = true;"),
    ("false", "false", "The boolean that does not hold.", "@seen[comm] = false;"),
];

/// The words of [`WORDS`] that can stand inside an expression.
pub const VALUE_WORDS: &[&str] = &["if", "sizeof", "true", "false"];

/// Types that can be written.
pub const TYPES: &[&str] =
    &["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string[64]"];

/// The fields that `args` has in all of the probe's events.
pub fn fields(points: &[AttachPoint], host: &dyn Host) -> Vec<Field> {
    let events = points.iter().filter_map(|point| attach::resolve(point, host).ok()).flatten();
    let formats = events.take(MOST_FORMATS).map(|event| match event {
        probes::AttachPoint::Tracepoint { category, event } => {
            host.tracepoint(&category, &event).ok().flatten().map(|format| format.fields).unwrap_or_default()
        }
        _ => Vec::new(),
    });
    let common = formats.reduce(|mut common, other| {
        common.retain(|field| other.iter().any(|same| same.name == field.name));
        common
    });
    common.unwrap_or_default()
}

/// A field's type as C writes it.
pub fn field_type(field: &Field) -> String {
    match field.kind {
        FieldKind::Text => format!("{}[{}]", field.c_type, field.size),
        FieldKind::Array { element } => format!("{}[{}]", field.c_type, field.size / element.max(1)),
        FieldKind::Integer | FieldKind::Pointer | FieldKind::DynamicText | FieldKind::DynamicArray { .. } => {
            field.c_type.clone()
        }
    }
}

/// A map with its types: `@start[uint64]: uint64 in ns`.
pub fn map_signature(name: &str, ty: &MapType) -> String {
    let key = ty.key.as_ref().map(|parts| {
        let parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
        format!("[{}]", parts.join(", "))
    });
    let unit = ty.unit.map(|unit| format!(" in {}", unit.symbol())).unwrap_or_default();
    format!("@{name}{}: {}{unit}", key.unwrap_or_default(), ty.value.name())
}
