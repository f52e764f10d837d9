//! text and cursor → [`Inspection`]: what the name there means.

use super::context::Context;
use super::declared::Declared;
use super::names::{WORDS, field_type, fields, map_signature};
use super::providers::{self, Provider};
use crate::builtins::{self, Availability};
use crate::check::attach::{SOFTWARE, matches};
use crate::check::check;
use crate::environment::{Environment, KnownMap};
use crate::host::Host;
use crate::source::{Source, Span};
use crate::syntax::ast::{AttachPoint, Probe};
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::{Parsed, parse_cell};

/// A wildcard's matches are listed up to this number.
const MOST_NAMES: usize = 20;

/// What a name means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The name.
    pub title: String,
    /// How it is written, or its type.
    pub signature: String,
    /// What it is, in Markdown.
    pub text: String,
    /// A program that uses it; may be empty.
    pub example: String,
}

impl Inspection {
    /// As text.
    pub fn plain(&self) -> String {
        let example = self.example.replace('\n', "\n    ");
        let example = if example.is_empty() { example } else { format!("\nExample:\n    {example}\n") };
        format!("{}\n\n{}\n{example}", self.signature, self.text.trim_end())
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let example = if self.example.is_empty() {
            String::new()
        } else {
            format!("\n```bpftrace\n{}\n```\n", self.example)
        };
        format!("```bpftrace\n{}\n```\n\n{}\n{example}", self.signature, self.text.trim_end())
    }
}

/// What the name at or just before a cursor means, a byte offset into the text; between the parentheses of
/// a call, what the function means.
pub fn inspect(text: &str, cursor: u32, host: &dyn Host, environment: &Environment) -> Option<Inspection> {
    let source = Source::new("cell", text);
    let parsed = parse_cell(&source, &environment.parameters);
    let inspector = Inspector { source, parsed, host, environment };
    inspector.token_at(cursor).and_then(|token| inspector.token(token)).or_else(|| {
        let context = Context::new(text, cursor, &environment.parameters);
        context.call().and_then(of_word)
    })
}

struct Inspector<'a> {
    source: Source,
    parsed: Parsed,
    host: &'a dyn Host,
    environment: &'a Environment,
}

