//! parameters of a run → constants: `$1` and the like, and `getopt`.
//!
//! A program is compiled for one run, so that what it was given is known before it runs.

use std::sync::Arc;

use super::Checker;
use super::cast::convert;
use super::expr::{integer_literal, string_literal};
use super::fold::boolean;
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Named;
use crate::source::{Source, Span};
use crate::syntax::ast::{self, BinaryOp};
use crate::syntax::parameter;
use crate::typed::{Expr, ExprKind, ProgramOption};
use crate::types::Type;

impl Checker<'_> {
    /// `$n`: a number if it reads like one, else a string.
    pub(super) fn positional(&mut self, n: u32, span: Span) -> Option<Expr> {
        let text = self.positional_text(n);
        if text.is_empty() {
            let message = format!("there is no parameter {n}: `${n}` is 0");
            self.report(Diagnostic::warning(Code::MissingParameter, span, message));
            return Some(integer_literal(0, span));
        }
        Some(match parameter(text) {
            Some(value) => integer_literal(value, span),
            None => string_literal(text.as_bytes().to_vec(), span),
        })
    }

    /// What a parameter is as text, also if it reads like a number: `$n` and `$n + k`, which skips its first
    /// `k` bytes. `None` if the expression is something else.
    pub(super) fn parameter_text(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let text = match &expr.kind {
            ast::ExprKind::Positional(n) => self.positional_text(*n).as_bytes(),
            ast::ExprKind::Binary(BinaryOp::Add, a, b) => match (&a.kind, &b.kind) {
                (ast::ExprKind::Positional(n), ast::ExprKind::Int(skip)) => {
                    let skip = usize::try_from(*skip).unwrap_or(usize::MAX);
                    self.positional_text(*n).as_bytes().get(skip..).unwrap_or_default()
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(string_literal(text.to_vec(), expr.span))
    }

    /// A parameter, empty if there is none.
    fn positional_text(&self, n: u32) -> &'_ str {
        let given = &self.environment.parameters.positional;
        (n as usize).checked_sub(1).and_then(|n| given.get(n)).map_or("", String::as_str)
    }

    /// `getopt(name[, default[, description]])`
    pub(super) fn getopt(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (name, default, description) = match arguments {
            [name] => (name, None, None),
            [name, default] => (name, Some(default), None),
            [name, default, description] => (name, Some(default), Some(description)),
            _ => return self.wrong_arguments("getopt", span),
        };
        let place = name.span;
        let name = match self.value(name)?.kind {
            ExprKind::String(name) if !name.is_empty() => String::from_utf8_lossy(&name).into_owned(),
            _ => {
                let message = "the name of an option is a string literal that is not empty";
                return self.error(Code::InvalidOption, place, message);
            }
        };
        let description = match description.map(|text| (&text.kind, text.span)) {
            None => String::new(),
            Some((ast::ExprKind::String(text), _)) => String::from_utf8_lossy(text).into_owned(),
            Some((_, span)) => {
                return self.error(Code::InvalidOption, span, "a description is a string literal");
            }
        };
        let default = match default {
            None => boolean(false, span),
            Some(default) => {
                let value = self.value(default)?;
                let value = self.known(value, default.span)?;
                match value.ty {
                    Type::Int { .. } | Type::Bool | Type::String { .. } => value,
                    _ => {
                        let message = "a default is a number, a bool or a string";
                        return self.error(Code::InvalidOption, default.span, message);
                    }
                }
            }
        };
        self.declare_option(&name, &default, description, span)?;
        let given = self.environment.parameters.named.iter().rev().find(|named| named.name == name);
        match given.map(|named| option_value(&default, named.value.as_deref(), span)) {
            None => Some(option_default(default)),
            Some(Ok(value)) => Some(value),
            Some(Err(what)) => {
                let message = format!("`--{name}` takes {what}");
                let (place, of) = self.command_line(|named| named.name == name);
                let mut diagnostic = Diagnostic::error(Code::InvalidOption, place, message);
                diagnostic.of = Some(of);
                self.report(diagnostic);
                None
            }
        }
    }

    /// Notes an option. It has one default in the whole program.
    fn declare_option(&mut self, name: &str, default: &Expr, description: String, span: Span) -> Option<()> {
        let text = option_text(default);
        let option = self.options.entry(name.to_owned()).or_insert_with(|| ProgramOption {
            default: text.clone(),
            description: String::new(),
            span,
        });
        if option.description.is_empty() {
            option.description = description;
        }
        if option.default == text {
            return Some(());
        }
        let message = format!("the option `{name}` has another default elsewhere: {}", option.default);
        let other = option.span;
        self.report(Diagnostic::error(Code::InvalidOption, span, message).at(other, "here"));
        None
    }

    /// Complains about options that were given, but that the program does not have.
    pub(super) fn unexpected_options(&mut self) {
        let parameters = &self.environment.parameters;
        let is_unexpected = |named: &Named| !self.options.contains_key(&named.name);
        let Some(first) = parameters.named.iter().find(|named| is_unexpected(named)) else { return };
        if !parameters.is_strict {
            return;
        }
        let message = format!("the program has no option `--{}`", first.name);
        let (span, of) = self.command_line(is_unexpected);
        let mut diagnostic = Diagnostic::error(Code::UnexpectedOption, span, message);
        diagnostic.of = Some(of);
        let known: Vec<_> = self.options.keys().map(|name| format!("--{name}")).collect();
        let help = match known.is_empty() {
            true => "it has none: options are read with `getopt(\"name\", default)`".to_owned(),
            false => format!("its options are {}", known.join(" ")),
        };
        self.diagnostics.push(diagnostic.help(help));
    }

    /// The options as they were given, as a text, and the place of one in it.
    fn command_line(&self, is_meant: impl Fn(&Named) -> bool) -> (Span, Arc<Source>) {
        let mut line = String::new();
        let mut place = Span::default();
        for named in &self.environment.parameters.named {
            line.push_str(if line.is_empty() { "" } else { " " });
            let start = line.len() as u32;
            line.push_str(&named.to_string());
            if place == Span::default() && is_meant(named) {
                place = Span::new(start, line.len() as u32);
            }
        }
        (place, Arc::new(Source::new("options", line)))
    }
}

/// The value that was given, by the kind of the default; or what the option takes.
fn option_value(default: &Expr, given: Option<&str>, span: Span) -> Result<Expr, &'static str> {
    match (&default.ty, given) {
        (Type::Bool, None | Some("1" | "true" | "on" | "yes")) => Ok(boolean(true, span)),
        (Type::Bool, Some("0" | "false" | "off" | "no")) => Ok(boolean(false, span)),
        (Type::Bool, Some(_)) => Err("true or false"),
        (Type::Int { .. }, given) => {
            let value = given.and_then(parameter).ok_or("an integer")?;
            if value > i128::from(i64::MAX) {
                return Err("an integer of 64 bits");
            }
            Ok(convert(integer_literal(value, span), &Type::I64))
        }
        (_, Some(text)) => Ok(string_literal(text.as_bytes().to_vec(), span)),
        (_, None) => Err("a value, as `--name=value`"),
    }
}

fn option_default(default: Expr) -> Expr {
    match default.ty {
        Type::Int { .. } => convert(default, &Type::I64),
        _ => default,
    }
}

/// The default as a reader writes it.
fn option_text(default: &Expr) -> String {
    match &default.kind {
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::String(text) => format!("{:?}", String::from_utf8_lossy(text)),
        _ => literal(default).map(|value| value.to_string()).unwrap_or_default(),
    }
}
