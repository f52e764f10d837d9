//! relatives of a task → members of `struct task_struct`.

use super::Checker;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, Name};
use crate::typed::Expr;

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
    /// `ppid` and `ppid(task)`, and its like.
    pub(super) fn relative(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let task = match arguments {
            [] => ast::Expr { kind: ExprKind::Name("curtask".into()), span },
            [task] => task.clone(),
            _ => return self.wrong_arguments(name, span),
        };
        let (_, members) = RELATIVES.iter().find(|(relative, _)| *relative == name)?;
        let through = |of: ast::Expr, member: &&str| {
            let name = Name { text: (*member).into(), span };
            ast::Expr { kind: ExprKind::Member(Box::new(of), name), span }
        };
        let expr = members.iter().fold(task, through);
        self.value(&expr)
    }
}
