//! lzop: files one behind the other, each with a header that may hold its name, in blocks that LZO1X packs.
//!
//! The format has no specification; its fields and flags are those of lzop's own source (`lzop.c` and `conf.h`,
//! <https://www.lzop.org>). All numbers are big-endian.

use std::io::{self, ErrorKind};

use super::blocks::{Blocks, Part, PartFormat};
use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::memory::Reservation;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "lzop",
    first_bytes: &[0x89],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.lzo!a.log",
};

/// Another file has a name of its own, and is no part of the first one's content.
pub(super) static STREAM: StreamFormat =
    StreamFormat { another_begins: |_| false, open, unchecked_trailer: 0, extensions: &[".lzo", ".tzo"] };

const MAGIC: &[u8] = b"\x89LZO\0\r\n\x1a\n";

/// The flags of a header (conf.h): which checksums stand before a block, of its content and of its data; what its header has.
const ADLER32_CONTENT: u32 = 1;
const ADLER32_DATA: u32 = 2;
const EXTRA_FIELD: u32 = 0x40;
const CRC32_CONTENT: u32 = 0x100;
const CRC32_DATA: u32 = 0x200;
const FILTER: u32 = 0x800;
const CRC32_HEADER: u32 = 0x1000;

/// From this version on there are a level, the version needed, and the upper half of the time (`lzop.c`, `write_header`).
const VERSION_WITH_LEVEL: u16 = 0x0940;
/// The largest block that lzop takes (`MAX_BLOCK_SIZE`).
const MAX_BLOCK: u32 = 64 * 1024 * 1024;
/// The block that lzop writes (`BLOCK_SIZE`); what is larger is reserved when one is.
const USUAL_BLOCK: u64 = 256 * 1024;
/// No extra field is longer in practice, in bytes.
const MAX_EXTRA: u32 = 16 * 1024 * 1024;

/// Whether a file begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// A header, with the bytes that its checksum is over.
struct Header<'i, 'a> {
    input: &'i mut Input<'a>,
    bytes: Vec<u8>,
}

impl Header<'_, '_> {
    fn take(&mut self, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.input.read_bytes(len)?;
        self.bytes.extend_from_slice(&bytes);
        Ok(bytes)
    }

    fn number(&mut self, len: usize) -> io::Result<u32> {
        Ok(self.take(len)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// Checks the checksum of what was read.
    fn check(&mut self, flags: u32) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        let sum = if flags & CRC32_HEADER != 0 { crc32fast::hash(&bytes) } else { adler32(&bytes) };
        let stated = self.number(4)?;
        self.bytes.clear();
        if stated == sum { Ok(()) } else { Err(damaged("the checksum of its header does not hold")) }
    }
}

fn damaged(message: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    if !begins(input.peek(MAGIC.len())?) {
        return Err(damaged("not an lzop header"));
    }
    input.skip(MAGIC.len() as u64)?;
    let mut header = Header { input, bytes: Vec::new() };
    let version = header.take(2)?;
    let has_level =
        version.first_chunk().is_some_and(|bytes| u16::from_be_bytes(*bytes) >= VERSION_WITH_LEVEL);
    // The library's version, the one needed, the method, and the level.
    header.take(if has_level { 2 + 2 } else { 2 })?;
    let method = header.number(1)?;
    header.take(usize::from(has_level))?;
    let flags = header.number(4)?;
    let filter = if flags & FILTER != 0 { header.number(4)? } else { 0 };
    // Mode and time.
    header.take(if has_level { 12 } else { 8 })?;
    let len = header.number(1)? as usize;
    let offset = header.input.offset();
    let name = header.take(len)?;
    header.check(flags)?;
    if !name.is_empty() {
        metadata.push(Metadata { offset, bytes: name, is_name: true });
    }
    if flags & EXTRA_FIELD != 0 {
        let len = header.number(4)?;
        if len > MAX_EXTRA {
            return Err(damaged("its extra field is too long"));
        }
        let offset = header.input.offset();
        let bytes = header.take(len as usize)?;
        header.check(flags)?;
        metadata.push(Metadata { offset, bytes, is_name: false });
    }
    // LZO1X-1, LZO1X-1(15) and LZO1X-999 are decompressed alike (conf.h, `M_LZO1X_1` and so on).
    if !(1..=3).contains(&method) || filter != 0 {
        return Err(io::Error::new(
            ErrorKind::Unsupported,
            "packed by a method or filter of lzop that is not supported",
        ));
    }
    let reservation = input.budget.reserve(2 * USUAL_BLOCK)?;
    Ok(Box::new(Blocks::new(File { flags, next: Next::Size, reservation })))
}

/// What comes next in a file.
enum Next {
    /// How many bytes come out of a block; 0 at the end.
    Size,
    /// How many bytes it is packed into, the checksums, and its data.
    PackedSize {
        size: u32,
    },
    Data {
        size: u32,
        packed: u32,
    },
}

/// The blocks of one file.
struct File {
    flags: u32,
    next: Next,
    reservation: Reservation,
}

impl File {
    fn count(&self, flags: u32) -> usize {
        4 * (self.flags & flags).count_ones() as usize
    }

