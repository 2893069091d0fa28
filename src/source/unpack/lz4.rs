//! LZ4 frames, one behind the other, and the legacy ones that `lz4 -l` writes.
//!
//! The format is `doc/lz4_Frame_format.md` in LZ4's repository (<https://github.com/lz4/lz4>). The frames are read here and
//! only their blocks given to the library: its own reader takes a frame that was cut off for one that has ended. The
//! checksums are passed over.

use std::io::{self, ErrorKind};

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use zeroize::Zeroize as _;

use zeroize::Zeroizing;

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::memory::Reservation;
use super::skippable::{self, NoFrame};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "LZ4",
    first_bytes: &[0x04, 0x02],
    begins,
    signature: Signature::Weak(|_| LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.lz4!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |head| begins(head) || skippable::begins(head),
    open,
    unchecked_trailer: 4,
    extensions: &[".lz4", ".tlz4"],
};

/// How far a block may refer back to those before it, in bytes ("Block Independence flag").
const WINDOW: usize = 64 * 1024;
/// The content of a block of a legacy frame, in bytes ("Legacy frame").
const LEGACY_BLOCK: usize = 8 * 1024 * 1024;

/// The flags of a frame's descriptor ("FLG byte").
const FLAG_DICTIONARY: u8 = 1;
const FLAG_RESERVED: u8 = 2;
const FLAG_CONTENT_CHECKSUM: u8 = 4;
const FLAG_CONTENT_SIZE: u8 = 8;
const FLAG_BLOCK_CHECKSUM: u8 = 0x10;
const FLAG_INDEPENDENT_BLOCKS: u8 = 0x20;

/// Decompresses one block that stands alone, of which is known how many bytes come out.
pub(super) fn decompress_block(block: &[u8], size: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(vec![0; size]);
    let written =
        decompress_into(block, &mut plain).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    plain.truncate(written);
    Ok(plain)
}

/// Whether a frame of either kind begins so: the magic numbers 0x184d2204 and, for legacy frames, 0x184c2102.
pub(super) fn begins(head: &[u8]) -> bool {
    begins_frame(head) || matches!(head, [0x02, 0x21, 0x4c, 0x18, ..])
}

/// Whether a frame that is not a legacy one begins so.
pub(super) fn begins_frame(head: &[u8]) -> bool {
    matches!(head, [0x04, 0x22, 0x4d, 0x18, ..])
}

/// Unpacks a block that stands in no frame (`doc/lz4_Block_format.md`); how many bytes came out of it.
pub(super) fn unpack_block(block: &[u8], out: &mut [u8]) -> io::Result<usize> {
    decompress_into(block, out).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// The signature is four bytes long, but chance data does have it: the header decides, and a damaged block is a damaged
/// file.
pub(super) const LEAST: usize = 0;

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    if let Some(large) = skippable::read(input, metadata)? {
        return Ok(large);
    }
    if input.peek(1)?.is_empty() {
        return Ok(Box::new(NoFrame));
    }
    if !begins(input.peek(4)?) {
        return Err(io::Error::new(ErrorKind::InvalidData, "not an lz4 frame"));
    }
    let legacy = input.read_bytes(4)?[0] == 2;
    let (flags, block_max) = if legacy {
        (FLAG_INDEPENDENT_BLOCKS, LEGACY_BLOCK)
    } else {
        let fixed = input.read_bytes(2)?;
        let (flags, block) = (fixed[0], fixed[1]);
        let size_id = u32::from(block >> 4);
        if flags >> 6 != 1 || flags & FLAG_RESERVED != 0 || block & 0x8f != 0 || size_id < 4 {
            return Err(io::Error::new(ErrorKind::InvalidData, "not an lz4 frame header"));
        }
        if flags & FLAG_DICTIONARY != 0 {
            return Err(io::Error::new(ErrorKind::Unsupported, "needs a dictionary that is not in the file"));
        }
        let content_size = if flags & FLAG_CONTENT_SIZE != 0 { 8 } else { 0 };
        input.read_bytes(content_size + 1)?;
        (flags, 1 << (8 + 2 * size_id))
    };
    // A block, and what comes out of it.
    let reservation = input.budget.reserve(2 * block_max as u64)?;
    Ok(Box::new(Frame {
        legacy,
        linked: flags & FLAG_INDEPENDENT_BLOCKS == 0,
        block_checksum_len: if flags & FLAG_BLOCK_CHECKSUM != 0 { 4 } else { 0 },
        content_checksum_len: if flags & FLAG_CONTENT_CHECKSUM != 0 { 4 } else { 0 },
        block_max,
        block_size: None,
        compressed: Vec::new(),
        plain: Vec::new(),
        given: 0,
        end: 0,
        _reservation: reservation,
    }))
}

