//! The walk through a tree that puts arguments for parameters, and bodies for calls.

use super::{Argument, Expander, MAX_DEPTH, MAX_NODES, error};
use crate::builtins;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{
    Block, Expr, ExprKind, Function, Iterable, Name, ParameterKind, Program, Stmt, StmtKind, TypeKind,
    TypeName, TypeOrExpr,
};
use crate::syntax::is_grammar_name;

impl Expander<'_> {
    pub(super) fn program(&mut self, program: &mut Program) {
        program.functions.iter_mut().for_each(|function| self.function(function));
        for probe in &mut program.probes {
            if let Some(predicate) = &mut probe.predicate {
                self.expr(predicate);
            }
            self.block(&mut probe.body);
        }
        program.statements.iter_mut().for_each(|stmt| self.stmt(stmt));
        if let Some(result) = &mut program.result {
            self.expr(result);
        }
    }

    pub(super) fn function(&mut self, function: &mut Function) {
        self.place(&mut function.name.span);
        for (name, ty) in &mut function.parameters {
            self.place(&mut name.span);
            self.type_name(ty);
        }
        self.type_name(&mut function.result);
        self.block(&mut function.body);
        self.place(&mut function.span);
    }

    /// Moves a place of an expanded text to its expansion. What a `#define` of the C part has put into it is
    /// written elsewhere: its place is that of the name which stands for it.
    fn place(&mut self, span: &mut Span) {
        let Some(frame) = self.frames.last_mut() else { return };
        let whole = frame.whole;
        if whole.start <= span.start && span.end <= whole.end {
            frame.last = *span;
        } else {
            *span = frame.last;
        }
        span.start = span.start.wrapping_add(frame.shift);
        span.end = span.end.wrapping_add(frame.shift);
    }

    /// Goes one level down; false if that is too deep or too much.
    fn descend(&mut self, span: Span, height: usize) -> bool {
        self.nodes += 1;
        self.deepest = self.deepest.max(self.depth + height);
        let is_small = self.frames.is_empty() || self.depth + height <= MAX_DEPTH && self.nodes <= MAX_NODES;
        if !is_small {
            self.too_large(span);
        }
        is_small
    }

    pub(super) fn block(&mut self, block: &mut Block) {
        self.place(&mut block.span);
        self.depth += 1;
        if self.descend(block.span, 0) {
            block.statements.iter_mut().for_each(|stmt| self.stmt(stmt));
            if let Some(value) = &mut block.value {
                self.expr(value);
            }
        } else {
            (block.statements, block.value) = (Vec::new(), Some(Box::new(error(block.span))));
        }
        self.depth -= 1;
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        self.place(&mut stmt.span);
        match &mut stmt.kind {
            StmtKind::Expr(value) | StmtKind::Discard(value) => self.expr(value),
            StmtKind::Assign { target, value, .. } => {
                self.expr(target);
                self.expr(value);
            }
            StmtKind::Let { name, ty, value } => {
                self.declared(name);
                ty.iter_mut().for_each(|ty| self.type_name(ty));
                value.iter_mut().for_each(|value| self.expr(value));
            }
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then);
                otherwise.iter_mut().for_each(|body| self.block(body));
            }
            StmtKind::While { condition: head, body } | StmtKind::Unroll { count: head, body } => {
                self.expr(head);
                self.block(body);
            }
            StmtKind::For { variable, over, body } => {
                self.declared(variable);
                match over {
                    Iterable::Range { from, to } => {
                        self.expr(from);
                        self.expr(to);
                    }
                    Iterable::Map(map) => self.map(map),
                }
                self.block(body);
            }
            StmtKind::Return(value) => value.iter_mut().for_each(|value| self.expr(value)),
            StmtKind::Block(body) => self.block(body),
            StmtKind::Break | StmtKind::Continue | StmtKind::Error => {}
        }
    }

    pub(super) fn expr(&mut self, expr: &mut Expr) {
        self.place(&mut expr.span);
        self.depth += 1;
        if self.descend(expr.span, 0) {
            self.inside(expr);
        } else {
            expr.kind = ExprKind::Error;
        }
        self.depth -= 1;
    }

    fn inside(&mut self, expr: &mut Expr) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Name(name) => {
                let name = std::mem::take(name);
                *expr = match self.argument(ParameterKind::Expr, &name, span) {
                    Some(argument) => argument,
                    None if is_grammar_name(&name) => Expr { kind: ExprKind::Name(name), span },
                    None => match self.expansion(&name, Vec::new(), span) {
                        Ok(expansion) => expansion,
                        Err(_) => Expr { kind: ExprKind::Name(name), span },
                    },
                };
            }
            ExprKind::Call { function, arguments } => {
                self.place(&mut function.span);
                let measured = std::mem::take(arguments).into_iter().map(|one| self.measured(one)).collect();
                match self.expansion(&function.text, measured, span) {
                    Ok(expansion) => *expr = expansion,
                    Err(measured) => {
                        self.called.entry(function.text.clone()).or_insert(span);
                        *arguments = measured.into_iter().map(|one| one.expr).collect();
                    }
                }
            }
            ExprKind::Variable(name) => {
                let name = std::mem::take(name);
                *expr = self
                    .argument(ParameterKind::Variable, &name, span)
                    .unwrap_or(Expr { kind: ExprKind::Variable(name), span });
            }
            ExprKind::Map(name) => {
                let mut map = Name { text: std::mem::take(name), span };
                self.parameter_map(&mut map);
                *expr = Expr { kind: ExprKind::Map(map.text), span: map.span };
            }
            ExprKind::MapElement { map, key } => {
                self.map(map);
                key.iter_mut().for_each(|part| self.expr(part));
            }
            ExprKind::Tuple(items) => items.iter_mut().for_each(|item| self.expr(item)),
            ExprKind::Member(of, field) => {
                self.place(&mut field.span);
                self.expr(of);
            }
            ExprKind::TupleField(of, _, field) => {
                self.place(field);
                self.expr(of);
            }
            ExprKind::Unary(_, inner) | ExprKind::Step { target: inner, .. } | ExprKind::Comptime(inner) => {
                self.expr(inner);
            }
            ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Ternary { condition, then, otherwise } => {
                self.expr(condition);
                then.iter_mut().for_each(|then| self.expr(then));
                self.expr(otherwise);
            }
            ExprKind::Cast(ty, inner) => {
                self.type_name(ty);
                self.expr(inner);
            }
            ExprKind::Block(body) => self.block(body),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then);
                self.block(otherwise);
            }
            ExprKind::Record(fields) => {
                for (name, value) in fields {
                    self.place(&mut name.span);
                    self.expr(value);
                }
            }
            ExprKind::SizeOf(of) => self.type_or_expr(of),
            ExprKind::OffsetOf(of, path) => {
                self.type_or_expr(of);
                path.iter_mut().for_each(|name| self.place(&mut name.span));
            }
            ExprKind::TypeOf(ty) => self.type_name(ty),
            ExprKind::Int(_)
            | ExprKind::String(_)
            | ExprKind::Bool(_)
            | ExprKind::Positional(_)
            | ExprKind::PositionalCount
            | ExprKind::Error => {}
        }
    }

    fn type_or_expr(&mut self, of: &mut TypeOrExpr) {
        match of {
            TypeOrExpr::Type(ty) => self.type_name(ty),
            TypeOrExpr::Expr(inner) => self.expr(inner),
        }
    }

    /// An argument of a call, expanded.
    fn measured(&mut self, mut expr: Expr) -> Argument {
        let deepest = std::mem::replace(&mut self.deepest, self.depth);
        let nodes = self.nodes;
        self.expr(&mut expr);
        let argument = Argument { expr, height: self.deepest - self.depth, size: self.nodes - nodes };
        self.deepest = self.deepest.max(deepest);
        argument
    }

    /// The argument that stands for a parameter here.
    fn argument(&mut self, kind: ParameterKind, name: &str, span: Span) -> Option<Expr> {
        let Argument { height, size, .. } = *self.frames.last()?.argument(kind, name)?;
        self.nodes += size;
        if !self.descend(span, height) {
            return Some(error(span));
        }
        let argument = self.frames.last()?.argument(kind, name)?.expr.clone();
        // Where an expression is asked for, a map stands for its value, never for the whole map.
        Some(match argument.kind {
            ExprKind::Map(_) if kind == ParameterKind::Expr => {
                let span = argument.span;
                let block = Block { statements: Vec::new(), value: Some(Box::new(argument)), span };
                Expr { kind: ExprKind::Block(block), span }
            }
            _ => argument,
        })
    }

    /// A map whose name stands where no expression can.
    fn map(&mut self, map: &mut Name) {
        self.place(&mut map.span);
        self.parameter_map(map);
    }

    /// The map that a parameter stands for; any other is out of reach of a macro.
    fn parameter_map(&mut self, map: &mut Name) {
        let Some(frame) = self.frames.last() else { return };
        let Some(definition) = frame.definition else { return };
        match frame.argument(ParameterKind::Map, &map.text) {
            Some(Argument { expr: Expr { kind: ExprKind::Map(text), span }, .. }) => {
                *map = Name { text: text.clone(), span: *span };
            }
            _ => {
                let message =
                    format!("the macro `{}` has no parameter `@{}`", definition.name.text, map.text);
                let diagnostic = Diagnostic::error(Code::UnhygienicMap, map.span, message)
                    .note("a macro sees only the maps that are passed to it")
                    .help(format!("make `@{}` a parameter, and pass the map in the call", map.text));
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// A variable that is declared here.
    fn declared(&mut self, name: &mut Name) {
        self.place(&mut name.span);
        let Some(frame) = self.frames.last() else { return };
        if frame.argument(ParameterKind::Variable, &name.text).is_some() {
            let message = format!("`${}` is a parameter of this macro: a variable cannot hide it", name.text);
            self.diagnostics.push(Diagnostic::error(Code::Shadowing, name.span, message));
        }
    }

    fn type_name(&mut self, ty: &mut TypeName) {
        self.place(&mut ty.span);
        let span = ty.span;
        match &mut ty.kind {
            TypeKind::Pointer(inner) | TypeKind::Array(inner, _) => self.type_name(inner),
            TypeKind::TypeOf(inner) => self.expr(inner),
            TypeKind::Named(name) => {
                let name = std::mem::take(name);
                ty.kind = match self.argument(ParameterKind::Expr, &name, span) {
                    Some(Expr { kind: ExprKind::TypeOf(ty), .. }) => ty.kind,
                    // A bare name was meant for a type unless it is a builtin.
                    Some(Expr { kind: ExprKind::Name(name), .. }) if builtins::find(&name).is_none() => {
                        TypeKind::Named(name)
                    }
                    Some(value) => TypeKind::TypeOf(Box::new(value)),
                    None => TypeKind::Named(name),
                };
            }
            TypeKind::Tagged(..) => {}
        }
    }
}
