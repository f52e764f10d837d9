//! The providers in words: usage, sentence, example.

use crate::check::attach::PROVIDERS;

/// A provider.
pub struct Provider {
    /// Its full name.
    pub name: &'static str,
    /// How an attach point of it is written.
    pub usage: &'static str,
    /// When it fires.
    pub doc: &'static str,
    /// A program.
    pub example: &'static str,
}

const ALL: &[Provider] = &[
    Provider {
        name: "tracepoint",
        usage: "tracepoint:category:event",
        doc: "Fires at a static tracepoint of Linux; its fields are reached as `args.field`.",
        example: "tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }",
    },
    Provider {
        name: "interval",
        usage: "interval:unit:n",
        doc: "Fires in a fixed rhythm on one CPU; the units are hz, s, ms and us.",
        example: "interval:s:1 { print(@); clear(@); }",
    },
    Provider {
        name: "profile",
        usage: "profile:unit:n",
        doc: "Fires in a fixed rhythm on every CPU; the units are hz, s, ms and us.",
        example: "profile:hz:99 { @[comm] = count(); }",
    },
    Provider {
        name: "begin",
        usage: "begin",
        doc: "Fires once, before anything is attached.",
        example: "begin { printf(\"tracing…\\n\"); }",
    },
    Provider {
        name: "end",
        usage: "end",
        doc: "Fires once, after everything is detached.",
        example: "end { clear(@start); }",
    },
    Provider {
        name: "kprobe",
        usage: "kprobe:function",
        doc: "Fires where a function of Linux is entered; its arguments are `arg0`, `arg1`, ….",
        example: "kprobe:vfs_read { @[comm] = count(); }",
    },
    Provider {
        name: "kretprobe",
        usage: "kretprobe:function",
        doc: "Fires where a function of Linux returns; its result is `retval`.",
        example: "kretprobe:vfs_read { @bytes = hist(retval); }",
    },
    Provider {
        name: "fentry",
        usage: "fentry:function",
        doc: "Fires where a function of Linux is entered; its arguments have names and types: `args.name`.",
        example: "fentry:vfs_read { @bytes = hist(args.count); }",
    },
    Provider {
        name: "fexit",
        usage: "fexit:function",
        doc: "Fires where a function of Linux returns; `retval` and `args.name` have their types.",
        example: "fexit:vfs_read { @bytes = hist(retval); }",
    },
    Provider {
        name: "uprobe",
        usage: "uprobe:binary:function",
        doc: "Fires where a function of a program or library is entered; its arguments are `arg0`, `arg1`, ….",
        example: "uprobe:libc:malloc { @bytes = hist(arg0); }",
    },
    Provider {
        name: "uretprobe",
        usage: "uretprobe:binary:function",
        doc: "Fires where a function of a program or library returns; its result is `retval`.",
        example: "uretprobe:libc:malloc { @failed[retval == 0] = count(); }",
    },
    Provider {
        name: "software",
        usage: "software:event:n",
        doc: "Fires at every nth occurrence of a software event of Linux.",
        example: "software:page-faults:100 { @[comm] = count(); }",
    },
    Provider {
        name: "rawtracepoint",
        usage: "rawtracepoint:event",
        doc: "Fires at a static tracepoint of Linux, with its raw arguments as `arg0`, `arg1`, ….",
        example: "rawtracepoint:sched_switch { @ = count(); }",
    },
    Provider {
        name: "self",
        usage: "self:signal:SIGUSR1",
        doc: "Fires when the process that traces gets SIGUSR1; for a notebook, the Jupyter kernel.",
        example: "self:signal:SIGUSR1 { print(@); }",
    },
    Provider {
        name: "test",
        usage: "test:name",
        doc: "Runs with `probebook trace --test`; it passes if it returns 0 without errors.",
        example: "test:addition { if (1 + 1 != 2) { return 1; } }",
    },
    Provider {
        name: "bench",
        usage: "bench:name",
        doc: "Runs many times with `probebook trace --bench`, which tells how long it takes.",
        example: "bench:count { @[tid] = count(); }",
    },
];

/// All providers, the most used first.
pub fn all() -> &'static [Provider] {
    ALL
}

/// The provider that a word of an attach point means.
pub fn find(word: &str) -> Option<&'static Provider> {
    let word = word.to_lowercase();
    let (_, name) = PROVIDERS.iter().find(|(known, _)| *known == word)?;
    ALL.iter().find(|provider| provider.name == *name)
}

impl Provider {
    /// Its short name, if it has one.
    pub fn alias(&self) -> Option<&'static str> {
        let mut names = PROVIDERS.iter().filter(|(name, of)| *of == self.name && *name != self.name);
        names.next().map(|(alias, _)| *alias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_described() {
        for (word, name) in PROVIDERS {
            assert_eq!(find(word).map(|provider| provider.name), Some(*name));
        }
        assert_eq!(find("T").and_then(Provider::alias), Some("t"));
        assert_eq!(find("begin").and_then(Provider::alias), None);
    }
}
