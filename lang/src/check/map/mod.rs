//! uses of a map → its one type: [`Maps`], which grows over the whole program, from what earlier cells say.
//!
//! *Invariant:* a map is scalar or keyed, ordinary or of one aggregation, from its first use on.

mod declared;
mod kinds;
mod uses;

pub use declared::Declared;
pub use kinds::{Keys, Value};

use std::collections::{BTreeMap, BTreeSet};

use super::infer::Shape;
use crate::environment::{Environment, KnownMap};
use crate::ir::MapId;
use crate::source::Span;
use crate::typed::{self, Quantity};
use crate::types::{MapType, MapValue, Type, Unit};

/// What is known about a map so far.
#[derive(Clone, Debug)]
pub struct MapState {
    name: String,
    keys: Option<Keys>,
    pub(in crate::check) value: Option<Value>,
    quantity: Option<Quantity>,
    is_mixed: bool,
    pub(in crate::check) is_assigned: bool,
    first_key: Option<Span>,
    first_value: Option<Span>,
    known: Option<KnownMap>,
    is_locked: bool,
    declared: Option<Declared>,
}

/// The maps of a program, by name and [`MapId`].
#[derive(Debug, Default)]
pub struct Maps {
    states: Vec<MapState>,
    ids: BTreeMap<String, MapId>,
    /// What the program declares of maps, by name.
    pub declared: BTreeMap<String, Declared>,
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
        let mut state = MapState::new(name, known, &environment.cell);
        state.declared = self.declared.get(name).copied();
        self.states.push(state);
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
    pub fn finish(&self, max_keys: u32) -> Vec<typed::Map> {
        self.states.iter().map(|state| state.finish(max_keys)).collect()
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
            declared: None,
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

    fn finish(&self, max_keys: u32) -> typed::Map {
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
        let own = if key.is_some() { max_keys } else { 1 };
        let ty = MapType { key, value, unit };
        let max_entries = self.known.as_ref().map_or(own, |known| known.max_entries);
        let evicts = self.known.as_ref().is_some_and(|known| known.evicts);
        let name = self.name.clone();
        match self.declared.filter(|_| ty.key.is_some()) {
            Some(declared) => {
                typed::Map { name, ty, max_entries: declared.entries, evicts: declared.kind.evicts() }
            }
            None => typed::Map { name, ty, max_entries, evicts },
        }
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
