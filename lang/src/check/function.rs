//! functions of the program: their signatures, their bodies and calls of them.
//!
//! A function is compiled into every program whose probe calls it, on whatever way. It knows nothing of the
//! event: what it needs is passed to it.
//!
//! *Invariant:* no function calls itself, on no way, because Linux has no stack for that.

use std::collections::BTreeSet;

use super::cast::convert;
use super::infer::{Shape, fits, literal};
use super::scope::Local;
use super::{Checker, walk};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast, TypeKind};
use crate::typed::{self, Expr, ExprKind, Stmt, StmtKind};
use crate::types::Type;

/// The calling convention passes so many arguments.
const MAX_PARAMETERS: usize = 5;

/// Builtins that tell of the event, which a function does not know.
const OF_THE_EVENT: &[&str] = &["probe", "probetype"];

/// The types of a function.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    parameters: Vec<Type>,
    /// Void if it gives nothing back.
    result: Type,
}

/// Functions that are defined twice, and those that call themselves.
pub(super) fn misdefined(functions: &[ast::Function]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut reported = BTreeSet::new();
    for (index, function) in functions.iter().enumerate() {
        let name = &function.name;
        if let Some(first) = functions[..index].iter().find(|other| other.name.text == name.text) {
            let message = format!("the function `{}` is defined already", name.text);
            diagnostics.push(
                Diagnostic::error(Code::FunctionRedefinition, name.span, message)
                    .at(first.name.span, "the first definition"),
            );
        }
        let mut chain = vec![name.text.as_str()];
        if let Some(call) = way_to(&name.text, function, functions, &mut chain)
            && !chain.iter().any(|name| reported.contains(name))
        {
            reported.extend(chain.iter().copied());
            let chain: Vec<_> = chain.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the function `{}` calls itself", name.text);
            diagnostics.push(
                Diagnostic::error(Code::FunctionRecursion, name.span, message)
                    .at(call, "by this call")
                    .note(format!("the chain of calls is {}", chain.join(" → ")))
                    .note("programs in Linux have no stack for recursion"),
            );
        }
    }
    diagnostics
}

/// The call in `function` that leads to the function `name`; `chain` gets the names on the way.
fn way_to<'a>(
    name: &str,
    function: &'a ast::Function,
    functions: &'a [ast::Function],
    chain: &mut Vec<&'a str>,
) -> Option<Span> {
    let mut calls = Vec::new();
    walk::block(&function.body, &mut |expr| {
        if let Ast::Call { function, .. } = &expr.kind {
            calls.push((function.text.as_str(), expr.span));
        }
    });
    for (called, span) in calls {
        if called == name {
            chain.push(called);
            return Some(span);
        }
        let Some(next) = functions.iter().find(|one| one.name.text == called) else { continue };
        if chain.contains(&called) {
            continue;
        }
        chain.push(called);
        if way_to(name, next, functions, chain).is_some() {
            return Some(span);
        }
        chain.pop();
    }
    None
}

