//! bzip2: streams one behind the other, as parallel compressors write them.
//!
//! The format has no specification; its signatures are those of bzip2's own source (`compress.c`, `BZ2_compressBlock`).

use std::io::{self, ErrorKind};

use ::bzip2::{Decompress, Status};

use super::decoder::{Decoder, Metadata, Step, StreamFormat, advanced};
use super::format::{Format, Reader, Signature};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "bzip2",
    first_bytes: b"B",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.bz2!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins,
    open: |_, _: &mut Vec<Metadata>| Ok(new_decoder()),
    unchecked_trailer: 0,
    extensions: &[".bz2", ".bz", ".tbz", ".tbz2", ".tb2"],
};

/// Whether a stream begins so: `BZh`, the block size, and the signature of a block (the digits of pi) or of the stream's
/// end (those of its square root).
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(
        head,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..]
    )
}

/// A decoder of one stream, its header included.
pub(super) fn new_decoder() -> Box<dyn Decoder> {
    Box::new(Bzip2(Decompress::new(false)))
}

struct Bzip2(Decompress);

impl Decoder for Bzip2 {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output);
        Step {
            consumed: advanced(bytes_in, self.0.total_in(), input.len()),
            produced: advanced(bytes_out, self.0.total_out(), output.len()),
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
            },
        }
    }
}
