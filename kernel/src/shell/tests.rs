//! Cells on a scripted machine.

use std::time::Duration;

use probebook_ebpf::event::{Event, Origin};
use probebook_ebpf::tracer::Refusal;
use probebook_ebpf::value::Value as Decoded;
use probebook_lang::diagnostic::{Code, Diagnostic};
use probebook_lang::source::Span;
use serde_json::json;

use super::scripted::{Script, shell};
use super::*;
use crate::interrupt::Interrupt;
use crate::outlet::{StreamName, Tape};

const MS: Duration = Duration::from_millis(1);
const NOW: Duration = Duration::ZERO;

fn execute(shell: &mut Shell, code: &str) -> (Executed, Tape) {
    let tape = Tape::default();
    let request =
        Execute { code: code.into(), store_history: true, stop_on_error: true, ..Execute::default() };
    let executed = shell.execute(&request, &Interrupt::default(), &tape);
    (executed, tape)
}

fn attached() -> Script {
    Script { probes: vec!["interval:s:1".into()], map: Some("n"), ..Script::default() }
}

fn printed(text: &str) -> Event {
    Event::Text(Origin::Printf, text.into())
}

/// Milliseconds that a cell ran, which is what the scripted map counts. (Pictures take long in a debug build.)
fn ran(tape: &Tape) -> u64 {
    let bundle = tape.bundles().pop().unwrap();
    let text = bundle.data["text/plain"].as_str().unwrap();
    text.trim().strip_prefix("@n: ").unwrap().parse().unwrap()
}

#[test]
fn a_calculation_prints_and_gives_its_value() {
    let mut shell = shell(|_, _| {
        let events = vec![(NOW, printed("a\n")), (NOW, Event::Result(Decoded::Int(42)))];
        Ok(Script { events, ..Script::default() })
    });
    let (executed, tape) = execute(&mut shell, "printf(\"a\\n\"); 6 * 7");
    assert_eq!(tape.kinds(), ["input", "stream", "result"]);
    assert_eq!(tape.text(StreamName::Stdout), "a\n");
    assert_eq!(tape.bundles()[0].data["text/plain"], "42");
    assert_eq!(executed.reply()["status"], "ok");
    assert_eq!(executed.reply()["execution_count"], 1);
}

#[test]
fn a_map_in_last_place_is_shown_complete() {
    let mut shell = shell(|_, _| Ok(Script { map: Some("n"), result: Some("n"), ..Script::default() }));
    let (_, tape) = execute(&mut shell, "@n");
    assert_eq!(tape.kinds(), ["input", "result"]);
    let bundle = &tape.bundles()[0];
    for mime in ["text/plain", "image/svg+xml", "image/png", "application/vnd.vegalite.v5+json"] {
        assert!(bundle.data.contains_key(mime), "{mime}");
    }
}

#[test]
fn events_are_drawn_live_then_complete_on_the_same_figure() {
    let mut shell = shell(|_, _| Ok(attached()));
    let (executed, tape) = execute(&mut shell, "%%trace 1100ms\ninterval:s:1 { @n = count(); }");
    assert!((1100..1300).contains(&ran(&tape)), "{}", ran(&tape));
    assert!(executed.failure.is_none());
    assert_eq!(tape.kinds(), ["input", "display", "update", "update", "update"]);
    assert!(!tape.bundles()[0].data.contains_key("image/png"));
    assert!(tape.bundles()[3].data.contains_key("image/png"));
}

#[test]
fn exit_ends_a_cell_and_its_code_is_an_error() {
    let mut shell = shell(|_, _| {
        let events = vec![(10 * MS, printed("x")), (20 * MS, Event::Exit(3)), (5000 * MS, printed("late"))];
        Ok(Script { events, last: vec![printed("end\n")], ..attached() })
    });
    let (executed, tape) = execute(&mut shell, "interval:s:1 { @n = count(); exit(3); }");
    assert!((20..5000).contains(&ran(&tape)), "{}", ran(&tape));
    assert_eq!(executed.failure.unwrap().value, "exit code 3");
    assert_eq!(tape.text(StreamName::Stdout), "xend\n");
    assert_eq!(tape.kinds().last(), Some(&"error"));
}

