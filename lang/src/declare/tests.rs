//! Declarations against the layouts that compilers give them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Definitions, declare};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::host::FixedHost;
use crate::source::Source;
use crate::syntax;
use crate::types::Type;
use crate::types::structure::{Keyword, Structure};

fn read_with(files: &[(&str, &str)], text: &str) -> (Definitions, Vec<Diagnostic>) {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let host = FixedHost { files: files.collect::<BTreeMap<_, _>>(), ..FixedHost::default() };
    let environment = Environment::default();
    let source = syntax::load(&Source::new("cell 1", text), &host, &environment);
    let (program, mut diagnostics) = syntax::parse(&source, &environment.parameters);
    let (definitions, found) = declare(&program.declared, &host);
    diagnostics.extend(found);
    (definitions, diagnostics)
}

fn right(text: &str) -> Definitions {
    let (definitions, diagnostics) = read_with(&[], text);
    assert_eq!(diagnostics, [], "{text}");
    definitions
}

/// The complaints, each with the text it is about.
fn wrong(text: &str) -> Vec<(Code, String)> {
    let (_, diagnostics) = read_with(&[], text);
    diagnostics.iter().map(|one| (one.code, text[one.span.range()].to_owned())).collect()
}

/// `size/align: name@offset name@offset:first+width …`
fn layout(structure: &Structure) -> String {
    let mut out = format!("{}/{}:", structure.size, structure.align);
    for member in &structure.members {
        let _ = write!(out, " {}@{}", member.name, member.offset);
        if let Some(bits) = member.bits {
            let _ = write!(out, ":{}+{}", bits.first, bits.width);
        }
    }
    out
}

fn layout_of(text: &str) -> String {
    let definitions = right(text);
    let structure = definitions.structures.get(&(Keyword::Struct, "s".into())).expect("a struct s");
    layout(structure)
}

#[test]
fn members_lie_where_c_puts_them() {
    for (text, expected) in [
        ("struct s { char a; int b; char c; };", "12/4: a@0 b@4 c@8"),
        ("struct s { char a; short b; long c; char d; };", "24/8: a@0 b@2 c@8 d@16"),
        ("struct s { char a[3]; int b[2][3]; void *p; };", "40/8: a@0 b@4 p@32"),
        ("struct s { char a; union { int i; char b[9]; } u; };", "16/4: a@0 u@4"),
        ("struct s { char a; struct { short x; long y; }; };", "24/8: a@0 @8"),
        ("struct s { void (*f)(int, char *); int *(*g[2])(void); };", "24/8: f@0 g@8"),
        ("struct s { };", "0/1:"),
        ("struct s { int n; long tail[]; };", "8/8: n@0 tail@8"),
        (
            "struct s { _Bool b; unsigned long long l; float f; double d; long double x; };",
            "48/16: b@0 l@8 f@16 d@24 x@32",
        ),
        ("struct s { char a; __int128 b; };", "32/16: a@0 b@16"),
        ("typedef struct { char c; long l; } t; struct s { t a, *b; t c[2]; };", "56/8: a@0 b@16 c@24"),
        ("struct t { int x; }; struct s { struct t a; struct t *b; struct u *c; };", "24/8: a@0 b@8 c@16"),
        ("struct s { struct t { int x; } a; struct u { char q; }; char z; };", "8/4: a@0 z@4"),
    ] {
        assert_eq!(layout_of(text), expected, "{text}");
    }
}

#[test]
fn attributes_change_the_layout() {
    for (text, expected) in [
        ("struct s { char a; int b; } __attribute__((packed));", "5/1: a@0 b@1"),
        ("struct __attribute__((packed)) s { char a; long b; };", "9/1: a@0 b@1"),
        ("struct s { char a; int b __attribute__((packed)); short c; };", "8/2: a@0 b@1 c@6"),
        ("struct s { char a; } __attribute__((aligned(8)));", "8/8: a@0"),
        ("struct s { char a; } __attribute__((packed, aligned(4)));", "4/4: a@0"),
        ("struct s { char a; int b __attribute__((aligned(16))); };", "32/16: a@0 b@16"),
        ("struct s { char a; } __attribute__((aligned));", "16/16: a@0"),
        ("typedef int t __attribute__((aligned(16))); struct s { char a; t b; };", "32/16: a@0 b@16"),
        ("#pragma pack(2)\nstruct s { char a; long b; };", "10/2: a@0 b@2"),
        (
            "#pragma pack(push, 1)\nstruct t { char a; int b; };\n#pragma pack(pop)\nstruct s { struct t t; int c; };",
            "12/4: t@0 c@8",
        ),
    ] {
        assert_eq!(layout_of(text), expected, "{text}");
    }
}

