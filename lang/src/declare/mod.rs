//! C declarations → [`Definitions`]: structures with the offsets of their members, enumerations with the values
//! of their constants, and what typedefs name.
//!
//! Sizes, alignments and bit-fields are those of the System V ABI for x86-64. What headers declare and has no
//! layout here is left out; in the program itself that is an error.
//!
//! *Not here:* how declarations are read (`syntax::c`), types of Linux (`structures` asks the host).

mod constant;
mod layout;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, suggest};
use crate::host::Host;
use crate::source::Span;
use crate::syntax::c::constant::{Fault, Value};
use crate::syntax::c::tree::{CType, Declaration, Enum};
use crate::syntax::c::{CPart, Origin};
use crate::types::structure::{Enumeration, Keyword, Member, Structure};
use crate::types::{Space, Type};

/// What a program declares in C, earlier cells and headers included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// Structures and unions by keyword and tag.
    pub structures: BTreeMap<(Keyword, String), Arc<Structure>>,
    /// Enumerations by tag.
    pub enumerations: BTreeMap<String, Arc<Enumeration>>,
    /// Name → type.
    pub typedefs: BTreeMap<String, Type>,
    /// Constant → its enumeration and value.
    pub constants: BTreeMap<String, (Arc<Enumeration>, i64)>,
    /// Macros with parameters, which only the C part can use: name → where they are defined.
    pub with_parameters: BTreeMap<String, Span>,
    /// What headers declare and is not among these: name → reason.
    pub left_out: BTreeMap<String, String>,
}

/// Gives declarations their layout.
pub fn declare(part: &CPart, host: &dyn Host) -> (Definitions, Vec<Diagnostic>) {
    let mut declarer = Declarer {
        host,
        definitions: Definitions::default(),
        own: HashMap::new(),
        values: HashMap::new(),
        aligns: HashMap::new(),
        is_own: false,
        depth: 0,
        diagnostics: Vec::new(),
    };
    let with_parameters = part.defines.iter().filter(|(_, define)| define.has_parameters);
    declarer.definitions.with_parameters =
        with_parameters.map(|(name, define)| (name.clone(), define.name)).collect();
    for skipped in &part.skipped {
        declarer.definitions.left_out.insert(skipped.name.clone(), skipped.fault.message.clone());
    }
    for fault in &part.faults {
        declarer.fault(fault.fault.clone());
    }
    for (origin, declaration) in &part.declarations {
        declarer.is_own = *origin == Origin::Own;
        let result = match declaration {
            Declaration::Record(record) => declarer.record(record, "").map(|_| ()),
            Declaration::Enum(of) => declarer.enumeration(of).map(|_| ()),
            Declaration::Typedef { name, span, ty } => declarer.typedef(name, *span, ty),
        };
        match result {
            Ok(()) => {}
            Err(fault) if declarer.is_own => declarer.fault(fault),
            Err(fault) => {
                let name = match declaration {
                    Declaration::Record(record) => &record.tag,
                    Declaration::Enum(of) => &of.tag,
                    Declaration::Typedef { name, .. } => name,
                };
                declarer.definitions.left_out.insert(name.clone(), fault.message);
            }
        }
    }
    declarer.finish()
}

/// A type with its size and alignment, which the type itself does not always tell.
#[derive(Clone, Debug)]
struct Measured {
    ty: Type,
    size: u64,
    align: u64,
}

