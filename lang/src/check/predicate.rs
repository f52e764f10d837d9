//! calls that are computed before the program runs → constants, or the refusal that was asked for.
//!
//! Arguments are only looked at: what they would do does not happen.

use super::Checker;
use super::expr::{effect, integer_literal};
use super::fold::{boolean, truth};
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::printf::{Piece, Style};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, StmtKind};
use crate::types::Type;

impl Checker<'_> {
    /// A call of one of [`crate::builtins::COMPTIME`].
    pub(super) fn computed(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let answer = |holds| Some(boolean(holds, span));
        match (name, arguments) {
            ("is_integer", [one]) => answer(matches!(self.type_of(one)?, Type::Int { .. })),
            ("is_unsigned_integer", [one]) => {
                answer(matches!(self.type_of(one)?, Type::Int { signed: false, .. }))
            }
            ("is_ptr", [one]) => answer(matches!(self.type_of(one)?, Type::Pointer { .. })),
            ("is_str", [one]) => answer(matches!(self.type_of(one)?, Type::String { .. })),
            ("is_array", [one]) => answer(matches!(self.type_of(one)?, Type::Array { .. })),
            ("is_literal", [one]) => {
                self.type_of(one)?;
                answer(is_written_constant(one))
            }
            ("assert_str", [one]) => {
                self.capacity(one)?;
                Some(effect(StmtKind::Block(Vec::new()), span))
            }
            // What a pointer points to has no capacity but its length.
            ("strcap", [one]) => match self.type_of(one)? {
                Type::Pointer { .. } => self.length(one, span),
                _ => self.capacity(one).map(|bytes| integer_literal(bytes, span)),
            },
            ("default_str_length", []) => Some(integer_literal(i128::from(self.config.max_strlen), span)),
            ("static_assert", [condition, message]) => self.static_assert(condition, message, span),
            ("fail", _) => self.fail(arguments, span),
            ("getopt", _) => self.getopt(arguments, span),
            ("kfunc_exist", [function]) => {
                let ast::ExprKind::String(function) = &function.kind else {
                    return self.error(Code::WrongArguments, function.span, "the name is a string literal");
                };
                let function = String::from_utf8_lossy(function);
                answer(self.host.has_kernel_function(&function))
            }
            _ => self.wrong_arguments(name, span),
        }
    }

    /// The type of a value, or the one that `typeof` names.
    fn type_of(&mut self, of: &ast::Expr) -> Option<Type> {
        match &of.kind {
            ast::ExprKind::TypeOf(ty) => self.written_type(ty),
            _ => self.expr(of).map(|value| value.ty),
        }
    }

    /// How many bytes the string has room for that a value is or points to.
    fn capacity(&mut self, of: &ast::Expr) -> Option<i128> {
        let is_char = |ty: &Type| matches!(ty, Type::Int { width: 1, signed: true });
        match self.type_of(of)? {
            Type::String { capacity } => Some(i128::from(capacity)),
            Type::Array { of, len } if is_char(&of) => Some(i128::from(len)),
            Type::Pointer { .. } => Some(i128::from(self.config.max_strlen)),
            other => {
                let message = format!("a string, or a pointer to one, is needed here, not {other}");
                self.error(Code::TypeMismatch, of.span, message)
            }
        }
    }

    fn static_assert(&mut self, condition: &ast::Expr, message: &ast::Expr, span: Span) -> Option<Expr> {
        let message = self.value(message);
        let holds = self.condition(condition)?;
        match truth(&self.known(holds, condition.span)?) {
            Some(false) => {
                let text = message.map(|text| constant_text(&text)).unwrap_or_default();
                let text = if text.is_empty() { "this assertion does not hold".to_owned() } else { text };
                self.report(
                    Diagnostic::error(Code::Refused, span, text).at(condition.span, "this does not hold"),
                );
                None
            }
            _ => Some(effect(StmtKind::Block(Vec::new()), span)),
        }
    }

    /// `fail(format, …)`: reached, so the program is refused.
    fn fail(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (format, values) = self.format("fail", arguments, span)?;
        let places = arguments.iter().skip(1).map(|argument| argument.span);
        let values: Vec<_> =
            values.into_iter().zip(places).map(|(value, at)| self.known(value, at)).collect();
        let mut values = values.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        let pieces = format.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Piece::Conversion(conversion) => {
                values.next().map(|value| converted(conversion.style, &value)).unwrap_or_default()
            }
        });
        let message = pieces.collect::<String>();
        self.error(Code::Refused, span, message)
    }
}

/// Whether an expression is made of literals.
fn is_written_constant(expr: &ast::Expr) -> bool {
    use ast::ExprKind::{
        Binary, Bool, Comptime, Int, Positional, PositionalCount, String, Ternary, Tuple, Unary,
    };
    match &expr.kind {
        Int(_) | String(_) | Bool(_) | Positional(_) | PositionalCount | Comptime(_) => true,
        Unary(_, inner) => is_written_constant(inner),
        Binary(_, a, b) => is_written_constant(a) && is_written_constant(b),
        Tuple(items) => items.iter().all(is_written_constant),
        Ternary { condition, then, otherwise } => {
            is_written_constant(condition)
                && then.iter().all(|then| is_written_constant(then))
                && is_written_constant(otherwise)
        }
        _ => false,
    }
}

/// A constant as `%s` shows it.
fn constant_text(value: &Expr) -> String {
    match &value.kind {
        ExprKind::String(text) => String::from_utf8_lossy(text).into_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Tuple(items) => {
            format!("({})", items.iter().map(constant_text).collect::<Vec<_>>().join(", "))
        }
        _ => literal(value).map(|value| value.to_string()).unwrap_or_default(),
    }
}

/// A constant as a conversion shows it; widths are of no use in a diagnostic.
fn converted(style: Style, value: &Expr) -> String {
    let number = match value.kind {
        ExprKind::Bool(value) => i128::from(value),
        _ => literal(value).unwrap_or_default(),
    };
    let bits = number as i64;
    match style {
        Style::Any => constant_text(value),
        Style::Hex => format!("{bits:x}"),
        Style::UpperHex => format!("{bits:X}"),
        Style::Octal => format!("{bits:o}"),
        Style::Pointer => format!("{bits:#x}"),
        Style::Character => char::from(bits as u8).to_string(),
        Style::Unsigned => (bits as u64).to_string(),
        _ => number.to_string(),
    }
}
