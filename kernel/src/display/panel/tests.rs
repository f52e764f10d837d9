//! Maps of every kind, ordinary and extreme, for the tests of all that draws.

use super::*;
use probebook_ebpf::map::Point;
use probebook_ebpf::value::Value;

fn map(
    name: &str,
    key: Option<Vec<Type>>,
    value: MapValue,
    unit: Option<Unit>,
    entries: Vec<Entry>,
) -> MapSnapshot {
    MapSnapshot { name: name.into(), ty: MapType { key, value, unit }, entries }
}

fn text() -> Type {
    Type::String { capacity: 16 }
}

fn string(text: impl AsRef<[u8]>) -> Value {
    Value::String(text.as_ref().to_vec())
}

fn number(key: Vec<Value>, n: u64) -> Entry {
    Entry { key, value: EntryValue::Number(Value::Uint(n)) }
}

fn signed(key: Vec<Value>, n: i64) -> Entry {
    Entry { key, value: EntryValue::Plain(Value::Int(n)) }
}

fn average(key: Vec<Value>, total: i64, count: u64) -> Entry {
    Entry { key, value: EntryValue::Average { total, count } }
}

fn tseries() -> MapValue {
    let how = probebook_lang::types::Gathered::Sum;
    MapValue::Tseries { interval: 100_000_000, intervals: 60, how, signed: true }
}

/// Two waves with a gap between them.
fn series(key: Vec<Value>, seed: i64) -> Entry {
    let wave = |i: i64| (i * seed * 37 % 101) * if i % 2 == 0 { 40 } else { -25 };
    let points = (0..50).filter(|i| !(20..27).contains(i));
    let point = |i: i64| Point { number: 17_800_000_000 + i as u64, value: Value::Int(wave(i)) };
    Entry { key, value: EntryValue::Series(points.map(point).collect()) }
}

/// Counts from `first` on, in as many buckets as the map has.
fn buckets(value: &MapValue, key: Vec<Value>, first: usize, counts: &[u64]) -> Entry {
    let mut all = vec![0; value.buckets() as usize];
    for (slot, count) in all.iter_mut().skip(first).zip(counts) {
        *slot = *count;
    }
    Entry { key, value: EntryValue::Buckets(all) }
}

const COMMS: [&str; 12] = [
    "systemd",
    "dd",
    "postgres",
    "kworker/0:1-eve",
    "containerd-shim",
    "rustc",
    "chromium",
    "sshd",
    "bash",
    "python3",
    "node",
    "(sd-pam)",
];

const LATENCY: [u64; 13] = [3, 31, 120, 800, 2600, 4100, 3200, 1100, 420, 130, 60, 12, 3];

