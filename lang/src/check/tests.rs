//! Small programs against a small machine: types, sharing of programs, diagnostics with the text they
//! point to.

use std::sync::Arc;

use super::check;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Environment, KnownMap, Parameters};
use crate::host::{
    Field, FieldKind, FixedHost, FunctionType, Host, KernelFunction, Symbol, TracepointFormat, Unavailable,
};
use crate::source::Source;
use crate::syntax;
use crate::typed::{self, Program};
use crate::types::structure::{Bits, Enumeration, Keyword, Member, Structure};
use crate::types::{MapType, MapValue, Type, Unit};

fn field(name: &str, c_type: &str, offset: u32, size: u32, signed: bool, kind: FieldKind) -> Field {
    Field { name: name.into(), c_type: c_type.into(), offset, size, signed, kind }
}

/// A machine with a few tracepoints and one library.
pub(crate) fn host() -> FixedHost {
    let mut host = FixedHost::default();
    let mut add = |name: &str, fields: Vec<Field>| {
        host.tracepoints.insert(name.into(), TracepointFormat { fields });
    };
    let int = FieldKind::Integer;
    let fd = || field("fd", "unsigned int", 16, 8, false, int);
    let buf = || field("buf", "char *", 24, 8, false, FieldKind::Pointer);
    let count = |offset| field("count", "size_t", offset, 8, false, int);
    let ret = || field("ret", "long", 16, 8, true, int);
    add("syscalls:sys_enter_read", vec![fd(), buf(), count(32)]);
    add("syscalls:sys_enter_pread64", vec![fd(), buf(), count(40)]);
    add("syscalls:sys_enter_write", vec![fd(), buf(), count(32)]);
    add("syscalls:sys_exit_read", vec![ret()]);
    add("syscalls:sys_enter_nanosleep", vec![]);
    add(
        "raw_syscalls:sys_enter",
        vec![
            field("id", "long", 8, 8, true, int),
            field("args", "unsigned long", 16, 48, false, FieldKind::Array { element: 8 }),
        ],
    );
    add(
        "sched:sched_switch",
        vec![
            field("prev_comm", "char", 8, 16, true, FieldKind::Text),
            field("prev_pid", "pid_t", 24, 4, true, int),
            field("prev_state", "long", 32, 8, true, int),
        ],
    );
    add(
        "sched:sched_process_exec",
        vec![
            field("filename", "__data_loc char[]", 8, 4, false, FieldKind::DynamicText),
            field("pid", "pid_t", 12, 4, true, int),
        ],
    );
    let int = Type::int(4, true);
    let member = |name: &str, offset, bits, ty| Member { name: name.into(), offset, bits, ty };
    host.structures.push(Arc::new(Structure {
        keyword: Keyword::Struct,
        name: "pair".into(),
        size: 12,
        align: 4,
        members: vec![
            member("x", 0, None, int.clone()),
            member("y", 4, None, int),
            member("flag", 8, Some(Bits { first: 3, width: 2 }), Type::int(4, false)),
        ],
    }));
    host.enumerations.push(Arc::new(Enumeration {
        name: "colour".into(),
        width: 4,
        signed: false,
        variants: vec![("RED".into(), 0), ("GREEN".into(), 1)],
    }));
    host.raw_tracepoints = vec!["sched_switch".into(), "sys_enter".into()];
    host.binaries.insert(
        "/usr/lib/libc.so.6".into(),
        vec![("free".into(), 0x20), ("malloc".into(), 0x10), ("memcpy".into(), 0x30)],
    );
    host
}

fn check_in(text: &str, environment: &Environment) -> (Program, Vec<Diagnostic>) {
    let source = Source::new("cell", text);
    let (ast, syntax) = syntax::parse(&source, &environment.parameters);
    assert_eq!(syntax, [], "{text}");
    check(&ast, &host(), environment)
}

/// The typed program of a text without errors.
pub(crate) fn accepted(text: &str) -> Program {
    accepted_in(text, &Environment::default())
}

fn accepted_in(text: &str, environment: &Environment) -> Program {
    let (program, diagnostics) = check_in(text, environment);
    let errors: Vec<_> = diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
    program
}

