//! `args.field` → where it lies in the context and what type it has.

use std::rc::Rc;

use super::Checker;
use super::cast::{convert, integer_type};
use super::quantity;
use crate::config::{self, VARIABLES};
use crate::diagnostic::{Code, Diagnostic};
use crate::host::{Field, FieldKind, FunctionType, TracepointFormat, Unavailable};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind};
use crate::types::layout::Layout;
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
        if let AttachPoint::RawTracepoint { .. } | AttachPoint::Fentry { .. } = self.point() {
            return self.typed_argument(name, span);
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

    /// An argument of a raw tracepoint or a kernel function by its name.
    fn typed_argument(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        let arguments = self.typed_arguments(span)?;
        if let Some((_, argument)) = arguments.iter().find(|(other, _)| *other == name.text) {
            return Some(Expr { span, ..argument.clone() });
        }
        let message = format!("{} has no argument `{}`", self.point(), name.text);
        let mut diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
        let names: Vec<_> = arguments.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(near) = super::suggest::nearest(&name.text, names.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(match names.as_slice() {
            [] => diagnostic.note("it has no arguments"),
            names => diagnostic.note(format!("its arguments are {}", names.join(", "))),
        });
        None
    }

    /// The arguments of the raw tracepoint or kernel function.
    fn typed_arguments(&mut self, span: Span) -> Option<Vec<(String, Expr)>> {
        let arguments = match self.point() {
            AttachPoint::Fentry { .. } => self.function_type(span)?.arguments,
            AttachPoint::RawTracepoint { event } => match self.host.raw_tracepoint(event) {
                Some(arguments) => arguments,
                None => {
                    let message = format!("the types of the arguments of {} are not known", self.point());
                    self.report(
                        Diagnostic::error(Code::HostUnavailable, span, message)
                            .help("read them as arg0, arg1, …"),
                    );
                    return None;
                }
            },
            _ => return None,
        };
        let is_function = matches!(self.point(), AttachPoint::Fentry { .. });
        let mut slot = 0;
        let mut argument = |(name, ty): (String, Type)| {
            let value = Expr::new(ExprKind::Argument(slot), Type::U64, span);
            slot += if is_function { slots(&ty) } else { 1 };
            // One that does not fit into a word is passed as its address, or in several words.
            let value = if ty.is_scalar() { convert(value, &ty) } else { value };
            (name, value)
        };
        Some(arguments.into_iter().map(&mut argument).collect())
    }

    fn function_type(&mut self, span: Span) -> Option<FunctionType> {
        let AttachPoint::Fentry { function, .. } = self.point() else { return None };
        let found = self.host.kernel_function_type(function);
        if found.is_none() {
            let message = format!("the type of {} is not known", self.point());
            self.report(Diagnostic::error(Code::HostUnavailable, span, message).help("use a kprobe"));
        }
        found
    }

    /// What the kernel function of a fexit probe has returned.
    pub(super) fn typed_result(&mut self, span: Span) -> Option<Expr> {
        let FunctionType { arguments, result } = self.function_type(span)?;
        if result == Type::Void {
            let message = format!("{} returns nothing", self.point());
            return self.error(Code::NotAvailable, span, message);
        }
        let slot = arguments.iter().map(|(_, ty)| slots(ty)).sum();
        let value = Expr::new(ExprKind::Argument(slot), Type::U64, span);
        Some(if result.is_scalar() { convert(value, &result) } else { value })
    }

    /// All arguments of a raw tracepoint or a kernel function as a record.
    pub(super) fn whole_args(&mut self, span: Span) -> Option<Expr> {
        let (names, values): (Vec<_>, Vec<_>) = self.typed_arguments(span)?.into_iter().unzip();
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
        let space = match of.ty {
            Type::String { capacity } => return self.cut(of, capacity, limit, span),
            Type::Array { of: ref element, len } if matches!(**element, Type::Int { width: 1, .. }) => {
                let capacity = (len + 1).min(self.config.max_strlen);
                return self.cut(convert(of, &Type::String { capacity }), capacity, limit, span);
            }
            Type::Pointer { .. } | Type::Int { .. } => self.space_of(&of),
            _ => {
                let message = format!("`str` reads from a pointer, not from a value of type {}", of.ty);
                return self.error(Code::WrongArguments, of.span, message);
            }
        };
        // A length counts the NUL, and the type has room for one more.
        let most = self.config.max_strlen;
        let constant = limit.as_ref().and_then(super::infer::literal);
        let capacity = constant
            .and_then(|length| u32::try_from(length).ok())
            .map_or(most, |length| length.saturating_add(1).min(most));
        let limit = limit.filter(|_| constant.is_none_or(|length| length < i128::from(most)));
        let kind = ExprKind::ReadString { address: Box::new(of), space, limit: limit.map(Box::new) };
        Some(Expr::new(kind, Type::String { capacity }, span))
    }

    /// What `str` reads from: `$1` is text even if it looks like a number.
    fn string_source(&mut self, source: &ast::Expr) -> Option<Expr> {
        if let Some(text) = self.parameter_text(source) {
            return Some(text);
        }
        let value = self.value(source)?;
        // A number as a literal is no address either.
        Some(match super::infer::literal(&value) {
            Some(number) => super::expr::string_literal(number.to_string().into_bytes(), source.span),
            None => value,
        })
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

/// The words of a kernel function's context that an argument takes.
fn slots(ty: &Type) -> u8 {
    Layout::of(ty).size.div_ceil(8).max(1) as u8
}

/// The value of a setting.
fn constant(value: config::Value, span: Span) -> Expr {
    match value {
        config::Value::Bool(value) => Expr::new(ExprKind::Bool(value), Type::Bool, span),
        config::Value::Int(value) => convert(super::expr::integer_literal(value.into(), span), &Type::U64),
        config::Value::Text(text) => super::expr::string_literal(text.into_bytes(), span),
    }
}