struct Frame {
    legacy: bool,
    linked: bool,
    /// How long the checksums behind a block and behind the frame are.
    block_checksum_len: usize,
    content_checksum_len: usize,
    /// The most bytes a block holds.
    block_max: usize,
    /// The "Block Size" field of the block now being gathered, once it is read.
    block_size: Option<u32>,
    compressed: Vec<u8>,
    /// Up to [`WINDOW`] bytes that were given out, then those of the newest block up to `end`, then anything.
    plain: Vec<u8>,
    given: usize,
    end: usize,
    _reservation: Reservation,
}

/// The highest bit of "Block Size": the block's data is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

impl Frame {
    /// Takes bytes until `compressed` holds `need` of them; whether it does.
    fn gather(&mut self, input: &mut &[u8], need: usize) -> bool {
        let more = need.saturating_sub(self.compressed.len()).min(input.len());
        let (now, later) = input.split_at(more);
        self.compressed.extend_from_slice(now);
        *input = later;
        self.compressed.len() >= need
    }

    /// Reads blocks until one gave something; whether the frame has ended.
    fn advance(&mut self, input: &mut &[u8], last: bool) -> io::Result<bool> {
        while self.given == self.end {
            let Some(word) = self.block_size else {
                if !self.gather(input, 4) {
                    // A legacy frame has no end mark: it ends where the file does, or the next frame begins.
                    return Ok(self.legacy && last && self.compressed.is_empty());
                }
                let word = self.compressed.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                self.compressed.clear();
                if word == 0 && !self.legacy {
                    return Ok(true);
                }
                if (word & !UNCOMPRESSED) as usize > self.block_max + self.block_max / 128 {
                    return Err(io::Error::new(
                        ErrorKind::InvalidData,
                        "an lz4 block larger than its frame allows",
                    ));
                }
                self.block_size = Some(word);
                continue;
            };
            let len = (word & !UNCOMPRESSED) as usize;
            let need = len + self.block_checksum_len;
            if self.compressed.is_empty()
                && let Some((block, rest)) = input.split_at_checked(need)
            {
                *input = rest;
                self.decompress_block(word, &block[..len])?;
            } else if self.gather(input, need) {
                let mut block = std::mem::take(&mut self.compressed);
                let done = self.decompress_block(word, &block[..len]);
                block.clear();
                self.compressed = block;
                done?;
            } else {
                return Ok(false);
            }
            self.block_size = None;
        }
        Ok(false)
    }

    fn decompress_block(&mut self, word: u32, block: &[u8]) -> io::Result<()> {
        let keep = if self.linked { self.end.min(WINDOW) } else { 0 };
        self.plain.copy_within(self.end - keep..self.end, 0);
        (self.given, self.end) = (keep, keep);
        // Zeroed once: a block may be a few megabytes, and is overwritten.
        let room = keep + self.block_max.max(block.len());
        if self.plain.len() < room {
            self.plain.resize(room, 0);
        }
        let (before, room) = self.plain.split_at_mut(keep);
        if word & UNCOMPRESSED != 0 && !self.legacy {
            room[..block.len()].copy_from_slice(block);
            self.end += block.len();
            return Ok(());
        }
        let written = decompress_into_with_dict(block, &mut room[..self.block_max], before)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.end += written.min(self.block_max);
        Ok(())
    }
}

impl Decoder for Frame {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let mut rest = input;
        let ended = self.advance(&mut rest, last);
        let plain = &self.plain[self.given..self.end];
        let produced = plain.len().min(output.len());
        output[..produced].copy_from_slice(&plain[..produced]);
        self.given += produced;
        Step { consumed: input.len() - rest.len(), produced, ended }
    }

    fn finish(&mut self, input: &mut Input<'_>) -> io::Result<()> {
        input.read_bytes(self.content_checksum_len).map(drop)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.plain.zeroize();
        self.compressed.zeroize();
    }
}
