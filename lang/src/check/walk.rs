//! AST → each expression in it, for questions about a body that need no types.

use crate::syntax::ast::{Block, Expr, ExprKind, Iterable, Stmt, StmtKind, TypeKind, TypeName, TypeOrExpr};

/// Calls `visit` with every expression of a block, outer before inner.
pub fn block<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Expr)) {
    block.statements.iter().for_each(|stmt| statement(stmt, visit));
    if let Some(value) = &block.value {
        expr(value, visit);
    }
}

/// Calls `visit` with every expression of a statement, outer before inner.
pub fn statement<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    match &stmt.kind {
        StmtKind::Expr(value) | StmtKind::Discard(value) => expr(value, visit),
        StmtKind::Assign { target, value, .. } => {
            expr(target, visit);
            expr(value, visit);
        }
        StmtKind::Let { ty, value, .. } => {
            ty.iter().for_each(|ty| type_name(ty, visit));
            value.iter().for_each(|value| expr(value, visit));
        }
        StmtKind::If { condition, then, otherwise } => {
            expr(condition, visit);
            block(then, visit);
            otherwise.iter().for_each(|body| block(body, visit));
        }
        StmtKind::While { condition: head, body } | StmtKind::Unroll { count: head, body } => {
            expr(head, visit);
            block(body, visit);
        }
        StmtKind::For { over, body, .. } => {
            if let Iterable::Range { from, to } = over {
                expr(from, visit);
                expr(to, visit);
            }
            block(body, visit);
        }
        StmtKind::Return(value) => value.iter().for_each(|value| expr(value, visit)),
        StmtKind::Block(body) => block(body, visit),
        StmtKind::Break | StmtKind::Continue | StmtKind::Error => {}
    }
}

/// Calls `visit` with an expression and every one inside it, outer before inner.
pub fn expr<'a>(outer: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(outer);
    match &outer.kind {
        ExprKind::MapElement { key: items, .. }
        | ExprKind::Call { arguments: items, .. }
        | ExprKind::Tuple(items) => items.iter().for_each(|item| expr(item, visit)),
        ExprKind::Unary(_, inner)
        | ExprKind::Step { target: inner, .. }
        | ExprKind::Member(inner, _)
        | ExprKind::Comptime(inner)
        | ExprKind::TupleField(inner, ..) => expr(inner, visit),
        ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
            expr(a, visit);
            expr(b, visit);
        }
        ExprKind::Ternary { condition, then, otherwise } => {
            expr(condition, visit);
            then.iter().for_each(|then| expr(then, visit));
            expr(otherwise, visit);
        }
        ExprKind::Cast(ty, inner) => {
            type_name(ty, visit);
            expr(inner, visit);
        }
        ExprKind::Block(body) => block(body, visit),
        ExprKind::If { condition, then, otherwise } => {
            expr(condition, visit);
            block(then, visit);
            block(otherwise, visit);
        }
        ExprKind::Record(fields) => fields.iter().for_each(|(_, value)| expr(value, visit)),
        ExprKind::SizeOf(of) | ExprKind::OffsetOf(of, _) => match &**of {
            TypeOrExpr::Type(ty) => type_name(ty, visit),
            TypeOrExpr::Expr(inner) => expr(inner, visit),
        },
        ExprKind::TypeOf(ty) => type_name(ty, visit),
        ExprKind::Int(_)
        | ExprKind::String(_)
        | ExprKind::Bool(_)
        | ExprKind::Variable(_)
        | ExprKind::Map(_)
        | ExprKind::Positional(_)
        | ExprKind::PositionalCount
        | ExprKind::Name(_)
        | ExprKind::Error => {}
    }
}

fn type_name<'a>(ty: &'a TypeName, visit: &mut dyn FnMut(&'a Expr)) {
    match &ty.kind {
        TypeKind::Pointer(inner) | TypeKind::Array(inner, _) => type_name(inner, visit),
        TypeKind::TypeOf(inner) => expr(inner, visit),
        TypeKind::Named(_) | TypeKind::Tagged(..) => {}
    }
}
