//! values from one type to another: implicit ones ([`convert`]), written ones, and names of types.

use super::Checker;
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, TypeKind, TypeName};
use crate::typed::{Expr, ExprKind};
use crate::types::Type;
use crate::types::handle::Handle;
use crate::types::layout::Layout;
use crate::types::structure::Keyword;

/// The value in a type that can hold it (or an integer of another width).
pub fn convert(expr: Expr, ty: &Type) -> Expr {
    if expr.ty == *ty {
        return expr;
    }
    let Expr { span, quantity, .. } = expr;
    let kind = match (expr.kind, ty) {
        (ExprKind::Int(bits), Type::Int { width, signed } | Type::Enum { width, signed, .. }) => {
            ExprKind::Int(truncate(bits, *width, *signed))
        }
        (ExprKind::Bool(value), Type::Int { .. }) => ExprKind::Int(i64::from(value)),
        (ExprKind::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            ExprKind::Tuple(items.into_iter().zip(types).map(|(item, ty)| convert(item, ty)).collect())
        }
        // In another order the fields are exchanged once all of them are there.
        (ExprKind::Tuple(items), Type::Record(fields)) if has_order(&expr.ty, fields) => {
            ExprKind::Tuple(items.into_iter().zip(fields).map(|(item, (_, ty))| convert(item, ty)).collect())
        }
        (kind, _) => ExprKind::Cast(Box::new(Expr { kind, ty: expr.ty, quantity, span })),
    };
    Expr { kind, ty: ty.clone(), quantity, span }
}

/// Whether a record has these fields in this order.
fn has_order(record: &Type, fields: &[(String, Type)]) -> bool {
    let Type::Record(own) = record else { return false };
    own.len() == fields.len() && own.iter().zip(fields).all(|((a, _), (b, _))| a == b)
}

/// The low bytes of a number, extended again.
pub fn truncate(bits: i64, width: u8, signed: bool) -> i64 {
    let shift = 64 - u32::from(width) * 8;
    if signed { bits << shift >> shift } else { ((bits as u64) << shift >> shift) as i64 }
}

/// The integer type of that name, C's included (on 64-bit Linux).
pub fn integer_type(name: &str) -> Option<Type> {
    let (width, signed) = match name {
        "int8" | "int8_t" | "s8" | "__s8" | "char" | "signed char" => (1, true),
        "uint8" | "uint8_t" | "u8" | "__u8" | "unsigned char" => (1, false),
        "int16" | "int16_t" | "s16" | "__s16" | "short" => (2, true),
        "uint16" | "uint16_t" | "u16" | "__u16" | "umode_t" | "unsigned short" => (2, false),
        "int32" | "int32_t" | "s32" | "__s32" | "int" | "pid_t" => (4, true),
        "uint32" | "uint32_t" | "u32" | "__u32" | "uid_t" | "gid_t" | "dev_t" | "unsigned int"
        | "unsigned" => (4, false),
        "int64" | "int64_t" | "s64" | "__s64" | "long" | "long long" | "ssize_t" | "loff_t" | "off_t" => {
            (8, true)
        }
        "uint64" | "uint64_t" | "u64" | "__u64" | "size_t" | "uintptr_t" | "sector_t" | "unsigned long"
        | "unsigned long long" => (8, false),
        _ => return None,
    };
    Some(Type::int(width, signed))
}

