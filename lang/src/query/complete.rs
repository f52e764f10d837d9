//! text and cursor → [`Completions`]: what can stand there, the likeliest first.
//!
//! *Invariant:* at most [`MOST`] items, each of which replaces the same span.

use super::context::{Context, Place, maps};
use super::declared::Declared;
use super::names::{TYPES, VALUE_WORDS, WORDS, field_type, fields, map_signature};
use super::providers::{self, Provider};
use crate::builtins::{self, Availability, Builtin};
use crate::check::attach::{SOFTWARE, matches};
use crate::check::members_at;
use crate::environment::Environment;
use crate::host::Host;
use crate::source::{Source, Span};
use crate::syntax::parse_cell;

/// More than a reader looks through.
const MOST: usize = 100;

/// What sort of thing can be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A provider of probes, or a part of an attach point.
    Probe,
    /// A field of `args`.
    Field,
    /// A scratch variable.
    Variable,
    /// A map.
    Map,
    /// A builtin value.
    Builtin,
    /// A function, aggregations included.
    Function,
    /// A word of the language.
    Keyword,
    /// A type.
    Type,
    /// What a `#define` or an enumeration gives a name to.
    Constant,
}

impl Kind {
    /// Its name for editors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Field => "field",
            Self::Variable => "variable",
            Self::Map => "map",
            Self::Builtin => "builtin",
            Self::Function => "function",
            Self::Keyword => "keyword",
            Self::Type => "type",
            Self::Constant => "constant",
        }
    }
}

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What replaces the span.
    pub text: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// A type, a signature or a usage; may be empty.
    pub detail: String,
}

/// What can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// The begun word, up to the cursor.
    pub span: Span,
    /// The likeliest first.
    pub items: Vec<Item>,
    /// How many more there are.
    pub more: usize,
}

/// What can stand at a cursor, a byte offset into the text.
pub fn complete(text: &str, cursor: u32, host: &dyn Host, environment: &Environment) -> Completions {
    let context = Context::new(text, cursor, &environment.parameters);
    let (span, place) = context.place();
    let word = context.source.slice(span);
    let mut found = Found { word, lower: word.to_lowercase(), items: Vec::new() };
    let is_value = matches!(place, Place::Value { .. } | Place::Statement | Place::Item);
    match place {
        Place::Nothing => {}
        Place::Part(before) => found.parts(&before, host),
        Place::Field => {
            for field in fields(context.points(), host) {
                let detail = field_type(&field);
                found.offer(field.name, Kind::Field, detail);
            }
        }
        Place::Member(dot) => {
            // Whatever is asked of it, it is a value: `print(@m` alone would print the whole map.
            let value = context.source.text()[..dot as usize].trim_end();
            let end = value.len() as u32;
            let asking = Source::new("cell", format!("{value}.member"));
            let program = parse_cell(&asking, &environment.parameters).program;
            for (name, ty) in members_at(&program, host, environment, end) {
                found.offer(name, Kind::Field, ty.to_string());
            }
        }
        Place::Variable => {
            found.variables(&context);
            for (index, value) in environment.parameters.positional.iter().enumerate() {
                found.offer(format!("${}", index + 1), Kind::Variable, value.clone());
            }
        }
        Place::Map => found.maps(text, context.cursor(), environment),
        Place::Type => TYPES.iter().for_each(|ty| found.offer(*ty, Kind::Type, "")),
        Place::Tag(keyword) => {
            let declared = Declared::new(&context.source, host, environment);
            declared.tags(&keyword).into_iter().for_each(|tag| found.offer(tag, Kind::Type, ""));
        }
        Place::Value { is_assigned_to_map } => {
            if is_assigned_to_map {
                found.aggregations();
            }
            found.values(&context, text, environment);
        }
        Place::Statement => {
            found.words(|_| true);
            found.values(&context, text, environment);
        }
        Place::Item => {
            providers::all().iter().for_each(|provider| found.provider(provider));
            found.words(|word| !matches!(word, "return" | "break" | "continue"));
            found.values(&context, text, environment);
        }
    }
    // Headers bring thousands of names: one must be begun.
    if is_value && !word.is_empty() {
        for (name, value) in Declared::new(&context.source, host, environment).values() {
            found.offer(name, Kind::Constant, value);
        }
    }
    let mut items = found.items;
    items.sort_by_key(|(rank, _)| *rank);
    let more = items.len().saturating_sub(MOST);
    let items = items.into_iter().take(MOST).map(|(_, item)| item).collect();
    Completions { span, items, more }
}

/// Collects what fits the begun word, each with its rank.
struct Found<'a> {
    word: &'a str,
    lower: String,
    items: Vec<(u8, Item)>,
}

