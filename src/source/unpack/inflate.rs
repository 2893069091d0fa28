//! Deflate and its 64 KiB-window sibling, as zip and gzip hold them.

use std::io::{self, ErrorKind};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::{Decoder, Step};

/// Plain deflate.
pub(super) struct Inflate(Decompress);

impl Inflate {
    pub(super) fn new() -> Self {
        Inflate(Decompress::new(false))
    }
}

impl Decoder for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (taken, given) = (self.0.total_in(), self.0.total_out());
        let flush = if last { FlushDecompress::Finish } else { FlushDecompress::None };
        let status = self.0.decompress(input, output, flush);
        Step {
            consumed: passed(taken, self.0.total_in(), input.len()),
            produced: passed(given, self.0.total_out(), output.len()),
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate stream")),
            },
        }
    }
}

/// How far a decoder's own counter moved, never beyond the buffer it was given.
pub(super) fn passed(before: u64, after: u64, most: usize) -> usize {
    usize::try_from(after.saturating_sub(before)).map_or(most, |passed| passed.min(most))
}

/// Deflate64.
pub(super) struct Inflate64(Box<InflaterManaged>);

impl Inflate64 {
    pub(super) fn new() -> Self {
        Inflate64(Box::new(InflaterManaged::new()))
    }
}

impl Decoder for Inflate64 {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let done = self.0.inflate(input, output);
        let ended = if done.data_error {
            Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate64 stream"))
        } else {
            Ok(self.0.finished() && self.0.available_output() == 0)
        };
        Step { consumed: done.bytes_consumed, produced: done.bytes_written, ended }
    }
}
