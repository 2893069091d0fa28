//! Zstandard (RFC 8878): frames one behind the other, and skippable frames, whose content is scanned, too.

use std::io::{self, ErrorKind};

use ::zstd::stream::raw::{DParameter, Decoder as RawDecoder, InBuffer, Operation as _, OutBuffer};

use super::budget::{Budget, Reservation};
use super::compressed;
use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::input::Input;
use super::lz4;

pub(super) static STREAM: StreamFormat =
    StreamFormat { another_begins: begins, open, extensions: &[".zst", ".zstd"] };

/// The magic number of a frame, little-endian (RFC 8878, 3.1.1).
const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The longest frame header, its magic number included (RFC 8878, 3.1.1.1).
const MAX_FRAME_HEADER: usize = 18;
/// The largest window libzstd takes without being asked to: 128 MiB (`ZSTD_WINDOWLOG_LIMIT_DEFAULT` in zstd.h).
const MAX_WINDOW_LOG: u8 = 27;
/// What libzstd needs beside the window, in bytes.
const OVERHEAD: u64 = 512 * 1024;
/// How many bytes of a skippable frame are kept.
const MAX_SKIPPABLE: u32 = 64 * 1024;

/// Whether a frame begins so, or a skippable one.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || is_skippable(head)
}

/// The magic numbers of skippable frames are 0x184d2a50 to 0x184d2a5f (RFC 8878, 3.1.2).
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The signature is four bytes long, but chance data does have it: the header decides, and a damaged block is a damaged
/// file.
pub(super) fn is_valid(head: &[u8], budget: &Budget) -> bool {
    compressed::decompresses(&STREAM, head, 0, budget)
}

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    while is_skippable(input.peek(4)?) {
        let header = input.read_bytes(8)?;
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let offset = input.offset();
        let kept = len.min(MAX_SKIPPABLE);
        metadata.push(Metadata { offset, bytes: input.read_bytes(kept as usize)?, is_name: false });
        input.skip(u64::from(len - kept))?;
    }
    let head = input.peek(MAX_FRAME_HEADER)?;
    match head {
        [] => Ok(Box::new(NoFrame)),
        // LZ4 has the same skippable frames (LZ4 Frame Format, "Skippable Frames").
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
    let reservation =
        input.budget.reserve(window_size(input.peek(MAX_FRAME_HEADER)?).saturating_add(OVERHEAD))?;
    let mut decoder = RawDecoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG.into()))?;
    Ok(Box::new(Frame { decoder, _reservation: reservation }))
}

/// The window in bytes that a frame's header asks for: one of its own, or as long as its content (RFC 8878, 3.1.1.1.2 to
/// 3.1.1.1.4).
fn window_size(head: &[u8]) -> u64 {
    let Some(&[descriptor, next, ..]) = head.get(4..) else { return 0 };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let base = 1_u64 << (10 + (next >> 3)).min(MAX_WINDOW_LOG + 1);
        return base + base / 8 * u64::from(next & 7);
    }
    let from = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let len = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let content = head.get(from..from + len).unwrap_or_default();
    content.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte)).saturating_add(256)
}

struct Frame {
    decoder: RawDecoder<'static>,
    _reservation: Reservation,
}

impl Decoder for Frame {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(output));
        let left = self.decoder.run(&mut from, &mut to);
        let (consumed, produced) = (from.pos(), to.pos());
        let ended = match left {
            Ok(left) => Ok(left == 0),
            Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
        };
        Step { consumed, produced, ended }
    }
}

/// The end of a file that ends in a skippable frame.
struct NoFrame;

impl Decoder for NoFrame {
    fn step(&mut self, _input: &[u8], _output: &mut [u8], _last: bool) -> Step {
        Step { consumed: 0, produced: 0, ended: Ok(true) }
    }
}
