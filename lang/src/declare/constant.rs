//! Names, sizes and casts in constant expressions of C declarations.

use super::Declarer;
use crate::source::Span;
use crate::structures::Structures;
use crate::syntax::c::constant::{Expr, Fault, Meaning, Value};
use crate::syntax::c::tree::CType;
use crate::types::Type;

impl Meaning for Declarer<'_> {
    fn name(&mut self, name: &str, span: Span) -> Result<Value, Fault> {
        let of_host = || self.host.enum_constant(name).map(|(_, value)| Value::int(value));
        let value = self.values.get(name).copied().or_else(of_host);
        value.ok_or_else(|| Fault { span, message: format!("there is no constant `{name}`") })
    }

    fn measure(&mut self, ty: &CType, span: Span) -> Result<(u64, u64), Fault> {
        let measured = self.measured(ty, span, "")?;
        Ok((measured.size, measured.align.max(1)))
    }

    fn offset(&mut self, ty: &CType, members: &[String], span: Span) -> Result<u64, Fault> {
        let mut ty = self.measured(ty, span, "")?.ty;
        let mut offset = 0;
        for name in members {
            let structures = Structures::new(self.host, &self.definitions);
            let found = match &ty {
                Type::Struct { keyword, name: tag, .. } => structures.structure(*keyword, tag),
                _ => None,
            };
            let Some(member) = found.and_then(|structure| structures.member(&structure, name)) else {
                return Err(Fault { span, message: format!("there is no member `{name}`") });
            };
            offset += u64::from(member.offset);
            ty = member.ty;
        }
        Ok(offset)
    }

    fn cast(&mut self, ty: &CType, value: Value, span: Span) -> Result<Value, Fault> {
        let (width, signed) = match self.measured(ty, span, "")?.ty {
            Type::Int { width, signed } | Type::Enum { width, signed, .. } => (width, signed),
            Type::Bool => return Ok(Value::int(i64::from(value.bits != 0))),
            Type::Pointer { .. } => (8, false),
            _ => return Err(Fault { span, message: "this is no cast between integers".into() }),
        };
        let shift = 64 - u32::from(width) * 8;
        let bits = match signed {
            true => value.bits << shift >> shift,
            false => ((value.bits as u64) << shift >> shift) as i64,
        };
        Ok(Value { bits, is_long: width == 8, is_unsigned: !signed && width >= 4 })
    }
}

impl Declarer<'_> {
    /// A power of two that something is to be aligned to.
    pub(super) fn alignment(&mut self, expr: &Expr) -> Result<u64, Fault> {
        let value = expr.evaluate(self)?.number();
        let align = u64::try_from(value).ok().filter(|align| align.is_power_of_two() && *align <= 1 << 16);
        align.ok_or_else(|| Fault {
            span: expr.span,
            message: format!("nothing can be aligned to {value} bytes"),
        })
    }
}
