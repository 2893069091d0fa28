//! Deflate (RFC 1951) and Deflate64, its sibling with a window of 64 KiB, as zip and gzip hold them.

use std::cell::RefCell;
use std::io::{self, ErrorKind};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::{Decoder, Step, advanced};

thread_local! {
    /// Decompressors for the next stream: a new one costs as much as to inflate a few thousand bytes.
    static KEPT: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// A raw deflate stream.
pub(super) struct Inflate(Option<Decompress>);

impl Inflate {
    pub(super) fn new() -> Self {
        Inflate(KEPT.with_borrow_mut(Vec::pop))
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        if let Some(mut decompress) = self.0.take() {
            decompress.reset(false);
            // A thread that ends keeps none.
            let _ = KEPT.try_with(|kept| kept.borrow_mut().push(decompress));
        }
    }
}

impl Decoder for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let inflater = self.0.get_or_insert_with(|| Decompress::new(false));
        let (bytes_in, bytes_out) = (inflater.total_in(), inflater.total_out());
        // Whatever is behind `output`: a stream that ends in it needs no window then.
        let status = inflater.decompress(input, output, FlushDecompress::Finish);
        Step {
            consumed: advanced(bytes_in, inflater.total_in(), input.len()),
            produced: advanced(bytes_out, inflater.total_out(), output.len()),
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
