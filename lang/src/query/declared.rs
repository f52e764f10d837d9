//! What the C part of a half-typed cell and earlier cells declare, for completion and inspection.

use crate::declare::{Definitions, declare};
use crate::environment::Environment;
use crate::host::Host;
use crate::source::Source;
use crate::structures::Structures;
use crate::syntax::c::Define;
use crate::syntax::{load, parse};
use crate::types::structure::Keyword;

/// Names of C, and the texts that they are from.
pub struct Declared<'a> {
    host: &'a dyn Host,
    source: Source,
    defines: Vec<(String, Define)>,
    definitions: Definitions,
}

impl<'a> Declared<'a> {
    /// Reads the text, its headers, and what earlier cells declare.
    pub fn new(source: &Source, host: &'a dyn Host, environment: &Environment) -> Self {
        let source = load(source, host, environment);
        let (program, _) = parse(&source, &environment.parameters);
        let (definitions, _) = declare(&program.declared, host);
        Self { host, source, defines: program.declared.defines.into_iter().collect(), definitions }
    }

    /// Names that stand for a value, each with what it is.
    pub fn values(&self) -> Vec<(String, String)> {
        let usable = self.defines.iter().filter(|(_, define)| !define.has_parameters);
        let defines = usable.map(|(name, define)| (name.clone(), self.source.slice(define.body).to_owned()));
        let constants = self.definitions.constants.iter();
        defines.chain(constants.map(|(name, (_, value))| (name.clone(), value.to_string()))).collect()
    }

    /// What can stand behind `struct`, `union` or `enum`.
    pub fn tags(&self, keyword: &str) -> Vec<String> {
        let is_tag = |name: &&String| !name.starts_with('#');
        if keyword == "enum" {
            return self.definitions.enumerations.keys().filter(is_tag).cloned().collect();
        }
        let own = self.definitions.structures.keys().filter(|(of, _)| of.text() == keyword);
        let own = own.map(|(_, name)| name).filter(is_tag).cloned();
        own.chain(self.host.structure_names()).collect()
    }

    /// Form and meaning of a name that stands for a value.
    pub fn value(&self, name: &str) -> Option<(String, String)> {
        if let Some((_, define)) = self.defines.iter().find(|(other, _)| other == name) {
            let place = self.source.file(define.name.start).name();
            let body = self.source.slice(define.body);
            return Some((format!("#define {name} {body}"), format!("Defined in {place}.")));
        }
        let structures = Structures::new(self.host, &self.definitions);
        let (enumeration, value) = structures.enum_constant(name)?;
        let of = if enumeration.name.starts_with('#') {
            "an enumeration without a name".to_owned()
        } else {
            format!("`enum {}`", enumeration.name)
        };
        Some((format!("{name} = {value}"), format!("A constant of {of}.")))
    }

    /// The layout of a structure or union as C, with the offset of each member.
    pub fn layout(&self, keyword: &str, tag: &str) -> Option<String> {
        let structures = Structures::new(self.host, &self.definitions);
        if keyword == "enum" {
            let enumeration = structures.enumeration(tag)?;
            let constants =
                enumeration.variants.iter().map(|(name, value)| format!("    {name} = {value},\n"));
            return Some(format!("enum {tag} {{\n{}}}", constants.collect::<String>()));
        }
        let keyword = if keyword == "union" { Keyword::Union } else { Keyword::Struct };
        let structure = structures.structure(keyword, tag)?;
        let members = structure.members.iter().map(|member| {
            let name = if member.name.is_empty() { "(without a name)" } else { &member.name };
            let bits = member.bits.map(|bits| format!(" : {}", bits.width)).unwrap_or_default();
            format!("    {} {name}{bits}; // at {}\n", member.ty, member.offset)
        });
        let members: String = members.collect();
        Some(format!("{} {tag} {{ // {} bytes\n{members}}}", keyword.text(), structure.size))
    }
}
