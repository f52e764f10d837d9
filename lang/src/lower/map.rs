//! operations on map elements.

use crate::ir::{Aggregation, Arith, MapId, Op, Value};
use crate::source::Span;
use crate::typed::Expr;
use crate::types::Type;

use super::Lowering;

impl Lowering<'_, '_> {
    /// The address of a key's bytes.
    pub(super) fn key(&mut self, key: Option<&Expr>) -> Option<Value> {
        let key = key?;
        let place = if key.ty.is_scalar() {
            let place = self.temporary(&key.ty);
            self.write(key, place);
            place
        } else {
            self.place(key)
        };
        Some(self.address(place, key.span))
    }

    /// `@m[key] = value`
    pub(super) fn map_set(&mut self, map: MapId, key: Option<&Expr>, value: &Expr, span: Span) {
        let key = self.key(key);
        if !value.ty.is_scalar() {
            let place = self.place(value);
            let bytes = self.address(place, value.span);
            return self.builder.effect(Op::MapWrite { map, key, bytes }, span);
        }
        let old = self.old;
        if super::expr::mentions_old(value) {
            self.old = Some(self.builder.value(Op::MapGet { map, key }, span));
        }
        let value = self.scalar(value);
        self.old = old;
        self.builder.effect(Op::MapSet { map, key, value }, span);
    }

    /// `@m[key]++` and the like.
    pub(super) fn map_step(
        &mut self,
        map: MapId,
        key: Option<&Expr>,
        by: i64,
        postfix: bool,
        ty: &Type,
        span: Span,
    ) -> Value {
        let key = self.key(key);
        let before = self.builder.value(Op::MapGet { map, key }, span);
        let by = self.builder.constant(by, span);
        let after = self.builder.value(Op::Arith(Arith::Add, before, by), span);
        let after = self.resize(after, &Type::I64, ty, span);
        self.builder.effect(Op::MapSet { map, key, value: after }, span);
        if postfix { before } else { after }
    }

    /// `@m[key] = aggregation(value)`
    pub(super) fn aggregate(
        &mut self,
        map: MapId,
        key: Option<&Expr>,
        aggregation: Aggregation,
        value: Option<&Expr>,
        span: Span,
    ) {
        let key = self.key(key);
        let value = value.map(|value| self.scalar(value));
        self.builder.effect(Op::Aggregate { map, key, aggregation, value }, span);
    }
}
