//! Small programs and their trees; wrong programs and what is said of them; mutated programs, which must
//! never break the reader.

use super::ast::{ExprKind, Program};
use super::token::TokenKind;
use super::{Parsed, parse_cell, print};
use crate::diagnostic::Code;
use crate::environment::Parameters;
use crate::source::{Source, Span};

fn read(text: &str) -> Parsed {
    let parameters =
        Parameters { positional: vec!["vfs_read".into(), "a b".into()], ..Parameters::default() };
    parse_cell(&Source::new("cell", text), &parameters)
}

fn right(text: &str) -> Program {
    let parsed = read(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.program
}

/// Code and place of each complaint.
fn wrong(text: &str) -> Vec<(Code, &str)> {
    read(text).diagnostics.iter().map(|d| (d.code, &text[d.span.range()])).collect()
}

/// An expression with all its brackets.
fn brackets(text: &str) -> String {
    let program = right(&format!("_ = {text};"));
    let mut out = String::new();
    let tree = print::print(&program);
    let lines: Vec<_> =
        tree.lines().skip(2).map(|line| (line.len() - line.trim_start().len(), line.trim())).collect();
    bracket(&lines, &mut 0, &mut out);
    out
}

fn bracket(lines: &[(usize, &str)], at: &mut usize, out: &mut String) {
    let (depth, title) = lines[*at];
    *at += 1;
    let word = match title.split_once(' ') {
        Some(("int" | "variable" | "map" | "name" | "element" | "call" | "binary" | "unary", word)) => word,
        _ => title,
    };
    let has_children = lines.get(*at).is_some_and(|next| next.0 > depth);
    if !has_children {
        return out.push_str(word);
    }
    out.push('(');
    out.push_str(word);
    while lines.get(*at).is_some_and(|next| next.0 > depth) {
        out.push(' ');
        bracket(lines, at, out);
    }
    out.push(')');
}

fn points(text: &str) -> Vec<Vec<String>> {
    let program = right(text);
    let parts = |point: &super::ast::AttachPoint| point.parts.iter().map(|part| part.text.clone()).collect();
    program.probes.iter().flat_map(|probe| probe.points.iter().map(parts)).collect()
}

#[test]
fn operators_bind_as_they_should() {
    for (text, expected) in [
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("1 * 2 + 3", "(+ (* 1 2) 3)"),
        ("1 - 2 - 3", "(- (- 1 2) 3)"),
        ("1 | 2 ^ 3 & 4 == 5", "(| 1 (^ 2 (& 3 (== 4 5))))"),
        ("1 == 2 < 3 << 4 + 5", "(== 1 (< 2 (<< 3 (+ 4 5))))"),
        ("1 || 2 && 3 | 4", "(|| 1 (&& 2 (| 3 4)))"),
        ("1 && 2 || 3", "(|| (&& 1 2) 3)"),
        ("!$a + -$b * ~$c", "(+ (! $a) (* (- $b) (~ $c)))"),
        ("1 ? 2 : 3 ? 4 : 5", "(ternary 1 2 (ternary 3 4 5))"),
        ("1 ?: 2", "(ternary ?: 1 2)"),
        ("1 ? 2 ? 3 : 4 : 5", "(ternary 1 (ternary 2 3 4) 5)"),
        ("(1 + 2) * 3", "(* (+ 1 2) 3)"),
        ("- $a.0", "(- (field 0 $a))"),
        ("*$p->next.len[2]", "(* (index (member len (member next $p)) 2))"),
        ("$i++ + ++@a[1] - --@", "(- (+ (step ++ behind $i) (step ++ before (@a 1))) (step -- before @))"),
    ] {
        assert_eq!(brackets(text), expected, "{text}");
    }
}

#[test]
fn casts_and_parentheses_are_told_apart() {
    for (text, expected) in [
        ("(uint64)$x", "(cast uint64 $x)"),
        ("(x)*$a", "(cast x (* $a))"),
        ("(pid)*tid", "(* pid tid)"),
        ("(arg0)*2", "(* arg0 2)"),
        ("(cpu) - 1", "(- cpu 1)"),
        ("(x)", "x"),
        ("(x) + 1", "(+ x 1)"),
        ("(uint8*)arg0", "(cast uint8* arg0)"),
        ("(int32*[4])$p", "(cast int32*[4] $p)"),
        ("(uint8[])1 == $a", "(== (cast uint8[] 1) $a)"),
        ("(string[64])$s", "(cast string[64] $s)"),
        ("($a[1])", "(index $a 1)"),
        ("(struct task_struct *)$t", "(cast struct task_struct* $t)"),
        ("(int64)@c + 1", "(+ (cast int64 @c) 1)"),
        ("(typeof(uint8))1", "(cast uint8 1)"),
        ("sizeof(uint64) + sizeof($x)", "(+ (sizeof type uint64) (sizeof $x))"),
        ("sizeof(struct a)", "(sizeof type struct a)"),
    ] {
        assert_eq!(brackets(text), expected, "{text}");
    }
}

#[test]
fn tuples_need_a_comma() {
    for (text, expected) in [
        ("(1, 2)", "(tuple 1 2)"),
        ("(1,)", "(tuple 1)"),
        ("()", "tuple"),
        ("(1, (2, 3), )", "(tuple 1 (tuple 2 3))"),
        ("@[(1, 2)]", "(@ (tuple 1 2))"),
        ("@m[1, 2]", "(@m 1 2)"),
        ("$t.1.0", "(field 0 (field 1 $t))"),
    ] {
        assert_eq!(brackets(text), expected, "{text}");
    }
}

#[test]
fn blocks_and_ifs_have_values() {
    assert_eq!(brackets("{ $a; 5 }"), "(block (body (expression $a) (value 5)))");
    assert_eq!(
        brackets("if (pid == 1) { 2 } else if (3) { 4 } else { 5 }"),
        "(if (== pid 1) (then (value 2)) (else (value (if 3 (then (value 4)) (else (value 5))))))"
    );
}

#[test]
fn a_program_has_its_tree() {
    let text = "tracepoint:a:b, t:c:* /pid == $1/ {\n  let $x : uint64 = 1;\n  @a[comm] += $x;\n  \
                if $x { exit() } else if (tid) { return 1; }\n  for ($i : 0..ncpus) { continue; }\n}\n\
                while (1) { unroll(3) { break } }\n@a[\"x\"]";
    assert_eq!(
        print::print(&right(text)),
        "\
probe
  point \"tracepoint\" \"a\" \"b\"
  point \"t\" \"c\" \"*\"
  predicate
    binary ==
      name pid
      positional $1
  body
    let $x: uint64
      int 1
    assign +=
      element @a
        name comm
      variable $x
    if
      variable $x
      then
        value
          call exit
      else
        if
          name tid
          then
            return
              int 1
    for $i
      int 0
      name ncpus
      body
        continue
statements
  while
    int 1
    body
      unroll
        int 3
        body
          break
result
  element @a
    string \"x\"
"
    );
}

#[test]
fn spans_are_those_of_the_text() {
    let text = "_ = ( 1 + 2 ) ;";
    let spans = print::print_with_spans(&right(text));
    assert_eq!(
        spans,
        "statements\n  discard 0..13\n    binary + 4..13\n      int 1 6..7\n      int 2 10..11\n"
    );
}

#[test]
fn attach_points_are_split() {
    assert_eq!(points("begin { } END{ }"), [["begin"], ["END"]]);
    assert_eq!(points("kprobe:$1 { }"), [["kprobe", "vfs_read"]]);
    assert_eq!(points("u:$2:\"$1:x\" { }"), [["u", "a b", "$1:x"]]);
    assert_eq!(
        points("k*:vfs_*,\n  uprobe:/usr/lib/*.so:f, { }"),
        [vec!["k*", "vfs_*"], vec!["uprobe", "/usr/lib/*.so", "f"],]
    );
    assert_eq!(points("name=interval:s:1 { }"), [["interval", "s", "1"]]);
    assert_eq!(points("uprobe:lib.so:cpp:\"a::b(int)\" { }"), [["uprobe", "lib.so", "cpp", "a::b(int)"]]);
    assert_eq!(points("i:1s { } p:hz:99 /1/ { } s:cs:1 /2 / 1/ { }").len(), 3);
    assert_eq!(points("profile:hz:99/pid/{ }"), [["profile", "hz", "99"]]);
}

#[test]
fn slashes_in_predicates_divide_or_close() {
    let program = right("begin /nsecs / 2 > (1 / 2) / 3/ { }");
    assert_eq!(program.probes.len(), 1);
    let predicate = program.probes[0].predicate.as_ref().expect("a predicate");
    assert!(matches!(predicate.kind, ExprKind::Binary(super::ast::BinaryOp::Gt, ..)));
    right("begin /@x[1]/{ }");
    right("begin /@x ? 1 / 2 : 3/ { }");
}

#[test]
fn cells_hold_statements_and_a_result() {
    let shape = |text| {
        let program = right(text);
        (program.probes.len(), program.statements.len(), program.result.is_some())
    };
    assert_eq!(shape("@x = 5; printf(\"%d\\n\", @x);"), (0, 2, false));
    assert_eq!(shape("@lat"), (0, 0, true));
    assert_eq!(shape("@"), (0, 0, true));
    assert_eq!(shape("@x = 1; @reads[\"cat\"] * 2"), (0, 1, true));
    assert_eq!(shape("len(@)"), (0, 0, true));
    assert_eq!(shape("nsecs / 1000"), (0, 0, true));
    assert_eq!(shape("begin { } @x = 1; end /1/ { } $x = 2; ($x, 1)"), (2, 2, true));
    assert_eq!(shape("{ @x = 1 } if (1) { } else { }"), (0, 2, false));
    assert_eq!(shape("let $x = 1; unroll (2) { $x++; } $x"), (0, 2, true));
    assert_eq!(shape("pid ? 1 : 2"), (0, 0, true));
    assert_eq!(shape("; ;"), (0, 0, false));
    assert_eq!(shape("// nothing\n"), (0, 0, false));
    assert_eq!(shape("@x = 1"), (0, 1, false));
    assert_eq!(shape("begin { print(1) }\n@x++"), (1, 0, true));
}

#[test]
fn wrong_tokens_are_named() {
    assert_eq!(wrong("@x = 'a';"), [(Code::InvalidCharacter, "'a'")]);
    assert_eq!(wrong("@x = 09;"), [(Code::InvalidNumber, "09")]);
    assert_eq!(wrong("@x = 10UL;"), [(Code::InvalidNumber, "UL")]);
    assert_eq!(wrong("@x = \"a\\qb\";"), [(Code::InvalidEscape, "\\q")]);
    assert_eq!(wrong("@x = \"abc;\n@y = 1;"), [(Code::UnterminatedString, "\"abc;")]);
    assert_eq!(wrong("@x = 1; /* abc"), [(Code::UnterminatedComment, "/*")]);
    assert_eq!(wrong("$ = 1;").len(), 1);
}

#[test]
fn one_mistake_is_one_complaint() {
    for (text, code, place) in [
        ("begin { @x = 1 @y = 2; }", Code::Expected, ""),
        ("begin { @x = ; @y = 2; }", Code::ExpectedExpression, ";"),
        ("begin { printf(\"a\" 1); @y = 2; }", Code::UnclosedDelimiter, "1"),
        ("begin { @x[1 = 2; }", Code::UnclosedDelimiter, "="),
        ("begin { pid = 2; }", Code::InvalidAssignment, "pid"),
        ("begin { $x.0 = 2; }", Code::InvalidAssignment, "$x.0"),
        ("begin { pid++; }", Code::InvalidAssignment, "pid"),
        ("begin { if pid > 3 { } }", Code::Expected, "pid > 3"),
        ("begin { whlie (1) { @x = 1; } @y = 2; }", Code::Expected, "whlie"),
        ("begin { retrun 1; }", Code::Expected, "retrun"),
        ("begin { fro ($i : 0..5) { @ = 1; } }", Code::UnclosedDelimiter, ":"),
        ("begin { for ($i : 5) { } }", Code::Expected, "5"),
        ("begin { for (i : @x) { } }", Code::Expected, "i"),
        ("begin { else { @x = 1; } @y = 2; }", Code::Expected, "else"),
        ("begin { args.; }", Code::Expected, ";"),
        ("begin { @x[] = 1; }", Code::ExpectedExpression, "[]"),
        ("begin } @x = 1;", Code::UnmatchedDelimiter, "}"),
        ("begin { } }", Code::UnmatchedDelimiter, "}"),
        ("begin { $x : int8 = 1; }", Code::Expected, ":"),
        ("begin { @ = count( }", Code::UnclosedDelimiter, "}"),
        ("begin { @ = f((1, ; }", Code::UnclosedDelimiter, ";"),
        ("begin,, end { }", Code::InvalidAttachPoint, ","),
        ("begin { let x = 1; }", Code::Expected, "x"),
        ("begin { $a = if (1) { 2 }; }", Code::Expected, ";"),
        ("begin /pid == 1 { @x = 1; }", Code::UnclosedDelimiter, "{"),
        ("tracepoint:a:b", Code::Expected, ""),
        ("t:a:b, { } kprobe:$3 { }", Code::MissingParameter, "$3"),
        ("u:\"/a b:c { }", Code::UnterminatedString, "\"/a b:c { }"),
        ("begin { @x = 1;", Code::UnclosedDelimiter, "{"),
        ("begin { while (1) { if (1) {", Code::UnclosedDelimiter, "{"),
        ("begin { @x = 1;\nend { @y = 1; }", Code::UnclosedDelimiter, "{"),
        ("begin { macro f() { } @x = 1; }", Code::Expected, "macro"),
        ("begin {\n  @x = (1 + 2;\n}\n", Code::UnclosedDelimiter, ";"),
    ] {
        let complaints = wrong(text);
        assert_eq!(complaints.first(), Some(&(code, place)), "{text}");
        assert!(complaints.len() == 1 || text.starts_with("u:\""), "{text}: {complaints:?}");
    }
}

#[test]
fn reading_goes_on_after_mistakes() {
    let text = "begin {\n  @x = ;\n  @y = 1 +;\n  @z = 1;\n}\nt:a:b { @ = ) ; }\nend { @w = $; }";
    let parsed = read(text);
    assert_eq!(parsed.program.probes.len(), 3);
    assert_eq!(parsed.program.probes[0].body.statements.len(), 3);
    assert_eq!(parsed.diagnostics.len(), 4, "{:#?}", parsed.diagnostics);
    let parsed = read("begin { @x = 1;\nt:a:b { @y = 2; }\nend { @z = 3; }");
    assert_eq!(parsed.program.probes.len(), 3);
}

#[test]
fn misspelt_keywords_are_recognised() {
    for (text, word) in [("begin { whlie (1) { } }", "while"), ("begin { fro ($i : 0..5) { } }", "for")] {
        let helps = read(text).diagnostics.remove(0).helps;
        assert!(
            helps.iter().any(|help| help.contains(&format!("did you mean `{word}`"))),
            "{text}: {helps:?}"
        );
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("!", ""),
        ("1 + ", ""),
        ("1 ? 2 : ", ""),
        ("@[", "]"),
        ("f(", ")"),
        ("if (1) {", "}"),
        ("if (1) { } else ", "{ }"),
        ("(uint8)", ""),
        ("1 + 2 * (", ")"),
    ] {
        let text = format!("begin {{ {}1{} }} end {{ }}", open.repeat(5000), close.repeat(5000));
        let codes: Vec<_> = read(&text).diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, [Code::TooDeep], "{open}");
        let text = format!("begin {{ {}1{} }} end {{ }}", open.repeat(20), close.repeat(20));
        assert!(!read(&text).diagnostics.iter().any(|d| d.code == Code::TooDeep), "{open}");
    }
    let long = format!("begin {{ $x{} }}", ".a".repeat(5000));
    assert_eq!(wrong(&long).first().map(|d| d.0), Some(Code::TooDeep));
}

