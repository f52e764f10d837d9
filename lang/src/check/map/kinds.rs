//! what keys and values of maps can be, and which go together.

use super::MapState;
use crate::check::infer::Shape;
use crate::environment::KnownMap;
use crate::types::{MapType, MapValue, Type};

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
impl Keys {
    pub(super) fn stored(self) -> Self {
        match self {
            Self::Scalar => Self::Scalar,
            Self::Parts(parts) => Self::Parts(parts.into_iter().map(Shape::stored).collect()),
        }
    }

    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Scalar, Self::Scalar) => Some(Self::Scalar),
            (Self::Parts(a), Self::Parts(b)) if a.len() == b.len() => {
                let parts = a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Option<_>>()?;
                Some(Self::Parts(parts))
            }
            _ => None,
        }
    }

    pub(super) fn describe(&self) -> String {
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
        Type::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, ty)| format!("{name} = {}", kind_name(ty))).collect();
            format!("the record ({})", fields.join(", "))
        }
        Type::Buffer { .. } => "a buffer".into(),
        Type::Handle(handle) => format!("of type {}", handle.name()),
        Type::Struct { .. } | Type::Enum { .. } => format!("`{ty}`"),
        Type::Void => "nothing".into(),
    }
}

/// Why two values cannot be of one map.
pub(super) enum Clash {
    Kind,
    Bits,
    Bounds,
    Intervals,
}

impl Value {
    pub(super) fn stored(self) -> Self {
        match self {
            Self::Plain(shape) => Self::Plain(shape.stored()),
            other => other,
        }
    }

    pub(super) fn join(&self, other: &Self) -> Result<Self, Clash> {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.join(b).map(Self::Plain).ok_or(Clash::Kind),
            (Self::Aggregation(a), Self::Aggregation(b)) => join_aggregations(a, b).map(Self::Aggregation),
            _ => Err(Clash::Kind),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Plain(shape) => kind_name(&shape.ty()),
            Self::Aggregation(value) => value.name(),
        }
    }
}

fn join_aggregations(a: &MapValue, b: &MapValue) -> Result<MapValue, Clash> {
    use MapValue::{Avg, Count, Hist, Lhist, Max, Min, Stats, Sum, Tseries};
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
        (
            Tseries { interval: a, intervals: m, how: h, signed: s },
            Tseries { interval: b, intervals: n, how: i, signed: t },
        ) if (a, m, h) == (b, n, i) => Tseries { interval: *a, intervals: *m, how: *h, signed: s | t },
        (Tseries { .. }, Tseries { .. }) => return Err(Clash::Intervals),
        _ => return Err(Clash::Kind),
    })
}

impl MapState {
    /// The signs of a map that other cells use stay as they made it: its data has been written so.
    pub(super) fn lock_keys(&self, keys: Keys) -> Keys {
        match (&self.known, keys) {
            (Some(KnownMap { ty: MapType { key: Some(known), .. }, .. }), Keys::Parts(parts))
                if self.is_locked =>
            {
                Keys::Parts(known.iter().zip(parts).map(|(known, part)| keep_signs(known, part)).collect())
            }
            (_, keys) => keys,
        }
    }

    pub(super) fn lock_value(&self, value: Value) -> Value {
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
