//! Zstandard (RFC 8878): frames one behind the other, and skippable frames, whose content is scanned, too.

use std::io::{self, ErrorKind};

use ::zstd::stream::raw::{DParameter, Decoder as RawDecoder, InBuffer, Operation as _, OutBuffer};

use super::decoder::{Decoder, Metadata, Step, StreamFormat, kept_before_error};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::lz4;
use super::memory::Window;
use super::skippable::{self, NoFrame};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Zstandard",
    first_bytes: b"\x28\x50\x51\x52\x53\x54\x55\x56\x57\x58\x59\x5a\x5b\x5c\x5d\x5e\x5f",
    begins,
    signature: Signature::Weak(|_| LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.zst!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins,
    open,
    unchecked_trailer: 0,
    extensions: &[".zst", ".zstd", ".tzst"],
};

/// The magic number of a frame, little-endian (RFC 8878, 3.1.1).
const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The longest frame header, its magic number included (RFC 8878, 3.1.1.1).
const MAX_FRAME_HEADER: usize = 18;
/// The largest window of libzstd: 2 GiB (`ZSTD_WINDOWLOG_MAX_64` in zstd.h), 1 GiB where addresses have 32 bits.
const MAX_WINDOW_LOG: u8 = if usize::BITS < 64 { 30 } else { 31 };
/// The longest block (RFC 8878, 3.1.1.2.4): libzstd writes so far ahead of what it gives out.
const MAX_BLOCK: u64 = 128 * 1024;
/// What libzstd needs beside the window, in bytes.
const OVERHEAD: u64 = 512 * 1024;
/// Whether a frame begins so, or a skippable one.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || skippable::begins(head)
}

/// The signature is four bytes long, but chance data does have it: the header decides, and a damaged block is a damaged
/// file.
pub(super) const LEAST: usize = 0;

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    if let Some(large) = skippable::read(input, metadata)? {
        return Ok(large);
    }
    let head = input.peek(MAX_FRAME_HEADER)?;
    match head {
        [] => Ok(Box::new(NoFrame)),
        // The skippable frames may have been LZ4's.
        _ if lz4::begins_frame(head) => (lz4::STREAM.open)(input, metadata),
        _ if !is_frame(head) => Err(io::Error::new(ErrorKind::InvalidData, "not a Zstandard frame")),
        _ => new_decoder(input),
    }
}

/// Whether a frame begins so, as far as the bytes go: its reserved bit is clear (RFC 8878, 3.1.1.1.1.4).
fn is_frame(head: &[u8]) -> bool {
    head.starts_with(MAGIC) && head.get(4).is_none_or(|descriptor| descriptor & 8 == 0)
}

/// A decoder of one frame.
pub(super) fn new_decoder(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let head = input.peek(MAX_FRAME_HEADER)?;
    if names_dictionary(head) {
        return Err(io::Error::new(ErrorKind::Unsupported, "needs a dictionary that is not in the file"));
    }
    let declared = window_size(head);
    if declared > 1 << MAX_WINDOW_LOG {
        let message = format!("needs {declared} bytes of memory to be unpacked");
        return Err(io::Error::new(ErrorKind::OutOfMemory, message));
    }
    let window = input.budget.window(declared, OVERHEAD)?;
    let mut decoder = RawDecoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG.into()))?;
    Ok(Box::new(Frame { decoder, window, out: 0 }))
}

/// The window in bytes that a frame's header asks for: one of its own, or as long as its content (RFC 8878, 3.1.1.1.2 to
/// 3.1.1.1.4).
fn window_size(head: &[u8]) -> u64 {
    let Some(&[descriptor, next, ..]) = head.get(4..) else { return 0 };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let base = 1_u64 << (10 + (next >> 3));
        return base + base / 8 * u64::from(next & 7);
    }
    let from = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let len = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let content = head.get(from..from + len).unwrap_or_default();
    content.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte)).saturating_add(256)
}

/// Whether a frame's header names a dictionary (RFC 8878, 3.1.1.1.3): its number is not 0.
fn names_dictionary(head: &[u8]) -> bool {
    let Some(descriptor) = head.get(4) else { return false };
    let from = if descriptor & 0x20 != 0 { 5 } else { 6 };
    let len = [0, 1, 2, 4][usize::from(descriptor & 3)];
    head.get(from..from + len).is_some_and(|number| number.iter().any(|byte| *byte != 0))
}

struct Frame {
    decoder: RawDecoder<'static>,
    window: Window,
    /// How many bytes came out so far.
    out: u64,
}

impl Decoder for Frame {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let most = kept_before_error(self.out, output.len());
        let output = &mut output[..most];
        if let Err(error) = self.window.fill(self.out + output.len() as u64 + MAX_BLOCK) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(output));
        let left = self.decoder.run(&mut from, &mut to);
        let (consumed, produced) = (from.pos(), to.pos());
        self.out += produced as u64;
        let ended = match left {
            Ok(left) => Ok(left == 0),
            Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
        };
        Step { consumed, produced, ended }
    }
}
