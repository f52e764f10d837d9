//! Time series: a number goes to the interval of the wall clock, which replaces an older one at its place.

use probebook_lang::ir::{MapId, Value};
use probebook_lang::types::Gathered;

use super::{Operand, Selector};
use crate::codegen::vcode::{Mem, Reg};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::{Globals, INTERVAL};

/// Where in an interval its meta word is.
const META: u32 = 8;
/// Where in an interval its number is.
const NUMBER: u32 = 16;

/// The parameters of a series.
#[derive(Clone, Copy)]
pub(super) struct Series {
    /// Nanoseconds.
    pub interval: u64,
    pub intervals: u32,
    pub how: Gathered,
    pub signed: bool,
}

impl Selector<'_> {
    /// `tseries(number, …)`
    pub(super) fn gather(&mut self, map: MapId, key: Option<Value>, series: Series, number: Operand) {
        let number = self.copied(number);
        let now = self.helper_value(Helper::KtimeGetBootNs, &[]);
        let wall = self.global(std::mem::offset_of!(Globals, wall) as u32);
        self.alu(AluOp::Add, now, wall);
        let current = self.copied(now);
        let length = self.number(series.interval as i64);
        self.alu(AluOp::Div, current, length);
        let place = self.copied(current);
        self.alu(AluOp::Mod, place, series.intervals as i32);
        let done = self.label();
        let element = match key {
            Some(key) => self.part_of(map, key, place, INTERVAL as i32, done),
            None => {
                let key = self.index(place);
                let element = self.look_up(map, key);
                let found = self.label();
                self.branch(Cond::Ne, element, 0, found, done);
                self.begin(found);
                element
            }
        };
        let (fresh, same) = (self.label(), self.label());
        let kept = self.load(Mem::at(element).plus(NUMBER), Width::B8, false);
        self.branch(Cond::Ne, kept, current, fresh, same);
        self.begin(fresh);
        let meta = if series.how == Gathered::Avg { Operand::Imm(1) } else { now.into() };
        self.store(Mem::at(element), Width::B8, number);
        self.store(Mem::at(element).plus(META), Width::B8, meta);
        self.store(Mem::at(element).plus(NUMBER), Width::B8, current);
        self.jump(done);
        self.begin(same);
        self.gather_more(Mem::at(element), series, number, now);
        self.jump(done);
        self.begin(done);
    }

    /// Another number in the same interval.
    fn gather_more(&mut self, element: Mem, series: Series, number: Reg, now: Reg) {
        let keep = match (series.how, series.signed) {
            (Gathered::Last, _) => {
                self.store(element, Width::B8, number);
                return self.store(element.plus(META), Width::B8, now);
            }
            (Gathered::Avg, _) => {
                self.add_word(element, number.into());
                return self.add_word(element.plus(META), Operand::Imm(1));
            }
            (Gathered::Sum, _) => return self.add_word(element, number.into()),
            (Gathered::Min, true) => Cond::SignedLe,
            (Gathered::Min, false) => Cond::UnsignedLe,
            (Gathered::Max, true) => Cond::SignedGe,
            (Gathered::Max, false) => Cond::UnsignedGe,
        };
        let (better, done) = (self.label(), self.label());
        let current = self.load(element, Width::B8, false);
        self.branch(keep, current, number, done, better);
        self.begin(better);
        self.store(element, Width::B8, number);
        self.jump(done);
        self.begin(done);
    }
}
