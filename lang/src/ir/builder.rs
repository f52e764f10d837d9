//! Statements in order → [`Function`]: writes SSA while the lowering walks the program.
//!
//! Scratch variables that one word holds become SSA values: [`FunctionBuilder::set`] and
//! [`FunctionBuilder::get`] find the reaching definition and make block parameters where ways meet
//! (Braun et al., "Simple and Efficient Construction of Static Single Assignment Form").
//!
//! *Invariant:* a block must be sealed once all its predecessors are known; `finish` panics on a block
//! that is not.

use super::{Block, BlockId, Function, Op, Slot, SlotId, Target, Terminator, Type, Value};
use crate::source::Span;

/// A scratch variable that one word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable(pub u32);

/// Builds a [`Function`].
#[derive(Debug, Default)]
pub struct FunctionBuilder {
    function: Function,
}

impl FunctionBuilder {
    /// A builder that stands in the entry block (sealed).
    pub fn new() -> Self {
        unimplemented!()
    }
    /// A new empty block, not sealed.
    pub fn block(&mut self) -> BlockId {
        unimplemented!()
    }
    /// Appends a parameter that every jump to the block must supply explicitly, before any variable's.
    pub fn param(&mut self, _block: BlockId, _ty: Type) -> Value {
        unimplemented!()
    }
    /// Goes on writing in `block`.
    pub fn switch_to(&mut self, _block: BlockId) {
        unimplemented!()
    }
    /// All predecessors of the block are known now.
    pub fn seal(&mut self, _block: BlockId) {
        unimplemented!()
    }
    /// Whether the current block has its terminator already (what follows is unreachable).
    pub fn is_terminated(&self) -> bool {
        unimplemented!()
    }
    /// A new slot.
    pub fn slot(&mut self, _size: u32, _align: u32) -> SlotId {
        unimplemented!()
    }
    /// Appends an operation that has a result.
    pub fn value(&mut self, _op: Op, _span: Span) -> Value {
        unimplemented!()
    }
    /// Appends an operation that has none.
    pub fn effect(&mut self, _op: Op, _span: Span) {
        unimplemented!()
    }
    /// A constant.
    pub fn constant(&mut self, value: i64, span: Span) -> Value {
        self.value(Op::Const(value), span)
    }
    /// A new variable of type `Int`, 0 where it was never set.
    pub fn variable(&mut self) -> Variable {
        unimplemented!()
    }
    /// Sets a variable in the current block.
    pub fn set(&mut self, _variable: Variable, _value: Value) {
        unimplemented!()
    }
    /// The variable's value here.
    pub fn get(&mut self, _variable: Variable) -> Value {
        unimplemented!()
    }
    /// Ends the current block; a second terminator is ignored.
    pub fn jump(&mut self, _block: BlockId, _arguments: Vec<Value>) {
        unimplemented!()
    }
    /// Ends the current block by whether `condition` is not 0. The targets take no explicit arguments.
    pub fn branch(&mut self, _condition: Value, _then: BlockId, _otherwise: BlockId, _span: Span) {
        unimplemented!()
    }
    /// Ends the current block with the next number of a loop; returns nothing: `body`'s first explicit
    /// parameter is the number.
    pub fn next(&mut self, _state: SlotId, _body: BlockId, _done: BlockId, _span: Span) {
        unimplemented!()
    }
    /// Ends the current block and the program.
    pub fn ret(&mut self, _value: Value) {
        unimplemented!()
    }
    /// The function, unreachable blocks included.
    pub fn finish(self) -> Function {
        self.function
    }
}

#[allow(dead_code)]
fn unused(_: Block, _: Slot, _: Target, _: Terminator) {}
