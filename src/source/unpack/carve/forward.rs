//! What can be read forwards only: looked through a chunk ahead of its scan, and what is found is opened before the scan goes on.

mod pull;

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroize as _;

use super::open::Carver;
use super::sample::Wanted;
use super::signatures::{self, LONGEST};
use crate::blob::{Blob, Body, Rest};
use pull::{Pull, Pulled};

/// How many bytes are looked through at a time.
const CHUNK: usize = 256 * 1024;
/// How much room there must be to read into it directly: what is read for less is seldom read at all.
const LEAST: usize = 4096;

/// Scans what `rest` gives, and opens what is found in it.
pub(super) fn scan(carver: &Carver<'_>, (head, rest): (&[u8], &mut dyn Rest), wanted: Wanted) {
    let mut tee = Tee { carver, rest, wanted, ahead: Ahead::default(), exhausted: false };
    tee.pass(head);
    tee.ahead.served = tee.ahead.bytes.len();
    let container = &carver.container;
    let blob = Blob { body: Body::Stream { head, rest: &mut tee }, origin: container.origin };
    container.unpack.hand_on(blob, container.depth - 1);
}

/// What was read ahead.
#[derive(Default)]
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
                if buf.len() >= LEAST {
                    let most = buf.len().min(CHUNK);
                    let read = self.fill(&mut buf[..most]);
                    if self.pass(&buf[..read]) && read > 0 {
                        return Ok(read);
                    }
                    self.look();
                    continue;
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
        let mut bytes = std::mem::take(&mut ahead.bytes);
        let wanted = ahead.searched + CHUNK;
        bytes.resize(wanted.max(left), 0);
        let read = self.fill(&mut bytes[left..]);
        bytes.truncate(left + read);
        self.ahead.bytes = bytes;
    }

    /// Fills `buf`, or up to the end: how many bytes were read.
    fn fill(&mut self, buf: &mut [u8]) -> usize {
        let mut filled = 0;
        while self.ahead.ended.is_none() && filled < buf.len() {
            match self.rest.read(&mut buf[filled..]) {
                Ok(0) => self.ahead.ended = Some(Ok(())),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.ahead.ended = Some(Err(error)),
            }
        }
        filled
    }

    /// Whether nothing begins in bytes behind those that are kept, which were all scanned: most bytes can be scanned where they stand, and
    /// only the last are kept, for what may begin in them. All are kept where something begins.
    fn pass(&mut self, bytes: &[u8]) -> bool {
        let (ahead, wanted) = (&mut self.ahead, self.wanted);
        let margin = if ahead.ended.is_some() { 0 } else { LONGEST };
        let begins =
            |bytes: &[u8], from, end| signatures::next(bytes, from, wanted).is_some_and(|(at, _)| at < end);
        let kept = ahead.bytes.len();
        let (seam, behind) = bytes.split_at(bytes.len().min(LONGEST));
        ahead.bytes.extend_from_slice(seam);
        if !self.exhausted
            && (begins(&ahead.bytes, ahead.searched, kept)
                || begins(bytes, 0, bytes.len().saturating_sub(margin)))
        {
            ahead.bytes.extend_from_slice(behind);
            return false;
        }
        if behind.len() >= margin {
            ahead.bytes.clear();
        }
        ahead.bytes.extend_from_slice(&behind[behind.len().saturating_sub(margin)..]);
        let passed = ahead.bytes.len().saturating_sub(margin);
        ahead.bytes.drain(..passed);
        ahead.offset += (kept + bytes.len() - ahead.bytes.len()) as u64;
        (ahead.served, ahead.searched) = (ahead.bytes.len(), 0);
        true
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
