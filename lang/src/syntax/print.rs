//! [`Program`] → text, for `dump --stage ast` and golden tests.
//!
//! *Invariant:* one node a line, children indented below it, in the order of the text.

use std::fmt::Write;

use super::ast::{
    AttachPoint, Block, Expr, ExprKind, Function, Iterable, Macro, Name, ParameterKind, Probe, Program, Stmt,
    StmtKind, TypeKind, TypeName, TypeOrExpr, UnaryOp,
};
use crate::source::Span;

/// The tree as text.
pub fn print(program: &Program) -> String {
    Printer { out: String::new(), has_spans: false }.program(program)
}

/// The tree as text, with the byte range of each node.
pub fn print_with_spans(program: &Program) -> String {
    Printer { out: String::new(), has_spans: true }.program(program)
}

struct Printer {
    out: String,
    has_spans: bool,
}

impl Printer {
    fn program(mut self, program: &Program) -> String {
        for map in &program.maps {
            self.line(0, &format!("map @{} {}({})", map.name.text, map.kind.text, map.entries), map.span);
        }
        for definition in &program.macros {
            self.definition(definition);
        }
        for function in &program.functions {
            self.function(function);
        }
        for probe in &program.probes {
            self.probe(probe);
        }
        if !program.statements.is_empty() {
            self.word(0, "statements");
            self.statements(1, &program.statements);
        }
        if let Some(result) = &program.result {
            self.word(0, "result");
            self.expr(1, result);
        }
        self.out
    }

    fn word(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", depth * 2);
    }

    fn line(&mut self, depth: usize, text: &str, span: Span) {
        if self.has_spans {
            self.word(depth, &format!("{text} {}..{}", span.start, span.end));
        } else {
            self.word(depth, text);
        }
    }

    fn definition(&mut self, definition: &Macro) {
        let sigil = |kind| match kind {
            ParameterKind::Variable => "$",
            ParameterKind::Map => "@",
            ParameterKind::Expr => "",
        };
        let parameters = definition.parameters.iter();
        let parameters: Vec<_> =
            parameters.map(|one| format!("{}{}", sigil(one.kind), one.name.text)).collect();
        let title = format!("macro {}({})", definition.name.text, parameters.join(", "));
        self.line(0, &title, definition.span);
        self.block(1, "body", &definition.body);
    }

    fn function(&mut self, function: &Function) {
        let parameters = function.parameters.iter();
        let parameters: Vec<_> =
            parameters.map(|(name, ty)| format!("${}: {}", name.text, type_text(ty))).collect();
        let (name, result) = (&function.name.text, type_text(&function.result));
        let title = format!("function {name}({}): {result}", parameters.join(", "));
        self.line(0, &title, function.span);
        self.block(1, "body", &function.body);
    }

    fn probe(&mut self, probe: &Probe) {
        self.line(0, "probe", probe.span);
        for point in &probe.points {
            self.point(point);
        }
        if let Some(predicate) = &probe.predicate {
            self.word(1, "predicate");
            self.expr(2, predicate);
        }
        self.block(1, "body", &probe.body);
    }

    fn point(&mut self, point: &AttachPoint) {
        let parts: Vec<_> = point.parts.iter().map(|part| format!("{:?}", part.text)).collect();
        self.line(1, &format!("point {}", parts.join(" ")), point.span);
    }

    fn block(&mut self, depth: usize, title: &str, block: &Block) {
        self.line(depth, title, block.span);
        self.statements(depth + 1, &block.statements);
        if let Some(value) = &block.value {
            self.word(depth + 1, "value");
            self.expr(depth + 2, value);
        }
    }

    fn statements(&mut self, depth: usize, statements: &[Stmt]) {
        for stmt in statements {
            self.stmt(depth, stmt);
        }
    }

