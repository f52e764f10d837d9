//! `ast::Expr` → [`typed::Expr`]: one function for each form.
//!
//! *Not here:* operators (`check::operator`), calls (`check::call`), bare names (`check::name`), fields of
//! `args` (`check::field`).

use super::Checker;
use super::cast::convert;
use super::comptime::Decision;
use super::fold::truth;
use super::infer::{Shape, literal_type};
use super::map::Value;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::MapId;
use crate::source::Span;
use crate::syntax::ast::{self, TypeOrExpr};
use crate::typed::{self, Expr, ExprKind, Stmt};
use crate::types::layout::Layout;
use crate::types::{MapValue, Type};

impl Checker<'_> {
    /// Any expression; `None` if it is wrong, or its type is not known yet.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let checked = self.expr_of_kind(expr);
        // The innermost of those that end there is the first one to be checked.
        if self.asked == Some(expr.span.end) && self.answer.is_none() {
            self.answer = checked.as_ref().map(|checked| checked.ty.clone());
        }
        checked
    }

    fn expr_of_kind(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Int(value) => Some(integer_literal(i128::from(*value), span)),
            ast::ExprKind::String(text) => self.string(text, span),
            ast::ExprKind::Bool(value) => Some(Expr::new(ExprKind::Bool(*value), Type::Bool, span)),
            ast::ExprKind::Variable(name) => self.variable(name, span),
            ast::ExprKind::Map(name) => self.read_map(name, span, None),
            ast::ExprKind::MapElement { map, key } => {
                self.read_map(&map.text, map.span, Some(key)).map(|read| Expr { span, ..read })
            }
            ast::ExprKind::Positional(n) => self.positional(*n, span),
            ast::ExprKind::PositionalCount => {
                Some(integer_literal(self.environment.parameters.positional.len() as i128, span))
            }
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Call { function, arguments } => self.call(function, arguments, span),
            ast::ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ast::ExprKind::Step { target, increment, postfix } => {
                self.step(target, *increment, *postfix, span)
            }
            ast::ExprKind::Binary(op, a, b) => self.binary(*op, a, b, span),
            ast::ExprKind::Ternary { condition, then: Some(then), otherwise } => {
                match self.decided(condition) {
                    Some(Decision::Then) => return self.expr(then),
                    Some(Decision::Otherwise) => return self.expr(otherwise),
                    Some(Decision::Unknown) => return None,
                    None => {}
                }
                let condition = self.condition(condition);
                let then = self.expr(then);
                let otherwise = self.expr(otherwise);
                self.choice(condition?, then?, otherwise?, span)
            }
            ast::ExprKind::Ternary { condition, then: None, otherwise } => {
                self.elvis(condition, otherwise, span)
            }
            ast::ExprKind::Cast(ty, operand) => self.cast(ty, operand, span),
            ast::ExprKind::Member(of, field) => self.member(of, field, span),
            ast::ExprKind::TupleField(of, n, field) => {
                let of = self.expr(of)?;
                self.tuple_field(of, *n, *field, span)
            }
            ast::ExprKind::Index(of, index) => self.index(of, index, span),
            ast::ExprKind::Tuple(items) => self.tuple(items, span),
            ast::ExprKind::Record(fields) => self.record(fields, span),
            ast::ExprKind::Block(block) => self.block_expr(block, span),
            ast::ExprKind::If { condition, then, otherwise } => {
                match self.decided(condition) {
                    Some(Decision::Then) => return self.block_expr(then, then.span),
                    Some(Decision::Otherwise) => return self.block_expr(otherwise, otherwise.span),
                    Some(Decision::Unknown) => return None,
                    None => {}
                }
                let condition = self.condition(condition);
                let then = self.block_expr(then, then.span);
                let otherwise = self.block_expr(otherwise, otherwise.span);
                self.choice(condition?, then?, otherwise?, span)
            }
            ast::ExprKind::SizeOf(of) => {
                let ty = match &**of {
                    TypeOrExpr::Type(ty) => self.type_or_constant(ty)?,
                    TypeOrExpr::Expr(inner) => self.expr(inner)?.ty,
                };
                Some(integer_literal(i128::from(Layout::of(&ty).size), span))
            }
            ast::ExprKind::OffsetOf(of, path) => self.offset_of(of, path, span),
            ast::ExprKind::TypeOf(_) => {
                self.report(
                    Diagnostic::error(Code::TypeMismatch, span, "a type is not a value")
                        .help("types can be arguments of macros"),
                );
                None
            }
            ast::ExprKind::Comptime(inner) => self.comptime(inner, span),
            ast::ExprKind::Error => {
                self.is_broken = true;
                None
            }
        }
    }

    /// An expression that has a value.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let value = self.expr(expr)?;
        if value.ty == Type::Void {
            return self.error(Code::TypeMismatch, expr.span, "this has no value");
        }
        Some(value)
    }

    /// A scalar to decide by.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let condition = self.expr(expr)?;
        if let ExprKind::Aggregate { .. } = condition.kind {
            let diagnostic =
                Diagnostic::error(Code::TypeMismatch, expr.span, "an aggregation is no condition");
            self.report(diagnostic.help("cast it to decide by its current value: `(int64)@map`"));
            return None;
        }
        if condition.ty.is_scalar() {
            return Some(condition);
        }
        // A literal is folded: text that is not empty is true.
        if let ExprKind::String(text) = &condition.kind {
            return Some(super::fold::boolean(!text.is_empty(), expr.span));
        }
        let message = format!("a condition is a number or a bool, not of type {}", condition.ty);
        self.error(Code::TypeMismatch, expr.span, message)
    }

    fn variable(&mut self, name: &str, span: Span) -> Option<Expr> {
        let Some(id) = self.scope.find(name, span) else {
            return self.undefined_variable(name, span);
        };
        if !self.scope.local(id).is_assigned && !self.scope.local(id).is_read {
            let message = format!("`${name}` is used before anything is assigned to it");
            self.report(
                Diagnostic::warning(Code::UnassignedVariable, span, message).label("zero or empty here"),
            );
        }
        self.scope.local_mut(id).is_read = true;
        let Some(ty) = self.variable_type(id) else {
            self.is_unknown = true;
            return None;
        };
        let quantity = self.variable_quantity(id);
        Some(Expr::new(ExprKind::Variable(id), ty, span).measuring(quantity))
    }

    pub(super) fn undefined_variable<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let message = format!("`${name}` is not defined");
        let mut diagnostic = Diagnostic::error(Code::UndefinedVariable, span, message);
        if let Some(elsewhere) = self.scope.elsewhere(name, span) {
            diagnostic = diagnostic
                .at(elsewhere, "this one ends with its block")
                .help(format!("declare it before that block: `let ${name};`"));
        } else if let Some(outside) = self.scope.outside(name) {
            diagnostic = diagnostic
                .at(outside, "a macro does not see this one")
                .help(format!("make `${name}` a parameter of the macro, and pass the variable in the call"));
        } else if let Some(near) = super::suggest::nearest(name, self.scope.names(span)) {
            diagnostic = diagnostic.help(format!("did you mean `${near}`?"));
        }
        self.report(diagnostic);
        None
    }

    /// The value of a map element (or scalar map).
    pub(super) fn read_map(&mut self, name: &str, span: Span, key: Option<&[ast::Expr]>) -> Option<Expr> {
        if key.is_none() {
            let id = self.map_id(name);
            if self.maps.state(id).is_keyed() == Some(true) {
                let message = format!("`@{name}` has a key, but is used without one here");
                self.report(
                    Diagnostic::error(Code::MapTypeMismatch, span, message)
                        .help(format!("write `@{name}[…]`, or `print(@{name})` for the whole map")),
                );
                return None;
            }
        }
        let (map, key) = self.element(name, span, key)?;
        self.read_element(map, key, span)
    }

    /// The value of a map element whose key is checked.
    pub(super) fn read_element(&mut self, map: MapId, key: Option<Expr>, span: Span) -> Option<Expr> {
        let key = key.map(Box::new);
        let state = self.maps.state(map);
        let quantity = state.quantity();
        let Some(value) = &state.value else {
            self.is_unknown = true;
            return None;
        };
        let (kind, ty) = match value {
            Value::Plain(shape) => (ExprKind::Map { map, key }, shape.ty().stored()),
            Value::Aggregation(value) if value.is_castable() => {
                let signed = match value {
                    MapValue::Sum { signed }
                    | MapValue::Min { signed }
                    | MapValue::Max { signed }
                    | MapValue::Avg { signed } => *signed,
                    _ => true,
                };
                (ExprKind::Aggregate { map, key }, Type::int(8, signed))
            }
            Value::Aggregation(value) => {
                let message = format!("a value of type {} cannot be read in a program", value.name());
                let diagnostic = Diagnostic::error(Code::TypeMismatch, span, message)
                    .help("print the whole map: `print(@map)`");
                self.report(diagnostic);
                return None;
            }
        };
        self.warn_unassigned_map(map, span);
        Some(Expr::new(kind, ty, span).measuring(quantity))
    }

    /// A string literal, which is no longer than strings can be.
    fn string(&mut self, text: &[u8], span: Span) -> Option<Expr> {
        let most = self.config.max_strlen;
        if text.len() >= most as usize {
            let message = format!("this string needs {} bytes, its NUL included", text.len() + 1);
            self.report(
                Diagnostic::error(Code::StringTooLong, span, message)
                    .note(format!("the setting `max_strlen` allows {most}"))
                    .help("shorten it, or raise `max_strlen` in the `config` block"),
            );
            return None;
        }
        Some(string_literal(text.to_vec(), span))
    }

    /// `c ? a : b`, both of one type.
    fn choice(&mut self, condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Option<Expr> {
        let (then, otherwise) = self.one_type(then, otherwise, span)?;
        if let Some(holds) = truth(&condition) {
            return Some(if holds { then } else { otherwise });
        }
        let ty = then.ty.clone();
        let quantity = then.quantity.filter(|_| then.quantity == otherwise.quantity);
        let kind = ExprKind::Ternary {
            condition: Box::new(condition),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        };
        Some(Expr::new(kind, ty, span).measuring(quantity))
    }

    fn elvis(&mut self, value: &ast::Expr, otherwise: &ast::Expr, span: Span) -> Option<Expr> {
        let value = self.condition(value);
        let otherwise = self.expr(otherwise);
        let (value, otherwise) = self.one_type(value?, otherwise?, span)?;
        let ty = value.ty.clone();
        let quantity = value.quantity;
        let kind = ExprKind::Elvis { value: Box::new(value), otherwise: Box::new(otherwise) };
        Some(Expr::new(kind, ty, span).measuring(quantity))
    }

    /// Both values in the type that holds both.
    pub(super) fn one_type(&mut self, a: Expr, b: Expr, span: Span) -> Option<(Expr, Expr)> {
        let Some(joined) = Shape::of_expr(&a).join(&Shape::of_expr(&b)) else {
            let message = format!("both sides need the same type, but they are {} and {}", a.ty, b.ty);
            return self.error(Code::TypeMismatch, span, message);
        };
        let ty = joined.ty();
        Some((convert(a, &ty), convert(b, &ty)))
    }

    fn tuple(&mut self, items: &[ast::Expr], span: Span) -> Option<Expr> {
        let items: Vec<_> = items.iter().map(|item| self.value(item)).collect();
        let items = items.into_iter().collect::<Option<Vec<_>>>()?;
        let ty = Type::Tuple(items.iter().map(|item| item.ty.clone()).collect());
        Some(Expr::new(ExprKind::Tuple(items), ty, span))
    }

    fn record(&mut self, fields: &[(ast::Name, ast::Expr)], span: Span) -> Option<Expr> {
        let values: Vec<_> = fields.iter().map(|(_, value)| self.value(value)).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        let names = fields.iter().map(|(name, _)| name.text.clone());
        let ty = Type::Record(names.zip(values.iter().map(|value| value.ty.clone())).collect());
        Some(Expr::new(ExprKind::Tuple(values), ty, span))
    }

    fn block_expr(&mut self, block: &ast::Block, span: Span) -> Option<Expr> {
        self.scope.enter();
        let statements = self.statements(&block.statements, block.value.as_deref());
        let value = block.value.as_ref().map(|value| self.expr(value));
        self.scope.leave();
        Some(match value {
            Some(value) => block_of(statements, Some(value?), span),
            None => block_of(statements, None, span),
        })
    }
}

/// Statements and perhaps a value as one expression.
pub(super) fn block_of(statements: Vec<Stmt>, value: Option<Expr>, span: Span) -> Expr {
    let ty = value.as_ref().map_or(Type::Void, |value| value.ty.clone());
    let quantity = value.as_ref().and_then(|value| value.quantity);
    Expr::new(ExprKind::Block(statements, value.map(Box::new)), ty, span).measuring(quantity)
}

/// A statement as an expression without a value.
pub(super) fn effect(kind: typed::StmtKind, span: Span) -> Expr {
    block_of(vec![Stmt { kind, span }], None, span)
}

/// An integer literal of its smallest type.
pub(super) fn integer_literal(value: i128, span: Span) -> Expr {
    let bits = if value > i128::from(i64::MAX) { value as u64 as i64 } else { value as i64 };
    Expr::new(ExprKind::Int(bits), literal_type(value), span)
}

/// A string literal.
pub(super) fn string_literal(mut text: Vec<u8>, span: Span) -> Expr {
    if let Some(end) = text.iter().position(|&byte| byte == 0) {
        text.truncate(end);
    }
    let ty = Type::String { capacity: text.len() as u32 + 1 };
    Expr::new(ExprKind::String(text), ty, span)
}
