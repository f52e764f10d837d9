//! scratch variables: declarations, and the types that grow with what is assigned.
//!
//! *Not here:* what a name means in its block (`check::scope`).

use super::Checker;
use super::cast::convert;
use super::infer::{Shape, fits, literal, loses_sign};
use super::map::Value;
use super::scope::Local;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, TypeName};
use crate::typed::{Expr, Quantity, Stmt, StmtKind, VariableId};
use crate::types::Type;

impl Checker<'_> {
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
        let checked = value.map(|value| self.variable_value(value));
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

    /// A value to keep in a variable: not an aggregation that only a map can hold.
    pub(super) fn variable_value(&mut self, value: &ast::Expr) -> Option<Expr> {
        let (ast::ExprKind::Map(name) | ast::ExprKind::MapElement { map: ast::Name { text: name, .. }, .. }) =
            &value.kind
        else {
            return self.value(value);
        };
        let map = self.map_id(name);
        if let Some(Value::Aggregation(aggregation)) = &self.maps.state(map).value
            && !aggregation.is_castable()
        {
            let message = format!("only a map can hold a value of type {}", aggregation.name());
            return self.error(Code::InvalidTarget, value.span, message);
        }
        self.value(value)
    }

    pub(super) fn no_shadow(&mut self, name: &ast::Name) {
        if let Some(other) = self.scope.find(&name.text, name.span) {
            let other = self.scope.local(other).span;
            let message = format!("`${}` exists already: a variable cannot hide another", name.text);
            self.report(Diagnostic::error(Code::Shadowing, name.span, message).at(other, "this one"));
        }
    }

    pub(super) fn warn_unassigned(&mut self, id: VariableId, span: Span) {
        let message = format!("`${}` is used before anything is assigned to it", self.scope.local(id).name);
        self.report(Diagnostic::warning(Code::UnassignedVariable, span, message).label("zero or empty here"));
    }

    /// A value in the type of a variable, which grows as needed.
    pub(super) fn fit(&mut self, id: VariableId, value: Expr) -> Option<Expr> {
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
            (Type::Int { .. } | Type::Enum { .. }, Type::Int { .. } | Type::Enum { .. }) => true,
            (Type::String { capacity }, Type::String { capacity: needed }) => needed <= capacity,
            (Type::Pointer { .. }, Type::Pointer { .. }) => true,
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

    /// Warns of variables that are never read.
    pub(super) fn warn_variables(&mut self) {
        let count = self.scope.locals().len();
        for id in (0..count as u32).map(VariableId) {
            let local = self.scope.local(id).clone();
            if self.variable_type(id).is_none() {
                self.untyped.insert((self.body, local.span));
            }
            let what = match (local.is_assigned, local.is_read) {
                _ if local.is_implicit => continue,
                (false, false) => "never used",
                (true, false) => "never read",
                // What is read before it is assigned has been reported there.
                (_, true) => continue,
            };
            let message = format!("`${}` is {what}", local.name);
            self.report(Diagnostic::warning(Code::UnusedVariable, local.span, message));
        }
    }
}
