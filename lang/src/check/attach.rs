//! a written attach point → the events it means: aliases, units, default counts and wildcards resolved.
//!
//! *Invariant:* what comes out exists on the [`Host`]; where nothing does, there is a diagnostic.
//!
//! *Not here:* which points share one body (`check::group`).

use super::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::{Host, Unavailable};
use crate::probes::{AttachPoint, Rate};
use crate::source::Span;
use crate::syntax::ast;

/// The provider words that are understood, each with its full name.
pub const PROVIDERS: &[(&str, &str)] = &[
    ("begin", "begin"),
    ("end", "end"),
    ("self", "self"),
    ("test", "test"),
    ("bench", "bench"),
    ("interval", "interval"),
    ("i", "interval"),
    ("profile", "profile"),
    ("p", "profile"),
    ("software", "software"),
    ("s", "software"),
    ("tracepoint", "tracepoint"),
    ("t", "tracepoint"),
    ("rawtracepoint", "rawtracepoint"),
    ("rt", "rawtracepoint"),
    ("kprobe", "kprobe"),
    ("k", "kprobe"),
    ("kretprobe", "kretprobe"),
    ("kr", "kretprobe"),
    ("fentry", "fentry"),
    ("f", "fentry"),
    ("kfunc", "fentry"),
    ("fexit", "fexit"),
    ("fr", "fexit"),
    ("kretfunc", "fexit"),
    ("uprobe", "uprobe"),
    ("u", "uprobe"),
    ("uretprobe", "uretprobe"),
    ("ur", "uretprobe"),
];

/// Provider words of bpftrace that cannot be attached yet.
const LATER: &[&str] = &["usdt", "hardware", "h", "watchpoint", "w", "iter", "it"];

/// The module that is Linux itself.
const LINUX: &str = "vmlinux";

/// Linux's software events: name, alias, default count.
pub const SOFTWARE: &[(&str, &str, u64)] = &[
    ("alignment-faults", "", 1),
    ("bpf-output", "", 1),
    ("context-switches", "cs", 1000),
    ("cpu-clock", "cpu", 1_000_000),
    ("cpu-migrations", "", 1),
    ("dummy", "", 1),
    ("emulation-faults", "", 1),
    ("major-faults", "", 1),
    ("minor-faults", "", 100),
    ("page-faults", "faults", 100),
    ("task-clock", "", 1),
];

/// The events that an attach point means.
///
/// # Errors
/// The reason why there are none.
pub fn resolve(point: &ast::AttachPoint, host: &dyn Host) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
    let Some((head, rest)) = point.parts.split_first() else {
        return fail(Diagnostic::error(Code::InvalidProbe, point.span, "this attach point is empty"));
    };
    let word = if head.text == "U" { "usdt".to_string() } else { head.text.to_lowercase() };
    let Some(&(_, provider)) = PROVIDERS.iter().find(|(name, _)| *name == word) else {
        return fail(unknown_provider(head, &word));
    };
    let resolver = Resolver { host, span: point.span, provider, rest };
    match provider {
        "begin" => resolver.bare(AttachPoint::Begin),
        "end" => resolver.bare(AttachPoint::End),
        "self" => resolver.signal(),
        "test" => resolver.named(AttachPoint::Test),
        "bench" => resolver.named(AttachPoint::Bench),
        "interval" => Ok(vec![AttachPoint::Interval(resolver.rate()?)]),
        "profile" => Ok(vec![AttachPoint::Profile(resolver.rate()?)]),
        "software" => resolver.software(),
        "tracepoint" => resolver.tracepoints(),
        "rawtracepoint" => resolver.raw_tracepoints(),
        "fentry" | "fexit" => resolver.typed_functions(provider == "fexit"),
        "kprobe" | "kretprobe" => resolver.kernel_functions(provider == "kretprobe"),
        _ => resolver.functions(provider == "uretprobe"),
    }
}

/// Whether `*` in the pattern can stand for what makes it the text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn unknown_provider(head: &ast::Part, word: &str) -> Diagnostic {
    if LATER.contains(&word) {
        let message = format!("{} probes are not supported yet", head.text);
        return Diagnostic::error(Code::Unsupported, head.span, message).note(
            "supported: begin end self test bench interval profile software tracepoint rawtracepoint kprobe kretprobe fentry fexit uprobe uretprobe",
        );
    }
    let message = format!("there is no probe type `{}`", head.text);
    let diagnostic = Diagnostic::error(Code::UnknownProbeType, head.span, message);
    let words = PROVIDERS.iter().map(|(name, _)| *name).chain(LATER.iter().copied());
    match nearest(word, words.filter(|word| word.len() > 2)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic
            .note("known: begin end self test bench interval profile software tracepoint rawtracepoint kprobe kretprobe fentry fexit uprobe uretprobe"),
    }
}

