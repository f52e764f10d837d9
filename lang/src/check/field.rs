//! `args.field` → where it lies in the context and what type it has.

use std::rc::Rc;

use super::Checker;
use super::cast::{convert, integer_type};
use super::quantity;
use crate::config::{self, VARIABLES};
use crate::diagnostic::{Code, Diagnostic};
use crate::host::{Field, FieldKind, TracepointFormat, Unavailable};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind};
use crate::types::structure::Keyword;
use crate::types::{Space, Type};

impl Checker<'_> {
    /// `config`: a record of all settings that bpftrace has in it.
    pub(super) fn configuration(&self, span: Span) -> Expr {
        let names = VARIABLES.iter().map(|(name, _)| *name).filter(|name| *name != "cache_user_symbols");
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for name in names {
            if let Some(value) = self.config.get(name) {
                let value = constant(value, span);
                fields.push((name.to_owned(), value.ty.clone()));
                values.push(value);
            }
        }
        Expr::new(ExprKind::Tuple(values), Type::Record(fields), span)
    }

    /// `config.name`: a constant.
    pub(super) fn setting(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        let names = || VARIABLES.iter().map(|(name, _)| *name);
        match self.config.get(&name.text) {
            Some(value) => Some(constant(value, span)),
            None => {
                let message = format!("there is no setting `{}`", name.text);
                let diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
                self.report(match super::suggest::nearest(&name.text, names()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic
                        .note(format!("the settings are {}", names().collect::<Vec<_>>().join(", "))),
                });
                None
            }
        }
    }

    /// `args.field`
    pub(super) fn args_field(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        if let AttachPoint::RawTracepoint { .. } = self.point() {
            return self.raw_argument(name, span);
        }
        let AttachPoint::Tracepoint { category, event } = self.point() else { return None };
        let format = match self.formats.get(&self.body) {
            Some(format) => Rc::clone(format),
            None => match self.host.tracepoint(category, event) {
                Ok(format) => {
                    let format = Rc::new(format.unwrap_or_default());
                    self.formats.insert(self.body, Rc::clone(&format));
                    format
                }
                Err(Unavailable(why)) => return self.error(Code::HostUnavailable, span, why),
            },
        };
        let Some(field) = format.fields.iter().find(|field| field.name == name.text) else {
            return self.unknown_field(name, &format);
        };
        let space = self.space();
        let offset = field.offset;
        let (kind, ty) = match field.kind {
            FieldKind::Integer => (ExprKind::Context { offset }, self.integer_of(field)),
            FieldKind::Pointer => {
                (ExprKind::Context { offset }, self.pointee(&field.c_type, space).pointer(space))
            }
            FieldKind::Text => {
                (ExprKind::ContextBytes { offset }, Type::String { capacity: field.size.max(1) })
            }
            FieldKind::Array { element } if matches!(element, 1 | 2 | 4 | 8) => {
                let of = Box::new(Type::int(element as u8, field.signed));
                (ExprKind::ContextBytes { offset }, Type::Array { of, len: field.size / element })
            }
            FieldKind::DynamicText => {
                (ExprKind::ContextDynamic { offset }, Type::String { capacity: self.config.max_strlen })
            }
            FieldKind::Array { .. } | FieldKind::DynamicArray { .. } => {
                let message = format!("a field of type `{}` cannot be read yet", field.c_type);
                return self.error(Code::Unsupported, name.span, message);
            }
        };
        let quantity = quantity::of_field(event, &name.text).filter(|_| field.kind == FieldKind::Integer);
        Some(Expr::new(kind, ty, span).measuring(quantity))
    }

    /// An argument of a raw tracepoint by its name.
    fn raw_argument(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        let arguments = self.raw_arguments(span)?;
        if let Some((_, argument)) = arguments.iter().find(|(other, _)| *other == name.text) {
            return Some(Expr { span, ..argument.clone() });
        }
        let message = format!("{} has no argument `{}`", self.point(), name.text);
        let mut diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
        let names: Vec<_> = arguments.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(near) = super::suggest::nearest(&name.text, names.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic.note(format!("its arguments are {}", names.join(", "))));
        None
    }

    /// The arguments of the raw tracepoint.
    fn raw_arguments(&mut self, span: Span) -> Option<Vec<(String, Expr)>> {
        let AttachPoint::RawTracepoint { event } = self.point() else { return None };
        let Some(arguments) = self.host.raw_tracepoint(event) else {
            let message = format!("the types of the arguments of {} are not known", self.point());
            let diagnostic =
                Diagnostic::error(Code::HostUnavailable, span, message).help("read them as arg0, arg1, …");
            self.report(diagnostic);
            return None;
        };
        let argument = |(n, (name, ty)): (usize, (String, Type))| {
            let value = Expr::new(ExprKind::Argument(n as u8), Type::U64, span);
            // One that does not fit into a word is passed as its address.
            let value = if ty.is_scalar() { convert(value, &ty) } else { value };
            (name, value)
        };
        Some(arguments.into_iter().enumerate().map(argument).collect())
    }

    /// All arguments of a raw tracepoint as a record.
    pub(super) fn whole_args(&mut self, span: Span) -> Option<Expr> {
        let (names, values): (Vec<_>, Vec<_>) = self.raw_arguments(span)?.into_iter().unzip();
        let types = values.iter().map(|value| value.ty.clone());
        let ty = Type::Record(names.into_iter().zip(types).collect());
        Some(Expr::new(ExprKind::Tuple(values), ty, span))
    }

    fn unknown_field(&mut self, name: &ast::Name, format: &TracepointFormat) -> Option<Expr> {
        let AttachPoint::Tracepoint { category, event } = self.point() else { return None };
        let message = format!("tracepoint {category}:{event} has no field `{}`", name.text);
        let mut diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
        let names = || format.fields.iter().map(|field| field.name.as_str());
        if let Some(near) = super::suggest::nearest(&name.text, names()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        if format.fields.is_empty() {
            diagnostic = diagnostic.note("it has no fields at all");
        } else {
            let names: Vec<_> = names().collect();
            diagnostic = diagnostic.note(format!("its fields are {}", names.join(", ")));
        }
        self.report(diagnostic);
        None
    }

    /// `str(pointer[, length])`
    pub(super) fn str(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let ([_] | [_, _]) = arguments else {
            return self.error(Code::WrongArguments, span, "`str` takes a pointer and perhaps a length");
        };
        let of = self.string_source(&arguments[0]);
        let limit = match arguments.get(1) {
            None => None,
            Some(length) => {
                let length = self.value(length)?;
                if super::infer::literal(&length).is_some_and(|n| n < 0) {
                    let message = "a length is not negative";
                    return self.error(Code::WrongArguments, length.span, message);
                }
                Some(self.integer(length)?)
            }
        };
        let of = of?;
        let constant = limit.as_ref().and_then(super::infer::literal);
        let capacity = match constant {
            Some(length) => u32::try_from(length).unwrap_or(u32::MAX).clamp(1, self.config.max_strlen),
            None => self.config.max_strlen,
        };
        let ty = Type::String { capacity };
        match of.ty {
            // A length counts the NUL of what is read from memory, but not that of a string.
            Type::String { capacity: now } => {
                let capacity = if constant.is_some() { capacity + 1 } else { capacity };
                Some(shorten(of, now, capacity, span))
            }
            Type::Pointer { .. } | Type::Int { .. } => {
                let space = self.space_of(&of);
                let limit = limit.filter(|_| constant.is_none()).map(Box::new);
                Some(Expr::new(ExprKind::ReadString { address: Box::new(of), space, limit }, ty, span))
            }
            _ => {
                let message = format!("`str` reads from a pointer, not from a value of type {}", of.ty);
                self.error(Code::WrongArguments, of.span, message)
            }
        }
    }

    /// What `str` reads from: `$1` is text even if it looks like a number.
    fn string_source(&mut self, source: &ast::Expr) -> Option<Expr> {
        if let Some(text) = self.parameter_text(source) {
            return Some(text);
        }
        self.value(source)
    }
}

