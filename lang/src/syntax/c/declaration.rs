//! [`Token`]s → [`Declaration`]s: structures, unions, enumerations and typedefs; the rest of C is passed over.
//!
//! What cannot be read is skipped up to where the next declaration starts, and remembered with its reason.

use super::constant::{Expr, Fault};
use super::preprocess::balanced;
use super::token::{Kind, Token};
use super::tree::{Attributes, CType, Declaration, Enum, Field, Record};
use crate::source::Span;
use crate::types::structure::Keyword;

/// How deep brackets, structures and pointers may be nested.
pub(super) const MAX_DEPTH: usize = 100;

/// A declaration that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The name that it was to have, if that could be read.
    pub name: String,
    /// The first word of it.
    pub span: Span,
    /// Why.
    pub fault: Fault,
}

/// A place in a row of tokens.
pub struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Where something is missing if there are no tokens.
    end: Span,
    /// The values of `#pragma pack`, the last one valid.
    packs: Vec<Option<u32>>,
}

/// The words in front of a declarator.
struct Specifiers {
    ty: CType,
    is_typedef: bool,
    attributes: Attributes,
}

/// A name with the type that it is declared to have.
struct Declarator {
    name: String,
    span: Span,
    ty: CType,
    attributes: Attributes,
}

impl<'a> Cursor<'a> {
    /// At the first token; `end` is where to point if there is none.
    pub fn new(tokens: &'a [Token], end: Span) -> Self {
        let end = tokens.last().map_or(end, |last| last.span.after());
        Self { tokens, at: 0, depth: 0, end, packs: vec![None] }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn at(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    pub(super) fn span(&self) -> Span {
        self.peek().map_or(self.end, |token| token.span)
    }

    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_there = self.at(text);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), Fault> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(&format!("`{text}`"))) }
    }

    pub(super) fn unexpected(&self, what: &str) -> Fault {
        let found = self.peek().map_or("the end".to_owned(), |token| format!("`{}`", token.text));
        Fault { span: self.span(), message: format!("expected {what}, found {found}") }
    }

    pub(super) fn too_deep(&self) -> Fault {
        Fault { span: self.span(), message: "this is nested too deeply".into() }
    }

    pub(super) fn descend(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.too_deep()) } else { Ok(()) }
    }

    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// Skips brackets and what is in them, if some open here.
    fn skip_brackets(&mut self) {
        if self.at("(") || self.at("[") || self.at("{") {
            self.at += balanced(&self.tokens[self.at..]);
        }
    }

    fn word(&self) -> &'a str {
        self.peek().filter(|token| token.kind == Kind::Word).map_or("", |token| &token.text)
    }

    /// All declarations.
    pub fn declarations(mut self) -> (Vec<Declaration>, Vec<Skipped>) {
        let mut all = Vec::new();
        let mut skipped = Vec::new();
        while let Some(first) = self.peek() {
            let start = self.at;
            if self.eat(";") || self.pack() {
                continue;
            }
            self.depth = 0;
            let before = all.len();
            if let Err(fault) = self.external(&mut all) {
                all.truncate(before);
                let name = self.name_of(start);
                self.at = start;
                self.skip_declaration();
                skipped.push(Skipped { name, span: first.span, fault });
            }
        }
        (all, skipped)
    }

    /// The tag, or else the last name, of a declaration that cannot be read.
    fn name_of(&self, start: usize) -> String {
        let names = |token: &&Token| token.kind == Kind::Word;
        let end = self.tokens[start..].iter().position(|token| token.is(";") || token.is("{"));
        let head = &self.tokens[start..][..end.unwrap_or(0)];
        head.iter().rev().find(names).map(|token| token.text.to_string()).unwrap_or_default()
    }

    fn skip_declaration(&mut self) {
        while let Some(token) = self.peek() {
            if token.is("{") {
                let is_function = self.at > 0 && self.tokens[self.at - 1].is(")");
                self.skip_brackets();
                if is_function {
                    return;
                }
                continue;
            }
            self.skip_brackets();
            if self.eat(";") {
                return;
            }
            if !self.at("{") {
                self.bump();
            }
        }
    }

    /// Follows `#pragma pack`, if one stands here.
    fn pack(&mut self) -> bool {
        let Some(token) = self.peek().filter(|token| token.kind == Kind::Pack) else { return false };
        self.bump();
        let number = token.text.split(',').find_map(|word| word.parse().ok());
        if token.text.starts_with("pop") {
            if self.packs.len() > 1 {
                self.packs.pop();
            }
        } else {
            if token.text.starts_with("push") {
                self.packs.extend(self.packs.last().copied());
            }
            let is_reset = token.text.is_empty();
            if let Some(last) = self.packs.last_mut().filter(|_| is_reset || number.is_some()) {
                *last = number;
            }
        }
        true
    }

    /// A declaration at file scope.
    fn external(&mut self, all: &mut Vec<Declaration>) -> Result<(), Fault> {
        if matches!(self.word(), "_Static_assert" | "static_assert" | "asm" | "__asm__" | "__asm") {
            self.skip_declaration();
            return Ok(());
        }
        let specifiers = self.specifiers()?;
        let mut is_first = true;
        while !self.eat(";") {
            if !is_first {
                self.expect(",")?;
            }
            let declarator = self.declarator(specifiers.ty.clone())?;
            if matches!(declarator.ty, CType::Function) && self.at("{") {
                self.skip_brackets();
                return Ok(());
            }
            if self.eat("=") {
                while self.peek().is_some() && !self.at(",") && !self.at(";") {
                    if self.at("(") || self.at("[") || self.at("{") {
                        self.skip_brackets()
                    } else {
                        self.bump()
                    }
                }
            }
            if specifiers.is_typedef {
                let Declarator { name, span, ty, attributes } = declarator;
                let aligned = attributes.aligned.or(specifiers.attributes.aligned.clone());
                let ty = match aligned {
                    Some(to) => CType::Aligned(Box::new(ty), Box::new(to)),
                    None => ty,
                };
                all.push(Declaration::Typedef { name, span, ty });
            }
            is_first = false;
        }
        if is_first || !specifiers.is_typedef {
            match specifiers.ty {
                CType::Record(record) => all.push(Declaration::Record(*record)),
                CType::Enum(of) => all.push(Declaration::Enum(*of)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The words in front of a declarator.
    fn specifiers(&mut self) -> Result<Specifiers, Fault> {
        let start = self.span();
        let mut is_typedef = false;
        let mut attributes = Attributes::default();
        let mut ty = None;
        let mut words: Vec<&str> = Vec::new();
        loop {
            match self.word() {
                "" => break,
                "typedef" => {
                    is_typedef = true;
                    self.bump();
                }
                word if IGNORED.contains(&word) => self.bump(),
                "__attribute__" | "__attribute" => self.attributes(&mut attributes)?,
                "_Alignas" => {
                    self.bump();
                    self.expect("(")?;
                    attributes.aligned = Some(self.expression()?);
                    self.expect(")")?;
                }
                "struct" | "union" if ty.is_none() => ty = Some(self.record()?),
                "enum" if ty.is_none() => ty = Some(self.enumeration()?),
                word if BASE_WORDS.contains(&word) => {
                    words.push(word);
                    self.bump();
                }
                "typeof" | "__typeof__" | "__typeof" | "_Complex" | "__auto_type" => {
                    return Err(self.unexpected("a type that can be read"));
                }
                word if ty.is_none() && words.is_empty() => {
                    ty = Some(CType::Named(word.to_owned(), self.span()));
                    self.bump();
                }
                _ => break,
            }
        }
        let ty = match ty {
            Some(ty) => ty,
            None if words.is_empty() => return Err(Fault { span: start, ..self.unexpected("a type") }),
            None => {
                base_type(&words).ok_or(Fault { span: start, message: "there is no such type".into() })?
            }
        };
        Ok(Specifiers { ty, is_typedef, attributes })
    }

    /// Pointers, a name, arrays and parameters around a type.
    fn declarator(&mut self, base: CType) -> Result<Declarator, Fault> {
        self.descend()?;
        let mut ty = base;
        let mut attributes = Attributes::default();
        let mut pointers = 0;
        loop {
            if self.eat("*") {
                ty = CType::Pointer(Box::new(ty));
                pointers += 1;
                if pointers > MAX_DEPTH {
                    return Err(self.too_deep());
                }
            } else if matches!(self.word(), "__attribute__" | "__attribute") {
                self.attributes(&mut attributes)?;
            } else if IGNORED.contains(&self.word()) {
                self.bump();
            } else {
                break;
            }
        }
        let next = self.tokens.get(self.at + 1);
        let is_nested = self.at("(")
            && next.is_some_and(|next| {
                next.is("*") || next.is("(") || next.kind == Kind::Word && !next.is("void")
            });
        let (mut name, mut span) = (String::new(), self.span());
        let mut inner = None;
        if is_nested {
            inner = Some(self.at + 1);
            self.skip_brackets();
        } else if self.peek().is_some_and(|token| token.kind == Kind::Word) {
            name = self.word().to_owned();
            self.bump();
        }
        ty = self.suffixes(ty)?;
        while !self.word().is_empty() {
            match self.word() {
                "__attribute__" | "__attribute" => self.attributes(&mut attributes)?,
                "asm" | "__asm__" | "__asm" => {
                    self.bump();
                    self.skip_brackets();
                }
                _ => break,
            }
        }
        if let Some(inner) = inner {
            let behind = std::mem::replace(&mut self.at, inner);
            let nested = self.declarator(ty)?;
            self.expect(")")?;
            (name, span, ty) = (nested.name, nested.span, nested.ty);
            self.at = behind;
        }
        self.ascend();
        Ok(Declarator { name, span, ty, attributes })
    }

    /// Arrays and parameters behind a name.
    fn suffixes(&mut self, base: CType) -> Result<CType, Fault> {
        if self.at("(") {
            self.skip_brackets();
            return Ok(CType::Function);
        }
        let mut lengths = Vec::new();
        while self.eat("[") {
            while matches!(self.word(), "static" | "const" | "restrict" | "__restrict") {
                self.bump();
            }
            let length = if self.at("]") { None } else { Some(Box::new(self.expression()?)) };
            self.expect("]")?;
            lengths.push(length);
            if lengths.len() > MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
        Ok(lengths.into_iter().rev().fold(base, |ty, length| CType::Array(Box::new(ty), length)))
    }

    /// Whether a type name starts here rather than an expression.
    pub(super) fn at_type(&self) -> bool {
        let word = self.word();
        matches!(word, "struct" | "union" | "enum" | "const" | "volatile")
            || BASE_WORDS.contains(&word)
            || self.tokens.get(self.at + 1).is_some_and(|next| next.is("*"))
                && self.tokens.get(self.at + 2).is_some_and(|next| next.is(")") || next.is("*"))
            || word.ends_with("_t")
            || word.starts_with("__") && matches!(word.as_bytes(), [_, _, b'u' | b's' | b'l' | b'b', ..])
    }

    /// A type without a name, as in casts and `sizeof`.
    pub(super) fn type_name(&mut self) -> Result<CType, Fault> {
        let specifiers = self.specifiers()?;
        Ok(self.declarator(specifiers.ty)?.ty)
    }

    fn attributes(&mut self, attributes: &mut Attributes) -> Result<(), Fault> {
        self.bump();
        self.expect("(")?;
        self.expect("(")?;
        while !self.eat(")") {
            let word = self.word().trim_matches('_');
            match word {
                "" if !self.at(",") => return Err(self.unexpected("an attribute")),
                "packed" => attributes.is_packed = true,
                "aligned" if self.tokens.get(self.at + 1).is_some_and(|next| next.is("(")) => {
                    self.bump();
                    self.bump();
                    attributes.aligned = Some(self.expression()?);
                    self.expect(")")?;
                    continue;
                }
                "aligned" => {
                    let kind = super::constant::ExprKind::Value(super::constant::Value::int(16));
                    attributes.aligned = Some(Expr { kind, span: self.span() });
                }
                _ => {}
            }
            self.bump();
            self.skip_brackets();
        }
        self.expect(")")
    }

    /// `struct tag { … }`, or one of these that is defined elsewhere.
    fn record(&mut self) -> Result<CType, Fault> {
        self.descend()?;
        let mut span = self.span();
        let keyword = if self.at("struct") { Keyword::Struct } else { Keyword::Union };
        self.bump();
        let mut attributes =
            Attributes { pack: self.packs.last().copied().flatten(), ..Attributes::default() };
        self.more_attributes(&mut attributes)?;
        let tag = self.word().to_owned();
        if !tag.is_empty() {
            span = span.to(self.span());
            self.bump();
        }
        self.more_attributes(&mut attributes)?;
        if !self.eat("{") {
            self.ascend();
            if tag.is_empty() {
                return Err(self.unexpected("`{`"));
            }
            return Ok(CType::Tagged(keyword, tag, span));
        }
        let mut fields = Vec::new();
        while !self.eat("}") {
            self.fields(&mut fields)?;
        }
        self.more_attributes(&mut attributes)?;
        self.ascend();
        Ok(CType::Record(Box::new(Record { keyword, tag, fields, attributes, span })))
    }

    fn more_attributes(&mut self, attributes: &mut Attributes) -> Result<(), Fault> {
        while matches!(self.word(), "__attribute__" | "__attribute") {
            self.attributes(attributes)?;
        }
        Ok(())
    }

    /// The members that one declaration makes.
    fn fields(&mut self, fields: &mut Vec<Field>) -> Result<(), Fault> {
        if self.eat(";") || self.pack() {
            return Ok(());
        }
        if matches!(self.word(), "_Static_assert" | "static_assert") {
            self.skip_declaration();
            return Ok(());
        }
        let span = self.span();
        let specifiers = self.specifiers()?;
        let base = specifiers.attributes;
        if self.at(";") || self.at("}") {
            self.eat(";");
            fields.push(Field { name: String::new(), ty: specifiers.ty, bits: None, attributes: base, span });
            return Ok(());
        }
        loop {
            let Declarator { name, span, ty, attributes: mut own } = if self.at(":") {
                self.unnamed(specifiers.ty.clone())
            } else {
                self.declarator(specifiers.ty.clone())?
            };
            let bits = if self.eat(":") { Some(self.expression()?) } else { None };
            self.more_attributes(&mut own)?;
            own.is_packed |= base.is_packed;
            own.aligned = own.aligned.or_else(|| base.aligned.clone());
            if name.is_empty() && bits.is_none() {
                return Err(self.unexpected("the name of a member"));
            }
            fields.push(Field { name, ty, bits, attributes: own, span });
            if !self.eat(",") {
                break;
            }
        }
        if self.at("}") { Ok(()) } else { self.expect(";") }
    }

    /// A bit-field without a name.
    fn unnamed(&self, ty: CType) -> Declarator {
        Declarator { name: String::new(), span: self.span(), ty, attributes: Attributes::default() }
    }

    /// `enum tag { … }`, or one that is defined elsewhere.
    fn enumeration(&mut self) -> Result<CType, Fault> {
        let mut span = self.span();
        self.bump();
        let mut attributes = Attributes::default();
        self.more_attributes(&mut attributes)?;
        let tag = self.word().to_owned();
        if !tag.is_empty() {
            span = span.to(self.span());
            self.bump();
        }
        if !self.eat("{") {
            return if tag.is_empty() { Err(self.unexpected("`{`")) } else { Ok(CType::EnumTag(tag, span)) };
        }
        let mut constants = Vec::new();
        while !self.eat("}") {
            let (name, at) = (self.word().to_owned(), self.span());
            if name.is_empty() {
                return Err(self.unexpected("the name of a constant"));
            }
            self.bump();
            self.more_attributes(&mut Attributes::default())?;
            let value = if self.eat("=") { Some(self.expression()?) } else { None };
            constants.push((name, at, value));
            if !self.at("}") {
                self.expect(",")?;
            }
        }
        self.more_attributes(&mut attributes)?;
        Ok(CType::Enum(Box::new(Enum { tag, constants, is_packed: attributes.is_packed, span })))
    }
}

/// Words that do not change a layout.
const IGNORED: &[&str] = &[
    "const",
    "volatile",
    "restrict",
    "__const",
    "__volatile__",
    "__restrict",
    "__restrict__",
    "extern",
    "static",
    "register",
    "auto",
    "inline",
    "__inline",
    "__inline__",
    "_Noreturn",
    "__extension__",
    "_Thread_local",
    "__thread",
];

/// Words that a base type is made of.
const BASE_WORDS: &[&str] = &[
    "void",
    "char",
    "short",
    "int",
    "long",
    "signed",
    "__signed__",
    "unsigned",
    "float",
    "double",
    "_Bool",
    "__int128",
    "_Float128",
    "__float128",
    "_Float64",
    "_Float32",
    "_Float64x",
    "_Float32x",
];

/// The type of words in any order: `unsigned long int`.
fn base_type(words: &[&str]) -> Option<CType> {
    let count = |word: &str| words.iter().filter(|other| **other == word).count();
    let is_unsigned = count("unsigned") > 0;
    let is_signed = count("signed") + count("__signed__") > 0;
    let int = |width| Some(CType::Int { width, signed: !is_unsigned });
    if is_unsigned && is_signed || count("long") > 2 {
        return None;
    }
    let main: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "unsigned" | "signed" | "__signed__" | "long" | "short" | "int"))
        .collect();
    match main.as_slice() {
        [] if count("short") > 0 => int(2),
        [] if count("long") > 0 => int(8),
        [] => int(4),
        ["char"] if is_unsigned || is_signed => int(1),
        ["char"] => Some(CType::Char),
        ["void"] => Some(CType::Void),
        ["_Bool"] => Some(CType::Bool),
        ["__int128"] => int(16),
        ["double"] if count("long") > 0 => Some(CType::Float(16)),
        ["double" | "_Float64" | "_Float32x"] => Some(CType::Float(8)),
        ["float" | "_Float32"] => Some(CType::Float(4)),
        ["_Float128" | "__float128" | "_Float64x"] => Some(CType::Float(16)),
        _ => None,
    }
}
