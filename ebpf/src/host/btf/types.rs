//! C types of the running Linux by name → [`Structure`], [`Enumeration`], [`Type`].
//!
//! A structure is read when it is asked for; what its pointers lead to is not. A type without a name goes by
//! `#` and its number.
//!
//! *Invariant:* malformed data gives no definition; it never reads past its end nor goes round for ever.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use probebook_lang::host::FunctionType;
use probebook_lang::types::structure::{Bits, Enumeration, Keyword, Member, Structure};
use probebook_lang::types::{Space, Type};

use super::{Sections, bytes, kind, sections, word};

/// How many pointers, arrays and typedefs may follow each other.
const MAX_DEPTH: u32 = 32;

/// What has been looked up, found or not: a look-up is a walk through all types.
#[derive(Debug, Default)]
pub struct Known {
    structures: Cache<(Keyword, String), Arc<Structure>>,
    enumerations: Cache<String, Arc<Enumeration>>,
    typedefs: Cache<String, Type>,
    constants: Cache<String, (Arc<Enumeration>, i64)>,
}

#[derive(Debug)]
struct Cache<K, V>(Mutex<HashMap<K, Option<V>>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    fn get(&self, key: K, find: impl FnOnce(&K) -> Option<V>) -> Option<V> {
        // A panic elsewhere cannot have left an entry half made.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key).or_insert_with_key(find).clone()
    }
}

impl Known {
    /// A structure or union.
    pub fn structure(&self, keyword: Keyword, name: &str) -> Option<Arc<Structure>> {
        self.structures.get((keyword, name.to_owned()), |(keyword, name)| {
            let btf = Btf::get()?;
            let id = btf.find(kind_of(*keyword), name)?;
            btf.structure(id).map(Arc::new)
        })
    }

    /// An enumeration.
    pub fn enumeration(&self, name: &str) -> Option<Arc<Enumeration>> {
        self.enumerations.get(name.to_owned(), |name| {
            let btf = Btf::get()?;
            let id = btf.find(kind::ENUM, name).or_else(|| btf.find(kind::ENUM64, name))?;
            btf.enumeration(id).map(Arc::new)
        })
    }

    /// What a `typedef` names.
    pub fn typedef(&self, name: &str) -> Option<Type> {
        self.typedefs.get(name.to_owned(), |name| {
            let btf = Btf::get()?;
            btf.ty(btf.find(kind::TYPEDEF, name)?, MAX_DEPTH)
        })
    }

    /// The enumeration with a constant of that name.
    pub fn enum_constant(&self, name: &str) -> Option<(Arc<Enumeration>, i64)> {
        self.constants.get(name.to_owned(), |name| {
            let btf = Btf::get()?;
            let mut heads =
                btf.sections.heads().filter(|head| matches!(head.kind, kind::ENUM | kind::ENUM64));
            heads.find_map(|head| {
                let width = if head.kind == kind::ENUM { 8 } else { 12 };
                let count = word(btf.sections.types, head.at + 4)? as usize & 0xffff;
                let is_there = (0..count).any(|index| {
                    let at = word(btf.sections.types, head.at + 12 + width * index);
                    at.and_then(|at| btf.sections.string(at as usize)) == Some(name.as_bytes())
                });
                let enumeration = if is_there { btf.enumeration(head.id)? } else { return None };
                let (_, value) = enumeration.variants.iter().find(|(variant, _)| variant == name)?;
                let value = *value;
                Some((Arc::new(enumeration), value))
            })
        })
    }
}

