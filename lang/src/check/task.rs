//! relatives of a task → members of `struct task_struct`.

use super::Checker;
use super::cast::convert;
use crate::diagnostic::Code;
use crate::ir::TASK_NAME_SIZE;
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::typed::{Expr, ExprKind, Intrinsic};
use crate::types::Type;
use crate::types::structure::Keyword;

/// A builtin and the members that lead to it.
const RELATIVES: [(&str, [&str; 2]); 4] = [
    ("ppid", ["real_parent", "pid"]),
    ("pcomm", ["real_parent", "comm"]),
    ("leader_tid", ["group_leader", "pid"]),
    ("leader_comm", ["group_leader", "comm"]),
];

/// Whether a builtin tells of a relative of a task.
pub(super) fn is_relative(name: &str) -> bool {
    RELATIVES.iter().any(|(relative, _)| *relative == name)
}

impl Checker<'_> {
    /// `comm(pid)`
    pub(super) fn name_of_process(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [pid] = arguments else { return self.wrong_arguments("comm", span) };
        let pid = self.value(pid)?;
        let pid = convert(self.integer(pid)?, &Type::int(4, true));
        let task = self.structures.structure(Keyword::Struct, "task_struct");
        let member = task.iter().flat_map(|task| &task.members).find(|member| member.name == "comm");
        let Some(offset) = member.map(|member| member.offset) else {
            let message = "where a task keeps its name is not known: this Linux has no BTF";
            return self.error(Code::HostUnavailable, span, message);
        };
        let ty = Type::String { capacity: TASK_NAME_SIZE };
        Some(Expr::new(ExprKind::Intrinsic(Intrinsic::TaskName { offset }, vec![pid]), ty, span))
    }

    /// `ppid` and `ppid(task)`, and its like.
    pub(super) fn relative(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let task = match arguments {
            [] => ast::Expr { kind: ast::ExprKind::Name("curtask".into()), span },
            [task] => task.clone(),
            _ => return self.wrong_arguments(name, span),
        };
        let (_, members) = RELATIVES.iter().find(|(relative, _)| *relative == name)?;
        let through = |of: ast::Expr, member: &&str| {
            let name = Name { text: (*member).into(), span };
            ast::Expr { kind: ast::ExprKind::Member(Box::new(of), name), span }
        };
        let expr = members.iter().fold(task, through);
        self.value(&expr)
    }
}
