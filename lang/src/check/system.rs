//! calls that act on processes, or read variables of Linux → [`typed::Expr`](crate::typed::Expr).

use super::Checker;
use super::cast::convert;
use super::expr::effect;
use super::infer::literal;
use crate::diagnostic::{Code, Diagnostic, suggest};
use crate::host::Unavailable;
use crate::source::Span;
use crate::syntax::ast::{self, UnaryOp};
use crate::typed::{Expr, ExprKind, Intrinsic, StmtKind};
use crate::types::Type;
use crate::types::layout::Layout;

/// The names of signals by their numbers, from 1 on, without the `SIG`.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
/// The largest number of a signal.
const LAST_SIGNAL: i128 = 64;

impl Checker<'_> {
    /// `signal(signal)` and `signal_thread(signal)`
    pub(super) fn signal(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [signal] = arguments else { return self.wrong_arguments(name, span) };
        let number = match &signal.kind {
            ast::ExprKind::String(text) => {
                let number = self.signal_number(&String::from_utf8_lossy(text), signal.span)?;
                super::expr::integer_literal(number, signal.span)
            }
            _ => self.value(signal)?,
        };
        if literal(&number).is_some_and(|number| !(1..=LAST_SIGNAL).contains(&number)) {
            let message = format!("the number of a signal is from 1 to {LAST_SIGNAL}");
            return self.error(Code::WrongArguments, signal.span, message);
        }
        if matches!(number.ty, Type::String { .. }) {
            let message = "the name of a signal is a literal";
            return self.error(Code::WrongArguments, signal.span, message);
        }
        self.available(name, span)?;
        let number = convert(self.integer(number)?, &Type::I64);
        let what = Intrinsic::Signal { thread: name == "signal_thread" };
        let send = Expr::new(ExprKind::Intrinsic(what, vec![number]), Type::I64, span);
        Some(effect(StmtKind::Expr(send), span))
    }

    /// The number of a signal's name, as `SIGKILL` or `kill`.
    fn signal_number(&mut self, name: &str, span: Span) -> Option<i128> {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(index) = SIGNALS.iter().position(|signal| *signal == short) {
            return Some(index as i128 + 1);
        }
        let mut diagnostic =
            Diagnostic::error(Code::WrongArguments, span, format!("there is no signal `{name}`"));
        if let Some(near) = suggest::nearest(short, SIGNALS) {
            diagnostic = diagnostic.help(format!("did you mean `SIG{near}`?"));
        }
        self.report(diagnostic);
        None
    }

    /// `override(result)`
    pub(super) fn override_result(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [result] = arguments else { return self.wrong_arguments("override", span) };
        self.available("override", span)?;
        let result = self.value(result)?;
        let result = convert(self.integer(result)?, &Type::I64);
        let what = Expr::new(ExprKind::Intrinsic(Intrinsic::Override, vec![result]), Type::I64, span);
        Some(effect(StmtKind::Expr(what), span))
    }

    /// `write_user(address, &$bytes, length)`
    pub(super) fn write_user(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [address, bytes, length] = arguments else { return self.wrong_arguments("write_user", span) };
        let (address, length) = (self.value(address), self.value(length));
        let ast::ExprKind::Unary(UnaryOp::AddressOf, of) = &bytes.kind else {
            let message = "the bytes to write are those of a variable or map";
            self.report(
                Diagnostic::error(Code::WrongArguments, bytes.span, message)
                    .help("keep them in a variable and take its address: `&$bytes`"),
            );
            return None;
        };
        let bytes = self.value(of)?;
        let (address, length) = (address?, length?);
        let size = Layout::of(&bytes.ty).size;
        if literal(&length).is_some_and(|length| !(0..=i128::from(size)).contains(&length)) {
            let message = format!("this value has only {size} bytes");
            return self.error(Code::WrongArguments, length.span, message);
        }
        let address = convert(self.integer(address)?, &Type::U64);
        let length = convert(self.integer(length)?, &Type::U64);
        let operands = vec![address, bytes, length];
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::WriteUser, operands), Type::Bool, span))
    }

    /// `percpu_kaddr("variable"[, cpu])`
    pub(super) fn per_cpu_address(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let Some((name, cpu)) = arguments.split_first() else {
            return self.wrong_arguments("percpu_kaddr", span);
        };
        if cpu.len() > 1 {
            return self.wrong_arguments("percpu_kaddr", span);
        }
        let cpu: Vec<_> = cpu.iter().map(|cpu| self.value(cpu)).collect();
        let (name, place) = self.literal_name("percpu_kaddr", std::slice::from_ref(name), span)?;
        let name = String::from_utf8_lossy(name);
        let variable = match self.host.kernel_variable(&name) {
            Ok(Some(variable)) => variable,
            Ok(None) => {
                let message = format!("Linux has no per-CPU variable `{name}`");
                return self.error(Code::UnknownName, place, message);
            }
            Err(Unavailable(why)) => return self.error(Code::HostUnavailable, place, why),
        };
        let cpu: Option<Vec<_>> = cpu.into_iter().collect();
        let cpu: Option<Vec<_>> = cpu?.into_iter().map(|cpu| self.integer(cpu)).collect();
        let operands = cpu?.into_iter().map(|cpu| convert(cpu, &Type::U64)).collect();
        let what = Intrinsic::PerCpuAddress { variable };
        let address = Expr::new(ExprKind::Intrinsic(what, operands), Type::U64, span);
        Some(super::symbol::in_linux(address, span))
    }
}
