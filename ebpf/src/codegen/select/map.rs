//! Ordinary map elements: get, set, delete, has, len.
//!
//! A scalar map is the only element of an array, whose address Linux burns into the program: no lookup. In
//! a hash, a word that exists is overwritten in place, which is cheaper than an update; only where elements are
//! deleted as well, they are expected to be missing.

use probebook_lang::environment::Watch;
use probebook_lang::ir::{MapId, Value};

use super::{Arg, Operand, Selector, Temporary};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Callee, Label, Mem, Reg, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};
use crate::object::{MapRef, MapSpec, Storage, Trouble};

/// More elements than this are not visited by one operation: the verifier follows every step.
const MOST_VISITS: u64 = 1 << 14;

impl<'a> Selector<'a> {
    pub(super) fn spec(&self, map: MapId) -> &'a MapSpec {
        &self.maps[map.0 as usize]
    }

    /// The only element of an array.
    pub(super) fn only_element(&mut self, map: MapId) -> Mem {
        if let Some((_, address)) = self.element.filter(|(known, _)| *known == map) {
            return Mem::at(address);
        }
        let address = self.code.register();
        self.inst(VInst::Map(address, MapRef::User(map.0), Some(0)));
        self.element = Some((map, address));
        Mem::at(address)
    }

    /// The bytes of a key; without one, those of the index of an array's first element.
    pub(super) fn key(&mut self, key: Option<Value>) -> Mem {
        match key {
            Some(key) => self.mem(key),
            None => self.index(0),
        }
    }

    /// The index of an array's element, as a key.
    pub(super) fn index(&mut self, index: impl Into<Operand>) -> Mem {
        let mem = self.temporary(Temporary::Key, 4);
        self.store(mem, Width::B4, index);
        mem
    }

    /// Looks an element up: its address, or 0.
    pub(super) fn look_up(&mut self, map: MapId, key: Mem) -> Reg {
        self.helper_value(Helper::MapLookupElem, &[Arg::Map(MapRef::User(map.0)), Arg::Address(key)])
    }

    /// Makes or replaces an element, and notices where that is refused, as by a full map. Ends at `done`.
    pub(super) fn update(&mut self, map: MapId, key: Mem, value: Mem, done: Label) {
        let arguments = [Arg::Map(MapRef::User(map.0)), Arg::Address(key), Arg::Address(value), Arg::from(0)];
        let failed = self.helper_value(Helper::MapUpdateElem, &arguments);
        let refused = self.cold_label();
        self.branch(Cond::Ne, failed, 0, refused, done);
        self.begin(refused);
        self.notice(Trouble::Helper(Helper::MapUpdateElem), failed);
        self.jump(done);
    }

    fn value_width(spec: &MapSpec) -> (u8, bool) {
        match &spec.value {
            Some(layout) => (layout.size as u8, layout.shape.is_signed()),
            None => (8, false),
        }
    }

    pub(super) fn map_get(&mut self, dst: Reg, map: MapId, key: Option<Value>) {
        if self.spec(map).storage == Storage::Array {
            return self.get_only(dst, map);
        }
        let done = self.label();
        self.get_or(dst, map, key, done);
        self.jump(done);
        self.begin(done);
    }

    /// Reads an element and jumps by whether it is 0: what is missing needs no second question.
    pub(super) fn map_get_test(&mut self, dst: Reg, map: MapId, key: Option<Value>, yes: Label, no: Label) {
        match self.spec(map).storage {
            Storage::Array => self.get_only(dst, map),
            _ => self.get_or(dst, map, key, no),
        }
        self.branch(Cond::Ne, dst, 0, yes, no);
    }

    fn get_only(&mut self, dst: Reg, map: MapId) {
        let (width, signed) = Self::value_width(self.spec(map));
        let mem = self.only_element(map);
        self.load_any(dst, mem, width, signed);
    }

    /// Reads the element of a hash; where there is none, 0 goes to `missing`.
    fn get_or(&mut self, dst: Reg, map: MapId, key: Option<Value>, missing: Label) {
        let (width, signed) = Self::value_width(self.spec(map));
        let key = self.key(key);
        let element = self.look_up(map, key);
        self.looked_up = Some((map, key, element));
        let (found, none) = (self.label(), self.cold_label());
        self.mov(dst, 0);
        if self.watches(Watch::Everything) {
            self.branch(Cond::Ne, element, 0, found, none);
            self.begin(none);
            self.notice_missing(missing);
        } else {
            self.branch(Cond::Ne, element, 0, found, missing);
        }
        self.begin(found);
        self.load_any(dst, Mem::at(element), width, signed);
    }

    pub(super) fn map_read(&mut self, map: MapId, key: Option<Value>, to: Value) {
        let spec = self.spec(map);
        let size = spec.value.as_ref().map_or(0, |layout| layout.size);
        let to = self.mem(to);
        if spec.storage == Storage::Array {
            let mem = self.only_element(map);
            return self.copy(to, mem, size);
        }
        let key = self.key(key);
        let element = self.look_up(map, key);
        let (found, missing, done) = (self.label(), self.label(), self.label());
        self.branch(Cond::Ne, element, 0, found, missing);
        self.begin(missing);
        self.zero(to, size);
        self.notice_missing(done);
        self.begin(found);
        self.copy(to, Mem::at(element), size);
        self.jump(done);
        self.begin(done);
    }

    pub(super) fn map_set(&mut self, map: MapId, key: Option<Value>, value: Value) {
        let spec = self.spec(map);
        let (width, _) = Self::value_width(spec);
        if spec.storage == Storage::Array {
            let mem = self.only_element(map);
            self.store_any(mem, width, value);
            return self.store(mem.plus(spec.set_offset()), Width::B8, 1);
        }
        let key = self.key(key);
        let done = self.label();
        let element = match self.looked_up.take() {
            Some((known, at, element)) if known == map && at == key => Some(element),
            _ if self.shrinking.contains(&map) => None,
            _ => Some(self.look_up(map, key)),
        };
        if let Some(element) = element {
            let (found, missing) = (self.label(), self.label());
            self.branch(Cond::Ne, element, 0, found, missing);
            self.begin(found);
            self.store_any(Mem::at(element), width, value);
            self.jump(done);
            self.begin(missing);
        }
        let new = self.temporary(Temporary::Value, spec.value_size);
        if width < 8 {
            self.store(new, Width::B8, 0);
        }
        self.store_any(new, width, value);
        self.update(map, key, new, done);
        self.begin(done);
    }

    pub(super) fn map_write(&mut self, map: MapId, key: Option<Value>, bytes: Value) {
        let spec = self.spec(map);
        let size = spec.value.as_ref().map_or(0, |layout| layout.size);
        let mut bytes = self.mem(bytes);
        if spec.storage == Storage::Array {
            let mem = self.only_element(map);
            self.copy(mem, bytes, size);
            return self.store(mem.plus(spec.set_offset()), Width::B8, 1);
        }
        let key = self.key(key);
        if size != spec.value_size {
            let padded = self.temporary(Temporary::Value, spec.value_size);
            self.copy(padded, bytes, size);
            self.zero(padded.plus(size), spec.value_size - size);
            bytes = padded;
        }
        let done = self.label();
        self.update(map, key, bytes, done);
        self.begin(done);
    }

    pub(super) fn map_delete(
        &mut self,
        map: MapId,
        key: Option<Value>,
        existed: Option<Reg>,
    ) -> Result<(), Unsupported> {
        let spec = self.spec(map);
        match spec.storage {
            Storage::Array => {
                let mem = self.only_element(map);
                let set = mem.plus(spec.set_offset());
                if let Some(existed) = existed {
                    self.inst(VInst::Load { dst: existed, mem: set, width: Width::B8, signed: false });
                }
                self.zero(mem, spec.value_size);
                Ok(())
            }
            Storage::Hash | Storage::PerCpuHash => {
                let key = self.key(key);
                self.delete_key(map, key, existed);
                Ok(())
            }
            Storage::PerCpuArray => {
                if let Some(existed) = existed {
                    self.mov(existed, 0);
                }
                let (word, size) = (spec.value_size - 8, spec.value_size);
                self.each_bucket(map, |selector, bucket| {
                    let key = selector.index(bucket);
                    selector.each_cpu(map, key, |selector, element| {
                        if let Some(existed) = existed {
                            let set = selector.load(element.plus(word), Width::B8, false);
                            let (yes, no) = (selector.label(), selector.label());
                            selector.branch(Cond::Ne, set, 0, yes, no);
                            selector.begin(yes);
                            selector.mov(existed, 1);
                            selector.jump(no);
                            selector.begin(no);
                        }
                        selector.zero(element, size);
                    });
                })
            }
        }
    }

    fn delete_key(&mut self, map: MapId, key: Mem, existed: Option<Reg>) {
        self.helper(Helper::MapDeleteElem, &[Arg::Map(MapRef::User(map.0)), Arg::Address(key)]);
        if let Some(existed) = existed {
            let failed = self.copied(Reg::R0);
            let (gone, done) = (self.label(), self.label());
            self.mov(existed, 0);
            self.branch(Cond::Eq, failed, 0, gone, done);
            self.begin(gone);
            self.mov(existed, 1);
            self.jump(done);
            self.begin(done);
        } else if self.watches(Watch::Everything) {
            let failed = self.copied(Reg::R0);
            self.notice_if(Helper::MapDeleteElem, Cond::Ne, failed);
        }
    }

    pub(super) fn map_has(
        &mut self,
        map: MapId,
        key: Option<Value>,
        yes: Label,
        no: Label,
    ) -> Result<(), Unsupported> {
        let spec = self.spec(map);
        match spec.storage {
            Storage::Array => {
                let mem = self.only_element(map);
                let set = self.load(mem.plus(spec.set_offset()), Width::B8, false);
                self.branch(Cond::Ne, set, 0, yes, no);
            }
            Storage::Hash | Storage::PerCpuHash => {
                let key = self.key(key);
                let element = self.look_up(map, key);
                self.branch(Cond::Ne, element, 0, yes, no);
            }
            Storage::PerCpuArray => {
                let word = spec.value_size - 8;
                self.each_bucket(map, |selector, bucket| {
                    let key = selector.index(bucket);
                    selector.each_cpu(map, key, |selector, element| {
                        let set = selector.load(element.plus(word), Width::B8, false);
                        selector.branch_away(Cond::Ne, set, 0, yes);
                    });
                })?;
                self.jump(no);
            }
        }
        Ok(())
    }

    /// Runs `body` for every element of an array: the buckets of a `hist` or `lhist`, else only one.
    fn each_bucket(&mut self, map: MapId, body: impl FnOnce(&mut Self, Reg)) -> Result<(), Unsupported> {
        let spec = self.spec(map);
        let buckets = spec.ty.value.buckets().max(1);
        if u64::from(buckets) * u64::from(self.target.cpus) > MOST_VISITS {
            return Err(self.unsupported(format!(
                "@{} has {buckets} buckets, too many for a program to visit all of them",
                spec.name
            )));
        }
        self.counted(buckets, body);
        Ok(())
    }

    /// Runs `body` for the element that each CPU has under a key.
    pub(super) fn each_cpu(&mut self, map: MapId, key: Mem, body: impl FnOnce(&mut Self, Mem)) {
        self.counted(self.target.cpus, |selector, cpu| {
            let arguments = [Arg::Map(MapRef::User(map.0)), Arg::Address(key), cpu.into()];
            let element = selector.helper_value(Helper::MapLookupPercpuElem, &arguments);
            let (found, done) = (selector.label(), selector.label());
            selector.branch(Cond::Ne, element, 0, found, done);
            selector.begin(found);
            body(selector, Mem::at(element));
            selector.jump(done);
            selector.begin(done);
        });
    }

    /// Runs `body` with the numbers from 0 up to `count`, which the verifier can count along.
    fn counted(&mut self, count: u32, body: impl FnOnce(&mut Self, Reg)) {
        let number = self.copied(0);
        let (head, done) = (self.label(), self.label());
        self.jump(head);
        self.begin(head);
        body(self, number);
        self.alu(AluOp::Add, number, 1);
        self.branch(Cond::UnsignedLt, number, count as i32, head, done);
        self.begin(done);
    }

    pub(super) fn map_len(&mut self, dst: Reg, map: MapId) -> Result<(), Unsupported> {
        let Some(id) = self.target.map_sum_elem_count else {
            return Err(self.unsupported("len of a map needs Linux 6.6 or later with BTF"));
        };
        self.call(Callee::Kfunc(id), &[Arg::Map(MapRef::User(map.0))]);
        self.mov(dst, Reg::R0);
        Ok(())
    }
}