/// Code and place of each diagnostic.
fn complaints(text: &str) -> Vec<(Code, &str)> {
    complaints_in(text, &Environment::default())
}

fn complaints_in<'a>(text: &'a str, environment: &Environment) -> Vec<(Code, &'a str)> {
    let (_, diagnostics) = check_in(text, environment);
    diagnostics.iter().map(|d| (d.code, &text[d.span.range()])).collect()
}

fn map<'a>(program: &'a Program, name: &str) -> &'a MapType {
    &program.maps.iter().find(|map| map.name == name).unwrap_or_else(|| panic!("no @{name}")).ty
}

fn points(program: &Program) -> Vec<Vec<String>> {
    let names = |probe: &typed::Probe| probe.points.iter().map(ToString::to_string).collect();
    program.probes.iter().map(names).collect()
}

fn known(ty: MapType, users: &[&str]) -> KnownMap {
    KnownMap { ty, max_entries: 4096, evicts: false, users: users.iter().map(ToString::to_string).collect() }
}

fn environment(name: &str, ty: MapType, users: &[&str]) -> Environment {
    let maps = [(name.to_string(), known(ty, users))].into();
    Environment { maps, cell: "cell 2".into(), ..Environment::default() }
}

fn scalar(value: MapValue) -> MapType {
    MapType { key: None, value, unit: None }
}

const INT8: Type = Type::Int { width: 1, signed: true };