#[test]
fn later_stages_can_walk_the_deepest_tree() {
    let host = crate::host::FixedHost::default();
    for (open, close) in
        [("(1 + (2 * ", "))"), ("1 + ", ""), ("1 ? 2 : ", ""), ("!", ""), ("- ", ""), ("{", "}"), ("(", ",)")]
    {
        let text = |n: usize| format!("begin {{ @ = {}nsecs{}; }}", open.repeat(n), close.repeat(n));
        let is_too_deep = |n: usize| wrong(&text(n)).iter().any(|d| d.0 == Code::TooDeep);
        let (mut deepest, mut too_deep) = (1, 2500);
        while too_deep - deepest > 1 {
            let middle = (deepest + too_deep) / 2;
            *(if is_too_deep(middle) { &mut too_deep } else { &mut deepest }) = middle;
        }
        assert!(deepest >= 300, "{open}: {deepest}");
        let source = Source::new("cell", text(deepest));
        drop(crate::compile(&source, &host, &crate::environment::Environment::default()));
    }
}

const SAMPLES: &[&str] = &[
    "tracepoint:syscalls:sys_enter_read /pid == $1 && comm != \"a\\n\\x41b\"/ { @start[tid] = nsecs; }\n\
     t:syscalls:sys_exit_read /@start[tid]/ { @ns[comm] = hist((nsecs - @start[tid]) / 1000); delete(@start, tid); }",
    "BEGIN { printf(\"%d\\n\", 0x1f + 1_000 * 5ms); } interval:s:1, profile:hz:99 { time(); clear(@); exit(); }",
    "uprobe:/usr/lib/*:mal* , ur:libc:\"free\" { @[func, arg0 & ~0xff] = lhist(arg1 << 2, 0, 100, 10); }",
    "for ($i : 0..5) { if ($i % 2) { continue } else if $i { break; } unroll(3) { @++; } while (@x < 3) { @x++ } }",
    "let $t : uint64[4] = (1, \"x\", (2,)); $y = $t.0 ?: -$t.2.0; _ = (int8)$y; @m[1, \"a\"] ^= sizeof(uint8*); @m",
    "#define X 1\n struct s { int x; } for ($kv : @m) { print($kv.0); } @x = (struct s *)arg0->y[1];",
];