impl Inspector<'_> {
    /// The name that the cursor is in, or else the one that it is behind.
    fn token_at(&self, cursor: u32) -> Option<Token> {
        use TokenKind::{Ident, Keyword, Map, Part, Variable};
        let is_name = |token: &&Token| matches!(token.kind, Ident | Keyword | Map | Part | Variable);
        let names = || self.parsed.tokens.iter().filter(is_name);
        let inside = names().find(|token| token.span.range().contains(&(cursor as usize)));
        inside.or_else(|| names().find(|token| token.span.end == cursor)).copied()
    }

    fn token(&self, token: Token) -> Option<Inspection> {
        let text = self.source.slice(token.span);
        match token.kind {
            TokenKind::Map => self.map(&text[1..]),
            TokenKind::Variable => self.variable(&text[1..], token.span),
            TokenKind::Part => self.part(token.span),
            _ if self.is_field_of_args(token) => self.field(text, token.span),
            _ => of_word(text).or_else(|| self.declared(token)),
        }
    }

    /// A name of C: a tag behind its keyword, or one that stands for a value.
    fn declared(&self, token: Token) -> Option<Inspection> {
        let name = self.source.slice(token.span);
        let before = self.parsed.tokens.iter().rev().filter(|t| t.span.end <= token.span.start);
        let keyword = before.filter(|t| !t.kind.is_trivia()).map(|t| self.source.slice(t.span)).next();
        let declared = Declared::new(&self.source, self.host, self.environment);
        let (signature, text) = match keyword {
            Some(keyword @ ("struct" | "union" | "enum")) => {
                (declared.layout(keyword, name)?, "A type of C.".to_owned())
            }
            _ => declared.value(name)?,
        };
        Some(Inspection { title: name.to_owned(), signature, text, example: String::new() })
    }

    fn is_field_of_args(&self, token: Token) -> bool {
        let before = self.parsed.tokens.iter().rev().filter(|t| t.span.end <= token.span.start);
        let mut before = before.filter(|t| !t.kind.is_trivia()).map(|t| self.source.slice(t.span));
        matches!(before.next(), Some("." | "->")) && before.next() == Some("args")
    }

    fn probe_at(&self, span: Span) -> Option<&Probe> {
        let is_around = |probe: &&Probe| probe.span.start <= span.start && span.end <= probe.span.end;
        self.parsed.program.probes.iter().find(is_around)
    }

    fn field(&self, name: &str, span: Span) -> Option<Inspection> {
        let probe = self.probe_at(span)?;
        let field = fields(&probe.points, self.host).into_iter().find(|field| field.name == name)?;
        let is_user = probe.points.iter().any(|p| p.parts.get(1).is_some_and(|part| part.text == "syscalls"));
        let mut text = format!("A field of the tracepoint, {} bytes.", field.size);
        if field.c_type.contains("char *") {
            let space = if is_user { "user" } else { "kernel" };
            text.push_str(&format!(
                " It points into {space} memory; `str(args.{name})` reads the text there."
            ));
        }
        let signature = format!("args.{name}: {}", field_type(&field));
        Some(Inspection { title: format!("args.{name}"), signature, text, example: String::new() })
    }

    fn map(&self, name: &str) -> Option<Inspection> {
        let title = format!("@{name}");
        if let Some(known) = self.environment.maps.get(name) {
            let signature = map_signature(name, &known.ty);
            return Some(Inspection { title, signature, text: describe_map(known), example: String::new() });
        }
        let (typed, _) = check(&self.parsed.program, self.host, self.environment);
        let map = typed.maps.iter().find(|map| map.name == name)?;
        let text = format!("A map of this cell with room for {} elements.", map.max_entries);
        Some(Inspection { title, signature: map_signature(name, &map.ty), text, example: String::new() })
    }

    fn variable(&self, name: &str, span: Span) -> Option<Inspection> {
        let (typed, _) = check(&self.parsed.program, self.host, self.environment);
        let is_around = |probe: Span| probe.start <= span.start && span.end <= probe.end;
        let probe = typed.probes.iter().find(|probe| is_around(probe.span))?;
        let variable = probe.variables.iter().find(|variable| variable.name == name)?;
        Some(Inspection {
            title: format!("${name}"),
            signature: format!("${name}: {}", variable.ty),
            text: "A scratch variable: it lives in its block, for one run of the probe.".to_string(),
            example: String::new(),
        })
    }

    /// A part of an attach point.
    fn part(&self, span: Span) -> Option<Inspection> {
        let points = self.parsed.program.probes.iter().flat_map(|probe| &probe.points);
        let is_around = |p: &&AttachPoint| p.span.start <= span.start && span.end <= p.span.end;
        let point = points.into_iter().find(is_around)?;
        let parts: Vec<_> = point.parts.iter().map(|part| part.text.as_str()).collect();
        let provider = providers::find(parts[0])?;
        if point.parts[0].span == span {
            return Some(of_provider(provider));
        }
        let signature = format!("{}:{}", provider.name, parts[1..].join(":"));
        let about = |text: String| Inspection {
            title: parts[1..].join(":"),
            signature: signature.clone(),
            text,
            example: provider.example.to_string(),
        };
        match (provider.name, &parts[1..]) {
            ("tracepoint", [category]) => self.events(category, "*").map(about),
            ("tracepoint", [category, event]) => {
                let fields = self.events_with_fields(category, event, point)?;
                Some(Inspection { example: String::new(), ..about(fields) })
            }
            ("software", [event, ..]) => {
                let (name, _, count) =
                    SOFTWARE.iter().find(|(name, alias, _)| name == event || alias == event)?;
                Some(about(format!("{} By default every {count} occurrences of `{name}`.", provider.doc)))
            }
            ("uprobe" | "uretprobe", [binary, rest @ ..]) => {
                let path = self.host.resolve_binary(binary)?;
                let functions = self.host.functions(&path).ok()?;
                let found = rest.first().map(|name| list(functions.iter().map(|(f, _)| f.as_str()), name));
                let found = found.unwrap_or_else(|| format!("It has {} functions.", functions.len()));
                Some(about(format!("In `{path}`. {found}")))
            }
            _ => Some(of_provider(provider)),
        }
    }

    /// The tracepoints that two patterns match, if any.
    fn events(&self, category: &str, event: &str) -> Option<String> {
        let names = self.host.tracepoints().ok()?;
        let pattern = format!("{category}:{event}");
        let found = list(names.iter().map(String::as_str), &pattern);
        names.iter().any(|name| matches(&pattern, name)).then_some(found)
    }

    fn events_with_fields(&self, category: &str, event: &str, point: &AttachPoint) -> Option<String> {
        let mut text = if category.contains('*') || event.contains('*') {
            self.events(category, event)? + "\n\n"
        } else {
            self.host.tracepoint(category, event).ok()??;
            String::new()
        };
        let fields = fields(std::slice::from_ref(point), self.host);
        if fields.is_empty() {
            return Some(text + "There are no fields.");
        }
        text.push_str("Fields:\n\n");
        for field in fields {
            text.push_str(&format!("* `args.{}`: `{}`\n", field.name, field_type(&field)));
        }
        Some(text)
    }
}

