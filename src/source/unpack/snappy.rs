//! Snappy's frames: chunks of at most 64 KiB, each with a checksum (`framing_format.txt` in Snappy's repository,
//! <https://github.com/google/snappy/blob/main/framing_format.txt>).
//!
//! A stream has no end mark: it ends where no chunk begins. So each chunk is read as a stream of its own.

use std::io::{self, ErrorKind};

use snap::raw::Decoder as RawDecoder;

use super::blocks::{Blocks, Part, PartFormat};
use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::memory::Reservation;
use super::skippable::NoFrame;
use super::{lzop, xz};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Snappy",
    first_bytes: &[0xff],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.sz!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins_chunk,
    open,
    unchecked_trailer: 0,
    extensions: &[".sz", ".snappy", ".tsz"],
};

/// The stream identifier, which every stream begins with (4.1).
const IDENTIFIER: &[u8] = b"\xff\x06\0\0sNaPpY";
/// The most bytes that come out of a chunk (4.2).
const MAX_PLAIN: usize = 64 * 1024;
/// The most bytes of a chunk's data: such that does not compress grows by a sixth, and a checksum stands before it.
const MAX_PACKED: usize = 32 + MAX_PLAIN + MAX_PLAIN / 6 + CHECKSUM;
/// The checksum in front of a chunk's data (4.2 and 4.3).
const CHECKSUM: usize = 4;
/// The types of chunks (4.2 to 4.6); from the padding down to 0x80 they may be skipped.
const COMPRESSED: u8 = 0;
const UNCOMPRESSED: u8 = 1;
const SKIPPABLE: std::ops::RangeInclusive<u8> = 0x80..=0xfe;

/// Whether a stream begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(IDENTIFIER)
}

/// Whether a chunk does, which may be the identifier of another stream.
fn begins_chunk(head: &[u8]) -> bool {
    let Some((kind, len)) = chunk(head) else { return false };
    match kind {
        COMPRESSED | UNCOMPRESSED => (CHECKSUM + 1..=MAX_PACKED).contains(&len),
        // The signatures of xz and lzop could be chunks of this kind, and are what they are.
        kind => SKIPPABLE.contains(&kind) && !xz::begins(head) && !lzop::begins(head) || begins(head),
    }
}

/// A chunk's type and the length of its data.
fn chunk(head: &[u8]) -> Option<(u8, usize)> {
    let [kind, low, middle, high] = *head.first_chunk()?;
    Some((kind, u32::from_le_bytes([low, middle, high, 0]) as usize))
}

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    loop {
        let head = input.peek(IDENTIFIER.len())?;
        if !begins_chunk(head) {
            return Ok(Box::new(NoFrame));
        }
        let Some((kind, len)) = chunk(head) else { return Ok(Box::new(NoFrame)) };
        if begins(head) {
            input.skip(IDENTIFIER.len() as u64)?;
        } else if SKIPPABLE.contains(&kind) {
            skip(input, len, metadata)?;
        } else {
            input.skip(4)?;
            let reservation = input.budget.reserve((MAX_PACKED + MAX_PLAIN) as u64)?;
            return Ok(Box::new(Blocks::new(Chunk { kind, len, _reservation: reservation })));
        }
    }
}

/// Passes over a chunk that may be skipped; what is in it is text beside the data.
fn skip(input: &mut Input<'_>, len: usize, metadata: &mut Vec<Metadata>) -> io::Result<()> {
    input.skip(4)?;
    let offset = input.offset();
    // The padding is zeros (4.5).
    let bytes = input.read_bytes(len)?;
    if bytes.iter().any(|byte| *byte != 0) {
        metadata.push(Metadata { offset, bytes, is_name: false });
    }
    Ok(())
}

/// The data of one chunk.
struct Chunk {
    kind: u8,
    len: usize,
    _reservation: Reservation,
}

impl PartFormat for Chunk {
    fn need(&self) -> usize {
        self.len
    }

    fn take(&mut self, part: &[u8], plain: &mut Vec<u8>) -> io::Result<Part> {
        let damaged = |message: String| io::Error::new(ErrorKind::InvalidData, message);
        let Some((sum, data)) = part.split_first_chunk::<CHECKSUM>() else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        if self.kind == COMPRESSED {
            let len = snap::raw::decompress_len(data).map_err(|error| damaged(error.to_string()))?;
            if len > MAX_PLAIN {
                return Err(damaged("a chunk larger than there may be".to_owned()));
            }
            plain.resize(len, 0);
            if let Err(error) = RawDecoder::new().decompress(data, plain) {
                plain.clear();
                return Err(damaged(error.to_string()));
            }
        } else {
            plain.extend_from_slice(data);
        }
        if masked(crc32c(plain)) != u32::from_le_bytes(*sum) {
            return Err(damaged("the checksum of a chunk does not hold".to_owned()));
        }
        Ok(Part::Last)
    }
}

/// A checksum as it is stored: turned, and moved on, so that one of data with checksums in it is none (section 3).
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The CRC of each byte, with Castagnoli's polynomial (RFC 3720, 12.1), its bits turned.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 != 0 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
};

/// CRC-32C.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| sum >> 8 ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