/// The tags of structures and unions, sorted.
pub fn structure_names() -> Vec<String> {
    let heads = Btf::get().into_iter().flat_map(|btf| btf.sections.heads());
    let names = heads.filter(|head| matches!(head.kind, kind::STRUCT | kind::UNION) && !head.name.is_empty());
    let mut names: Vec<_> = names.map(|head| String::from_utf8_lossy(head.name).into_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The arguments of a raw tracepoint.
pub fn raw_tracepoint(name: &str) -> Option<Vec<(String, Type)>> {
    let btf = Btf::get()?;
    let name = name.rsplit(':').next().unwrap_or(name);
    // The type `btf_trace_NAME` of the same arguments has no names for them.
    let prototype = btf.prototype(&format!("__traceiter_{name}"))?;
    // The first one belongs to Linux.
    btf.arguments(&prototype, 1)
}

/// The arguments and the result of a function.
pub fn function(name: &str) -> Option<FunctionType> {
    let btf = Btf::get()?;
    let prototype = btf.prototype(name)?;
    let result = btf.ty(prototype.reference, MAX_DEPTH)?;
    Some(FunctionType { arguments: btf.arguments(&prototype, 0)?, result })
}

fn kind_of(keyword: Keyword) -> u32 {
    match keyword {
        Keyword::Struct => kind::STRUCT,
        Keyword::Union => kind::UNION,
    }
}

/// The types of Linux by their numbers.
struct Btf {
    sections: Sections<'static>,
    /// Where each type lies; number 0 is `void`.
    places: Vec<u32>,
}

/// What is the same for all kinds of types.
struct Head {
    kind: u32,
    name: u32,
    /// Members.
    count: usize,
    flag: bool,
    /// The size, or another type.
    reference: u32,
    /// Where what follows begins.
    tail: usize,
}

impl Btf {
    fn get() -> Option<&'static Self> {
        static BTF: OnceLock<Option<Btf>> = OnceLock::new();
        let read = || {
            let sections = sections(bytes()?)?;
            let places =
                std::iter::once(u32::MAX).chain(sections.heads().map(|head| head.at as u32)).collect();
            Some(Btf { sections, places })
        };
        BTF.get_or_init(read).as_ref()
    }

    /// The number of a type by kind and name.
    fn find(&self, kind: u32, name: &str) -> Option<u32> {
        if let Some(number) = name.strip_prefix('#') {
            let id = number.parse().ok()?;
            return (self.head(id)?.kind == kind).then_some(id);
        }
        let is_meant = |head: &super::Head<'_>| head.kind == kind && head.name == name.as_bytes();
        self.sections.heads().find(is_meant).map(|head| head.id)
    }

    fn prototype(&self, function: &str) -> Option<Head> {
        let function = self.head(self.find(kind::FUNCTION, function)?)?;
        self.head(function.reference).filter(|head| head.kind == kind::PROTOTYPE)
    }

    /// The arguments of a function behind the first `skipped`.
    fn arguments(&self, prototype: &Head, skipped: usize) -> Option<Vec<(String, Type)>> {
        (skipped..prototype.count)
            .map(|index| {
                let at = prototype.tail + 8 * index;
                let name = self.text(word(self.sections.types, at)?)?;
                let name = if name.is_empty() { format!("arg{}", index - skipped) } else { name };
                Some((name, self.ty(word(self.sections.types, at + 4)?, MAX_DEPTH)?))
            })
            .collect()
    }

    fn head(&self, id: u32) -> Option<Head> {
        let at = *self.places.get(id as usize)? as usize;
        let field = |offset| word(self.sections.types, at.checked_add(offset)?);
        let info = field(4)?;
        Some(Head {
            kind: info >> 24 & 0x1f,
            name: field(0)?,
            count: (info & 0xffff) as usize,
            flag: info >> 31 != 0,
            reference: field(8)?,
            tail: at + 12,
        })
    }

    fn text(&self, at: u32) -> Option<String> {
        Some(String::from_utf8_lossy(self.sections.string(at as usize)?).into_owned())
    }

    /// A type's name, or its number where it has none.
    fn name(&self, head: &Head, id: u32) -> Option<String> {
        let name = self.text(head.name)?;
        Some(if name.is_empty() { format!("#{id}") } else { name })
    }

    fn ty(&self, id: u32, depth: u32) -> Option<Type> {
        let depth = depth.checked_sub(1)?;
        if id == 0 {
            return Some(Type::Void);
        }
        let head = self.head(id)?;
        Some(match head.kind {
            kind::INT => self.integer(&head)?,
            kind::POINTER => self.pointer(&head, depth)?,
            kind::ARRAY => self.array(&head, depth)?,
            kind::STRUCT | kind::UNION => Type::Struct {
                keyword: if head.kind == kind::STRUCT { Keyword::Struct } else { Keyword::Union },
                name: self.name(&head, id)?,
                size: head.reference,
            },
            kind::ENUM | kind::ENUM64 => {
                Type::Enum { name: self.name(&head, id)?, width: width(head.reference)?, signed: head.flag }
            }
            kind::FORWARD => {
                let keyword = if head.flag { Keyword::Union } else { Keyword::Struct };
                let name = self.text(head.name)?;
                let whole = self.find(kind_of(keyword), &name).and_then(|id| self.head(id));
                Type::Struct { keyword, name, size: whole.map_or(0, |whole| whole.reference) }
            }
            kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                self.ty(head.reference, depth)?
            }
            kind::FLOAT => {
                let of = Box::new(Type::int(1, false));
                Type::Array { of, len: head.reference }
            }
            _ => Type::Void,
        })
    }

    fn integer(&self, head: &Head) -> Option<Type> {
        let encoding = word(self.sections.types, head.tail)? >> 24;
        let is_char = self.sections.string(head.name as usize)? == b"char";
        Some(match head.reference {
            1 if encoding & 4 != 0 => Type::Bool,
            16 => Type::Array { of: Box::new(Type::U64), len: 2 },
            size => Type::int(width(size)?, encoding & 1 != 0 || is_char),
        })
    }

    fn pointer(&self, head: &Head, depth: u32) -> Option<Type> {
        let to = self.head(head.reference);
        let is_user = to.is_some_and(|to| {
            to.kind == kind::TYPE_TAG && self.sections.string(to.name as usize) == Some(b"user")
        });
        let space = if is_user { Space::User } else { Space::Kernel };
        Some(self.ty(head.reference, depth)?.pointer(space))
    }

    fn array(&self, head: &Head, depth: u32) -> Option<Type> {
        let of = word(self.sections.types, head.tail)?;
        let len = word(self.sections.types, head.tail + 8)?;
        if len > 0 && self.is_char(of) {
            return Some(Type::String { capacity: len });
        }
        Some(Type::Array { of: Box::new(self.ty(of, depth)?), len })
    }

    /// Whether it is `char`, by whatever name.
    fn is_char(&self, mut id: u32) -> bool {
        for _ in 0..MAX_DEPTH {
            let Some(head) = self.head(id) else { return false };
            match head.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::TYPE_TAG => id = head.reference,
                _ => {
                    let name = self.sections.string(head.name as usize);
                    return head.kind == kind::INT && name == Some(b"char");
                }
            }
        }
        false
    }

    fn structure(&self, id: u32) -> Option<Structure> {
        let head = self.head(id)?;
        let keyword = if head.kind == kind::STRUCT { Keyword::Struct } else { Keyword::Union };
        let members = (0..head.count).map(|index| self.member(&head, index)).collect::<Option<_>>()?;
        let size = head.reference;
        // BTF does not tell; C's alignment divides the size.
        let align = 1 << size.trailing_zeros().min(3);
        Some(Structure { keyword, name: self.name(&head, id)?, size, align, members })
    }

    fn member(&self, head: &Head, index: usize) -> Option<Member> {
        let at = head.tail + 12 * index;
        let field = |offset| word(self.sections.types, at + offset);
        let place = field(8)?;
        let (width, bit) = if head.flag { ((place >> 24) as u8, place & 0x00ff_ffff) } else { (0, place) };
        Some(Member {
            name: self.text(field(0)?)?,
            offset: bit / 8,
            bits: (width > 0).then_some(Bits { first: (bit % 8) as u8, width }),
            ty: self.ty(field(4)?, MAX_DEPTH)?,
        })
    }

    fn enumeration(&self, id: u32) -> Option<Enumeration> {
        let head = self.head(id)?;
        let variants = (0..head.count).map(|index| {
            let step = if head.kind == kind::ENUM { 8 } else { 12 };
            let field = |offset| word(self.sections.types, head.tail + step * index + offset);
            let low = field(4)?;
            let value = match (head.kind, head.flag) {
                (kind::ENUM, true) => i64::from(low as i32),
                (kind::ENUM, false) => i64::from(low),
                _ => (u64::from(field(8)?) << 32 | u64::from(low)) as i64,
            };
            Some((self.text(field(0)?)?, value))
        });
        Some(Enumeration {
            name: self.name(&head, id)?,
            width: width(head.reference)?,
            signed: head.flag,
            variants: variants.collect::<Option<_>>()?,
        })
    }
}

