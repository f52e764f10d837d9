//! Broadcast messages → what one subscriber still has to get: a [`Queue`] with a bound in bytes.
//!
//! A slow subscriber loses superseded frames of figures and, when its queue is full, lines of text; the
//! lines are counted and a marker takes their place. Everything else waits for it up to a second bound,
//! where the subscriber is given up.
//!
//! *Invariant:* messages leave in the order in which they came.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::Parent;

/// What may be done with a message whose subscriber is slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of a cell: folded when the queue is full.
    Stream {
        /// `stdout` or `stderr`.
        name: &'static str,
        /// Lines in it.
        lines: u64,
    },
    /// A frame of a figure: superseded by the next one with the same display id.
    Update(String),
    /// Must be delivered.
    Needed,
}

/// A message for all subscribers.
#[derive(Debug)]
pub(super) struct Broadcast {
    pub(super) topic: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) parent: Parent,
    pub(super) bytes: Vec<u8>,
}

/// What a subscriber gets next.
#[derive(Debug)]
pub(super) enum Outgoing {
    Message(Arc<Broadcast>),
    /// So many lines of text were folded here.
    Folded {
        parent: Parent,
        name: &'static str,
        lines: u64,
        bytes: u64,
    },
    /// Bytes for this subscriber alone.
    Private(Vec<u8>),
}

impl Outgoing {
    fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.bytes.len(),
            Self::Folded { .. } => 0,
            Self::Private(bytes) => bytes.len(),
        }
    }
}

/// The subscriber is so slow that what must be delivered does not fit either.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp;

/// What one subscriber still has to get.
#[derive(Debug)]
pub(super) struct Queue {
    /// `None` where a frame was superseded.
    entries: VecDeque<Option<Outgoing>>,
    /// The number of the first entry.
    first: u64,
    /// Display id → number of the entry with its newest frame.
    updates: HashMap<String, u64>,
    /// How many entries are `None`.
    superseded: usize,
    /// The number of the marker that counts what is folded, until text finds room behind it.
    marker: Option<u64>,
    bytes: usize,
    limit: usize,
}

