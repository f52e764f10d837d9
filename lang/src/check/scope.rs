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

/// A variable and where it lives.
#[derive(Clone, Debug)]
struct Entry {
    local: Local,
    /// The loop over a map in whose body it was made; 0 outside of any.
    home: u32,
    /// A loop over a map that it is older than uses it.
    is_shared: bool,
}

/// The variables of one body.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    places: &'a Places,
    locals: Vec<Entry>,
    /// The variables of each open block.
    blocks: Vec<Vec<VariableId>>,
    /// The loops over maps around here, by number.
    bodies: Vec<u32>,
    /// How many there were.
    bodies_seen: u32,
}

impl<'a> Scope<'a> {
    /// No variables yet.
    pub fn new(places: &'a Places) -> Self {
        Self { places, locals: Vec::new(), blocks: Vec::new(), bodies: Vec::new(), bodies_seen: 0 }
    }

    /// Enters a block.
    pub fn enter(&mut self) {
        self.blocks.push(Vec::new());
    }

    /// Leaves it: its names mean nothing any more.
    pub fn leave(&mut self) {
        self.blocks.pop();
    }

    /// Enters the body of a loop over a map, which is a block.
    pub fn enter_body(&mut self) {
        self.enter();
        self.bodies_seen += 1;
        self.bodies.push(self.bodies_seen);
    }

    /// Leaves it.
    pub fn leave_body(&mut self) {
        self.bodies.pop();
        self.leave();
    }

    fn body(&self) -> u32 {
        self.bodies.last().copied().unwrap_or(0)
    }

    /// What the name means at a place, where it is used.
    pub fn find(&mut self, name: &str, at: Span) -> Option<VariableId> {
        let mut ids = self.blocks.iter().flatten().copied();
        let id = ids.find(|&id| self.local(id).name == name && self.is_seen(self.local(id), at))?;
        let body = self.body();
        let entry = &mut self.locals[id.0 as usize];
        entry.is_shared |= entry.home != body;
        Some(id)
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
        let home = self.body();
        self.locals.push(Entry { local, home, is_shared: false });
        id
    }

    /// The names that mean something at a place.
    pub fn names(&self, at: Span) -> impl Iterator<Item = &str> {
        let locals = self.blocks.iter().flatten().map(|&id| self.local(id));
        locals.filter(move |local| self.is_seen(local, at)).map(|local| local.name.as_str())
    }

    /// A variable of this name that lives or lived in some other block.
    pub fn elsewhere(&self, name: &str, at: Span) -> Option<Span> {
        self.locals().find(|one| one.name == name && self.is_seen(one, at)).map(|local| local.span)
    }

    /// A variable of this name that only a macro hides.
    pub fn outside(&self, name: &str) -> Option<Span> {
        let mut locals = self.blocks.iter().flatten().map(|&id| self.local(id));
        locals.find(|local| local.name == name).map(|local| local.span)
    }

    /// A variable.
    pub fn local(&self, VariableId(id): VariableId) -> &Local {
        &self.locals[id as usize].local
    }

    /// Whether several functions of the program use it.
    pub fn is_shared(&self, VariableId(id): VariableId) -> bool {
        self.locals[id as usize].is_shared
    }

    /// A variable, to note what happened to it.
    pub fn local_mut(&mut self, VariableId(id): VariableId) -> &mut Local {
        &mut self.locals[id as usize].local
    }

    /// All variables, in the order of their ids.
    pub fn locals(&self) -> impl ExactSizeIterator<Item = &Local> {
        self.locals.iter().map(|entry| &entry.local)
    }
}
