//! What can be read forwards only: looked through a chunk ahead of its scan, and what is found is opened before the scan goes on.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroize as _;

use super::open::Carver;
use super::sample::Wanted;
use super::signatures::{self, LONGEST};
use crate::blob::{Blob, Body, Rest};
use crate::source::unpack::memory::Reservation;

/// How many bytes are looked through at a time.
const CHUNK: usize = 256 * 1024;
/// How many packed bytes of one stream are kept for the scan from its beginning on, and how many of its last ones: where it breaks off, it
/// may be none. What is between them came out of the stream, and is zeros to the scan.
const KEPT: usize = 16 * 1024 * 1024;
const KEPT_LAST: usize = 4 * 1024 * 1024;
/// How many bytes are reserved at a time.
const STEP: usize = 1024 * 1024;

/// Scans what `rest` gives, and opens what is found in it.
pub(super) fn scan(carver: &Carver<'_>, (head, rest): (&[u8], &mut dyn Rest), wanted: Wanted) {
    let ahead = Ahead {
        bytes: head.to_vec(),
        served: head.len(),
        searched: 0,
        offset: 0,
        gap: 0,
        behind: Vec::new(),
        behind_searched: 0,
        ended: None,
    };
    let mut tee = Tee { carver, rest, wanted, ahead, exhausted: false };
    let container = &carver.container;
    let blob = Blob { body: Body::Stream { head, rest: &mut tee }, origin: container.origin };
    container.unpack.hand_on(blob, container.depth - 1);
}

/// What was read ahead.
struct Ahead {
    bytes: Vec<u8>,
    /// How many of those were scanned, and how many looked through.
    served: usize,
    searched: usize,
    /// The offset of the first of them in the blob.
    offset: u64,
    /// How many bytes behind them were not kept, and those behind that.
    gap: u64,
    behind: Vec<u8>,
    /// How many of the last were looked through.
    behind_searched: usize,
    /// How the reading ended.
    ended: Option<io::Result<()>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.bytes.zeroize();
        self.behind.zeroize();
    }
}

/// Gives the scan all bytes, looked through before.
struct Tee<'t> {
    carver: &'t Carver<'t>,
    rest: &'t mut dyn Rest,
    wanted: Wanted,
    ahead: Ahead,
    /// Whether nothing more is opened.
    exhausted: bool,
}

impl Read for Tee<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let ahead = &mut self.ahead;
            let ready = ahead.bytes.get(ahead.served..ahead.searched).unwrap_or_default();
            if !ready.is_empty() {
                let len = ready.len().min(buf.len());
                buf[..len].copy_from_slice(&ready[..len]);
                ahead.served += len;
                return Ok(len);
            }
            if ahead.served >= ahead.bytes.len() {
                if ahead.gap > 0 {
                    let len = usize::try_from(ahead.gap).map_or(buf.len(), |gap| gap.min(buf.len()));
                    buf[..len].fill(0);
                    ahead.gap -= len as u64;
                    ahead.offset += len as u64;
                    return Ok(len);
                }
                if !ahead.behind.is_empty() {
                    ahead.next_bytes();
                    continue;
                }
                match &mut ahead.ended {
                    Some(Ok(())) => return Ok(0),
                    Some(error) => return std::mem::replace(error, Ok(())).map(|()| 0),
                    None => {}
                }
            }
            self.read_ahead();
            self.look();
        }
    }
}

impl Rest for Tee<'_> {
    /// Passes over zeros that were read ahead with the hole that they are the beginning of.
    fn skip_hole(&mut self) -> u64 {
        let ahead = &mut self.ahead;
        let unread = ahead.bytes.get(ahead.served..).unwrap_or_default();
        if ahead.gap > 0
            || !ahead.behind.is_empty()
            || ahead.ended.is_some()
            || unread.iter().any(|byte| *byte != 0)
        {
            return 0;
        }
        let hole = self.rest.skip_hole();
        if hole == 0 {
            return 0;
        }
        // An even number is passed over.
        let kept = unread.len() % 2;
        let passed = (unread.len() - kept) as u64 + hole;
        ahead.offset += ahead.served as u64 + passed;
        ahead.bytes.truncate(kept);
        ahead.bytes.fill(0);
        (ahead.served, ahead.searched) = (0, 0);
        passed
    }
}

