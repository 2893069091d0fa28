//! Deflate (RFC 1951) and Deflate64, its sibling with a window of 64 KiB, as zip and gzip hold them.

use std::io::{self, ErrorKind};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::{Decoder, Step, advanced};

/// A raw deflate stream.
pub(super) struct Inflate(Decompress);

impl Inflate {
    pub(super) fn new() -> Self {
        Inflate(Decompress::new(false))
    }
}

impl Decoder for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.0.total_in(), self.0.total_out());
        let flush = if last { FlushDecompress::Finish } else { FlushDecompress::None };
        let status = self.0.decompress(input, output, flush);
        Step {
            consumed: advanced(bytes_in, self.0.total_in(), input.len()),
            produced: advanced(bytes_out, self.0.total_out(), output.len()),
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate stream")),
            },
        }
    }
}

/// A raw Deflate64 stream (APPNOTE 4.4.5, method 9).
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