#[test]
fn bit_fields_share_their_units() {
    for (text, expected) in [
        ("struct s { int a : 3; int b : 7; };", "4/4: a@0:0+3 b@0:3+7"),
        ("struct s { int a : 30; int b : 3; };", "8/4: a@0:0+30 b@4:0+3"),
        ("struct s { char a : 5; char b : 5; int c : 5; };", "4/4: a@0:0+5 b@1:0+5 c@1:5+5"),
        ("struct s { char x; int a : 4; };", "4/4: x@0 a@1:0+4"),
        ("struct s { int a : 4; int : 0; int b : 4; };", "8/4: a@0:0+4 b@4:0+4"),
        ("struct s { int a : 4; int : 5; int b : 4; };", "4/4: a@0:0+4 b@1:1+4"),
        ("struct s { long a : 40; int b : 24; };", "8/8: a@0:0+40 b@5:0+24"),
        ("struct s { unsigned a : 31; unsigned b : 2; } __attribute__((packed));", "5/1: a@0:0+31 b@3:7+2"),
        ("enum e { A, B }; struct s { enum e x : 1; _Bool y : 1; char z; };", "4/4: x@0:0+1 y@0:1+1 z@1"),
        ("struct s { union { int a : 3; char b : 7; }; };", "4/4: @0"),
    ] {
        assert_eq!(layout_of(text), expected, "{text}");
    }
}

