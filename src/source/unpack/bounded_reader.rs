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

/// What was unpacked for a member in pieces, of which others are stored, or holes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unpacked {
    /// Compressed bytes consumed.
    pub(super) bytes_in: u64,
    /// Bytes that came out of those.
    pub(super) bytes_out: u64,
}

/// What a [`BoundedReader`] reads from.
enum Source<'a> {
    Reader(&'a mut dyn Read),
    /// Passes over holes.
    Pieces(&'a mut dyn Rest),
}

/// A reader that never fails: it ends early, and [`BoundedReader::finish`] returns why.
pub(super) struct BoundedReader<'a> {
    source: Source<'a>,
    /// Compressed bytes consumed, where it decompresses.
    bytes_in: Option<Rc<Cell<u64>>>,
    /// What was unpacked of pieces, and how many bytes of that were counted.
    unpacked: Option<(Rc<Cell<Unpacked>>, u64)>,
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
        Self::from_source(Source::Reader(reader), budget, sink)
    }

    /// Of a member in pieces: only what was unpacked of them counts as expanded.
    pub(super) fn of_pieces(
        pieces: &'a mut dyn Rest,
        unpacked: Rc<Cell<Unpacked>>,
        budget: &'a Budget,
        sink: &'a dyn Sink,
    ) -> Self {
        let reader = Self::from_source(Source::Pieces(pieces), budget, sink);
        BoundedReader { unpacked: Some((unpacked, 0)), ..reader }
    }

    fn from_source(source: Source<'a>, budget: &'a Budget, sink: &'a dyn Sink) -> Self {
        let level = budget.level();
        BoundedReader {
            source,
            bytes_in: None,
            unpacked: None,
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
        let limit = if let Some(bytes_in) = &self.bytes_in {
            let stream_out = self.out_before + self.bytes_out;
            self.budget.count_expanded(read, self.level, (bytes_in.get(), stream_out))
        } else if let Some((unpacked, counted)) = &mut self.unpacked {
            let now = unpacked.get();
            let more = now.bytes_out - std::mem::replace(counted, now.bytes_out);
            if more == 0 {
                return;
            }
            self.budget.count_expanded(more, self.level, (now.bytes_in, now.bytes_out))
        } else {
            return;
        };
        if let Some(limit) = limit {
            self.fail(StreamError::LimitReached(limit));
        }
    }

    fn read_source(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Reader(reader) => read_catching_panics(*reader, buf),
            Source::Pieces(pieces) => read_catching_panics(*pieces, buf),
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
            match self.read_source(&mut buf[..most]) {
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

impl Rest for BoundedReader<'_> {
    fn skip_hole(&mut self) -> u64 {
        match &mut self.source {
            Source::Pieces(pieces) if self.error.is_none() => {
                let hole = pieces.skip_hole();
                self.bytes_out += hole;
                hole
            }
            _ => 0,
        }
    }
}

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
