//! xz: streams one behind the other, each of blocks that name their own dictionary size.

use std::io;

use lzma_rust2::{Action, Status, XzStream};

use super::budget::Hold;
use super::decoder::{Aside, Boxed, Decoder, Format, Step};
use super::inflate::passed;
use super::input::Input;

pub(super) const FORMAT: Format =
    Format { begins: |head| head.starts_with(b"\xfd7zXZ\0"), open: |feed, _: &mut Vec<Aside>| open(feed) };

/// What a decoder needs beside its dictionary.
const OVERHEAD: u64 = 1024 * 1024;

/// A decoder of one stream.
pub(super) fn open(feed: &mut Input<'_>) -> io::Result<Boxed> {
    let memory = dictionary(feed.peek(12 + 64)?).max(8 * 1024 * 1024) + OVERHEAD;
    let hold = feed.budget.hold(memory)?;
    // A later block that asks for more than the first one did is refused.
    let limit = u32::try_from(memory / 1024).unwrap_or(u32::MAX - 1);
    Ok(Box::new(Stream { xz: XzStream::new_mem_limit(false, limit), _hold: hold }))
}

/// The dictionary size the first block names: its LZMA2 filter has the id 0x21, one byte of properties, and that byte.
fn dictionary(head: &[u8]) -> u64 {
    let filters = head.get(14..).unwrap_or_default();
    let bits = filters.windows(3).find(|bytes| bytes[..2] == [0x21, 1]).map_or(0, |bytes| bytes[2].min(40));
    (2 | u64::from(bits) & 1) << (bits / 2 + 11)
}

struct Stream {
    xz: XzStream,
    _hold: Hold,
}

/// How much is asked of an LZMA decoder at a time: what it made in a step that ends in an error is lost.
pub(super) const LITTLE: usize = 8 * 1024;

impl Decoder for Stream {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let most = output.len().min(LITTLE);
        let (taken, given) = (self.xz.total_in(), self.xz.total_out());
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.xz.process(input, &mut output[..most], action);
        Step {
            consumed: passed(taken, self.xz.total_in(), input.len()),
            produced: passed(given, self.xz.total_out(), most),
            ended: done.map(|done| done.status == Status::StreamEnd),
        }
    }
}
