//! Macros and functions.

use super::Parser;
use crate::builtins;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{
    Block, Expr, ExprKind, Function, Macro, Name, Parameter, ParameterKind, Stmt, StmtKind, TypeName,
};
use crate::syntax::token::TokenKind;

/// Builtins that bpftrace's grammar knows by name: alone they never mean a parameter or a macro.
const GRAMMAR_NAMES: &[&str] = &["args", "ctx", "kstack", "ustack", "nsecs", "pid", "tid"];

/// Whether a bare name is a builtin to the grammar itself.
pub(crate) fn is_grammar_name(name: &str) -> bool {
    GRAMMAR_NAMES.contains(&name)
        || builtins::argument_number(name).is_some()
        || name.starts_with("__builtin_")
}

impl Parser<'_> {
    /// `macro name(parameters) { body }`
    pub(super) fn macro_definition(&mut self) -> Option<Macro> {
        let start = self.bump().span;
        let name = self.defined_name("the name of the macro")?;
        let Some(opening) = self.eat("(") else {
            self.expected(Code::Expected, "`(`");
            self.skip_definition();
            return None;
        };
        let parameters = self.parameters();
        self.expect_close(")", opening, None);
        self.hidden = parameters.iter().map(|parameter| parameter.name.text.clone()).collect();
        let mut body = self.block();
        self.hidden.clear();
        body.take_last_if();
        Some(Macro { name, parameters, body, span: self.span_from(start) })
    }

    /// `fn name($a : type, …) : type { body }`
    pub(super) fn function_definition(&mut self) -> Option<Function> {
        let start = self.bump().span;
        let name = self.defined_name("the name of the function")?;
        let Some(opening) = self.eat("(") else {
            self.expected(Code::Expected, "`(`");
            self.skip_definition();
            return None;
        };
        let parameters = self.typed_parameters();
        self.expect_close(")", opening, None);
        if !self.expect(":") {
            self.skip_definition();
            return None;
        }
        let result = self.type_name();
        let body = self.block();
        Some(Function { name, parameters, result, body, span: self.span_from(start) })
    }

    /// The parameters of a function, as far as they can be read.
    fn typed_parameters(&mut self) -> Vec<(Name, TypeName)> {
        let mut parameters: Vec<(Name, TypeName)> = Vec::new();
        while !self.at(")") {
            if self.peek(0).kind != TokenKind::Variable {
                self.expected(Code::Expected, "a parameter, as `$name : type`");
                break;
            }
            let name = self.variable_name();
            if !self.expect(":") {
                break;
            }
            let ty = self.type_name();
            if let Some((first, _)) = parameters.iter().find(|(other, _)| other.text == name.text) {
                let message = format!("`${}` is a parameter already", name.text);
                let diagnostic = Diagnostic::error(Code::InvalidParameter, name.span, message)
                    .at(first.span, "the first one");
                self.report(diagnostic);
            }
            parameters.push((name, ty));
            if self.eat(",").is_none() {
                break;
            }
        }
        parameters
    }

    /// The name behind `macro` or `fn`; without one the definition is skipped.
    fn defined_name(&mut self, what: &str) -> Option<Name> {
        let next = self.peek(0);
        if next.kind != TokenKind::Ident {
            self.expected(Code::Expected, what);
            self.skip_definition();
            return None;
        }
        self.bump();
        Some(Name { text: self.slice(next.span).to_string(), span: next.span })
    }

    /// Goes on behind the braces of a definition whose head cannot be read.
    fn skip_definition(&mut self) {
        while !(self.at_end() || self.at("{") || (self.is_on_next_line() && self.looks_like_probe())) {
            self.bump();
        }
        if self.at("{") {
            self.skip_braces();
        }
    }

    /// The parameters of a macro, as far as they can be read.
    fn parameters(&mut self) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        if self.at(")") {
            return parameters;
        }
        loop {
            let next = self.peek(0);
            let (kind, sigil) = match next.kind {
                TokenKind::Variable => (ParameterKind::Variable, 1),
                TokenKind::Map => (ParameterKind::Map, 1),
                TokenKind::Ident => (ParameterKind::Expr, 0),
                _ => {
                    self.expected(Code::Expected, "a parameter: `$variable`, `@map` or `name`");
                    return parameters;
                }
            };
            self.bump();
            let name = Name { text: self.slice(next.span)[sigil..].to_string(), span: next.span };
            if kind == ParameterKind::Expr && is_grammar_name(&name.text) {
                let message = format!("`{}` is a builtin and cannot be a parameter", name.text);
                self.report(Diagnostic::error(Code::InvalidParameter, name.span, message));
            }
            let is_same = |other: &&Parameter| other.kind == kind && other.name.text == name.text;
            if let Some(first) = parameters.iter().find(is_same) {
                let message = format!("`{}` is a parameter already", self.slice(name.span));
                let diagnostic = Diagnostic::error(Code::InvalidParameter, name.span, message)
                    .at(first.name.span, "the first one");
                self.report(diagnostic);
            }
            parameters.push(Parameter { kind, name });
            if self.eat(",").is_none() {
                return parameters;
            }
        }
    }
}

impl Block {
    /// Makes an `if` in last place the value of the block if all of its own blocks have a value.
    pub(super) fn take_last_if(&mut self) {
        if self.value.is_none() {
            self.value =
                self.statements.pop_if(|last| if_has_value(last)).map(|last| Box::new(if_value(last)));
        }
    }
}

/// Whether a statement is an `if` all of whose blocks have a value.
fn if_has_value(stmt: &Stmt) -> bool {
    let StmtKind::If { then, otherwise: Some(otherwise), .. } = &stmt.kind else { return false };
    let has_value =
        |block: &Block| block.value.is_some() || block.statements.last().is_some_and(if_has_value);
    has_value(then) && has_value(otherwise)
}

/// That `if` as an expression.
fn if_value(stmt: Stmt) -> Expr {
    let span = stmt.span;
    let StmtKind::If { condition, mut then, otherwise: Some(mut otherwise) } = stmt.kind else {
        return Expr { kind: ExprKind::Error, span };
    };
    then.take_last_if();
    otherwise.take_last_if();
    Expr { kind: ExprKind::If { condition: Box::new(condition), then, otherwise }, span }
}