fn width(bytes: u32) -> Option<u8> {
    matches!(bytes, 1 | 2 | 4 | 8).then_some(bytes as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_has_its_members() {
        let known = Known::default();
        let task = known.structure(Keyword::Struct, "task_struct").expect("a structure");
        let member = |name: &str| task.members.iter().find(|member| member.name == name).expect("a member");
        assert_eq!(member("comm").ty, Type::String { capacity: 16 });
        assert_eq!(member("pid").ty, Type::int(4, true));
        let Type::Pointer { to, space: Space::Kernel } = &member("parent").ty else { panic!("no pointer") };
        assert_eq!(**to, task.ty());
        assert!(member("in_execve").bits.is_some_and(|bits| bits.width == 1));
        assert_eq!(known.structure(Keyword::Union, "task_struct"), None);
        assert_eq!(known.structure(Keyword::Struct, "#0"), None);
        assert!(structure_names().iter().any(|name| name == "task_struct"));
    }

    #[test]
    fn types_without_a_name_go_by_their_number() {
        let known = Known::default();
        let mm = known.structure(Keyword::Struct, "mm_struct").expect("a structure");
        let Type::Struct { keyword, name, size } = &mm.members[0].ty else { panic!("{:?}", mm.members[0]) };
        assert!(name.starts_with('#'), "{name}");
        let inner = known.structure(*keyword, name).expect("a structure");
        assert_eq!((inner.size, &inner.name), (*size, name));
    }

    #[test]
    fn constants_and_typedefs() {
        let known = Known::default();
        let (pid_type, value) = known.enum_constant("PIDTYPE_TGID").expect("a constant");
        assert_eq!((pid_type.name.as_str(), value), ("pid_type", 1));
        assert_eq!(known.enumeration("pid_type"), Some(pid_type));
        assert_eq!(known.enum_constant("NO_SUCH_CONSTANT"), None);
        assert_eq!(known.typedef("pid_t"), Some(Type::int(4, true)));
        assert_eq!(known.typedef("task_struct"), None);
    }

    #[test]
    fn raw_tracepoints_have_arguments() {
        let arguments = raw_tracepoint("sched_switch").expect("arguments");
        assert_eq!(arguments[0], ("preempt".to_owned(), Type::Bool));
        assert!(matches!(&arguments[1].1, Type::Pointer { .. }), "{arguments:?}");
        assert_eq!(raw_tracepoint("no_such_event"), None);
    }
}
