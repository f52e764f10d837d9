//! What goes wrong while a program runs: counted at its place in the globals, off the common way.
//!
//! *Invariant:* what is not watched costs no instruction.

use probebook_lang::environment::Watch;

use super::{Operand, Selector};
use crate::codegen::vcode::{Label, Mem, Reg, VInst};
use crate::isa::{Cond, Helper, Width};
use crate::object::{MapRef, Notice, Site, Trouble};

impl Selector<'_> {
    /// Whether the programs notice what goes wrong at this level.
    pub(super) fn watches(&self, level: Watch) -> bool {
        self.module.watch >= level
    }

    /// Counts here that something has gone wrong; `code` is what the helper returned.
    pub(super) fn notice(&mut self, trouble: Trouble, code: impl Into<Operand>) {
        if !self.watches(Watch::Updates) {
            return;
        }
        let offset = self.found.sites.offset(Site { span: self.span, trouble });
        let address = self.code.register();
        self.inst(VInst::Map(address, MapRef::Globals, Some(offset)));
        let one = self.copied(1);
        self.inst(VInst::AtomicAdd(address, one));
        let code_offset = std::mem::offset_of!(Notice, code) as u32;
        self.store(Mem::at(address).plus(code_offset), Width::B8, code);
    }

    /// Counts where a helper's result is an error, if everything is watched.
    pub(super) fn notice_if(&mut self, helper: Helper, cond: Cond, result: Reg) {
        if !self.watches(Watch::Everything) {
            return;
        }
        let (failed, done) = (self.cold_label(), self.label());
        self.branch(cond, result, 0, failed, done);
        self.begin(failed);
        self.notice(Trouble::Helper(helper), result);
        self.jump(done);
        self.begin(done);
    }

    /// Counts an element that is missing, if everything is watched, and goes on at `done`.
    pub(super) fn notice_missing(&mut self, done: Label) {
        if self.watches(Watch::Everything) {
            self.notice(Trouble::Helper(Helper::MapLookupElem), 0);
        }
        self.jump(done);
    }
}
