//! uses of a map → its one type: [`Maps`], which grows over the whole program, from what earlier cells say.
//!
//! *Invariant:* a map is scalar or keyed, ordinary or of one aggregation, from its first use on.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use super::cast::convert;
use super::infer::{Shape, loses_sign};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Environment, KnownMap};
use crate::ir::MapId;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{self, Expr, ExprKind, Quantity};
use crate::types::{MapType, MapValue, Type, Unit};

/// Capacity of a keyed map.
const MAX_KEYS: u32 = 4096;

/// How a map's elements are found.
#[derive(Clone, Debug, PartialEq)]
pub enum Keys {
    /// There is only one.
    Scalar,
    /// By a key of these parts.
    Parts(Vec<Shape>),
}

/// What a map's elements hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An ordinary value.
    Plain(Shape),
    /// An aggregation.
    Aggregation(MapValue),
}

/// What is known about a map so far.
#[derive(Clone, Debug)]
pub struct MapState {
    name: String,
    keys: Option<Keys>,
    pub(super) value: Option<Value>,
    quantity: Option<Quantity>,
    is_mixed: bool,
    pub(super) is_assigned: bool,
    first_key: Option<Span>,
    first_value: Option<Span>,
    known: Option<KnownMap>,
    is_locked: bool,
}

/// The maps of a program, by name and [`MapId`].
#[derive(Debug, Default)]
pub struct Maps {
    states: Vec<MapState>,
    ids: BTreeMap<String, MapId>,
    /// Maps of earlier cells that this program makes anew, because nobody else uses them.
    pub replaced: BTreeSet<String>,
}

impl Maps {
    /// The map of a name; makes one at its first use.
    fn id(&mut self, name: &str, environment: &Environment) -> MapId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let known = environment.maps.get(name).filter(|_| !self.replaced.contains(name)).cloned();
        let id = MapId(self.states.len() as u32);
        self.states.push(MapState::new(name, known, &environment.cell));
        self.ids.insert(name.to_string(), id);
        id
    }

    /// A map.
    pub fn state(&self, MapId(id): MapId) -> &MapState {
        &self.states[id as usize]
    }

    fn state_mut(&mut self, MapId(id): MapId) -> &mut MapState {
        &mut self.states[id as usize]
    }

    /// Gives every map without a value an integer one; if `unassigned`, only those that are never assigned.
    /// Whether there was any.
    pub fn settle(&mut self, unassigned: bool) -> bool {
        let mut changed = false;
        for state in &mut self.states {
            if state.value.is_none() && !(unassigned && state.is_assigned) {
                state.value = Some(Value::Plain(Shape::Of(Type::I64)));
                changed = true;
            }
        }
        changed
    }

    /// A map's name without the `@`.
    pub fn name(&self, id: MapId) -> &str {
        &self.state(id).name
    }

    /// Where a map is first used in this program.
    pub fn first_use(&self, name: &str) -> Option<Span> {
        let state = self.state(*self.ids.get(name)?);
        [state.first_key, state.first_value].into_iter().flatten().min()
    }

    /// The finished maps.
    pub fn finish(&self) -> Vec<typed::Map> {
        self.states.iter().map(MapState::finish).collect()
    }
}

impl MapState {
    fn new(name: &str, known: Option<KnownMap>, cell: &str) -> Self {
        let keys = known.as_ref().map(|known| match &known.ty.key {
            None => Keys::Scalar,
            Some(parts) => Keys::Parts(parts.iter().map(Shape::of).collect()),
        });
        let value = known.as_ref().map(|known| match &known.ty.value {
            MapValue::Plain(ty) => Value::Plain(Shape::of(ty)),
            other => Value::Aggregation(other.clone()),
        });
        Self {
            name: name.to_string(),
            keys,
            value,
            quantity: known.as_ref().and_then(|known| known.ty.unit).map(Quantity::Amount),
            is_mixed: false,
            is_assigned: false,
            first_key: None,
            first_value: None,
            is_locked: known.as_ref().is_some_and(|known| known.users.iter().any(|user| user != cell)),
            known,
        }
    }

    /// Whether it has a key; `None` if no use has told yet.
    pub fn is_keyed(&self) -> Option<bool> {
        self.keys.as_ref().map(|keys| *keys != Keys::Scalar)
    }

