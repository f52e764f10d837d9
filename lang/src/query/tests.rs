//! Half-typed cells, with `|` where the cursor is.

use super::{Completeness, Completions, Inspection, complete, completeness, inspect};
use crate::check::tests::host;
use crate::environment::{Declaring, Environment, KnownMap, Parameters};
use crate::source::{Source, Span};
use crate::syntax::parse_cell;
use crate::types::{MapType, MapValue, Type, Unit};

fn environment() -> Environment {
    let ty = MapType {
        key: Some(vec![Type::U64, Type::String { capacity: 16 }]),
        value: MapValue::Hist { bits: 0 },
        unit: Some(Unit::Nanoseconds),
    };
    let users = vec!["cell 1".to_string(), "cell 4".to_string()];
    Environment {
        maps: [("lat".to_string(), KnownMap { ty, max_entries: 4096, evicts: false, users })].into(),
        parameters: Parameters { positional: vec!["cat".into()], ..Parameters::default() },
        ..Environment::default()
    }
}

fn split(marked: &str) -> (String, u32) {
    let cursor = marked.find('|').expect("a cursor");
    (marked.replacen('|', "", 1), cursor as u32)
}

fn completions(marked: &str) -> Completions {
    let (text, cursor) = split(marked);
    let found = complete(&text, cursor, &host(), &environment());
    assert_eq!(found.span.end, cursor, "{marked}");
    found
}

fn texts(marked: &str) -> Vec<String> {
    completions(marked).items.into_iter().map(|item| item.text).collect()
}

fn seen(marked: &str) -> Inspection {
    let (text, cursor) = split(marked);
    inspect(&text, cursor, &host(), &environment()).unwrap_or_else(|| panic!("nothing for {marked}"))
}

#[test]
fn cells_are_whole_or_not() {
    let open = |blanks: usize| Completeness::Incomplete { indent: " ".repeat(blanks) };
    for (text, expected) in [
        ("", Completeness::Complete),
        ("@x", Completeness::Complete),
        ("@x = 1", Completeness::Complete),
        ("begin { @x = 1; }", Completeness::Complete),
        ("macro f() { 1 } begin { }", Completeness::Complete),
        ("kprobe:$1 { }", Completeness::Complete),
        ("t:a:b", open(0)),
        ("t:a:b,", open(0)),
        ("begin", open(0)),
        ("begin {", open(4)),
        ("begin {\n    @x = 1;\n    if (1) {", open(8)),
        ("t:a:b /pid == ", open(0)),
        ("printf(\"a\",", open(4)),
        ("@x =", open(0)),
        ("@x[1", open(4)),
        ("/* abc", open(0)),
        ("macro f() {", open(4)),
        ("$x = if (1) { 2 }", open(0)),
        ("begin { @x = ; }", Completeness::Invalid),
        ("begin { @x = ; ", Completeness::Invalid),
        ("}", Completeness::Invalid),
        ("printf(\"abc", Completeness::Invalid),
        ("1 2", Completeness::Invalid),
    ] {
        assert_eq!(completeness(text), expected, "{text:?}");
    }
}

#[test]
fn beginnings_of_a_right_program_are_not_wrong() {
    let text = "t:a:b, begin /pid == 1 && @x[1] / 2 > 3/ { @x[tid, (1,)] += (uint64)$y ?: f(1, \"a\"); /* c */\n\
                for ($i : 0..10) { if ($i) { break; } else if $x { $t++; } else { return 1; } }\n\
                for ($kv : @x) { unroll (2) { print($kv.0); } } while (1) { ++$x; } _ = { 1 };\n\
                let $z : int8[4]* = (typeof($x))1; $s = sizeof(struct a); $y = if (1) { 2 } else { 3 };\n\
                $q = $a->b[3].c; $t = 1 ? 2 : -3; }\nuprobe:\"/bin/x\":f { @ = count() }\n@x[1]";
    let source = Source::new("cell", text);
    let parsed = parse_cell(&source, &Parameters::default());
    assert_eq!(parsed.diagnostics, []);
    for token in parsed.tokens {
        let beginning = &text[..token.span.end as usize];
        assert_ne!(completeness(beginning), Completeness::Invalid, "{beginning}");
    }
}

