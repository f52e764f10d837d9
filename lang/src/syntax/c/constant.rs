//! C's constant expressions → values: [`Value`] with C's types `int` to `unsigned long`, and [`Expr`], which waits
//! for the sizes of types and the values of enumeration constants.

use super::tree::CType;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, UnaryOp};

/// An integer constant of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its bits, extended by its sign.
    pub bits: i64,
    /// 64 bits wide, not 32.
    pub is_long: bool,
    /// Without a sign.
    pub is_unsigned: bool,
}

/// A constant expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The kinds of constant expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// A number or character.
    Value(Value),
    /// A constant of an enumeration.
    Name(String),
    /// An operator with one operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator with two.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a ? b : c`
    Ternary(Box<[Expr; 3]>),
    /// `(type)e`
    Cast(Box<CType>, Box<Expr>),
    /// `sizeof(type)`
    SizeOf(Box<CType>),
    /// `_Alignof(type)`
    AlignOf(Box<CType>),
    /// `__builtin_offsetof(type, a.b)`: the names of the members.
    OffsetOf(Box<CType>, Vec<String>),
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

impl Value {
    /// An `int`, or a `long` where that is too narrow.
    pub fn int(bits: i64) -> Self {
        Self { bits, is_long: i32::try_from(bits).is_err(), is_unsigned: false }
    }

    /// An `unsigned long`, as sizes are.
    pub fn size(bytes: u64) -> Self {
        Self { bits: bytes as i64, is_long: true, is_unsigned: true }
    }

    /// As a mathematical number.
    pub fn number(self) -> i128 {
        if self.is_unsigned { i128::from(self.bits as u64) } else { i128::from(self.bits) }
    }

    /// In a type: what does not fit is cut off.
    pub fn new(number: i128, is_long: bool, is_unsigned: bool) -> Self {
        let bits = match (is_long, is_unsigned) {
            (true, _) => number as i64,
            (false, true) => i64::from(number as u32),
            (false, false) => i64::from(number as i32),
        };
        Self { bits, is_long, is_unsigned }
    }

    /// The type that both have in an operation.
    fn common(self, other: Self) -> (bool, bool) {
        let is_long = self.is_long || other.is_long;
        let is_unsigned = |value: Self| value.is_unsigned && value.is_long == is_long;
        (is_long, is_unsigned(self) || is_unsigned(other))
    }

    fn truth(is_true: bool) -> Self {
        Self::int(i64::from(is_true))
    }
}

/// The value of a number as written in C; `None` if it is none, or a fraction.
pub fn number(text: &str) -> Option<Value> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let digits = if digits.is_empty() && radix == 8 { "0" } else { digits };
    let value = u64::from_str_radix(digits, radix).ok()?;
    let (is_unsigned, is_long) = match suffix {
        "" => (false, false),
        "u" => (true, false),
        "l" | "ll" => (false, true),
        "ul" | "ull" | "lu" | "llu" => (true, true),
        _ => return None,
    };
    let is_hex = radix != 10;
    let fits_int = value <= i32::MAX as u64 || value <= u64::from(u32::MAX) && (is_unsigned || is_hex);
    let is_long = is_long || !fits_int;
    let largest = if is_long { i64::MAX as u64 } else { i32::MAX as u64 };
    Some(Value::new(i128::from(value), is_long, is_unsigned || value > largest))
}

/// The value of a character constant, with its quotes, wide or not.
pub fn character(text: &str) -> Option<Value> {
    let inner = text[text.find('\'')? + 1..].strip_suffix('\'')?;
    let mut characters = inner.chars();
    let code = match (characters.next()?, characters.as_str()) {
        ('\\', "n") => 10,
        ('\\', "t") => 9,
        ('\\', "r") => 13,
        ('\\', "a") => 7,
        ('\\', "b") => 8,
        ('\\', "f") => 12,
        ('\\', "v") => 11,
        ('\\', "e") => 27,
        ('\\', quoted @ ("\\" | "'" | "\"" | "?")) => i64::from(quoted.as_bytes()[0]),
        ('\\', hex) if hex.starts_with('x') => i64::from_str_radix(&hex[1..], 16).ok()?,
        ('\\', octal) => i64::from_str_radix(octal, 8).ok()?,
        (c, "") if c.is_ascii() => i64::from(c as u8),
        _ => return None,
    };
    Some(Value::int(i64::from(code as i8)))
}