#[test]
fn attach_points_are_resolved() {
    let program = accepted(
        "BEGIN { } i:s:1 { } p:hz:99 { } interval:1500ns { } s:faults { } software:cs:7 { } end { } \
         t:sched:sched_switch { } rt:sched_switch { } u:libc:malloc, ur:libc:free { }",
    );
    let expected: Vec<Vec<String>> = [
        "begin",
        "interval:s:1",
        "profile:hz:99",
        "interval:us:1",
        "software:faults",
        "software:cs:7",
        "end",
        "tracepoint:sched:sched_switch",
        "rawtracepoint:sched_switch",
        "uprobe:/usr/lib/libc.so.6:malloc",
        "uretprobe:/usr/lib/libc.so.6:free",
    ]
    .iter()
    .map(|name| vec![name.to_string()])
    .collect();
    assert_eq!(points(&program), expected);
    let results: Vec<_> = program.probes.iter().map(|probe| probe.default_result).collect();
    assert_eq!(results, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn events_share_a_program_unless_the_body_tells_them_apart() {
    let count = |text: &str| accepted(text).probes.len();
    assert_eq!(count("t:syscalls:sys_enter_* { @[comm] = count(); }"), 1);
    assert_eq!(count("t:syscalls:sys_enter_* { @[probe] = count(); }"), 4);
    assert_eq!(count("t:syscalls:sys_enter_*r*d* { @ = sum(args.fd); }"), 1);
    assert_eq!(count("t:syscalls:sys_enter_*read* { @ = sum(args.count); }"), 2);
    assert_eq!(count("u:libc:m* { @[func] = count(); }"), 2);
    assert_eq!(count("u:libc:m* { @ = hist(arg0); }"), 1);
    assert_eq!(count("begin, end { @ = count(); }"), 2);
}

#[test]
fn wrong_attach_points() {
    assert_eq!(complaints("tracepont:a:b { }"), [(Code::UnknownProbeType, "tracepont")]);
    assert_eq!(complaints("usdt:libc:x { }"), [(Code::Unsupported, "usdt")]);
    assert_eq!(complaints("t:syscalls:sys_enter_raed { }"), [(Code::NoMatch, "sys_enter_raed")]);
    assert_eq!(complaints("t:syscals:sys_enter_read { }"), [(Code::NoMatch, "syscals")]);
    assert_eq!(complaints("t:sys_enter_read { }"), [(Code::InvalidProbe, "sys_enter_read")]);
    assert_eq!(complaints("u:libc:mallok { }"), [(Code::NoMatch, "mallok")]);
    assert_eq!(complaints("u:libnope:malloc { }"), [(Code::NoMatch, "libnope")]);
    assert_eq!(complaints("i:x:1 { }"), [(Code::InvalidProbe, "x")]);
    assert_eq!(complaints("i:500ns { }"), [(Code::InvalidProbe, "500ns")]);
    assert_eq!(complaints("i:hz:0 { }"), [(Code::InvalidProbe, "0")]);
    assert_eq!(complaints("s:fault { }"), [(Code::NoMatch, "fault")]);
    let (_, diagnostics) = check_in("t:syscalls:sys_enter_raed { }", &Environment::default());
    assert_eq!(diagnostics[0].helps, ["did you mean `sys_enter_read`?"]);
}

#[test]
fn maps_hold_64_bits_and_strings_widen() {
    let program = accepted(
        "begin { @a = 1; @s[1, \"abc\"] = \"x\"; @s[2, \"abcdefghi\"] = \"longer than eight\"; @n = nsecs; }",
    );
    assert_eq!(*map(&program, "a"), scalar(MapValue::Plain(Type::I64)));
    let string = |capacity| Type::String { capacity };
    assert_eq!(map(&program, "s").key, Some(vec![Type::I64, string(16)]));
    assert_eq!(map(&program, "s").value, MapValue::Plain(string(24)));
    assert_eq!(map(&program, "n").value, MapValue::Plain(Type::U64));
}

#[test]
fn variables_have_one_type() {
    let program = accepted("begin { $x = 1; $x = 300; $y = (uint8)1; $y = -1; print(($x, $y)); }");
    let types: Vec<_> = program.probes[0].variables.iter().map(|v| v.ty.clone()).collect();
    assert_eq!(types, [Type::int(2, true), Type::int(2, true)]);
    let program = accepted("begin { $x = 255; $x++; $s = \"a\"; $s = \"abc\"; print(($x, $s)); }");
    let types: Vec<_> = program.probes[0].variables.iter().map(|v| v.ty.clone()).collect();
    assert_eq!(types, [Type::I64, Type::String { capacity: 4 }]);
    let program = accepted("begin { let $z : uint8 = 255; $z++; print($z); }");
    assert_eq!(program.probes[0].variables[0].ty, Type::int(1, false));
}

#[test]
fn types_flow_against_the_order_of_the_text() {
    let program = accepted("end { $x = @later[1]; print($x); } begin { @later[1] = \"text\"; }");
    assert_eq!(program.probes[0].variables[0].ty, Type::String { capacity: 8 });
    let program = accepted("begin { @a = @b; @b = @a; }");
    assert_eq!(map(&program, "a").value, MapValue::Plain(Type::I64));
}

#[test]
fn literals_fold() {
    let text = |expr: &str| {
        let program = accepted(&format!("begin {{ print({expr}); }}"));
        typed::print(&program)
    };
    for (expr, value) in [
        ("-7 / 2", "-3"),
        ("1 - 1", "0"),
        ("~0", "18446744073709551615"),
        ("\"ab\" + \"cd\"", "\"abcd\""),
        ("1 << 8", "256"),
        ("3 > 2", "true"),
        ("-5 % 3", "-2"),
        ("!1", "false"),
        ("sizeof(uint32)", "4"),
        ("1 == 2", "false"),
        ("\"a\" < \"b\"", "true"),
    ] {
        assert!(text(expr).contains(&format!("({value})")), "{expr}: {}", text(expr));
    }
    assert_eq!(complaints("begin { print(1 / 0); }"), [(Code::ConstantOverflow, "1 / 0")]);
    assert_eq!(complaints("begin { print(nsecs << 64); }"), [(Code::ConstantOverflow, "64")]);
}

#[test]
fn operators_compute_in_64_bits() {
    let ty = |expr: &str| {
        let program = accepted(&format!("t:sched:sched_switch {{ $v = {expr}; print($v); }}"));
        program.probes[0].variables[0].ty.clone()
    };
    assert_eq!(ty("pid + 1"), Type::U64);
    assert_eq!(ty("pid - 1"), Type::I64);
    assert_eq!(ty("pid + args.prev_pid"), Type::I64);
    assert_eq!(ty("nsecs / 1000"), Type::U64);
    assert_eq!(ty("pid"), Type::int(4, false));
    assert_eq!(ty("args.prev_pid"), Type::int(4, true));
    assert_eq!(ty("pid == 1"), Type::Bool);
    assert_eq!(ty("5"), INT8);
    assert_eq!(ty("pid ? 1 : 300"), Type::int(2, true));
    assert_eq!(ty("(1, comm)"), Type::Tuple(vec![INT8, Type::String { capacity: 16 }]));
}

#[test]
fn units_follow_the_arithmetic() {
    let program = accepted(
        "t:syscalls:sys_enter_read { @start[tid] = nsecs; @want = hist(args.count); @c = count(); } \
         t:syscalls:sys_exit_read { $d = nsecs - @start[tid]; @a = hist($d); @b[comm] = avg($d / 1000); \
           @c2 = hist((nsecs - @start[tid]) / 1000000); @got = sum(args.ret); @total_bytes += 3; @mixed = $d; \
           @mixed = args.ret; }",
    );
    let unit = |name: &str| map(&program, name).unit;
    assert_eq!(unit("start"), None);
    assert_eq!(unit("want"), Some(Unit::Bytes));
    assert_eq!(unit("c"), None);
    assert_eq!(unit("a"), Some(Unit::Nanoseconds));
    assert_eq!(unit("b"), Some(Unit::Microseconds));
    assert_eq!(unit("c2"), Some(Unit::Milliseconds));
    assert_eq!(unit("got"), Some(Unit::Bytes));
    assert_eq!(unit("total_bytes"), Some(Unit::Bytes));
    assert_eq!(unit("mixed"), None);
}

#[test]
fn aggregations() {
    let program = accepted(
        "t:syscalls:sys_exit_read { @s = sum(args.ret); @u = sum(pid); @h[comm] = hist(args.ret, 3); \
         @l = lhist(args.ret, 0, 100, 10); if (@s > 5) { printf(\"%d\", (int64)@s); } }",
    );
    assert_eq!(map(&program, "s").value, MapValue::Sum { signed: true });
    assert_eq!(map(&program, "u").value, MapValue::Sum { signed: false });
    assert_eq!(map(&program, "h").value, MapValue::Hist { bits: 3 });
    assert_eq!(map(&program, "l").value, MapValue::Lhist { min: 0, max: 100, step: 10 });
}

#[test]
fn wrong_aggregations() {
    let one = |text| complaints(text)[0];
    assert_eq!(one("begin { $x = count(); }"), (Code::MisplacedAggregation, "count()"));
    assert_eq!(one("begin { @a = count(); @a = sum(1); }"), (Code::MapTypeMismatch, "@a = sum(1)"));
    assert_eq!(one("begin { @a = hist(1); @a = hist(1, 2); }"), (Code::MapTypeMismatch, "@a = hist(1, 2)"));
    assert_eq!(one("begin { @a = hist(1, 6); }"), (Code::InvalidBuckets, "6"));
    assert_eq!(one("begin { @a = lhist(1, 10, 5, 1); }"), (Code::InvalidBuckets, "10, 5"));
    assert_eq!(one("begin { @a = lhist(1, 0, 5000, 1); }"), (Code::InvalidBuckets, "0, 5000, 1"));
    assert_eq!(one("begin { @a = lhist(1, 0, 5, 0); }"), (Code::InvalidBuckets, "0"));
    assert_eq!(one("begin { @a = count(3); }"), (Code::WrongArguments, "count(3)"));
    assert_eq!(one("begin { @a = count(); @b = @a; }"), (Code::MisplacedAggregation, "@a"));
    assert_eq!(one("begin { @a = count(); @a++; }"), (Code::MapTypeMismatch, "@a"));
    assert_eq!(one("begin { @a = count(); printf(\"%d\", @a); }"), (Code::InvalidFormat, "@a"));
    assert_eq!(one("begin { @a = hist(1); $x = @a; }"), (Code::InvalidTarget, "@a"));
    assert_eq!(one("begin { let $x : count_t; }"), (Code::InvalidTarget, "count_t"));
}

#[test]
fn wrong_map_uses() {
    let one = |text| complaints(text)[0];
    assert_eq!(one("begin { @a = 1; @a[1] = 1; }"), (Code::MapTypeMismatch, "1"));
    assert_eq!(one("begin { @a[1] = 1; @a = 1; }"), (Code::MapTypeMismatch, "@a"));
    assert_eq!(one("begin { @a[1] = 1; @a[\"x\"] = 1; }"), (Code::MapTypeMismatch, "\"x\""));
    assert_eq!(one("begin { @a[1] = 1; @a[1, 2] = 1; }"), (Code::MapTypeMismatch, "1, 2"));
    assert_eq!(one("begin { @a = 1; @a = \"x\"; }"), (Code::MapTypeMismatch, "@a"));
    assert_eq!(one("begin { print(@nope); }"), (Code::UndefinedMap, "@nope"));
    assert_eq!(one("begin { @a = 1; has_key(@a, 1); }").0, Code::MapTypeMismatch);
    assert_eq!(one("begin { @start[1] = 1; print(@strat[1]); }"), (Code::UnassignedMap, "@strat"));
    assert_eq!(complaints("begin { @a = 1; @a = nope; }"), [(Code::UnknownName, "nope")]);
}

#[test]
fn one_mistake_makes_one_diagnostic() {
    assert_eq!(
        complaints("begin { $x = frobnicate(1); $y = $x + 1; @a[$y] = $x; printf(\"%s\", $y); }"),
        [(Code::UnknownName, "frobnicate")]
    );
    assert_eq!(
        complaints("begin { $x = comn; print($x); print($z); }"),
        [(Code::UnknownName, "comn"), (Code::UndefinedVariable, "$z")]
    );
}

#[test]
fn a_wrong_attach_point_is_the_only_complaint() {
    assert_eq!(
        complaints("t:no:such { @a[comm] = \"x\"; } end { print(@a); $x = @a[\"k\"]; print($x == \"y\"); }"),
        [(Code::NoMatch, "no")]
    );
    assert_eq!(complaints("t:syscalls:* { print(args.nope); }"), [(Code::UnknownField, "nope")]);
}

#[test]
fn wrong_names_and_types() {
    let one = |text| complaints(text)[0];
    assert_eq!(one("begin { print(args.x); }"), (Code::NotAvailable, "args"));
    assert_eq!(one("begin { print(retval); }"), (Code::NotAvailable, "retval"));
    assert_eq!(one("t:sched:sched_switch { print(args.prev_comn); }"), (Code::UnknownField, "prev_comn"));
    assert_eq!(one("begin { print(kstack); }"), (Code::Unsupported, "kstack"));
    assert_eq!(one("begin { prinft(\"x\"); }"), (Code::UnknownName, "prinft"));
    assert_eq!(one("begin { if (comm) { } }"), (Code::TypeMismatch, "comm"));
    assert_eq!(one("begin { print(comm + 1); }"), (Code::TypeMismatch, "comm + 1"));
    assert_eq!(one("begin { $x = 1; $x = \"a\"; print($x); }"), (Code::TypeMismatch, "\"a\""));
    assert_eq!(one("begin { let $x : uint16 = -1; print($x); }"), (Code::TypeMismatch, "-1"));
    assert_eq!(one("begin { if (1) { $x = 1; print($x); } print($x); }"), (Code::UndefinedVariable, "$x"));
    assert_eq!(one("begin { let $x = 1; { let $x = 2; print($x); } print($x); }"), (Code::Shadowing, "$x"));
    assert_eq!(one("begin { break; }"), (Code::OutsideLoop, "break"));
    assert_eq!(one("begin { unroll(101) { print(1); } }"), (Code::InvalidUnroll, "101"));
    assert_eq!(one("begin { print((1, 2).5); }"), (Code::InvalidIndex, "5"));
    assert_eq!(one("begin { @ = 1; for ($kv : @) { print($kv); } }"), (Code::MapTypeMismatch, "@"));
    assert_eq!(one("uprobe:libc:malloc { print(arg6); }"), (Code::NotAvailable, "arg6"));
}

#[test]
fn printf_formats() {
    let one = |text| complaints(text)[0];
    assert_eq!(one("begin { printf(\"%d\"); }"), (Code::InvalidFormat, "\"%d\""));
    assert_eq!(one("begin { printf(\"%d\", 1, 2); }"), (Code::InvalidFormat, "2"));
    assert_eq!(one("begin { printf(\"%d\", comm); }"), (Code::InvalidFormat, "comm"));
    assert_eq!(one("begin { printf(\"%f\", 1); }"), (Code::InvalidFormat, "\"%f\""));
    accepted("begin { printf(\"%-16s %5d %s %c %p %x%%\\n\", comm, pid, (1, 2), 65, 1, true); }");
}

#[test]
fn warnings() {
    assert_eq!(complaints("begin { $x = 1; }"), [(Code::UnusedVariable, "$x")]);
    assert_eq!(complaints("begin { let $x; print($x); }"), [(Code::UnassignedVariable, "$x")]);
    assert_eq!(complaints("begin { pid; }"), [(Code::UnusedValue, "pid")]);
    assert_eq!(complaints("begin { exit(); print(1); }"), [(Code::Unreachable, "print(1)")]);
    assert_eq!(complaints("begin { @a[1] = 1; delete(@a, 1); delete(@a[1]); @a[2]++; _ = pid; }"), []);
    assert_eq!(complaints("begin { @x = nsecs; @x = -1; }"), [(Code::SignChange, "nsecs")]);
    assert_eq!(complaints("begin { print($1); }"), [(Code::MissingParameter, "$1")]);
}

#[test]
fn positional_parameters() {
    let parameters = Parameters { positional: vec!["42".into(), "cat".into()], ..Parameters::default() };
    let environment = Environment { parameters, ..Environment::default() };
    let program = accepted_in("begin { print(($1, $2, str($1), $#)); }", &environment);
    assert!(typed::print(&program).contains("(42, \"cat\", \"42\", 2)"));
}

#[test]
fn top_level_statements_and_the_result() {
    let program = accepted("@x = 5; printf(\"%d\\n\", @x); @x * 2");
    assert_eq!(points(&program), [["begin"]]);
    assert!(typed::print(&program).contains("emit Result"));
    let program = accepted("@x = 5; @x");
    assert_eq!(program.result_map.map(|id| program.maps[id.0 as usize].name.as_str()), Some("x"));
    assert_eq!(program.probes[0].body.len(), 1);
    let counts = environment(
        "n",
        MapType { key: Some(vec![Type::I64]), value: MapValue::Count, unit: None },
        &["cell 1"],
    );
    let program = accepted_in("@n", &counts);
    assert!(program.result_map.is_some());
    let program = accepted_in("@n[3]", &counts);
    assert!(program.result_map.is_none() && typed::print(&program).contains("merged(@n[3])"));
    assert_eq!(complaints("@nope"), [(Code::UndefinedMap, "@nope")]);
}

#[test]
fn maps_of_earlier_cells() {
    let ints = environment("x", scalar(MapValue::Plain(Type::U64)), &["cell 1"]);
    let program = accepted_in("begin { @x = -1; print(@x); }", &ints);
    assert_eq!(map(&program, "x").value, MapValue::Plain(Type::U64));
    assert_eq!(complaints_in("begin { @x = \"text\"; }", &ints), [(Code::MapTypeMismatch, "@x")]);
    let (_, diagnostics) = check_in("begin { @x[1] = 2; }", &ints);
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].notes[0].contains("cell 1") && diagnostics[0].helps[0].contains("%reset @x"));

    let key =
        |capacity| MapType { key: Some(vec![Type::String { capacity }]), value: MapValue::Count, unit: None };
    let strings = environment("n", key(8), &["cell 1"]);
    let program = accepted_in("begin { @n[comm] = count(); }", &strings);
    assert_eq!(*map(&program, "n"), key(16));
}