impl Checker<'_> {
    /// The signatures of all functions, as far as their types are known.
    pub(super) fn sign_functions(&mut self) {
        let functions = self.functions;
        self.signatures = functions.iter().map(|function| self.signature(function)).collect();
    }

    fn signature(&mut self, function: &ast::Function) -> Option<Signature> {
        if let Some((sixth, _)) = function.parameters.get(MAX_PARAMETERS) {
            let message = format!("a function takes at most {MAX_PARAMETERS} parameters");
            self.report(
                Diagnostic::error(Code::Unsupported, sixth.span, message)
                    .note("that many registers pass arguments in Linux's calling convention"),
            );
            return None;
        }
        let parameters: Vec<_> = function
            .parameters
            .iter()
            .map(|(_, ty)| {
                let passed = self.written_type(ty)?;
                if passed.is_scalar() || matches!(passed, Type::String { .. }) {
                    return Some(passed);
                }
                let message = format!("a value of type {passed} cannot be passed to a function");
                self.report(
                    Diagnostic::error(Code::Unsupported, ty.span, message)
                        .help("pass its parts, or use a macro"),
                );
                None
            })
            .collect();
        let result = match &function.result.kind {
            TypeKind::Named(name) if name == "void" => Some(Type::Void),
            _ => self.written_type(&function.result).and_then(|result| {
                if result.is_scalar() {
                    return Some(result);
                }
                let message = format!("a function cannot give back a value of type {result}");
                self.report(
                    Diagnostic::error(Code::Unsupported, function.result.span, message)
                        .help("use a macro, or keep the value in a map"),
                );
                None
            }),
        };
        Some(Signature { parameters: parameters.into_iter().collect::<Option<_>>()?, result: result? })
    }

    /// Whether the body being walked is that of a function.
    pub(super) fn is_in_function(&self) -> bool {
        self.bodies[self.body].function.is_some()
    }

    /// The body of a function.
    pub(super) fn function(&mut self, index: usize) -> Option<typed::Function> {
        let function = &self.functions[index];
        let signature = self.signatures[index].clone();
        self.scope.enter();
        let mut parameters = Vec::new();
        for (number, (name, _)) in function.parameters.iter().enumerate() {
            parameters.push(self.scope.declare(Local {
                name: name.text.clone(),
                span: name.span,
                declared: signature.as_ref().map(|signature| signature.parameters[number].clone()),
                is_assigned: true,
                is_read: false,
                is_implicit: true,
            }));
        }
        let mut body = self.statements(&function.body.statements, function.body.value.as_deref());
        if let Some(value) = &function.body.value {
            body.extend(self.expression_statement(value));
        }
        self.warn_variables();
        self.scope.leave();
        let result = signature?.result;
        // What is wrong has been left out of the body, perhaps its return.
        let is_inside = |span: Span| function.span.start <= span.start && span.end <= function.span.end;
        let is_wrong = self.diagnostics.iter().any(|one| one.is_error() && is_inside(one.span));
        if result != Type::Void && !is_wrong && !body.iter().any(super::stmt::always_leaves) {
            let end = Span::new(function.span.end - 1, function.span.end);
            let message = format!("the function `{}` can end here without a result", function.name.text);
            self.report(
                Diagnostic::error(Code::MissingReturn, end, message)
                    .at(function.result.span, "it gives back a value of this type")
                    .help("write `return …;` on every way"),
            );
        }
        Some(typed::Function {
            name: function.name.text.clone(),
            parameters,
            variables: self.variables(),
            result,
            body,
            span: function.span,
        })
    }

    /// `return` in a function.
    pub(super) fn function_return(&mut self, value: Option<&ast::Expr>, span: Span) -> Option<Stmt> {
        let index = self.bodies[self.body].function?;
        let checked = value.map(|value| self.value(value));
        let result = self.signatures[index].as_ref()?.result.clone();
        let value = match (checked, &result) {
            (None, Type::Void) => None,
            (None, _) => {
                let message = format!("this function gives back a value of type {result}");
                return self.error(Code::TypeMismatch, span, message);
            }
            (Some(_), Type::Void) => {
                return self.error(Code::TypeMismatch, span, "this function gives nothing back");
            }
            (Some(value), _) => Some(self.pass(value?, &result, "given back")?),
        };
        Some(Stmt { kind: StmtKind::Return(value), span })
    }

    /// A call of a function of the program; `None` outside if there is none of that name.
    pub(super) fn function_call(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Option<Expr>> {
        let index = self.functions.iter().position(|function| function.name.text == name)?;
        Some(self.call_of(index, arguments, span))
    }

    fn call_of(&mut self, index: usize, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let function = &self.functions[index];
        let checked: Vec<_> = arguments.iter().map(|argument| self.value(argument)).collect();
        let Signature { parameters, result } = self.signatures[index].clone()?;
        if parameters.len() != arguments.len() {
            let (wanted, given) = (parameters.len(), arguments.len());
            let name = &function.name;
            let message = format!("the function `{}` takes {wanted} arguments, not {given}", name.text);
            self.report(Diagnostic::error(Code::WrongArguments, span, message).at(name.span, "defined here"));
            return None;
        }
        let passed: Vec<_> = checked
            .into_iter()
            .zip(&parameters)
            .map(|(value, parameter)| self.pass(value?, parameter, "passed"))
            .collect();
        let arguments = passed.into_iter().collect::<Option<_>>()?;
        Some(Expr::new(ExprKind::Call { function: index as u32, arguments }, result, span))
    }

    /// A value in the type that a function takes or gives back.
    fn pass(&mut self, value: Expr, to: &Type, verb: &str) -> Option<Expr> {
        let is_fitting = match (to, &value.ty) {
            (Type::Int { width, signed }, Type::Int { .. }) => {
                literal(&value).is_none_or(|number| fits(number, *width, *signed))
            }
            (Type::String { capacity }, Type::String { capacity: needed }) => needed <= capacity,
            (Type::Pointer { space, .. }, Type::Pointer { space: other, .. }) => space == other,
            _ => Shape::of(to).join(&Shape::of_expr(&value)).is_some_and(|joined| joined.ty() == *to),
        };
        if is_fitting {
            return Some(convert(value, to));
        }
        let message = match literal(&value) {
            Some(number) if matches!(to, Type::Int { .. }) => format!("{number} does not fit in {to}"),
            _ => format!("a value of type {} cannot be {verb} as {to}", value.ty),
        };
        self.error(Code::TypeMismatch, value.span, message)
    }

    /// Reports a builtin that a function cannot use; `None` then.
    pub(super) fn available_in_function(
        &mut self,
        name: &str,
        is_everywhere: bool,
        span: Span,
    ) -> Option<()> {
        if is_everywhere && !OF_THE_EVENT.contains(&name) {
            return Some(());
        }
        let message = format!("`{name}` tells of an event, which a function does not know");
        self.report(
            Diagnostic::error(Code::NotAvailable, span, message)
                .help("pass it to the function as an argument"),
        );
        None
    }
}
