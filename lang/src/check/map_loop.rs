//! `for ($kv : @m)` → [`StmtKind::ForMap`].

use super::Checker;
use super::map::Value;
use super::scope::Local;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::MapId;
use crate::source::Span;
use crate::syntax::ast;
use crate::typed::{Stmt, StmtKind};
use crate::types::Type;

impl Checker<'_> {
    /// `for ($kv : @m) { body }`
    pub(super) fn map_loop(
        &mut self,
        variable: &ast::Name,
        map: &ast::Name,
        body: &ast::Block,
        span: Span,
    ) -> Option<Stmt> {
        let id = self.walked_map(map);
        let pair = id.and_then(|id| self.pair_type(id, map));
        self.no_shadow(variable);
        self.scope.enter_body();
        let variable = self.scope.declare(Local {
            name: variable.text.clone(),
            span: variable.span,
            declared: pair.clone(),
            is_assigned: true,
            is_read: false,
            is_implicit: true,
        });
        let body = self.loop_body(body);
        self.scope.leave_body();
        if pair.is_none() && id.is_some() {
            self.is_unknown = true;
        }
        pair?;
        Some(Stmt { kind: StmtKind::ForMap { variable, map: id?, body }, span })
    }

    fn walked_map(&mut self, map: &ast::Name) -> Option<MapId> {
        let id = self.whole_map(&map.text, map.span)?;
        if self.maps.state(id).is_keyed() == Some(false) {
            let message = format!("`@{}` has no key, so there is nothing to walk", map.text);
            return self.error(Code::MapTypeMismatch, map.span, message);
        }
        if let Some(Value::Aggregation(value)) = &self.maps.state(id).value
            && !value.is_castable()
        {
            let message = format!("a loop cannot walk values of type {}", value.name());
            self.report(
                Diagnostic::error(Code::TypeMismatch, map.span, message)
                    .help(format!("print the whole map: `print(@{})`", map.text)),
            );
            return None;
        }
        Some(id)
    }

    /// The type of the key and the value, as far as it is known.
    fn pair_type(&mut self, id: MapId, map: &ast::Name) -> Option<Type> {
        let key = self.maps.state(id).key_type()?;
        let was_unknown = self.is_unknown;
        let value = self.read_element(id, None, map.span);
        self.is_unknown = was_unknown;
        Some(Type::Tuple(vec![key, value?.ty]))
    }
}