#[test]
fn attach_points_complete_by_segment() {
    assert_eq!(texts("trac|")[0], "tracepoint:");
    assert_eq!(texts("begin { } upr|"), ["uprobe:"]);
    assert_eq!(texts("be|"), ["begin", "bench:"]);
    assert_eq!(texts("t:s|")[..3], ["sched:", "syscalls:", "raw_syscalls:"]);
    assert_eq!(texts("tracepoint:sched:|"), ["sched_process_exec", "sched_switch"]);
    assert_eq!(texts("tracepoint:syscalls:*re|"), ["sys_enter_pread64", "sys_enter_read", "sys_exit_read"]);
    assert_eq!(texts("t:sys_enter_w|"), ["syscalls:sys_enter_write"]);
    assert_eq!(texts("t:enter_w|"), ["syscalls:sys_enter_write"]);
    assert_eq!(texts("begin, t:sched:sched_s| { }"), ["sched_switch"]);
    assert_eq!(texts("t:sched:sched_switch, raw|"), ["rawtracepoint:"]);
    assert_eq!(texts("t:sched:sched_switch, |").len(), 16);
    assert_eq!(texts("rt:s|"), ["sched_switch", "sys_enter"]);
    assert_eq!(texts("software:pa|"), ["page-faults"]);
    assert_eq!(texts("interval:|"), ["hz:", "s:", "ms:", "us:"]);
    assert_eq!(texts("uprobe:libc|"), ["libc:"]);
    assert_eq!(texts("uprobe:libc:m|"), ["malloc", "memcpy"]);
    assert_eq!(texts("uprobe:/usr/lib/libc.so.6:fr|"), ["free"]);
    assert_eq!(texts("uprobe:\"/usr/lib/libc.so.6\":\"fr|"), ["free"]);
    assert!(texts("t:sched:sched_switch |").is_empty());
    assert_eq!(completions("t:sched:sched_sw|").span, Span::new(8, 16));
}

#[test]
fn members_of_structures() {
    assert_eq!(texts("begin { $p = (struct pair *)8; print($p->|"), ["x", "y", "flag"]);
    assert_eq!(texts("begin { $p = (struct pair *)8; if ($p) { @ = 1 + $p.f| } }"), ["flag"]);
    assert_eq!(texts("begin { print((*(struct pair *)8).|"), ["x", "y", "flag"]);
    assert_eq!(texts("begin { $r = (a=1, bc=2); print($r.|"), ["a", "bc"]);
    assert_eq!(texts("begin { $x = 5; print($x.|"), Vec::<String>::new());
    let found = completions("begin { @p = (struct pair *)8; print(@p->fl|");
    assert_eq!(found.items[0].detail, "uint32");
}

#[test]
fn fields_are_those_of_the_probe() {
    assert_eq!(texts("t:sched:sched_switch { @[args.|"), ["prev_comm", "prev_pid", "prev_state"]);
    assert_eq!(texts("t:sched:sched_switch /args.prev_c|/ { }"), ["prev_comm"]);
    assert_eq!(texts("t:syscalls:sys_enter_*r*d* { $x = args->|; }"), ["fd", "buf", "count"]);
    assert_eq!(texts("t:syscalls:sys_enter_read, t:syscalls:sys_exit_read { args.| }"), Vec::<String>::new());
    assert_eq!(texts("t:sched:sched_switch { } begin { args.| }"), Vec::<String>::new());
    let found = completions("t:raw_syscalls:sys_enter { @ = sum(args.| }");
    let details: Vec<_> = found.items.into_iter().map(|item| item.detail).collect();
    assert_eq!(details, ["long", "unsigned long[6]"]);
}

#[test]
fn variables_are_those_in_scope() {
    let text = "begin { $gone = 1; } end { $a = 1; { $inner = 2; } for ($i : 0..5) { $b = $i; print($| } }";
    assert_eq!(texts(text), ["$b", "$i", "$a", "$1"]);
    assert_eq!(texts("begin { for ($kv : @lat) { } $x = $|"), ["$x", "$1"]);
    assert_eq!(texts("begin { $abc = 1; $ab|"), ["$abc"]);
}

#[test]
fn maps_are_those_of_the_notebook_and_the_cell() {
    assert_eq!(texts("begin { @start[tid] = 1; } end { print(@|); @zz = 1; }"), ["@lat", "@start", "@zz"]);
    assert_eq!(texts("@la|"), ["@lat"]);
    assert_eq!(completions("@la|").items[0].detail, "@lat[uint64, string[16]]: hist_t in ns");
}

#[test]
fn values_know_their_place() {
    assert_eq!(texts("begin { @x = h|")[0], "hist");
    assert_eq!(texts("@x = |")[..2], ["count", "sum"]);
    assert!(texts("uprobe:libc:malloc { $x = arg|").contains(&"arg0".to_string()));
    assert!(!texts("begin { $x = arg|").contains(&"arg0".to_string()));
    assert!(!texts("begin { $x = ret|").contains(&"retval".to_string()));
    assert_eq!(texts("begin { ret|")[0], "return");
    assert_eq!(texts("begin { pri|"), ["printf", "print"]);
    assert_eq!(texts("t:sched:sched_switch /com|"), ["comm", "leader_comm", "pcomm"]);
    assert!(texts("begin { @x[tid] |").is_empty());
    assert!(texts("begin { printf(\"%d|").is_empty());
    assert!(texts("begin { @x = 12|").is_empty());
    assert!(texts("// pri|").is_empty());
    assert_eq!(texts("let $x : uin|"), ["uint8", "uint16", "uint32", "uint64",]);
    assert!(texts("|").contains(&"tracepoint:".to_string()));
}

