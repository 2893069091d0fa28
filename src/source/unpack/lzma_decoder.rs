//! LZMA and LZMA2 as `lzma-rust2` decodes them, which nothing else here names.

use std::io::{self, Read};

use lzma_rust2::{Action, LzmaReader, LzmaStream, Status, XzStream};

use super::budget::Reservation;
use super::decoder::{Decoder, Step, advanced};

/// How many bytes are asked of the library at a time: what it made in a step that ends in an error is lost.
const MAX_STEP: usize = 8 * 1024;

/// A stream of LZMA.
pub(super) struct Lzma {
    stream: LzmaStream,
    _reservation: Reservation,
}

impl Lzma {
    /// The stream of a `.lzma` file, its header included.
    pub(super) fn with_header(reservation: Reservation) -> Self {
        Lzma { stream: LzmaStream::new_mem_limit(u32::MAX, None), _reservation: reservation }
    }

    /// A stream whose header stands elsewhere: the size of its content (unless it ends in an end marker), its
    /// properties byte, and its dictionary size in bytes.
    pub(super) fn without_header(
        size: Option<u64>,
        properties: u8,
        dictionary: u32,
        reservation: Reservation,
    ) -> io::Result<Self> {
        let stream = LzmaStream::new_with_props(size.unwrap_or(u64::MAX), properties, dictionary, None)?;
        Ok(Lzma { stream, _reservation: reservation })
    }
}

impl Decoder for Lzma {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(MAX_STEP);
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.stream.process(input, &mut output[..most], action);
        Step {
            consumed: advanced(bytes_in, self.stream.total_in(), input.len()),
            produced: advanced(bytes_out, self.stream.total_out(), most),
            ended: done.map(|done| done.status == Status::StreamEnd),
        }
    }
}

/// A stream of xz, its header and index included.
pub(super) struct Xz {
    stream: XzStream,
    _reservation: Reservation,
}

impl Xz {
    /// A decoder that refuses a block that needs more than `max_memory` bytes.
    pub(super) fn new(max_memory: u64, reservation: Reservation) -> Self {
        let kib = u32::try_from(max_memory / 1024).unwrap_or(u32::MAX - 1);
        Xz { stream: XzStream::new_mem_limit(false, kib), _reservation: reservation }
    }
}

impl Decoder for Xz {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(MAX_STEP);
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.stream.process(input, &mut output[..most], action);
        Step {
            consumed: advanced(bytes_in, self.stream.total_in(), input.len()),
            produced: advanced(bytes_out, self.stream.total_out(), most),
            ended: done.map(|done| done.status == Status::StreamEnd),
        }
    }
}

/// Decompresses a short stream of LZMA at once: `size` bytes come out of it, or fewer where it ends early.
pub(super) fn decompress(
    reader: impl Read,
    size: u64,
    properties: u8,
    dictionary: u32,
) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    LzmaReader::new_with_props(reader, size, properties, dictionary, None)?
        .take(size)
        .read_to_end(&mut out)?;
    Ok(out)
}