/// A simple generator: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random) -> String {
    let mut text: Vec<char> = SAMPLES[random.below(SAMPLES.len())].chars().collect();
    for _ in 0..1 + random.below(8) {
        let at = random.below(text.len() + 1);
        let to = (at + random.below(12)).min(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..to)),
            1 => text.truncate(at),
            2 => {
                let piece: Vec<_> = text[at..to].to_vec();
                let place = random.below(text.len() + 1);
                text.splice(place..place, piece);
            }
            3 => {
                let odd = [
                    '{', '}', '(', ')', '[', ']', '/', '"', '$', '@', '#', ';', ':', '*', '\\', 'é', '\n',
                    '\0', '\'',
                ];
                text.insert(at, odd[random.below(odd.len())]);
            }
            _ => {
                let other: Vec<char> = SAMPLES[random.below(SAMPLES.len())].chars().collect();
                let from = random.below(other.len());
                text.splice(at..at, other[from..].iter().copied().take(20));
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn mutated_programs_are_read() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..8_000 {
        let text = mutate(&mut random);
        let parsed = read(&text);
        let is_inside = |span: Span| {
            span.start <= span.end
                && text.is_char_boundary(span.start as usize)
                && text.is_char_boundary(span.end as usize)
        };
        for diagnostic in &parsed.diagnostics {
            assert!(is_inside(diagnostic.span), "{text:?}: {diagnostic:?}");
            assert!(diagnostic.labels.iter().all(|label| is_inside(label.span)), "{text:?}: {diagnostic:?}");
        }
        let whole: String = parsed.tokens.iter().map(|token| &text[token.span.range()]).collect();
        assert_eq!(whole, text, "tokens are lossless");
        for line in print::print_with_spans(&parsed.program).lines() {
            if let Some((start, end)) = line.rsplit(' ').next().and_then(|word| word.split_once(".."))
                && let (Ok(start), Ok(end)) = (start.parse(), end.parse())
            {
                assert!(is_inside(Span { start, end }), "{text:?}: {line}");
            }
        }
        let is_error_free = parsed.diagnostics.is_empty();
        let has_error_node = print::print(&parsed.program).lines().any(|line| line.trim() == "error");
        assert!(!(is_error_free && has_error_node), "{text:?}: an error without a complaint");
    }
}

