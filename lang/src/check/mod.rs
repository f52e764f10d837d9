//! `ast::Program` → [`typed::Program`]: resolves names, infers types and finds what is wrong.
//!
//! Types of variables and maps are those of the whole program: the bodies are walked until nothing grows any
//! more (silently), then once more to build the typed program and to report. The same code does both, so
//! inference and checking cannot disagree. An expression that is wrong, or whose type is not known yet, is
//! `None` all the way up: one mistake makes one diagnostic.
//!
//! *Invariant:* if no error is reported, the result keeps the promise of [`typed`].
//!
//! *Not here:* the tables of builtins (`builtins`), layouts of keys and records (`lower`).

mod access;
mod aggregate;
mod assign;
pub(crate) mod attach;
mod call;
mod cast;
mod comptime;
mod config;
mod data;
mod expr;
mod field;
mod fold;
mod formatted;
mod function;
mod group;
mod infer;
mod map;
mod map_loop;
mod name;
mod operator;
mod option;
mod output;
mod predicate;
mod quantity;
mod scope;
mod shorthand;
mod stmt;
mod symbol;
mod system;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod variable;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::config::{Config, MissingProbes};
use crate::declare::{Definitions, declare};
use crate::diagnostic::{Code, Diagnostic, Severity, suggest};
use crate::environment::Environment;
use crate::expand::{Expanded, Places, expand};
use crate::host::{Host, TracepointFormat};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::structures::Structures;
use crate::syntax::ast;
use crate::typed::{self, Quantity, VariableId};
use crate::types::{Space, Type};

pub(crate) use cast::integer_type;
use infer::Shape;
use map::Maps;
use scope::Scope;

/// How often bodies are walked until types must have stopped growing.
const MAX_WALKS: usize = 64;

/// Checks a program against the machine and what earlier cells left behind; macros are expanded first.
pub fn check(
    program: &ast::Program,
    host: &dyn Host,
    environment: &Environment,
) -> (typed::Program, Vec<Diagnostic>) {
    let Expanded { program, places, diagnostics: mut all } = expand(program, environment);
    let (typed, diagnostics) = check_expanded(&program, &places, host, environment);
    let is_wrong = all.iter().any(Diagnostic::is_error);
    all.extend(diagnostics.into_iter().filter(|diagnostic| !is_wrong || !is_lint(diagnostic)));
    let mut resolved: Vec<Diagnostic> = Vec::new();
    for diagnostic in all.into_iter().map(|diagnostic| places.resolve(diagnostic)) {
        // What is wrong in a macro is said once, not for each call.
        let is_same = |other: &Diagnostic| {
            (other.code, other.span, &other.of) == (diagnostic.code, diagnostic.span, &diagnostic.of)
        };
        if !resolved.iter().any(is_same) {
            resolved.push(diagnostic);
        }
    }
    (typed::Program { places, ..typed }, resolved)
}

fn check_expanded(
    program: &ast::Program,
    places: &Places,
    host: &dyn Host,
    environment: &Environment,
) -> (typed::Program, Vec<Diagnostic>) {
    let (declared, mut diagnostics) = declare(&program.declared, host);
    let (config, found) = config::configure(&program.config, &environment.settings);
    diagnostics.extend(found);
    diagnostics.extend(function::misdefined(&program.functions));
    let Bodies { bodies, skipped, diagnostics: unresolved } = bodies(program, host, &config);
    diagnostics.extend(unresolved);
    let mut replaced = BTreeSet::new();
    loop {
        let mut checker =
            Checker::new(host, environment, &declared, places, &config, &program.functions, &bodies);
        checker.maps.replaced.clone_from(&replaced);
        checker.declare_maps(&program.maps);
        skipped.iter().for_each(|name| checker.skip_map(name));
        let mut typed = checker.check();
        checker.is_reporting = true;
        checker.report_declarations(&program.maps);
        if checker.replace.is_empty() {
            let is_wrong =
                checker.is_broken || checker.diagnostics.iter().chain(&diagnostics).any(Diagnostic::is_error);
            if is_wrong {
                checker.diagnostics.retain(|diagnostic| !is_lint(diagnostic));
            }
            diagnostics.extend(checker.diagnostics);
            typed.declared = declared;
            return (typed, diagnostics);
        }
        replaced.extend(checker.replace);
    }
}

