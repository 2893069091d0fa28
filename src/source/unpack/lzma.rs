//! LZMA alone: the `.lzma` files of old, and the streams in zip archives.

use std::io::{self, ErrorKind};

use lzma_rust2::{Action, LzmaStream, Status};

use super::budget::Hold;
use super::decoder::{Aside, Boxed, Decoder, Format, Step};
use super::inflate::passed;
use super::input::Input;
use super::xz::LITTLE;

/// No file holds a second stream: one of unknown length could not be told from what follows.
pub(super) const FORMAT: Format = Format { begins: |_| false, open: |feed, _: &mut Vec<Aside>| alone(feed) };

/// What a decoder needs beside its dictionary: its probabilities, at most.
const OVERHEAD: u64 = 1024 * 1024;
const HEADER: usize = 13;

/// Whether a file begins as xz's own tools require it: usual properties, a dictionary of 2^n or 2^n + 2^(n-1) bytes,
/// and an unknown length or one below 256 GiB.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some((properties, rest)) = head.split_first() else { return false };
    let (Some(dictionary), Some(length)) =
        (rest.first_chunk::<4>(), rest.get(4..).and_then(<[u8]>::first_chunk::<8>))
    else {
        return false;
    };
    let (dictionary, length) = (u32::from_le_bytes(*dictionary), u64::from_le_bytes(*length));
    // A range coder's first byte is always 0.
    let coder = head.get(HEADER).is_none_or(|byte| *byte == 0);
    let top = dictionary.checked_ilog2().map_or(0, |bits| 1_u32 << bits);
    let round = dictionary == top || dictionary == top | top >> 1 || dictionary == u32::MAX;
    *properties == 0x5d
        && dictionary >= 4096
        && round
        && coder
        && (length == u64::MAX || (1..1 << 38).contains(&length))
}

fn alone(feed: &mut Input<'_>) -> io::Result<Boxed> {
    let dictionary = match feed.peek(HEADER)? {
        [_, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return Err(ErrorKind::UnexpectedEof.into()),
    };
    let hold = feed.budget.hold(u64::from(dictionary) + OVERHEAD)?;
    Ok(Box::new(Stream { lzma: LzmaStream::new_mem_limit(u32::MAX, None), _hold: hold }))
}

/// The stream of a zip member: two bytes of version, the length of the properties, the properties, and the data.
/// `size` is known unless the stream ends in a mark of its own.
pub(super) fn in_zip(feed: &mut Input<'_>, size: Option<u64>) -> io::Result<Boxed> {
    let header = feed.read_bytes(9)?;
    let [_, _, 5, 0, properties, dictionary @ ..] = header.as_slice() else {
        return Err(io::Error::new(ErrorKind::InvalidData, "unknown LZMA properties"));
    };
    let dictionary = dictionary.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let hold = feed.budget.hold(u64::from(dictionary) + OVERHEAD)?;
    let lzma = LzmaStream::new_with_props(size.unwrap_or(u64::MAX), *properties, dictionary, None)?;
    Ok(Box::new(Stream { lzma, _hold: hold }))
}

struct Stream {
    lzma: LzmaStream,
    _hold: Hold,
}

impl Decoder for Stream {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(LITTLE);
        let (taken, given) = (self.lzma.total_in(), self.lzma.total_out());
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.lzma.process(input, &mut output[..most], action);
        Step {
            consumed: passed(taken, self.lzma.total_in(), input.len()),
            produced: passed(given, self.lzma.total_out(), most),
            ended: done.map(|done| done.status == Status::StreamEnd),
        }
    }
}
