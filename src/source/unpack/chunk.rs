//! Parts of a file that were read into memory, and what came out of a decompressor at once.

use std::io::{self, ErrorKind, Read};
use std::ops::Deref;

use zeroize::Zeroize as _;

use super::budget::Budget;
use super::memory::Reservation;

/// How many bytes are reserved at a time.
const STEP: usize = 256 * 1024;

/// Bytes in memory that were reserved, and that are wiped when dropped.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    reservations: Vec<Reservation>,
}

impl Chunk {
    /// An empty one with room for so many bytes.
    pub(super) fn with_room(len: usize, budget: &Budget) -> io::Result<Self> {
        let reservations = vec![budget.reserve(len as u64)?];
        Ok(Chunk { bytes: Vec::with_capacity(len), reservations })
    }

    /// So many zeros, to be written over.
    pub(super) fn zeros(len: usize, budget: &Budget) -> io::Result<Self> {
        let mut chunk = Self::with_room(len, budget)?;
        chunk.bytes.resize(len, 0);
        Ok(chunk)
    }

    /// All that a reader gives, and an error where that is more than `most`.
    pub(super) fn read_all(reader: &mut dyn Read, most: usize, budget: &Budget) -> io::Result<Self> {
        let mut chunk = Chunk::default();
        loop {
            let step = STEP.max(chunk.bytes.len()).min(most + 1 - chunk.bytes.len().min(most));
            chunk.reservations.push(budget.reserve(step as u64)?);
            let from = chunk.bytes.len();
            // No more capacity than was reserved, and the old bytes are wiped where they move.
            chunk.grow(from + step);
            let read = reader.take(step as u64).read_to_end(&mut chunk.bytes)?;
            if chunk.bytes.len() > most {
                return Err(io::Error::new(ErrorKind::OutOfMemory, "a block that is larger than it may be"));
            }
            if read < step {
                return Ok(chunk);
            }
        }
    }

    /// Adds bytes that were taken from elsewhere.
    pub(super) fn push(&mut self, bytes: &[u8], budget: &Budget) -> io::Result<()> {
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            let more = bytes.len().max(self.bytes.len()).max(1024);
            self.reservations.push(budget.reserve(more as u64)?);
            self.grow(self.bytes.len() + more);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn grow(&mut self, capacity: usize) {
        if capacity > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(capacity);
            larger.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = larger;
        }
    }

    /// The bytes, to be written over.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Keeps only the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Joins what comes out of blocks that are read one by one.
pub(super) struct Joined<F> {
    next: F,
    current: Chunk,
    at: usize,
}

impl<F: FnMut() -> io::Result<Option<Chunk>>> Joined<F> {
    /// Of the blocks that `next` gives until there is none.
    pub(super) fn new(next: F) -> Self {
        Joined { next, current: Chunk::default(), at: 0 }
    }
}

impl<F: FnMut() -> io::Result<Option<Chunk>>> Read for Joined<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.current.len() {
            self.at = 0;
            // The old block is given back before there is a new one.
            self.current = Chunk::default();
            let Some(next) = (self.next)()? else { return Ok(0) };
            self.current = next;
        }
        let rest = self.current.get(self.at..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.at += len;
        Ok(len)
    }
}
