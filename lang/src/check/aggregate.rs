//! `@m[key] = hist(n)` and the like → [`StmtKind::Aggregate`].

use super::Checker;
use super::infer::literal;
use crate::config::Policy;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Aggregation, MapId};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Stmt, StmtKind};
use crate::types::{Gathered, MapValue};

/// The largest number of `bits` of `hist`.
const MAX_BITS: i128 = 5;
/// The largest number of buckets of `lhist`.
const MAX_BUCKETS: i64 = 1000;
/// Of a `tseries` by key, whose intervals lie in one value of at most 32 KiB.
const MAX_KEYED_INTERVALS: u32 = 1366;
/// The largest number of intervals of `tseries`.
const MAX_INTERVALS: i128 = 1_000_000;

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
            "tseries" => 3..=4,
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
            "tseries" => (Aggregation::Tseries, self.series(&parameters, signed, function.span)?),
            _ => (Aggregation::Lhist, self.bounds(&parameters, call)?),
        };
        let (map, key) = element?;
        if key.is_some() && matches!(ty, MapValue::Tseries { intervals: MAX_KEYED_INTERVALS.., .. }) {
            let message = format!("a time series with keys keeps less than {MAX_KEYED_INTERVALS} intervals");
            return self.error(Code::InvalidBuckets, call, message);
        }
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

    /// Interval, how many, and what an interval makes of several numbers.
    fn series(&mut self, parameters: &[Expr], signed: bool, function: Span) -> Option<MapValue> {
        let [interval, intervals, how @ ..] = parameters else { return None };
        self.unstable_series(function)?;
        let number =
            |value: &Expr, most: i128| literal(value).filter(|&number| number >= 1 && number <= most);
        let Some(length) = number(interval, i128::from(i64::MAX)) else {
            let message = "the interval of `tseries` is a constant of at least 1 nanosecond, as `100ms`";
            return self.error(Code::InvalidBuckets, interval.span, message);
        };
        let Some(count) = number(intervals, MAX_INTERVALS) else {
            let message = format!("`tseries` keeps 1 to {MAX_INTERVALS} intervals, a constant");
            return self.error(Code::InvalidBuckets, intervals.span, message);
        };
        let how = match how.first() {
            None => Gathered::Last,
            Some(Expr { kind: ExprKind::String(word), span, .. }) => match word.as_slice() {
                b"avg" => Gathered::Avg,
                b"sum" => Gathered::Sum,
                b"min" => Gathered::Min,
                b"max" => Gathered::Max,
                _ => {
                    let message = "an interval of `tseries` is made by \"avg\", \"sum\", \"min\" or \"max\"";
                    return self.error(Code::InvalidBuckets, *span, message);
                }
            },
            Some(other) => {
                return self.error(Code::InvalidBuckets, other.span, "this is a string literal, as \"avg\"");
            }
        };
        Some(MapValue::Tseries { interval: length as u64, intervals: count as u32, how, signed })
    }

    fn unstable_series(&mut self, function: Span) -> Option<()> {
        let help = "write `config = { unstable_tseries = enable }` to use it without this";
        match self.config.unstable_tseries {
            Policy::Enable => {}
            Policy::Warn if self.diagnostics.iter().any(|known| known.code == Code::Unstable) => {}
            Policy::Warn => {
                let diagnostic = Diagnostic::warning(Code::Unstable, function, "`tseries` may still change");
                self.report(diagnostic.help(help));
            }
            Policy::Error => {
                let diagnostic = Diagnostic::error(Code::Unstable, function, "`tseries` may still change");
                self.report(diagnostic.help(help));
                return None;
            }
        }
        Some(())
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
