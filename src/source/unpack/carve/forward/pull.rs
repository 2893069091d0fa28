//! What a stream that is opened reads, kept for the scan of what carries it.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroize as _;

use crate::blob::Rest;
use crate::source::unpack::carve::open::Carver;
use crate::source::unpack::memory::Reservation;

/// How many packed bytes of one stream are kept for the scan from its beginning on, and how many of its last ones: where it breaks off, it
/// may be none. What is between them came out of the stream, and is zeros to the scan.
const KEPT: usize = 16 * 1024 * 1024;
const KEPT_LAST: usize = 4 * 1024 * 1024;
/// How many bytes are reserved at a time.
const STEP: usize = 1024 * 1024;

/// What a stream read beyond what was read ahead.
#[derive(Default)]
pub(super) struct Pulled {
    pub(super) first: Vec<u8>,
    /// How many bytes were not kept between those and the last ones.
    pub(super) dropped: u64,
    pub(super) last: Vec<u8>,
    reservations: Vec<Reservation>,
}

impl Pulled {
    /// Keeps what was read.
    fn push(&mut self, bytes: &[u8], carver: &Carver<'_>) {
        let mut bytes = bytes;
        if self.dropped == 0 && self.last.is_empty() && self.reserve(carver) {
            let room = self.first.capacity() - self.first.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.first.extend_from_slice(now);
            bytes = later;
        }
        self.last.extend_from_slice(bytes);
        if self.last.len() > 2 * KEPT_LAST {
            let passed = self.last.len() - KEPT_LAST;
            self.last.drain(..passed);
            self.dropped += passed as u64;
        }
    }

    /// Makes room among the first ones where there is none left, within the limits.
    fn reserve(&mut self, carver: &Carver<'_>) -> bool {
        if self.first.len() < self.first.capacity() {
            return true;
        }
        let Some(reservation) =
            (self.first.len() < KEPT).then(|| carver.container.budget.reserve(STEP as u64).ok()).flatten()
        else {
            return false;
        };
        self.reservations.push(reservation);
        // A vector left to itself doubles, and leaves a copy behind.
        let mut larger = Vec::with_capacity(self.first.capacity() + STEP);
        larger.extend_from_slice(&self.first);
        self.first.zeroize();
        self.first = larger;
        true
    }
}

impl Drop for Pulled {
    fn drop(&mut self) {
        self.first.zeroize();
        self.last.zeroize();
    }
}

/// Reads on behalf of a stream, and keeps what it read for the scan.
pub(super) struct Pull<'p> {
    pub(super) carver: &'p Carver<'p>,
    pub(super) rest: &'p mut dyn Rest,
    pub(super) ended: &'p mut Option<io::Result<()>>,
    pub(super) pulled: &'p mut Pulled,
}

impl Read for Pull<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended.is_some() {
            return Ok(0);
        }
        match self.rest.read(buf) {
            Ok(0) if !buf.is_empty() => *self.ended = Some(Ok(())),
            Ok(read) => {
                self.pulled.push(buf.get(..read).unwrap_or_default(), self.carver);
                return Ok(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            // Whoever scans gets it, and reports it.
            Err(error) => *self.ended = Some(Err(error)),
        }
        Ok(0)
    }
}

impl Rest for Pull<'_> {}
