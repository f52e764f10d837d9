//! parts of values → [`Expr`]: what lies at an address, members of structures and records, elements.
//!
//! A member of what lies at an address lies at an address itself: only what is used is read.
//!
//! *Not here:* fields of `args` (`check::field`), arithmetic on pointers (`check::operator`).

use super::Checker;
use super::cast::convert;
use super::expr::integer_literal;
use super::infer::literal;
use super::suggest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::structures::Found;
use crate::syntax::ast::{self, BinaryOp};
use crate::typed::{Expr, ExprKind};
use crate::types::layout::Layout;
use crate::types::structure::Bits;
use crate::types::{Space, Type};

impl Checker<'_> {
    /// What lies at an address.
    pub(super) fn deref(&mut self, address: Expr, span: Span) -> Option<Expr> {
        let (ty, space) = match &address.ty {
            Type::Pointer { to, .. } if **to == Type::Void => {
                self.report(
                    Diagnostic::error(Code::TypeMismatch, span, "what this pointer points to is not known")
                        .help("cast it first, as in `*(uint32*)pointer`"),
                );
                return None;
            }
            Type::Pointer { to, space } => (in_space(to, *space), *space),
            Type::Int { .. } => (Type::U64, self.space_of(&address)),
            other => {
                let message = format!("only a pointer can be followed, but this is of type {other}");
                return self.error(Code::TypeMismatch, address.span, message);
            }
        };
        if let Type::Struct { size: 0, .. } = &ty {
            let message = format!("of `{ty}` only the name is known");
            return self.error(Code::UnknownType, span, message);
        }
        Some(Expr::new(ExprKind::Deref { address: Box::new(address), space }, ty, span))
    }

    /// Whose memory an address is in: a pointer knows it, and what is computed from one.
    pub(super) fn space_of(&self, address: &Expr) -> Space {
        match (&address.ty, &address.kind) {
            (Type::Pointer { space, .. }, _) | (_, ExprKind::InSpace(_, space)) => *space,
            (_, ExprKind::Cast(of)) => self.space_of(of),
            (_, ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub, a, _)) => self.space_of(a),
            _ => self.space(),
        }
    }

    /// `kptr(address)` and `uptr(address)`
    pub(super) fn address_in(
        &mut self,
        name: &str,
        arguments: &[ast::Expr],
        space: Space,
        span: Span,
    ) -> Option<Expr> {
        let [address] = arguments else { return self.wrong_arguments(name, span) };
        let address = self.value(address)?;
        let ty = match &address.ty {
            Type::Pointer { to, .. } => Type::Pointer { to: to.clone(), space },
            Type::Int { .. } => address.ty.clone(),
            other => {
                let message = format!("`{name}` takes an address, not a value of type {other}");
                return self.error(Code::WrongArguments, address.span, message);
            }
        };
        Some(Expr::new(ExprKind::InSpace(Box::new(address), space), ty, span))
    }

    /// `of.field` and `of->field`, which mean the same, through any number of pointers.
    pub(super) fn member(&mut self, of: &ast::Expr, field: &ast::Name, span: Span) -> Option<Expr> {
        if matches!(&of.kind, ast::ExprKind::Name(name) if name == "args") {
            self.available("args", of.span)?;
            return self.args_field(field, span);
        }
        if matches!(&of.kind, ast::ExprKind::Name(name) if name == "config") {
            return self.setting(field, span);
        }
        let mut of = self.value(of)?;
        while let Type::Pointer { to, .. } = &of.ty
            && !matches!(**to, Type::Void)
        {
            let span = of.span;
            of = self.deref(of, span)?;
        }
        match &of.ty {
            Type::Struct { .. } => self.structure_member(of, field, span),
            Type::Record(_) => self.record_field(of, field, span),
            other => {
                let message = format!("a value of type {other} has no fields");
                self.error(Code::UnknownField, field.span, message)
            }
        }
    }

    fn structure_member(&mut self, of: Expr, field: &ast::Name, span: Span) -> Option<Expr> {
        let Found { offset, bits, ty } = self.find_member(&of.ty, field)?;
        Some(match bits {
            None => self.part(of, offset, ty, span),
            Some(bits) => self.bit_field(of, offset, bits, ty, span)?,
        })
    }

    /// A member of a structure; reports one that is not there.
    pub(super) fn find_member(&mut self, ty: &Type, field: &ast::Name) -> Option<Found> {
        let Type::Struct { keyword, name, .. } = ty else {
            let message = format!("a value of type {ty} has no members");
            return self.error(Code::UnknownField, field.span, message);
        };
        let structure = self.structures.structure(*keyword, name);
        let found = structure.as_ref().and_then(|structure| self.structures.member(structure, &field.text));
        if found.is_some() {
            return found;
        }
        let message = format!("`{ty}` has no member `{}`", field.text);
        let mut diagnostic = Diagnostic::error(Code::UnknownField, field.span, message);
        let names = structure.map(|structure| self.structures.names(&structure)).unwrap_or_default();
        if let Some(near) = suggest::nearest(&field.text, names.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
        None
    }

    /// The part of a structure's value that lies at an offset.
    fn part(&self, of: Expr, offset: u32, ty: Type, span: Span) -> Expr {
        match of.kind {
            ExprKind::Deref { address, space } => {
                let ty = in_space(&ty, space);
                let address = Box::new(moved(*address, offset));
                Expr::new(ExprKind::Deref { address, space }, ty, span)
            }
            kind => {
                let ty = in_space(&ty, self.space());
                let of = Box::new(Expr { kind, ..of });
                Expr::new(ExprKind::Member { of, offset }, ty, span)
            }
        }
    }

    /// Bits of the smallest word that holds them all.
    fn bit_field(&mut self, of: Expr, offset: u32, bits: Bits, ty: Type, span: Span) -> Option<Expr> {
        let size = Layout::of(&of.ty).size;
        let wide = [1u8, 2, 4, 8].into_iter().find_map(|width| {
            // A word that lies inside of the structure, from the field's first byte or aligned before it.
            let start =
                if offset + u32::from(width) <= size { offset } else { size.checked_sub(width.into())? };
            let start = start.min(offset);
            let first = u32::from(bits.first) + 8 * (offset - start);
            let fits = first + u32::from(bits.width) <= 8 * u32::from(width);
            fits.then_some((start, width, first as u8))
        });
        let Some((start, width, first)) = wide else {
            return self.error(Code::Unsupported, span, "a bit-field across nine bytes cannot be read");
        };
        let word = self.part(of, start, Type::int(width, false), span);
        let bits = Bits { first, width: bits.width };
        Some(Expr::new(ExprKind::Bits(Box::new(word), bits), ty, span))
    }

    fn record_field(&mut self, of: Expr, field: &ast::Name, span: Span) -> Option<Expr> {
        let Type::Record(fields) = &of.ty else { return None };
        let Some(n) = fields.iter().position(|(name, _)| *name == field.text) else {
            let message = format!("this record has no field `{}`", field.text);
            let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
            let mut diagnostic = Diagnostic::error(Code::UnknownField, field.span, message);
            if let Some(near) = suggest::nearest(&field.text, names.iter().copied()) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            self.report(diagnostic.note(format!("its fields are {}", names.join(", "))));
            return None;
        };
        let ty = fields[n].1.clone();
        Some(Expr::new(ExprKind::TupleField(Box::new(of), n as u32), ty, span))
    }

    /// `tuple.n`
    pub(super) fn tuple_field(&mut self, of: Expr, n: u32, field: Span, span: Span) -> Option<Expr> {
        let Type::Tuple(items) = &of.ty else {
            let message = format!("this is no tuple, but of type {}", of.ty);
            return self.error(Code::TypeMismatch, of.span, message);
        };
        let Some(ty) = items.get(n as usize).cloned() else {
            let message = format!("this tuple has {} fields, counted from 0", items.len());
            return self.error(Code::InvalidIndex, field, message);
        };
        Some(Expr::new(ExprKind::TupleField(Box::new(of), n), ty, span))
    }

    /// `of[index]`
    pub(super) fn index(&mut self, of: &ast::Expr, index: &ast::Expr, span: Span) -> Option<Expr> {
        let of = self.value(of);
        let index_span = index.span;
        let index = self.value(index);
        let (of, index) = (of?, index?);
        let constant = literal(&index);
        let (element, len) = match &of.ty {
            Type::Array { of: element, len } => ((**element).clone(), *len),
            Type::String { capacity } => (Type::int(1, true), *capacity),
            Type::Tuple(_) => {
                let Some(n) = constant.and_then(|n| u32::try_from(n).ok()) else {
                    let message = "the number of a tuple's field is a constant";
                    return self.error(Code::InvalidIndex, index_span, message);
                };
                return self.tuple_field(of, n, index_span, span);
            }
            Type::Pointer { .. } => {
                let moved = self.move_pointer(of, index, false, span)?;
                return self.deref(moved, span);
            }
            other => {
                let message = format!("a value of type {other} has no elements");
                return self.error(Code::InvalidIndex, of.span, message);
            }
        };
        if let Some(constant) = constant
            && (constant < 0 || len > 0 && constant >= i128::from(len))
        {
            let message = format!("this is outside of the {len} elements, counted from 0");
            return self.error(Code::InvalidIndex, index_span, message);
        }
        let index = self.integer(index)?;
        match (of.kind, constant) {
            // Where C leaves the length open, whoever asks for an element knows it.
            (ExprKind::Deref { address, space }, _) if len == 0 => {
                let pointer = address_of(*address, element, space);
                let moved = self.move_pointer(pointer, index, false, span)?;
                self.deref(moved, span)
            }
            (ExprKind::Deref { address, space }, Some(n)) if matches!(of.ty, Type::Array { .. }) => {
                let distance = u32::try_from(n).unwrap_or(u32::MAX).wrapping_mul(Layout::of(&element).size);
                let address = Box::new(moved(*address, distance));
                Some(Expr::new(ExprKind::Deref { address, space }, element, span))
            }
            (kind, _) => {
                let of = Box::new(Expr { kind, ..of });
                Some(Expr::new(ExprKind::Index(of, Box::new(index)), element, span))
            }
        }
    }

    /// `offsetof(type or expr, a.b)`
    pub(super) fn offset_of(&mut self, of: &ast::TypeOrExpr, path: &[ast::Name], span: Span) -> Option<Expr> {
        let mut ty = match of {
            ast::TypeOrExpr::Type(ty) => self.written_type(ty)?,
            ast::TypeOrExpr::Expr(expr) => self.value(expr)?.ty,
        };
        let mut offset = 0;
        for name in path {
            let found = self.find_member(&ty, name)?;
            if found.bits.is_some() {
                let message = format!("`{}` is a bit-field, which has no offset in bytes", name.text);
                return self.error(Code::WrongArguments, name.span, message);
            }
            offset += found.offset;
            ty = found.ty;
        }
        Some(integer_literal(i128::from(offset), span))
    }
}

/// A type found in memory of a space: its pointers lead there as well, unless they say that it is the user's.
pub(super) fn in_space(ty: &Type, space: Space) -> Type {
    match ty {
        Type::Pointer { to, space: Space::Kernel } => Type::Pointer { to: to.clone(), space },
        Type::Array { of, len } => Type::Array { of: Box::new(in_space(of, space)), len: *len },
        other => other.clone(),
    }
}

fn address_of(address: Expr, to: Type, space: Space) -> Expr {
    convert(convert(address, &Type::U64), &to.pointer(space))
}

/// An address some bytes further on.
fn moved(address: Expr, by: u32) -> Expr {
    if by == 0 {
        return address;
    }
    let span = address.span;
    let by = convert(integer_literal(i128::from(by), span), &Type::U64);
    let address = Box::new(convert(address, &Type::U64));
    Expr::new(ExprKind::Binary(BinaryOp::Add, address, Box::new(by)), Type::U64, span)
}