/// What an expression must ask for.
pub trait Meaning {
    /// The value of a constant.
    fn name(&mut self, name: &str, span: Span) -> Result<Value, Fault>;
    /// The size and alignment of a type.
    fn measure(&mut self, ty: &CType, span: Span) -> Result<(u64, u64), Fault>;
    /// Where a member of a member lies.
    fn offset(&mut self, ty: &CType, members: &[String], span: Span) -> Result<u64, Fault>;
    /// A value as one of another type.
    fn cast(&mut self, ty: &CType, value: Value, span: Span) -> Result<Value, Fault>;
}

impl Expr {
    /// Its value.
    ///
    /// # Errors
    /// It divides by zero, shifts too far, or names what has no value.
    pub fn evaluate(&self, meaning: &mut dyn Meaning) -> Result<Value, Fault> {
        match &self.kind {
            ExprKind::Value(value) => Ok(*value),
            ExprKind::Name(name) => meaning.name(name, self.span),
            ExprKind::SizeOf(ty) => Ok(Value::size(meaning.measure(ty, self.span)?.0)),
            ExprKind::AlignOf(ty) => Ok(Value::size(meaning.measure(ty, self.span)?.1)),
            ExprKind::OffsetOf(ty, members) => Ok(Value::size(meaning.offset(ty, members, self.span)?)),
            ExprKind::Cast(ty, operand) => {
                let value = operand.evaluate(meaning)?;
                meaning.cast(ty, value, self.span)
            }
            ExprKind::Unary(op, operand) => {
                let value = operand.evaluate(meaning)?;
                let same = |number| Value::new(number, value.is_long, value.is_unsigned);
                Ok(match op {
                    UnaryOp::Neg => same(-value.number()),
                    UnaryOp::BitNot => same(!value.number()),
                    UnaryOp::Not => Value::truth(value.bits == 0),
                    _ => return Err(self.fault("this is no constant")),
                })
            }
            ExprKind::Ternary(parts) => {
                let [condition, then, otherwise] = &**parts;
                let is_true = condition.evaluate(meaning)?.bits != 0;
                if is_true { then.evaluate(meaning) } else { otherwise.evaluate(meaning) }
            }
            ExprKind::Binary(BinaryOp::LogicalAnd, a, b) => {
                Ok(Value::truth(a.evaluate(meaning)?.bits != 0 && b.evaluate(meaning)?.bits != 0))
            }
            ExprKind::Binary(BinaryOp::LogicalOr, a, b) => {
                Ok(Value::truth(a.evaluate(meaning)?.bits != 0 || b.evaluate(meaning)?.bits != 0))
            }
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (a.evaluate(meaning)?, b.evaluate(meaning)?);
                self.binary(*op, a, b)
            }
        }
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { span: self.span, message: message.into() }
    }

    fn binary(&self, op: BinaryOp, left: Value, right: Value) -> Result<Value, Fault> {
        if matches!(op, BinaryOp::Shl | BinaryOp::Shr) {
            let width = if left.is_long { 64 } else { 32 };
            let Some(by) = u32::try_from(right.number()).ok().filter(|by| *by < width) else {
                return Err(self.fault(format!("this shifts {width} bits by {}", right.number())));
            };
            let number = left.number();
            let number = if op == BinaryOp::Shl { number << by } else { number >> by };
            return Ok(Value::new(number, left.is_long, left.is_unsigned));
        }
        let (is_long, is_unsigned) = left.common(right);
        let of = |value: Value| Value::new(value.number(), is_long, is_unsigned).number();
        let (a, b) = (of(left), of(right));
        if matches!(op, BinaryOp::Div | BinaryOp::Mod) && b == 0 {
            return Err(self.fault("this divides by zero"));
        }
        let number = match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::Div => a / b,
            BinaryOp::Mod => a % b,
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Eq => return Ok(Value::truth(a == b)),
            BinaryOp::Ne => return Ok(Value::truth(a != b)),
            BinaryOp::Lt => return Ok(Value::truth(a < b)),
            BinaryOp::Le => return Ok(Value::truth(a <= b)),
            BinaryOp::Gt => return Ok(Value::truth(a > b)),
            BinaryOp::Ge => return Ok(Value::truth(a >= b)),
            BinaryOp::Shl | BinaryOp::Shr | BinaryOp::LogicalAnd | BinaryOp::LogicalOr => {
                return Err(self.fault("this is no constant"));
            }
        };
        Ok(Value::new(number, is_long, is_unsigned))
    }
}
