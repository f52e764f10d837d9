//! Small programs down to verified IR.

use super::lower;
use crate::check::tests::{accepted, host};
use crate::ir::{self, Action, Module, RecordKind};
use crate::printf::Format;
use crate::structures::Structures;
use crate::types::layout::Shape;

/// The IR of a text, accepted by the verifier before and after optimisation.
fn lowered(text: &str) -> Module {
    let typed = accepted(text);
    let module = lower(&typed, &Structures::new(&host(), &typed.declared));
    if let Err(why) = ir::verify::verify(&module) {
        panic!("{text}\n{why}\n{}", ir::print::print(&module));
    }
    let mut optimised = module.clone();
    crate::opt::optimise(&mut optimised);
    if let Err(why) = ir::verify::verify(&optimised) {
        panic!("{text}\noptimised: {why}\n{}", ir::print::print(&optimised));
    }
    module
}

fn printed(text: &str) -> String {
    ir::print::print(&lowered(text))
}

#[test]
fn every_form_makes_valid_ir() {
    for text in [
        "begin { }",
        "begin /pid == 1/ { exit(); }",
        "begin { $i = 0; while ($i < 10) { $i++; if ($i == 5) { continue; } if ($i == 8) { break; } } print($i); }",
        "begin { for ($i : 0..10) { if ($i == 3) { break; } if ($i == 1) { continue; } print($i); } }",
        "begin { for ($i : 0..10) { for ($j : $i..10) { if ($j == 3) { return; } exit(2); } } }",
        "begin { unroll(3) { $x = 1; if ($x) { break; } printf(\"%d\", $x); } }",
        "begin { $s = comm; $s = \"abc\"; if ($s == \"abc\" && comm != \"dd\") { print($s); } }",
        "begin { $t = (1, \"a\", (2, comm)); $t = ($t.0, \"long text\", $t.2); print($t.2.1); print($t == $t); }",
        "begin { @a[1, comm] = 2; @a[(3, \"x\")]++; --@a[4, \"y\"]; print(@a[1, \"z\"]); print(has_key(@a, (1, comm))); }",
        "begin { @s[1] = comm; @s[2] = \"x\"; $s = @s[3]; printf(\"%s %s\", $s, @s[1]); }",
        "begin { @x = 5; @x += 3; @x <<= 1; $y = @x / pid; $y %= 3; print($y); }",
        "begin { $b = pid == 1 || tid == 2; $c = $b ? comm : \"none\"; print($c); print(pid ?: 3); }",
        "begin { $x = { $y = 3; $y + 1 }; $z = if (pid) { 1 } else { 2 }; print($x + $z); }",
        "begin { pid > 5 ? print(1) : print(2); }",
        "begin { print((uint8)pid); print((int8)pid); print((bool)pid); print(-pid); print(~pid); print(!pid); }",
        "begin { @c[comm] = count(); @v = avg(pid); if (@v > 3) { print((int64)@c[comm]); } print(@c); clear(@c); zero(@c); print(len(@c)); }",
        "begin { let $u : uint8 = 255; $u++; let $n; let $t : string[10]; $t = \"a\"; print(($u, $n, $t)); }",
        "t:syscalls:sys_enter_read { @[str(args.buf)] = count(); print(*(uint32*)args.buf); print(args.buf[2]); }",
        "t:sched:sched_switch { @[args.prev_comm] = args.prev_pid; print(args.prev_comm[0]); }",
        "t:raw_syscalls:sys_enter { for ($i : 0..6) { print(args.args[$i]); } $a = args.args; print($a[1]); }",
        "t:sched:sched_process_exec { @[args.filename] = count(); }",
        "u:libc:malloc { @[func, arg0] = count(); @p = (int32*)arg1; @p++; print(*@p); }",
        "ur:libc:malloc { print(str(retval, pid)); }",
        "rt:sched_switch { print(arg1); }",
        "begin { time(); time(\"%H\"); print((nsecs, nsecs(monotonic), nsecs(tai), elapsed, cpu, ncpus, rand, cgroup, uid, gid)); }",
        "begin { print((probe, probetype)); delete(@z, 1); @z[1] = 1; delete(@q); @q = 1; }",
        "begin { return 1; } end { if (pid) { return; } else { return 2; } }",
        "@x = 1; $y = @x + 2; $y * 3",
    ] {
        lowered(text);
    }
}

#[test]
fn fields_lie_behind_the_header() {
    let module = lowered("begin { printf(\"%d %s %ld\", 1, comm, nsecs); }");
    let record = &module.records[0];
    let offsets: Vec<_> = record.fields.iter().map(|field| field.offset).collect();
    assert_eq!(offsets, [8, 9, 32]);
    assert_eq!(record.size, 40);
    assert_eq!(
        record.kind,
        RecordKind::Formatted { action: Action::Print, format: Format::parse(b"%d %s %ld") }
    );
}

#[test]
fn a_call_makes_one_record() {
    assert_eq!(lowered("begin { unroll(10) { printf(\"x\"); } }").records.len(), 1);
    assert_eq!(
        lowered("t:syscalls:sys_enter_* { printf(\"%s\", \"x\"); @[probe] = count(); }").records.len(),
        1
    );
}

#[test]
fn a_divisor_is_guarded_unless_it_is_a_constant() {
    let warns = |text| printed(text).contains("warn DivideByZero");
    assert!(warns("begin { @ = nsecs / pid; }"));
    assert!(!warns("begin { @ = nsecs / 1000; }"));
}

#[test]
fn keys_have_their_stored_layout() {
    let module = lowered("begin { @a[1] = 1; @b[comm, pid] = count(); @c = 1; }");
    let sizes: Vec<_> = module.maps.iter().map(|map| map.key.as_ref().map(|key| key.size)).collect();
    assert_eq!(sizes, [Some(8), Some(24), None]);
    let Some(Shape::Tuple(parts)) = module.maps[1].key.as_ref().map(|key| &key.shape) else { panic!() };
    assert_eq!(parts.iter().map(|part| part.offset).collect::<Vec<_>>(), [0, 16]);
    let entries: Vec<_> = module.maps.iter().map(|map| map.max_entries).collect();
    assert_eq!(entries, [4096, 4096, 1]);
}

#[test]
fn loops_are_closed_on_every_way_out() {
    let text = printed("begin { for ($i : 0..3) { if ($i == 1) { return; } } }");
    assert_eq!(text.matches("loop_open").count() + text.matches("LoopOpen").count(), 1, "{text}");
    assert_eq!(text.matches("loop_close").count() + text.matches("LoopClose").count(), 2, "{text}");
}

#[test]
fn steps_of_maps_build_the_key_once() {
    let text = printed("begin { @[rand] += 1; }");
    assert_eq!(text.matches("rand").count(), 1, "{text}");
}
