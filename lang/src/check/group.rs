//! a probe's events → groups that can share one program.
//!
//! Events share a program if the body means the same for all of them: the same provider, the same layout of
//! the fields that the body reads, and no use of a builtin that tells the events apart.
//!
//! *Invariant:* groups keep the order of their first events; no event occurs twice in one.

use super::walk;
use crate::host::{Field, Host};
use crate::probes::AttachPoint;
use crate::syntax::ast::{Expr, ExprKind, Probe};

/// What of its event a body looks at.
#[derive(Default)]
struct Uses<'a> {
    probe: bool,
    func: bool,
    args: bool,
    fields: Vec<&'a str>,
}

/// All that tells two events apart for a body.
#[derive(PartialEq, Eq)]
struct Meaning {
    provider: &'static str,
    is_syscall: bool,
    name: Option<String>,
    fields: Vec<Option<Field>>,
}

/// Splits the events of a probe into groups.
pub fn group(probe: &Probe, points: Vec<AttachPoint>, host: &dyn Host) -> Vec<Vec<AttachPoint>> {
    let uses = Uses::of(probe);
    let mut groups: Vec<(Meaning, Vec<AttachPoint>)> = Vec::new();
    for point in points {
        let meaning = meaning(&point, &uses, host);
        match groups.iter_mut().find(|(other, _)| *other == meaning) {
            Some((_, members)) if members.contains(&point) && !point.is_special() => {}
            Some((_, members)) if !point.is_special() => members.push(point),
            _ => groups.push((meaning, vec![point])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn meaning(point: &AttachPoint, uses: &Uses<'_>, host: &dyn Host) -> Meaning {
    let mut meaning =
        Meaning { provider: point.provider(), is_syscall: false, name: None, fields: Vec::new() };
    if uses.probe {
        meaning.name = Some(point.to_string());
    }
    match point {
        AttachPoint::Kprobe { function, .. } | AttachPoint::Uprobe { function, .. } if uses.func => {
            meaning.name = Some(function.clone())
        }
        // Such a program belongs to one function.
        AttachPoint::Fentry { .. } => meaning.name = Some(point.to_string()),
        AttachPoint::RawTracepoint { .. } if uses.args => meaning.name = Some(point.to_string()),
        AttachPoint::Tracepoint { category, event } => {
            meaning.is_syscall = category == "syscalls";
            if !uses.fields.is_empty() {
                let format = host.tracepoint(category, event).ok().flatten().unwrap_or_default();
                let find = |name: &&str| format.fields.iter().find(|field| field.name == **name).cloned();
                meaning.fields = uses.fields.iter().map(find).collect();
            }
        }
        _ => {}
    }
    meaning
}

impl<'a> Uses<'a> {
    fn of(probe: &'a Probe) -> Self {
        let mut uses = Self::default();
        let mut visit = |expr: &'a Expr| match &expr.kind {
            ExprKind::Name(name) if name == "probe" => uses.probe = true,
            ExprKind::Name(name) if name == "func" => uses.func = true,
            ExprKind::Name(name) if name == "args" => uses.args = true,
            ExprKind::Call { function, .. } if function.text == "probe" => uses.probe = true,
            // Where a symbol lies is told by where the function does.
            ExprKind::Call { function, .. } if matches!(function.text.as_str(), "func" | "uaddr") => {
                uses.func = true;
            }
            ExprKind::Member(of, field) if matches!(&of.kind, ExprKind::Name(name) if name == "args") => {
                uses.fields.push(&field.text);
            }
            _ => {}
        };
        probe.predicate.iter().for_each(|predicate| walk::expr(predicate, &mut visit));
        walk::block(&probe.body, &mut visit);
        uses
    }
}
