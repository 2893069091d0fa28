//! What stands between a decoder and whoever reads from it: counts, limits, and the decoder's own panics.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::budget::Budget;
use super::limits::Limit;
use crate::blob::{Rest, Sink};

/// Why a stream broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StreamError {
    /// It is not what it claims to be; the decoder's own message.
    Damaged(String),
    /// It needs what is not here: the message says what.
    Unsupported(String),
    /// A limit was reached.
    LimitReached(Limit),
    /// The run was asked to end.
    Cancelled,
}

/// A reader that never fails: it ends early, and [`BoundedReader::finish`] returns why.
pub(super) struct BoundedReader<'a> {
    reader: &'a mut dyn Read,
    /// Compressed bytes consumed, where `reader` decompresses.
    bytes_in: Option<Rc<Cell<u64>>>,
    bytes_out: u64,
    /// Bytes that came out of the same stream for members before this one.
    out_before: u64,
    error: Option<StreamError>,
    budget: &'a Budget,
    /// The share that it is held to.
    level: usize,
    sink: &'a dyn Sink,
}

impl<'a> BoundedReader<'a> {
    pub(super) fn new(reader: &'a mut dyn Read, budget: &'a Budget, sink: &'a dyn Sink) -> Self {
        let level = budget.level();
        BoundedReader {
            reader,
            bytes_in: None,
            bytes_out: 0,
            out_before: 0,
            error: None,
            budget,
            level,
            sink,
        }
    }

    /// Counts what comes out as expanded, and checks its ratio to the bytes that went in.
    pub(super) fn decompressing(self, bytes_in: Rc<Cell<u64>>, out_before: u64) -> Self {
        BoundedReader { bytes_in: Some(bytes_in), out_before, ..self }
    }

    /// How many bytes were read, and why no more.
    pub(super) fn finish(self) -> (u64, Option<StreamError>) {
        if self.error.is_some() {
            self.budget.broken_streams.set(self.budget.broken_streams.get() - 1);
        }
        (self.bytes_out, self.error)
    }

    fn fail(&mut self, error: StreamError) {
        self.error = Some(error);
        self.budget.broken_streams.set(self.budget.broken_streams.get() + 1);
    }

    fn count(&mut self, read: u64) {
        self.bytes_out += read;
        let Some(bytes_in) = &self.bytes_in else { return };
        let stream_out = self.out_before + self.bytes_out;
        if let Some(limit) = self.budget.count_expanded(read, self.level, (bytes_in.get(), stream_out)) {
            self.fail(StreamError::LimitReached(limit));
        }
    }
}

/// Reads through a decoder. The decoders are fuzzed, and some are C or have grown from it: a panic in one
/// is a damaged member of one archive, and not the end of the run.
pub(super) fn read_catching_panics(reader: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    catch_unwind(AssertUnwindSafe(|| reader.read(buf)))
        .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::InvalidData, "the decoder failed on it")))
}

impl Read for BoundedReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.error.is_some() {
                return Ok(0);
            }
            if self.sink.stopped() {
                self.fail(StreamError::Cancelled);
                return Ok(0);
            }
            self.budget.has_time_at(self.level);
            if let Some(limit) = self.budget.check(self.level) {
                self.fail(StreamError::LimitReached(limit));
                return Ok(0);
            }
            let most = if self.bytes_in.is_some() {
                self.budget.most_expanded(self.level, buf.len())
            } else {
                buf.len()
            };
            match read_catching_panics(self.reader, &mut buf[..most]) {
                Ok(read) => {
                    let read = read.min(most);
                    self.count(read as u64);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = match (self.budget.check(self.level), error.kind()) {
                        // What it reads from ended because the run does.
                        _ if self.sink.stopped() => StreamError::Cancelled,
                        (Some(limit), _) => StreamError::LimitReached(limit),
                        (None, ErrorKind::OutOfMemory) => StreamError::LimitReached(Limit::Memory),
                        (None, ErrorKind::Unsupported) => StreamError::Unsupported(error.to_string()),
                        (None, ErrorKind::UnexpectedEof) => {
                            StreamError::Damaged("it ends too early".to_owned())
                        }
                        (None, _) => StreamError::Damaged(error.to_string()),
                    };
                    self.fail(error);
                }
            }
        }
    }
}

impl Rest for BoundedReader<'_> {}

/// A reader of so many bytes; fewer are an error.
pub(super) struct ExactReader<'a> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) left: u64,
}

impl Read for ExactReader<'_> {
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
