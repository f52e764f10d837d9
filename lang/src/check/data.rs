//! calls that give bytes, and values whose text user space makes → [`Expr`].
//!
//! *Not here:* strings (`check::call`), what the text of a handle is (`probebook_ebpf::handles`).

use core::net::{IpAddr, Ipv6Addr};

use super::Checker;
use super::cast::convert;
use super::expr::{effect, integer_literal, string_literal};
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Ambient, Clock, RecordKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, StmtKind};
use crate::types::handle::Handle;
use crate::types::layout::Layout;
use crate::types::{BUFFER_HEADER, Type};

/// How many strings `join` prints, and the bytes of each.
const JOINED: (u32, u32) = (16, 1024);
/// Families of addresses, as Linux numbers them.
const IPV4: i128 = 2;
const IPV6: i128 = 10;

impl Checker<'_> {
    /// `buf(data[, length])`
    pub(super) fn buf(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (data, length) = match arguments {
            [data] => (self.value(data)?, None),
            [data, length] => {
                let data = self.value(data);
                let length = self.value(length);
                (data?, Some(length?))
            }
            _ => return self.wrong_arguments("buf", span),
        };
        if let Some(negative) = length.as_ref().filter(|length| literal(length).is_some_and(|n| n < 0)) {
            return self.error(Code::WrongArguments, negative.span, "a length is not negative");
        }
        let size = Layout::of(&data.ty).size;
        let length = match (length, &data.ty) {
            (Some(length), _) => length,
            (None, Type::Array { .. }) => integer_literal(i128::from(size), span),
            (None, ty) => {
                let message = format!("the length of a value of type {ty} is not known");
                self.report(
                    Diagnostic::error(Code::WrongArguments, span, message)
                        .help("say how many bytes: `buf(data, 16)`"),
                );
                return None;
            }
        };
        let most = self.config.max_strlen.saturating_sub(BUFFER_HEADER);
        // Of a literal all bytes count, also those behind a NUL.
        let data = match &arguments[0].kind {
            ast::ExprKind::String(text) if !text.is_empty() => {
                let ty = Type::Array { of: Box::new(Type::int(1, false)), len: text.len() as u32 };
                Expr::new(ExprKind::Bytes(text.clone()), ty, data.span)
            }
            _ => raw(data),
        };
        let capacity = literal(&length).map_or(most, |n| n.min(i128::from(most)) as u32);
        let length = Box::new(convert(self.integer(length)?, &Type::U64));
        let kind = match &data.ty {
            Type::String { .. } | Type::Array { .. } => ExprKind::Buffer { of: Box::new(data), length },
            Type::Int { .. } | Type::Pointer { .. } => {
                let space = self.space_of(&data);
                ExprKind::ReadBuffer { address: Box::new(data), space, length }
            }
            ty => {
                let message = format!("a buffer is made of memory, strings and arrays, not of type {ty}");
                return self.error(Code::WrongArguments, data.span, message);
            }
        };
        Some(Expr::new(kind, Type::Buffer { capacity }, span))
    }

    /// `macaddr(pointer)`
    pub(super) fn macaddr(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [argument] = arguments else { return self.wrong_arguments("macaddr", span) };
        let value = raw(self.value(argument)?);
        let six = Handle::Mac.inner();
        let bytes = match &value.ty {
            Type::Int { .. } | Type::Pointer { .. } => {
                let space = self.space_of(&value);
                Expr::new(ExprKind::Deref { address: Box::new(value), space }, six, span)
            }
            Type::Array { .. } if Layout::of(&value.ty).size >= 6 => {
                Expr::new(ExprKind::Reinterpret(Box::new(value)), six, span)
            }
            ty => {
                let message = format!("six bytes or a pointer to them are needed, not a value of type {ty}");
                return self.error(Code::WrongArguments, argument.span, message);
            }
        };
        Some(handle(Handle::Mac, bytes, span))
    }

    /// `ntop([family,] address)`
    pub(super) fn ntop(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (family, address) = match arguments {
            [address] => (None, address),
            [family, address] => (Some(self.value(family)?), address),
            _ => return self.wrong_arguments("ntop", span),
        };
        let value = raw(self.value(address)?);
        let size = Layout::of(&value.ty).size;
        let bytes = match &value.ty {
            Type::Int { .. } => Expr::new(
                ExprKind::Reinterpret(Box::new(convert(value, &Type::int(4, false)))),
                Type::Array { of: Box::new(Type::int(1, false)), len: 16 },
                span,
            ),
            Type::Array { .. } | Type::String { .. } if matches!(size, 4 | 16) => Expr::new(
                ExprKind::Reinterpret(Box::new(value)),
                Type::Array { of: Box::new(Type::int(1, false)), len: 16 },
                span,
            ),
            ty => {
                let message = format!("an address is a number, 4 bytes or 16 bytes, not of type {ty}");
                return self.error(Code::WrongArguments, address.span, message);
            }
        };
        let family = match family {
            Some(family) => self.integer(family)?,
            None => integer_literal(if size == 16 { IPV6 } else { IPV4 }, span),
        };
        let family = convert(family, &Type::U64);
        let ty = Handle::Inet.inner();
        Some(handle(Handle::Inet, Expr::new(ExprKind::Tuple(vec![family, bytes]), ty, span), span))
    }

    /// `pton(text)`: a constant.
    pub(super) fn pton(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [argument] = arguments else { return self.wrong_arguments("pton", span) };
        let text = self.literal_text(argument)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let bytes = match text.parse() {
            Ok(IpAddr::V4(address)) => address.octets().to_vec(),
            Ok(IpAddr::V6(address)) => Ipv6Addr::octets(&address).to_vec(),
            Err(_) => {
                let message = format!("`{text}` is not an address of the internet");
                self.report(
                    Diagnostic::error(Code::WrongArguments, argument.span, message)
                        .help("write it as `\"192.0.2.1\"` or `\"2001:db8::1\"`"),
                );
                return None;
            }
        };
        let ty = Type::Array { of: Box::new(Type::int(1, false)), len: bytes.len() as u32 };
        Some(Expr::new(ExprKind::Bytes(bytes), ty, span))
    }

    /// `strftime(format, nanoseconds)`
    pub(super) fn strftime(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [format, time] = arguments else { return self.wrong_arguments("strftime", span) };
        let format = Expr { span: format.span, ..string_literal(self.literal_text(format)?, span) };
        let time = self.value(time)?;
        if literal(&time).is_some_and(|ns| ns < 0) {
            return self.error(Code::WrongArguments, time.span, "a point in time is not negative");
        }
        let is_wall = match time.kind {
            ExprKind::Ambient(Ambient::Time(Clock::Tai)) => true,
            ExprKind::Ambient(Ambient::Time(Clock::Monotonic)) => {
                let message =
                    "the monotonic clock stands still while the machine sleeps, so it gives no date";
                self.report(Diagnostic::error(Code::WrongArguments, time.span, message).help("use `nsecs`"));
                return None;
            }
            _ => false,
        };
        let time = convert(self.integer(time)?, &Type::U64);
        let Type::String { capacity } = format.ty else { return None };
        let clock = convert(integer_literal(i128::from(is_wall), span), &Type::U64);
        let timestamp = Handle::Timestamp { format: capacity };
        let parts = Expr::new(ExprKind::Tuple(vec![time, clock, format]), timestamp.inner(), span);
        Some(handle(timestamp, parts, span))
    }

    /// `cgroup_path(id[, pattern])`
    pub(super) fn cgroup_path(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (id, filter) = match arguments {
            [id] => (id, Vec::new()),
            [id, filter] => (id, self.literal_text(filter)?),
            _ => return self.wrong_arguments("cgroup_path", span),
        };
        let id = self.value(id)?;
        let id = convert(self.integer(id)?, &Type::U64);
        let filter = string_literal(filter, span);
        let Type::String { capacity } = filter.ty else { return None };
        let path = Handle::CgroupPath { filter: capacity };
        let parts = Expr::new(ExprKind::Tuple(vec![id, filter]), path.inner(), span);
        Some(handle(path, parts, span))
    }

    /// `cgroupid(path)`: a constant.
    pub(super) fn cgroupid(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [argument] = arguments else { return self.wrong_arguments("cgroupid", span) };
        let path = self.literal_text(argument)?;
        match self.host.cgroup(&String::from_utf8_lossy(&path)) {
            Ok(id) => Some(convert(integer_literal(i128::from(id), span), &Type::U64)),
            Err(why) => {
                let diagnostic = Diagnostic::error(Code::HostUnavailable, argument.span, why.0)
                    .help("it is a directory below /sys/fs/cgroup");
                self.report(diagnostic);
                None
            }
        }
    }

    /// `join(array[, separator])`
    pub(super) fn join(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (array, separator) = match arguments {
            [array] => (array, b" ".to_vec()),
            [array, separator] => (array, self.literal_text(separator)?),
            _ => return self.wrong_arguments("join", span),
        };
        let address = self.value(array)?;
        if !matches!(address.ty, Type::Int { .. } | Type::Pointer { .. }) {
            let message = format!("a pointer to pointers is needed, not a value of type {}", address.ty);
            return self.error(Code::WrongArguments, array.span, message);
        }
        let space = self.space_of(&address);
        let (len, capacity) = JOINED;
        let ty = Type::Array { of: Box::new(Type::String { capacity }), len };
        let strings = Expr::new(ExprKind::ReadStrings { address: Box::new(address), space }, ty, span);
        let kind = StmtKind::Emit { kind: RecordKind::Join { separator }, fields: vec![strings] };
        Some(effect(kind, span))
    }

    /// The text of a string literal.
    pub(super) fn literal_text(&mut self, expr: &ast::Expr) -> Option<Vec<u8>> {
        match self.expr(expr)?.kind {
            ExprKind::String(text) => Some(text),
            _ => self.no_literal(expr),
        }
    }
}

/// A string in memory as its bytes, those behind a NUL included: Linux keeps addresses in arrays of `char`, too.
fn raw(expr: Expr) -> Expr {
    match (&expr.kind, &expr.ty) {
        (
            ExprKind::ContextBytes { .. } | ExprKind::Member { .. } | ExprKind::Deref { .. },
            Type::String { capacity },
        ) => {
            let ty = Type::Array { of: Box::new(Type::int(1, false)), len: *capacity };
            Expr { ty, ..expr }
        }
        _ => expr,
    }
}

/// A handle of what it consists of.
pub(super) fn handle(handle: Handle, parts: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Handle(Box::new(parts)), Type::Handle(handle), span)
}
