//! [`Program`] → text, for `dump --stage types` and golden tests.

use std::fmt::Write;

use super::{Expr, ExprKind, Function, Probe, Program, Stmt, StmtKind, Variable, VariableId};
use crate::ir::{MapId, RecordKind};
use crate::syntax::ast::UnaryOp;

/// The program as text: maps with their types, then each probe with its variables and its body, where
/// casts are visible.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for map in &program.maps {
        let key = match map.ty.key_type() {
            Some(key) => format!("[{key}]"),
            None => String::new(),
        };
        let unit = map.ty.unit.map(|unit| format!(" in {}", unit.symbol())).unwrap_or_default();
        line(&mut out, 0, &format!("@{}{key}: {}{unit}", map.name, map.ty.value.name()));
    }
    for function in &program.functions {
        Printer { program, variables: &function.variables, out: &mut out }.function(function);
    }
    for probe in &program.probes {
        Printer { program, variables: &probe.variables, out: &mut out }.probe(probe);
    }
    if let Some(MapId(map)) = program.result_map {
        line(&mut out, 0, &format!("result @{}", program.maps[map as usize].name));
    }
    out
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{:1$}{text}", "", depth * 4);
}

struct Printer<'a> {
    program: &'a Program,
    variables: &'a [Variable],
    out: &'a mut String,
}