/// The members that the expression ending at `end` has, with their types: for a text that is still being
/// written. None if it has none, or is not understood.
pub fn members_at(
    program: &ast::Program,
    host: &dyn Host,
    environment: &Environment,
    end: u32,
) -> Vec<(String, Type)> {
    let Expanded { program, places, .. } = expand(program, environment);
    let (declared, _) = declare(&program.declared, host);
    let (config, _) = config::configure(&program.config, &environment.settings);
    let Bodies { bodies, .. } = bodies(&program, host, &config);
    let mut checker =
        Checker::new(host, environment, &declared, &places, &config, &program.functions, &bodies);
    checker.asked = Some(end);
    checker.check();
    checker.answer.take().map(|ty| checker.structures.members(&ty)).unwrap_or_default()
}

/// Whether it only says that something is of no use, which may change once what is wrong has been put right.
fn is_lint(diagnostic: &Diagnostic) -> bool {
    matches!(
        diagnostic.code,
        Code::UnusedVariable | Code::UnusedValue | Code::UnassignedVariable | Code::UnusedMap
    )
}

/// A body to check and the events that run it.
struct Body<'a> {
    points: Vec<AttachPoint>,
    predicate: Option<&'a ast::Expr>,
    statements: &'a [ast::Stmt],
    value: Option<&'a ast::Expr>,
    /// Its value is the cell's result.
    is_top: bool,
    /// It is that of a function, by number.
    function: Option<usize>,
    span: Span,
}

/// The bodies of a program.
struct Bodies<'a> {
    bodies: Vec<Body<'a>>,
    /// The maps of bodies that cannot be checked because their attach points are wrong: nothing is said
    /// about what is, or is not, done with them.
    skipped: BTreeSet<&'a str>,
    diagnostics: Vec<Diagnostic>,
}

/// Resolves all attach points.
fn bodies<'a>(program: &'a ast::Program, host: &dyn Host, config: &Config) -> Bodies<'a> {
    let mut skipped = BTreeSet::new();
    let mut diagnostics = Vec::new();
    let mut bodies = Vec::new();
    let mut names: HashMap<AttachPoint, Span> = HashMap::new();
    let mut count = 0;
    let mut programs = 0;
    for probe in &program.probes {
        let mut points = Vec::new();
        let mut is_wrong = false;
        for point in &probe.points {
            match attach::resolve(point, host) {
                Ok(found) => {
                    let is_named =
                        |one: &&AttachPoint| matches!(one, AttachPoint::Test(_) | AttachPoint::Bench(_));
                    for one in found.iter().filter(is_named) {
                        match names.get(one) {
                            Some(&first) => {
                                let message = format!("there are two probes `{one}`");
                                diagnostics.push(
                                    Diagnostic::error(Code::InvalidProbe, point.span, message)
                                        .at(first, "the first one"),
                                );
                            }
                            None => drop(names.insert(one.clone(), point.span)),
                        }
                    }
                    points.extend(found);
                }
                Err(diagnostic) => {
                    let complaint = missing(*diagnostic, config.missing_probes);
                    is_wrong |= complaint.as_ref().is_some_and(Diagnostic::is_error);
                    diagnostics.extend(complaint);
                }
            }
        }
        if is_wrong && points.is_empty() {
            walk::block(&probe.body, &mut |expr| match &expr.kind {
                ast::ExprKind::Map(name) => drop(skipped.insert(name.as_str())),
                ast::ExprKind::MapElement { map, .. } => drop(skipped.insert(map.text.as_str())),
                _ => {}
            });
        }
        count += points.len();
        if count > config.max_probes as usize {
            let most = config.max_probes;
            let message = format!("this makes {count} probes, more than the {most} that are allowed");
            let span = probe.points.first().map_or(probe.span, |point| point.span);
            diagnostics.push(
                Diagnostic::error(Code::TooManyProbes, span, message)
                    .help("use a narrower wildcard, or raise `max_probes` in the `config` block"),
            );
            break;
        }
        let groups = group::group(probe, points, host);
        programs += if groups.len() > 1 { groups.len() } else { 0 };
        if programs > config.max_bpf_progs as usize {
            let most = config.max_bpf_progs;
            let message =
                format!("this makes {programs} BPF programs, more than the {most} that are allowed");
            let span = probe.points.first().map_or(probe.span, |point| point.span);
            diagnostics.push(
                Diagnostic::error(Code::TooManyProbes, span, message)
                    .note("what the body says of its probe is different for each of them")
                    .help("use a narrower wildcard, or raise `max_bpf_progs` in the `config` block"),
            );
            break;
        }
        for points in groups {
            bodies.push(Body {
                points,
                predicate: probe.predicate.as_ref(),
                statements: &probe.body.statements,
                value: probe.body.value.as_deref(),
                is_top: false,
                function: None,
                span: probe.span,
            });
        }
    }
    if let Some(probe) = program.probes.first()
        && bodies.is_empty()
        && program.statements.is_empty()
        && !diagnostics.iter().any(Diagnostic::is_error)
    {
        let span = probe.points.first().map_or(probe.span, |point| point.span);
        diagnostics.push(Diagnostic::error(Code::NoMatch, span, "no probe is left to attach"));
    }
    bodies.extend(program.functions.iter().enumerate().map(|(index, function)| Body {
        // Of all events the one that tells least.
        points: vec![AttachPoint::Begin],
        predicate: None,
        statements: &function.body.statements,
        value: function.body.value.as_deref(),
        is_top: false,
        function: Some(index),
        span: function.span,
    }));
    let first = program.statements.first().map(|stmt| stmt.span);
    let last = program.statements.last().map(|stmt| stmt.span);
    let result = program.result.as_ref().map(|result| result.span);
    if let (Some(from), Some(to)) = (first.or(result), result.or(last)) {
        bodies.push(Body {
            points: vec![AttachPoint::Begin],
            predicate: None,
            statements: &program.statements,
            value: program.result.as_ref(),
            is_top: true,
            function: None,
            span: from.to(to),
        });
    }
    Bodies { bodies, skipped, diagnostics }
}

