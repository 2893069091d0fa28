//! LZ4 frames, one behind the other, and the older kind that `lz4 -l` writes.
//!
//! The frames are read here and only their blocks given to the library: its own reader takes a frame
//! that was cut off for one that has ended. The checksums are passed over.

use std::io::{self, ErrorKind};

use lz4_flex::block::decompress_into_with_dict;
use zeroize::Zeroize as _;

use super::budget::Hold;
use super::decoder::{Aside, Boxed, Decoder, Format, Step};
use super::input::Input;

pub(super) const FORMAT: Format = Format { begins, open: |feed, _: &mut Vec<Aside>| open(feed) };

/// How far a block may refer back to those before it.
const WINDOW: usize = 64 * 1024;
const OLD_BLOCK: usize = 8 * 1024 * 1024;

fn begins(head: &[u8]) -> bool {
    matches!(head, [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..])
}

fn open(feed: &mut Input<'_>) -> io::Result<Boxed> {
    let old = feed.read_bytes(4)?[0] == 2;
    let (flags, most) = if old {
        (0x20, OLD_BLOCK)
    } else {
        let fixed = feed.read_bytes(2)?;
        let (flags, block) = (fixed[0], fixed[1]);
        let size_id = u32::from(block >> 4);
        if flags >> 6 != 1 || flags & 2 != 0 || block & 0x8f != 0 || size_id < 4 {
            return Err(io::Error::new(ErrorKind::InvalidData, "not an lz4 frame header"));
        }
        if flags & 1 != 0 {
            return Err(io::Error::new(ErrorKind::Unsupported, "needs a dictionary that is not in the file"));
        }
        let content_size = if flags & 8 != 0 { 8 } else { 0 };
        feed.read_bytes(content_size + 1)?;
        (flags, 1 << (8 + 2 * size_id))
    };
    // A block, and what comes out of it.
    let hold = feed.budget.hold(2 * most as u64)?;
    Ok(Box::new(Frame {
        old,
        linked: flags & 0x20 == 0,
        block_sum: if flags & 0x10 != 0 { 4 } else { 0 },
        content_sum: if flags & 4 != 0 { 4 } else { 0 },
        most,
        need: None,
        packed: Vec::new(),
        plain: Vec::new(),
        given: 0,
        _hold: hold,
    }))
}

struct Frame {
    old: bool,
    linked: bool,
    /// How long the checksums behind a block and behind the frame are.
    block_sum: usize,
    content_sum: usize,
    /// The most bytes a block holds.
    most: usize,
    /// The size word of the block now being gathered, once it is read.
    need: Option<u32>,
    packed: Vec<u8>,
    /// Up to [`WINDOW`] bytes that were given, then those of the newest block.
    plain: Vec<u8>,
    given: usize,
    _hold: Hold,
}

const STORED: u32 = 1 << 31;

impl Frame {
    /// Takes bytes until `packed` holds `need` of them; whether it does.
    fn gather(&mut self, input: &mut &[u8], need: usize) -> bool {
        let more = need.saturating_sub(self.packed.len()).min(input.len());
        let (now, later) = input.split_at(more);
        self.packed.extend_from_slice(now);
        *input = later;
        self.packed.len() >= need
    }

    /// Reads blocks until one gave something; whether the frame has ended.
    fn advance(&mut self, input: &mut &[u8], last: bool) -> io::Result<bool> {
        while self.given == self.plain.len() {
            let Some(word) = self.need else {
                if !self.gather(input, 4) {
                    // The older kind has no end mark: it ends where the file does, or the next frame begins.
                    return Ok(self.old && last && self.packed.is_empty());
                }
                let word =
                    u32::from_le_bytes([self.packed[0], self.packed[1], self.packed[2], self.packed[3]]);
                self.packed.clear();
                if word == 0 && !self.old {
                    return Ok(true);
                }
                if (word & !STORED) as usize > self.most + self.most / 128 {
                    return Err(io::Error::new(
                        ErrorKind::InvalidData,
                        "an lz4 block larger than its frame allows",
                    ));
                }
                self.need = Some(word);
                continue;
            };
            let len = (word & !STORED) as usize;
            if !self.gather(input, len + self.block_sum) {
                return Ok(false);
            }
            self.block(word, len)?;
            self.packed.clear();
            self.need = None;
        }
        Ok(false)
    }

    fn block(&mut self, word: u32, len: usize) -> io::Result<()> {
        let keep = if self.linked { self.plain.len().min(WINDOW) } else { 0 };
        self.plain.drain(..self.plain.len() - keep);
        self.given = keep;
        if word & STORED != 0 && !self.old {
            self.plain.extend_from_slice(&self.packed[..len]);
            return Ok(());
        }
        self.plain.resize(keep + self.most, 0);
        let (before, room) = self.plain.split_at_mut(keep);
        let made = decompress_into_with_dict(&self.packed[..len], room, before);
        self.plain.truncate(keep + made.as_ref().map_or(0, |made| (*made).min(self.most)));
        made.map(drop).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }
}

impl Decoder for Frame {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let mut rest = input;
        let ended = self.advance(&mut rest, last);
        let plain = &self.plain[self.given..];
        let produced = plain.len().min(output.len());
        output[..produced].copy_from_slice(&plain[..produced]);
        self.given += produced;
        Step { consumed: input.len() - rest.len(), produced, ended }
    }

    fn finish(&mut self, feed: &mut Input<'_>) -> io::Result<()> {
        feed.read_bytes(self.content_sum).map(drop)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.plain.zeroize();
        self.packed.zeroize();
    }
}