#[test]
fn a_map_that_only_this_cell_used_is_replaced() {
    let own = environment("x", scalar(MapValue::Plain(Type::I64)), &["cell 2"]);
    let program = accepted_in("begin { @x[comm] = count(); }", &own);
    assert_eq!(map(&program, "x").value, MapValue::Count);
    assert_eq!(complaints_in("begin { @x[comm] = count(); }", &own)[0].0, Code::MapReplaced);
    assert_eq!(complaints_in("begin { @x = 7; }", &own), []);
    assert_eq!(complaints_in("begin { print(@x); }", &own), []);
    let both = complaints_in("begin { @x[1] = 1; @x = \"s\"; }", &own);
    assert_eq!(both[0], (Code::MapTypeMismatch, "@x"));
}

#[test]
fn fields_of_tracepoints() {
    let program = accepted(
        "t:syscalls:sys_enter_read { print(str(args.buf)); print(*args.buf); print(str(args.buf, 16)); } \
         t:sched:sched_process_exec { print(args.filename); print(str(args.filename)); } \
         t:raw_syscalls:sys_enter { print(args.args[1]); print(args.args); }",
    );
    let text = typed::print(&program);
    assert!(text.contains("str(User context(24, int8 *))"), "{text}");
    assert!(text.contains("*(User context(24, int8 *))"), "{text}");
    assert!(text.contains("emit PrintValue (dynamic(8))"), "{text}");
    assert!(text.contains("context(16, uint64[6])[1]"), "{text}");
}

