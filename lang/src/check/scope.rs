//! names of scratch variables → [`VariableId`]s, block by block.
//!
//! *Invariant:* a name means at most one variable at a time: there is no shadowing.
//!
//! *Not here:* how the types of variables grow over the whole program (`check::infer`).

use std::collections::HashMap;

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
#[derive(Clone, Debug, Default)]
pub struct Scope {
    locals: Vec<Entry>,
    blocks: Vec<HashMap<String, VariableId>>,
    /// The loops over maps around here, by number.
    bodies: Vec<u32>,
    /// How many there were.
    bodies_seen: u32,
}

impl Scope {
    /// Enters a block.
    pub fn enter(&mut self) {
        self.blocks.push(HashMap::new());
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

    /// What the name means here, where it is used.
    pub fn find(&mut self, name: &str) -> Option<VariableId> {
        let id = self.blocks.iter().rev().find_map(|block| block.get(name)).copied()?;
        let body = self.body();
        let entry = &mut self.locals[id.0 as usize];
        entry.is_shared |= entry.home != body;
        Some(id)
    }

    /// Makes a variable in the current block.
    pub fn declare(&mut self, local: Local) -> VariableId {
        let id = VariableId(self.locals.len() as u32);
        if let Some(block) = self.blocks.last_mut() {
            block.insert(local.name.clone(), id);
        }
        let home = self.body();
        self.locals.push(Entry { local, home, is_shared: false });
        id
    }

    /// The names that mean something here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(|block| block.keys()).map(String::as_str)
    }

    /// Whether a variable of this name lives or lived in some other block.
    pub fn elsewhere(&self, name: &str) -> Option<Span> {
        self.locals().find(|local| local.name == name).map(|local| local.span)
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