    fn stmt(&mut self, depth: usize, stmt: &Stmt) {
        let inner = depth + 1;
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.line(depth, "expression", stmt.span);
                self.expr(inner, expr);
            }
            StmtKind::Discard(expr) => {
                self.line(depth, "discard", stmt.span);
                self.expr(inner, expr);
            }
            StmtKind::Assign { target, op, value } => {
                self.line(depth, &format!("assign {}=", op.map_or("", |op| op.symbol())), stmt.span);
                self.expr(inner, target);
                self.expr(inner, value);
            }
            StmtKind::Let { name, ty, value } => {
                let ty = ty.as_ref().map(|ty| format!(": {}", type_text(ty))).unwrap_or_default();
                self.line(depth, &format!("let ${}{ty}", name.text), stmt.span);
                if let Some(value) = value {
                    self.expr(inner, value);
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                self.line(depth, "if", stmt.span);
                self.expr(inner, condition);
                self.block(inner, "then", then);
                if let Some(otherwise) = otherwise {
                    self.block(inner, "else", otherwise);
                }
            }
            StmtKind::While { condition, body } => {
                self.line(depth, "while", stmt.span);
                self.expr(inner, condition);
                self.block(inner, "body", body);
            }
            StmtKind::Unroll { count, body } => {
                self.line(depth, "unroll", stmt.span);
                self.expr(inner, count);
                self.block(inner, "body", body);
            }
            StmtKind::For { variable, over, body } => {
                self.line(depth, &format!("for ${}", variable.text), stmt.span);
                match over {
                    Iterable::Map(map) => self.line(inner, &format!("map @{}", map.text), map.span),
                    Iterable::Range { from, to } => {
                        self.expr(inner, from);
                        self.expr(inner, to);
                    }
                }
                self.block(inner, "body", body);
            }
            StmtKind::Break => self.line(depth, "break", stmt.span),
            StmtKind::Continue => self.line(depth, "continue", stmt.span),
            StmtKind::Return(value) => {
                self.line(depth, "return", stmt.span);
                if let Some(value) = value {
                    self.expr(inner, value);
                }
            }
            StmtKind::Block(block) => self.block(depth, "block", block),
            StmtKind::Error => self.line(depth, "error", stmt.span),
        }
    }

    fn expr(&mut self, depth: usize, expr: &Expr) {
        let inner = depth + 1;
        self.line(depth, &title(&expr.kind), expr.span);
        match &expr.kind {
            ExprKind::Int(_)
            | ExprKind::String(_)
            | ExprKind::Bool(_)
            | ExprKind::Variable(_)
            | ExprKind::Map(_)
            | ExprKind::Positional(_)
            | ExprKind::PositionalCount
            | ExprKind::Name(_)
            | ExprKind::TypeOf(_)
            | ExprKind::Error => {}
            ExprKind::MapElement { key: items, .. }
            | ExprKind::Call { arguments: items, .. }
            | ExprKind::Tuple(items) => {
                for item in items {
                    self.expr(inner, item);
                }
            }
            ExprKind::Unary(_, operand)
            | ExprKind::Step { target: operand, .. }
            | ExprKind::Cast(_, operand)
            | ExprKind::Member(operand, _)
            | ExprKind::TupleField(operand, ..) => self.expr(inner, operand),
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
                self.expr(inner, left);
                self.expr(inner, right);
            }
            ExprKind::Ternary { condition, then, otherwise } => {
                self.expr(inner, condition);
                if let Some(then) = then {
                    self.expr(inner, then);
                }
                self.expr(inner, otherwise);
            }
            ExprKind::Block(block) => self.block(inner, "body", block),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(inner, condition);
                self.block(inner, "then", then);
                self.block(inner, "else", otherwise);
            }
            ExprKind::Record(fields) => {
                for (name, value) in fields {
                    self.line(inner, &format!("field {}", name.text), name.span);
                    self.expr(inner + 1, value);
                }
            }
            ExprKind::SizeOf(of) | ExprKind::OffsetOf(of, _) => match &**of {
                TypeOrExpr::Type(ty) => self.line(inner, &format!("type {}", type_text(ty)), ty.span),
                TypeOrExpr::Expr(expr) => self.expr(inner, expr),
            },
            ExprKind::Comptime(value) => self.expr(inner, value),
        }
    }
}

/// The node without its children.
fn title(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Int(value) => format!("int {value}"),
        ExprKind::String(value) => format!("string {:?}", String::from_utf8_lossy(value)),
        ExprKind::Bool(value) => format!("bool {value}"),
        ExprKind::Variable(name) => format!("variable ${name}"),
        ExprKind::Map(name) => format!("map @{name}"),
        ExprKind::MapElement { map: Name { text, .. }, .. } => format!("element @{text}"),
        ExprKind::Positional(number) => format!("positional ${number}"),
        ExprKind::PositionalCount => "positional $#".to_string(),
        ExprKind::Name(name) => format!("name {name}"),
        ExprKind::Call { function, .. } => format!("call {}", function.text),
        ExprKind::Unary(op, _) => format!("unary {}", unary_symbol(*op)),
        ExprKind::Step { increment, postfix, .. } => {
            let (symbol, place) =
                (if *increment { "++" } else { "--" }, if *postfix { "behind" } else { "before" });
            format!("step {symbol} {place}")
        }
        ExprKind::Binary(op, ..) => format!("binary {}", op.symbol()),
        ExprKind::Ternary { then, .. } => if then.is_some() { "ternary" } else { "ternary ?:" }.to_string(),
        ExprKind::Cast(ty, _) => format!("cast {}", type_text(ty)),
        ExprKind::Member(_, name) => format!("member {}", name.text),
        ExprKind::TupleField(_, number, _) => format!("field {number}"),
        ExprKind::Index(..) => "index".to_string(),
        ExprKind::Tuple(_) => "tuple".to_string(),
        ExprKind::Block(_) => "block".to_string(),
        ExprKind::If { .. } => "if".to_string(),
        ExprKind::Record(_) => "record".to_string(),
        ExprKind::SizeOf(_) => "sizeof".to_string(),
        ExprKind::OffsetOf(_, path) => {
            let path: Vec<_> = path.iter().map(|name| name.text.as_str()).collect();
            format!("offsetof {}", path.join("."))
        }
        ExprKind::TypeOf(ty) => format!("type {}", type_text(ty)),
        ExprKind::Comptime(_) => "comptime".to_string(),
        ExprKind::Error => "error".to_string(),
    }
}

fn unary_symbol(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "~",
        UnaryOp::Neg => "-",
        UnaryOp::Deref => "*",
        UnaryOp::AddressOf => "&",
    }
}

fn type_text(ty: &TypeName) -> String {
    match &ty.kind {
        TypeKind::Named(name) => name.clone(),
        TypeKind::Tagged(word, tag) => format!("{word} {tag}"),
        TypeKind::Pointer(to) => format!("{}*", type_text(to)),
        TypeKind::Array(of, Some(length)) => format!("{}[{length}]", type_text(of)),
        TypeKind::Array(of, None) => format!("{}[]", type_text(of)),
        TypeKind::TypeOf(_) => "typeof(…)".to_string(),
    }
}
