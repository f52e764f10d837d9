//! Statements in order → [`Function`]: writes SSA while the lowering walks the program.
//!
//! Scratch variables that one word holds become SSA values: [`FunctionBuilder::set`] and
//! [`FunctionBuilder::get`] find the reaching definition and make block parameters where ways meet
//! (Braun et al., "Simple and Efficient Construction of Static Single Assignment Form").
//!
//! *Invariant:* a block must be sealed once all its predecessors are known; `finish` panics on a block
//! that is not. What is appended behind a terminator goes to a fresh block that nothing reaches.

use std::collections::HashMap;

use super::{Block, BlockId, Function, Inst, Op, Slot, SlotId, Target, Terminator, Type, Value};
use crate::source::Span;

/// A scratch variable that one word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable(pub u32);

/// Builds a [`Function`].
#[derive(Debug)]
pub struct FunctionBuilder {
    /// The blocks hold explicit parameters and arguments only, until `finish`.
    function: Function,
    current: BlockId,
    blocks: Vec<Building>,
    variables: u32,
}

/// What is known of a block while the function grows.
#[derive(Debug, Default)]
struct Building {
    sealed: bool,
    /// One entry per edge: a branch with both ways to here counts twice.
    predecessors: Vec<BlockId>,
    definitions: HashMap<Variable, Value>,
    meetings: Vec<Meeting>,
}

/// A parameter that merges the definitions of a variable.
#[derive(Debug)]
struct Meeting {
    variable: Variable,
    param: Value,
    /// One per predecessor, once the block is sealed.
    operands: Vec<Value>,
}

impl Default for FunctionBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl FunctionBuilder {
    /// A builder that stands in the entry block (sealed).
    pub fn new() -> Self {
        let mut builder =
            Self { function: Function::default(), current: BlockId(0), blocks: Vec::new(), variables: 0 };
        builder.current = builder.block();
        builder.seal(builder.current);
        builder
    }

    /// A new empty block, not sealed.
    pub fn block(&mut self) -> BlockId {
        let id = BlockId(self.function.blocks.len() as u32);
        self.function.blocks.push(Block {
            params: Vec::new(),
            insts: Vec::new(),
            terminator: Terminator::Missing,
        });
        self.blocks.push(Building::default());
        id
    }

    /// Appends a parameter that every jump to the block must supply explicitly, before any variable's.
    pub fn param(&mut self, block: BlockId, ty: Type) -> Value {
        let value = self.new_value(ty);
        self.function.blocks[block.0 as usize].params.push(value);
        value
    }

    /// Goes on writing in `block`.
    pub fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// All predecessors of the block are known now.
    pub fn seal(&mut self, block: BlockId) {
        let index = block.0 as usize;
        self.blocks[index].sealed = true;
        let predecessors = self.blocks[index].predecessors.clone();
        for meeting in 0..self.blocks[index].meetings.len() {
            let variable = self.blocks[index].meetings[meeting].variable;
            let operands = predecessors.iter().map(|&from| self.read(variable, from)).collect();
            self.blocks[index].meetings[meeting].operands = operands;
        }
    }

    /// Whether the current block has its terminator already (what follows is unreachable).
    pub fn is_terminated(&self) -> bool {
        self.function.blocks[self.current.0 as usize].terminator != Terminator::Missing
    }

    /// A new slot.
    pub fn slot(&mut self, size: u32, align: u32) -> SlotId {
        self.function.slots.push(Slot { size, align });
        SlotId(self.function.slots.len() as u32 - 1)
    }

    /// Appends an operation that has a result.
    ///
    /// # Panics
    /// If it has none.
    pub fn value(&mut self, op: Op, span: Span) -> Value {
        let Some(ty) = op.result() else { panic!("{op:?} has no result") };
        let result = self.new_value(ty);
        self.append(Inst { result: Some(result), op, span });
        result
    }

    /// Appends an operation for its effect; a result it may have is not used.
    pub fn effect(&mut self, op: Op, span: Span) {
        let result = op.result().map(|ty| self.new_value(ty));
        self.append(Inst { result, op, span });
    }

    /// A constant.
    pub fn constant(&mut self, value: i64, span: Span) -> Value {
        self.value(Op::Const(value), span)
    }

    /// A new variable of type `Int`, 0 where it was never set.
    pub fn variable(&mut self) -> Variable {
        self.variables += 1;
        Variable(self.variables - 1)
    }

    /// Sets a variable in the current block.
    pub fn set(&mut self, variable: Variable, value: Value) {
        self.leave_terminated();
        self.blocks[self.current.0 as usize].definitions.insert(variable, value);
    }

    /// The variable's value here.
    pub fn get(&mut self, variable: Variable) -> Value {
        self.leave_terminated();
        self.read(variable, self.current)
    }

    /// Ends the current block; a second terminator is ignored.
    pub fn jump(&mut self, block: BlockId, arguments: Vec<Value>) {
        self.terminate(Terminator::Jump(Target { block, arguments }));
    }

