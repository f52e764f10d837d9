//! Texts of maps as bpftrace prints them.

use probebook_lang::types::{MapType, Type};

use super::*;

fn snapshot(name: &str, key: Option<Vec<Type>>, value: MapValue, entries: Vec<Entry>) -> MapSnapshot {
    MapSnapshot { name: name.into(), ty: MapType { key, value, unit: None }, entries }
}

fn text_type() -> Type {
    Type::String { capacity: 16 }
}

fn string(text: &str) -> Value {
    Value::String(text.as_bytes().to_vec())
}

fn number(key: Vec<Value>, n: u64) -> Entry {
    Entry { key, value: EntryValue::Number(Value::Uint(n)) }
}

fn printed(snapshot: &MapSnapshot, top: u32, divisor: u32) -> String {
    String::from_utf8(map(snapshot, top, divisor)).expect("these maps are UTF-8")
}

#[test]
fn scalars_and_keys() {
    let int = MapValue::Plain(Type::I64);
    let entry = Entry { key: vec![], value: EntryValue::Plain(Value::Int(-3)) };
    assert_eq!(printed(&snapshot("a", None, int.clone(), vec![entry]), 0, 1), "@a: -3\n");
    assert_eq!(printed(&snapshot("", None, int.clone(), vec![]), 0, 1), "@: 0\n");
    assert_eq!(printed(&snapshot("k", Some(vec![Type::I64]), int, vec![]), 0, 1), "");
    let keyed = snapshot(
        "c",
        Some(vec![Type::I64, text_type()]),
        MapValue::Count,
        vec![number(vec![Value::Int(1), string("x")], 3), number(vec![Value::Int(2), string("y")], 1)],
    );
    assert_eq!(printed(&keyed, 0, 1), "@c[2, y]: 1\n@c[1, x]: 3\n");
    assert_eq!(printed(&keyed, 1, 1), "@c[1, x]: 3\n");
    assert_eq!(printed(&keyed, 7, 2), "@c[2, y]: 0\n@c[1, x]: 1\n");
}

#[test]
fn values_in_values() {
    let tuple =
        Value::Tuple(vec![Value::Int(1), string("s"), Value::Tuple(vec![Value::Int(2), Value::Int(3)])]);
    let entry = Entry { key: vec![Value::Int(1), string("a")], value: EntryValue::Plain(tuple) };
    let value = MapValue::Plain(Type::Tuple(vec![]));
    let map = snapshot("t", Some(vec![Type::I64, text_type()]), value, vec![entry]);
    assert_eq!(printed(&map, 0, 1), "@t[1, a]: (1, s, (2, 3))\n");
    assert_eq!(label(&Value::Array((1..5).map(Value::Int).collect())), "[1,2,3,4]");
    assert_eq!(label(&Value::Pointer(0x55)), "0x55");
    assert_eq!(label(&Value::Bool(true)), "true");
}

#[test]
fn averages() {
    let entry = |key, total: i64, count| Entry { key, value: EntryValue::Average { total, count } };
    let avg = snapshot("av", None, MapValue::Avg { signed: true }, vec![entry(vec![], -7, 2)]);
    assert_eq!(printed(&avg, 0, 1), "@av: -3\n");
    let stats = snapshot(
        "st",
        Some(vec![text_type()]),
        MapValue::Stats { signed: false },
        vec![entry(vec![string("big")], -1, 1), entry(vec![string("x")], 13, 2)],
    );
    assert_eq!(
        printed(&stats, 0, 1),
        "@st[x]: { .count = 2, .average = 6, .total = 13 }\n\
         @st[big]: { .count = 1, .average = 18446744073709551615, .total = 18446744073709551615 }\n"
    );
}

#[test]
fn histogram() {
    let mut counts = vec![0; MapValue::Hist { bits: 0 }.buckets() as usize];
    counts[3] = 1;
    counts[5] = 2;
    let entry = Entry { key: vec![], value: EntryValue::Buckets(counts.clone()) };
    let hist = snapshot("h", None, MapValue::Hist { bits: 0 }, vec![entry]);
    let half = "@".repeat(26);
    let full = "@".repeat(52);
    let gap = " ".repeat(26);
    let none = " ".repeat(52);
    assert_eq!(
        printed(&hist, 0, 1),
        format!(
            "@h:\n[2, 4)                 1 |{half}{gap}|\n[4, 8)                 0 |{none}|\n\
             [8, 16)                2 |{full}|\n\n"
        )
    );
    let keyed = snapshot(
        "hk",
        Some(vec![text_type()]),
        MapValue::Hist { bits: 0 },
        vec![
            Entry { key: vec![string("b")], value: EntryValue::Buckets(counts) },
            Entry { key: vec![string("a")], value: EntryValue::Buckets(vec![1, 0]) },
        ],
    );
    let text = printed(&keyed, 0, 1);
    assert!(text.starts_with(&format!("@hk[a]:\n(..., 0)               1 |{full}|\n\n@hk[b]:\n[2, 4)  ")));
    assert!(text.ends_with("|\n\n"));
    let zeroed = Entry { key: vec![], value: EntryValue::Buckets(vec![0; 65]) };
    assert_eq!(printed(&snapshot("h", None, MapValue::Hist { bits: 0 }, vec![zeroed]), 0, 1), "@h:\n\n");
    assert_eq!(printed(&snapshot("h", None, MapValue::Hist { bits: 0 }, vec![]), 0, 1), "");
}

