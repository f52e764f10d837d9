//! `@m[key] = hist(n)` and the like → [`StmtKind::Aggregate`].

use super::Checker;
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Aggregation, MapId};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Stmt, StmtKind};
use crate::types::MapValue;

/// The largest number of `bits` of `hist`.
const MAX_BITS: i128 = 5;
/// The largest number of buckets of `lhist`.
const MAX_BUCKETS: i64 = 1000;

impl Checker<'_> {
    /// `@m[key] = function(arguments)`
    pub(super) fn aggregate(
        &mut self,
        element: Option<(MapId, Option<Expr>)>,
        target: Span,
        function: &ast::Name,
        arguments: &[ast::Expr],
        call: Span,
        span: Span,
    ) -> Option<Stmt> {
        let checked: Vec<_> = arguments.iter().map(|argument| self.value(argument)).collect();
        let mut arguments = checked.into_iter().collect::<Option<Vec<_>>>()?;
        let name = function.text.as_str();
        let expected = match name {
            "count" => 0..=0,
            "hist" => 1..=2,
            "lhist" => 4..=4,
            _ => 1..=1,
        };
        if !expected.contains(&arguments.len()) {
            return self.wrong_arguments(name, call);
        }
        let parameters = arguments.split_off(arguments.len().min(1));
        let number = match arguments.pop() {
            Some(Expr { kind: ExprKind::Aggregate { .. }, span, .. }) => {
                let message = format!("`{name}()` takes a number, not an aggregation");
                let diagnostic = Diagnostic::error(Code::WrongArguments, span, message);
                self.report(diagnostic.help("cast it to take its current value: `(int64)@map`"));
                return None;
            }
            Some(number) => Some(self.integer(number)?),
            None => None,
        };
        let signed = number.as_ref().is_some_and(|number| number.ty.is_signed());
        let (aggregation, ty) = match name {
            "count" => (Aggregation::Count, MapValue::Count),
            "sum" => (Aggregation::Sum, MapValue::Sum { signed }),
            "min" => (Aggregation::Min, MapValue::Min { signed }),
            "max" => (Aggregation::Max, MapValue::Max { signed }),
            "avg" => (Aggregation::Avg, MapValue::Avg { signed }),
            "stats" => (Aggregation::Stats, MapValue::Stats { signed }),
            "hist" => (Aggregation::Hist, MapValue::Hist { bits: self.bits(parameters.first())? }),
            _ => (Aggregation::Lhist, self.bounds(&parameters, call)?),
        };
        let (map, key) = element?;
        let quantity = number.as_ref().and_then(|number| number.quantity);
        self.aggregate_into(map, target.to(call), ty, quantity)?;
        let kind = StmtKind::Aggregate { map, key, aggregation, value: number };
        Some(Stmt { kind, span })
    }

    fn bits(&mut self, bits: Option<&Expr>) -> Option<u8> {
        let Some(bits) = bits else { return Some(0) };
        match literal(bits) {
            Some(n @ 0..=MAX_BITS) => Some(n as u8),
            _ => {
                let message = format!("the `bits` of `hist` are a constant from 0 to {MAX_BITS}");
                self.error(Code::InvalidBuckets, bits.span, message)
            }
        }
    }

    fn bounds(&mut self, parameters: &[Expr], call: Span) -> Option<MapValue> {
        let mut numbers = [0i64; 3];
        for (number, parameter) in numbers.iter_mut().zip(parameters) {
            match literal(parameter).and_then(|value| i64::try_from(value).ok()).filter(|value| *value >= 0) {
                Some(value) => *number = value,
                None => {
                    let message = "bounds and step of `lhist` are constants that are not negative";
                    return self.error(Code::InvalidBuckets, parameter.span, message);
                }
            }
        }
        let [min, max, step] = numbers;
        let span = |n: usize| parameters.get(n).map_or(call, |parameter| parameter.span);
        if step == 0 {
            return self.error(Code::InvalidBuckets, span(2), "the step of `lhist` is at least 1");
        }
        if min >= max {
            return self.error(
                Code::InvalidBuckets,
                span(0).to(span(1)),
                "the lower bound is not below the upper",
            );
        }
        let buckets = (max - min) / step;
        if buckets > MAX_BUCKETS {
            let message = format!("this makes {buckets} buckets, more than {MAX_BUCKETS}");
            return self.error(Code::InvalidBuckets, span(0).to(span(2)), message);
        }
        Some(MapValue::Lhist { min, max, step })
    }
}
