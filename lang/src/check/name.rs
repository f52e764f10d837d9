//! bare names → what they stand for: builtin variables, and calls without parentheses.

use super::Checker;
use super::cast::convert;
use super::expr::{block_of, integer_literal, string_literal};
use super::task::is_relative;
use crate::builtins::{self, Availability};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Ambient, Clock, RuntimeWarning};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Quantity, Stmt, StmtKind};
use crate::types::handle::Handle;
use crate::types::structure::Keyword;
use crate::types::{Space, Type};

/// Names of bpftrace that are known to exist, but mean nothing here yet.
const LATER: &[&str] = &["ctx", "kstack", "ustack", "dw_ustack", "ksym", "usym"];

/// Functions that only mean something in probes that Probebook does not have yet, and these probes.
const ELSEWHERE: &[(&str, &str)] = &[
    ("path", "fentry, fexit and iter"),
    ("skboutput", "fentry, fexit and iter"),
    ("socket_cookie", "fentry, fexit and iter"),
];

/// Arguments that the calling convention passes in registers (x86-64).
const REGISTER_ARGUMENTS: u8 = 6;
/// Arguments that a raw tracepoint can have.
const RAW_ARGUMENTS: u8 = 12;

impl<'a> Checker<'a> {
    /// A name that stands alone: a builtin variable, or a function without arguments.
    pub(super) fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        match builtins::find(name).map(|builtin| builtin.kind) {
            Some(builtins::Kind::Variable) if is_relative(name) => self.relative(name, &[], span),
            Some(builtins::Kind::Variable) => self.builtin_variable(name, span),
            Some(builtins::Kind::Function) => {
                let function = ast::Name { text: name.to_string(), span };
                self.call(&function, &[], span)
            }
            Some(builtins::Kind::Aggregation) => {
                let message = format!("`{name}` is a function and must be called");
                self.report(
                    Diagnostic::error(Code::UnknownName, span, message)
                        .help(format!("write `@ = {name}(…)`")),
                );
                None
            }
            None => match self.structures.enum_constant(name) {
                Some((of, value)) => Some(Expr::new(ExprKind::Int(value), of.ty(), span)),
                None => self.unknown_name(name, span, "name"),
            },
        }
    }

    pub(super) fn unknown_name<T>(&mut self, name: &str, span: Span, what: &str) -> Option<T> {
        let mut diagnostic =
            Diagnostic::error(Code::UnknownName, span, format!("there is no {what} `{name}`"));
        if let Some((_, probes)) = ELSEWHERE.iter().find(|(other, _)| *other == name) {
            let message = format!("`{name}` has no meaning in {} probes", self.point().provider());
            diagnostic = Diagnostic::error(Code::NotAvailable, span, message)
                .note(format!("it can be used in {probes} probes, which are not supported yet"));
        } else if LATER.contains(&name) {
            let message = format!("`{name}` is not supported yet");
            diagnostic = Diagnostic::error(Code::Unsupported, span, message);
        } else if let Some(definition) = self.structures.declared().with_parameters.get(name) {
            let message = format!("`{name}` has parameters, so it can only be used in the C part");
            diagnostic = Diagnostic::error(Code::InvalidDefine, span, message)
                .at(*definition, "defined here")
                .help(format!("define it as `macro {name}(…) {{ … }}`"));
        } else if self.scope.find(name, span).is_some() {
            diagnostic = diagnostic.help(format!("did you mean the variable `${name}`?"));
        } else if let Some(near) = super::suggest::nearest(name, self.names(what)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
        None
    }

    /// Names that could have been meant.
    fn names(&self, what: &str) -> impl Iterator<Item = &'a str> {
        let constants = self.structures.declared().constants.keys().map(String::as_str);
        let constants = constants.filter(move |_| what == "name");
        builtins::all().map(|builtin| builtin.name).chain(constants)
    }

    /// A builtin variable, which is in the tables.
    pub(super) fn builtin_variable(&mut self, name: &str, span: Span) -> Option<Expr> {
        self.available(name, span)?;
        let point = self.point();
        let ambient = |ambient, ty| Some(Expr::new(ExprKind::Ambient(ambient), ty, span));
        let u32 = Type::int(4, false);
        match name {
            "args" if matches!(point, AttachPoint::RawTracepoint { .. } | AttachPoint::Fentry { .. }) => {
                self.whole_args(span)
            }
            "args" => {
                self.report(
                    Diagnostic::error(Code::TypeMismatch, span, "`args` alone has no value")
                        .help("read one of its fields: `args.field`"),
                );
                None
            }
            "config" => Some(self.configuration(span)),
            "retval" if matches!(point, AttachPoint::Fentry { .. }) => self.typed_result(span),
            "retval" => Some(Expr::new(ExprKind::ReturnValue, Type::U64, span)),
            "comm" => Some(Expr::new(ExprKind::Comm, Type::String { capacity: 16 }, span)),
            "pid" => ambient(Ambient::Pid, u32),
            "tid" => ambient(Ambient::Tid, u32),
            "uid" => ambient(Ambient::Uid, Type::U64),
            "username" => {
                let id = Expr::new(ExprKind::Ambient(Ambient::Uid), Type::U64, span);
                Some(super::data::handle(Handle::Username, id, span))
            }
            "gid" => ambient(Ambient::Gid, Type::U64),
            "nsecs" => Some(time(Ambient::Time(Clock::Boot), span)),
            "elapsed" => Some(time(Ambient::Elapsed, span)),
            "curtask" => match self.structures.structure(Keyword::Struct, "task_struct") {
                Some(task) => ambient(Ambient::Task, task.ty().pointer(Space::Kernel)),
                None => ambient(Ambient::Task, Type::U64),
            },
            "cpu" => ambient(Ambient::Cpu, Type::U64),
            "rand" => ambient(Ambient::Random, Type::U64),
            "cgroup" => ambient(Ambient::Cgroup, Type::U64),
            "numaid" => ambient(Ambient::Node, Type::U64),
            "jiffies" => ambient(Ambient::Jiffies, Type::U64),
            "usermode" => ambient(Ambient::UserMode, Type::int(1, false)),
            "cpid" => Some(self.command(span)),
            "has_cpid" => Some(super::fold::boolean(self.environment.command.is_some(), span)),
            "ncpus" => {
                let count = integer_literal(i128::from(self.host.cpus()), span);
                Some(Expr::new(ExprKind::Cast(Box::new(count)), Type::U64, span))
            }
            "probe" => Some(string_literal(point.to_string().into_bytes(), span)),
            "probetype" => {
                let provider = match point {
                    AttachPoint::Begin | AttachPoint::End | AttachPoint::Signal => "special",
                    _ => point.provider(),
                };
                Some(string_literal(provider.into(), span))
            }
            "func" => match point {
                AttachPoint::Kprobe { function, .. }
                | AttachPoint::Fentry { function, .. }
                | AttachPoint::Uprobe { function, .. } => {
                    Some(string_literal(function.clone().into_bytes(), span))
                }
                _ => None,
            },
            _ => self.argument(name, span),
        }
    }

    /// `cpid`: the process of the command that runs with the program.
    fn command(&mut self, span: Span) -> Expr {
        let number = |n: u32| convert(integer_literal(i128::from(n), span), &Type::U64);
        if let Some(command) = self.environment.command {
            return number(command);
        }
        let warn = Stmt { kind: StmtKind::Warn(RuntimeWarning::NoCommand), span };
        block_of(vec![warn], Some(number(0)), span)
    }

    /// `pid(namespace)` and `tid(namespace)`
    pub(super) fn id_in(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [namespace] = arguments else { return self.wrong_arguments(name, span) };
        let word = match &namespace.kind {
            ast::ExprKind::Name(word) => word.as_str(),
            _ => "",
        };
        let ambient = match (name, word) {
            ("pid", "curr_ns") => Ambient::Pid,
            ("pid", "init") => Ambient::InitialPid,
            (_, "curr_ns") => Ambient::Tid,
            (_, "init") => Ambient::InitialTid,
            _ => {
                self.report(
                    Diagnostic::error(Code::WrongArguments, namespace.span, "this is not a PID namespace")
                        .help("`curr_ns` numbers processes as we see them, `init` as the machine does"),
                );
                return None;
            }
        };
        Some(Expr::new(ExprKind::Ambient(ambient), Type::int(4, false), span))
    }

    fn argument(&mut self, name: &str, span: Span) -> Option<Expr> {
        let n = builtins::argument_number(name)?;
        let count = match self.point() {
            AttachPoint::RawTracepoint { .. } => RAW_ARGUMENTS,
            _ => REGISTER_ARGUMENTS,
        };
        if n >= count {
            let message = format!("only arg0 to arg{} can be read in {} probes", count - 1, {
                self.point().provider()
            });
            return self.error(Code::NotAvailable, span, message);
        }
        Some(Expr::new(ExprKind::Argument(n), Type::U64, span))
    }

    /// `nsecs(clock)`
    pub(super) fn clock(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [clock] = arguments else {
            return self.error(Code::WrongArguments, span, "`nsecs` takes the name of one clock");
        };
        let name = match &clock.kind {
            ast::ExprKind::Name(name) => name.as_str(),
            _ => "",
        };
        let clock = match name {
            "boot" => Clock::Boot,
            "monotonic" => Clock::Monotonic,
            // Since Linux 6.1 the kernel tells atomic time itself.
            "tai" | "sw_tai" => Clock::Tai,
            _ => {
                self.report(
                    Diagnostic::error(Code::WrongArguments, clock.span, "this is not a clock")
                        .help("the clocks are boot, monotonic, tai and sw_tai"),
                );
                return None;
            }
        };
        Some(time(Ambient::Time(clock), span))
    }

    /// Reports a builtin where it means nothing.
    pub(super) fn available(&mut self, name: &str, span: Span) -> Option<()> {
        let builtin = builtins::find(name)?;
        if self.is_in_function() {
            let is_everywhere = builtin.availability == Availability::Everywhere;
            return self.available_in_function(name, is_everywhere, span);
        }
        if builtin.is_available_at(self.point()) {
            return Some(());
        }
        let message = format!("`{name}` has no meaning in {} probes", self.point().provider());
        let mut diagnostic = Diagnostic::error(Code::NotAvailable, span, message);
        if let Availability::Providers(names) = builtin.availability {
            diagnostic = diagnostic.note(format!("it can be used in {} probes", listed(names)));
        }
        let instead = match (name, self.point()) {
            (
                "args",
                AttachPoint::Kprobe { at_return: false, .. } | AttachPoint::Uprobe { at_return: false, .. },
            ) => Some("read the arguments as arg0, arg1, …"),
            ("retval", AttachPoint::Fentry { .. }) => Some("attach to the return: `fexit:…`"),
            (_, AttachPoint::Fentry { .. }) if name.starts_with("arg") => {
                Some("read the arguments by their names: `args.name`")
            }
            ("retval", AttachPoint::Kprobe { .. }) => Some("attach to the return: `kretprobe:…`"),
            ("retval", AttachPoint::Uprobe { .. }) => Some("attach to the return: `uretprobe:…`"),
            ("retval", AttachPoint::Tracepoint { event, .. }) if event.starts_with("sys_exit") => {
                Some("what a system call returned is `args.ret`")
            }
            (_, AttachPoint::Tracepoint { .. }) if name.starts_with("arg") => {
                Some("read the fields of the tracepoint: `args.field`")
            }
            (_, AttachPoint::Kprobe { at_return: true, .. }) if name.starts_with("arg") => {
                Some("keep the arguments in a map at the entry: `kprobe:… { @arg[tid] = arg0; }`")
            }
            (_, AttachPoint::Uprobe { at_return: true, .. }) if name.starts_with("arg") => {
                Some("keep the arguments in a map at the entry: `uprobe:… { @arg[tid] = arg0; }`")
            }
            _ => None,
        };
        if let Some(instead) = instead {
            diagnostic = diagnostic.help(instead);
        }
        self.report(diagnostic);
        None
    }
}

/// `a`, `a and b` or `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [some @ .., last] if !some.is_empty() => format!("{} and {last}", some.join(", ")),
        _ => names.concat(),
    }
}

fn time(ambient: Ambient, span: Span) -> Expr {
    Expr::new(ExprKind::Ambient(ambient), Type::U64, span).measuring(Some(Quantity::Timestamp))
}
