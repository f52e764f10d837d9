//! calls of `printf` and its like → the records they send.
//!
//! *Not here:* the grammar of formats (`crate::printf`), printing without a format (`check::output`).

use super::Checker;
use super::expr::effect;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Action, RecordKind};
use crate::printf::{Conversion, Format, Piece, Style};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, StmtKind};
use crate::types::Type;

/// How many values a format can take.
const MAX_ARGUMENTS: usize = 128;
/// How many the kernel takes.
const MAX_TRACED: usize = 3;

impl Checker<'_> {
    /// `printf(format, …)`, or another function that makes a text in user space.
    pub(super) fn formatted(
        &mut self,
        name: &str,
        action: Action,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Expr> {
        let (format, fields) = self.format(name, arguments, span)?;
        let kind = RecordKind::Formatted { action, format };
        Some(effect(StmtKind::Emit { kind, fields }, span))
    }

    /// `debugf(format, …)`: the kernel makes the text, and knows fewer conversions.
    pub(super) fn debugf(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (parsed, values) = self.format("debugf", arguments, span)?;
        let place = arguments.first().map_or(span, |format| format.span);
        if let Some(extra) = values.get(MAX_TRACED) {
            let message = format!("debugf prints at most {MAX_TRACED} values");
            return self.error(Code::InvalidFormat, extra.span, message);
        }
        let mut format = Vec::new();
        for piece in &parsed.pieces {
            match piece {
                Piece::Text(text) => format.extend(text.iter().flat_map(|&byte| match byte {
                    b'%' => vec![b'%'; 2],
                    byte => vec![byte],
                })),
                Piece::Conversion(conversion) => {
                    let Some(text) = traced(conversion) else {
                        let message = format!("`{}` is not a conversion that debugf knows", conversion.text);
                        self.report(
                            Diagnostic::error(Code::InvalidFormat, place, message)
                                .help("conversions are d i u x X p s, with the length l"),
                        );
                        return None;
                    };
                    format.extend(text.bytes());
                }
            }
        }
        for (conversion, value) in parsed.conversions().zip(&values) {
            if (conversion.style == Style::Any) != matches!(value.ty, Type::String { .. }) {
                let (text, ty) = (&conversion.text, &value.ty);
                let message = format!("debugf cannot print a value of type {ty} as `{text}`");
                return self.error(Code::InvalidFormat, value.span, message);
            }
        }
        self.report(
            Diagnostic::warning(
                Code::DebugOutput,
                span,
                "debugf writes to a buffer that all of Linux shares",
            )
            .help("read it in `/sys/kernel/tracing/trace_pipe`; use printf for output of the program"),
        );
        Some(effect(StmtKind::Trace { format, values }, span))
    }

    /// A format and the values that fit it.
    pub(super) fn format(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<(Format, Vec<Expr>)> {
        let Some((format, values)) = arguments.split_first() else {
            return self.wrong_arguments(name, span);
        };
        let ast::ExprKind::String(text) = &format.kind else {
            return self.no_literal(format);
        };
        // Check all values first, so that what they do to types does not depend on the format.
        let checked: Vec<_> = values.iter().map(|value| self.value(value)).collect();
        let parsed = Format::parse(text);
        let conversions: Vec<&Conversion> = parsed.conversions().collect();
        if let Some(unknown) = conversions.iter().find(|conversion| conversion.style == Style::Refused) {
            let message = format!("`{}` is not a conversion that {name} knows", unknown.text);
            self.report(
                Diagnostic::error(Code::InvalidFormat, format.span, message)
                    .help("conversions are d i u x X o c p s r rx rh gr, and %% for a percent sign"),
            );
            return None;
        }
        if conversions.len() != values.len() {
            return self.wrong_count(&conversions, format, values);
        }
        if values.len() > MAX_ARGUMENTS {
            let message = format!("{name} takes at most {MAX_ARGUMENTS} values");
            return self.error(Code::InvalidFormat, span, message);
        }
        let mut is_wrong = false;
        for (conversion, value) in conversions.iter().zip(checked.iter().flatten()) {
            if let Some(diagnostic) = misfit(name, conversion, value) {
                self.report(diagnostic.at(format.span, format!("for this `{}`", conversion.text)));
                is_wrong = true;
            }
        }
        let fields = checked.into_iter().collect::<Option<Vec<_>>>()?;
        (!is_wrong).then_some((parsed, fields))
    }

    fn wrong_count<T>(
        &mut self,
        conversions: &[&Conversion],
        format: &ast::Expr,
        values: &[ast::Expr],
    ) -> Option<T> {
        let (needed, given) = (conversions.len(), values.len());
        let message = format!("conversions in the format: {needed}, values given: {given}");
        let diagnostic = match (conversions.get(given), values.get(needed)) {
            (Some(first), _) => Diagnostic::error(Code::InvalidFormat, format.span, message)
                .label(format!("no value for this `{}`", first.text)),
            (None, extra) => {
                let place = extra.map_or(format.span, |extra| extra.span);
                Diagnostic::error(Code::InvalidFormat, place, message).label("nothing prints this")
            }
        };
        self.report(diagnostic);
        None
    }

    /// Something that must be a string literal and is not.
    pub(super) fn no_literal<T>(&mut self, expr: &ast::Expr) -> Option<T> {
        if expr.kind == ast::ExprKind::Error {
            self.expr(expr);
            return None;
        }
        self.error(Code::InvalidFormat, expr.span, "this must be a string literal")
    }
}

/// A conversion as the kernel writes it, if it has it.
fn traced(conversion: &Conversion) -> Option<String> {
    let is_known = matches!(
        conversion.style,
        Style::Signed | Style::Unsigned | Style::Hex | Style::UpperHex | Style::Pointer | Style::Any
    );
    if !is_known || conversion.bytes < 4 || conversion.text.contains(['.', '*', 'o']) {
        return None;
    }
    let length = if conversion.bytes == 8 { "ll" } else { "" };
    let (letter, head) =
        (conversion.text.chars().last()?, conversion.text.trim_end_matches(char::is_alphabetic));
    Some(format!("{head}{length}{letter}"))
}

/// Why a value cannot be printed as a conversion asks for.
fn misfit(name: &str, conversion: &Conversion, value: &Expr) -> Option<Diagnostic> {
    if matches!(value.kind, ExprKind::Aggregate { .. }) {
        let message = format!("{name} cannot print an aggregation itself");
        return Some(
            Diagnostic::error(Code::InvalidFormat, value.span, message)
                .help("cast it to print its current value: `(int64)@map`"),
        );
    }
    if conversion.accepts(&value.ty) {
        return None;
    }
    let message = format!("`{}` cannot print a value of type {}", conversion.text, value.ty);
    let help = match conversion.style {
        Style::Bytes | Style::EscapedBytes | Style::HexBytes => "it prints what `buf()` gives; else use `%s`",
        _ => "use `%s`",
    };
    Some(Diagnostic::error(Code::InvalidFormat, value.span, message).help(help))
}
