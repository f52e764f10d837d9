//! A small machine that never changes, so that snapshots of diagnostics and types hold everywhere.

use probebook_lang::host::{Field, FieldKind, FixedHost, TracepointFormat};

fn field(name: &str, c_type: &str, offset: u32, size: u32, signed: bool, kind: FieldKind) -> Field {
    Field { name: name.into(), c_type: c_type.into(), offset, size, signed, kind }
}

/// A few system calls, the scheduler, and a libc.
pub fn fixed() -> FixedHost {
    use FieldKind::{Integer, Pointer, Text};
    let mut host = FixedHost::default();
    let number = || field("__syscall_nr", "int", 8, 4, true, Integer);
    let ret = || field("ret", "long", 16, 8, true, Integer);
    let mut add = |name: &str, fields: Vec<Field>| {
        host.tracepoints.insert(name.into(), TracepointFormat { fields });
    };
    for event in ["read", "write"] {
        add(
            &format!("syscalls:sys_enter_{event}"),
            vec![
                number(),
                field("fd", "unsigned int", 16, 8, false, Integer),
                field("buf", "char *", 24, 8, false, Pointer),
                field("count", "size_t", 32, 8, false, Integer),
            ],
        );
        add(&format!("syscalls:sys_exit_{event}"), vec![number(), ret()]);
    }
    add(
        "syscalls:sys_enter_openat",
        vec![
            number(),
            field("dfd", "int", 16, 8, true, Integer),
            field("filename", "const char *", 24, 8, false, Pointer),
            field("flags", "int", 32, 8, true, Integer),
        ],
    );
    add(
        "raw_syscalls:sys_enter",
        vec![
            field("id", "long", 8, 8, true, Integer),
            field("args", "unsigned long", 16, 48, false, FieldKind::Array { element: 8 }),
        ],
    );
    add(
        "sched:sched_switch",
        vec![
            field("prev_comm", "char", 8, 16, true, Text),
            field("prev_pid", "pid_t", 24, 4, true, Integer),
            field("prev_prio", "int", 28, 4, true, Integer),
            field("prev_state", "long", 32, 8, true, Integer),
            field("next_comm", "char", 40, 16, true, Text),
            field("next_pid", "pid_t", 56, 4, true, Integer),
            field("next_prio", "int", 60, 4, true, Integer),
        ],
    );
    for (path, text) in [
        (
            "shapes.h",
            "#ifndef SHAPES_H\n#define SHAPES_H\n#error not for everybody\n#include <gone.h>\nstruct shape {\n  colour_t colour;\n};\n#define SIDES 4\n#define AREA(a, b) ((a) * (b))\nstruct typed {\n  typeof(x) x;\n};\n#define WRONG ($side +\n#endif\n",
        ),
        ("lib/wrong.bt", "begin { printf(\"%d\\n\", unknown); }\n"),
        ("lib/statement.bt", "@x = 1;\n"),
        ("lib/round.bt", "import \"lib/round.bt\";\nbegin { print(1); }\n"),
        ("fast.bpf.c", "int f(void) { return 1; }\n"),
    ] {
        host.files.insert(path.into(), text.into());
    }
    host.raw_tracepoints = vec!["sched_switch".into(), "sys_enter".into(), "sys_exit".into()];
    host.binaries.insert(
        "/usr/lib/libc.so.6".into(),
        vec![("free".into(), 0x2000), ("malloc".into(), 0x1000), ("puts".into(), 0x3000)],
    );
    host
}