/// Every kind of picture by name.
pub fn gallery() -> Vec<(&'static str, Vec<MapSnapshot>)> {
    let hist = MapValue::Hist { bits: 0 };
    let fine = MapValue::Hist { bits: 5 };
    let lhist = MapValue::Lhist { min: 0, max: 100, step: 5 };
    let micros = Some(Unit::Microseconds);
    let comm_key = || Some(vec![text()]);
    let counted: Vec<Entry> =
        COMMS.iter().enumerate().map(|(i, comm)| number(vec![string(comm)], 48_211 >> i)).collect();
    let many = |count: u64| -> Vec<Entry> {
        (0..count)
            .map(|i| number(vec![string(format!("comm-{i}")), Value::Int(1000 + i as i64)], 1 + i * i))
            .collect()
    };
    let keyed_hist: Vec<Entry> = COMMS
        .iter()
        .enumerate()
        .map(|(i, comm)| {
            let counts: Vec<u64> = LATENCY.iter().map(|n| n / (i as u64 + 1)).collect();
            buckets(&hist, vec![string(comm)], 4 + i % 5, &counts)
        })
        .collect();
    let bell: Vec<u64> = (0..22).map(|i: i64| (4000 / (1 + (i - 9) * (i - 9))) as u64).collect();
    let keyed_lhist: Vec<Entry> = COMMS
        .iter()
        .take(5)
        .enumerate()
        .map(|(i, comm)| {
            buckets(
                &lhist,
                vec![string(comm)],
                0,
                &bell.iter().map(|n| n / (i as u64 + 1)).collect::<Vec<_>>(),
            )
        })
        .collect();
    let hostile: [&[u8]; 6] = [
        b"<img src=x onerror=alert(1)>",
        b"\x1b[31mred\x1b[0m",
        "a\u{202e}b\u{2066}c".as_bytes(),
        b"\xff\xfe]]>&amp;\"'",
        "日本語テキスト".as_bytes(),
        b"",
    ];
    vec![
        ("bars", vec![map("reads", comm_key(), MapValue::Count, None, counted.clone())]),
        (
            "bars-two-keys",
            vec![map("by_pid", Some(vec![text(), Type::I64]), MapValue::Count, None, many(1000))],
        ),
        (
            "bars-10000",
            vec![map(
                "many",
                Some(vec![text(), Type::I64]),
                MapValue::Sum { signed: false },
                Some(Unit::Bytes),
                many(10_000),
            )],
        ),
        (
            "bars-negative",
            vec![map(
                "delta",
                comm_key(),
                MapValue::Plain(Type::I64),
                Some(Unit::Nanoseconds),
                vec![
                    signed(vec![string("gain")], 5_200_000),
                    signed(vec![string("none")], 0),
                    signed(vec![string("loss")], -3_100_000),
                    signed(vec![string("tiny")], -1),
                ],
            )],
        ),
        ("series", vec![map("rate", None, tseries(), Some(Unit::Bytes), vec![series(vec![], 3)])]),
        (
            "series-keyed",
            vec![map(
                "rates",
                comm_key(),
                tseries(),
                None,
                COMMS.iter().zip(1..).map(|(comm, seed)| series(vec![string(comm)], seed)).collect(),
            )],
        ),
        (
            "bars-one",
            vec![map("one", comm_key(), MapValue::Count, None, vec![number(vec![string("dd")], 2003)])],
        ),
        (
            "bars-max",
            vec![map(
                "huge",
                comm_key(),
                MapValue::Sum { signed: false },
                None,
                vec![
                    number(vec![string("max")], u64::MAX),
                    number(vec![string("one")], 1),
                    number(vec![string("half")], u64::MAX / 2),
                ],
            )],
        ),
        (
            "bars-zero",
            vec![map(
                "zeroed",
                comm_key(),
                MapValue::Count,
                None,
                vec![number(vec![string("a")], 0), number(vec![string("b")], 0)],
            )],
        ),
        (
            "bars-hostile",
            vec![map(
                "evil",
                comm_key(),
                MapValue::Count,
                None,
                hostile.iter().enumerate().map(|(i, bytes)| number(vec![string(bytes)], 100 >> i)).collect(),
            )],
        ),
        (
            "bars-long-keys",
            vec![map(
                "paths",
                Some(vec![text(), text(), Type::I64]),
                MapValue::Count,
                None,
                (0..7)
                    .map(|i| {
                        number(
                            vec![
                                string("/usr/lib/x86_64-linux-gnu/a/very/long/path/to/some/library.so.6"),
                                string(format!("another-rather-long-name-{i}")),
                                Value::Int(i),
                            ],
                            7 - i as u64,
                        )
                    })
                    .collect(),
            )],
        ),
        ("hist", vec![map("usecs", None, hist.clone(), micros, vec![buckets(&hist, vec![], 4, &LATENCY)])]),
        (
            "hist-bytes",
            vec![map(
                "size",
                None,
                hist.clone(),
                Some(Unit::Bytes),
                vec![buckets(&hist, vec![], 9, &[5, 0, 12_000, 1, 0, 3])],
            )],
        ),
        ("hist-one", vec![map("one", None, hist.clone(), None, vec![buckets(&hist, vec![], 13, &[2000])])]),
        (
            "hist-all",
            vec![map(
                "all",
                None,
                hist.clone(),
                Some(Unit::Nanoseconds),
                vec![buckets(&hist, vec![], 0, &[7; 65])],
            )],
        ),
        (
            "hist-max",
            vec![map(
                "max",
                None,
                hist.clone(),
                None,
                vec![buckets(&hist, vec![], 0, &[1, 0, u64::MAX, u64::MAX / 3])],
            )],
        ),
        (
            "hist-fine",
            vec![map(
                "fine",
                None,
                fine.clone(),
                micros,
                vec![buckets(&fine, vec![], 60, &(0..400).map(|i| 1000 / (1 + i)).collect::<Vec<_>>())],
            )],
        ),
        ("hist-keyed", vec![map("by_comm", comm_key(), hist.clone(), micros, keyed_hist.clone())]),
        ("hist-keyed-three", vec![map("three", comm_key(), hist.clone(), None, keyed_hist[..3].to_vec())]),
        ("lhist", vec![map("cpu", None, lhist.clone(), None, vec![buckets(&lhist, vec![], 0, &bell)])]),
        (
            "lhist-time",
            vec![map(
                "delay",
                None,
                MapValue::Lhist { min: 0, max: 1_000_000, step: 1000 },
                micros,
                vec![buckets(
                    &MapValue::Lhist { min: 0, max: 1_000_000, step: 1000 },
                    vec![],
                    3,
                    &(0..999).map(|i| (i % 37) * (999 - i)).collect::<Vec<_>>(),
                )],
            )],
        ),
        ("lhist-one", vec![map("one", None, lhist.clone(), None, vec![buckets(&lhist, vec![], 3, &[5])])]),
        (
            "lhist-outside",
            vec![map("outside", None, lhist.clone(), None, vec![buckets(&lhist, vec![], 21, &[5])])],
        ),
        ("lhist-keyed", vec![map("lkeyed", comm_key(), lhist.clone(), None, keyed_lhist)]),
        (
            "scalar",
            vec![map(
                "total",
                None,
                MapValue::Plain(Type::I64),
                Some(Unit::Nanoseconds),
                vec![signed(vec![], 1_234_567_890)],
            )],
        ),
        (
            "scalar-max",
            vec![map(
                "big",
                None,
                MapValue::Sum { signed: false },
                Some(Unit::Bytes),
                vec![number(vec![], u64::MAX)],
            )],
        ),
        (
            "scalar-text",
            vec![map(
                "last",
                None,
                MapValue::Plain(text()),
                None,
                vec![Entry {
                    key: vec![],
                    value: EntryValue::Plain(string(
                        "/a/rather/long/path/that/goes/on/and/on/until/it/does/not/fit/into/the/figure/any/more",
                    )),
                }],
            )],
        ),
        (
            "scalar-stats",
            vec![map(
                "st",
                None,
                MapValue::Stats { signed: true },
                micros,
                vec![average(vec![], 123_456_789, 4242)],
            )],
        ),
        (
            "table-stats",
            vec![map(
                "stats",
                comm_key(),
                MapValue::Stats { signed: true },
                micros,
                COMMS
                    .iter()
                    .enumerate()
                    .map(|(i, comm)| {
                        average(vec![string(comm)], 1_000_000 / (i as i64 + 1) - 200_000, 10 + i as u64)
                    })
                    .collect(),
            )],
        ),
        (
            "table-max",
            vec![map(
                "worst",
                Some(vec![text(), Type::I64]),
                MapValue::Max { signed: true },
                Some(Unit::Nanoseconds),
                COMMS
                    .iter()
                    .enumerate()
                    .map(|(i, comm)| Entry {
                        key: vec![string(comm), Value::Int(100 * i as i64)],
                        value: EntryValue::Number(Value::Int(9_000_000 >> i)),
                    })
                    .collect(),
            )],
        ),
        (
            "table-text",
            vec![map(
                "names",
                Some(vec![Type::I64]),
                MapValue::Plain(text()),
                None,
                (0..30)
                    .map(|i| Entry {
                        key: vec![Value::Int(i * 97)],
                        value: EntryValue::Plain(string(COMMS[i as usize % 12])),
                    })
                    .collect(),
            )],
        ),
        ("empty", vec![map("nothing", comm_key(), MapValue::Count, None, vec![])]),
        (
            "stacked",
            vec![
                map("bytes", comm_key(), MapValue::Sum { signed: false }, Some(Unit::Bytes), counted),
                map("n", None, MapValue::Count, None, vec![number(vec![], 2003)]),
                map("usecs", None, hist.clone(), micros, vec![buckets(&hist, vec![], 4, &LATENCY)]),
            ],
        ),
        (
            "too-many",
            (0..40)
                .map(|i| map(&format!("m{i:02}"), comm_key(), hist.clone(), micros, keyed_hist.clone()))
                .collect(),
        ),
    ]
}
