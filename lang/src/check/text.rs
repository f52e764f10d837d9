//! calls of functions on strings and bytes → [`typed::Expr`](crate::typed::Expr).
//!
//! A string is also what behaves like one: an array of characters, or a pointer to characters, which is read.
//! What is known of literals is computed here.
//!
//! *Not here:* reading strings from memory (`check::field`), operators on strings (`check::operator`).

use super::Checker;
use super::cast::convert;
use super::expr::{integer_literal, string_literal};
use super::fold::boolean;
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{NAME_SIZE, Names};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Intrinsic};
use crate::types::layout::Layout;
use crate::types::{Space, Type};

/// Capacity of what `str_concat` makes.
const CONCAT_CAPACITY: u32 = 1024;

impl Checker<'_> {
    /// A function on text, by its name.
    pub(super) fn text_function(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        match (name, arguments) {
            ("strlen", [text]) => self.length(text, span),
            ("strstr", [hay, needle]) => self.find_text(hay, needle, span),
            ("strcontains", [hay, needle]) => {
                let found = self.find_text(hay, needle, span)?;
                self.operate(ast::BinaryOp::Ge, found, integer_literal(0, span), span)
            }
            ("strncmp", [a, b, count]) => self.compare_strings(a, b, count, span),
            ("memcmp", [a, b, count]) => self.compare_bytes(a, b, count, span),
            ("str_concat", [a, b]) => {
                let (a, b) = (self.text(a), self.text(b));
                let ty = Type::String { capacity: CONCAT_CAPACITY };
                Some(Expr::new(ExprKind::Intrinsic(Intrinsic::Concat, vec![a?, b?]), ty, span))
            }
            ("strerror", [number]) => self.name_of(Names::Error, number, span),
            ("signal_name", [number]) => self.name_of(Names::Signal, number, span),
            ("syscall_name", [number]) => self.name_of(Names::SystemCall, number, span),
            ("bswap", [number]) => self.swap_bytes(number, span),
            _ => self.wrong_arguments(name, span),
        }
    }

    /// `strlen(text)`
    pub(super) fn length(&mut self, text: &ast::Expr, span: Span) -> Option<Expr> {
        let text = self.text(text)?;
        Some(match &text.kind {
            ExprKind::String(bytes) => convert(integer_literal(bytes.len() as i128, span), &Type::U64),
            _ => Expr::new(ExprKind::Intrinsic(Intrinsic::Length, vec![text]), Type::U64, span),
        })
    }

    /// A string, or what behaves like one.
    fn text(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let value = self.value(expr)?;
        let span = value.span;
        match &value.ty {
            Type::String { .. } => Some(value),
            Type::Array { of, len } if is_character(of) => {
                let ty = Type::String { capacity: len + 1 };
                Some(Expr::new(ExprKind::Cast(Box::new(value)), ty, span))
            }
            Type::Pointer { to, space } if is_character(to) => {
                let space = *space;
                Some(self.read_text(value, space, span))
            }
            other => {
                let message = format!("a string is needed here, but this is of type {other}");
                self.report(
                    Diagnostic::error(Code::TypeMismatch, span, message)
                        .help("a string is also an array of characters or a pointer to them, as `int8*`"),
                );
                None
            }
        }
    }

    /// A C string at an address.
    fn read_text(&self, address: Expr, space: Space, span: Span) -> Expr {
        let kind = ExprKind::ReadString { address: Box::new(address), space, limit: None };
        Expr::new(kind, Type::String { capacity: self.config.max_strlen }, span)
    }

    /// Where a string begins in another, an int32; -1 if it does not occur there.
    fn find_text(&mut self, hay: &ast::Expr, needle: &ast::Expr, span: Span) -> Option<Expr> {
        let (hay, needle) = (self.text(hay), self.text(needle));
        let (hay, needle) = (hay?, needle?);
        if let (ExprKind::String(hay), ExprKind::String(needle)) = (&hay.kind, &needle.kind) {
            let place = (0..=hay.len()).find(|&at| hay[at..].starts_with(needle));
            let place = place.map_or(-1, |at| at as i128);
            return Some(convert(integer_literal(place, span), &Type::int(4, true)));
        }
        let ty = Type::int(4, true);
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::Find, vec![hay, needle]), ty, span))
    }

    /// Whether two strings differ in their first bytes: 0 or 1.
    fn compare_strings(
        &mut self,
        a: &ast::Expr,
        b: &ast::Expr,
        count: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let (a, b, count) = (self.text(a), self.text(b), self.value(count));
        let (a, b, count) = (a?, b?, count?);
        let Some(count) = literal(&count).and_then(|count| u64::try_from(count).ok()) else {
            let message = "the number of bytes is a constant that is not negative";
            return self.error(Code::WrongArguments, count.span, message);
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let differ = match (&a.kind, &b.kind) {
            (ExprKind::String(a), ExprKind::String(b)) => {
                let cut = |text: &[u8]| text[..text.len().min(count as usize)].to_vec();
                boolean(cut(a) != cut(b), span)
            }
            _ => Expr::new(ExprKind::Intrinsic(Intrinsic::Differ { count }, vec![a, b]), Type::Bool, span),
        };
        Some(convert(differ, &Type::U64))
    }

    /// The difference of the first bytes that differ, an int32.
    fn compare_bytes(&mut self, a: &ast::Expr, b: &ast::Expr, count: &ast::Expr, span: Span) -> Option<Expr> {
        let (a, b, count) = (self.bytes(a), self.bytes(b), self.value(count));
        let (a, b, count) = (a?, b?, count?);
        if literal(&count).is_some_and(|count| count < 0) {
            return self.error(Code::WrongArguments, count.span, "a number of bytes is not negative");
        }
        let count = convert(self.integer(count)?, &Type::U64);
        let operands = vec![a, b, count];
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::CompareBytes, operands), Type::int(4, true), span))
    }

    /// A value whose bytes are looked at; a pointer to characters stands for these.
    fn bytes(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let value = self.value(expr)?;
        match &value.ty {
            Type::Pointer { to, space } if is_character(to) => {
                let (space, span) = (*space, value.span);
                Some(self.read_text(value, space, span))
            }
            ty if Layout::of(ty).size == 0 => {
                self.error(Code::WrongArguments, expr.span, "this value has no bytes to compare")
            }
            _ => Some(value),
        }
    }

    fn name_of(&mut self, names: Names, number: &ast::Expr, span: Span) -> Option<Expr> {
        let number = self.value(number)?;
        let number = convert(self.integer(number)?, &Type::int(4, true));
        let ty = Type::String { capacity: NAME_SIZE };
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::Name(names), vec![number]), ty, span))
    }

    /// The bytes of an integer in reverse order, unsigned, as wide as it is.
    fn swap_bytes(&mut self, number: &ast::Expr, span: Span) -> Option<Expr> {
        let number = self.value(number)?;
        let Type::Int { width, .. } = number.ty else {
            let message = format!("`bswap` turns round an integer, not a value of type {}", number.ty);
            return self.error(Code::TypeMismatch, number.span, message);
        };
        let ty = Type::int(width, false);
        if let Some(value) = literal(&number) {
            let swapped = (value as u64).swap_bytes() >> (64 - 8 * u32::from(width));
            return Some(convert(integer_literal(i128::from(swapped), span), &ty));
        }
        let number = convert(number, &ty);
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::SwapBytes, vec![number]), ty, span))
    }

    /// `str(string, length)`: a literal is cut to so many characters, any other string to one less, as if it were
    /// read from memory.
    pub(super) fn cut(&mut self, of: Expr, now: u32, limit: Option<Expr>, span: Span) -> Option<Expr> {
        let Some(limit) = limit else { return Some(Expr { span, ..of }) };
        let most = self.config.max_strlen;
        let constant = literal(&limit).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX).min(most));
        match (of.kind, constant) {
            (ExprKind::String(mut text), Some(limit)) => {
                text.truncate(limit as usize);
                Some(string_literal(text, span))
            }
            (kind, Some(limit)) if limit < now => {
                let kept = Type::String { capacity: limit.max(1) };
                let cut = convert(Expr { kind, ty: of.ty, quantity: None, span }, &kept);
                Some(convert(cut, &Type::String { capacity: (limit + 1).min(most) }))
            }
            (kind, Some(_)) => Some(Expr { kind, ty: of.ty, quantity: None, span }),
            (kind, None) => {
                let of = Expr { kind, ty: of.ty, quantity: None, span };
                let operands = vec![of, convert(limit, &Type::U64)];
                let ty = Type::String { capacity: now.max(1) };
                Some(Expr::new(ExprKind::Intrinsic(Intrinsic::Cut, operands), ty, span))
            }
        }
    }
}

fn is_character(ty: &Type) -> bool {
    matches!(ty, Type::Int { width: 1, .. })
}
