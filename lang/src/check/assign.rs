//! assignments and steps → [`Stmt`], growing the types of what is assigned.

use super::Checker;
use super::expr::integer_literal;
use super::infer::Shape;
use super::map::Value;
use super::operator::pointee_size;
use super::scope::Local;
use crate::builtins::{self, Kind};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::MapId;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp};
use crate::typed::{Expr, ExprKind, Stmt, StmtKind};
use crate::types::Type;

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
            _ => {
                // The parser has reported it.
                self.is_broken = true;
                None
            }
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
        let checked = self.variable_value(value);
        let id = match (self.scope.find(name, target), op) {
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
                let Some(id) = self.scope.find(name, target.span) else {
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
                if !is_declared && let Type::Int { signed, .. } | Type::Enum { signed, .. } = now {
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
            _ => {
                // The parser has reported it.
                self.is_broken = true;
                None
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
            Type::Enum { .. } => Expr { ty: Type::I64, ..start },
            _ => start,
        };
        let ty = self.store(map, target, start)?.ty;
        let by = if increment { by } else { -by };
        Some(Expr::new(ExprKind::MapStep { map, key: key.map(Box::new), by, postfix }, ty, span))
    }

    fn step_width(&mut self, ty: &Type, span: Span) -> Option<i64> {
        match ty {
            Type::Int { .. } | Type::Enum { .. } => Some(1),
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
}
