//! `ast::Program` with macros → `ast::Program` without: what a call of a macro stands for is put in its
//! place.
//!
//! A stage of its own, and the first thing `check` does: which definition a call means depends on the shape
//! of its arguments alone, so types need not be known; and what is checked afterwards knows nothing of
//! macros but that a place may lie in an expansion ([`Places`]).
//!
//! Macros are hygienic without anything being renamed: a scratch variable is known by its name and by the
//! expansion that its place belongs to. What an argument brings keeps its place outside.
//!
//! *Invariant:* the result has no macros and calls none; it is no deeper than later stages can walk, and no
//! larger than `MAX_NODES`.

mod places;
mod rewrite;
mod table;

pub use places::{Context, Places};
pub(crate) use table::covers;

use std::collections::BTreeMap;

use crate::builtins;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Environment, Known};
use crate::source::Span;
use crate::syntax::ast::{Block, Expr, ExprKind, Function, Macro, ParameterKind, Program};
use table::{Entry, Table};

/// How much macros may expand to: expressions and blocks, over the whole program.
const MAX_NODES: usize = 100_000;

/// How high the expanded tree may grow.
const MAX_DEPTH: usize = 2000;

/// A program without macros.
#[derive(Debug)]
pub struct Expanded {
    /// Where macros were called, their bodies stand.
    pub program: Program,
    /// Where what was expanded comes from.
    pub places: Places,
    /// What is wrong with macros and their calls; places as in `program`.
    pub diagnostics: Vec<Diagnostic>,
}

/// Expands all calls of the program's macros and those of earlier cells, and takes in the functions of
/// earlier cells that are called.
pub fn expand(program: &Program, environment: &Environment) -> Expanded {
    let (table, diagnostics) = Table::new(&program.macros, &environment.defined.macros);
    let mut expander = Expander {
        table,
        places: Places::default(),
        diagnostics,
        frames: Vec::new(),
        depth: 0,
        deepest: 0,
        nodes: 0,
        called: BTreeMap::new(),
    };
    let mut expanded = Program { macros: Vec::new(), ..program.clone() };
    expander.program(&mut expanded);
    expander.take_in(&environment.defined.functions, &mut expanded);
    Expanded { program: expanded, places: expander.places, diagnostics: expander.diagnostics }
}

/// A walk through a program.
struct Expander<'a> {
    table: Table<'a>,
    places: Places,
    diagnostics: Vec<Diagnostic>,
    /// The expansions around the place being walked.
    frames: Vec<Frame<'a>>,
    /// How deep the place is.
    depth: usize,
    /// How deep the walk has come since this was last set.
    deepest: usize,
    nodes: usize,
    /// The functions that are called, and where first.
    called: BTreeMap<String, Span>,
}

/// An expansion being made.
struct Frame<'a> {
    /// `None` for a function, which is taken in as it is.
    definition: Option<&'a Macro>,
    /// In the order of the parameters.
    arguments: Vec<Argument>,
    /// What is added to the offsets of the body.
    shift: u32,
    /// All of the definition.
    whole: Span,
    /// The place in the body that the walk has come to.
    last: Span,
}

/// An argument of a call, expanded.
#[derive(Clone, Debug)]
struct Argument {
    expr: Expr,
    /// How deep it is.
    height: usize,
    /// How many nodes it has.
    size: usize,
}

impl Frame<'_> {
    /// The argument for a parameter.
    fn argument(&self, kind: ParameterKind, name: &str) -> Option<&Argument> {
        let parameters = &self.definition?.parameters;
        let index = parameters.iter().position(|one| one.kind == kind && one.name.text == name)?;
        self.arguments.get(index)
    }
}

impl<'a> Expander<'a> {
    /// What a call stands for; the arguments again if it is none of a macro.
    fn expansion(&mut self, name: &str, arguments: Vec<Argument>, call: Span) -> Result<Expr, Vec<Argument>> {
        let Some(entry) = self.table.find(name, &arguments) else {
            let is_known = self.table.named(name).next().is_some();
            if !is_known || builtins::find(name).is_some() {
                return Err(arguments);
            }
            self.diagnostics.push(self.table.no_match(name, call, &arguments));
            return Ok(error(call));
        };
        let around = self.frames.iter().filter_map(|frame| frame.definition);
        let mut chain =
            around.skip_while(|definition| !std::ptr::eq(*definition, entry.definition)).peekable();
        if chain.peek().is_some() {
            let names = chain.map(|definition| definition.name.text.as_str());
            let chain: Vec<_> = names.chain([name]).map(|name| format!("`{name}`")).collect();
            let message = format!("the macro `{name}` expands to itself");
            let diagnostic = Diagnostic::error(Code::MacroRecursion, call, message)
                .note(format!("the chain of calls is {}", chain.join(" → ")));
            self.diagnostics.push(diagnostic);
            return Ok(error(call));
        }
        Ok(self.body(entry, arguments, call).unwrap_or_else(|| error(call)))
    }

    /// The body of a macro for arguments that it takes.
    fn body(&mut self, entry: Entry<'a>, arguments: Vec<Argument>, call: Span) -> Option<Expr> {
        let Entry { definition, text, is_broken } = entry;
        if is_broken {
            return None;
        }
        let words = format!("in the expansion of `{}` here", definition.name.text);
        let Some(shift) = self.places.add(words, definition.span, text, call) else {
            self.too_large(call);
            return None;
        };
        self.frames.push(Frame {
            definition: Some(definition),
            arguments,
            shift,
            whole: definition.span,
            last: definition.body.span,
        });
        let mut body = definition.body.clone();
        self.block(&mut body);
        self.frames.pop();
        Some(match body {
            // A map's value stays a value: `print(m(@x))` does not print the whole map.
            Block { statements, value: Some(value), .. }
                if statements.is_empty()
                    && !matches!(value.kind, ExprKind::Map(_) | ExprKind::MapElement { .. }) =>
            {
                *value
            }
            body => Expr { kind: ExprKind::Block(body), span: call },
        })
    }

    /// Adds the functions of earlier cells that are called, on whatever way.
    fn take_in(&mut self, known: &'a [Known<Function>], program: &mut Program) {
        loop {
            let missing = self.called.iter().find_map(|(name, call)| {
                let is_named = |function: &Function| function.name.text == *name;
                let one = known.iter().find(|one| is_named(&one.definition))?;
                (!program.functions.iter().any(is_named)).then_some((one, *call))
            });
            let Some((Known { definition, source }, call)) = missing else { return };
            let words = format!("`{}` is called here", definition.name.text);
            let Some(shift) = self.places.add(words, definition.span, Some(source), call) else {
                return self.too_large(call);
            };
            self.frames.push(Frame {
                definition: None,
                arguments: Vec::new(),
                shift,
                whole: definition.span,
                last: definition.body.span,
            });
            let mut function = definition.clone();
            self.function(&mut function);
            self.frames.pop();
            program.functions.push(function);
        }
    }

    fn too_large(&mut self, span: Span) {
        if self.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::MacroTooLarge) {
            return;
        }
        let message = "the macros expand to more than the compiler follows";
        self.diagnostics.push(
            Diagnostic::error(Code::MacroTooLarge, span, message)
                .note("an argument is expanded again wherever the macro uses it")
                .help("keep it in a variable of the macro: `$value = argument;`"),
        );
    }
}

fn error(span: Span) -> Expr {
    Expr { kind: ExprKind::Error, span }
}