impl Printer<'_> {
    fn probe(&mut self, probe: &Probe) {
        let points: Vec<_> = probe.points.iter().map(ToString::to_string).collect();
        self.whole(&points.join(", "), &probe.body);
    }

    fn function(&mut self, function: &Function) {
        let parameters: Vec<_> = function.parameters.iter().map(|one| self.variable(*one)).collect();
        let head = format!("fn {}({}): {}", function.name, parameters.join(", "), function.result);
        self.whole(&head, &function.body);
    }

    fn whole(&mut self, head: &str, body: &[Stmt]) {
        line(self.out, 0, &format!("{head} {{"));
        for variable in self.variables {
            line(self.out, 1, &format!("let ${}: {}", variable.name, variable.ty));
        }
        self.body(body, 1);
        line(self.out, 0, "}");
    }

    fn body(&mut self, body: &[Stmt], depth: usize) {
        for stmt in body {
            self.stmt(stmt, depth);
        }
    }

    fn nested(&mut self, head: &str, body: &[Stmt], depth: usize) {
        line(self.out, depth, &format!("{head} {{"));
        self.body(body, depth + 1);
        line(self.out, depth, "}");
    }

    fn stmt(&mut self, stmt: &Stmt, depth: usize) {
        let text = match &stmt.kind {
            StmtKind::Expr(expr) => self.expr(expr),
            StmtKind::Set { variable, value } => {
                let value = value.as_ref().map_or("zero".into(), |value| self.expr(value));
                format!("{} = {value}", self.variable(*variable))
            }
            StmtKind::MapSet { map, key, value } => {
                format!("{} = {}", self.element(*map, key.as_ref()), self.expr(value))
            }
            StmtKind::Aggregate { map, key, aggregation, value } => {
                let name = format!("{aggregation:?}").to_lowercase();
                let value = value.as_ref().map(|value| self.expr(value)).unwrap_or_default();
                format!("{} = {name}({value})", self.element(*map, key.as_ref()))
            }
            StmtKind::Trace { format, values } => {
                format!("trace \"{}\" ({})", format.escape_ascii(), self.list(values))
            }
            StmtKind::Warn(warning) => format!("warn {warning:?}"),
            StmtKind::Emit { kind, fields } => {
                let kind = match kind {
                    RecordKind::Formatted { action, format } => format!("{} \"{format}\"", action.function()),
                    RecordKind::Time { format } => format!("time {:?}", String::from_utf8_lossy(format)),
                    other => format!("{other:?}"),
                };
                format!("emit {kind} ({})", self.list(fields))
            }
            StmtKind::If { condition, then, otherwise } => {
                let head = format!("if {}", self.expr(condition));
                self.nested(&head, then, depth);
                if !otherwise.is_empty() {
                    self.nested("else", otherwise, depth);
                }
                return;
            }
            StmtKind::While { condition, body } => {
                let head = format!("while {}", self.expr(condition));
                return self.nested(&head, body, depth);
            }
            StmtKind::Unroll { count, body } => {
                return self.nested(&format!("unroll {count}"), body, depth);
            }
            StmtKind::For { variable, from, to, body } => {
                let head =
                    format!("for {} in {}..{}", self.variable(*variable), self.expr(from), self.expr(to));
                return self.nested(&head, body, depth);
            }
            StmtKind::ForMap { variable, map, body } => {
                let head = format!("for {} in {}", self.variable(*variable), self.element(*map, None));
                return self.nested(&head, body, depth);
            }
            StmtKind::Break => "break".into(),
            StmtKind::Continue => "continue".into(),
            StmtKind::Return(None) => "return".into(),
            StmtKind::Return(Some(value)) => format!("return {}", self.expr(value)),
            StmtKind::Block(body) => return self.body(body, depth),
        };
        line(self.out, depth, &text);
    }

    fn variable(&self, VariableId(id): VariableId) -> String {
        format!("${}", self.variables[id as usize].name)
    }

    fn element(&self, MapId(map): MapId, key: Option<&Expr>) -> String {
        let name = &self.program.maps[map as usize].name;
        key.map_or_else(|| format!("@{name}"), |key| format!("@{name}[{}]", self.expr(key)))
    }

    fn list(&self, items: &[Expr]) -> String {
        items.iter().map(|item| self.expr(item)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Bytes(data) => format!("\"{}\"", data.escape_ascii()),
            ExprKind::Reinterpret(of) => format!("reinterpret({})", self.expr(of)),
            ExprKind::Handle(of) => format!("handle({})", self.expr(of)),
            ExprKind::Buffer { of, length } => format!("buffer({}, {})", self.expr(of), self.expr(length)),
            ExprKind::ReadBuffer { address, length, .. } => {
                format!("read_buffer({}, {})", self.expr(address), self.expr(length))
            }
            ExprKind::ReadStrings { address, .. } => format!("read_strings({})", self.expr(address)),
            ExprKind::Int(value) if expr.ty.is_signed() => value.to_string(),
            ExprKind::Int(value) => (*value as u64).to_string(),
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::String(text) => format!("{:?}", String::from_utf8_lossy(text)),
            ExprKind::Variable(variable) => self.variable(*variable),
            ExprKind::Old => "old".into(),
            ExprKind::Map { map, key } => self.element(*map, key.as_deref()),
            ExprKind::Stats { map, key } => format!("merged({})", self.element(*map, Some(key))),
            ExprKind::Aggregate { map, key } => format!("merged({})", self.element(*map, key.as_deref())),
            ExprKind::Ambient(ambient) => format!("{ambient:?}").to_lowercase(),
            ExprKind::Comm => "comm".into(),
            ExprKind::Argument(n) => format!("arg{n}"),
            ExprKind::Register(register) => format!("reg({register:?})").to_lowercase(),
            ExprKind::ReturnValue => "retval".into(),
            ExprKind::Context { offset } | ExprKind::ContextBytes { offset } => {
                format!("context({offset}, {})", expr.ty)
            }
            ExprKind::ContextDynamic { offset } => format!("dynamic({offset})"),
            ExprKind::ReadString { address, space, limit } => {
                let limit = limit.as_ref().map(|limit| format!(", {}", self.expr(limit)));
                let limit = limit.unwrap_or_default();
                format!("str({space:?} {}{limit})", self.expr(address))
            }
            ExprKind::Deref { address, space } => format!("*({space:?} {})", self.expr(address)),
            ExprKind::Intrinsic(what, operands) => {
                format!("{}({})", format!("{what:?}").to_lowercase(), self.list(operands))
            }
            ExprKind::Unary(op, operand) => {
                let symbol = match op {
                    UnaryOp::Not => "!",
                    UnaryOp::BitNot => "~",
                    UnaryOp::Neg => "-",
                    UnaryOp::Deref => "*",
                    UnaryOp::AddressOf => "&",
                };
                format!("{symbol}{}", self.expr(operand))
            }
            ExprKind::Binary(op, a, b) => format!("({} {} {})", self.expr(a), op.symbol(), self.expr(b)),
            ExprKind::Step { variable, by, postfix } => {
                format!("step({}, {by}, {})", self.variable(*variable), if *postfix { "old" } else { "new" })
            }
            ExprKind::MapStep { map, key, by, postfix } => {
                let element = self.element(*map, key.as_deref());
                format!("step({element}, {by}, {})", if *postfix { "old" } else { "new" })
            }
            ExprKind::Ternary { condition, then, otherwise } => {
                format!("({} ? {} : {})", self.expr(condition), self.expr(then), self.expr(otherwise))
            }
            ExprKind::Elvis { value, otherwise } => {
                format!("({} ?: {})", self.expr(value), self.expr(otherwise))
            }
            ExprKind::Cast(operand) => format!("({}){}", expr.ty, self.expr(operand)),
            ExprKind::Tuple(items) => format!("({})", self.list(items)),
            ExprKind::TupleField(tuple, n) => format!("{}.{n}", self.expr(tuple)),
            ExprKind::Member { of, offset } => format!("{}.+{offset}", self.expr(of)),
            ExprKind::InSpace(of, space) => format!("{space:?}({})", self.expr(of)),
            ExprKind::Bits(of, bits) => {
                format!("bits({}, {}, {})", self.expr(of), bits.first, bits.width)
            }
            ExprKind::Index(array, index) => format!("{}[{}]", self.expr(array), self.expr(index)),
            ExprKind::Block(body, value) => {
                let mut text = String::new();
                let mut inner = Printer { program: self.program, variables: self.variables, out: &mut text };
                inner.body(body, 0);
                let value = value.as_ref().map(|value| self.expr(value)).unwrap_or_default();
                let text = text.trim_end().replace('\n', "; ");
                if value.is_empty() { text } else { format!("{{ {text}; {value} }}") }
            }
            ExprKind::MapDelete { map, key } => format!("delete({})", self.element(*map, key.as_deref())),
            ExprKind::MapHas { map, key } => format!("has({})", self.element(*map, Some(key))),
            ExprKind::Call { function, arguments } => {
                let name = &self.program.functions[*function as usize].name;
                format!("{name}({})", self.list(arguments))
            }
            ExprKind::MapLen(map) => format!("len({})", self.element(*map, None)),
        }
    }
}
