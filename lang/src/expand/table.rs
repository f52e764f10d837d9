//! definitions of macros → [`Table`], in which a call finds the one it means.
//!
//! A name may be defined several times, for other numbers and kinds of arguments. The first definition that
//! takes the arguments is meant, so one that an earlier one always comes before is wrong. Macros of earlier
//! cells come last, and give way to those that take the same.
//!
//! *Invariant:* no definition of the table hides another.

use std::sync::Arc;

use super::Argument;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::environment::Known;
use crate::source::{Source, Span};
use crate::syntax::ast::{Block, Expr, ExprKind, Iterable, Macro, ParameterKind, Stmt, StmtKind};

/// A macro and the text it stands in, if that is not the cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub definition: &'a Macro,
    pub text: Option<&'a Arc<Source>>,
    /// Something in it would leave it, which has been reported.
    pub is_broken: bool,
}

/// The macros that a cell can call.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Table<'a> {
    /// The macros of the cell, then those of earlier cells; and what is wrong with the first ones.
    pub fn new(macros: &'a [Macro], known: &'a [Known<Macro>]) -> (Self, Vec<Diagnostic>) {
        let mut table = Self::default();
        let mut diagnostics = Vec::new();
        for definition in macros {
            let before = diagnostics.len();
            no_way_out_of_block(&definition.body, 0, &mut diagnostics);
            let is_broken = diagnostics.len() > before;
            match table.hiding(definition) {
                Some(first) => {
                    let name = &definition.name.text;
                    let message = format!("`{name}` is defined already for these arguments");
                    diagnostics.push(
                        Diagnostic::error(Code::MacroRedefinition, definition.name.span, message)
                            .at(first.definition.name.span, "the first definition takes all of them"),
                    );
                }
                None => table.entries.push(Entry { definition, text: None, is_broken }),
            }
        }
        for known in known {
            if table.hiding(&known.definition).is_none() {
                let (definition, text) = (&known.definition, Some(&known.source));
                table.entries.push(Entry { definition, text, is_broken: false });
            }
        }
        (table, diagnostics)
    }

    /// An entry that takes all that the definition takes.
    fn hiding(&self, definition: &Macro) -> Option<&Entry<'a>> {
        self.named(&definition.name.text).find(|entry| covers(entry.definition, definition))
    }

    /// All macros of a name, in the order in which they are tried.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter().filter(move |entry| entry.definition.name.text == name)
    }

    /// The macro that takes the arguments.
    pub fn find(&self, name: &str, arguments: &[Argument]) -> Option<Entry<'a>> {
        self.named(name).find(|entry| takes(entry.definition, arguments)).copied()
    }

    /// What to say of a call that no definition takes, which has the name of at least one.
    pub fn no_match(&self, name: &str, span: Span, arguments: &[Argument]) -> Diagnostic {
        let message = format!("no definition of the macro `{name}` takes these arguments");
        let mut diagnostic = Diagnostic::error(Code::WrongArguments, span, message);
        let count = arguments.len();
        let closest = self.named(name).min_by_key(|entry| entry.definition.parameters.len().abs_diff(count));
        let Some(Entry { definition, text, .. }) = closest else { return diagnostic };
        let mut point = |span, words: String| {
            diagnostic.labels.push(Label { span, text: words, of: text.cloned() });
        };
        let wanted = definition.parameters.len();
        if wanted != count {
            point(definition.name.span, format!("this one takes {}", arguments_in_words(wanted)));
            return diagnostic;
        }
        let wrong =
            definition.parameters.iter().zip(arguments).find(|(p, argument)| !fits(p.kind, &argument.expr));
        if let Some((parameter, argument)) = wrong {
            let what = if parameter.kind == ParameterKind::Map { "a map" } else { "a scratch variable" };
            point(parameter.name.span, format!("the closest one takes {what} here"));
            diagnostic = diagnostic.at(argument.expr.span, format!("this is not {what}"));
        }
        diagnostic
    }
}

fn arguments_in_words(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        _ => format!("{count} arguments"),
    }
}

/// Whether the first takes all that the second takes.
pub(crate) fn covers(first: &Macro, second: &Macro) -> bool {
    let pairs = || first.parameters.iter().zip(&second.parameters);
    first.name.text == second.name.text
        && first.parameters.len() == second.parameters.len()
        && pairs().all(|(a, b)| a.kind == ParameterKind::Expr || a.kind == b.kind)
}

fn takes(definition: &Macro, arguments: &[Argument]) -> bool {
    definition.parameters.len() == arguments.len()
        && definition
            .parameters
            .iter()
            .zip(arguments)
            .all(|(parameter, argument)| fits(parameter.kind, &argument.expr))
}

fn fits(kind: ParameterKind, argument: &Expr) -> bool {
    match kind {
        ParameterKind::Variable => matches!(argument.kind, ExprKind::Variable(_)),
        ParameterKind::Map => matches!(argument.kind, ExprKind::Map(_)),
        ParameterKind::Expr => true,
    }
}

/// Complains about statements that would leave the macro; `loops` are open around the block.
fn no_way_out_of_block(block: &Block, loops: u32, diagnostics: &mut Vec<Diagnostic>) {
    for stmt in &block.statements {
        no_way_out(stmt, loops, diagnostics);
    }
}

fn no_way_out(stmt: &Stmt, loops: u32, diagnostics: &mut Vec<Diagnostic>) {
    let word = match &stmt.kind {
        StmtKind::Return(_) => "return",
        StmtKind::Break if loops == 0 => "break",
        StmtKind::Continue if loops == 0 => "continue",
        StmtKind::Break | StmtKind::Continue => return,
        StmtKind::If { then, otherwise, .. } => {
            no_way_out_of_block(then, loops, diagnostics);
            return otherwise.iter().for_each(|block| no_way_out_of_block(block, loops, diagnostics));
        }
        StmtKind::While { body, .. } | StmtKind::Unroll { body, .. } => {
            return no_way_out_of_block(body, loops + 1, diagnostics);
        }
        StmtKind::For { over: Iterable::Range { .. } | Iterable::Map(_), body, .. } => {
            return no_way_out_of_block(body, loops + 1, diagnostics);
        }
        StmtKind::Block(body) => return no_way_out_of_block(body, loops, diagnostics),
        StmtKind::Expr(_)
        | StmtKind::Discard(_)
        | StmtKind::Assign { .. }
        | StmtKind::Let { .. }
        | StmtKind::Error => return,
    };
    let message = format!("`{word}` cannot leave a macro");
    diagnostics.push(
        Diagnostic::error(Code::LeavesMacro, stmt.span, message)
            .note("a macro ends at its closing brace; its value is the last expression"),
    );
}
