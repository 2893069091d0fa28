//! How much the reading of one repository may cost, which is done in a thread of its own, and the sink that holds it to that.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::super::limits::Limit;
use super::super::work_time::WorkTime;
use crate::blob::{Blob, Body, Fault, Origin, Prefilter, Rest, Sink};
use crate::finding::{Apart, Findings};
use crate::meter::Meter;

/// What may be spent, and was.
pub(super) struct Allowance {
    work: WorkTime,
    most_work: Duration,
    most_bytes: u64,
    bytes: AtomicU64,
    asked: AtomicU32,
    ended: Mutex<Option<Limit>>,
}

impl Allowance {
    /// For the thread that this is called in.
    pub(super) fn start(most_work: Duration, most_bytes: u64) -> Self {
        Allowance {
            work: WorkTime::start(),
            most_work,
            most_bytes,
            bytes: AtomicU64::new(0),
            asked: AtomicU32::new(0),
            ended: Mutex::default(),
        }
    }

    /// The limit that ended it.
    pub(super) fn ended(&self) -> Option<Limit> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was spent: work, and bytes.
    pub(super) fn spent(&self) -> (Duration, u64) {
        (self.work.elapsed(), self.bytes.load(Relaxed))
    }

    /// Whether nothing is left. The clock is read now and then.
    pub(super) fn is_spent(&self) -> bool {
        const EVERY: u32 = 32;
        if self.asked.fetch_add(1, Relaxed).is_multiple_of(EVERY) && self.work.elapsed() >= self.most_work {
            self.end(Limit::Seconds);
        }
        self.ended().is_some()
    }

    fn count(&self, bytes: u64) {
        if self.bytes.fetch_add(bytes, Relaxed).saturating_add(bytes) > self.most_bytes {
            self.end(Limit::Expansion);
        }
    }

    fn end(&self, limit: Limit) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(limit);
    }
}

/// A sink that ends when an allowance does.
pub(super) struct Held<'a> {
    pub(super) inner: &'a dyn Apart,
    pub(super) allowance: &'a Allowance,
    /// The scanned root.
    pub(super) root: Option<&'a str>,
}

/// Ends early with an allowance.
struct HeldReader<'a> {
    rest: &'a mut dyn Rest,
    allowance: &'a Allowance,
}

impl Read for HeldReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance.is_spent() {
            return Ok(0);
        }
        let read = self.rest.read(buffer)?;
        self.allowance.count(read as u64);
        Ok(read)
    }
}

impl Rest for HeldReader<'_> {}

impl Sink for Held<'_> {
    fn blob(&self, blob: Blob<'_>) {
        let origin = || Origin { root: self.root.map(str::to_owned), ..(blob.origin)() };
        self.allowance.count(blob.body.head().len() as u64);
        match blob.body {
            Body::Whole(bytes) => self.inner.blob(Blob { body: Body::Whole(bytes), origin: &origin }),
            Body::Stream { head, rest } => {
                let mut rest = HeldReader { rest, allowance: self.allowance };
                self.inner.blob(Blob { body: Body::Stream { head, rest: &mut rest }, origin: &origin });
            }
        }
    }

    fn fault(&self, fault: Fault) {
        self.inner.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.inner.prefilter()
    }

    fn stopped(&self) -> bool {
        self.inner.stopped() || self.allowance.is_spent()
    }
}

impl Apart for Held<'_> {
    fn apart(&self, scan: &mut dyn FnMut(&dyn Apart), settle: &mut dyn FnMut(&mut Findings)) {
        self.inner.apart(&mut |inner| scan(&Held { inner, ..*self }), settle);
    }
}