    /// Ends the current block by whether `condition` is not 0. The targets take no explicit arguments.
    pub fn branch(&mut self, condition: Value, then: BlockId, otherwise: BlockId, span: Span) {
        let (then, otherwise) = (target(then), target(otherwise));
        self.terminate(Terminator::Branch { condition, then, otherwise, span });
    }

    /// Ends the current block with the next number of a loop; returns nothing: `body`'s first explicit
    /// parameter is the number.
    pub fn next(&mut self, state: SlotId, body: BlockId, done: BlockId, span: Span) {
        self.terminate(Terminator::Next { state, body: target(body), done: target(done), span });
    }

    /// Ends the current block and the program.
    pub fn ret(&mut self, value: Value) {
        self.terminate(Terminator::Return(value));
    }

    /// The function, unreachable blocks included.
    ///
    /// # Panics
    /// If a block is not sealed.
    pub fn finish(mut self) -> Function {
        assert!(self.blocks.iter().all(|block| block.sealed), "a block was not sealed");
        let replaced = self.remove_trivial_meetings();
        for (index, building) in self.blocks.iter().enumerate() {
            for meeting in &building.meetings {
                self.function.blocks[index].params.push(meeting.param);
            }
        }
        // Edges are visited in the order in which `terminate` recorded them only within one predecessor, so
        // operands are found by predecessor: its definition is the same on every edge it has to the block.
        for (from, block) in self.function.blocks.iter_mut().enumerate() {
            for target in block.terminator.targets_mut() {
                let building = &self.blocks[target.block.0 as usize];
                let edge = building.predecessors.iter().position(|p| p.0 as usize == from);
                let operands = building.meetings.iter().filter_map(|m| m.operands.get(edge?)).copied();
                target.arguments.extend(operands);
            }
            let resolve = |value: &mut Value| *value = resolve(&replaced, *value);
            block.insts.iter_mut().for_each(|inst| inst.op.operands_mut(resolve));
            block.terminator.operands_mut(resolve);
        }
        self.function
    }

    fn new_value(&mut self, ty: Type) -> Value {
        self.function.values.push(ty);
        Value(self.function.values.len() as u32 - 1)
    }

    fn append(&mut self, inst: Inst) {
        self.leave_terminated();
        self.function.blocks[self.current.0 as usize].insts.push(inst);
    }

    fn leave_terminated(&mut self) {
        if self.is_terminated() {
            self.current = self.block();
            self.seal(self.current);
        }
    }

    fn terminate(&mut self, terminator: Terminator) {
        if self.is_terminated() {
            return;
        }
        for target in terminator.targets() {
            let building = &mut self.blocks[target.block.0 as usize];
            assert!(!building.sealed, "a sealed block got another predecessor");
            building.predecessors.push(self.current);
        }
        self.function.blocks[self.current.0 as usize].terminator = terminator;
    }

    fn read(&mut self, variable: Variable, block: BlockId) -> Value {
        let building = &self.blocks[block.0 as usize];
        if let Some(&value) = building.definitions.get(&variable) {
            return value;
        }
        let value = match *building.predecessors {
            _ if !building.sealed => self.meet(variable, block),
            [] => {
                let value = self.new_value(Type::Int);
                let zero = Inst { result: Some(value), op: Op::Const(0), span: Span::default() };
                self.function.blocks[block.0 as usize].insts.insert(0, zero);
                value
            }
            [from] => self.read(variable, from),
            _ => {
                let param = self.meet(variable, block);
                let meeting = self.blocks[block.0 as usize].meetings.len() - 1;
                let predecessors = self.blocks[block.0 as usize].predecessors.clone();
                let operands = predecessors.iter().map(|&from| self.read(variable, from)).collect();
                self.blocks[block.0 as usize].meetings[meeting].operands = operands;
                param
            }
        };
        self.blocks[block.0 as usize].definitions.insert(variable, value);
        value
    }

    /// A new parameter for a variable, defined before its operands are read: a loop may lead back to it.
    fn meet(&mut self, variable: Variable, block: BlockId) -> Value {
        let param = self.new_value(Type::Int);
        let building = &mut self.blocks[block.0 as usize];
        building.definitions.insert(variable, param);
        building.meetings.push(Meeting { variable, param, operands: Vec::new() });
        param
    }

    /// Removes parameters that merge only one value and themselves; gives what stands for them.
    fn remove_trivial_meetings(&mut self) -> HashMap<Value, Value> {
        let mut replaced = HashMap::new();
        loop {
            let before = replaced.len();
            for building in &mut self.blocks {
                building.meetings.retain(|meeting| {
                    let mut others = meeting
                        .operands
                        .iter()
                        .map(|&v| resolve(&replaced, v))
                        .filter(|&v| v != meeting.param);
                    let Some(only) = others.next() else { return true };
                    if others.any(|other| other != only) {
                        return true;
                    }
                    replaced.insert(meeting.param, only);
                    false
                });
            }
            if replaced.len() == before {
                return replaced;
            }
        }
    }
}

fn target(block: BlockId) -> Target {
    Target { block, arguments: Vec::new() }
}

fn resolve(replaced: &HashMap<Value, Value>, mut value: Value) -> Value {
    while let Some(&by) = replaced.get(&value) {
        value = by;
    }
    value
}
