//! names of scratch variables → [`VariableId`]s, block by block.
//!
//! A variable of a macro's expansion is only seen from the same expansion.
//!
//! *Invariant:* a name means at most one variable at a time: there is no shadowing.
//!
//! *Not here:* how the types of variables grow over the whole program (`check::infer`).

use crate::expand::Places;
use crate::source::Span;
use crate::typed::VariableId;
use crate::types::Type;

/// A variable as the walk sees it.
#[derive(Clone, Debug)]
pub struct Local {
    /// Without the `$`.
    pub name: String,
    /// Where it first stands; with the body it names the variable over several walks.
    pub span: Span,
    /// The type that `let` gave it.
    pub declared: Option<Type>,
    /// Something has been assigned by now.
    pub is_assigned: bool,
    /// Something has been read by now.
    pub is_read: bool,
    /// It needs no warning when nobody reads or writes it.
    pub is_implicit: bool,
}

/// The variables of one body.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    places: &'a Places,
    locals: Vec<Local>,
    /// The variables of each open block.
    blocks: Vec<Vec<VariableId>>,
}

impl<'a> Scope<'a> {
    /// No variables yet.
    pub fn new(places: &'a Places) -> Self {
        Self { places, locals: Vec::new(), blocks: Vec::new() }
    }

    /// Enters a block.
    pub fn enter(&mut self) {
        self.blocks.push(Vec::new());
    }

    /// Leaves it: its names mean nothing any more.
    pub fn leave(&mut self) {
        self.blocks.pop();
    }

    /// What the name means at a place.
    pub fn find(&self, name: &str, at: Span) -> Option<VariableId> {
        let mut ids = self.blocks.iter().flatten().copied();
        ids.find(|&id| self.local(id).name == name && self.is_seen(self.local(id), at))
    }

    fn is_seen(&self, local: &Local, at: Span) -> bool {
        self.places.context(local.span) == self.places.context(at)
    }

    /// Makes a variable in the current block.
    pub fn declare(&mut self, local: Local) -> VariableId {
        let id = VariableId(self.locals.len() as u32);
        if let Some(block) = self.blocks.last_mut() {
            block.push(id);
        }
        self.locals.push(local);
        id
    }

    /// The names that mean something at a place.
    pub fn names(&self, at: Span) -> impl Iterator<Item = &str> {
        let locals = self.blocks.iter().flatten().map(|&id| self.local(id));
        locals.filter(move |local| self.is_seen(local, at)).map(|local| local.name.as_str())
    }

    /// A variable of this name that lives or lived in some other block.
    pub fn elsewhere(&self, name: &str, at: Span) -> Option<Span> {
        self.locals.iter().find(|one| one.name == name && self.is_seen(one, at)).map(|local| local.span)
    }

    /// A variable of this name that only a macro hides.
    pub fn outside(&self, name: &str) -> Option<Span> {
        let mut locals = self.blocks.iter().flatten().map(|&id| self.local(id));
        locals.find(|local| local.name == name).map(|local| local.span)
    }

    /// A variable.
    pub fn local(&self, VariableId(id): VariableId) -> &Local {
        &self.locals[id as usize]
    }

    /// A variable, to note what happened to it.
    pub fn local_mut(&mut self, VariableId(id): VariableId) -> &mut Local {
        &mut self.locals[id as usize]
    }

    /// All variables, in the order of their ids.
    pub fn locals(&self) -> &[Local] {
        &self.locals
    }
}
