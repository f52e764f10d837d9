//! two types → the one that holds both: [`Shape`], the lattice in which types of variables and maps grow.
//!
//! A variable, a map's key and a map's value have one type in the whole program. Each assignment joins what
//! is known so far with what it brings; types only ever grow, so walking the program again and again comes
//! to an end.
//!
//! *Invariant:* `a.join(b)` holds every value of both, except where an uint64 meets a signed integer.
//!
//! *Not here:* operators (`check::operator`), which always compute in 64 bits.

use crate::typed::{Expr, ExprKind};
use crate::types::Type;

/// A type that may still grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only literals that are not negative so far, up to this one: takes the sign of whatever it meets.
    Flexible(u64),
    /// A tuple.
    Tuple(Vec<Shape>),
    /// A record.
    Record(Vec<(String, Shape)>),
    /// Anything else.
    Of(Type),
}

impl Shape {
    /// What a type says by itself.
    pub fn of(ty: &Type) -> Self {
        match ty {
            Type::Tuple(items) => Self::Tuple(items.iter().map(Self::of).collect()),
            Type::Record(fields) => {
                Self::Record(fields.iter().map(|(name, ty)| (name.clone(), Self::of(ty))).collect())
            }
            other => Self::Of(other.clone()),
        }
    }

    /// What an expression brings: literals stay flexible, also inside tuples.
    pub fn of_expr(expr: &Expr) -> Self {
        match (&expr.kind, &expr.ty) {
            (ExprKind::Int(_), Type::Int { .. }) if literal(expr).is_some_and(|value| value >= 0) => {
                Self::Flexible(literal(expr).map_or(0, |value| value as u64))
            }
            (ExprKind::Tuple(items), Type::Record(fields)) => {
                let names = fields.iter().map(|(name, _)| name.clone());
                Self::Record(names.zip(items.iter().map(Self::of_expr)).collect())
            }
            (ExprKind::Tuple(items), _) => Self::Tuple(items.iter().map(Self::of_expr).collect()),
            _ => Self::of(&expr.ty),
        }
    }

    /// The type as far as it is known now.
    pub fn ty(&self) -> Type {
        match self {
            Self::Flexible(value) => literal_type(i128::from(*value)),
            Self::Tuple(items) => Type::Tuple(items.iter().map(Self::ty).collect()),
            Self::Record(fields) => {
                Type::Record(fields.iter().map(|(name, shape)| (name.clone(), shape.ty())).collect())
            }
            Self::Of(ty) => ty.clone(),
        }
    }

    /// The same with every integer 64 bits wide, as a map stores it.
    pub fn stored(self) -> Self {
        match self {
            Self::Flexible(value) => Self::Flexible(value),
            Self::Tuple(items) => Self::Tuple(items.into_iter().map(Self::stored).collect()),
            Self::Record(fields) => {
                Self::Record(fields.into_iter().map(|(name, shape)| (name, shape.stored())).collect())
            }
            Self::Of(ty) => Self::Of(ty.stored()),
        }
    }

    /// The smallest shape that holds both; `None` if they are of different kinds.
    pub fn join(&self, other: &Self) -> Option<Self> {
        use Shape::{Flexible, Of, Record, Tuple};
        Some(match (self, other) {
            (Flexible(a), Flexible(b)) => Flexible(*a.max(b)),
            (Flexible(value), Of(ty)) | (Of(ty), Flexible(value)) => Of(join_literal(ty, *value)?),
            (Tuple(a), Tuple(b)) if a.len() == b.len() => {
                Tuple(a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Option<_>>()?)
            }
            (Record(a), Record(b)) if a.len() == b.len() => {
                let field = |(name, shape): &(String, Self)| {
                    let (_, other) = b.iter().find(|(other, _)| other == name)?;
                    Some((name.clone(), shape.join(other)?))
                };
                Record(a.iter().map(field).collect::<Option<_>>()?)
            }
            (Of(a), Of(b)) => Of(join_types(a, b)?),
            _ => return None,
        })
    }
}

/// The value of an integer literal.
pub fn literal(expr: &Expr) -> Option<i128> {
    match expr.kind {
        ExprKind::Int(bits) if expr.ty == Type::U64 => Some(i128::from(bits as u64)),
        ExprKind::Int(bits) => Some(i128::from(bits)),
        _ => None,
    }
}

