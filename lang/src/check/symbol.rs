//! registers and addresses of symbols → [`typed::Expr`](crate::typed::Expr).

use super::Checker;
use super::cast::convert;
use super::expr::integer_literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::{Symbol, Unavailable};
use crate::ir::{Ambient, Register};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp};
use crate::typed::{Expr, ExprKind};
use crate::types::{Space, Type};

/// The largest number of an error that a pointer can stand for (Linux's `MAX_ERRNO`).
const MOST_ERROR: i128 = 4095;

/// An address in memory of Linux, whatever the probe.
pub(super) fn in_linux(address: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::InSpace(Box::new(address), Space::Kernel), Type::U64, span)
}

impl Checker<'_> {
    /// The only argument, a string literal.
    pub(super) fn literal_name<'e>(
        &mut self,
        name: &str,
        arguments: &'e [ast::Expr],
        span: Span,
    ) -> Option<(&'e [u8], Span)> {
        match arguments {
            [ast::Expr { kind: ast::ExprKind::String(text), span }] => Some((text, *span)),
            [other] => {
                let message = format!("`{name}` takes a name as a string literal");
                self.error(Code::WrongArguments, other.span, message)
            }
            _ => self.wrong_arguments(name, span),
        }
    }

    /// `reg("name")`
    pub(super) fn cpu_register(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        self.available("reg", span)?;
        let (name, place) = self.literal_name("reg", arguments, span)?;
        let name = String::from_utf8_lossy(name);
        let Some(register) = Register::named(&name) else {
            let message = format!("x86-64 has no register `{name}`");
            self.report(
                Diagnostic::error(Code::WrongArguments, place, message)
                    .help(format!("the registers are {}", Register::NAMES.join(" "))),
            );
            return None;
        };
        Some(Expr::new(ExprKind::Register(register), Type::U64, span))
    }

    /// `kaddr("symbol")`
    pub(super) fn kernel_address(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (name, place) = self.literal_name("kaddr", arguments, span)?;
        let name = String::from_utf8_lossy(name);
        match self.host.kernel_symbol(&name) {
            Ok(Some(address)) => {
                let address = convert(integer_literal(i128::from(address), span), &Type::U64);
                Some(in_linux(address, span))
            }
            Ok(None) => {
                let message = format!("Linux has no symbol `{name}`");
                self.report(
                    Diagnostic::error(Code::UnknownName, place, message)
                        .help("all symbols are listed in /proc/kallsyms"),
                );
                None
            }
            Err(Unavailable(why)) => self.error(Code::HostUnavailable, place, why),
        }
    }

    /// `uaddr("symbol")`: where a symbol of the traced binary lies in the process.
    pub(super) fn user_address(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        self.available("uaddr", span)?;
        let (name, place) = self.literal_name("uaddr", arguments, span)?;
        let AttachPoint::Uprobe { path, function, .. } = self.point() else { return None };
        let name = String::from_utf8_lossy(name);
        let symbol = self.symbol(path, &name, place)?;
        let width = u8::try_from(symbol.size).ok().filter(|size| matches!(size, 1 | 2 | 4)).unwrap_or(8);
        let ty = Type::int(width, false).pointer(Space::User);
        if symbol.is_fixed {
            return Some(convert(integer_literal(i128::from(symbol.address), span), &ty));
        }
        // The binary lies anywhere, but its parts keep their distances: the function's address tells.
        let function = self.symbol(path, function, place)?;
        let distance =
            integer_literal(i128::from(symbol.address.wrapping_sub(function.address) as i64), span);
        let here = Expr::new(ExprKind::Ambient(Ambient::FunctionAddress), Type::U64, span);
        let distance = convert(distance, &Type::U64);
        let kind = ExprKind::Binary(BinaryOp::Add, Box::new(here), Box::new(distance));
        Some(convert(Expr::new(kind, Type::U64, span), &ty))
    }

    fn symbol(&mut self, path: &str, name: &str, span: Span) -> Option<Symbol> {
        match self.host.symbol(path, name) {
            Ok(Some(symbol)) => Some(symbol),
            Ok(None) => {
                let message = format!("{path} has no symbol `{name}`");
                self.error(Code::UnknownName, span, message)
            }
            Err(Unavailable(why)) => self.error(Code::HostUnavailable, span, why),
        }
    }

    /// `is_err(pointer)`: whether it stands for an error, as Linux's functions return them.
    pub(super) fn is_error(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [pointer] = arguments else { return self.wrong_arguments("is_err", span) };
        let pointer = self.value(pointer)?;
        let pointer = convert(self.integer(pointer)?, &Type::U64);
        let least = convert(integer_literal(-MOST_ERROR, span), &Type::U64);
        if let Some(value) = super::infer::literal(&pointer) {
            return Some(super::fold::boolean(value as u64 >= -MOST_ERROR as u64, span));
        }
        let kind = ExprKind::Binary(BinaryOp::Ge, Box::new(pointer), Box::new(least));
        Some(Expr::new(kind, Type::Bool, span))
    }
}