struct Resolver<'a> {
    host: &'a dyn Host,
    span: Span,
    provider: &'static str,
    rest: &'a [ast::Part],
}

impl Resolver<'_> {
    fn malformed(&self, usage: &str) -> Diagnostic {
        let message = format!("this is not how {} probes are written", self.provider);
        Diagnostic::error(Code::InvalidProbe, self.span, message).help(format!("write `{usage}`"))
    }

    fn bare(&self, point: AttachPoint) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        if self.rest.is_empty() { Ok(vec![point]) } else { fail(self.malformed(self.provider)) }
    }

    /// `self:signal:SIGUSR1`, the only one there is.
    fn signal(&self) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let usage = "self:signal:SIGUSR1";
        let [trigger, signal] = self.rest else { return fail(self.malformed(usage)) };
        let wrong = if trigger.text == "signal" { signal } else { trigger };
        if trigger.text == "signal" && signal.text == "SIGUSR1" {
            return Ok(vec![AttachPoint::Signal]);
        }
        let message = format!("self probes do not know `{}`", wrong.text);
        fail(Diagnostic::error(Code::InvalidProbe, wrong.span, message).help(format!("write `{usage}`")))
    }

    /// A name alone.
    fn named(&self, point: fn(String) -> AttachPoint) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        match self.rest {
            [name] if !name.text.is_empty() => Ok(vec![point(name.text.clone())]),
            _ => fail(self.malformed(&format!("{}:name", self.provider))),
        }
    }

    fn rate(&self) -> Result<Rate, Box<Diagnostic>> {
        let usage = if self.provider == "profile" { "profile:hz:99" } else { "interval:s:1" };
        let (rate, number) = match self.rest {
            [one] => {
                let nanoseconds = duration(&one.text).ok_or_else(|| self.bad_number(one, usage))?;
                (Rate::Microseconds(nanoseconds / 1000), one)
            }
            [unit, number] => {
                let n = count(&number.text).ok_or_else(|| self.bad_number(number, usage))?;
                let rate = match unit.text.as_str() {
                    "hz" => Rate::Hz(n),
                    "s" => Rate::Seconds(n),
                    "ms" => Rate::Milliseconds(n),
                    "us" => Rate::Microseconds(n),
                    other => {
                        let message = format!("`{other}` is not a unit of {} probes", self.provider);
                        return fail(
                            Diagnostic::error(Code::InvalidProbe, unit.span, message)
                                .help("the units are hz, s, ms and us"),
                        );
                    }
                };
                (rate, number)
            }
            _ => return fail(self.malformed(usage)),
        };
        let is_zero =
            matches!(rate, Rate::Hz(0) | Rate::Seconds(0) | Rate::Milliseconds(0) | Rate::Microseconds(0));
        if is_zero || rate.period_ns() < 1000 {
            let message = format!("{} probes cannot fire more often than every microsecond", self.provider);
            return fail(Diagnostic::error(Code::InvalidProbe, number.span, message));
        }
        if rate.period_ns() > i64::MAX as u64 {
            let message = "this time is too long for Linux's timers";
            return fail(Diagnostic::error(Code::InvalidProbe, number.span, message));
        }
        Ok(rate)
    }

    fn bad_number(&self, part: &ast::Part, usage: &str) -> Diagnostic {
        let message = format!("`{}` is neither a number nor a duration", part.text);
        Diagnostic::error(Code::InvalidProbe, part.span, message).help(format!("write `{usage}`"))
    }

    fn software(&self) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let usage = "software:page-faults:100";
        let (event, number) = match self.rest {
            [event] => (event, None),
            [event, number] => (event, Some(number)),
            _ => return fail(self.malformed(usage)),
        };
        if event.text.contains('*') {
            let message = "wildcards are not allowed in software probes";
            return fail(Diagnostic::error(Code::InvalidProbe, event.span, message));
        }
        let known = SOFTWARE.iter().find(|(name, alias, _)| *name == event.text || *alias == event.text);
        let Some(&(name, _, default)) = known.filter(|_| !event.text.is_empty()) else {
            let names = SOFTWARE.iter().map(|(name, _, _)| *name);
            return fail(self.no_match(event, &event.text, names).note(format!(
                "the software events are {}",
                SOFTWARE.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
            )));
        };
        let period = match number {
            None => default,
            Some(part) => match count(&part.text) {
                Some(0) => default,
                Some(n) => n,
                None => return fail(self.bad_number(part, usage)),
            },
        };
        let written = match number {
            Some(number) => format!("{}:{}", event.text, number.text),
            None => event.text.clone(),
        };
        Ok(vec![AttachPoint::Software { event: name.into(), period, written }])
    }

    fn tracepoints(&self) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let [category, event] = self.rest else {
            let usage = self.malformed("tracepoint:category:event");
            let [event] = self.rest else { return fail(usage) };
            let all = self.host.tracepoints().map_err(|why| self.unavailable(why))?;
            let suffix = format!(":{}", event.text);
            let found = all.iter().find(|name| name.ends_with(&suffix));
            return fail(match found {
                Some(name) => {
                    let message = "the category of this tracepoint is missing";
                    Diagnostic::error(Code::InvalidProbe, event.span, message)
                        .help(format!("write `tracepoint:{name}`"))
                }
                None => usage,
            });
        };
        let point = |category: &str, event: &str| AttachPoint::Tracepoint {
            category: category.into(),
            event: event.into(),
        };
        let is_pattern = category.text.contains('*') || event.text.contains('*');
        if !is_pattern {
            let known = self.host.tracepoint(&category.text, &event.text);
            if known.map_err(|why| self.unavailable(why))?.is_some() {
                return Ok(vec![point(&category.text, &event.text)]);
            }
        }
        let all = self.host.tracepoints().map_err(|why| self.unavailable(why))?;
        let names = || all.iter().filter_map(|name| name.split_once(':'));
        if is_pattern {
            let found: Vec<_> = names()
                .filter(|(c, e)| matches(&category.text, c) && matches(&event.text, e))
                .map(|(c, e)| point(c, e))
                .collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let has_category = names().any(|(c, _)| matches(&category.text, c));
        if has_category {
            let events = names().filter(|(c, _)| matches(&category.text, c)).map(|(_, e)| e);
            return fail(self.no_match(event, &event.text, events));
        }
        let diagnostic = self.no_match(category, &category.text, names().map(|(c, _)| c));
        let elsewhere = names().find(|(_, e)| *e == event.text);
        fail(match elsewhere {
            Some((c, e)) => diagnostic.help(format!("there is `tracepoint:{c}:{e}`")),
            None => diagnostic,
        })
    }

    fn raw_tracepoints(&self) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let ([event] | [_, event]) = self.rest else {
            return fail(self.malformed("rawtracepoint:sched_switch"));
        };
        if let [module, _] = self.rest
            && !matches(&module.text, "vmlinux")
        {
            return fail(self.no_match(module, &module.text, ["vmlinux"].into_iter()));
        }
        let all = self.host.raw_tracepoints().map_err(|why| self.unavailable(why))?;
        let found: Vec<_> = all
            .iter()
            .filter(|name| matches(&event.text, name))
            .map(|name| AttachPoint::RawTracepoint { event: name.clone() })
            .collect();
        if found.is_empty() {
            return fail(self.no_match(event, &event.text, all.iter().map(String::as_str)));
        }
        Ok(found)
    }

    fn kernel_functions(&self, at_return: bool) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let usage = format!("{}:vfs_read", self.provider);
        let (module, target) = match self.rest {
            [target] => (None, target),
            [module, target] => (Some(module), target),
            _ => return fail(self.malformed(&usage)),
        };
        let (name, offset) = match target.text.split_once('+') {
            Some((name, digits)) => match number(digits) {
                Some(offset) => (name, offset),
                None => return fail(self.bad_number(target, &format!("{}:vfs_read+8", self.provider))),
            },
            None => (target.text.as_str(), 0),
        };
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            let message = "an address is not supported here";
            return fail(
                Diagnostic::error(Code::Unsupported, target.span, message)
                    .help("name the function, as `kprobe:vfs_read` or `kprobe:vfs_read+8`"),
            );
        }
        if offset > 0 && at_return {
            let message = "a kretprobe fires where a function returns, so it takes no offset";
            return fail(Diagnostic::error(Code::InvalidProbe, target.span, message));
        }
        let module = module.map(|part| part.text.as_str());
        let point = |module: Option<&str>, name: &str| AttachPoint::Kprobe {
            module: module.map(str::to_owned),
            function: name.to_owned(),
            offset,
            at_return,
        };
        if module.is_none() && !name.contains('*') && self.host.has_kernel_function(name) {
            return Ok(vec![point(None, name)]);
        }
        let all = self.host.kernel_functions().map_err(|why| self.unavailable(why))?;
        let is_asked_for = |of: &str| module.is_none_or(|module| matches(module, of));
        let mut found: Vec<_> = all
            .iter()
            .filter(|function| matches(name, &function.name) && is_asked_for(&function.module))
            .map(|function| point(module.map(|_| function.module.as_str()), &function.name))
            .collect();
        found.dedup();
        if found.is_empty() {
            let names = all.iter().filter(|function| is_asked_for(&function.module));
            return fail(self.no_match(target, name, names.map(|function| function.name.as_str())));
        }
        Ok(found)
    }

    fn typed_functions(&self, at_return: bool) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let (module, function) = match self.rest {
            [function] => (None, function),
            [module, function] => (Some(module.text.as_str()), function),
            _ => return fail(self.malformed(&format!("{}:vfs_read", self.provider))),
        };
        if module == Some("bpf") {
            let message = "functions of BPF programs are not supported yet";
            return fail(Diagnostic::error(Code::Unsupported, self.span, message));
        }
        let point = |module: &str, function: &str| AttachPoint::Fentry {
            module: module.to_owned(),
            function: function.to_owned(),
            at_return,
        };
        let name = function.text.as_str();
        let is_plain = !name.contains('*') && module.is_none_or(|module| module == LINUX);
        if is_plain && self.host.has_kernel_function(name) {
            return Ok(vec![point(LINUX, name)]);
        }
        let all = self.host.kernel_functions().map_err(|why| self.unavailable(why))?;
        let is_asked_for = |of: &str| module.is_none_or(|module| matches(module, of));
        let candidates = || all.iter().filter(|function| is_asked_for(&function.module));
        let found: Vec<_> = candidates()
            .filter(|function| matches(name, &function.name) && self.host.has_kernel_function(&function.name))
            .map(|function| point(&function.module, &function.name))
            .collect();
        if found.is_empty() {
            let names = candidates().map(|function| function.name.as_str());
            return fail(
                self.no_match(function, name, names).note("only functions that BTF describes can be probed"),
            );
        }
        Ok(found)
    }

    fn functions(&self, at_return: bool) -> Result<Vec<AttachPoint>, Box<Diagnostic>> {
        let usage = format!("{}:libc:malloc", self.provider);
        let [binary, function] = self.rest else { return fail(self.malformed(&usage)) };
        let is_address = function.text.starts_with(|c: char| c.is_ascii_digit());
        if function.text.contains('+') || is_address || binary.text.contains(['*', '@']) {
            let message = "only `path:function` is supported for now";
            return fail(
                Diagnostic::error(Code::Unsupported, self.span, message).help(format!("write `{usage}`")),
            );
        }
        let Some(path) = self.host.resolve_binary(&binary.text) else {
            let message = format!("there is no program or library `{}`", binary.text);
            return fail(
                Diagnostic::error(Code::NoMatch, binary.span, message)
                    .help("give a path, the name of a program in $PATH, or the name of a library, as `libc`"),
            );
        };
        let written = if binary.text.contains('/') { &binary.text } else { &path };
        let all = self.host.functions(&path).map_err(|why| self.unavailable(why))?;
        let found: Vec<_> = all
            .iter()
            .filter(|(name, _)| matches(&function.text, name))
            .map(|(name, offset)| AttachPoint::Uprobe {
                path: path.clone(),
                function: name.clone(),
                written: written.clone(),
                offset: *offset,
                at_return,
            })
            .collect();
        if found.is_empty() {
            let names = all.iter().map(|(name, _)| name.as_str());
            return fail(self.no_match(function, &function.text, names).note(format!("looked in {path}")));
        }
        Ok(found)
    }

    fn no_match<'b>(
        &self,
        part: &ast::Part,
        word: &str,
        candidates: impl Iterator<Item = &'b str>,
    ) -> Diagnostic {
        let rest: Vec<_> = self.rest.iter().map(|part| part.text.as_str()).collect();
        let message = format!("nothing matches {}:{}", self.provider, rest.join(":"));
        let diagnostic = Diagnostic::error(Code::NoMatch, part.span, message).label("not found");
        match nearest(word, candidates) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    }

    fn unavailable(&self, Unavailable(why): Unavailable) -> Diagnostic {
        Diagnostic::error(Code::HostUnavailable, self.span, why)
    }
}

fn fail<T>(diagnostic: Diagnostic) -> Result<T, Box<Diagnostic>> {
    Err(Box::new(diagnostic))
}

/// A number, decimal or as `0x1f`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A count: digits with `_` between, or `1e6`.
fn count(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let digits: u64 = digits.parse().ok()?;
            digits.checked_mul(10u64.checked_pow(exponent.parse().ok()?)?)
        }
        None => text.parse().ok(),
    }
}

/// A duration in nanoseconds: `1s`, `500us`, or a bare number.
fn duration(text: &str) -> Option<u64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic() && c != 'e').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let scale = match unit {
        "" | "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    count(digits)?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        assert!(matches("sys_enter_*", "sys_enter_read"));
        assert!(matches("*read*", "sys_enter_pread64"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "aXbYc"));
        assert!(!matches("a*b", "aXbY"));
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("abc", "abcd"));
        assert!(matches("abc", "abc"));
    }

    #[test]
    fn times() {
        assert_eq!(duration("1500ns"), Some(1500));
        assert_eq!(duration("1s"), Some(1_000_000_000));
        assert_eq!(duration("1e9"), Some(1_000_000_000));
        assert_eq!(duration("1x"), None);
        assert_eq!(count("1_000"), Some(1000));
    }
}