#[test]
fn linear_histogram() {
    let value = MapValue::Lhist { min: 0, max: 30, step: 10 };
    let entry = Entry { key: vec![], value: EntryValue::Buckets(vec![1, 0, 2, 0, 4]) };
    let text = printed(&snapshot("l", None, value, vec![entry]), 0, 2);
    let labels: Vec<&str> = text.lines().map(|line| line.get(..24).unwrap_or(line)).collect();
    assert_eq!(
        labels,
        [
            "@l:",
            "(..., 0)               1",
            "[0, 10)                0",
            "[10, 20)               2",
            "[20, 30)               0",
            "[30, ...)              4",
            ""
        ]
    );
}

#[test]
fn order_of_minima_is_unsigned() {
    let entry = |key, n| Entry { key: vec![Value::Int(key)], value: EntryValue::Number(Value::Int(n)) };
    let value = MapValue::Min { signed: true };
    let map = snapshot("m", Some(vec![Type::I64]), value, vec![entry(1, -5), entry(2, 7)]);
    assert_eq!(printed(&map, 0, 1), "@m[2]: 7\n@m[1]: -5\n");
}

#[test]
fn order_of_other_values_is_by_key() {
    let entry =
        |a, b: &str| Entry { key: vec![Value::Int(a), string(b)], value: EntryValue::Plain(string("v")) };
    let value = MapValue::Plain(text_type());
    let entries = vec![entry(2, "a"), entry(-1, "z"), entry(2, "A")];
    let map = snapshot("s", Some(vec![Type::I64, text_type()]), value, entries);
    assert_eq!(printed(&map, 0, 1), "@s[-1, z]: v\n@s[2, A]: v\n@s[2, a]: v\n");
}

#[test]
fn notebook_text_is_clean_and_sorted_by_name() {
    let evil = |name: &str, bytes: &[u8]| {
        let entries = vec![number(vec![Value::String(bytes.to_vec())], 1)];
        snapshot(name, Some(vec![text_type()]), MapValue::Count, entries)
    };
    let all = [evil("b", b"\x1b[31mred\n"), evil("a", "x\u{202e}y\u{200b}".as_bytes())];
    assert_eq!(maps(&all), "@a[x\\u{202e}y\\u{200b}]: 1\n@b[\\x1b[31mred\\n]: 1\n");
    assert_eq!(map(&evil("c", b"\xff\x1b"), 0, 1), b"@c[\xff\x1b]: 1\n");
}

#[test]
fn cleans() {
    assert_eq!(clean(b"a\xffb\x00\x7f\t"), "a\\xffb\\x00\\x7f\\t");
    assert_eq!(clean("\u{85}\u{fffe}".as_bytes()), "\\u{85}\\u{fffe}");
    assert_eq!(clean("<img src=x> naïve".as_bytes()), "<img src=x> naïve");
    assert_eq!(clean_str("plain µs"), "plain µs");
    assert_eq!(clean_str("\u{1b}"), "\\x1b");
}

#[test]
fn time_series_are_graphs() {
    use probebook_ebpf::clock;
    use probebook_ebpf::map::Point;
    let how = probebook_lang::types::Gathered::Last;
    let value = |interval| MapValue::Tseries { interval, intervals: 4, how, signed: true };
    let point = |number, value| Point { number, value: Value::Int(value) };
    let entry = |key, points| Entry { key, value: EntryValue::Series(points) };
    // Times are local: the graph is compared without them.
    let without_times = |text: String| text.replace(&time_of(1_700_000_000), "TIME");
    fn time_of(second: i64) -> String {
        String::from_utf8(clock::strftime(b"%H:%M:%S", second)).expect("digits")
    }
    let start = 17_000_000_000;
    let rule = "_".repeat(51);
    let points = vec![point(start - 9, 7), point(start, -3), point(start + 1, 0), point(start + 3, 3)];
    let graph =
        without_times(printed(&snapshot("x", None, value(100_000_000), vec![entry(vec![], points)]), 0, 0));
    let axis = format!("{}{:<21}{:>32}", " ".repeat(13), -3, 3);
    let blank = " ".repeat(25);
    let expected = [
        "@x:".to_owned(),
        axis.clone(),
        format!("hh:mm:ss.ms  |{rule}|"),
        format!("TIME.000 *{blank}.{blank}| -3"),
        format!("TIME.100 |{blank}*{blank}| 0"),
        format!("TIME.200 |{blank}.{blank}| -"),
        format!("TIME.300 |{blank}.{blank}* 3"),
        format!("{}v{rule}v", " ".repeat(13)),
        axis,
        String::new(),
        String::new(),
    ];
    assert_eq!(graph, expected.join("\n"));
    // One row tells nanoseconds; a key without numbers among the newest has no range.
    let old = entry(vec![Value::Int(1)], vec![point(1_700_000_000 - 20, 5)]);
    let new = entry(vec![Value::Int(2)], vec![point(1_700_000_000, 5)]);
    let keyed = snapshot("k", Some(vec![Type::I64]), value(1_000_000_000), vec![new, old]);
    let text = without_times(printed(&keyed, 0, 0));
    let first = text.split("\n\n").next().unwrap_or_default();
    assert!(first.starts_with("@k[1]:\n") && first.contains(" null") && first.contains("| -\n"), "{text}");
    assert!(text.contains(&format!("TIME.000000000 |{blank}*{blank}| 5\n")), "{text}");
    assert_eq!(printed(&snapshot("e", None, value(1), vec![]), 0, 0), "@e:\n<no data>\n\n");
}