const TYPE_NAMES: &[&str] =
    &["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "string", "void"];

/// Types that only values of maps have.
const AGGREGATIONS: &[&str] =
    &["count_t", "sum_t", "min_t", "max_t", "avg_t", "stats_t", "hist_t", "lhist_t", "tseries_t"];

impl Checker<'_> {
    /// The type that is written.
    pub(super) fn written_type(&mut self, ty: &TypeName) -> Option<Type> {
        match &ty.kind {
            TypeKind::Named(name) if name == "void" => {
                self.error(Code::UnknownType, ty.span, "`void` is only a type behind a pointer")
            }
            TypeKind::Named(name) if name == "bool" => Some(Type::Bool),
            TypeKind::Named(name) if name == "string" => {
                self.report(
                    Diagnostic::error(Code::UnknownType, ty.span, "this string has no capacity")
                        .help("write `string[64]`"),
                );
                None
            }
            TypeKind::Named(name) if let Some(handle) = Handle::named(name) => Some(Type::Handle(handle)),
            TypeKind::Named(name) if AGGREGATIONS.contains(&name.as_str()) => {
                let message = format!("only a map can hold a value of type {name}");
                self.error(Code::InvalidTarget, ty.span, message)
            }
            TypeKind::Named(name) => integer_type(name)
                .or_else(|| self.structures.typedef(name))
                .or_else(|| self.unknown_type(name, ty.span)),
            TypeKind::Tagged(keyword, tag) => self.tagged_type(keyword, tag, ty.span),
            TypeKind::Pointer(to) => {
                let to = match &to.kind {
                    TypeKind::Named(name) if name == "void" => Type::Void,
                    _ => self.written_type(to)?,
                };
                Some(Type::Pointer { to: Box::new(to), space: self.space() })
            }
            TypeKind::Array(of, len) => {
                let Some(len) = len.filter(|&len| len > 0 && len <= 1 << 16) else {
                    return self.error(Code::UnknownType, ty.span, "this type needs a length above 0");
                };
                if matches!(&of.kind, TypeKind::Named(name) if name == "string") {
                    return Some(Type::String { capacity: len as u32 });
                }
                match &of.kind {
                    TypeKind::Named(name) if name == "inet" => return Some(Type::Handle(Handle::Inet)),
                    TypeKind::Named(name)
                        if name == "buffer" && len > u64::from(crate::types::BUFFER_HEADER) =>
                    {
                        return Some(Type::Buffer { capacity: len as u32 - crate::types::BUFFER_HEADER });
                    }
                    _ => {}
                }
                let of = self.written_type(of)?;
                Some(Type::Array { of: Box::new(of), len: len as u32 })
            }
            TypeKind::TypeOf(expr) => self.expr(expr).map(|expr| expr.ty),
        }
    }

    /// The type that is written where an expression could stand as well: the name of a constant has a type.
    pub(super) fn type_or_constant(&mut self, ty: &TypeName) -> Option<Type> {
        if let TypeKind::Named(name) = &ty.kind
            && let Some((enumeration, _)) = self.structures.enum_constant(name)
        {
            return Some(enumeration.ty());
        }
        self.written_type(ty)
    }

    /// `struct tag`, `union tag`, `enum tag`
    fn tagged_type(&mut self, keyword: &str, tag: &str, span: Span) -> Option<Type> {
        let found = match keyword {
            "struct" => self.structures.structure(Keyword::Struct, tag).map(|found| found.ty()),
            "union" => self.structures.structure(Keyword::Union, tag).map(|found| found.ty()),
            _ => self.structures.enumeration(tag).map(|found| found.ty()),
        };
        if found.is_none() {
            let message = format!("there is no `{keyword} {tag}`");
            let mut diagnostic = Diagnostic::error(Code::UnknownType, span, message);
            if let Some(reason) = self.structures.declared().left_out.get(tag) {
                diagnostic =
                    diagnostic.note(format!("a header declares it in a way that is not read: {reason}"));
            } else if self.is_reporting && keyword != "enum" {
                let names = self.structures.tags();
                if let Some(near) = super::suggest::nearest(tag, names.iter().map(String::as_str)) {
                    diagnostic = diagnostic.help(format!("did you mean `{keyword} {near}`?"));
                }
            }
            self.report(diagnostic);
        }
        found
    }

    fn unknown_type(&mut self, name: &str, span: Span) -> Option<Type> {
        let message = format!("there is no type `{name}`");
        let mut diagnostic = Diagnostic::error(Code::UnknownType, span, message);
        if let Some(near) = super::suggest::nearest(name, TYPE_NAMES.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
        None
    }

    /// `(type)expr`
    pub(super) fn cast(&mut self, ty: &TypeName, operand: &ast::Expr, span: Span) -> Option<Expr> {
        if let TypeKind::Array(of, None) = &ty.kind {
            let of = self.written_type(of);
            let value = self.value(operand);
            let (of, value) = (of?, value?);
            let (size, each) = (Layout::of(&value.ty).size, Layout::of(&of).size.max(1));
            let to = Type::Array { of: Box::new(of), len: size / each };
            return self.cast_to(to, value, ty.span, span);
        }
        let to = self.written_type(ty);
        let value = self.value(operand);
        self.cast_to(to?, value?, ty.span, span)
    }

    fn cast_to(&mut self, to: Type, value: Expr, ty_span: Span, span: Span) -> Option<Expr> {
        let size = |ty: &Type| Layout::of(ty).size;
        let is_flat =
            |ty: &Type| matches!(ty, Type::Array { of, .. } if matches!(**of, Type::Int { .. } | Type::Bool));
        let is_allowed = match (&value.ty, &to) {
            (from, to) if from.is_scalar() && to.is_scalar() => true,
            (Type::String { capacity: from }, Type::String { capacity: to }) => from <= to,
            (Type::String { capacity }, Type::Array { of, len }) => size(of) == 1 && len == capacity,
            (Type::Int { .. }, Type::Array { .. }) if literal(&value).is_some() => {
                is_flat(&to) && matches!(size(&to), 1 | 2 | 4 | 8)
            }
            (Type::Int { .. }, Type::Array { .. }) => is_flat(&to) && size(&to) == size(&value.ty),
            (Type::Array { .. }, Type::Int { .. }) => is_flat(&value.ty) && size(&to) == size(&value.ty),
            (from, to) => from == to,
        };
        if !is_allowed {
            let message = format!("a value of type {} cannot be cast to {to}", value.ty);
            return self.error(Code::InvalidCast, span, message);
        }
        if value.ty == to && to != Type::Bool && !matches!(value.kind, ExprKind::Aggregate { .. }) {
            let message = format!("this is of type {to} already");
            self.report(Diagnostic::warning(Code::UnnecessaryCast, ty_span, message));
        }
        self.variant(&to, &value)?;
        let to = match (&value.ty, to) {
            // It leads where the address led before.
            (_, Type::Pointer { to, .. }) => Type::Pointer { to, space: self.space_of(&value) },
            (_, to) => to,
        };
        let quantity = value.quantity;
        let value = match (&value.ty, &to) {
            (Type::Int { signed, .. }, Type::Array { .. }) => {
                let whole = Type::int(size(&to) as u8, *signed);
                convert(value, &whole)
            }
            _ => value,
        };
        Some(Expr::new(ExprKind::Cast(Box::new(value)), to, span).measuring(quantity))
    }

    /// Reports a literal that is no constant of the enumeration it is cast to.
    fn variant(&mut self, to: &Type, value: &Expr) -> Option<()> {
        let (Type::Enum { name, .. }, Some(number)) = (to, literal(value)) else { return Some(()) };
        let enumeration = self.structures.enumeration(name)?;
        if enumeration.variants.iter().any(|(_, other)| i128::from(*other) == number) {
            return Some(());
        }
        let message = format!("`{to}` has no constant of the value {number}");
        self.error(Code::InvalidCast, value.span, message)
    }

    /// A scalar as an integer of 64 bits.
    pub(super) fn integer(&mut self, expr: Expr) -> Option<Expr> {
        match &expr.ty {
            Type::Int { signed, .. } => {
                let signed = *signed;
                Some(convert(expr, &Type::int(8, signed)))
            }
            Type::Enum { .. } => self.integer(super::operator::plain(expr)),
            Type::Bool => Some(convert(expr, &Type::I64)),
            Type::Pointer { .. } => Some(convert(expr, &Type::U64)),
            other => {
                let message = format!("a number is needed here, but this is of type {other}");
                self.error(Code::TypeMismatch, expr.span, message)
            }
        }
    }

    /// Warns that an uint64 becomes an int64.
    pub(super) fn warn_sign(&mut self, value: &Expr) {
        let message = "an uint64 becomes an int64 here: from 2^63 on it turns negative";
        self.report(
            Diagnostic::warning(Code::SignChange, value.span, message)
                .help("cast with `(int64)` if that is meant"),
        );
    }
}
