//! printing calls → the records they send.

use super::Checker;
use super::expr::effect;
use super::infer::literal;
use super::map::Value;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::RecordKind;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, StmtKind};
use crate::types::{MapValue, Type};

/// What `time()` prints by itself.
const TIME_FORMAT: &[u8] = b"%H:%M:%S\n";

impl Checker<'_> {
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
        if let ast::ExprKind::MapElement { map, key } = &expr.kind {
            let id = self.map_id(&map.text);
            if let Some(Value::Aggregation(MapValue::Stats { signed })) = self.maps.state(id).value {
                let (map, Some(key)) = self.element(&map.text, map.span, Some(key))? else { return None };
                let of = |name: &str, signed| (name.to_owned(), Type::int(8, signed));
                let ty = Type::Record(vec![of("count", false), of("average", signed), of("total", signed)]);
                return Some(Expr::new(ExprKind::Stats { map, key: Box::new(key) }, ty, expr.span));
            }
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
            [other] => return self.no_literal(other),
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