/// What to say of an attach point that means nothing here.
fn missing(diagnostic: Diagnostic, policy: MissingProbes) -> Option<Diagnostic> {
    if diagnostic.code != Code::NoMatch {
        return Some(diagnostic);
    }
    match policy {
        MissingProbes::Error => Some(diagnostic),
        MissingProbes::Warn => Some(
            Diagnostic { severity: Severity::Warning, ..diagnostic }.note("this attach point is left out"),
        ),
        MissingProbes::Ignore => None,
    }
}

/// A walk through a program.
struct Checker<'a> {
    host: &'a dyn Host,
    /// Where an expression ends whose type is asked for, and the answer.
    asked: Option<u32>,
    answer: Option<Type>,
    structures: Structures<'a>,
    environment: &'a Environment,
    config: &'a Config,
    functions: &'a [ast::Function],
    /// As of this walk; `None` for one that is wrong.
    signatures: Vec<Option<function::Signature>>,
    bodies: &'a [Body<'a>],
    /// The last walk: diagnostics count.
    is_reporting: bool,
    diagnostics: Vec<Diagnostic>,
    /// In this walk a type was not known, without anything being wrong.
    is_unknown: bool,
    /// The parser could not read something: what has no type may have one after all.
    is_broken: bool,
    /// In this walk a type has grown.
    changed: bool,
    maps: Maps,
    /// Maps to check again without what earlier cells say.
    replace: BTreeSet<String>,
    /// Types and quantities of variables, by body and first place.
    shapes: HashMap<(usize, Span), Shape>,
    quantities: HashMap<(usize, Span), Quantity>,
    /// Variables that nothing is known of, as of the last walk.
    untyped: BTreeSet<(usize, Span)>,
    /// The body being walked.
    body: usize,
    places: &'a Places,
    scope: Scope<'a>,
    /// The fields of the tracepoints of bodies that read any.
    formats: HashMap<usize, Rc<TracepointFormat>>,
    /// How many loops are open.
    loops: u32,
    result_map: Option<crate::ir::MapId>,
    options: BTreeMap<String, typed::ProgramOption>,
}