#[test]
fn conditions_end_a_cell() {
    let mut shell = shell(|_, _| Ok(attached()));
    let (executed, tape) = execute(&mut shell, "%%trace until @n >= 150\ninterval:s:1 { @n = count(); }");
    assert!(executed.failure.is_none());
    assert!((150..500).contains(&ran(&tape)), "{}", ran(&tape));
}

#[test]
fn a_condition_on_another_map_is_refused() {
    let mut shell = shell(|_, _| Ok(attached()));
    let (executed, _) = execute(&mut shell, "%%trace until @m >= 150\ninterval:s:1 { @n = count(); }");
    assert_eq!(executed.failure.unwrap().name, "MagicError");
}

#[test]
fn an_interrupt_ends_a_cell_normally() {
    let mut shell = shell(|_, _| Ok(attached()));
    let interrupt = Interrupt::default();
    let from_elsewhere = interrupt.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(100 * MS);
        from_elsewhere.interrupt();
    });
    let tape = Tape::default();
    let code = "%%trace forever\ninterval:s:1 { @n = count(); }".to_owned();
    let executed = shell.execute(&Execute { code, ..Execute::default() }, &interrupt, &tape);
    thread.join().unwrap();
    assert!(executed.failure.is_none());
    assert!(tape.bundles().last().unwrap().data.contains_key("image/png"));
}

#[test]
fn a_command_is_known_to_the_tracer_and_ends_the_cell() {
    let pid = std::sync::Arc::new(std::sync::Mutex::new(None));
    let seen = pid.clone();
    let mut shell = shell(move |_, options| {
        *seen.lock().unwrap() = options.command;
        Ok(attached())
    });
    let (executed, tape) = execute(&mut shell, "%%trace -c \"echo hello\"\ninterval:s:1 { @n = count(); }");
    assert!(executed.failure.is_none() && ran(&tape) < 800);
    assert!(pid.lock().unwrap().is_some());
    assert_eq!(tape.text(StreamName::Stdout), "hello\n");
    let (executed, tape) = execute(&mut shell, "%%trace -c no-such-command\n@n = 1;");
    assert!(executed.failure.unwrap().value.contains("no such program"));
    assert_eq!(tape.kinds(), ["input", "error"]);
}

#[test]
fn diagnostics_point_into_the_cell() {
    let mut shell = shell(|source, _| {
        assert!(!source.text().contains('%'));
        let at = source.text().find("bad").unwrap() as u32;
        let span = Span::new(at, at + 3);
        Err(Refusal::Program(vec![Diagnostic::error(Code::TypeMismatch, span, "no such thing")]))
    });
    let (executed, tape) = execute(&mut shell, "%%trace 1s\n\n@x = bad;");
    let failure = executed.failure.unwrap();
    assert_eq!(failure.value, "no such thing");
    assert!(failure.traceback.join("\n").contains("cell 1:3:6"), "{:?}", failure.traceback);
    assert_eq!(tape.kinds(), ["input", "error"]);
}

#[test]
fn magics_work_on_the_notebook() {
    let mut shell = shell(|_, _| Ok(Script { map: Some("n"), ..Script::default() }));
    execute(&mut shell, "@n = 1;");
    let (_, tape) = execute(&mut shell, "%maps");
    assert!(
        tape.text(StreamName::Stdout).contains("@n   count_t  1        cell 1"),
        "{tape:?}",
        tape = tape.text(StreamName::Stdout)
    );
    let (executed, _) = execute(&mut shell, "%reset @n\n%maps");
    assert!(executed.failure.is_none());
    let (executed, _) = execute(&mut shell, "%reset @n");
    assert_eq!(executed.failure.unwrap().name, "NameError");
    let (executed, tape) = execute(&mut shell, "%help");
    assert_eq!(executed.reply()["payload"][0]["source"], "page");
    assert_eq!(tape.kinds(), ["input"]);
    let (executed, tape) = execute(&mut shell, "%fmt\nbegin{@n=1}");
    let payload = &executed.reply()["payload"][0];
    assert_eq!(payload["source"], "set_next_input");
    assert_eq!(payload["text"], "begin\n{\n  @n = 1\n}");
    assert_eq!(tape.kinds(), ["input"]);
    let (executed, _) = execute(&mut shell, "%fmt\nbegin{@n=");
    assert_eq!(executed.failure.unwrap().name, "ProgramError");
    let (_, tape) = execute(&mut shell, "%clear");
    assert_eq!(tape.kinds(), ["input", "clear"]);
    let (executed, _) = execute(&mut shell, "%plot @n");
    assert_eq!(executed.failure.unwrap().name, "MagicError");
}