impl Found<'_> {
    fn offer(&mut self, text: impl Into<String> + AsRef<str>, kind: Kind, detail: impl Into<String>) {
        if let Some(rank) = self.rank(text.as_ref())
            && !self.items.iter().rev().take(MOST).any(|(_, item)| item.text == text.as_ref())
        {
            self.items.push((rank, Item { text: text.into(), kind, detail: detail.into() }));
        }
    }

    fn provider(&mut self, provider: &Provider) {
        let is_bare = provider.name == provider.usage;
        let text = if is_bare { provider.name.to_string() } else { format!("{}:", provider.name) };
        self.offer(text, Kind::Probe, provider.usage);
    }

    /// A part of an attach point, behind those before it.
    fn parts(&mut self, before: &[String], host: &dyn Host) {
        let Some((provider, rest)) = before.split_first() else {
            return providers::all().iter().for_each(|provider| self.provider(provider));
        };
        let Some(provider) = providers::find(provider) else { return };
        match (provider.name, rest) {
            ("tracepoint", []) => self.categories(host),
            ("tracepoint", [category]) => {
                for name in host.tracepoints().unwrap_or_default() {
                    if let Some((_, event)) = name.split_once(':').filter(|(of, _)| matches(category, of)) {
                        self.offer(event, Kind::Probe, "");
                    }
                }
            }
            ("rawtracepoint", []) => {
                for name in host.raw_tracepoints().unwrap_or_default() {
                    self.offer(name, Kind::Probe, "");
                }
            }
            ("software", []) => {
                for (name, _, count) in SOFTWARE {
                    self.offer(*name, Kind::Probe, format!("by default every {count}"));
                }
            }
            ("interval" | "profile", []) => {
                for (unit, detail) in [
                    ("hz:", "times a second"),
                    ("s:", "every n seconds"),
                    ("ms:", "every n milliseconds"),
                    ("us:", "every n microseconds"),
                ] {
                    self.offer(unit, Kind::Probe, detail);
                }
            }
            ("kprobe" | "kretprobe" | "fentry" | "fexit", []) => {
                for function in host.kernel_functions().unwrap_or_default().iter() {
                    self.offer(function.name.as_str(), Kind::Probe, function.module.as_str());
                }
            }
            ("uprobe" | "uretprobe", []) => {
                if let Some(path) = host.resolve_binary(self.word) {
                    self.offer(format!("{}:", self.word), Kind::Probe, path);
                }
            }
            ("uprobe" | "uretprobe", [binary]) => {
                let path = host.resolve_binary(binary);
                let functions = path.and_then(|path| host.functions(&path).ok()).unwrap_or_default();
                for (name, _) in functions {
                    self.offer(name, Kind::Probe, "");
                }
            }
            _ => {}
        }
    }

    /// Categories of tracepoints, and tracepoints whose event is named like this.
    fn categories(&mut self, host: &dyn Host) {
        let names = host.tracepoints().unwrap_or_default();
        let mut last = "";
        for name in &names {
            let (category, _) = name.split_once(':').unwrap_or((name, ""));
            if category != last {
                self.offer(format!("{category}:"), Kind::Probe, "");
                last = category;
            }
        }
        if self.word.is_empty() {
            return;
        }
        for name in &names {
            let is_long = self.word.len() >= MIN_INSIDE;
            let fits = |event: &str| event.starts_with(self.word) || is_long && event.contains(self.word);
            if name.split_once(':').is_some_and(|(_, event)| fits(event)) {
                let item = Item { text: name.clone(), kind: Kind::Probe, detail: String::new() };
                self.items.push((WORST, item));
            }
        }
    }

    fn variables(&mut self, context: &Context) {
        for name in context.variables() {
            self.offer(name, Kind::Variable, "");
        }
    }

    fn maps(&mut self, text: &str, cursor: u32, environment: &Environment) {
        for name in maps(text, cursor, environment) {
            let known = environment.maps.get(&name);
            let detail = known.map(|known| map_signature(&name, &known.ty)).unwrap_or_default();
            self.offer(format!("@{name}"), Kind::Map, detail);
        }
    }

    fn words(&mut self, is_wanted: impl Fn(&str) -> bool) {
        for (word, form, ..) in WORDS.iter().filter(|(word, ..)| is_wanted(word)) {
            self.offer(*word, Kind::Keyword, *form);
        }
    }

    fn aggregations(&mut self) {
        for builtin in builtins::AGGREGATIONS {
            self.offer(builtin.name, Kind::Function, builtin.signature);
        }
    }

    /// All that stands for a value; sigils only if no word is begun.
    fn values(&mut self, context: &Context, text: &str, environment: &Environment) {
        if self.word.is_empty() {
            self.variables(context);
            self.maps(text, context.cursor(), environment);
        }
        for builtin in builtins::VARIABLES.iter().filter(|builtin| is_available(builtin, context)) {
            if builtin.name == "argN" {
                for number in 0..6 {
                    self.offer(format!("arg{number}"), Kind::Builtin, builtin.signature);
                }
            } else {
                self.offer(builtin.name, Kind::Builtin, builtin.signature);
            }
        }
        for builtin in builtins::FUNCTIONS.iter().chain(builtins::COMPTIME) {
            self.offer(builtin.name, Kind::Function, builtin.signature);
        }
        self.words(|word| VALUE_WORDS.contains(&word));
        self.aggregations();
    }

    /// How well a candidate fits the begun word, 0 best; `None` if it does not.
    fn rank(&self, candidate: &str) -> Option<u8> {
        if self.word.contains('*') {
            return matches(&format!("{}*", self.word), candidate).then_some(0);
        }
        if candidate.starts_with(self.word) {
            return Some(0);
        }
        let candidate = candidate.to_lowercase();
        let at = candidate.find(&self.lower)?;
        let is_at_segment = candidate[..at].ends_with(['_', '-', ':', '.']);
        match at {
            0 => Some(1),
            _ if is_at_segment => Some(2),
            _ => (self.word.len() >= MIN_INSIDE).then_some(WORST),
        }
    }
}

/// Whether a builtin means something in the probe at the cursor; bare statements are a `begin` probe.
fn is_available(builtin: &Builtin, context: &Context) -> bool {
    let Availability::Providers(names) = builtin.availability else { return true };
    let mut providers = context.points().iter().filter_map(|point| point.parts.first());
    providers.any(|word| providers::find(&word.text).is_none_or(|provider| names.contains(&provider.name)))
}

/// How many letters must be given to find a name by its middle.
const MIN_INSIDE: usize = 3;

/// The rank of what fits only in part.
const WORST: u8 = 3;
