//! Aggregations: update on this CPU, merge over all.
//!
//! Elements are per CPU, so an update is a plain load, add and store. A keyed element that does not exist
//! yet is built in a temporary and inserted, off the common way.

use probebook_lang::ir::{Aggregation, MapId, Value};
use probebook_lang::types::MapValue;

use super::series::Series;
use super::{Arg, Operand, Selector, Temporary};
use crate::codegen::vcode::{Label, Mem, Reg, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::{MapRef, Storage, Trouble, ZEROS};

/// `BPF_NOEXIST`: an update only makes elements.
const NO_EXIST: i32 = 1;

impl Selector<'_> {
    pub(super) fn aggregate(
        &mut self,
        map: MapId,
        key: Option<Value>,
        aggregation: Aggregation,
        value: Option<Value>,
    ) {
        let spec = self.spec(map);
        let number = match value {
            Some(value) => self.operand(value),
            None => Operand::Imm(1),
        };
        let bucket = match (aggregation, &spec.ty.value) {
            (Aggregation::Hist, MapValue::Hist { bits }) => Some(self.hist_bucket(number, *bits)),
            (Aggregation::Lhist, MapValue::Lhist { min, max, step }) => {
                Some(self.lhist_bucket(number, *min, *max, *step))
            }
            _ => None,
        };
        if let MapValue::Tseries { interval, intervals, how, signed } = spec.ty.value {
            let series = Series { interval, intervals, how, signed };
            return self.gather(map, key, series, number);
        }
        let key = match (key, bucket) {
            (Some(key), Some(bucket)) => return self.add_to_bucket(map, key, bucket),
            (None, Some(bucket)) => self.index(bucket),
            (key, None) => self.key(key),
        };
        let element = self.look_up(map, key);
        let done = self.label();
        if spec.storage == Storage::PerCpuArray {
            // The element is always there; the verifier wants to see it checked.
            let found = self.label();
            self.branch(Cond::Ne, element, 0, found, done);
            self.begin(found);
            self.add_to(Mem::at(element), &spec.ty.value, number, done);
        } else {
            let (found, missing) = (self.label(), self.cold_label());
            self.branch(Cond::Ne, element, 0, found, missing);
            self.begin(found);
            self.add_to(Mem::at(element), &spec.ty.value, number, done);
            self.begin(missing);
            let new = self.temporary(Temporary::Value, spec.value_size);
            self.store(new, Width::B8, number);
            if spec.value_size > 8 {
                self.store(new.plus(8), Width::B8, 1);
            }
            self.update(map, key, new, done);
        }
        self.begin(done);
    }

    /// Adds 1 to a bucket of a keyed histogram.
    fn add_to_bucket(&mut self, map: MapId, key: Value, bucket: Reg) {
        let done = self.label();
        let element = self.part_of(map, key, bucket, 8, done);
        self.add_word(Mem::at(element), Operand::Imm(1));
        self.jump(done);
        self.begin(done);
    }

    /// The address of a part of a keyed element that has many of so many bytes. A new key gets zeros first: they lie
    /// ready behind the globals, so that no program needs room for all parts. Where there is no room for the key, it
    /// goes to `done`.
    pub(super) fn part_of(&mut self, map: MapId, key: Value, part: Reg, size: i32, done: Label) -> Reg {
        let spec = self.spec(map);
        let key = self.mem(key);
        let element = self.look_up(map, key);
        let (found, inside) = (self.label(), self.label());
        let (missing, refused) = (self.cold_label(), self.cold_label());
        let (full, again) = (self.cold_label(), self.cold_label());
        self.branch(Cond::Ne, element, 0, found, missing);

        self.begin(missing);
        let zeros = self.code.register();
        self.inst(VInst::Map(zeros, MapRef::Globals, Some(ZEROS)));
        let map_ref = Arg::Map(MapRef::User(map.0));
        let arguments = [map_ref, Arg::Address(key), zeros.into(), NO_EXIST.into()];
        let error = self.helper_value(Helper::MapUpdateElem, &arguments);
        self.branch(Cond::Ne, error, 0, refused, again);
        self.begin(refused);
        // Another CPU may have been first.
        self.branch(Cond::Ne, error, -libc::EEXIST, full, again);
        self.begin(full);
        self.notice(Trouble::Helper(Helper::MapUpdateElem), error);
        self.jump(done);
        self.begin(again);
        let made = self.look_up(map, key);
        self.mov(element, made);
        self.branch(Cond::Ne, element, 0, found, done);

        self.begin(found);
        // It always is; the verifier wants to see it checked.
        self.branch(Cond::UnsignedLt, part, spec.ty.value.buckets() as i32, inside, done);
        self.begin(inside);
        match size {
            8 => self.alu(AluOp::Shl, part, 3),
            _ => self.alu(AluOp::Mul, part, size),
        }
        self.alu(AluOp::Add, element, part);
        element
    }

    /// Updates an element in place. Ends at `done`.
    fn add_to(&mut self, element: Mem, value: &MapValue, number: Operand, done: Label) {
        match value {
            MapValue::Min { signed } | MapValue::Max { signed } => {
                let keep = better(value, *signed);
                let write = self.label();
                let set = self.load(element.plus(8), Width::B8, false);
                self.branch_away(Cond::Eq, set, 0, write);
                let current = self.load(element, Width::B8, false);
                self.branch(keep, current, number, done, write);
                self.begin(write);
                self.store(element, Width::B8, number);
                self.store(element.plus(8), Width::B8, 1);
            }
            MapValue::Sum { .. } => {
                self.add_word(element, number);
                self.store(element.plus(8), Width::B8, 1);
            }
            MapValue::Avg { .. } | MapValue::Stats { .. } => {
                self.add_word(element, number);
                self.add_word(element.plus(8), Operand::Imm(1));
            }
            MapValue::Count
            | MapValue::Hist { .. }
            | MapValue::Lhist { .. }
            | MapValue::Tseries { .. }
            | MapValue::Plain(_) => {
                self.add_word(element, Operand::Imm(1));
            }
        }
        self.jump(done);
    }

    pub(super) fn add_word(&mut self, mem: Mem, number: Operand) {
        let sum = self.load(mem, Width::B8, false);
        self.alu(AluOp::Add, sum, number);
        self.store(mem, Width::B8, sum);
    }

    /// The value of an aggregation over all CPUs.
    pub(super) fn merge(&mut self, dst: Reg, map: MapId, key: Option<Value>) {
        let (first, second) = self.merged(map, key);
        match self.spec(map).ty.value {
            MapValue::Avg { signed } => self.average(dst, first, second, signed),
            _ => self.mov(dst, first),
        }
    }

    /// Count, average and total of `stats` over all CPUs.
    pub(super) fn read_stats(&mut self, map: MapId, key: Option<Value>, to: Value) {
        let (total, count) = self.merged(map, key);
        let signed = matches!(self.spec(map).ty.value, MapValue::Stats { signed: true });
        let average = self.code.register();
        self.average(average, total, count, signed);
        let to = self.mem(to);
        for (offset, number) in [(0, count), (8, average), (16, total)] {
            self.store(to.plus(offset), Width::B8, number);
        }
    }

    /// The two words of an aggregation over all CPUs, added or chosen.
    fn merged(&mut self, map: MapId, key: Option<Value>) -> (Reg, Reg) {
        let spec = self.spec(map);
        let key = self.key(key);
        let (first, second) = (self.copied(0), self.copied(0));
        let value = &spec.ty.value;
        self.each_cpu(map, key, |selector, element| match value {
            MapValue::Min { signed } | MapValue::Max { signed } => {
                let (seen, take, done) = (selector.label(), selector.label(), selector.label());
                let set = selector.load(element.plus(8), Width::B8, false);
                selector.branch(Cond::Ne, set, 0, seen, done);
                selector.begin(seen);
                let number = selector.load(element, Width::B8, false);
                selector.branch_away(Cond::Eq, second, 0, take);
                selector.branch(better(value, *signed), first, number, done, take);
                selector.begin(take);
                selector.mov(first, number);
                selector.mov(second, 1);
                selector.jump(done);
                selector.begin(done);
            }
            MapValue::Avg { .. } | MapValue::Stats { .. } => {
                for (sum, offset) in [(first, 0), (second, 8)] {
                    let number = selector.load(element.plus(offset), Width::B8, false);
                    selector.alu(AluOp::Add, sum, number);
                }
            }
            _ => {
                let number = selector.load(element, Width::B8, false);
                selector.alu(AluOp::Add, first, number);
            }
        });
        (first, second)
    }

    /// `total / count`, 0 if there is none; BPF divides unsigned.
    fn average(&mut self, dst: Reg, total: Reg, count: Reg, signed: bool) {
        self.mov(dst, total);
        let (negative, positive, done) = (self.label(), self.label(), self.label());
        if signed {
            self.branch(Cond::SignedLt, dst, 0, negative, positive);
            self.begin(negative);
            self.inst(VInst::Neg(dst));
            self.alu(AluOp::Div, dst, count);
            self.inst(VInst::Neg(dst));
            self.jump(done);
        } else {
            self.jump(positive);
        }
        self.begin(positive);
        self.alu(AluOp::Div, dst, count);
        self.jump(done);
        self.begin(done);
    }
}

/// The comparison by which a `min` or `max` keeps what it has against a new number.
fn better(value: &MapValue, signed: bool) -> Cond {
    match (value, signed) {
        (MapValue::Min { .. }, true) => Cond::SignedLe,
        (MapValue::Min { .. }, false) => Cond::UnsignedLe,
        (_, true) => Cond::SignedGe,
        (_, false) => Cond::UnsignedGe,
    }
}
