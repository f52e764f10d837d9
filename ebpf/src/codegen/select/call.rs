//! Functions of the program that call each other, and the bodies of loops over maps, which Linux calls.
//!
//! A body gets `(map, key, value, link)`. The link is two words on the stack of the function that is no body:
//! the program's context, and where its region of the scratch memory is.

use probebook_lang::ir::{FunctionId, MapId, Role, Value};

use super::{Arg, Selector};
use crate::codegen::vcode::{Base, Callee, Mem, Reg, VInst};
use crate::isa::{Helper, Width};
use crate::object::MapRef;

/// Where in the link the context is.
const CONTEXT: u32 = 0;
/// Where in the link the address of the region is.
const REGION: u32 = 8;
/// Bytes of the link.
const LINK: u32 = 16;

impl Selector<'_> {
    /// Keeps the arguments of a subprogram.
    pub(super) fn called_as(&mut self, role: &Role) {
        let arguments = match role {
            Role::Function(parameters) => parameters.len() as u32,
            Role::Body(_) => 4,
        };
        self.parameters = (1..=arguments).map(|number| self.copied(Reg(number))).collect();
        if let Role::Body(_) = role {
            let link = Mem::aligned(self.parameters[3]);
            self.context = Some(self.load(link.plus(CONTEXT), Width::B8, false));
            self.code.region = Some(link.plus(REGION));
            self.link = Some(link);
        }
    }

    /// The value of a parameter.
    pub(super) fn parameter(&mut self, dst: Reg, index: u8) {
        self.mov(dst, self.parameters[usize::from(index)]);
    }

    /// Copies the key (or the value) that the body of a loop was called with.
    pub(super) fn visited(&mut self, map: MapId, key: bool, to: Value) {
        let spec = self.spec(map);
        let layout = if key { &spec.key } else { &spec.value };
        let size = layout.as_ref().map_or(0, |layout| layout.size);
        let from = Mem::at(self.parameters[if key { 1 } else { 2 }]);
        let to = self.mem(to);
        self.copy(to, from, size);
    }

    pub(super) fn call_function(&mut self, function: FunctionId, arguments: &[Value], result: Option<Reg>) {
        let arguments: Vec<Arg> = arguments.iter().map(|&value| Arg::Operand(self.operand(value))).collect();
        self.call(Callee::Function(function.0 + 1), &arguments);
        if let Some(result) = result {
            self.mov(result, Reg::R0);
        }
    }

    /// Has the body of a loop called for each element of a map.
    pub(super) fn for_each(&mut self, map: MapId, body: FunctionId) {
        let link = self.link();
        let function = self.code.register();
        self.inst(VInst::Function(function, body.0 + 1));
        let arguments = [Arg::Map(MapRef::User(map.0)), function.into(), Arg::Address(link), 0.into()];
        self.helper(Helper::ForEachMapElem, &arguments);
    }

    /// The link, filled: that of the function whose loop this one is in, or one of our own.
    fn link(&mut self) -> Mem {
        if let Some(link) = self.link.filter(|link| matches!(link.base, Base::Reg(_))) {
            return link;
        }
        let link = match self.link {
            Some(link) => link,
            None => Mem::slot(self.code.slot(LINK, true)),
        };
        self.link = Some(link);
        match self.context {
            Some(context) => self.store(link.plus(CONTEXT), Width::B8, context),
            None => self.store(link.plus(CONTEXT), Width::B8, 0),
        }
        let region = self.code.register();
        self.inst(VInst::Address(region, Mem { base: Base::Region, offset: 0, align: 8 }));
        self.store(link.plus(REGION), Width::B8, region);
        link
    }
}
