//! zisofs: files compressed block by block, so that a kernel can read them anywhere in a CD image. `mkzftree` writes them outside of one, too.
//!
//! Both versions are described by libburnia, <https://dev.lovelyhq.com/libburnia/libisofs/raw/branch/master/doc/zisofs_format.txt>
//! and `zisofs2_format.txt` beside it.

use std::io::{self, ErrorKind};

use zeroize::Zeroize as _;

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::inflate::Inflate;
use super::input::Input;
use super::memory::Reservation;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "zisofs",
    first_bytes: &[0x37, 0xef],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.txt!content",
};

static STREAM: StreamFormat =
    StreamFormat { another_begins: |_| false, open, unchecked_trailer: 0, extensions: &[] };

const MAGIC: &[u8] = b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07";
const MAGIC_2: &[u8] = b"\xef\x22\x55\xa1\xbc\x1b\x95\xa0";

/// No table of blocks is longer in practice, in bytes.
const MAX_TABLE: u64 = 16 * 1024 * 1024;

/// Whether a file begins so: the signature, the size of the header and that of a block.
pub(super) fn begins(head: &[u8]) -> bool {
    Header::parse(head).is_some()
}

struct Header {
    len: usize,
    /// The size of the numbers in the table.
    number_len: usize,
    block_len: usize,
    size: u64,
}

impl Header {
    /// The longest one.
    const LEN: usize = 24;

    fn parse(head: &[u8]) -> Option<Self> {
        let (is_second, is_first) = (head.starts_with(MAGIC_2), head.starts_with(MAGIC));
        let (bits, size) = match head.get(8..16)? {
            [a, b, c, d, 4, bits @ 15..=17, ..] if is_first => {
                (*bits, u64::from(u32::from_le_bytes([*a, *b, *c, *d])))
            }
            // Version, size, the number of the method, and the size of the content behind that of a block.
            [0, 6, 1, bits @ 15..=20, ..] if is_second => {
                (*bits, u64::from_le_bytes(*head.get(12..20)?.first_chunk()?))
            }
            _ => return None,
        };
        let (len, number_len) = if is_second { (24, 8) } else { (16, 4) };
        Some(Header { len, number_len, block_len: 1 << bits, size })
    }
}

/// A decoder of a file, whose header and table it reads.
pub(super) fn open(input: &mut Input<'_>, _metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    let begin = input.offset();
    let header = Header::parse(input.peek(Header::LEN)?).ok_or_else(|| invalid("not a header of zisofs"))?;
    let blocks = header.size.div_ceil(header.block_len as u64);
    let table_len = blocks.saturating_add(1).saturating_mul(header.number_len as u64);
    if table_len > MAX_TABLE {
        return Err(invalid("too many blocks"));
    }
    // The table, its numbers, and two blocks.
    let reservation = input.budget.reserve(3 * table_len + 4 * header.block_len as u64)?;
    input.skip(header.len as u64)?;
    let table = input.read_bytes(usize::try_from(table_len).unwrap_or(usize::MAX))?;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(Box::new(Blocks {
        ends: table.chunks_exact(header.number_len).map(number).collect(),
        next: 0,
        at: input.offset() - begin,
        block_len: header.block_len,
        left: header.size,
        packed: Vec::new(),
        out: Vec::new(),
        given: 0,
        failed: None,
        _reservation: reservation,
    }))
}

struct Blocks {
    /// Where each block begins, and the last one ends.
    ends: Vec<u64>,
    /// Which one is next.
    next: usize,
    at: u64,
    block_len: usize,
    /// How many bytes are still to come out.
    left: u64,
    /// What was read of the next block.
    packed: Vec<u8>,
    out: Vec<u8>,
    given: usize,
    failed: Option<io::Error>,
    _reservation: Reservation,
}

impl Drop for Blocks {
    /// Files hold tokens.
    fn drop(&mut self) {
        self.out.zeroize();
    }
}

impl Blocks {
    /// Takes what the next block needs of these bytes, and decodes it once it is there; how many bytes it took.
    fn take(&mut self, input: &[u8], last: bool) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let bounds = (self.ends.get(self.next), self.ends.get(self.next + 1));
        let (Some(begin), Some(end)) = bounds else { return Err(ErrorKind::UnexpectedEof.into()) };
        if *begin != self.at && begin != end {
            return Err(invalid("its blocks do not follow one another"));
        }
        let len = end.checked_sub(*begin).filter(|len| *len <= 2 * self.block_len as u64);
        let len =
            len.and_then(|len| usize::try_from(len).ok()).ok_or_else(|| invalid("a block is too large"))?;
        let size = usize::try_from(self.left).map_or(self.block_len, |left| left.min(self.block_len));
        self.out.clear();
        self.given = 0;
        if len == 0 {
            // One of zeros takes no room.
            self.out.resize(size, 0);
            self.left -= size as u64;
            self.next += 1;
            return Ok(0);
        }
        let taken = input.get(..len - self.packed.len()).unwrap_or(input);
        self.packed.extend_from_slice(taken);
        if self.packed.len() < len {
            return if last { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(taken.len()) };
        }
        self.at += len as u64;
        self.next += 1;
        self.failed = inflate(&self.packed, size, &mut self.out).err();
        self.left -= size as u64;
        self.packed.clear();
        Ok(taken.len())
    }
}

impl Decoder for Blocks {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (mut consumed, mut ended) = (0, Ok(false));
        if self.given == self.out.len() {
            if self.left == 0 && self.failed.is_none() {
                return Step { consumed: 0, produced: 0, ended: Ok(true) };
            }
            match self.take(input, last) {
                Ok(taken) => consumed = taken,
                Err(error) => ended = Err(error),
            }
        }
        let left = self.out.get(self.given..).unwrap_or_default();
        let produced = left.len().min(output.len());
        for (to, from) in output.iter_mut().zip(left) {
            *to = *from;
        }
        self.given += produced;
        Step { consumed, produced, ended }
    }
}

/// Inflates a block, a stream of zlib (RFC 1950) from which `size` bytes come.
fn inflate(block: &[u8], size: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let Some((deflated, sum)) = block.get(2..).and_then(<[u8]>::split_last_chunk::<4>) else {
        return Err(invalid("a block is too short"));
    };
    out.resize(size, 0);
    let (mut inflate, mut consumed, mut produced) = (Inflate::default(), 0, 0);
    let outcome = loop {
        let (input, output) = (deflated.get(consumed..), out.get_mut(produced..));
        let output = output.unwrap_or_default();
        if output.is_empty() {
            break Ok(());
        }
        let step = inflate.step(input.unwrap_or_default(), output, true);
        consumed += step.consumed;
        produced += step.produced;
        match step.ended {
            Ok(true) => break Ok(()),
            Ok(false) if step.consumed == 0 && step.produced == 0 => {
                break Err(invalid("a block that does not end"));
            }
            Ok(false) => {}
            Err(error) => break Err(error),
        }
    };
    out.truncate(produced);
    outcome?;
    if out.len() != size || adler(out) != u32::from_be_bytes(*sum) {
        return Err(invalid("the checksum of a block does not hold"));
    }
    Ok(())
}

/// Adler-32 (RFC 1950, 8.2).
fn adler(bytes: &[u8]) -> u32 {
    const BASE: u32 = 65_521;
    let (mut low, mut high) = (1, 0);
    // No sum of so many overflows.
    for part in bytes.chunks(5552) {
        for byte in part {
            low += u32::from(*byte);
            high += low;
        }
        low %= BASE;
        high %= BASE;
    }
    high << 16 | low
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}