    /// What a value read from it measures.
    pub fn quantity(&self) -> Option<Quantity> {
        if self.is_mixed { None } else { self.quantity }
    }

    /// The key's type.
    pub fn key_type(&self) -> Option<Type> {
        match self.keys.as_ref()? {
            Keys::Scalar => None,
            Keys::Parts(parts) => Some(match parts.as_slice() {
                [one] => one.ty().stored(),
                many => Type::Tuple(many.iter().map(|part| part.ty().stored()).collect()),
            }),
        }
    }

    fn finish(&self) -> typed::Map {
        let key = match &self.keys {
            Some(Keys::Parts(parts)) => Some(parts.iter().map(|part| part.ty().stored()).collect()),
            _ => None,
        };
        let value = match &self.value {
            Some(Value::Plain(shape)) => MapValue::Plain(shape.ty().stored()),
            Some(Value::Aggregation(value)) => value.clone(),
            None => MapValue::Plain(Type::I64),
        };
        let holds_amounts = match &value {
            MapValue::Count => false,
            MapValue::Plain(ty) => matches!(ty, Type::Int { .. }),
            _ => true,
        };
        let unit = match self.quantity {
            _ if !holds_amounts => None,
            Some(quantity) if !self.is_mixed => quantity.unit(),
            Some(_) => None,
            None => unit_of_name(&self.name),
        };
        let own = if key.is_some() { MAX_KEYS } else { 1 };
        let max_entries = self.known.as_ref().map_or(own, |known| known.max_entries);
        typed::Map { name: self.name.clone(), ty: MapType { key, value, unit }, max_entries }
    }
}

/// The unit that the last word of a map's name says.
fn unit_of_name(name: &str) -> Option<Unit> {
    match name.rsplit('_').next().unwrap_or(name) {
        "ns" | "nsecs" => Some(Unit::Nanoseconds),
        "us" | "usecs" => Some(Unit::Microseconds),
        "ms" | "msecs" => Some(Unit::Milliseconds),
        "secs" | "seconds" => Some(Unit::Seconds),
        "bytes" => Some(Unit::Bytes),
        _ => None,
    }
}

/// What an assignment brings to a map.
enum Incoming {
    Keys(Keys),
    Value(Value),
}

