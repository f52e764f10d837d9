//! The session's ring buffer → [`Event`]s in a queue, on a thread of its own.
//!
//! What a record asks for (print, clear, zero a map) is done here, in the order of the buffer, so that a
//! `print` sees what a `clear` behind it has not yet removed. Lost records and run-time warnings are
//! counted and reported at most every `PACE`.
//!
//! *Invariant:* no event is dropped silently: when the consumer does not keep up and `QUEUE_BYTES` are
//! waiting, the thread stops reading, the buffer fills, and Linux counts what finds no room.
//!
//! *Not here:* the bytes of a record (`decode`), the text of a `printf` (`format`).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use aya::maps::{MapData, RingBuf};
use probebook_lang::ir::{Action, RECORD_HEADER, Record, RecordKind};
use probebook_lang::probes::AttachPoint;
use probebook_lang::source::Span;

use super::action::{self, Output, cat};
use super::decode::decode;
use super::format::print;
use super::trouble::Troubles;
use super::{Event, Origin};
use crate::clock::{now, strftime};
use crate::map::Map;
use crate::object::{Counter, MapRef, Object, ProgramSpec, Site};
use crate::session::counters::{Counters, Shared};
use crate::value::Value;

/// The time between two reports of losses and troubles.
const PACE: Duration = Duration::from_millis(100);
/// Bytes of text that may wait for the consumer.
const QUEUE_BYTES: usize = 64 << 20;

/// What the thread needs to know of the session.
pub struct Setup {
    /// The ring buffer.
    pub ring: MapData,
    /// What its records mean.
    pub records: Vec<Record>,
    /// The maps of the program, by their number in it.
    pub maps: Vec<Arc<Map>>,
    /// Where losses are counted.
    pub counters: Arc<Counters>,
    /// Where programs notice what goes wrong.
    pub globals: Arc<Shared>,
    /// The places.
    pub sites: Vec<Site>,
}

/// Where the session stands, for the thread to see.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Events flow; after an exit nothing more is delivered.
    Running = 0,
    /// `end` programs run: what they send is delivered also after an exit.
    Ending = 1,
    /// Nothing more will be sent: the thread ends when the buffer is empty.
    Over = 2,
}

/// Shared with the thread.
struct Common {
    phase: AtomicU8,
    /// An exit record was seen.
    exited: AtomicBool,
    /// The consumer has gone.
    gone: AtomicBool,
    queued: AtomicUsize,
    /// How often the buffer was seen empty.
    empties: Mutex<u64>,
    emptied: Condvar,
    /// An eventfd that wakes the thread.
    wake: OwnedFd,
}

/// The consumer's side of the queue.
pub struct Queue {
    events: Receiver<(Event, usize)>,
    shared: Arc<Common>,
}