#[test]
fn user_expressions_are_maps_or_expressions() {
    let mut shell = shell(|source, _| match source.text() {
        "1 + 1" => Ok(Script { events: vec![(NOW, Event::Result(Decoded::Int(2)))], ..Script::default() }),
        _ => Ok(Script { map: Some("n"), ..Script::default() }),
    });
    let user_expressions = json!({ "m": "@n", "e": "1 + 1", "none": "@nope", "bad": "@n = 1;" });
    let request = Execute {
        code: "@n = 1;".into(),
        user_expressions: user_expressions.as_object().unwrap().clone(),
        ..Execute::default()
    };
    let reply = shell.execute(&request, &Interrupt::default(), &Tape::default()).reply();
    let values = &reply["user_expressions"];
    assert_eq!(values["m"]["data"]["text/plain"], "@n: 7\n");
    assert_eq!(values["e"]["data"]["text/plain"], "2");
    assert_eq!(values["none"]["ename"], "NameError");
    assert_eq!(values["bad"]["status"], "error");
}

#[test]
fn silent_cells_leave_no_trace() {
    let mut shell = shell(|_, _| Ok(Script { events: vec![(NOW, printed("a"))], ..Script::default() }));
    let tape = Tape::default();
    let request = Execute { code: "x".into(), silent: true, ..Execute::default() };
    let executed = shell.execute(&request, &Interrupt::default(), &tape);
    assert_eq!((executed.count, tape.kinds().len()), (0, 0));
    let history = shell.answer("history_request", &Map::new()).unwrap();
    assert_eq!(history["history"], json!([]));
}

#[test]
fn requests_with_missing_fields_are_answered() {
    let mut shell = shell(|_, _| Ok(Script::default()));
    execute(&mut shell, "@a = 1;");
    for kind in
        ["complete_request", "inspect_request", "is_complete_request", "history_request", "comm_info_request"]
    {
        let reply = shell.answer(kind, &Map::new()).unwrap();
        assert!(reply["status"].is_string(), "{kind}");
    }
    let search = json!({ "hist_access_type": "search", "pattern": "@*", "output": true });
    let reply = shell.answer("history_request", search.as_object().unwrap()).unwrap();
    assert_eq!(reply["history"][0][2], json!(["@a = 1;", null]));
    assert!(shell.answer("debug_request", &Map::new()).is_none());
}

#[test]
fn replies_are_what_the_protocol_says() {
    let info: jupyter_protocol::KernelInfoReply = serde_json::from_value(info()).unwrap();
    assert_eq!(info.language_info.name, "bpftrace");
    let mut shell = shell(|_, _| Ok(Script::default()));
    let (executed, _) = execute(&mut shell, "");
    let _: jupyter_protocol::ExecuteReply = serde_json::from_value(executed.reply()).unwrap();
    for kind in ["complete_request", "inspect_request", "history_request"] {
        let reply = shell.answer(kind, &Map::new()).unwrap();
        match kind {
            "complete_request" => {
                drop(serde_json::from_value::<jupyter_protocol::CompleteReply>(reply).unwrap())
            }
            "inspect_request" => {
                drop(serde_json::from_value::<jupyter_protocol::InspectReply>(reply).unwrap())
            }
            _ => drop(serde_json::from_value::<jupyter_protocol::HistoryReply>(reply).unwrap()),
        }
    }
}

#[test]
fn cursors_count_code_points() {
    let at = |position: u64| cursor("é𝕏a", &Map::from_iter([("cursor_pos".into(), position.into())]));
    assert_eq!((at(0), at(1), at(2), at(3), at(99)), (0, 2, 6, 7, 7));
    assert_eq!(cursor("ab", &Map::new()), 2);
    assert_eq!(code_points("é𝕏a", 6), 2);
    assert_eq!(code_points("é𝕏a", 7), 3);
}

#[test]
fn a_panic_is_a_failure() {
    let failure = guarded(|| -> () { panic!("broken {}", 7) }).unwrap_err();
    assert!(failure.value.contains("broken 7"));
    assert_eq!(guarded(|| 3), Ok(3));
}