impl Checker<'_> {
    /// The map of a name, for a use that does not change it.
    pub(super) fn map_id(&mut self, name: &str) -> MapId {
        self.maps.id(name, self.environment)
    }

    /// A map with all its elements, which must exist: `print(@m)`, `len(@m)`.
    pub(super) fn whole_map(&mut self, name: &str, span: Span) -> Option<MapId> {
        let id = self.map_id(name);
        let state = self.maps.state(id);
        if state.is_assigned || state.known.is_some() {
            return Some(id);
        }
        let diagnostic = Diagnostic::error(Code::UndefinedMap, span, format!("there is no map `@{name}`"))
            .label("nothing is ever assigned to it");
        let diagnostic = self.suggest_map(name, diagnostic);
        self.report(diagnostic);
        None
    }

    /// Warns of a map that is read, but that nothing assigns: it is 0 for ever.
    pub(super) fn warn_unassigned_map(&mut self, id: MapId, span: Span) {
        let state = self.maps.state(id);
        if state.is_assigned || state.known.is_some() {
            return;
        }
        let name = state.name.clone();
        let message = format!("nothing is ever assigned to `@{name}`");
        let diagnostic = Diagnostic::warning(Code::UnassignedMap, span, message).label("zero or empty here");
        let diagnostic = self.suggest_map(&name, diagnostic);
        self.report(diagnostic);
    }

    fn suggest_map(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let names = self.maps.states.iter().filter(|state| state.is_assigned).map(|state| &state.name);
        let names: Vec<_> = names.chain(self.environment.maps.keys()).map(String::as_str).collect();
        match super::suggest::nearest(name, names) {
            Some(near) => diagnostic.help(format!("did you mean `@{near}`?")),
            None => diagnostic,
        }
    }

    /// A map element: the map with the key in the map's key type.
    pub(super) fn element(
        &mut self,
        name: &str,
        span: Span,
        key: Option<&[ast::Expr]>,
    ) -> Option<(MapId, Option<Expr>)> {
        let id = self.map_id(name);
        let Some(key) = key else {
            self.grow(id, span, Incoming::Keys(Keys::Scalar))?;
            return Some((id, None));
        };
        let key_span = key.iter().map(|part| part.span).reduce(Span::to).unwrap_or(span);
        let parts: Vec<_> = key.iter().map(|part| self.expr(part)).collect();
        let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
        self.element_of(id, key_span, parts)
    }

    /// Likewise, with the parts of the key already checked.
    pub(super) fn element_of(
        &mut self,
        id: MapId,
        span: Span,
        mut parts: Vec<Expr>,
    ) -> Option<(MapId, Option<Expr>)> {
        for part in &parts {
            if part.ty == Type::Void {
                let message = "this has no value, so it cannot be a map key";
                self.report(Diagnostic::error(Code::TypeMismatch, part.span, message));
                return None;
            }
        }
        let is_tuple = parts.len() == 1 && matches!(parts[0].ty, Type::Tuple(_));
        let key = match parts.pop() {
            Some(one) if parts.is_empty() => one,
            Some(last) => {
                parts.push(last);
                let ty = Type::Tuple(parts.iter().map(|part| part.ty.clone()).collect());
                Expr::new(ExprKind::Tuple(parts), ty, span)
            }
            None => return None,
        };
        let shapes = match Shape::of_expr(&key) {
            Shape::Tuple(shapes) => shapes,
            one => vec![one],
        };
        if shapes.is_empty() {
            let message = "an empty tuple cannot be a map key";
            self.report(Diagnostic::error(Code::TypeMismatch, span, message));
            return None;
        }
        let is_single = shapes.len() == 1;
        self.grow(id, span, Incoming::Keys(Keys::Parts(shapes)))?;
        let key = if is_tuple && is_single { first_field(key) } else { key };
        let ty = self.maps.state(id).key_type()?;
        Some((id, Some(convert(key, &ty))))
    }

    /// Stores a value in an ordinary map: the value in the map's value type.
    pub(super) fn store(&mut self, id: MapId, span: Span, value: Expr) -> Option<Expr> {
        let measure = value.quantity;
        self.maps.state_mut(id).is_assigned = true;
        let shape = Shape::of_expr(&value);
        if !is_storable(&value.ty) {
            let message = format!("a value of type {} cannot be stored in a map", value.ty);
            self.report(Diagnostic::error(Code::TypeMismatch, value.span, message));
            return None;
        }
        self.grow(id, span, Incoming::Value(Value::Plain(shape)))?;
        self.measure(id, measure);
        let Some(Value::Plain(shape)) = &self.maps.state(id).value else { return None };
        let ty = shape.ty().stored();
        if loses_sign(&value.ty, &ty) && self.maps.state(id).known.is_none() {
            self.warn_sign(&value);
        }
        Some(convert(value, &ty))
    }

    /// Expects anything of a map whose uses are not all checked.
    pub(super) fn skip_map(&mut self, name: &str) {
        let id = self.map_id(name);
        self.maps.state_mut(id).is_assigned = true;
        self.is_broken = true;
    }

    /// Says that something is assigned to the map, even if what is not known.
    pub(super) fn mark_assigned(&mut self, id: MapId) {
        self.maps.state_mut(id).is_assigned = true;
    }

    /// Makes the map hold an aggregation.
    pub(super) fn aggregate_into(
        &mut self,
        id: MapId,
        span: Span,
        value: MapValue,
        measure: Option<Quantity>,
    ) -> Option<()> {
        self.maps.state_mut(id).is_assigned = true;
        self.grow(id, span, Incoming::Value(Value::Aggregation(value)))?;
        self.measure(id, measure);
        Some(())
    }

    fn measure(&mut self, id: MapId, quantity: Option<Quantity>) {
        let Some(quantity) = quantity else { return };
        let state = self.maps.state_mut(id);
        match state.quantity {
            None => {
                state.quantity = Some(quantity);
                self.changed = true;
            }
            Some(other) if other != quantity && !state.is_mixed => {
                state.is_mixed = true;
                self.changed = true;
            }
            Some(_) => {}
        }
    }

    /// Joins what a use says with what is known; `None` after reporting a contradiction.
    fn grow(&mut self, id: MapId, span: Span, incoming: Incoming) -> Option<()> {
        let state = self.maps.state_mut(id);
        match incoming {
            Incoming::Keys(keys) => {
                let joined = match &state.keys {
                    None => keys.stored(),
                    Some(now) => match now.join(&keys.clone().stored()) {
                        Some(joined) => joined,
                        None => {
                            self.report_keys(id, span, &keys);
                            return None;
                        }
                    },
                };
                state.first_key.get_or_insert(span);
                let joined = state.lock_keys(joined);
                if state.keys.as_ref() != Some(&joined) {
                    state.keys = Some(joined);
                    self.changed = true;
                }
            }
            Incoming::Value(value) => {
                let joined = match &state.value {
                    None => value.stored(),
                    Some(now) => match now.join(&value.clone().stored()) {
                        Ok(joined) => joined,
                        Err(clash) => {
                            self.report_value(id, span, &value, clash);
                            return None;
                        }
                    },
                };
                state.first_value.get_or_insert(span);
                let joined = state.lock_value(joined);
                if state.value.as_ref() != Some(&joined) {
                    state.value = Some(joined);
                    self.changed = true;
                }
            }
        }
        Some(())
    }

    fn report_keys(&mut self, id: MapId, span: Span, keys: &Keys) {
        let state = self.maps.state(id);
        let name = &state.name;
        let now = state.keys.as_ref();
        let message = match (now, keys) {
            (Some(Keys::Scalar), _) => {
                format!("`@{name}` has no key, but is used with one here")
            }
            (_, Keys::Scalar) => {
                format!("`@{name}` has a key, but is used without one here")
            }
            (now, _) => format!(
                "the key of `@{name}` is {}, not {}",
                now.map(Keys::describe).unwrap_or_default(),
                keys.describe()
            ),
        };
        let first = state.first_key;
        self.report_clash(id, span, message, first, "first used here");
    }

    fn report_value(&mut self, id: MapId, span: Span, value: &Value, clash: Clash) {
        let state = self.maps.state(id);
        let name = &state.name;
        let message = match clash {
            Clash::Kind => {
                let now = state.value.as_ref().map(Value::describe).unwrap_or_default();
                format!("`@{name}` holds {now}, not {}", value.describe())
            }
            Clash::Bits => format!("`@{name}` is a histogram with other `bits`"),
            Clash::Bounds => format!("`@{name}` is a linear histogram with other bounds"),
        };
        let first = state.first_value;
        self.report_clash(id, span, message, first, "first assigned here");
    }

    /// A contradiction within the program, or with an earlier cell.
    pub(super) fn report_clash(
        &mut self,
        id: MapId,
        span: Span,
        message: String,
        first: Option<Span>,
        what: &str,
    ) {
        let state = self.maps.state(id);
        let name = state.name.clone();
        let Some(known) = &state.known else {
            let mut diagnostic = Diagnostic::error(Code::MapTypeMismatch, span, message);
            if let Some(first) = first.filter(|first| *first != span) {
                diagnostic = diagnostic.at(first, what);
            }
            return self.report(diagnostic);
        };
        if !state.is_locked {
            // Only this cell has used it: check again as if it had never been.
            self.replace.insert(name);
            return;
        }
        let others: Vec<_> = known.users.iter().filter(|user| **user != self.environment.cell).collect();
        let others = others.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(Code::MapTypeMismatch, span, message)
            .note(format!("`@{name}` is a map of {others}"))
            .help(format!("use another name, or start it over with `%reset @{name}`"));
        self.report(diagnostic);
    }
}