impl<'a> Checker<'a> {
    fn new(
        host: &'a dyn Host,
        environment: &'a Environment,
        declared: &'a Definitions,
        places: &'a Places,
        config: &'a Config,
        functions: &'a [ast::Function],
        bodies: &'a [Body<'a>],
    ) -> Self {
        Self {
            host,
            asked: None,
            answer: None,
            structures: Structures::new(host, declared),
            environment,
            config,
            functions,
            signatures: Vec::new(),
            bodies,
            is_reporting: false,
            diagnostics: Vec::new(),
            is_unknown: false,
            is_broken: false,
            changed: false,
            maps: Maps::default(),
            replace: BTreeSet::new(),
            shapes: HashMap::new(),
            quantities: HashMap::new(),
            untyped: BTreeSet::new(),
            body: 0,
            places,
            scope: Scope::new(places),
            formats: HashMap::new(),
            loops: 0,
            result_map: None,
            options: BTreeMap::new(),
        }
    }

    fn check(&mut self) -> typed::Program {
        self.settle();
        if self.maps.settle(true) {
            self.settle();
        }
        let typed = self.report_all();
        if !self.is_unknown || self.is_broken || self.diagnostics.iter().any(Diagnostic::is_error) {
            return typed;
        }
        // Types that only depend on each other, as in `@a = @b; @b = @a`: integers.
        self.maps.settle(false);
        self.default_variables();
        self.settle();
        self.diagnostics.clear();
        self.report_all()
    }

    /// Walks until no type grows any more.
    fn settle(&mut self) {
        for _ in 0..MAX_WALKS {
            self.changed = false;
            self.walk();
            if !self.changed || !self.replace.is_empty() {
                break;
            }
        }
    }

    fn report_all(&mut self) -> typed::Program {
        self.is_reporting = true;
        self.is_unknown = false;
        let (functions, probes) = self.walk();
        self.is_reporting = false;
        self.warn_replaced();
        self.unexpected_options();
        typed::Program {
            options: self.options.clone(),
            maps: self.maps.finish(self.config.max_map_keys),
            functions,
            probes,
            result_map: self.result_map,
            places: Places::default(),
            process: self.environment.process,
            watch: self.environment.watch,
            declared: Definitions::default(),
            config: self.config.clone(),
        }
    }

    fn walk(&mut self) -> (Vec<typed::Function>, Vec<typed::Probe>) {
        let (mut functions, mut probes) = (Vec::new(), Vec::new());
        let bodies = self.bodies;
        self.answer = None;
        self.sign_functions();
        for (index, body) in bodies.iter().enumerate() {
            self.body = index;
            self.scope = Scope::new(self.places);
            self.loops = 0;
            match body.function {
                Some(function) => functions.extend(self.function(function)),
                None => probes.push(self.probe(body)),
            }
        }
        (functions, probes)
    }

    fn probe(&mut self, body: &Body<'a>) -> typed::Probe {
        self.scope.enter();
        let condition = body.predicate.map(|predicate| self.condition(predicate));
        let mut statements = self.statements(body.statements, body.value);
        if let Some(value) = body.value {
            if body.is_top {
                statements.extend(self.result(value));
            } else {
                statements.extend(self.expression_statement(value));
            }
        }
        self.warn_variables();
        self.scope.leave();
        if let Some(condition) = condition.flatten() {
            let span = condition.span;
            let kind =
                typed::StmtKind::If { condition, then: std::mem::take(&mut statements), otherwise: vec![] };
            statements.push(typed::Stmt { kind, span });
        }
        typed::Probe {
            points: body.points.clone(),
            variables: self.variables(),
            body: statements,
            default_result: i64::from(matches!(body.points[0], AttachPoint::Tracepoint { .. })),
            span: body.span,
        }
    }

    /// One of the events that run the body being walked: they mean the same to it.
    fn point(&self) -> &'a AttachPoint {
        &self.bodies[self.body].points[0]
    }

    /// Whose memory an address is in, where nothing else tells.
    fn space(&self) -> Space {
        match self.point() {
            AttachPoint::Uprobe { .. } => Space::User,
            AttachPoint::Tracepoint { category, .. } if category == "syscalls" => Space::User,
            _ => Space::Kernel,
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        // A body that is walked for several events says the same each time, but for their names.
        let is_same = |other: &Diagnostic| (other.code, other.span) == (diagnostic.code, diagnostic.span);
        if self.is_reporting && !self.diagnostics.iter().any(is_same) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Something is wrong at `span`: no value.
    fn error<T>(&mut self, code: Code, span: Span, message: impl Into<String>) -> Option<T> {
        self.report(Diagnostic::error(code, span, message));
        None
    }

    fn warn_replaced(&mut self) {
        for name in &self.maps.replaced {
            let message = format!("`@{name}` starts over: its type has changed since this cell last ran");
            let span = self.maps.first_use(name).unwrap_or_default();
            self.diagnostics.push(Diagnostic::warning(Code::MapReplaced, span, message));
        }
    }

    fn variables(&self) -> Vec<typed::Variable> {
        let ids = (0..self.scope.locals().len()).map(|id| VariableId(id as u32));
        ids.map(|id| typed::Variable {
            name: self.scope.local(id).name.clone(),
            ty: self.variable_type(id).unwrap_or(Type::I64),
            is_shared: self.scope.is_shared(id),
        })
        .collect()
    }
}
