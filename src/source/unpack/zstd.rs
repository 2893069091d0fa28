//! Zstandard: frames one behind the other, and frames to be skipped, whose content is looked into, too.

use std::io::{self, ErrorKind};

use ::zstd::stream::raw::{DParameter, Decoder as RawDecoder, InBuffer, Operation as _, OutBuffer};

use super::budget::Hold;
use super::decoder::{Aside, Boxed, Decoder, Format, Step};
use super::input::Input;
use super::lz4;

pub(super) const FORMAT: Format = Format { begins, open };

const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The largest window libzstd takes without being asked to: 128 MiB.
const WINDOW_LOG_MOST: u8 = 27;
/// What is kept of a frame to be skipped.
const SKIPPED_MOST: u32 = 64 * 1024;

fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || skippable(head)
}

fn skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fn open(feed: &mut Input<'_>, asides: &mut Vec<Aside>) -> io::Result<Boxed> {
    while skippable(feed.peek(4)?) {
        let header = feed.read_bytes(8)?;
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let at = feed.at();
        let kept = len.min(SKIPPED_MOST);
        asides.push(Aside { at, bytes: feed.read_bytes(kept as usize)?, name: false });
        feed.skip(u64::from(len - kept))?;
    }
    let head = feed.peek(18)?;
    match head {
        [] => Ok(Box::new(Nothing)),
        [0x04, 0x22, 0x4d, 0x18, ..] => (lz4::FORMAT.open)(feed, asides),
        _ if !is_frame(head) => Err(io::Error::new(ErrorKind::InvalidData, "not a Zstandard frame")),
        _ => engine(feed),
    }
}

/// Whether a frame begins so, as far as the bytes tell: its reserved bit is clear.
fn is_frame(head: &[u8]) -> bool {
    head.starts_with(MAGIC) && head.get(4).is_none_or(|descriptor| descriptor & 8 == 0)
}

/// A decoder of one frame.
pub(super) fn engine(feed: &mut Input<'_>) -> io::Result<Boxed> {
    let hold = feed.budget.hold(window(feed.peek(18)?).saturating_add(512 * 1024))?;
    let mut decoder = RawDecoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MOST.into()))?;
    Ok(Box::new(Frame { decoder, _hold: hold }))
}

/// The window a frame's header asks for: of its own, or as long as its content.
fn window(head: &[u8]) -> u64 {
    let Some(&[descriptor, next, ..]) = head.get(4..) else { return 0 };
    let single = descriptor & 0x20 != 0;
    if !single {
        let base = 1_u64 << (10 + (next >> 3)).min(WINDOW_LOG_MOST + 1);
        return base + base / 8 * u64::from(next & 7);
    }
    let from = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let len = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let content = head.get(from..from + len).unwrap_or_default();
    content.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte)).saturating_add(256)
}

struct Frame {
    decoder: RawDecoder<'static>,
    _hold: Hold,
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

/// The end of a file that ends in a frame to be skipped.
struct Nothing;

impl Decoder for Nothing {
    fn step(&mut self, _input: &[u8], _output: &mut [u8], _last: bool) -> Step {
        Step { consumed: 0, produced: 0, ended: Ok(true) }
    }
}