#[test]
fn pointers_of_tracepoints() {
    let mut machine = host();
    let pointer = |name: &str, c_type: &str| field(name, c_type, 8, 8, false, FieldKind::Pointer);
    let fields = vec![
        pointer("a", "const char *"),
        pointer("b", "unsigned long *"),
        pointer("c", "const struct pair *"),
        pointer("d", "const char *const *"),
        pointer("e", "struct nobody *"),
    ];
    machine.tracepoints.insert("x:y".into(), TracepointFormat { fields });
    let source = Source::new(
        "test",
        "t:x:y { print(args.a); print(args.b); print(args.c); print(args.d); print(args.e); print(args.c.y); }",
    );
    let (program, _) = syntax::parse(&source, &Parameters::default());
    let (typed, diagnostics) = check(&program, &machine, &Environment::default());
    assert_eq!(diagnostics, []);
    let text = typed::print(&typed);
    for ty in ["int8 *", "uint64 *", "struct pair *", "int8 * *", "void *"] {
        assert!(text.contains(&format!("(context(8, {ty}))")), "{ty}: {text}");
    }
    assert!(text.contains("*(Kernel ((uint64)context(8, struct pair *) + 4))"), "{text}");
}

#[test]
fn members_and_elements() {
    let ty = |text: &str| {
        let program = accepted(&format!("begin {{ $p = (struct pair *)0; $x = {text}; print($x); }}"));
        program.probes[0].variables[1].ty.clone()
    };
    assert_eq!(ty("$p->x"), Type::int(4, true));
    assert_eq!(ty("$p.flag"), Type::int(4, false));
    assert_eq!(ty("*$p"), Type::Struct { keyword: Keyword::Struct, name: "pair".into(), size: 12 });
    assert_eq!(ty("($p + 1)->y"), Type::int(4, true));
    assert_eq!(ty("(enum colour)1"), Type::Enum { name: "colour".into(), width: 4, signed: false });
    assert_eq!(ty("GREEN"), ty("(enum colour)1"));
    assert_eq!(ty("GREEN + 1"), Type::int(1, true));
    assert_eq!(ty("(uint8[4])(uint32)7"), Type::Array { of: Box::new(Type::int(1, false)), len: 4 });
    assert_eq!(ty("(a=1, b=comm).b"), Type::String { capacity: 16 });
    for (text, code, place) in [
        ("print(((struct pair *)0)->z);", Code::UnknownField, "z"),
        ("print((struct pear *)0);", Code::UnknownType, "struct pear"),
        ("print((enum colour)9);", Code::InvalidCast, "9"),
        ("print((a=1).b);", Code::UnknownField, "b"),
        ("print((uint8[3])pid);", Code::InvalidCast, "(uint8[3])pid"),
        ("print((int8[2])\"abc\");", Code::InvalidCast, "(int8[2])\"abc\""),
        ("print(offsetof(struct pair, flag));", Code::WrongArguments, "flag"),
        ("print(offsetof(struct pair, q));", Code::UnknownField, "q"),
        ("$a = (uint8[4])pid; print($a[4]);", Code::InvalidIndex, "4"),
        ("$p = (uint8 *)8; $p = 1;", Code::TypeMismatch, "1"),
        ("$r = (a=1); $r = (b=1);", Code::TypeMismatch, "(b=1)"),
        ("print((a=1) == (b=1));", Code::TypeMismatch, "(a=1) == (b=1)"),
        ("print((uint8 *)8 - (uint8 *)4);", Code::TypeMismatch, "(uint8 *)8 - (uint8 *)4"),
        ("print(*(void *)8);", Code::TypeMismatch, "*(void *)8"),
    ] {
        let text = format!("begin {{ {text} }}");
        let found = complaints(&text);
        assert!(found.contains(&(code, place)), "{text}: {found:?}");
    }
}