fn first_field(tuple: Expr) -> Expr {
    let span = tuple.span;
    match tuple.kind {
        ExprKind::Tuple(mut items) if items.len() == 1 => items.remove(0),
        _ => {
            let ty = match &tuple.ty {
                Type::Tuple(items) if !items.is_empty() => items[0].clone(),
                other => other.clone(),
            };
            Expr::new(ExprKind::TupleField(Box::new(tuple), 0), ty, span)
        }
    }
}

fn is_storable(ty: &Type) -> bool {
    match ty {
        Type::Void => false,
        Type::Tuple(items) => !items.is_empty() && items.iter().all(is_storable),
        _ => true,
    }
}

impl Keys {
    fn stored(self) -> Self {
        match self {
            Self::Scalar => Self::Scalar,
            Self::Parts(parts) => Self::Parts(parts.into_iter().map(Shape::stored).collect()),
        }
    }

    fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Scalar, Self::Scalar) => Some(Self::Scalar),
            (Self::Parts(a), Self::Parts(b)) if a.len() == b.len() => {
                let parts = a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Option<_>>()?;
                Some(Self::Parts(parts))
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Scalar => "nothing".into(),
            Self::Parts(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| kind_name(&part.ty())).collect();
                if parts.len() == 1 { parts[0].clone() } else { format!("({})", parts.join(", ")) }
            }
        }
    }
}