impl Queue {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where Linux refuses a descriptor or a thread.
    pub fn start(setup: Setup) -> io::Result<Self> {
        // SAFETY: eventfd takes no addresses.
        let wake = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if wake < 0 {
            return Err(io::Error::last_os_error());
        }
        let shared = Arc::new(Common {
            phase: AtomicU8::new(Phase::Running as u8),
            exited: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            empties: Mutex::new(0),
            emptied: Condvar::new(),
            // SAFETY: Linux has just made the descriptor for us.
            wake: unsafe { OwnedFd::from_raw_fd(wake) },
        });
        let (sender, events) = mpsc::channel();
        let ring = RingBuf::try_from(aya::maps::Map::RingBuf(setup.ring)).map_err(io::Error::other)?;
        let drain = Drain {
            records: setup.records.into(),
            maps: setup.maps,
            counters: setup.counters,
            reported: 0,
            watch: Troubles::new(setup.globals, setup.sites),
            queue: sender,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new().name("events".into()).spawn(move || drain.run(ring))?;
        Ok(Self { events, shared })
    }

    /// The next event, waiting until `deadline`.
    pub fn next(&mut self, deadline: Instant) -> Option<Event> {
        let patience = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(patience) {
            Ok((event, bytes)) => {
                self.shared.queued.fetch_sub(bytes, Ordering::Relaxed);
                Some(event)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Whether a program has called `exit`, as far as the buffer was read.
    pub fn has_exited(&self) -> bool {
        self.shared.exited.load(Ordering::Acquire)
    }

    /// Waits until everything that was sent before has been taken from the buffer, or for `patience`.
    pub fn settle(&self, patience: Duration) {
        // The pass that is under way may have begun before the last record: the one after it has not.
        for _ in 0..2 {
            let Ok(empties) = self.shared.empties.lock() else { return };
            let seen = *empties;
            self.wake();
            let waiting = |empties: &mut u64| *empties == seen;
            drop(self.shared.emptied.wait_timeout_while(empties, patience, waiting));
        }
    }

    /// An exit ends only what was before.
    pub fn resume(&self) {
        self.shared.exited.store(false, Ordering::Release);
    }

    /// From here on `end` programs send.
    pub fn ending(&self) {
        self.shared.phase.store(Phase::Ending as u8, Ordering::Release);
    }

    /// Nothing more is sent; after what is left [`Queue::next`] gives `None` at once.
    pub fn over(&self) {
        self.shared.phase.store(Phase::Over as u8, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        let one = 1u64;
        // SAFETY: eight bytes of `one` are read; a full counter means that the thread wakes anyway.
        unsafe { libc::write(self.shared.wake.as_raw_fd(), (&raw const one).cast(), 8) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
    }
}

/// The thread's state.
struct Drain {
    records: Arc<[Record]>,
    maps: Vec<Arc<Map>>,
    counters: Arc<Counters>,
    /// Lost records that were reported.
    reported: u64,
    watch: Troubles,
    queue: Sender<(Event, usize)>,
    shared: Arc<Common>,
}

/// The consumer has gone.
struct Gone;

impl Drain {
    fn run(mut self, mut ring: RingBuf<MapData>) {
        let mut last_report = Instant::now();
        loop {
            let over = self.shared.phase.load(Ordering::Acquire) == Phase::Over as u8;
            while let Some(item) = ring.next() {
                if self.record(&item).is_err() {
                    return;
                }
                drop(item);
                self.hold_back();
            }
            if let Ok(mut empties) = self.shared.empties.lock() {
                *empties += 1;
            }
            self.shared.emptied.notify_all();
            if over || last_report.elapsed() >= PACE {
                last_report = Instant::now();
                if self.report().is_err() || over {
                    return;
                }
            }
            self.wait(ring.as_raw_fd());
        }
    }

    /// Waits for a record or for the session's word.
    fn wait(&self, ring: i32) {
        let entry = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let wake = self.shared.wake.as_raw_fd();
        let mut fds = [entry(ring), entry(wake)];
        let timeout = if self.watch.is_empty() { 1000 } else { PACE.as_millis() as i32 };
        // SAFETY: two valid entries; both descriptors are open.
        unsafe { libc::poll(fds.as_mut_ptr(), 2, timeout) };
        let mut count = 0u64;
        // SAFETY: eight bytes of `count` are written; the descriptor does not block.
        unsafe { libc::read(wake, (&raw mut count).cast(), 8) };
    }

    /// Lets the consumer catch up; a consumer that has stopped the session is not waited for.
    fn hold_back(&self) {
        while self.shared.queued.load(Ordering::Relaxed) > QUEUE_BYTES
            && self.shared.phase.load(Ordering::Acquire) == Phase::Running as u8
        {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn record(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        if self.shared.exited.load(Ordering::Acquire)
            && self.shared.phase.load(Ordering::Acquire) == Phase::Running as u8
        {
            return Ok(());
        }
        let id = bytes.first_chunk().map(|id| u32::from_ne_bytes(*id) as usize);
        let records = Arc::clone(&self.records);
        let Some(record) = id.and_then(|id| records.get(id)) else { return Ok(()) };
        if bytes.len() < (record.size.max(RECORD_HEADER)) as usize {
            return Ok(());
        }
        let event = match &record.kind {
            RecordKind::Formatted { action, format } => {
                return self.act(*action, print(format, &decode(record, bytes)), record.span);
            }
            RecordKind::Time { format } => {
                Event::Text(Origin::Time, strftime(format, (now() / 1_000_000_000) as i64))
            }
            RecordKind::Join { separator } => {
                Event::Text(Origin::Join, joined(&decode(record, bytes), separator))
            }
            RecordKind::PrintValue => match decode(record, bytes).pop() {
                Some(value) => Event::Value(value),
                None => return Ok(()),
            },
            RecordKind::Result => match decode(record, bytes).pop() {
                Some(value) => Event::Result(value),
                None => return Ok(()),
            },
            RecordKind::PrintMap { map, top, divisor } => match self.maps[map.0 as usize].snapshot() {
                Ok(snapshot) => Event::MapPrint { snapshot, top: *top, divisor: *divisor },
                Err(error) => self.failed("print", record.span, &error),
            },
            RecordKind::ClearMap(map) => match self.maps[map.0 as usize].clear() {
                Ok(()) => return Ok(()),
                Err(error) => self.failed("clear", record.span, &error),
            },
            RecordKind::ZeroMap(map) => match self.maps[map.0 as usize].zero() {
                Ok(()) => return Ok(()),
                Err(error) => self.failed("zero", record.span, &error),
            },
            RecordKind::Exit => {
                self.shared.exited.store(true, Ordering::Release);
                let code = bytes.get(8..16).and_then(|code| code.first_chunk());
                Event::Exit(code.map_or(0, |code| i64::from_ne_bytes(*code)))
            }
        };
        self.send(event)
    }

    /// Does what is asked for with a text.
    fn act(&self, action: Action, text: Vec<u8>, span: Span) -> Result<(), Gone> {
        let failed = |message| Event::Failed { message, span };
        self.send(match action {
            Action::Print => Event::Text(Origin::Printf, text),
            Action::Warn => Event::Message { is_error: false, text, span },
            Action::Error => Event::Message { is_error: true, text, span },
            Action::Cat { limit } => {
                cat(text, limit).map_or_else(failed, |text| Event::Text(Origin::Cat, text))
            }
            Action::System => {
                let is_wanted = || !self.shared.gone.load(Ordering::Acquire);
                return action::system(text, is_wanted, |output| {
                    self.hold_back();
                    self.send(match output {
                        Output::Event(event) => event,
                        Output::Failed(message) => failed(message),
                    })
                });
            }
        })
    }

    fn failed(&self, what: &str, span: Span, error: &crate::Error) -> Event {
        Event::Failed { message: format!("{what} failed: {error}"), span }
    }

    /// Reports losses and troubles that came since their last report.
    fn report(&mut self) -> Result<(), Gone> {
        let lost = self.counters.total(Counter::LostRecords);
        if lost > self.reported {
            let new = lost - self.reported;
            self.reported = lost;
            self.send(Event::Lost(new))?;
        }
        for event in self.watch.news() {
            self.send(event)?;
        }
        Ok(())
    }

    fn send(&self, event: Event) -> Result<(), Gone> {
        let bytes = weight(&event);
        self.shared.queued.fetch_add(bytes, Ordering::Relaxed);
        self.queue.send((event, bytes)).map_err(|_| Gone)
    }
}

/// The strings up to the first empty one, and a line end.
fn joined(fields: &[Value], separator: &[u8]) -> Vec<u8> {
    let Some(Value::Array(items)) = fields.first() else { return Vec::new() };
    let texts = items.iter().map_while(|item| match item {
        Value::String(text) if !text.is_empty() => Some(text.as_slice()),
        _ => None,
    });
    let mut text = texts.collect::<Vec<_>>().join(separator);
    text.push(b'\n');
    text
}

/// Roughly the bytes an event keeps.
fn weight(event: &Event) -> usize {
    64 + match event {
        Event::Text(_, text) | Event::CommandError(text) | Event::Message { text, .. } => text.len(),
        Event::MapPrint { snapshot, .. } => 64 * snapshot.entries.len(),
        _ => 0,
    }
}

/// A ring buffer of `bytes`, a power of two of pages. Linux 5.8.
///
/// # Errors
/// What Linux answers.
pub fn create(bytes: u32) -> Result<MapData, aya::maps::MapError> {
    const RINGBUF: u32 = 27;
    MapData::create(aya_obj::Map::new_from_params(RINGBUF, 0, 0, bytes, 0), "probebook_ring", None)
}

/// Bytes for what `begin`, `end` and timers send; Linux maps them twice, and both count as memory of ours.
const SMALL: u32 = 1 << 20;

/// What `perf_rb_pages` can ask for.
const LARGEST: u32 = 1 << 30;

/// The ring buffer's size for a program: small if only `begin`, `end` and `interval` send, else what the
/// machine can spare for a burst, a 1/1024 of its memory between 1 and 16 MiB. A number of pages that is not 0
/// is what the program wants; Linux takes powers of two.
pub fn bytes_for(object: &Object, pages: u32) -> u32 {
    if pages > 0 {
        // SAFETY: sysconf takes no addresses.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as u32;
        return pages.min(LARGEST / page).next_power_of_two() * page;
    }
    let is_rare = |point: &AttachPoint| point.is_special() || matches!(point, AttachPoint::Interval(_));
    let sends =
        |program: &&ProgramSpec| program.relocations.iter().any(|relocation| relocation.map == MapRef::Ring);
    let is_quiet = object.programs.iter().filter(sends).all(|program| program.points.iter().all(is_rare));
    if is_quiet { SMALL } else { for_bursts() }
}

fn for_bursts() -> u32 {
    // SAFETY: sysconf takes no addresses.
    let (pages, page) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let memory = (pages.max(0) as u64).saturating_mul(page.max(0) as u64);
    let wanted = (memory / 1024).clamp(SMALL.into(), 16 << 20) as u32;
    if wanted.is_power_of_two() { wanted } else { wanted.next_power_of_two() / 2 }
}

/// The descriptor of a map that aya made, for burning it into programs.
pub fn descriptor(map: &MapData) -> BorrowedFd<'_> {
    use std::os::fd::AsFd;
    map.fd().as_fd()
}