#[test]
fn samples_are_right_but_for_what_comes_later() {
    for sample in SAMPLES {
        let codes: Vec<_> = read(sample).diagnostics.iter().map(|d| d.code).collect();
        assert!(codes.iter().all(|code| *code == Code::Unsupported), "{sample}: {codes:?}");
    }
}

#[test]
fn every_token_is_printed() {
    let source = Source::new("cell", "begin { @x = 1; }");
    let text = super::token::print(&source);
    assert!(
        text.starts_with("1:1     part             \"begin\"\n1:6     whitespace       \" \"\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), read(source.text()).tokens.len());
    assert!(!read(source.text()).tokens.iter().any(|token| token.kind == TokenKind::End));
}

#[test]
fn one_fault_is_said_once() {
    let words = |text: &str| {
        let parsed = read(text);
        let all = parsed.diagnostics.iter().map(|d| (d.code, text[d.span.range()].to_owned()));
        all.collect::<Vec<_>>()
    };
    for (text, code, place) in [
        ("begin { for ($i in 0..5) { print(1); } print(2); }", Code::Expected, "in"),
        ("begin { for ($i : 0,5) { print(1); } print(2); }", Code::Expected, "0"),
        ("begin { print(“a”); print(2); }", Code::InvalidCharacter, "“a”"),
        ("begin { print(5µs); print(2); }", Code::InvalidCharacter, "µs"),
        ("begin { $größe = 1; print(2); }", Code::InvalidCharacter, "öße"),
        ("begin { print(1.5); print(2); }", Code::InvalidNumber, "1.5"),
        ("begin { print(4294967296u); print(2); }", Code::InvalidNumber, "4294967296u"),
        ("begin { print(1); /* } ", Code::UnterminatedComment, "/*"),
    ] {
        assert_eq!(words(text), [(code, place.to_owned())], "{text}");
    }
}
