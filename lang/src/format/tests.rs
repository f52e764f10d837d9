//! Text → laid-out text, piece by piece; all fixtures are laid out in the tests crate.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let once = laid_out(text);
    assert_eq!(once, expected);
    assert_eq!(laid_out(&once), expected, "not stable");
}

#[track_caller]
fn laid_out(text: &str) -> String {
    format(&Source::new("test", text)).unwrap_or_else(|refusal| panic!("{text:?}: {refusal:?}"))
}

#[test]
fn probes_stand_as_in_bpftrace() {
    check(
        "tracepoint:a:b,tracepoint:c:d/pid==1&&comm!=\"x\"/{@[comm]=count();$x=-1;exit()}end{}",
        "tracepoint:a:b,\ntracepoint:c:d\n/pid == 1 && comm != \"x\"/\n{\n  @[comm] = count();\n  $x = -1;\n  \
         exit()\n}\n\nend\n{}\n",
    );
    check("profileh::z99 {}", "profileh::z99\n{}\n");
    check("uprobe:/bin/x:\"f g\",{}", "uprobe:/bin/x:\"f g\",\n{}\n");
    check("begin\n/1/{ }", "begin\n/1/\n{}\n");
}

#[test]
fn statements_with_blocks() {
    check(
        "begin { if($x>1){print(1);}else if ($x==2) {print(2)} else {} for($i:0..10){$x++;} while(1){break} }",
        "begin\n{\n  if ($x > 1) {\n    print(1);\n  } else if ($x == 2) {\n    print(2)\n  } else {}\n  for ($i : \
         0..10) {\n    $x++;\n  }\n  while (1) {\n    break\n  }\n}\n",
    );
    check("begin{{let $a;}$b=1}", "begin\n{\n  {\n    let $a;\n  }\n  $b = 1\n}\n");
    check("if(1){};@=2", "if (1) {};\n@ = 2\n");
}

#[test]
fn values_with_blocks_stay_on_their_line() {
    check("$x=if $y{1}else{2};", "$x = if $y { 1 } else { 2 };\n");
    check("$x={let $k=1;$k+1};", "$x = {\n  let $k = 1;\n  $k + 1\n};\n");
    check("print({1},{let $a=2;$a});", "print({ 1 }, {\n  let $a = 2;\n  $a\n});\n");
}

#[test]
fn operators_know_their_operands() {
    check(
        "$x=(int32)-1;$y=- -$x;$z=*$p**$q;$w=!$x&~$y;$v=$a&&&$b;",
        "$x = (int32)-1;\n$y = - -$x;\n$z = *$p * *$q;\n$w = !$x & ~$y;\n$v = $a && &$b;\n",
    );
    check("$x = $a?1:2 ; $y = $a ?: 3; $x ++; -- $y;", "$x = $a ? 1 : 2;\n$y = $a ?: 3;\n$x++;\n--$y;\n");
    check("$f=( struct Foo * ) arg0;print($f -> a . 0);", "$f = (struct Foo*)arg0;\nprint($f->a.0);\n");
    check("let $q:int32=5;_=delete(@a , ( 1,2 ));", "let $q : int32 = 5;\n_ = delete(@a, (1, 2));\n");
    check("begin / *$a / *$b / { }", "begin\n/ *$a / *$b/\n{}\n");
    check("$a=sizeof( int32 [ 4 ] )-$b [ 1 ];", "$a = sizeof(int32[4]) - $b[1];\n");
}

#[test]
fn comments_stay_where_they_belong() {
    let text = "#!/usr/bin/env probebook\n// top\n\nbegin // head\n{ // open\n  // own\n  @a = 1; // one\n  /* two */\n  \
                @b = 2; /* three */\n\n  // four\n  @c = /* five */ 3;\n  // last\n} // over\n// end\n";
    check(
        text,
        "#!/usr/bin/env probebook\n// top\n\nbegin // head\n{ // open\n  // own\n  @a = 1; // one\n  /* two */\n  \
         @b = 2; /* three */\n\n  // four\n  @c = /* five */ 3;\n  // last\n} // over\n\n// end\n",
    );
    check("/* a */ begin /* b */ { /* c */ } /* d */", "/* a */\nbegin /* b */\n{ /* c */\n} /* d */\n");
    check(
        "print(1, // one\n 2,\n // two\n 3);if(1) // why\n{}",
        "print(1, // one\n      2,\n      // two\n      3);\nif (1) // why\n{}\n",
    );
    check("begin { @ = 1 /* x */ }", "begin\n{\n  @ = 1 /* x */\n}\n");
    check("// only\n\n\n\n/* comments */", "// only\n\n/* comments */\n");
    check("", "");
}

#[test]
fn one_blank_line_survives() {
    check("@a=1;\n\n\n\n@b=2;\n@c=3;\n\n", "@a = 1;\n\n@b = 2;\n@c = 3;\n");
    check("begin{\n\n@a=1;\n\n}\n\n\n\nend{}", "begin\n{\n  @a = 1;\n}\n\nend\n{}\n");
}

#[test]
fn long_lines_break_where_it_hurts_least() {
    let name = "a".repeat(30);
    check(
        &format!("printf(\"%d %d %d\\n\",{name},f({name},1),{name});"),
        &format!("printf(\"%d %d %d\\n\", {name},\n       f({name}, 1), {name});\n"),
    );
    check(
        &format!("begin/{name}=={name}&&{name}!=1||{name}/{{}}"),
        &format!("begin\n/{name} == {name} &&\n    {name} != 1 || {name}/\n{{}}\n"),
    );
    check(
        &format!("@long_enough_to_matter[{name}] = {name} + $b * {name};"),
        &format!("@long_enough_to_matter[{name}] = {name} +\n    $b * {name};\n"),
    );
    let text = "x".repeat(90);
    check(&format!("print(\"{text}\");"), &format!("print(\"{text}\");\n"));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let refused = |text: &str| match format(&Source::new("test", text)) {
        Err(Refusal::Program(diagnostics)) => !diagnostics.is_empty(),
        _ => false,
    };
    assert!(refused("begin { @a = ; }"));
    assert!(refused("begin { @a = 1;"));
    assert!(refused("@a = \"x"));
}
