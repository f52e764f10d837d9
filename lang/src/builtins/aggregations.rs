//! The builtins that stand on the right side of a map assignment.

use super::{Availability, Builtin, Kind};

/// From plain to rich.
pub const AGGREGATIONS: &[Builtin] = &[
    Builtin {
        name: "count",
        kind: Kind::Aggregation,
        signature: "count()",
        doc: "Counts how often it is reached.",
        example: "@[comm] = count();",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "sum",
        kind: Kind::Aggregation,
        signature: "sum(n)",
        doc: "Adds up numbers.",
        example: "@bytes[comm] = sum(args.ret);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "avg",
        kind: Kind::Aggregation,
        signature: "avg(n)",
        doc: "The mean of numbers.",
        example: "@bytes[comm] = avg(args.ret);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "min",
        kind: Kind::Aggregation,
        signature: "min(n)",
        doc: "The smallest number.",
        example: "@ns = min(nsecs - @start[tid]);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "max",
        kind: Kind::Aggregation,
        signature: "max(n)",
        doc: "The largest number.",
        example: "@ns = max(nsecs - @start[tid]);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "stats",
        kind: Kind::Aggregation,
        signature: "stats(n)",
        doc: "Count, mean and sum of numbers.",
        example: "@bytes[comm] = stats(args.ret);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "hist",
        kind: Kind::Aggregation,
        signature: "hist(n[, bits])",
        doc: "A histogram with 2^bits buckets (by default one) per power of two.",
        example: "@ns = hist(nsecs - @start[tid]);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "lhist",
        kind: Kind::Aggregation,
        signature: "lhist(n, min, max, step)",
        doc: "A histogram with buckets of equal width.",
        example: "@bytes = lhist(args.ret, 0, 4096, 256);",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "tseries",
        kind: Kind::Aggregation,
        signature: "tseries(n, interval, intervals[, \"avg\" | \"sum\" | \"min\" | \"max\"])",
        doc: "Numbers over the time of day: one for each of the last intervals.",
        example: "@bytes = tseries(args.ret, 100ms, 60, \"sum\");",
        availability: Availability::Everywhere,
    },
];
