//! [`Token`]s → constant expressions of C.

use super::constant::{self, Expr, ExprKind, Fault};
use super::declaration::Cursor;
use super::token::Kind;
use crate::syntax::ast::{BinaryOp, UnaryOp};

/// Operators with two operands, the loosest first.
const LAYERS: &[&[(&str, BinaryOp)]] = &[
    &[("||", BinaryOp::LogicalOr)],
    &[("&&", BinaryOp::LogicalAnd)],
    &[("|", BinaryOp::Or)],
    &[("^", BinaryOp::Xor)],
    &[("&", BinaryOp::And)],
    &[("==", BinaryOp::Eq), ("!=", BinaryOp::Ne)],
    &[("<=", BinaryOp::Le), (">=", BinaryOp::Ge), ("<", BinaryOp::Lt), (">", BinaryOp::Gt)],
    &[("<<", BinaryOp::Shl), (">>", BinaryOp::Shr)],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Sub)],
    &[("*", BinaryOp::Mul), ("/", BinaryOp::Div), ("%", BinaryOp::Mod)],
];

impl Cursor<'_> {
    /// An expression that is all there is.
    pub fn whole_expression(mut self) -> Result<Expr, Fault> {
        let expr = self.expression()?;
        if self.peek().is_some() { Err(self.unexpected("an operator")) } else { Ok(expr) }
    }

    /// An expression without commas.
    pub(super) fn expression(&mut self) -> Result<Expr, Fault> {
        self.descend()?;
        let condition = self.layer(0)?;
        let expr = if self.eat("?") {
            let then = self.expression()?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            let span = condition.span.to(otherwise.span);
            Expr { kind: ExprKind::Ternary(Box::new([condition, then, otherwise])), span }
        } else {
            condition
        };
        self.ascend();
        Ok(expr)
    }

    fn layer(&mut self, layer: usize) -> Result<Expr, Fault> {
        let Some(operators) = LAYERS.get(layer) else { return self.operand() };
        let mut left = self.layer(layer + 1)?;
        let mut length = 0;
        while let Some((_, op)) = operators.iter().find(|(text, _)| self.at(text)) {
            self.bump();
            let right = self.layer(layer + 1)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(*op, Box::new(left), Box::new(right)), span };
            length += 1;
            if length > super::declaration::MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, Fault> {
        self.descend()?;
        let start = self.span();
        let unary =
            [("-", Some(UnaryOp::Neg)), ("~", Some(UnaryOp::BitNot)), ("!", Some(UnaryOp::Not)), ("+", None)];
        let found = unary.iter().find(|(text, _)| self.at(text)).map(|(_, op)| *op);
        let expr = match found {
            Some(op) => {
                self.bump();
                let operand = self.operand()?;
                let span = start.to(operand.span);
                match op {
                    Some(op) => Expr { kind: ExprKind::Unary(op, Box::new(operand)), span },
                    None => operand,
                }
            }
            None => self.primary()?,
        };
        self.ascend();
        Ok(expr)
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let span = self.span();
        if self.eat("(") {
            if self.at_type() {
                let ty = self.type_name()?;
                self.expect(")")?;
                let operand = self.operand()?;
                let span = span.to(operand.span);
                return Ok(Expr { kind: ExprKind::Cast(Box::new(ty), Box::new(operand)), span });
            }
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected("a constant")) };
        let kind = match token.kind {
            Kind::Number => constant::number(&token.text).map(ExprKind::Value),
            Kind::Char => constant::character(&token.text).map(ExprKind::Value),
            Kind::Word if matches!(&*token.text, "sizeof" | "_Alignof" | "__alignof__" | "__alignof") => {
                self.bump();
                self.expect("(")?;
                if !self.at_type() {
                    return Err(self.unexpected("a type"));
                }
                let ty = Box::new(self.type_name()?);
                self.expect(")")?;
                let kind = if token.is("sizeof") { ExprKind::SizeOf(ty) } else { ExprKind::AlignOf(ty) };
                return Ok(Expr { kind, span });
            }
            Kind::Word if token.is("__builtin_offsetof") => {
                self.bump();
                self.expect("(")?;
                let ty = Box::new(self.type_name()?);
                self.expect(",")?;
                let mut members = Vec::new();
                while let Some(name) = self.peek().filter(|token| token.kind == Kind::Word) {
                    members.push(name.text.to_string());
                    self.bump();
                    self.eat(".");
                }
                self.expect(")")?;
                return Ok(Expr { kind: ExprKind::OffsetOf(ty, members), span });
            }
            Kind::Word => Some(ExprKind::Name(token.text.to_string())),
            _ => None,
        };
        let Some(kind) = kind else { return Err(self.unexpected("an integer constant")) };
        self.bump();
        Ok(Expr { kind, span })
    }
}