#[test]
fn constants_have_the_values_of_c() {
    let values = |text: &str| {
        let definitions = right(text);
        let mut all: Vec<_> =
            definitions.constants.iter().map(|(name, (_, value))| (name.clone(), *value)).collect();
        all.sort();
        all.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(values("enum e { A, B = 5, C, D = -3, E };"), [0, 5, 6, -3, -2]);
    assert_eq!(
        values("enum e { A = 1 << 4 | 2, B = A * 3, C = ~A, D = !A, E = 'a', F = '\\n' };"),
        [18, 54, -19, 0, 97, 10]
    );
    assert_eq!(
        values("enum e { A = sizeof(int), B = sizeof(struct s *), C = (char)300, D = 7 / 2 % 2 ? 4 : 5 };"),
        [4, 8, 44, 4]
    );
    assert_eq!(
        values("enum e { A = 0x80000000, B = -1 < 1u, C = 1 || 1 / 0, D = 010, E = 0xffULL };"),
        [0x8000_0000, 0, 1, 8, 255]
    );
    let width = |text: &str| {
        let definitions = right(text);
        let enumeration = &definitions.enumerations["e"];
        (enumeration.width, enumeration.signed)
    };
    assert_eq!(width("enum e { A };"), (4, false));
    assert_eq!(width("enum e { A = -1 };"), (4, true));
    assert_eq!(width("enum e { A = 0xffffffff };"), (4, false));
    assert_eq!(width("enum e { A = 0x100000000 };"), (8, false));
    assert_eq!(width("enum e { A = 3 } __attribute__((packed));"), (1, false));
}

#[test]
fn the_preprocessor_decides_what_counts() {
    for (text, expected) in [
        ("#define N 2\n#define M (N * 4)\nstruct s { char a[M + 1]; };", "9/1: a@0"),
        ("#ifdef X\nstruct s { char a; };\n#else\nstruct s { int a; };\n#endif", "4/4: a@0"),
        (
            "#define X\n#ifndef X\nstruct s { char a; };\n#elif 1\nstruct s { short a; };\n#else\nstruct s { int a; };\n#endif",
            "2/2: a@0",
        ),
        (
            "#if defined(BPFTRACE_HAVE_BTF) && !defined X && (1 + 1 == 2)\nstruct s { long a; };\n#endif",
            "8/8: a@0",
        ),
        (
            "#if 0\n#if 1\nstruct s { char a; };\n#endif\n#error no\n#else\nstruct s { int a; };\n#endif",
            "4/4: a@0",
        ),
        (
            "#define A 1\n#undef A\n#ifdef A\nstruct s { char a; };\n#else\nstruct s { int a; };\n#endif",
            "4/4: a@0",
        ),
        (
            "#define PAIR(t, n) t n##1; t n##2;\nstruct s { PAIR(char, x) PAIR(int, y) };",
            "12/4: x1@0 x2@1 y1@4 y2@8",
        ),
        ("#define F(x, ...) x __VA_ARGS__;\nstruct s { F(int a, : 3) F(char, b) };", "4/4: a@0:0+3 b@1"),
        ("#define LONG struct s { \\\n int a; \\\n };\nLONG", "4/4: a@0"),
        ("struct s {\n#if 1\n char a;\n#endif\n int b; };", "8/4: a@0 b@4"),
        ("#define s t\nstruct s { int a; };\n#undef s\nstruct s { struct t a, b; };", "8/4: a@0 b@4"),
        ("#define f(x) (x + f(x))\n#define f2 f\nstruct s { char a[sizeof(f2)]; };", ""),
    ] {
        if expected.is_empty() {
            assert!(!read_with(&[], text).1.is_empty(), "{text}");
        } else if text.ends_with("LONG") {
            // Only in headers do macros make declarations.
            let (definitions, _) = read_with(&[("a.h", text)], "#include <a.h>");
            assert_eq!(layout(&definitions.structures[&(Keyword::Struct, "s".into())]), expected);
        } else {
            assert_eq!(layout_of(text), expected, "{text}");
        }
    }
}

#[test]
fn headers_are_read_for_what_can_be_used() {
    let header = "#ifndef A_H\n#define A_H\n#pragma once\n#include \"b.h\"\n\
        static inline int f(int x) { struct local { int y; } z; return x ? 1 : 2; }\n\
        _Static_assert(sizeof(int) == 4, \"x\");\n\
        extern int g(const char *, ...) __attribute__((nonnull(1)));\n\
        asm(\"nop\");\n\
        typeof(f) *h;\n\
        struct s { b_t b; __typeof__(int) x; };\n\
        struct t { b_t b; } __attribute__((deprecated));\n\
        static const struct t table[] = { { 1 }, { 2 } };\n\
        #endif";
    let files = [("a.h", header), ("b.h", "#include \"a.h\"\ntypedef unsigned long b_t;")];
    let (definitions, diagnostics) = read_with(&files, "#include <a.h>\n#include \"a.h\"\n");
    assert_eq!(diagnostics, []);
    assert_eq!(definitions.typedefs.get("b_t"), Some(&Type::U64));
    assert!(definitions.structures.contains_key(&(Keyword::Struct, "t".into())));
    assert!(!definitions.structures.contains_key(&(Keyword::Struct, "s".into())));
    assert!(definitions.left_out["s"].contains("a type that can be read"), "{:?}", definitions.left_out);
}

#[test]
fn mistakes_are_found_where_they_are() {
    for (text, code, place) in [
        ("struct s { foo_t a; };", Code::InvalidDeclaration, "foo_t"),
        ("struct s { struct t a; };", Code::InvalidDeclaration, "struct t"),
        ("struct s { struct s a; };", Code::InvalidDeclaration, "struct s"),
        ("struct s { int a; int a; };", Code::InvalidDeclaration, "a"),
        ("struct s { int a[-1]; };", Code::InvalidDeclaration, "-1"),
        ("struct s { int a[1 / 0]; };", Code::InvalidDeclaration, "1 / 0"),
        ("struct s { int a[N]; };", Code::InvalidDeclaration, "N"),
        ("struct s { int a : 33; };", Code::InvalidDeclaration, "33"),
        ("struct s { int a };", Code::InvalidDeclaration, ""),
        ("struct s { void a; };", Code::InvalidDeclaration, "a"),
        ("struct s { int a }; int", Code::InvalidDeclaration, ""),
        ("struct s { int; int +; };", Code::InvalidDeclaration, "+"),
        ("enum e { A = x };", Code::InvalidDeclaration, "x"),
        ("enum e { A; };", Code::InvalidDeclaration, ";"),
        ("struct s { int a; }; struct s { int a; };", Code::DuplicateDefinition, "struct s"),
        ("enum { A }; enum { A };", Code::DuplicateDefinition, "A"),
        ("#if 1\n", Code::InvalidDirective, "#if"),
        ("#endif\n", Code::InvalidDirective, "#endif"),
        ("#if 1 +\n#endif", Code::InvalidDirective, ""),
        ("#else\n", Code::InvalidDirective, "#else"),
        ("#defin X 1\n", Code::InvalidDirective, "#defin"),
        ("#define 1\n", Code::InvalidDirective, "#define"),
        ("#error no\n", Code::InvalidDirective, "#error"),
        ("#include <nope.h>\n", Code::MissingHeader, "#include <nope.h>"),
        ("#include nope\n", Code::InvalidDirective, "#include"),
    ] {
        let found = wrong(text);
        let is_optional = text.starts_with("struct s { int a }");
        if is_optional && found.is_empty() {
            continue;
        }
        assert_eq!(found.first(), Some(&(code, place.to_owned())), "{text}: {found:?}");
    }
}

#[test]
fn nothing_goes_on_without_end() {
    let (_, diagnostics) = read_with(&[("a.h", "#include \"a.h\"\n#include \"a.h\"\n")], "#include <a.h>\n");
    assert!(diagnostics.iter().any(|one| one.code == Code::TooDeep));
    let mut text = String::from("#define a0 1 1\n");
    for n in 1..60 {
        let _ = writeln!(text, "#define a{n} a{} a{}", n - 1, n - 1);
    }
    text.push_str("enum e { X = a59 };");
    assert!(read_with(&[], &text).1.iter().any(|one| one.code == Code::TooDeep));
    for (open, close) in [("(", ")"), ("-", ""), ("1 + ", ""), ("1 ? 2 : ", "")] {
        let text = format!("enum e {{ X = {}1{} }};", open.repeat(9000), close.repeat(9000));
        assert_eq!(wrong(&text).len(), 1);
    }
    let text = format!("struct s {{ {} int x; {} }};", "struct { ".repeat(5000), "} x;".repeat(5000));
    assert_eq!(wrong(&text).len(), 1);
    let text = format!("struct s {{ int {}x; }};", "*".repeat(9000));
    assert_eq!(wrong(&text).len(), 1);
    let text = format!("#define f(x) x\nenum e {{ X = {}1{} }};", "f(".repeat(9000), ")".repeat(9000));
    drop(wrong(&text));
}