/// A string, cut to a capacity.
fn shorten(of: Expr, now: u32, capacity: u32, span: Span) -> Expr {
    match of.kind {
        ExprKind::String(mut text) => {
            text.truncate(capacity as usize - 1);
            super::expr::string_literal(text, span)
        }
        _ if now <= capacity => Expr { span, ..of },
        _ => convert(Expr { span, ..of }, &Type::String { capacity }),
    }
}

impl Checker<'_> {
    /// What a C pointer type, as a format file writes it, points to; `void` where that is not known.
    fn pointee(&self, c_type: &str, space: Space) -> Type {
        let stars = c_type.matches('*').count();
        let is_name = |word: &&str| !matches!(*word, "const" | "volatile" | "__user" | "restrict");
        let base = c_type.replace('*', " ");
        let words: Vec<_> = base.split_whitespace().filter(is_name).collect();
        let mut ty = match words.as_slice() {
            ["struct", tag] => self.structures.structure(Keyword::Struct, tag).map(|found| found.ty()),
            ["union", tag] => self.structures.structure(Keyword::Union, tag).map(|found| found.ty()),
            words => integer_type(&words.join(" ")),
        }
        .unwrap_or(Type::Void);
        for _ in 1..stars {
            ty = ty.pointer(space);
        }
        ty
    }

    /// The type of an integer field: an enumeration's, if it is as wide as the field.
    fn integer_of(&self, field: &Field) -> Type {
        let enumeration = field.c_type.strip_prefix("enum ").and_then(|tag| self.structures.enumeration(tag));
        match (field.size, enumeration) {
            (size, Some(enumeration)) if size == u32::from(enumeration.width) => enumeration.ty(),
            (1, _) if field.c_type == "bool" => Type::Bool,
            (size @ (1 | 2 | 4 | 8), _) => Type::int(size as u8, field.signed),
            _ => Type::int(8, field.signed),
        }
    }
}

/// The value of a setting.
fn constant(value: config::Value, span: Span) -> Expr {
    match value {
        config::Value::Bool(value) => Expr::new(ExprKind::Bool(value), Type::Bool, span),
        config::Value::Int(value) => convert(super::expr::integer_literal(value.into(), span), &Type::U64),
        config::Value::Text(text) => super::expr::string_literal(text.into_bytes(), span),
    }
}