#[test]
fn names_are_explained() {
    assert_eq!(seen("begin { pri|ntf(\"a\"); }").signature, "printf(format, ...)");
    assert_eq!(seen("begin { @ = hist(|); }").title, "hist");
    assert_eq!(seen("begin { @ = lhist(nsecs, 1 + (2|), 3, 4); }").title, "lhist");
    assert_eq!(seen("comm|").signature, "comm: string[16] | comm(pid)");
    assert_eq!(seen("uprobe:libc:malloc { @ = arg1|; }").title, "arg1");
    assert_eq!(seen("begin { whil|e (1) { } }").title, "while");
    let map = seen("@la|t");
    assert_eq!(map.signature, "@lat[uint64, string[16]]: hist_t in ns");
    assert_eq!(map.text, "A map with room for 4096 elements, made by cell 1, also used by cell 4.");
    assert_eq!(seen("begin { @x[tid] = nsecs; } end { print(@|x); }").signature, "@x[uint64]: uint64");
    assert_eq!(seen("begin { $x = nsecs; print($x|); }").signature, "$x: uint64");
}

#[test]
fn attach_points_are_explained() {
    assert_eq!(seen("trace|point:a:b { }").title, "tracepoint");
    assert!(seen("p|:hz:99 { }").text.contains("every CPU"));
    let event = seen("t:sched:sched_|switch { }");
    assert_eq!(event.signature, "tracepoint:sched:sched_switch");
    assert_eq!(
        event.text,
        "Fields:\n\n* `args.prev_comm`: `char[16]`\n* `args.prev_pid`: `pid_t`\n* `args.prev_state`: `long`\n"
    );
    let events = seen("t:sched:|* { }");
    assert!(
        events.text.starts_with("2 match: `sched:sched_process_exec`, `sched:sched_switch`."),
        "{events:?}"
    );
    assert!(seen("uprobe:libc:mallo|c { }").text.starts_with("In `/usr/lib/libc.so.6`. 1 matches"));
    assert!(seen("s:fau|lts { }").text.contains("100"));
    let field = seen("t:syscalls:sys_enter_read { @ = args.bu|f; }");
    assert_eq!(field.signature, "args.buf: char *");
    assert!(field.text.contains("user memory"));
    let (text, cursor) = split("t:sched:nope| { }");
    assert_eq!(inspect(&text, cursor, &host(), &environment()), None);
}

#[test]
fn pages_have_two_forms() {
    let page = seen("com|m");
    assert_eq!(
        page.plain(),
        "comm: string[16] | comm(pid)\n\nThe name of the current thread, or of a process.\n\nExample:\n    profile:hz:99 { @[comm] = count(); }\n"
    );
    assert!(page.markdown().starts_with("```bpftrace\ncomm: string[16] | comm(pid)\n```\n\nThe name"));
}

#[test]
fn any_cursor_in_any_text_is_answered() {
    let text = "t:sched:sched_switch, begin /args.prev_pid > $1/ { @é[comm] = hist(nsecs, 5); $x = \"é\\\n} \
                for ($kv : @lat) { print($kv.0.1 /* é */); } uprobe:\"libc:mal\" { if ($y) { let $z : int8[4]; }";
    for cut in (0..text.len()).step_by(3) {
        if !text.is_char_boundary(cut) {
            continue;
        }
        for text in [&text[..cut], &text[cut..]] {
            completeness(text);
            for cursor in 0..=text.len() as u32 + 1 {
                complete(text, cursor, &host(), &environment());
                if cut % 7 == 0 {
                    inspect(text, cursor, &host(), &environment());
                }
            }
        }
    }
}

#[test]
fn long_lists_are_cut() {
    let mut host = host();
    let functions = (0..5000).map(|n| (format!("f{n:04}"), n)).collect();
    host.binaries.insert("/bin/big".into(), functions);
    let found = complete("u:/bin/big:f", 12, &host, &Environment::default());
    assert_eq!((found.items.len(), found.more), (100, 4900));
    assert_eq!(found.items[0].text, "f0000");
}

#[test]
fn names_of_c_are_known() {
    let head =
        "#define LIMIT_OF_ALL 3\nenum colour_of { REDDISH = 4 };\nstruct pointless { int x; char y : 3; };\n";
    let here = |rest: &str| format!("{head}{rest}");
    assert_eq!(texts(&here("begin { print(LIM|")), ["LIMIT_OF_ALL"]);
    assert_eq!(texts(&here("REDD|")), ["REDDISH"]);
    assert_eq!(texts(&here("begin { $x = (struct point|")), ["pointless"]);
    assert_eq!(texts(&here("begin { $x = (enum co|")), ["colour_of"]);
    let layout = seen(&here("begin { $x = (struct point|less *)0; }")).signature;
    assert_eq!(layout, "struct pointless { // 8 bytes\n    int32 x; // at 0\n    int8 y : 3; // at 4\n}");
    let define = seen(&here("print(LIMIT|_OF_ALL);"));
    assert_eq!(
        (define.signature.as_str(), define.text.as_str()),
        ("#define LIMIT_OF_ALL 3", "Defined in cell.")
    );
    assert_eq!(seen(&here("print(RED|DISH);")).signature, "REDDISH = 4");
    let earlier = Environment {
        declarations: vec![Declaring { name: "cell 1".into(), text: head.into() }],
        ..environment()
    };
    let found = complete("print(LIM", 9, &host(), &earlier);
    assert_eq!(found.items[0].detail, "3");
}