#[test]
fn a_wildcard_has_its_limit() {
    let mut host = host();
    for number in 0..1100 {
        host.tracepoints.insert(format!("many:event_{number}"), TracepointFormat::default());
    }
    let source = Source::new("test", "tracepoint:many:* { @ = count(); }");
    let (program, _) = syntax::parse(&source, &Parameters::default());
    let (_, diagnostics) = check(&program, &host, &Environment::default());
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::TooManyProbes]);
}

#[test]
fn what_the_host_cannot_tell_is_said_in_its_words() {
    /// A machine without tracefs.
    struct Blind;
    impl Host for Blind {
        fn tracepoints(&self) -> Result<Vec<String>, Unavailable> {
            Err(Unavailable("run `sudo mount`".into()))
        }
        fn tracepoint(&self, _: &str, _: &str) -> Result<Option<TracepointFormat>, Unavailable> {
            Err(Unavailable("run `sudo mount`".into()))
        }
        fn raw_tracepoints(&self) -> Result<Vec<String>, Unavailable> {
            Ok(Vec::new())
        }
        fn kernel_functions(&self) -> Result<Arc<Vec<KernelFunction>>, Unavailable> {
            Err(Unavailable("nothing here".into()))
        }
        fn resolve_binary(&self, _: &str) -> Option<String> {
            None
        }
        fn functions(&self, _: &str) -> Result<Vec<(String, u64)>, Unavailable> {
            Ok(Vec::new())
        }
        fn symbol(&self, _: &str, _: &str) -> Result<Option<Symbol>, Unavailable> {
            Ok(None)
        }
        fn kernel_symbol(&self, _: &str) -> Result<Option<u64>, Unavailable> {
            Ok(None)
        }
        fn kernel_variable(&self, _: &str) -> Result<Option<u32>, Unavailable> {
            Ok(None)
        }
        fn cpus(&self) -> u32 {
            1
        }
        fn cgroup(&self, _: &str) -> Result<u64, Unavailable> {
            Err(Unavailable("there are none".into()))
        }
        fn structure(&self, _: Keyword, _: &str) -> Option<Arc<Structure>> {
            None
        }
        fn enumeration(&self, _: &str) -> Option<Arc<Enumeration>> {
            None
        }
        fn typedef(&self, _: &str) -> Option<Type> {
            None
        }
        fn enum_constant(&self, _: &str) -> Option<(Arc<Enumeration>, i64)> {
            None
        }
        fn structure_names(&self) -> Vec<String> {
            Vec::new()
        }
        fn raw_tracepoint(&self, _: &str) -> Option<Vec<(String, Type)>> {
            None
        }

        fn kernel_function_type(&self, _: &str) -> Option<FunctionType> {
            None
        }
        fn has_kernel_function(&self, _: &str) -> bool {
            false
        }
    }
    let source = Source::new("test", "tracepoint:syscalls:sys_enter_read { @ = hist(args.count); }");
    let (program, _) = syntax::parse(&source, &Parameters::default());
    let (_, diagnostics) = check(&program, &Blind, &Environment::default());
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::HostUnavailable]);
    assert!(diagnostics[0].message.contains("sudo mount"));
}
