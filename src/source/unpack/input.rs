//! The bytes of a container, read forwards: counted, peeked at, and ended by the deadline.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::budget::Budget;
use crate::blob::Body;

/// How many bytes are read from a source at a time, and between two checks of the deadline.
const CHUNK: usize = 64 * 1024;

/// How many of the last bytes are kept: more than nearly every token has, also in base64.
pub(super) const SEAM: usize = 256;

/// A buffered reader over a container, or over a part of one.
pub(super) struct Input<'a> {
    source: Source<'a>,
    /// Bytes taken from the source by a peek; those before `peeked_at` are consumed.
    peeked: Vec<u8>,
    peeked_at: usize,
    consumed: Rc<Cell<u64>>,
    /// How many bytes were consumed when the deadline was last checked.
    checked_at: u64,
    /// The last bytes that were consumed.
    recent: Vec<u8>,
    /// Whether nothing ends it any more.
    unlimited: bool,
    /// The share that it is held to.
    level: usize,
    pub(super) budget: &'a Budget,
}

enum Source<'a> {
    Memory(&'a [u8]),
    Reader(&'a mut dyn BufRead),
}

impl<'a> Input<'a> {
    /// Over bytes in memory.
    pub(super) fn memory(bytes: &'a [u8], budget: &'a Budget) -> Self {
        Self::new(Source::Memory(bytes), budget)
    }

    /// Over a reader.
    pub(super) fn reader(reader: &'a mut dyn BufRead, budget: &'a Budget) -> Self {
        Self::new(Source::Reader(reader), budget)
    }

    fn new(source: Source<'a>, budget: &'a Budget) -> Self {
        Input {
            source,
            peeked: Vec::new(),
            peeked_at: 0,
            consumed: Rc::default(),
            checked_at: 0,
            recent: Vec::new(),
            unlimited: false,
            level: budget.level(),
            budget,
        }
    }

    /// Lets it be read to its end whatever the budget says, as it is.
    pub(super) fn lift_limits(&mut self) {
        self.unlimited = true;
    }

    /// Calls `use_it` with what is left, and up to `most` bytes in front of it as well: a token may stand across the end of a member that
    /// is shorter than it claims. It is given the offset where those begin.
    pub(super) fn with_seam(&mut self, most: usize, use_it: impl FnOnce(u64, &mut dyn Read)) {
        let mut recent = std::mem::take(&mut self.recent);
        recent.drain(..recent.len().saturating_sub(most.min(SEAM)));
        let offset = self.offset() - recent.len() as u64;
        use_it(offset, &mut (&recent[..]).chain(&mut *self));
        recent.zeroize();
    }

    /// The last bytes that were consumed, at most so many.
    pub(super) fn recent(&self, most: usize) -> &[u8] {
        &self.recent[self.recent.len().saturating_sub(most.min(SEAM))..]
    }

    /// The offset of the next byte: how many were consumed.
    pub(super) fn offset(&self) -> u64 {
        self.consumed.get()
    }

    /// That count, which can be read while the input is borrowed.
    pub(super) fn counter(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.consumed)
    }

    /// The next bytes, `most` of them unless the end comes first; consumes none.
    pub(super) fn peek(&mut self, most: usize) -> io::Result<&[u8]> {
        if let (Source::Memory(bytes), true) = (&self.source, self.peeked_at == self.peeked.len()) {
            return Ok(&bytes[..most.min(bytes.len())]);
        }
        self.peeked.drain(..self.peeked_at);
        self.peeked_at = 0;
        while self.peeked.len() < most {
            let bytes = fill(&mut self.source)?;
            let more = (most - self.peeked.len()).min(bytes.len());
            if more == 0 {
                break;
            }
            self.peeked.extend_from_slice(&bytes[..more]);
            match &mut self.source {
                Source::Memory(bytes) => *bytes = &bytes[more..],
                Source::Reader(reader) => reader.consume(more),
            }
        }
        Ok(&self.peeked[..most.min(self.peeked.len())])
    }

    /// The next `len` bytes without a copy, where the container is in memory; fewer at its end.
    pub(super) fn take_slice(&mut self, len: u64) -> Option<&'a [u8]> {
        let Source::Memory(bytes) = self.source else { return None };
        if self.peeked_at < self.peeked.len() {
            return None;
        }
        let len = usize::try_from(len).map_or(bytes.len(), |len| len.min(bytes.len()));
        let (slice, rest) = bytes.split_at(len);
        remember(&mut self.recent, slice);
        self.source = Source::Memory(rest);
        self.consumed.set(self.consumed.get() + len as u64);
        Some(slice)
    }

    /// Passes over `len` bytes; whether there were as many.
    pub(super) fn skip(&mut self, len: u64) -> io::Result<bool> {
        let mut left = len;
        while left > 0 {
            let here = self.fill_buf()?.len();
            if here == 0 {
                return Ok(false);
            }
            let step = usize::try_from(left).map_or(here, |left| left.min(here));
            self.consume(step);
            left -= step as u64;
        }
        Ok(true)
    }

    /// Passes over zeros, as archives are padded with.
    pub(super) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.fill_buf()?;
            let len = bytes.len();
            let zeros = bytes.iter().position(|byte| *byte != 0).unwrap_or(len);
            self.consume(zeros);
            if zeros < len || len == 0 {
                return Ok(());
            }
        }
    }

    /// The next `len` bytes, or an error where the end comes first, and then none are consumed. `len` is trusted: ask for
    /// little.
    pub(super) fn read_bytes(&mut self, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.peek(len)?.to_vec();
        if bytes.len() < len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.skip(len as u64)?;
        Ok(bytes)
    }
}