/// The names that a pattern matches, in a sentence.
fn list<'a>(names: impl Iterator<Item = &'a str>, pattern: &str) -> String {
    let found: Vec<_> = names.filter(|name| matches(pattern, name)).collect();
    let shown: Vec<_> = found.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    match found.len() {
        0 => format!("Nothing is called `{pattern}`."),
        n if n > MOST_NAMES => format!("{n} match: {}, ….", shown.join(", ")),
        n => format!("{n} {}: {}.", if n == 1 { "matches" } else { "match" }, shown.join(", ")),
    }
}

/// What a word of the language means.
fn of_word(word: &str) -> Option<Inspection> {
    if let Some(builtin) = builtins::find(word) {
        let place = match builtin.availability {
            Availability::Everywhere => String::new(),
            Availability::Providers(names) => format!(" In {} probes.", names.join(" and ")),
        };
        return Some(Inspection {
            title: word.to_string(),
            signature: builtin.signature.to_string(),
            text: format!("{}{place}", builtin.doc),
            example: builtin.example.to_string(),
        });
    }
    if let Some((word, form, doc, example)) = WORDS.iter().find(|(known, ..)| *known == word) {
        return Some(Inspection {
            title: word.to_string(),
            signature: form.to_string(),
            text: doc.to_string(),
            example: example.to_string(),
        });
    }
    providers::find(word).filter(|provider| provider.name.eq_ignore_ascii_case(word)).map(of_provider)
}

fn of_provider(provider: &Provider) -> Inspection {
    let short = provider.alias().map(|alias| format!(" Short: `{alias}`.")).unwrap_or_default();
    Inspection {
        title: provider.name.to_string(),
        signature: provider.usage.to_string(),
        text: format!("{}{short}", provider.doc),
        example: provider.example.to_string(),
    }
}

fn describe_map(known: &KnownMap) -> String {
    let kept = if known.ty.key.is_some() {
        format!("A map with room for {} elements", known.max_entries)
    } else {
        "A map of one value".to_string()
    };
    match known.users.as_slice() {
        [] => format!("{kept}."),
        [owner] => format!("{kept}, made by {owner}."),
        [owner, users @ ..] => format!("{kept}, made by {owner}, also used by {}.", users.join(", ")),
    }
}
