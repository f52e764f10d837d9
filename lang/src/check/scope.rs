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

/// The variables of one body.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    locals: Vec<Local>,
    blocks: Vec<HashMap<String, VariableId>>,
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

    /// What the name means here.
    pub fn find(&self, name: &str) -> Option<VariableId> {
        self.blocks.iter().rev().find_map(|block| block.get(name)).copied()
    }

    /// Makes a variable in the current block.
    pub fn declare(&mut self, local: Local) -> VariableId {
        let id = VariableId(self.locals.len() as u32);
        if let Some(block) = self.blocks.last_mut() {
            block.insert(local.name.clone(), id);
        }
        self.locals.push(local);
        id
    }

    /// The names that mean something here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(|block| block.keys()).map(String::as_str)
    }

    /// Whether a variable of this name lives or lived in some other block.
    pub fn elsewhere(&self, name: &str) -> Option<Span> {
        self.locals.iter().find(|local| local.name == name).map(|local| local.span)
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