/// Fills the reader's buffer, through interruptions.
fn fill<'f>(source: &'f mut Source<'_>) -> io::Result<&'f [u8]> {
    match source {
        Source::Memory(bytes) => Ok(bytes),
        Source::Reader(reader) => {
            loop {
                match reader.fill_buf() {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                    Ok(_) => break,
                }
            }
            // Asked again, for the borrow: the buffer is filled.
            reader.fill_buf()
        }
    }
}

/// Reads what the buffer of a reader holds, as its `read`.
pub(super) fn read_buffered(reader: &mut impl BufRead, buf: &mut [u8]) -> io::Result<usize> {
    let bytes = reader.fill_buf()?;
    let len = bytes.len().min(buf.len());
    buf[..len].copy_from_slice(&bytes[..len]);
    reader.consume(len);
    Ok(len)
}

impl Read for Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buf)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.unlimited && self.consumed.get() - self.checked_at >= CHUNK as u64 {
            self.checked_at = self.consumed.get();
            if !self.budget.has_time_at(self.level) {
                return Err(io::Error::other("a limit was reached"));
            }
        }
        if self.peeked_at < self.peeked.len() {
            return Ok(&self.peeked[self.peeked_at..]);
        }
        fill(&mut self.source)
    }

    fn consume(&mut self, amount: usize) {
        let peeked = amount.min(self.peeked.len() - self.peeked_at);
        remember(&mut self.recent, &self.peeked[self.peeked_at..self.peeked_at + peeked]);
        if let Ok(bytes) = if amount > peeked { fill(&mut self.source) } else { Ok(&[][..]) } {
            remember(&mut self.recent, &bytes[..(amount - peeked).min(bytes.len())]);
        }
        self.peeked_at += peeked;
        let rest = amount - peeked;
        match &mut self.source {
            Source::Memory(bytes) => *bytes = &bytes[rest.min(bytes.len())..],
            Source::Reader(reader) => reader.consume(rest),
        }
        self.consumed.set(self.consumed.get() + amount as u64);
    }
}

/// Keeps the last bytes of what was consumed.
fn remember(recent: &mut Vec<u8>, bytes: &[u8]) {
    recent.extend_from_slice(&bytes[bytes.len().saturating_sub(SEAM)..]);
    if recent.len() > 4 * SEAM {
        recent.drain(..recent.len() - SEAM);
    }
}

/// Lends a body as an input.
pub(super) fn with_input<T>(body: Body<'_>, budget: &Budget, use_it: impl FnOnce(&mut Input<'_>) -> T) -> T {
    match body {
        Body::Whole(bytes) => use_it(&mut Input::memory(bytes, budget)),
        Body::Stream { head, rest } => {
            let mut reader = head.chain(BufReader::with_capacity(CHUNK, rest));
            use_it(&mut Input::reader(&mut reader, budget))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::source::unpack::limits::Limits;
    use crate::source::unpack::semaphore::Semaphore;

    #[test]
    fn peeking_consumes_nothing() {
        let budget = Budget::new(Limits::default(), &Arc::new(Semaphore::new()));
        let bytes: Vec<u8> = (0..200).collect();
        let mut drip = BufReader::with_capacity(7, &bytes[..]);
        for mut input in [Input::memory(&bytes, &budget), Input::reader(&mut drip, &budget)] {
            assert_eq!(input.peek(20).expect("memory"), &bytes[..20]);
            assert_eq!(input.peek(3).expect("memory"), &bytes[..3]);
            assert_eq!(input.read_bytes(10).expect("memory"), &bytes[..10]);
            assert_eq!((input.offset(), input.peek(5).expect("memory")), (10, &bytes[10..15]));
            assert!(input.skip(100).expect("memory"));
            assert_eq!(input.read_bytes(90).expect("memory"), &bytes[110..]);
            assert_eq!((input.offset(), input.peek(5).expect("memory")), (200, &[][..]));
            assert!(!input.skip(1).expect("memory"));
        }
    }
}