impl Ahead {
    /// Goes on with what stands behind the gap.
    fn next_bytes(&mut self) {
        self.offset += self.bytes.len() as u64;
        self.bytes.zeroize();
        self.bytes = std::mem::take(&mut self.behind);
        (self.served, self.searched) = (0, std::mem::take(&mut self.behind_searched));
    }
}

impl Tee<'_> {
    /// Reads the next chunk behind what is kept.
    fn read_ahead(&mut self) {
        let ahead = &mut self.ahead;
        let done = ahead.served.min(ahead.searched);
        ahead.bytes.copy_within(done.., 0);
        let left = ahead.bytes.len() - done;
        ahead.bytes.truncate(left);
        ahead.offset += done as u64;
        ahead.served -= done;
        ahead.searched -= done;
        while ahead.ended.is_none() && ahead.bytes.len() < ahead.searched + CHUNK {
            let filled = ahead.bytes.len();
            ahead.bytes.resize(ahead.searched + CHUNK, 0);
            let outcome = self.rest.read(&mut ahead.bytes[filled..]);
            ahead.bytes.truncate(filled + *outcome.as_ref().unwrap_or(&0));
            match outcome {
                Ok(0) => ahead.ended = Some(Ok(())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => ahead.ended = Some(Err(error)),
            }
        }
    }

    /// Looks through what was read, but for the last bytes, which what is read next may belong to.
    fn look(&mut self) {
        loop {
            let ahead = &mut self.ahead;
            let margin = if ahead.ended.is_some() { 0 } else { LONGEST };
            let end = ahead.bytes.len().saturating_sub(margin);
            if ahead.searched >= end {
                return;
            }
            let found = if self.exhausted {
                None
            } else {
                signatures::next(&ahead.bytes, ahead.searched, self.wanted).filter(|(at, _)| *at < end)
            };
            let Some((at, signature)) = found else {
                ahead.searched = end;
                return;
            };
            let mut pulled = Pulled::default();
            let bytes = std::mem::take(&mut ahead.bytes);
            let offset = ahead.offset + at as u64;
            let used = {
                let (carver, ended) = (self.carver, &mut ahead.ended);
                let mut pull = Pull { carver, rest: &mut *self.rest, ended, pulled: &mut pulled };
                let head = bytes.get(at..).unwrap_or_default();
                carver.open(offset, signature, Body::Stream { head, rest: &mut pull })
            };
            self.ahead.bytes = bytes;
            self.exhausted = used.is_none();
            self.keep(pulled, at, used.unwrap_or(0));
            if self.ahead.gap > 0 {
                return;
            }
        }
    }

    /// Puts what a stream that begins at `at`, and took so many bytes, pulled behind what is there.
    fn keep(&mut self, mut pulled: Pulled, at: usize, used: u64) {
        let ahead = &mut self.ahead;
        ahead.bytes.extend_from_slice(&pulled.first);
        pulled.first.zeroize();
        let used = usize::try_from(used).unwrap_or(usize::MAX).max(1);
        let searched = at.saturating_add(used);
        if pulled.dropped == 0 {
            ahead.bytes.append(&mut pulled.last);
            ahead.searched = searched.min(ahead.bytes.len());
            return;
        }
        // Up to the gap all was the stream's; where it ended behind that, the search goes on there.
        ahead.gap = pulled.dropped;
        ahead.behind = std::mem::take(&mut pulled.last);
        let before = (ahead.bytes.len() as u64).saturating_add(pulled.dropped);
        let within = usize::try_from((searched as u64).saturating_sub(before)).unwrap_or(usize::MAX);
        ahead.searched = ahead.bytes.len();
        ahead.behind_searched = within.min(ahead.behind.len());
    }
}

/// What a stream read beyond what was read ahead.
#[derive(Default)]
struct Pulled {
    first: Vec<u8>,
    /// How many bytes were not kept between those and the last ones.
    dropped: u64,
    last: Vec<u8>,
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
struct Pull<'p> {
    carver: &'p Carver<'p>,
    rest: &'p mut dyn Rest,
    ended: &'p mut Option<io::Result<()>>,
    pulled: &'p mut Pulled,
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
