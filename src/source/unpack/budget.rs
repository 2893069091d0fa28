//! What one file may cost: each limit has the name it goes by in the configuration.
//!
//! A [`Budget`] belongs to one file of a source and to one thread; everything nested in that file draws on it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

const MIB: u64 = 1024 * 1024;

/// How far containers are opened. Every limit but the first counts for one file of the tree and all that is nested in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Containers within containers; a compressor and the tar in it are one. 0 opens none.
    pub max_archive_depth: u32,
    /// Bytes that come out of decompressors, all nested ones together.
    pub max_expansion: u64,
    /// Bytes out for each byte in, held against one compressed stream once `ratio_after` bytes came out of the file.
    pub max_ratio: u64,
    /// Bytes that may come out at any ratio: zeros are cheap to read, and a token may stand behind them.
    pub ratio_after: u64,
    /// Members, all nested ones together.
    pub max_entries: u64,
    /// Seconds, scanning included.
    pub max_seconds: u64,
    /// Bytes that decoders and buffers may hold at a time.
    pub max_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_archive_depth: 3,
            max_expansion: 16 * 1024 * MIB,
            max_ratio: 250,
            ratio_after: 1280 * MIB,
            max_entries: 1_000_000,
            max_seconds: 120,
            max_memory: 160 * MIB,
        }
    }
}

/// The limit that cut something short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Depth,
    Expansion,
    Ratio,
    Entries,
    Seconds,
    Memory,
}

impl Limit {
    /// Its name in the configuration, and its value.
    pub(super) fn named(self, limits: &Limits) -> (&'static str, u64) {
        match self {
            Limit::Depth => ("max_archive_depth", u64::from(limits.max_archive_depth)),
            Limit::Expansion => ("max_expansion", limits.max_expansion),
            Limit::Ratio => ("max_ratio", limits.max_ratio),
            Limit::Entries => ("max_entries", limits.max_entries),
            Limit::Seconds => ("max_seconds", limits.max_seconds),
            Limit::Memory => ("max_memory", limits.max_memory),
        }
    }
}

/// Lets at most [`Gate::WIDTH`] files of all threads hold more than [`LIGHT`] bytes at a time,
/// so that memory does not grow with the number of threads.
#[derive(Debug)]
pub(super) struct Gate {
    free: Mutex<u32>,
    freed: Condvar,
}

/// What any file may hold in decoders and buffers without asking.
const LIGHT: u64 = 10 * MIB;

impl Gate {
    const WIDTH: u32 = 2;

    pub(super) fn new() -> Self {
        Gate { free: Mutex::new(Self::WIDTH), freed: Condvar::new() }
    }

    /// Waits for a place. A file asks once and keeps it to its end, so nobody waits while holding one.
    fn enter(self: &Arc<Self>) -> Pass {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(Arc::clone(self))
    }
}

struct Pass(Arc<Gate>);

impl Drop for Pass {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Memory somebody holds; given back when dropped.
pub(super) struct Hold {
    held: Rc<Cell<u64>>,
    bytes: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.set(self.held.get() - self.bytes);
    }
}

/// What one file of a source has cost so far.
pub(super) struct Budget {
    limits: Limits,
    gate: Arc<Gate>,
    pass: RefCell<Option<Pass>>,
    deadline: Option<Instant>,
    ticks: Cell<u32>,
    expanded: Cell<u64>,
    entries: Cell<u64>,
    held: Rc<Cell<u64>>,
    over: Cell<Option<Limit>>,
    buffers: RefCell<Vec<Vec<u8>>>,
    /// Whether the limit that ended the file was said.
    pub(super) said: Cell<bool>,
    /// Faults so far.
    pub(super) faults: Cell<u64>,
    /// How many of the streams now being read have broken off: what is nested in them looks damaged because of that.
    pub(super) broken: Cell<u32>,
}

impl Budget {
    pub(super) fn new(limits: Limits, gate: &Arc<Gate>) -> Self {
        Budget {
            limits,
            gate: Arc::clone(gate),
            pass: RefCell::new(None),
            deadline: Instant::now().checked_add(Duration::from_secs(limits.max_seconds)),
            ticks: Cell::new(0),
            expanded: Cell::new(0),
            entries: Cell::new(0),
            held: Rc::default(),
            over: Cell::new(None),
            buffers: RefCell::default(),
            said: Cell::new(false),
            faults: Cell::new(0),
            broken: Cell::new(0),
        }
    }

    /// The limit that ended the file, if one did.
    pub(super) fn over(&self) -> Option<Limit> {
        self.over.get()
    }

