//! Records for user space, and the session's counters.

use probebook_lang::ir::{RECORD_HEADER, RecordId, Value};

use super::{Arg, Operand, Selector, Temporary};
use crate::codegen::vcode::{Label, Mem};
use crate::isa::{Cond, Helper, Width};
use crate::object::{Counter, MapRef};

impl Selector<'_> {
    /// Reserves room in the ring buffer, writes the record there and submits it.
    pub(super) fn emit_record(&mut self, id: RecordId, fields: &[Value]) {
        let record = &self.module.records[id.0 as usize];
        let arguments = [Arg::Map(MapRef::Ring), (record.size as i32).into(), 0.into()];
        let room = self.helper_value(Helper::RingbufReserve, &arguments);
        let (write, lost, done) = (self.label(), self.cold_label(), self.label());
        self.branch(Cond::Ne, room, 0, write, lost);
        self.begin(lost);
        self.count(Counter::LostRecords, done);
        self.begin(write);
        let mem = Mem::at(room);
        // The id in the low half, zeros above.
        self.store(mem, Width::B8, id.0 as i32);
        let mut end = RECORD_HEADER;
        for (part, &field) in record.fields.iter().zip(fields) {
            self.zero(mem.plus(end), part.offset.saturating_sub(end));
            let to = mem.plus(part.offset);
            if part.layout.shape.is_scalar() {
                self.store_any(to, part.layout.size as u8, field);
            } else {
                let from = self.mem(field);
                self.copy(to, from, part.layout.size);
            }
            end = part.offset + part.layout.size;
        }
        self.zero(mem.plus(end), record.size.saturating_sub(end));
        self.helper(Helper::RingbufSubmit, &[room.into(), 0.into()]);
        self.jump(done);
        self.begin(done);
    }

    /// Adds one to a counter of this CPU. Ends at `done`.
    pub(super) fn count(&mut self, counter: Counter, done: Label) {
        let key = self.temporary(Temporary::Key, 4);
        self.store(key, Width::B4, counter as i32);
        let arguments = [Arg::Map(MapRef::Counters), Arg::Address(key)];
        let element = self.helper_value(Helper::MapLookupElem, &arguments);
        let found = self.cold_label();
        self.branch(Cond::Ne, element, 0, found, done);
        self.begin(found);
        self.add_word(Mem::at(element), Operand::Imm(1));
        self.jump(done);
    }
}