impl Queue {
    /// An empty queue that folds text beyond `limit` bytes and gives up beyond four times as much.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            updates: HashMap::new(),
            superseded: 0,
            marker: None,
            bytes: 0,
            limit,
        }
    }

    /// Appends a message.
    ///
    /// # Errors
    /// [`GivenUp`].
    pub(super) fn push(&mut self, message: Arc<Broadcast>) -> Result<(), GivenUp> {
        let total = self.bytes + message.bytes.len();
        match &message.kind {
            Kind::Stream { name, lines } if total > self.limit => {
                self.fold(&message.parent, name, *lines, message.bytes.len() as u64);
                return Ok(());
            }
            Kind::Stream { .. } => self.marker = None,
            Kind::Update(display_id) => self.supersede(display_id),
            Kind::Needed => {}
        }
        if self.bytes + message.bytes.len() > self.limit.saturating_mul(4) {
            return Err(GivenUp);
        }
        if let Kind::Update(display_id) = &message.kind {
            self.updates.insert(display_id.clone(), self.next());
        }
        self.append(Outgoing::Message(message));
        Ok(())
    }

    /// Appends bytes for this subscriber alone.
    pub(super) fn push_private(&mut self, bytes: Vec<u8>) {
        self.append(Outgoing::Private(bytes));
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.len() == self.superseded
    }

    /// Takes the oldest entry out.
    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        loop {
            let entry = self.entries.pop_front()?;
            if let Some(Outgoing::Message(message)) = &entry
                && let Kind::Update(display_id) = &message.kind
            {
                self.updates.remove(display_id);
            }
            self.first += 1;
            match entry {
                Some(entry) => {
                    self.bytes -= entry.size();
                    return Some(entry);
                }
                None => self.superseded -= 1,
            }
        }
    }

    /// The number of the next entry.
    fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn supersede(&mut self, display_id: &str) {
        let Some(old) = self.updates.remove(display_id) else { return };
        if let Some(superseded) = self.entries[(old - self.first) as usize].take() {
            self.bytes -= superseded.size();
            self.superseded += 1;
        }
        if self.superseded > 64 && self.superseded > self.entries.len() / 2 {
            self.compact();
        }
    }

    /// Removes the gaps. Entries get new numbers; those of markers are forgotten, which costs a marker.
    fn compact(&mut self) {
        self.entries.retain(Option::is_some);
        self.superseded = 0;
        self.marker = None;
        for (number, entry) in (self.first..).zip(&self.entries) {
            if let Some(Outgoing::Message(message)) = entry
                && let Kind::Update(display_id) = &message.kind
            {
                self.updates.insert(display_id.clone(), number);
            }
        }
    }

    fn append(&mut self, entry: Outgoing) {
        self.bytes += entry.size();
        self.entries.push_back(Some(entry));
    }

    fn fold(&mut self, parent: &Parent, name: &'static str, more_lines: u64, more_bytes: u64) {
        let marker = self.marker.and_then(|number| number.checked_sub(self.first));
        if let Some(index) = marker
            && let Some(Some(Outgoing::Folded { parent: p, name: n, lines, bytes })) =
                self.entries.get_mut(index as usize)
            && p == parent
            && *n == name
        {
            *lines += more_lines;
            *bytes += more_bytes;
            return;
        }
        self.marker = Some(self.next());
        self.append(Outgoing::Folded { parent: parent.clone(), name, lines: more_lines, bytes: more_bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, size: usize) -> Arc<Broadcast> {
        Arc::new(Broadcast { topic: vec![], kind, parent: Parent::none(), bytes: vec![0; size] })
    }

    fn text(size: usize) -> Arc<Broadcast> {
        message(Kind::Stream { name: "stdout", lines: 2 }, size)
    }

    fn sizes(queue: &mut Queue) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop()).map(|entry| entry.size()).collect()
    }

    #[test]
    fn a_newer_frame_supersedes_the_older_one_at_its_own_place() {
        let mut queue = Queue::new(1000);
        for (id, size) in [("a", 1), ("b", 2)] {
            queue.push(message(Kind::Update(id.into()), size)).unwrap();
        }
        queue.push(message(Kind::Needed, 3)).unwrap();
        queue.push(message(Kind::Update("a".into()), 4)).unwrap();
        assert_eq!(queue.bytes, 9);
        assert_eq!(sizes(&mut queue), [2, 3, 4]);
        assert_eq!(queue.bytes, 0);
        queue.push(message(Kind::Update("a".into()), 5)).unwrap();
        assert_eq!(sizes(&mut queue), [5]);
    }

    #[test]
    fn text_that_finds_no_room_is_counted_and_marked() {
        let mut queue = Queue::new(10);
        queue.push(text(8)).unwrap();
        queue.push(text(3)).unwrap();
        queue.push(text(5)).unwrap();
        queue.push(message(Kind::Needed, 6)).unwrap();
        queue.push(text(7)).unwrap();
        assert_eq!(queue.pop().unwrap().size(), 8);
        let Some(Outgoing::Folded { lines: 6, bytes: 15, .. }) = queue.pop() else { panic!() };
        assert_eq!(queue.pop().unwrap().size(), 6);
        assert!(queue.pop().is_none());
        for size in [8, 3] {
            queue.push(text(size)).unwrap();
        }
        assert_eq!(sizes(&mut queue), [8, 0]);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut queue = Queue::new(10);
        for _ in 0..1000 {
            queue.push(text(3)).unwrap();
            queue.push(message(Kind::Update("a".into()), 9)).unwrap();
        }
        assert!(queue.bytes <= 20, "{}", queue.bytes);
        assert!(queue.entries.len() <= 200, "{}", queue.entries.len());
        for _ in 0..3 {
            queue.push(message(Kind::Needed, 7)).unwrap();
        }
        assert_eq!(queue.push(message(Kind::Needed, 9)), Err(GivenUp));
    }
}