    /// The length of the checksums before a block's data: those of the data are left out where it is stored.
    fn checksums(&self, is_stored: bool) -> usize {
        let content = self.count(ADLER32_CONTENT | CRC32_CONTENT);
        if is_stored { content } else { content + self.count(ADLER32_DATA | CRC32_DATA) }
    }

    /// Decompresses a block and checks its content.
    fn block(&self, part: &[u8], size: u32, plain: &mut Vec<u8>) -> io::Result<()> {
        let len = self.checksums(part.len() == self.checksums(true) + size as usize);
        let (sums, data) = part.split_at_checked(len).ok_or(damaged("a block is cut short"))?;
        if data.len() == size as usize {
            plain.extend_from_slice(data);
        } else {
            plain.resize(size as usize, 0);
            if lzokay::decompress::decompress(data, plain).ok() != Some(size as usize) {
                plain.clear();
                return Err(damaged("a corrupt block of LZO"));
            }
        }
        let mut sums =
            sums.chunks_exact(4).map(|sum| sum.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
        let adler = self.flags & ADLER32_CONTENT != 0 && sums.next() != Some(adler32(plain));
        let crc = self.flags & CRC32_CONTENT != 0 && sums.next() != Some(crc32fast::hash(plain));
        if adler || crc { Err(damaged("the checksum of a block does not hold")) } else { Ok(()) }
    }
}

impl PartFormat for File {
    fn need(&self) -> usize {
        match self.next {
            Next::Size | Next::PackedSize { .. } => 4,
            Next::Data { size, packed } => self.checksums(size == packed) + packed as usize,
        }
    }

    fn take(&mut self, part: &[u8], plain: &mut Vec<u8>) -> io::Result<Part> {
        let number = part.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        self.next = match self.next {
            Next::Size if number == 0 => return Ok(Part::Last),
            Next::Size if number > MAX_BLOCK => return Err(damaged("a block larger than there may be")),
            Next::Size => {
                self.reservation.grow_to(2 * u64::from(number))?;
                Next::PackedSize { size: number }
            }
            Next::PackedSize { size } if number > size || number == 0 => {
                return Err(damaged("a block that grew"));
            }
            Next::PackedSize { size } => Next::Data { size, packed: number },
            Next::Data { size, .. } => {
                self.block(part, size, plain)?;
                Next::Size
            }
        };
        Ok(Part::More)
    }
}

/// Adler-32 (RFC 1950, 9), as lzop has it by default.
fn adler32(bytes: &[u8]) -> u32 {
    /// So many bytes can be summed up before the sums are too large for 32 bits (zlib's `NMAX`).
    const MOST: usize = 5552;
    const MODULUS: u32 = 65521;
    let (mut low, mut high) = (1_u32, 0_u32);
    for part in bytes.chunks(MOST) {
        for byte in part {
            low += u32::from(*byte);
            high += low;
        }
        (low, high) = (low % MODULUS, high % MODULUS);
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_adler_32() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&vec![0xff; 100_000]), 0x149a_302c);
    }
}
