//! calls of functions → [`typed::Expr`]; those without a value are of type void.
//!
//! *Not here:* aggregations (`check::assign`), printing (`check::output`).

use super::Checker;
use super::expr::effect;
use super::scope::Local;
use super::task::is_relative;
use crate::builtins::{self, Kind};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Action, MapId, RecordKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Stmt, StmtKind};
use crate::types::{Space, Type};

impl Checker<'_> {
    /// `function(arguments)`
    pub(super) fn call(&mut self, function: &ast::Name, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let name = function.text.as_str();
        if let Some(call) = self.function_call(name, arguments, span) {
            return call;
        }
        let Some(builtin) = builtins::find(name) else {
            return self.unknown_name(name, function.span, "function");
        };
        match builtin.kind {
            Kind::Variable if is_relative(name) => return self.relative(name, arguments, span),
            Kind::Variable if arguments.is_empty() => return self.builtin_variable(name, span),
            Kind::Variable if name == "comm" => return self.name_of_process(arguments, span),
            Kind::Variable if name == "nsecs" => return self.clock(arguments, span),
            Kind::Variable if matches!(name, "pid" | "tid") => return self.id_in(name, arguments, span),
            Kind::Variable => {
                let message = format!("`{name}` takes no arguments");
                return self.error(Code::WrongArguments, span, message);
            }
            Kind::Aggregation => {
                let message = format!("`{name}()` must be assigned to a map directly");
                self.report(
                    Diagnostic::error(Code::MisplacedAggregation, span, message)
                        .help(format!("write `@ = {name}(…);`")),
                );
                return None;
            }
            Kind::Function => {}
        }
        if builtins::COMPTIME.iter().any(|builtin| builtin.name == name) {
            return self.computed(name, arguments, span);
        }
        if builtins::UNSAFE.contains(&name) && !self.environment.unsafe_allowed {
            let message = format!("`{name}` can harm this machine, so it must be allowed first");
            self.report(
                Diagnostic::error(Code::UnsafeFunction, span, message)
                    .help("allow it: `%set unsafe on` in a notebook, `--unsafe` on the command line"),
            );
        }
        match name {
            "printf" => self.formatted(name, Action::Print, arguments, span),
            "cat" => self.formatted(name, Action::Cat { limit: self.config.max_cat_bytes }, arguments, span),
            "system" => self.formatted(name, Action::System, arguments, span),
            "warnf" => self.formatted(name, Action::Warn, arguments, span),
            "debugf" => self.debugf(arguments, span),
            "assert" => self.assert(arguments, span),
            "container_of" => self.container_of(arguments, span),
            "errorf" => self.formatted(name, Action::Error, arguments, span),
            "print" => self.print(arguments, span),
            "time" => self.time(arguments, span),
            "join" => self.join(arguments, span),
            "buf" => self.buf(arguments, span),
            "macaddr" => self.macaddr(arguments, span),
            "ntop" => self.ntop(arguments, span),
            "pton" => self.pton(arguments, span),
            "strftime" => self.strftime(arguments, span),
            "cgroup_path" => self.cgroup_path(arguments, span),
            "cgroupid" => self.cgroupid(arguments, span),
            "exit" => self.exit(arguments, span),
            "clear" => self.map_command(name, arguments, span, RecordKind::ClearMap),
            "zero" => self.map_command(name, arguments, span, RecordKind::ZeroMap),
            "delete" => self.delete(arguments, span),
            "has_key" => self.has_key(arguments, span),
            "find" => self.find(arguments, span),
            "len" => self.len(arguments, span),
            "kptr" => self.address_in(name, arguments, Space::Kernel, span),
            "uptr" => self.address_in(name, arguments, Space::User, span),
            "str" => self.str(arguments, span),
            "reg" => self.cpu_register(arguments, span),
            "kaddr" => self.kernel_address(arguments, span),
            "uaddr" => self.user_address(arguments, span),
            "percpu_kaddr" => self.per_cpu_address(arguments, span),
            "signal" | "signal_thread" => self.signal(name, arguments, span),
            "override" => self.override_result(arguments, span),
            "write_user" => self.write_user(arguments, span),
            "is_err" => self.is_error(arguments, span),
            _ => self.text_function(name, arguments, span),
        }
    }

    pub(super) fn wrong_arguments<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let message = format!("these are not the arguments of `{name}`");
        let mut diagnostic = Diagnostic::error(Code::WrongArguments, span, message);
        if let Some(builtin) = builtins::find(name) {
            diagnostic = diagnostic.help(format!("it is called as `{}`", builtin.signature));
        }
        self.report(diagnostic);
        None
    }

    /// `exit([code])`: also leaves the probe.
    fn exit(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        if self.is_in_function() {
            self.report(
                Diagnostic::error(Code::NotAvailable, span, "a function cannot end the probe that calls it")
                    .help("give a value back, and call `exit()` in the probe; or use a macro"),
            );
            return None;
        }
        let code = match arguments {
            [] => super::expr::integer_literal(0, span),
            [code] => self.value(code)?,
            _ => return self.wrong_arguments("exit", span),
        };
        let code = super::cast::convert(self.integer(code)?, &Type::I64);
        let emit = Stmt { kind: StmtKind::Emit { kind: RecordKind::Exit, fields: vec![code] }, span };
        let leave = Stmt { kind: StmtKind::Return(None), span };
        Some(super::expr::block_of(vec![emit, leave], None, span))
    }

    fn map_command(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        span: Span,
        kind: fn(MapId) -> RecordKind,
    ) -> Option<Expr> {
        let map = self.map_argument(name, arguments, span)?;
        Some(effect(StmtKind::Emit { kind: kind(map), fields: Vec::new() }, span))
    }

    /// The only argument, a whole map.
    fn map_argument(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<MapId> {
        let [argument] = arguments else { return self.wrong_arguments(name, span) };
        match &argument.kind {
            ast::ExprKind::Map(map) => self.whole_map(map, argument.span),
            _ => {
                let message = format!("`{name}` takes a whole map");
                self.error(Code::WrongArguments, argument.span, message)
            }
        }
    }

    fn len(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let map = self.map_argument("len", arguments, span)?;
        if self.maps.state(map).is_keyed() == Some(false) {
            let message = "this map has no key, so its length is always 1";
            return self.error(Code::WrongArguments, arguments[0].span, message);
        }
        Some(Expr::new(ExprKind::MapLen(map), Type::I64, span))
    }

    fn has_key(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (map, key) = self.keyed_argument("has_key", arguments, span)?;
        let Some(key) = key else {
            return self.error(Code::WrongArguments, span, "this map has no key");
        };
        Some(Expr::new(ExprKind::MapHas { map, key: Box::new(key) }, Type::Bool, span))
    }

    /// `find(@m, k, $v)`: the same as `{ $k = k; has_key(@m, $k) ? { $v = @m[$k]; true } : false }`.
    fn find(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [map, key, target] = arguments else { return self.wrong_arguments("find", span) };
        let (ast::ExprKind::Map(name), ast::ExprKind::Variable(variable)) = (&map.kind, &target.kind) else {
            return self.wrong_arguments("find", span);
        };
        let id = self.whole_map(name, map.span)?;
        if self.maps.state(id).is_keyed() == Some(false) {
            return self.error(Code::WrongArguments, map.span, "this map has no key");
        }
        let (_, Some(key)) = self.element(name, map.span, Some(std::slice::from_ref(key)))? else {
            return self.wrong_arguments("find", span);
        };
        let Some(variable) = self.scope.find(variable, target.span) else {
            return self.undefined_variable(variable, target.span);
        };
        let kept = self.scope.declare(Local {
            name: "key of find".to_owned(),
            span: key.span,
            declared: Some(key.ty.clone()),
            is_assigned: true,
            is_read: true,
            is_implicit: true,
        });
        let of_kept = || Expr::new(ExprKind::Variable(kept), key.ty.clone(), key.span);
        let value = self.read_element(id, Some(of_kept()), span)?;
        self.scope.local_mut(variable).is_assigned = true;
        let value = Some(self.fit(variable, value)?);
        let has = ExprKind::MapHas { map: id, key: Box::new(of_kept()) };
        let truth = |truth| Expr::new(ExprKind::Bool(truth), Type::Bool, span);
        let take = Stmt { kind: StmtKind::Set { variable, value }, span };
        let found = ExprKind::Ternary {
            condition: Box::new(Expr::new(has, Type::Bool, span)),
            then: Box::new(super::expr::block_of(vec![take], Some(truth(true)), span)),
            otherwise: Box::new(truth(false)),
        };
        let keep = Stmt { span: key.span, kind: StmtKind::Set { variable: kept, value: Some(key) } };
        let found = Expr::new(found, Type::Bool, span);
        Some(super::expr::block_of(vec![keep], Some(found), span))
    }

    fn delete(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let (map, key) = self.keyed_argument("delete", arguments, span)?;
        let key = key.map(Box::new);
        Some(Expr::new(ExprKind::MapDelete { map, key }, Type::Bool, span))
    }

    /// `(@m, k)`, `(@m, (a, b))`, `(@m, a, b)`, `(@m[k])` or `(@scalar)`.
    fn keyed_argument(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<(MapId, Option<Expr>)> {
        let Some((first, rest)) = arguments.split_first() else { return self.wrong_arguments(name, span) };
        match &first.kind {
            ast::ExprKind::Map(map) if rest.is_empty() => {
                let id = self.whole_map(map, first.span)?;
                if self.maps.state(id).is_keyed() == Some(true) {
                    let message = "the key is missing";
                    self.report(
                        Diagnostic::error(Code::WrongArguments, span, message)
                            .help(format!("write `{name}(@{map}, key)`")),
                    );
                    return None;
                }
                self.element(map, first.span, None)
            }
            ast::ExprKind::Map(map) => {
                self.whole_map(map, first.span)?;
                self.element(map, first.span, Some(rest))
            }
            ast::ExprKind::MapElement { map, key } if rest.is_empty() => {
                self.whole_map(&map.text, map.span)?;
                self.element(&map.text, map.span, Some(key))
            }
            _ => self.wrong_arguments(name, span),
        }
    }
}
