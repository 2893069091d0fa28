//! LZMA and LZMA2 as `lzma-rust2` decodes them, which nothing else here names.

use std::io::{self, Read};

use lzma_rust2::{Action, LzmaReader, LzmaStream, Status, XzStream};

use super::decoder::{Decoder, Step, advanced};
use super::memory::Window;

/// How many bytes are asked of the library at a time: what it made in a step that ends in an error is lost.
const MAX_STEP: usize = 8 * 1024;

/// A stream of LZMA.
pub(super) struct Lzma {
    stream: LzmaStream,
    window: Window,
}

impl Lzma {
    /// The stream of a `.lzma` file, its header included.
    pub(super) fn with_header(window: Window) -> Self {
        Lzma { stream: LzmaStream::new_mem_limit(u32::MAX, None), window }
    }

    /// A stream whose header stands elsewhere: the size of its content (unless it ends in an end marker), its
    /// properties byte, and its dictionary size in bytes.
    pub(super) fn without_header(
        size: Option<u64>,
        properties: u8,
        dictionary: u32,
        window: Window,
    ) -> io::Result<Self> {
        let stream = LzmaStream::new_with_props(size.unwrap_or(u64::MAX), properties, dictionary, None)?;
        Ok(Lzma { stream, window })
    }
}

impl Decoder for Lzma {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(MAX_STEP);
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        if let Err(error) = fill(&mut self.window, bytes_out) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
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
    window: Window,
}

impl Xz {
    /// A decoder that refuses a block that declares more than `max_memory` bytes.
    pub(super) fn new(max_memory: u64, window: Window) -> Self {
        let kib = u32::try_from(max_memory / 1024).unwrap_or(u32::MAX - 1);
        Xz { stream: XzStream::new_mem_limit(false, kib), window }
    }
}

impl Decoder for Xz {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(MAX_STEP);
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        if let Err(error) = fill(&mut self.window, bytes_out) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.stream.process(input, &mut output[..most], action);
        Step {
            consumed: advanced(bytes_in, self.stream.total_in(), input.len()),
            produced: advanced(bytes_out, self.stream.total_out(), most),
            ended: done.map(|done| done.status == Status::StreamEnd),
        }
    }
}

/// Reserves what the library holds for its next step: its dictionaries grow with what comes out, twofold at a time.
fn fill(window: &mut Window, out: u64) -> io::Result<()> {
    window.fill(2 * (out + MAX_STEP as u64))
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
