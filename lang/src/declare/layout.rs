//! A structure as written → [`Structure`]: where each member lies.

use std::sync::Arc;

use super::{Declarer, Measured};
use crate::source::Span;
use crate::syntax::c::constant::Fault;
use crate::syntax::c::tree::{CType, Field, Record};
use crate::types::Type;
use crate::types::structure::{Bits, Keyword, Member, Structure};

/// How deep structures may lie within structures.
const MAX_DEPTH: usize = 64;

/// Where the next member goes.
struct Place {
    keyword: Keyword,
    /// In bits, because of bit-fields.
    next: u64,
    /// Bytes of the whole so far.
    size: u64,
    align: u64,
}

impl Declarer<'_> {
    /// Defines a structure. `context` names one that has no tag.
    pub(super) fn record(&mut self, record: &Record, context: &str) -> Result<Measured, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault { span: record.span, message: "structures are nested too deeply here".into() });
        }
        let name = match (record.tag.as_str(), context) {
            ("", "") => format!("#{}", record.span.start),
            ("", context) => context.to_owned(),
            (tag, _) => tag.to_owned(),
        };
        let mut place = Place { keyword: record.keyword, next: 0, size: 0, align: 1 };
        let mut members: Vec<Member> = Vec::new();
        for (index, field) in record.fields.iter().enumerate() {
            let context = format!("#{}.{index}", name.trim_start_matches('#'));
            let Some(member) = self.member(record, field, &context, &mut place)? else { continue };
            if !member.name.is_empty() && members.iter().any(|other| other.name == member.name) {
                let message = format!("there are two members `{}`", member.name);
                return Err(Fault { span: field.span, message });
            }
            members.push(member);
        }
        if let Some(aligned) = &record.attributes.aligned {
            place.align = place.align.max(self.alignment(aligned)?);
        }
        let size = place.size.next_multiple_of(place.align);
        let Ok(size) = u32::try_from(size) else {
            return Err(Fault { span: record.span, message: "this is too large".into() });
        };
        self.depth -= 1;
        self.once(record.keyword.text(), &record.tag, record.span);
        let align = place.align as u32;
        let structure = Structure { keyword: record.keyword, name: name.clone(), size, align, members };
        let ty = structure.ty();
        self.definitions.left_out.remove(&name);
        self.definitions.structures.insert((record.keyword, name), Arc::new(structure));
        Ok(Measured { ty, size: size.into(), align: align.into() })
    }

    /// Puts a member in its place; `None` if the field only declares a type or moves the place on.
    fn member(
        &mut self,
        record: &Record,
        field: &Field,
        context: &str,
        place: &mut Place,
    ) -> Result<Option<Member>, Fault> {
        let measured = self.measured(&field.ty, field.span, context)?;
        let is_anonymous = matches!(&field.ty, CType::Record(inner) if inner.tag.is_empty());
        if field.name.is_empty() && field.bits.is_none() && !is_anonymous {
            return Ok(None);
        }
        let is_packed = record.attributes.is_packed || field.attributes.is_packed;
        let mut align = if is_packed { 1 } else { measured.align.max(1) };
        if let Some(aligned) = &field.attributes.aligned {
            align = align.max(self.alignment(aligned)?);
        }
        if let Some(pack) = record.attributes.pack {
            align = align.min(pack.max(1).into());
        }
        let member = |offset: u64, bits, ty| {
            let offset = u32::try_from(offset)
                .map_err(|_| Fault { span: field.span, message: "this member lies too far behind".into() })?;
            Ok(Some(Member { name: field.name.clone(), offset, bits, ty }))
        };
        let Some(width) = &field.bits else {
            let offset = place.put(measured.size, align);
            return member(offset, None, measured.ty);
        };
        let whole = match &measured.ty {
            Type::Bool => 1,
            Type::Int { .. } | Type::Enum { .. } => measured.size * 8,
            _ => return Err(Fault { span: field.span, message: "only integers can be bit-fields".into() }),
        };
        let value = width.evaluate(self)?.number();
        let is_named = !field.name.is_empty();
        let least = u64::from(is_named);
        let Some(width) = u64::try_from(value).ok().filter(|width| (least..=whole).contains(width)) else {
            return Err(bad_width(width.span, value, whole));
        };
        let unit = measured.size * 8;
        let may_cross = is_packed || record.attributes.pack.is_some();
        let first = place.put_bits(width, unit, align, may_cross, is_named);
        if !is_named {
            return Ok(None);
        }
        member(first / 8, Some(Bits { first: (first % 8) as u8, width: width as u8 }), measured.ty)
    }
}

fn bad_width(span: Span, value: i128, most: u64) -> Fault {
    Fault { span, message: format!("this bit-field can have 1 to {most} bits, not {value}") }
}

impl Place {
    /// The offset of a member in bytes.
    fn put(&mut self, size: u64, align: u64) -> u64 {
        self.align = self.align.max(align);
        let offset = self.next.div_ceil(8).next_multiple_of(align);
        self.end((offset + size) * 8);
        offset
    }

    /// The offset of a bit-field in bits. It lies across a boundary of its type only if it is packed.
    fn put_bits(&mut self, width: u64, unit: u64, align: u64, may_cross: bool, is_named: bool) -> u64 {
        if width == 0 {
            self.end(self.next.next_multiple_of(unit));
            return self.next;
        }
        if is_named {
            self.align = self.align.max(align);
        }
        if self.next / unit != (self.next + width - 1) / unit && !may_cross {
            self.next = self.next.next_multiple_of(align * 8);
        }
        let first = self.next;
        self.end(first + width);
        first
    }

    fn end(&mut self, bit: u64) {
        self.size = self.size.max(bit.div_ceil(8));
        self.next = if self.keyword == Keyword::Union { 0 } else { bit };
    }
}
