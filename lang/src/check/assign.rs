//! assignments, declarations, steps and aggregations → [`Stmt`], growing the types of what is assigned.

use super::Checker;
use super::cast::convert;
use super::expr::integer_literal;
use super::infer::{Shape, fits, literal, loses_sign};
use super::map::Value;
use super::operator::pointee_size;
use super::scope::Local;
use crate::builtins::{self, Kind};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Aggregation, MapId};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, TypeName};
use crate::typed::{Expr, ExprKind, Quantity, Stmt, StmtKind, VariableId};
use crate::types::{MapValue, Type};

/// The largest number of `bits` of `hist`.
const MAX_BITS: i128 = 5;
/// The largest number of buckets of `lhist`.
const MAX_BUCKETS: i64 = 1000;

impl Checker<'_> {
    /// `target = value` and `target op= value`
    pub(super) fn assignment(
        &mut self,
        target: &ast::Expr,
        op: Option<BinaryOp>,
        value: &ast::Expr,
        span: Span,
    ) -> Option<Stmt> {
        match &target.kind {
            ast::ExprKind::Variable(name) => self.assign_variable(name, target.span, op, value, span),
            ast::ExprKind::Map(name) => self.assign_map(name, target.span, None, op, value, span),
            ast::ExprKind::MapElement { map, key } => {
                self.assign_map(&map.text, map.span, Some(key), op, value, span)
            }
            ast::ExprKind::Error => {
                self.is_broken = true;
                None
            }
            _ => {
                let message = "only a variable or a map can be assigned to";
                self.error(Code::InvalidTarget, target.span, message)
            }
        }
    }

    /// `let $x : type = value;`
    pub(super) fn declaration(
        &mut self,
        name: &ast::Name,
        ty: Option<&TypeName>,
        value: Option<&ast::Expr>,
        span: Span,
    ) -> Option<Stmt> {
        let declared = match ty {
            Some(ty) => self.written_type(ty),
            None => None,
        };
        let checked = value.map(|value| self.value(value));
        self.no_shadow(name);
        let id = self.scope.declare(Local {
            name: name.text.clone(),
            span: name.span,
            declared,
            is_assigned: value.is_some(),
            is_read: false,
            is_implicit: false,
        });
        if ty.is_some() && self.scope.local(id).declared.is_none() {
            return None;
        }
        let value = match checked {
            Some(value) => Some(self.fit(id, value?)?),
            None => None,
        };
        Some(Stmt { kind: StmtKind::Set { variable: id, value }, span })
    }

    pub(super) fn no_shadow(&mut self, name: &ast::Name) {
        if let Some(other) = self.scope.find(&name.text) {
            let other = self.scope.local(other).span;
            let message = format!("`${}` exists already: a variable cannot hide another", name.text);
            self.report(Diagnostic::error(Code::Shadowing, name.span, message).at(other, "this one"));
        }
    }

    fn assign_variable(
        &mut self,
        name: &str,
        target: Span,
        op: Option<BinaryOp>,
        value: &ast::Expr,
        span: Span,
    ) -> Option<Stmt> {
        let checked = self.value(value);
        let id = match (self.scope.find(name), op) {
            (Some(id), _) => id,
            (None, Some(_)) => return self.undefined_variable(name, target),
            (None, None) => self.scope.declare(Local {
                name: name.to_string(),
                span: target,
                declared: None,
                is_assigned: false,
                is_read: false,
                is_implicit: false,
            }),
        };
        if op.is_none() {
            self.scope.local_mut(id).is_assigned = true;
        }
        let mut value = checked?;
        if let Some(op) = op {
            if self.variable_type(id).is_none() {
                self.grow_variable(id, Shape::of_expr(&value));
            }
            if !self.scope.local(id).is_assigned {
                self.warn_unassigned(id, target);
            }
            self.scope.local_mut(id).is_assigned = true;
            let old = Expr::new(ExprKind::Variable(id), self.variable_type(id)?, target)
                .measuring(self.variable_quantity(id));
            value = self.operate(op, old, value, span)?;
        }
        let value = self.fit(id, value)?;
        Some(Stmt { kind: StmtKind::Set { variable: id, value: Some(value) }, span })
    }

    fn warn_unassigned(&mut self, id: VariableId, span: Span) {
        let message = format!("`${}` is used before anything is assigned to it", self.scope.local(id).name);
        self.report(Diagnostic::warning(Code::UnassignedVariable, span, message).label("zero or empty here"));
    }

    /// A value in the type of a variable, which grows as needed.
    fn fit(&mut self, id: VariableId, value: Expr) -> Option<Expr> {
        if let Some(quantity) = value.quantity {
            self.quantities.entry((self.body, self.scope.local(id).span)).or_insert(quantity);
        }
        if let Some(declared) = self.scope.local(id).declared.clone() {
            return self.fit_declared(id, &declared, value);
        }
        let Some(ty) = self.grow_variable(id, Shape::of_expr(&value)) else {
            let local = self.scope.local(id);
            let now = self.variable_type(id)?;
            let message = format!("`${}` is of type {now}, but this is of type {}", local.name, value.ty);
            let diagnostic = Diagnostic::error(Code::TypeMismatch, value.span, message)
                .at(local.span, "the variable is first assigned here");
            self.report(diagnostic);
            return None;
        };
        if loses_sign(&value.ty, &ty) {
            self.warn_sign(&value);
        }
        Some(convert(value, &ty))
    }

    fn fit_declared(&mut self, id: VariableId, declared: &Type, value: Expr) -> Option<Expr> {
        if let (Type::Int { width, signed }, Some(number)) = (declared, literal(&value)) {
            if fits(number, *width, *signed) {
                return Some(convert(value, declared));
            }
            let message = format!("{number} does not fit in {declared}");
            return self.error(Code::TypeMismatch, value.span, message);
        }
        let is_fitting = match (declared, &value.ty) {
            (Type::Int { .. }, Type::Int { .. }) => true,
            (Type::String { capacity }, Type::String { capacity: needed }) => needed <= capacity,
            (Type::Pointer { .. }, Type::Pointer { .. } | Type::Int { .. }) => true,
            _ => Shape::of(declared)
                .join(&Shape::of_expr(&value))
                .is_some_and(|joined| joined.ty() == *declared),
        };
        if !is_fitting {
            let local = self.scope.local(id);
            let message =
                format!("`${}` is declared as {declared}, but this is of type {}", local.name, value.ty);
            let diagnostic =
                Diagnostic::error(Code::TypeMismatch, value.span, message).at(local.span, "declared here");
            self.report(diagnostic);
            return None;
        }
        if let (Type::Int { width, .. }, Type::Int { width: needed, .. }) = (declared, &value.ty)
            && width < needed
        {
            let message = format!("only the low {} bits of this value are kept", width * 8);
            self.report(Diagnostic::warning(Code::SignChange, value.span, message));
        }
        Some(convert(value, declared))
    }

    /// Joins a shape into a variable's: the type now, or `None` if they do not go together.
    pub(super) fn grow_variable(&mut self, id: VariableId, shape: Shape) -> Option<Type> {
        let key = (self.body, self.scope.local(id).span);
        let now = self.shapes.get(&key);
        let joined = match now {
            Some(now) => now.join(&shape)?,
            None => shape,
        };
        let ty = joined.ty();
        if now != Some(&joined) {
            self.shapes.insert(key, joined);
            self.changed = true;
        }
        Some(ty)
    }

    /// The type of a variable, as far as it is known.
    pub(super) fn variable_type(&self, id: VariableId) -> Option<Type> {
        let local = self.scope.local(id);
        local.declared.clone().or_else(|| self.shapes.get(&(self.body, local.span)).map(Shape::ty))
    }

    pub(super) fn variable_quantity(&self, id: VariableId) -> Option<Quantity> {
        self.quantities.get(&(self.body, self.scope.local(id).span)).copied()
    }

    /// Gives every variable that nothing is known of an integer type.
    pub(super) fn default_variables(&mut self) {
        for (body, span) in std::mem::take(&mut self.untyped) {
            self.shapes.entry((body, span)).or_insert(Shape::Of(Type::I64));
        }
    }

    /// Warns of variables that are never read or never assigned.
    pub(super) fn warn_variables(&mut self) {
        for id in 0..self.scope.locals().len() {
            let id = VariableId(id as u32);
            let local = self.scope.local(id).clone();
            if self.variable_type(id).is_none() {
                self.untyped.insert((self.body, local.span));
            }
            let what = match (local.is_assigned, local.is_read) {
                _ if local.is_implicit => continue,
                (false, false) => "never used",
                (false, true) => "never assigned",
                (true, false) => "never read",
                (true, true) => continue,
            };
            let message = format!("`${}` is {what}", local.name);
            self.report(Diagnostic::warning(Code::UnusedVariable, local.span, message));
        }
    }

    /// `++` and `--`
    pub(super) fn step(
        &mut self,
        target: &ast::Expr,
        increment: bool,
        postfix: bool,
        span: Span,
    ) -> Option<Expr> {
        let one = integer_literal(1, target.span);
        match &target.kind {
            ast::ExprKind::Variable(name) => {
                let Some(id) = self.scope.find(name) else {
                    return self.undefined_variable(name, target.span);
                };
                if !self.scope.local(id).is_assigned {
                    self.warn_unassigned(id, target.span);
                }
                let local = self.scope.local_mut(id);
                (local.is_assigned, local.is_read) = (true, true);
                if self.variable_type(id).is_none() {
                    self.grow_variable(id, Shape::of_expr(&one));
                }
                let now = self.variable_type(id)?;
                let by = self.step_width(&now, target.span)?;
                let is_declared = self.scope.local(id).declared.is_some();
                if !is_declared && let Type::Int { signed, .. } = now {
                    self.grow_variable(id, Shape::Of(Type::int(8, signed || !increment)));
                }
                let ty = self.variable_type(id)?;
                let by = if increment { by } else { -by };
                Some(Expr::new(ExprKind::Step { variable: id, by, postfix }, ty, span))
            }
            ast::ExprKind::Map(name) => self.step_map(name, target.span, None, increment, postfix, span),
            ast::ExprKind::MapElement { map, key } => {
                self.step_map(&map.text, map.span, Some(key), increment, postfix, span)
            }
            ast::ExprKind::Error => {
                self.is_broken = true;
                None
            }
            _ => {
                let message = "only a variable or a map can be counted up and down";
                self.error(Code::InvalidTarget, target.span, message)
            }
        }
    }

    fn step_map(
        &mut self,
        name: &str,
        target: Span,
        key: Option<&[ast::Expr]>,
        increment: bool,
        postfix: bool,
        span: Span,
    ) -> Option<Expr> {
        let (map, key) = self.element_to_assign(name, target, key)?;
        self.ordinary(map, target)?;
        let start = match &self.maps.state(map).value {
            Some(Value::Plain(shape)) => Expr::new(ExprKind::Old, shape.ty().stored(), target),
            _ => integer_literal(1, target),
        };
        let by = self.step_width(&start.ty, target)?;
        let start = match start.ty {
            Type::Int { signed: false, .. } if !increment => Expr { ty: Type::I64, ..start },
            _ => start,
        };
        let ty = self.store(map, target, start)?.ty;
        let by = if increment { by } else { -by };
        Some(Expr::new(ExprKind::MapStep { map, key: key.map(Box::new), by, postfix }, ty, span))
    }

    fn step_width(&mut self, ty: &Type, span: Span) -> Option<i64> {
        match ty {
            Type::Int { .. } => Some(1),
            Type::Pointer { .. } => Some(pointee_size(ty) as i64),
            other => {
                let message = format!("a value of type {other} cannot be counted up and down");
                self.error(Code::TypeMismatch, span, message)
            }
        }
    }

    fn element_to_assign(
        &mut self,
        name: &str,
        target: Span,
        key: Option<&[ast::Expr]>,
    ) -> Option<(MapId, Option<Expr>)> {
        let id = self.map_id(name);
        self.mark_assigned(id);
        self.element(name, target, key)
    }

    /// Reports a map of an aggregation where an ordinary one is needed.
    fn ordinary(&mut self, map: MapId, span: Span) -> Option<()> {
        let Some(Value::Aggregation(value)) = &self.maps.state(map).value else { return Some(()) };
        let message =
            format!("`@{}` holds {}, which only that function changes", self.maps.name(map), value.name());
        self.report_clash(map, span, message, None, "");
        None
    }

    fn assign_map(
        &mut self,
        name: &str,
        target: Span,
        key: Option<&[ast::Expr]>,
        op: Option<BinaryOp>,
        value: &ast::Expr,
        span: Span,
    ) -> Option<Stmt> {
        if let ast::ExprKind::Call { function, arguments } = &value.kind
            && builtins::find(&function.text).is_some_and(|builtin| builtin.kind == Kind::Aggregation)
        {
            if op.is_some() {
                let message = format!("`{}()` is assigned with `=`", function.text);
                return self.error(Code::MisplacedAggregation, value.span, message);
            }
            let element = self.element_to_assign(name, target, key);
            return self.aggregate(element, target, function, arguments, value.span, span);
        }
        let element = self.element_to_assign(name, target, key);
        let value = self.value(value);
        let (map, key) = element?;
        let mut value = value?;
        if let Some(op) = op {
            self.ordinary(map, target)?;
            let old = match &self.maps.state(map).value {
                Some(Value::Plain(shape)) => shape.ty().stored(),
                _ => self.store(map, target, value.clone())?.ty,
            };
            let old = Expr::new(ExprKind::Old, old, target).measuring(self.maps.state(map).quantity());
            value = self.operate(op, old, value, span)?;
        } else if matches!(value.kind, ExprKind::Aggregate { .. }) {
            self.report(
                Diagnostic::error(Code::MisplacedAggregation, value.span, "an aggregation cannot be copied")
                    .help("cast it to copy its current value: `(int64)@map`"),
            );
            return None;
        }
        let value = self.store(map, target, value)?;
        Some(Stmt { kind: StmtKind::MapSet { map, key, value }, span })
    }

    /// `@m[key] = function(arguments)`
    fn aggregate(
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
