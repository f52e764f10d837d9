//! Sessions of this machine's tracer. Where bpf(2) is not permitted these tests do nothing.

use std::time::{Duration, Instant};

use probebook_lang::diagnostic::Code;
use probebook_lang::source::Source;

use crate::codegen::tests::is_live;
use crate::event::Event;
use crate::live::LiveTracer;
use crate::map::EntryValue;
use crate::tracer::{Options, Refusal, Running, Tracer};
use crate::value::Value;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn start(tracer: &mut LiveTracer, text: &str, options: &Options) -> Result<Box<dyn Running>, Refusal> {
    tracer.start(&Source::new("test", text), options)
}

/// Stops, and gives the events that were left.
fn finish(running: &mut dyn Running) -> Vec<Event> {
    running.stop().expect("end programs run");
    let deadline = Instant::now() + PATIENCE;
    std::iter::from_fn(|| running.next_event(deadline)).collect()
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Text(_, text) => Some(String::from_utf8_lossy(text).into_owned()),
        Event::Exit(code) => Some(format!("exit {code}")),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

fn scalar(tracer: &LiveTracer, name: &str) -> Option<Value> {
    let snapshot = tracer.snapshot(name).expect("a readable map")?;
    snapshot.entries.into_iter().find_map(|entry| match entry.value {
        EntryValue::Plain(value) => Some(value),
        _ => None,
    })
}

#[test]
fn a_program_that_cannot_be_attached_has_changed_nothing() {
    if !is_live() {
        return;
    }
    let mut tracer = LiveTracer::new();
    tracer.environment_mut().cell = "cell 1".into();
    let mut first = start(&mut tracer, "begin { @x = 1; }", &Options::default()).expect("a session");
    finish(&mut *first);
    let before = tracer.environment().maps.clone();
    tracer.environment_mut().cell = "cell 2".into();
    let text = "begin { @x = 2; @new = 3; } uprobe:libc:malloc { @x = 4; }";
    // No process has this number: the largest possible one is 2^22.
    let options = Options { command: Some((1 << 22) + 1), ..Options::default() };
    let refusal = start(&mut tracer, text, &options).err().expect("a refusal");
    assert!(matches!(refusal, Refusal::Machine(crate::Error::Attach { .. })), "{refusal:?}");
    assert_eq!(scalar(&tracer, "x"), Some(Value::Int(1)));
    assert!(tracer.snapshot("new").expect("an answer").is_none());
    assert_eq!(tracer.environment().maps, before);
}

#[test]
fn every_record_arrives_or_is_counted_as_lost() {
    if !is_live() {
        return;
    }
    const SENT: u64 = 20_000;
    let mut tracer = LiveTracer::new();
    let text = format!("begin {{ for ($i : 0..{SENT}) {{ printf(\"%d\\n\", $i); }} }}");
    let options = Options { ring_bytes: Some(4096), ..Options::default() };
    let mut running = start(&mut tracer, &text, &options).expect("a session");
    let events = finish(&mut *running);
    let arrived = events.iter().filter(|event| matches!(event, Event::Text(..))).count() as u64;
    let lost: u64 = events.iter().map(|event| if let Event::Lost(count) = event { *count } else { 0 }).sum();
    assert_eq!(arrived + lost, SENT);
    assert_eq!(running.counts().lost, lost);
}

#[test]
fn nothing_follows_an_exit_but_what_end_sends() {
    if !is_live() {
        return;
    }
    let mut tracer = LiveTracer::new();
    let text = "begin { printf(\"a\"); exit(3); printf(\"b\"); }
                interval:us:100 { printf(\"tick\"); }
                end { printf(\"end\"); }";
    let mut running = start(&mut tracer, text, &Options::default()).expect("a session");
    assert!(running.is_finished());
    assert_eq!(texts(&finish(&mut *running)), ["a", "exit 3", "end"]);
}

#[test]
fn a_stopped_session_counts_no_further() {
    if !is_live() {
        return;
    }
    let mut tracer = LiveTracer::new();
    let options = Options { statistics: true, ..Options::default() };
    let mut running = start(&mut tracer, "interval:ms:1 { @n = count(); }", &options).expect("a session");
    let deadline = Instant::now() + PATIENCE;
    while running.counts().events < 3 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    finish(&mut *running);
    let (counts, snapshot) = (running.counts(), running.snapshot("n").expect("a map"));
    std::thread::sleep(Duration::from_millis(20));
    assert!(counts.events >= 3, "{counts:?}");
    assert_eq!(running.counts(), counts);
    assert_eq!(running.snapshot("n").expect("a map"), snapshot);
}

#[test]
fn a_map_with_wider_keys_takes_its_content_along() {
    if !is_live() {
        return;
    }
    let mut tracer = LiveTracer::new();
    for text in ["@m[\"a\"] = 1;", "@m[\"a longer key than before\"] = 2;"] {
        finish(&mut *start(&mut tracer, text, &Options::default()).expect("a session"));
    }
    let mut entries = tracer.snapshot("m").expect("a readable map").expect("a map").entries;
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<String> = entries.iter().map(|entry| entry.key[0].to_string()).collect();
    assert_eq!(keys, ["a", "a longer key than before"]);
}

#[test]
fn a_probe_that_cannot_be_attached_may_be_left_out() {
    if !is_live() {
        return;
    }
    // No process has this number: the largest possible one is 2^22.
    let options = Options { command: Some((1 << 22) + 1), ..Options::default() };
    let probes = "uprobe:libc:malloc { @x = 4; } interval:s:9 { @y = 1; }";
    for (policy, warnings) in [("warn", 1), ("ignore", 0)] {
        let mut tracer = LiveTracer::new();
        let text = format!("config = {{ missing_probes = {policy} }} {probes}");
        let running = start(&mut tracer, &text, &options).expect("a session");
        let codes: Vec<_> = running.warnings().iter().map(|warning| warning.code).collect();
        assert_eq!(codes, vec![Code::NotAttached; warnings]);
        assert_eq!((running.probes(), running.probe_count()), (&["interval:s:9".to_owned()][..], 1));
    }
    let alone = "config = { missing_probes = ignore } uprobe:libc:malloc { @x = 4; }";
    let refusal = start(&mut LiveTracer::new(), alone, &options).err().expect("a refusal");
    assert!(matches!(refusal, Refusal::Machine(crate::Error::Attach { .. })), "{refusal:?}");
}
