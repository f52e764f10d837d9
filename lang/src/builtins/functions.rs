//! The builtins that are called.

use super::{Availability, Builtin, Kind};

/// By topic: output, the run, maps, memory.
pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "printf",
        kind: Kind::Function,
        signature: "printf(format, ...)",
        doc: "Prints text made from a format and values.",
        example: "printf(\"%s read %d bytes\\n\", comm, args.ret)",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "print",
        kind: Kind::Function,
        signature: "print(value) | print(@map[, top[, divisor]])",
        doc: "Prints a value, or a whole map as it is when the message arrives.",
        example: "interval:s:1 { print(@, 5); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "time",
        kind: Kind::Function,
        signature: "time([format])",
        doc: "Prints the time of day, by default as `%H:%M:%S` and a line end.",
        example: "interval:s:1 { time(); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "exit",
        kind: Kind::Function,
        signature: "exit([code])",
        doc: "Ends the program, and this run of the probe at once.",
        example: "interval:s:10 { exit(); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "clear",
        kind: Kind::Function,
        signature: "clear(@map)",
        doc: "Removes all elements of a map.",
        example: "interval:s:1 { print(@); clear(@); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "zero",
        kind: Kind::Function,
        signature: "zero(@map)",
        doc: "Sets all values of a map to 0.",
        example: "interval:s:1 { print(@); zero(@); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "delete",
        kind: Kind::Function,
        signature: "delete(@map, key): bool",
        doc: "Removes an element, or the value of a scalar map; true if there was one.",
        example: "delete(@start, tid)",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "has_key",
        kind: Kind::Function,
        signature: "has_key(@map, key): bool",
        doc: "Whether a map has an element of this key.",
        example: "if (has_key(@start, tid)) { @ns = hist(nsecs - @start[tid]); }",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "len",
        kind: Kind::Function,
        signature: "len(@map): int64",
        doc: "The number of elements of a map.",
        example: "printf(\"%ld\\n\", len(@start))",
        availability: Availability::Everywhere,
    },
    Builtin {
        name: "str",
        kind: Kind::Function,
        signature: "str(pointer[, length]): string",
        doc: "Reads a C string from memory, by default at most 1023 bytes.",
        example: "tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }",
        availability: Availability::Everywhere,
    },
];