/// The smallest signed type that holds the value; uint64 above all of them.
pub fn literal_type(value: i128) -> Type {
    for width in [1u8, 2, 4, 8] {
        if fits(value, width, true) {
            return Type::int(width, true);
        }
    }
    Type::U64
}

/// Whether an integer type has the value.
pub fn fits(value: i128, width: u8, signed: bool) -> bool {
    let bits = u32::from(width) * 8;
    if signed {
        let half = 1i128 << (bits - 1);
        (-half..half).contains(&value)
    } else {
        (0..1i128 << bits).contains(&value)
    }
}

fn join_literal(ty: &Type, value: u64) -> Option<Type> {
    let (Type::Int { width, signed } | Type::Enum { width, signed, .. }) = *ty else { return None };
    let value = i128::from(value);
    let width = [1u8, 2, 4, 8].into_iter().find(|&w| w >= width && fits(value, w, signed));
    Some(Type::int(width.unwrap_or(8), signed))
}

fn join_types(a: &Type, b: &Type) -> Option<Type> {
    Some(match (a, b) {
        (Type::Int { width: a, signed: sa }, Type::Int { width: b, signed: sb }) => {
            if sa == sb {
                Type::int(*a.max(b), *sa)
            } else {
                let (unsigned, signed) = if *sa { (*b, *a) } else { (*a, *b) };
                Type::int(if unsigned < signed { signed } else { (unsigned * 2).min(8) }, true)
            }
        }
        (Type::String { capacity: a }, Type::String { capacity: b }) => Type::String { capacity: *a.max(b) },
        (Type::Buffer { capacity: a }, Type::Buffer { capacity: b }) => Type::Buffer { capacity: *a.max(b) },
        (Type::Handle(a), Type::Handle(b)) => Type::Handle(a.join(*b)?),
        (Type::Pointer { space, .. }, Type::Pointer { space: other, .. }) if a != b && space == other => {
            Type::Pointer { to: Box::new(Type::Void), space: *space }
        }
        (Type::Struct { keyword, name, .. }, Type::Struct { keyword: other, name: tag, .. })
            if keyword == other && name == tag =>
        {
            a.clone()
        }
        _ if a == b => a.clone(),
        // Beside other numbers a constant is one.
        (Type::Enum { width, signed, .. }, other @ (Type::Int { .. } | Type::Enum { .. }))
        | (other @ Type::Int { .. }, Type::Enum { width, signed, .. }) => {
            join_types(&Type::int(*width, *signed), other)?
        }
        _ => return None,
    })
}

/// Whether joining loses the upper half of an uint64.
pub fn loses_sign(from: &Type, to: &Type) -> bool {
    *from == Type::U64 && *to == Type::I64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(width: u8, signed: bool) -> Shape {
        Shape::Of(Type::int(width, signed))
    }

    #[test]
    fn literals_take_the_other_sign() {
        assert_eq!(Shape::Flexible(5).join(&int(4, false)), Some(int(4, false)));
        assert_eq!(Shape::Flexible(255).join(&int(1, true)), Some(int(2, true)));
        assert_eq!(Shape::Flexible(255).join(&int(1, false)), Some(int(1, false)));
        assert_eq!(Shape::Flexible(5).join(&Shape::Flexible(300)), Some(Shape::Flexible(300)));
        assert_eq!(Shape::Flexible(300).ty(), Type::int(2, true));
        assert_eq!(Shape::Flexible(u64::MAX).ty(), Type::U64);
    }

    #[test]
    fn mixed_signs_grow_to_the_next_signed_type() {
        assert_eq!(int(1, false).join(&int(1, true)), Some(int(2, true)));
        assert_eq!(int(4, false).join(&int(4, true)), Some(int(8, true)));
        assert_eq!(int(1, false).join(&int(4, true)), Some(int(4, true)));
        assert_eq!(int(8, false).join(&int(1, true)), Some(int(8, true)));
    }

    #[test]
    fn strings_widen_and_kinds_clash() {
        let string = |capacity| Shape::Of(Type::String { capacity });
        assert_eq!(string(4).join(&string(16)), Some(string(16)));
        assert_eq!(string(4).join(&int(8, true)), None);
        let tuple = Shape::Tuple(vec![Shape::Flexible(1), string(2)]);
        let other = Shape::Tuple(vec![int(8, false), string(9)]);
        assert_eq!(tuple.join(&other), Some(other.clone()));
        assert_eq!(tuple.join(&Shape::Tuple(vec![])), None);
    }
}
