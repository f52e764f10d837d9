//! printing calls → the records they send.

use super::Checker;
use super::expr::effect;
use super::format::conversions;
use super::infer::literal;
use super::map::Value;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::RecordKind;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, StmtKind};
use crate::types::Type;

/// How many values a printf can take.
const MAX_ARGUMENTS: usize = 128;

/// What `time()` prints by itself.
const TIME_FORMAT: &[u8] = b"%H:%M:%S\n";

impl Checker<'_> {
    /// `printf(format, …)`
    pub(super) fn printf(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let Some((format, values)) = arguments.split_first() else {
            return self.wrong_arguments("printf", span);
        };
        let ast::ExprKind::String(text) = &format.kind else {
            return self.no_format(format);
        };
        // Check all values first, so that what they do to types does not depend on the format.
        let checked: Vec<_> = values.iter().map(|value| self.value(value)).collect();
        let found = match conversions(text) {
            Ok(found) => found,
            Err(unknown) => {
                let message = format!("`{unknown}` is not a conversion that printf knows");
                self.report(
                    Diagnostic::error(Code::InvalidFormat, format.span, message)
                        .help("conversions are d i u x X o c p s, and %% for a percent sign"),
                );
                return None;
            }
        };
        if found.len() != values.len() {
            let (needed, given) = (found.len(), values.len());
            let message = format!("conversions in the format: {needed}, values given: {given}");
            let place = values.get(needed).map_or(format.span, |extra| extra.span);
            return self.error(Code::InvalidFormat, place, message);
        }
        if values.len() > MAX_ARGUMENTS {
            let message = format!("printf takes at most {MAX_ARGUMENTS} values");
            return self.error(Code::InvalidFormat, span, message);
        }
        let mut is_wrong = false;
        for (conversion, value) in found.iter().zip(checked.iter().flatten()) {
            let is_aggregate = matches!(value.kind, ExprKind::Aggregate { .. });
            if conversion.accepts(&value.ty) && !is_aggregate {
                continue;
            }
            is_wrong = true;
            let letter = &conversion.text;
            let diagnostic = if is_aggregate {
                Diagnostic::error(
                    Code::InvalidFormat,
                    value.span,
                    "printf cannot print an aggregation itself",
                )
                .help("cast it to print its current value: `(int64)@map`")
            } else {
                let message = format!("`{letter}` cannot print a value of type {}", value.ty);
                Diagnostic::error(Code::InvalidFormat, value.span, message).help("use `%s`")
            };
            self.report(diagnostic.at(format.span, format!("for this `{letter}`")));
        }
        let fields = checked.into_iter().collect::<Option<Vec<_>>>()?;
        if is_wrong {
            return None;
        }
        let kind = RecordKind::Printf { format: text.clone() };
        Some(effect(StmtKind::Emit { kind, fields }, span))
    }

    fn no_format(&mut self, format: &ast::Expr) -> Option<Expr> {
        if format.kind == ast::ExprKind::Error {
            return self.expr(format);
        }
        self.error(Code::InvalidFormat, format.span, "the format is a string literal")
    }

    /// `print(…)`: a whole map, or a value.
    pub(super) fn print(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let Some((first, rest)) = arguments.split_first() else {
            return self.wrong_arguments("print", span);
        };
        if rest.len() > 2 {
            return self.wrong_arguments("print", span);
        }
        if let ast::ExprKind::Map(name) = &first.kind {
            let map = self.whole_map(name, first.span)?;
            let numbers: Vec<_> = rest.iter().map(|number| self.constant(number)).collect();
            let numbers = numbers.into_iter().collect::<Option<Vec<u32>>>()?;
            let top = numbers.first().copied().unwrap_or(0);
            let divisor = numbers.get(1).copied().unwrap_or(0);
            let kind = RecordKind::PrintMap { map, top, divisor };
            return Some(effect(StmtKind::Emit { kind, fields: Vec::new() }, span));
        }
        if let Some(number) = rest.first() {
            let message = "only a whole map can be printed in part";
            return self.error(Code::WrongArguments, number.span, message);
        }
        let value = self.printable(first)?;
        Some(effect(StmtKind::Emit { kind: RecordKind::PrintValue, fields: vec![value] }, span))
    }

    /// A value that can be shown.
    fn printable(&mut self, expr: &ast::Expr) -> Option<Expr> {
        if let ast::ExprKind::MapElement { map, .. } = &expr.kind {
            let id = self.map_id(&map.text);
            if let Some(Value::Aggregation(value)) = &self.maps.state(id).value
                && !value.is_castable()
            {
                let message = format!("a single element of type {} cannot be printed", value.name());
                self.report(
                    Diagnostic::error(Code::WrongArguments, expr.span, message)
                        .help(format!("print the whole map: `print(@{})`", map.text)),
                );
                return None;
            }
        }
        let value = self.value(expr)?;
        if matches!(&value.ty, Type::Tuple(items) if items.is_empty()) {
            return self.error(Code::WrongArguments, expr.span, "an empty tuple cannot be printed");
        }
        Some(value)
    }

    /// A literal that is not negative.
    fn constant(&mut self, expr: &ast::Expr) -> Option<u32> {
        let value = self.value(expr)?;
        match literal(&value).and_then(|value| u32::try_from(value).ok()) {
            Some(value) => Some(value),
            None => {
                let message = "a constant that is not negative is needed here";
                self.error(Code::WrongArguments, expr.span, message)
            }
        }
    }

    /// `time([format])`
    pub(super) fn time(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let format = match arguments {
            [] => TIME_FORMAT.to_vec(),
            [ast::Expr { kind: ast::ExprKind::String(text), .. }] => text.clone(),
            [other] => return self.no_format(other),
            _ => return self.wrong_arguments("time", span),
        };
        Some(effect(StmtKind::Emit { kind: RecordKind::Time { format }, fields: Vec::new() }, span))
    }

    /// The value in last place of a cell: a map by itself, or a record.
    pub(super) fn result(&mut self, expr: &ast::Expr) -> Option<crate::typed::Stmt> {
        let span = expr.span;
        if let ast::ExprKind::Map(name) = &expr.kind {
            self.result_map = self.whole_map(name, span);
            return None;
        }
        if let ast::ExprKind::MapElement { .. } = &expr.kind {
            let value = self.printable(expr)?;
            let kind = StmtKind::Emit { kind: RecordKind::Result, fields: vec![value] };
            return Some(crate::typed::Stmt { kind, span });
        }
        let value = self.expr(expr)?;
        let kind = match &value.ty {
            Type::Void => StmtKind::Expr(value),
            Type::Tuple(items) if items.is_empty() => StmtKind::Expr(value),
            _ => StmtKind::Emit { kind: RecordKind::Result, fields: vec![value] },
        };
        Some(crate::typed::Stmt { kind, span })
    }
}
