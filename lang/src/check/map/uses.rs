//! uses of maps in expressions and statements → typed elements, each use growing the map's type.

use super::kinds::Clash;
use super::{Keys, Value};
use crate::check::Checker;
use crate::check::cast::convert;
use crate::check::infer::{Shape, loses_sign};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::MapId;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Expr, ExprKind, Quantity};
use crate::types::{MapValue, Type};

/// What an assignment brings to a map.
enum Incoming {
    Keys(Keys),
    Value(Value),
}

impl Checker<'_> {
    /// The map of a name, for a use that does not change it.
    pub(in crate::check) fn map_id(&mut self, name: &str) -> MapId {
        self.maps.id(name, self.environment)
    }

    /// A map with all its elements, which must exist: `print(@m)`, `len(@m)`.
    pub(in crate::check) fn whole_map(&mut self, name: &str, span: Span) -> Option<MapId> {
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
    pub(in crate::check) fn warn_unassigned_map(&mut self, id: MapId, span: Span) {
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
        match crate::check::suggest::nearest(name, names) {
            Some(near) => diagnostic.help(format!("did you mean `@{near}`?")),
            None => diagnostic,
        }
    }

    /// A map element: the map with the key in the map's key type.
    pub(in crate::check) fn element(
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
    pub(in crate::check) fn element_of(
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
    pub(in crate::check) fn store(&mut self, id: MapId, span: Span, value: Expr) -> Option<Expr> {
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
    pub(in crate::check) fn skip_map(&mut self, name: &str) {
        let id = self.map_id(name);
        self.maps.state_mut(id).is_assigned = true;
        self.is_broken = true;
    }

    /// Says that something is assigned to the map, even if what is not known.
    pub(in crate::check) fn mark_assigned(&mut self, id: MapId) {
        self.maps.state_mut(id).is_assigned = true;
    }

    /// Makes the map hold an aggregation.
    pub(in crate::check) fn aggregate_into(
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
            Clash::Intervals => format!("`@{name}` is a time series with other intervals"),
        };
        let first = state.first_value;
        self.report_clash(id, span, message, first, "first assigned here");
    }

    /// A contradiction within the program, or with an earlier cell.
    pub(in crate::check) fn report_clash(
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
