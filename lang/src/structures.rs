//! names of C types → their definitions: [`Structures`].
//!
//! Asks what the program, its headers and earlier cells declare, then the host. Only what is asked for is ever
//! looked up there.
//!
//! *Not here:* where the host finds them (BTF, in `probebook_ebpf::host`).

use std::sync::Arc;

use crate::declare::Definitions;
use crate::host::Host;
use crate::types::Type;
use crate::types::layout::{Field, Layout, Part, Shape};
use crate::types::structure::{Bits, Enumeration, Keyword, Member, Structure};

/// Structures may lie within structures so deep; what comes from outside may be malformed.
const MAX_DEPTH: u32 = 32;

/// All C types that a program can name.
pub struct Structures<'a> {
    host: &'a dyn Host,
    declared: &'a Definitions,
}

/// A member found by its name, perhaps within anonymous ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes from the start of the structure.
    pub offset: u32,
    /// Set for a bit-field.
    pub bits: Option<Bits>,
    /// What it holds.
    pub ty: Type,
}

impl<'a> Structures<'a> {
    /// Looks up nothing yet.
    pub fn new(host: &'a dyn Host, declared: &'a Definitions) -> Self {
        Self { host, declared }
    }

    /// A structure or union by its name.
    pub fn structure(&self, keyword: Keyword, name: &str) -> Option<Arc<Structure>> {
        let declared = self.declared.structures.get(&(keyword, name.to_owned()));
        declared.cloned().or_else(|| self.host.structure(keyword, name))
    }

    /// An enumeration by its name.
    pub fn enumeration(&self, name: &str) -> Option<Arc<Enumeration>> {
        self.declared.enumerations.get(name).cloned().or_else(|| self.host.enumeration(name))
    }

    /// What a `typedef` names.
    pub fn typedef(&self, name: &str) -> Option<Type> {
        self.declared.typedefs.get(name).cloned().or_else(|| self.host.typedef(name))
    }

    /// A constant of an enumeration.
    pub fn enum_constant(&self, name: &str) -> Option<(Arc<Enumeration>, i64)> {
        self.declared.constants.get(name).cloned().or_else(|| self.host.enum_constant(name))
    }

    /// The tags of structures and unions.
    pub fn tags(&self) -> Vec<String> {
        let declared = self.declared.structures.keys().map(|(_, tag)| tag.clone());
        declared.chain(self.host.structure_names()).collect()
    }

    /// What the program declares of all this.
    pub fn declared(&self) -> &'a Definitions {
        self.declared
    }

    /// The member of a structure by its name, also within anonymous members.
    pub fn member(&self, structure: &Structure, name: &str) -> Option<Found> {
        self.find(structure, name, 0, MAX_DEPTH)
    }

    fn find(&self, structure: &Structure, name: &str, base: u32, depth: u32) -> Option<Found> {
        let depth = depth.checked_sub(1)?;
        structure.members.iter().find_map(|member| {
            if member.name == name {
                let Member { offset, bits, ty, .. } = member.clone();
                return Some(Found { offset: base + offset, bits, ty });
            }
            let inner = self.anonymous(member)?;
            self.find(&inner, name, base + member.offset, depth)
        })
    }

    /// The names of a structure's members, those of anonymous ones included.
    pub fn names(&self, structure: &Structure) -> Vec<String> {
        self.flat(structure, 0, MAX_DEPTH).into_iter().map(|(member, _)| member.name).collect()
    }

    /// The members of a structure's or record's values, also through pointers, with their types.
    pub fn members(&self, ty: &Type) -> Vec<(String, Type)> {
        match ty {
            Type::Pointer { to, .. } => self.members(to),
            Type::Record(fields) => fields.clone(),
            Type::Struct { keyword, name, .. } => {
                let structure = self.structure(*keyword, name);
                let members =
                    structure.map(|structure| self.flat(&structure, 0, MAX_DEPTH)).unwrap_or_default();
                members.into_iter().map(|(member, _)| (member.name, member.ty)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The members with a name, and where they lie.
    fn flat(&self, structure: &Structure, base: u32, depth: u32) -> Vec<(Member, u32)> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        let members = structure.members.iter().map(|member| match self.anonymous(member) {
            Some(inner) => self.flat(&inner, base + member.offset, depth),
            None if member.name.is_empty() => Vec::new(),
            None => vec![(member.clone(), base + member.offset)],
        });
        members.flatten().collect()
    }

    /// The structure that a member without a name is.
    fn anonymous(&self, member: &Member) -> Option<Arc<Structure>> {
        match &member.ty {
            Type::Struct { keyword, name, .. } if member.name.is_empty() => self.structure(*keyword, name),
            _ => None,
        }
    }

    /// The layout of values that leave a program: with the members of structures and the constants of
    /// enumerations.
    pub fn layout(&self, ty: &Type) -> Layout {
        let mut layout = Layout::of(ty);
        self.complete(&mut layout, ty, MAX_DEPTH);
        layout
    }

    /// Fills in what [`Layout::of`] leaves open.
    fn complete(&self, layout: &mut Layout, ty: &Type, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match (&mut layout.shape, ty) {
            (Shape::Array(element, _), Type::Array { of, .. }) => self.complete(element, of, depth),
            (Shape::Tuple(parts), Type::Tuple(items)) => {
                for (part, item) in parts.iter_mut().zip(items) {
                    self.complete(&mut part.layout, item, depth);
                }
            }
            (Shape::Record(fields), Type::Record(items)) => {
                for (field, (_, item)) in fields.iter_mut().zip(items) {
                    self.complete(&mut field.part.layout, item, depth);
                }
            }
            (shape @ Shape::Record(_), Type::Struct { keyword, name, .. }) => {
                if let Some(structure) = self.structure(*keyword, name) {
                    let members = self.flat(&structure, 0, depth);
                    *shape =
                        Shape::Record(members.into_iter().map(|(m, at)| self.field(m, at, depth)).collect());
                }
            }
            (shape @ Shape::Int { .. }, Type::Enum { name, .. }) => {
                if let Some(enumeration) = self.enumeration(name) {
                    *shape = Shape::Enum(enumeration);
                }
            }
            _ => {}
        }
    }

    fn field(&self, member: Member, offset: u32, depth: u32) -> Field {
        let mut layout = Layout::of(&member.ty);
        self.complete(&mut layout, &member.ty, depth);
        Field { name: member.name.into(), part: Part { offset, layout }, bits: member.bits }
    }
}
