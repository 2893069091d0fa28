//! What stands between a decoder and whoever reads from it: counts, limits, and the decoder's own mishaps.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::budget::{Budget, Limit};
use crate::blob::{Rest, Sink};

/// Why a stream broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StreamError {
    /// It is not what it claims to be, in the words of its decoder.
    Damaged(String),
    /// A limit.
    Cut(Limit),
    /// The run was asked to end.
    Stopped,
}

/// A reader that never fails: it ends early, and tells why.
pub(super) struct BoundedReader<'a> {
    reader: &'a mut dyn Read,
    /// Compressed bytes taken in, where `reader` decompresses.
    taken: Option<Rc<Cell<u64>>>,
    out: u64,
    /// What came out of the same stream for members before this one.
    out_before: u64,
    trouble: Option<StreamError>,
    budget: &'a Budget,
    sink: &'a dyn Sink,
}

impl<'a> BoundedReader<'a> {
    pub(super) fn new(reader: &'a mut dyn Read, budget: &'a Budget, sink: &'a dyn Sink) -> Self {
        BoundedReader { reader, taken: None, out: 0, out_before: 0, trouble: None, budget, sink }
    }

    /// Counts what comes out as expanded, and holds it against the bytes that went in.
    pub(super) fn packed(self, taken: Rc<Cell<u64>>, out_before: u64) -> Self {
        BoundedReader { taken: Some(taken), out_before, ..self }
    }

    /// How much was read, and why no more.
    pub(super) fn finish(self) -> (u64, Option<StreamError>) {
        if self.trouble.is_some() {
            self.budget.broken.set(self.budget.broken.get() - 1);
        }
        (self.out, self.trouble)
    }

    fn fail(&mut self, trouble: StreamError) {
        self.trouble = Some(trouble);
        self.budget.broken.set(self.budget.broken.get() + 1);
    }

    fn count(&mut self, read: u64) {
        self.out += read;
        let Some(taken) = &self.taken else { return };
        if let Some(limit) = self.budget.expand(read, taken.get(), self.out_before + self.out) {
            self.fail(StreamError::Cut(limit));
        }
    }
}

/// Reads through a decoder. The decoders are fuzzed, and some are C or have grown from it: a panic in one
/// is a damaged member of one archive, and not the end of the run.
pub(super) fn read_caught(reader: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    catch_unwind(AssertUnwindSafe(|| reader.read(buf)))
        .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::InvalidData, "the decoder failed on it")))
}

impl Read for BoundedReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.trouble.is_some() {
                return Ok(0);
            }
            if self.sink.stopped() {
                self.fail(StreamError::Stopped);
                return Ok(0);
            }
            self.budget.tick();
            if let Some(limit) = self.budget.over() {
                self.fail(StreamError::Cut(limit));
                return Ok(0);
            }
            match read_caught(self.reader, buf) {
                Ok(read) => {
                    let read = read.min(buf.len());
                    self.count(read as u64);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let trouble = match (self.budget.over(), error.kind()) {
                        (Some(limit), _) => StreamError::Cut(limit),
                        (None, ErrorKind::OutOfMemory) => StreamError::Cut(Limit::Memory),
                        (None, ErrorKind::UnexpectedEof) => {
                            StreamError::Damaged("it ends too early".to_owned())
                        }
                        (None, _) => StreamError::Damaged(error.to_string()),
                    };
                    self.fail(trouble);
                }
            }
        }
    }
}

impl Rest for BoundedReader<'_> {}

/// A reader of so many bytes; fewer are an error.
pub(super) struct Exactly<'a> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        if most == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buf[..most])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