/// A type in the words of a diagnostic about maps, where widths do not matter.
fn kind_name(ty: &Type) -> String {
    match ty {
        Type::Int { .. } => "an integer".into(),
        Type::String { .. } => "a string".into(),
        Type::Bool => "a bool".into(),
        Type::Pointer { .. } => "a pointer".into(),
        Type::Array { .. } => "an array".into(),
        Type::Tuple(items) => {
            format!("the tuple ({})", items.iter().map(kind_name).collect::<Vec<_>>().join(", "))
        }
        Type::Void => "nothing".into(),
    }
}

/// Why two values cannot be of one map.
enum Clash {
    Kind,
    Bits,
    Bounds,
}

impl Value {
    fn stored(self) -> Self {
        match self {
            Self::Plain(shape) => Self::Plain(shape.stored()),
            other => other,
        }
    }

    fn join(&self, other: &Self) -> Result<Self, Clash> {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.join(b).map(Self::Plain).ok_or(Clash::Kind),
            (Self::Aggregation(a), Self::Aggregation(b)) => join_aggregations(a, b).map(Self::Aggregation),
            _ => Err(Clash::Kind),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Plain(shape) => kind_name(&shape.ty()),
            Self::Aggregation(value) => value.name(),
        }
    }
}

fn join_aggregations(a: &MapValue, b: &MapValue) -> Result<MapValue, Clash> {
    use MapValue::{Avg, Count, Hist, Lhist, Max, Min, Stats, Sum};
    Ok(match (a, b) {
        (Count, Count) => Count,
        (Sum { signed: a }, Sum { signed: b }) => Sum { signed: a | b },
        (Min { signed: a }, Min { signed: b }) => Min { signed: a | b },
        (Max { signed: a }, Max { signed: b }) => Max { signed: a | b },
        (Avg { signed: a }, Avg { signed: b }) => Avg { signed: a | b },
        (Stats { signed: a }, Stats { signed: b }) => Stats { signed: a | b },
        (Hist { bits: a }, Hist { bits: b }) if a == b => Hist { bits: *a },
        (Hist { .. }, Hist { .. }) => return Err(Clash::Bits),
        (Lhist { .. }, Lhist { .. }) if a == b => a.clone(),
        (Lhist { .. }, Lhist { .. }) => return Err(Clash::Bounds),
        _ => return Err(Clash::Kind),
    })
}

impl MapState {
    /// The signs of a map that other cells use stay as they made it: its data has been written so.
    fn lock_keys(&self, keys: Keys) -> Keys {
        match (&self.known, keys) {
            (Some(KnownMap { ty: MapType { key: Some(known), .. }, .. }), Keys::Parts(parts))
                if self.is_locked =>
            {
                Keys::Parts(known.iter().zip(parts).map(|(known, part)| keep_signs(known, part)).collect())
            }
            (_, keys) => keys,
        }
    }

    fn lock_value(&self, value: Value) -> Value {
        let Some(known) = self.known.as_ref().filter(|_| self.is_locked) else { return value };
        match (&known.ty.value, value) {
            (MapValue::Plain(known), Value::Plain(shape)) => Value::Plain(keep_signs(known, shape)),
            (known, Value::Aggregation(_)) => Value::Aggregation(known.clone()),
            (_, value) => value,
        }
    }
}

fn keep_signs(known: &Type, shape: Shape) -> Shape {
    match (known, shape) {
        (Type::Int { .. }, Shape::Of(Type::Int { .. })) => Shape::Of(known.clone()),
        (Type::Tuple(known), Shape::Tuple(parts)) => {
            Shape::Tuple(known.iter().zip(parts).map(|(known, part)| keep_signs(known, part)).collect())
        }
        (_, shape) => shape,
    }
}