    /// Counts a member; whether there may be one more.
    pub(super) fn entry(&self) -> bool {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > self.limits.max_entries {
            self.over.set(self.over.get().or(Some(Limit::Entries)));
        }
        self.over.get().is_none()
    }

    /// Whether there is time left. Asked for every little member, and answered by the clock now and then.
    pub(super) fn tick(&self) -> bool {
        const EVERY: u32 = 16;
        self.ticks.set(self.ticks.get().wrapping_add(1));
        if self.ticks.get() % EVERY == 1 && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.over.set(self.over.get().or(Some(Limit::Seconds)));
        }
        self.over.get().is_none()
    }

    /// Counts bytes that came out of one compressed stream; the limit they broke.
    pub(super) fn expand(&self, bytes: u64, stream_in: u64, stream_out: u64) -> Option<Limit> {
        /// What a stream may give at any ratio even then: members beside a bomb are read.
        const FLOOR: u64 = 64 * 1024;
        let expanded = self.expanded.get() + bytes;
        self.expanded.set(expanded);
        if expanded > self.limits.max_expansion {
            self.over.set(self.over.get().or(Some(Limit::Expansion)));
            return self.over.get();
        }
        let steep = stream_out > FLOOR && stream_out / self.limits.max_ratio.max(1) > stream_in;
        (steep && expanded > self.limits.ratio_after).then_some(Limit::Ratio)
    }

    /// Reserves memory, waiting for other files where it is much.
    pub(super) fn hold(&self, bytes: u64) -> io::Result<Hold> {
        let held = self.held.get().saturating_add(bytes);
        if held > self.limits.max_memory {
            return Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("needs {bytes} bytes of memory to be unpacked"),
            ));
        }
        if held > LIGHT && self.pass.borrow().is_none() {
            let pass = self.gate.enter();
            *self.pass.borrow_mut() = Some(pass);
        }
        self.held.set(held);
        Ok(Hold { held: Rc::clone(&self.held), bytes })
    }

    /// An empty buffer, reused where there is one.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.buffers.borrow_mut().push(buffer);
    }
}

impl Drop for Budget {
    /// What was unpacked may have held a token.
    fn drop(&mut self) {
        self.buffers.borrow_mut().iter_mut().for_each(Zeroize::zeroize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steep_stream_is_cut_and_one_beside_it_is_not() {
        let limits = Limits { ratio_after: 1000, max_ratio: 10, ..Limits::default() };
        let gate = Arc::new(Gate::new());
        let budget = Budget::new(limits, &gate);
        assert_eq!(budget.expand(1000, 1, 1000), None, "too little to judge");
        assert_eq!(budget.expand(99_000, 1, 100_000), Some(Limit::Ratio));
        assert_eq!(budget.over(), None, "the file goes on");
        assert_eq!(budget.expand(90_000, 10_000, 90_000), None);
    }

    #[test]
    fn memory_is_given_back() {
        let limits = Limits { max_memory: 100, ..Limits::default() };
        let gate = Arc::new(Gate::new());
        let budget = Budget::new(limits, &gate);
        let held = budget.hold(80).expect("fits");
        assert!(budget.hold(30).is_err());
        drop(held);
        assert!(budget.hold(100).is_ok());
    }

    #[test]
    fn no_more_than_two_files_are_heavy_at_a_time() {
        let gate = Arc::new(Gate::new());
        let limits = Limits::default();
        let (inside, most) = (Mutex::new(0_u32), Mutex::new(0_u32));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let budget = Budget::new(limits, &gate);
                    let _first = budget.hold(LIGHT + 1).expect("fits");
                    let _second = budget.hold(LIGHT + 1).expect("fits, and does not wait again");
                    *inside.lock().expect("no panic") += 1;
                    std::thread::yield_now();
                    let now = *inside.lock().expect("no panic");
                    let mut most = most.lock().expect("no panic");
                    *most = now.max(*most);
                    *inside.lock().expect("no panic") -= 1;
                });
            }
        });
        assert!((1..=Gate::WIDTH).contains(&most.into_inner().expect("no panic")));
    }

    #[test]
    fn a_limit_is_named_as_in_the_configuration() {
        let limits = Limits::default();
        let json = serde_json::to_value(limits).expect("plain numbers");
        for limit in
            [Limit::Depth, Limit::Expansion, Limit::Ratio, Limit::Entries, Limit::Seconds, Limit::Memory]
        {
            let (name, value) = limit.named(&limits);
            assert_eq!(json[name].as_u64(), Some(value), "{name}");
        }
    }
}