struct Declarer<'a> {
    host: &'a dyn Host,
    definitions: Definitions,
    /// Where the program itself has defined what.
    own: HashMap<(&'static str, String), Span>,
    /// Constants with their C types.
    values: HashMap<String, Value>,
    /// Alignments of typedefs that are not those of their types.
    aligns: HashMap<String, u64>,
    /// The declaration at hand is the program's own.
    is_own: bool,
    /// How deep structures are nested.
    depth: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Declarer<'_> {
    fn fault(&mut self, fault: Fault) {
        self.diagnostics.push(Diagnostic::error(Code::InvalidDeclaration, fault.span, fault.message));
    }

    /// Notes a definition of the program itself; a second one is wrong.
    fn once(&mut self, kind: &'static str, name: &str, span: Span) {
        if !self.is_own || name.is_empty() {
            return;
        }
        if let Some(first) = self.own.insert((kind, name.to_owned()), span) {
            let spelt = if kind.is_empty() { name.to_owned() } else { format!("{kind} {name}") };
            let message = format!("`{spelt}` is defined twice");
            self.diagnostics.push(
                Diagnostic::error(Code::DuplicateDefinition, span, message).at(first, "defined here before"),
            );
        }
    }

    fn typedef(&mut self, name: &str, span: Span, ty: &CType) -> Result<(), Fault> {
        let context = if name.is_empty() { String::new() } else { format!("#{name}") };
        let measured = self.measured(ty, span, &context)?;
        self.once("typedef", name, span);
        self.aligns.remove(name);
        if measured.align != natural(&measured.ty) {
            self.aligns.insert(name.to_owned(), measured.align);
        }
        self.definitions.typedefs.insert(name.to_owned(), measured.ty);
        Ok(())
    }

    fn enumeration(&mut self, of: &Enum) -> Result<Measured, Fault> {
        let mut variants = Vec::new();
        let mut next = Value::int(0);
        for (name, span, value) in &of.constants {
            let value = match value {
                Some(value) => value.evaluate(self)?,
                None => next,
            };
            self.once("", name, *span);
            self.values.insert(name.clone(), value);
            variants.push((name.clone(), value));
            next = Value::new(
                value.number() + 1,
                value.is_long || value.bits == i64::from(i32::MAX),
                value.is_unsigned,
            );
        }
        let signed = variants.iter().any(|(_, value)| value.number() < 0);
        let fits = |width: u32| {
            let (low, high) = match signed {
                true => (-(1_i128 << (width - 1)), (1_i128 << (width - 1)) - 1),
                false => (0, (1_i128 << width) - 1),
            };
            variants.iter().all(|(_, value)| (low..=high).contains(&value.number()))
        };
        let narrowest = if of.is_packed { 1 } else { 4 };
        let width = [1_u8, 2, 4]
            .into_iter()
            .find(|&width| width >= narrowest && fits(u32::from(width) * 8))
            .unwrap_or(8);
        let first = variants.first().map_or("", |(name, _)| name.as_str());
        let name = if of.tag.is_empty() { format!("#{first}") } else { of.tag.clone() };
        let variants = variants.into_iter().map(|(name, value)| (name, value.bits)).collect();
        let enumeration = Arc::new(Enumeration { name: name.clone(), width, signed, variants });
        self.once("enum", &of.tag, of.span);
        for (constant, value) in &enumeration.variants {
            self.definitions.constants.insert(constant.clone(), (Arc::clone(&enumeration), *value));
        }
        let ty = enumeration.ty();
        self.definitions.enumerations.insert(name, enumeration);
        Ok(Measured { ty, size: width.into(), align: width.into() })
    }

    /// The definition of a structure by its tag.
    fn structure(&self, keyword: Keyword, tag: &str) -> Option<Arc<Structure>> {
        let own = self.definitions.structures.get(&(keyword, tag.to_owned()));
        own.cloned().or_else(|| self.host.structure(keyword, tag))
    }

    /// A type, its size and its alignment. `context` names what has no name itself.
    fn measured(&mut self, ty: &CType, span: Span, context: &str) -> Result<Measured, Fault> {
        let scalar = |ty: Type, size: u64| Measured { ty, size, align: size };
        let bytes = |size: u64| {
            let ty = Type::Array { of: Box::new(Type::int(1, false)), len: size as u32 };
            Measured { ty, size, align: size }
        };
        Ok(match ty {
            CType::Void => return Err(Fault { span, message: "`void` has no values".into() }),
            CType::Function => return Err(Fault { span, message: "a function is no value".into() }),
            CType::Bool => scalar(Type::Bool, 1),
            CType::Char => scalar(Type::int(1, true), 1),
            CType::Int { width: 16, .. } => bytes(16),
            CType::Int { width, signed } => scalar(Type::int(*width, *signed), u64::from(*width)),
            CType::Float(size) => bytes(u64::from(*size)),
            CType::Pointer(to) => scalar(self.pointee(to, span, context)?.pointer(Space::Kernel), 8),
            CType::Named(name, span) => self.named(name, *span)?,
            CType::Record(record) => self.record(record, context)?,
            CType::Enum(of) => self.enumeration(of)?,
            CType::Tagged(keyword, tag, span) => {
                let Some(structure) = self.structure(*keyword, tag) else {
                    let message =
                        format!("`{} {tag}` is not defined, so its size is not known", keyword.text());
                    return Err(Fault { span: *span, message });
                };
                Measured { ty: structure.ty(), size: structure.size.into(), align: structure.align.into() }
            }
            CType::EnumTag(tag, span) => {
                let own = self.definitions.enumerations.get(tag).cloned();
                let Some(enumeration) = own.or_else(|| self.host.enumeration(tag)) else {
                    return Err(Fault { span: *span, message: format!("`enum {tag}` is not defined") });
                };
                scalar(enumeration.ty(), enumeration.width.into())
            }
            CType::Array(of, length) => self.array(of, length.as_deref(), span, context)?,
            CType::Aligned(of, align) => {
                let measured = self.measured(of, span, context)?;
                Measured { align: self.alignment(align)?.max(measured.align), ..measured }
            }
        })
    }

    /// What a pointer leads to, which need not be known.
    fn pointee(&mut self, ty: &CType, span: Span, context: &str) -> Result<Type, Fault> {
        Ok(match ty {
            CType::Void | CType::Function => Type::Void,
            CType::Pointer(to) => self.pointee(to, span, context)?.pointer(Space::Kernel),
            // Sizes are filled in when all definitions are known.
            CType::Tagged(keyword, tag, _) => Type::Struct { keyword: *keyword, name: tag.clone(), size: 0 },
            CType::EnumTag(tag, _) if !self.definitions.enumerations.contains_key(tag) => {
                self.host.enumeration(tag).map_or(Type::int(4, false), |of| of.ty())
            }
            CType::Named(name, _) if self.definitions.typedefs.get(name) == Some(&Type::Void) => Type::Void,
            other => self.measured(other, span, context)?.ty,
        })
    }

    fn array(
        &mut self,
        of: &CType,
        length: Option<&crate::syntax::c::constant::Expr>,
        span: Span,
        context: &str,
    ) -> Result<Measured, Fault> {
        let element = self.measured(of, span, context)?;
        let length = match length {
            None => 0,
            Some(length) => {
                let value = length.evaluate(self)?.number();
                let fits = |len: u32| element.size * u64::from(len) <= u64::from(u32::MAX / 2);
                match u32::try_from(value).ok().filter(|&len| fits(len)) {
                    Some(value) => value,
                    None => {
                        let message = format!("an array cannot have {value} elements");
                        return Err(Fault { span: length.span, message });
                    }
                }
            }
        };
        let is_text = match of {
            CType::Char => true,
            CType::Named(name, _) => name == "char",
            _ => false,
        };
        let ty = match is_text && length > 0 {
            true => Type::String { capacity: length },
            false => Type::Array { of: Box::new(element.ty), len: length },
        };
        Ok(Measured { ty, size: element.size * u64::from(length), align: element.align })
    }

    /// What a name stands for: typedefs of the program, then those of C's headers, then those of Linux.
    fn named(&self, name: &str, span: Span) -> Result<Measured, Fault> {
        let declared = self.definitions.typedefs.get(name).cloned();
        let known = || crate::check::integer_type(name).or_else(|| (name == "bool").then_some(Type::Bool));
        let Some(ty) = declared.or_else(known).or_else(|| self.host.typedef(name)) else {
            let mut message = format!("there is no type `{name}`");
            let names = self.definitions.typedefs.keys().map(String::as_str);
            if let Some(near) = suggest::nearest(name, names) {
                message.push_str(&format!("; did you mean `{near}`?"));
            }
            return Err(Fault { span, message });
        };
        let (size, align) = self.size_of(&ty);
        Ok(Measured { ty, size, align: self.aligns.get(name).copied().unwrap_or(align) })
    }

    /// The size and alignment of a type of which nothing else is known.
    fn size_of(&self, ty: &Type) -> (u64, u64) {
        match ty {
            Type::Struct { keyword, name, size } => {
                let structure = self.structure(*keyword, name);
                (
                    structure.as_ref().map_or(*size, |of| of.size).into(),
                    structure.map_or(1, |of| of.align).into(),
                )
            }
            Type::Array { of, len } => {
                let (size, align) = self.size_of(of);
                (size * u64::from(*len), align)
            }
            Type::String { capacity } => ((*capacity).into(), 1),
            other => {
                let size = u64::from(crate::types::layout::Layout::of(other).size);
                (size, size.max(1))
            }
        }
    }

    /// Fills in the sizes of what pointers lead to.
    fn finish(self) -> (Definitions, Vec<Diagnostic>) {
        let sizes = |keyword: Keyword, name: &str| self.structure(keyword, name).map(|of| of.size);
        let mut definitions = self.definitions.clone();
        for structure in definitions.structures.values_mut() {
            let needs = |member: &Member| has_open_size(&member.ty);
            if structure.members.iter().any(needs) {
                let structure = Arc::make_mut(structure);
                structure.members.iter_mut().for_each(|member| fill(&mut member.ty, &sizes));
            }
        }
        definitions.typedefs.values_mut().for_each(|ty| fill(ty, &sizes));
        (definitions, self.diagnostics)
    }
}

/// The alignment that a type of this shape has in C.
fn natural(ty: &Type) -> u64 {
    match ty {
        Type::Array { of, .. } => natural(of),
        Type::String { .. } => 1,
        // Kept with the structure.
        Type::Struct { .. } => 0,
        other => u64::from(crate::types::layout::Layout::of(other).align),
    }
}

fn has_open_size(ty: &Type) -> bool {
    match ty {
        Type::Struct { size, .. } => *size == 0,
        Type::Pointer { to, .. } => has_open_size(to),
        Type::Array { of, .. } => has_open_size(of),
        _ => false,
    }
}

fn fill(ty: &mut Type, sizes: &dyn Fn(Keyword, &str) -> Option<u32>) {
    match ty {
        Type::Struct { keyword, name, size } if *size == 0 => *size = sizes(*keyword, name).unwrap_or(0),
        Type::Pointer { to, .. } => fill(to, sizes),
        Type::Array { of, .. } => fill(of, sizes),
        _ => {}
    }
}
