//! gzip (RFC 1952): members one behind the other, each with a header that may hold a name, a comment and an extra field.

use std::io::{self, BufRead as _, ErrorKind};

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::inflate::Inflate;
use super::input::Input;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "gzip",
    first_bytes: &[0x1f],
    begins,
    signature: Signature::Weak(least),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.gz!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins,
    open,
    unchecked_trailer: 0,
    extensions: &[".gz", ".z", ".tgz", ".taz"],
};

/// The flags of a member's header (RFC 1952, 2.3.1): what follows the fixed fields.
const FLAG_HEADER_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

/// No name or comment is longer in practice, in bytes; where one is, this is no header.
const MAX_TEXT: usize = 64 * 1024;

/// Fewer bytes than any token has: none is found twice.
const MAX_SEAM: usize = 39;

/// Whether a member begins so. The three upper flag bits are reserved, and 8 is the only method there is (RFC 1952,
/// 2.3.1).
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x8b, 8, 0..=0x1f, ..])
}

/// Chance bytes may make the decoder produce a little: a header as compressors write it is believed sooner, which states
/// the usual compression levels and an operating system that has a number (RFC 1952, 2.3.1, XFL and OS).
pub(super) fn least(head: &[u8]) -> usize {
    let usual = matches!(head, [_, _, _, _, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..]);
    if usual { 1 } else { 256 }
}

fn open(input: &mut Input<'_>, metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    let header = input.read_bytes(10)?;
    if !begins(&header) {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a gzip header"));
    }
    let flags = header[3];
    let mut extra = None;
    if flags & FLAG_EXTRA != 0 {
        let len = input.read_bytes(2)?;
        let offset = input.offset();
        let bytes = input.read_bytes(usize::from(u16::from_le_bytes([len[0], len[1]])))?;
        extra = Some(Metadata { offset, bytes, is_name: false });
    }
    if let Some(extra) = &mut extra {
        // A token may stand across its end, into the name or comment.
        let text = input.peek(MAX_SEAM)?;
        extra
            .bytes
            .extend(text.iter().take_while(|byte| **byte != 0 && flags & (FLAG_NAME | FLAG_COMMENT) != 0));
    }
    if flags & FLAG_NAME != 0 {
        metadata.push(read_text(input, true)?);
    }
    if flags & FLAG_COMMENT != 0 {
        metadata.push(read_text(input, false)?);
    }
    // The name comes first, where there is one: it is what `DecodeReader::name` returns.
    metadata.extend(extra);
    if flags & FLAG_HEADER_CRC != 0 {
        input.read_bytes(2)?;
    }
    Ok(Box::new(Member { inflate: None, crc: crc32fast::Hasher::new(), len: 0 }))
}

/// Reads a text that ends in NUL.
fn read_text(input: &mut Input<'_>, is_name: bool) -> io::Result<Metadata> {
    let (offset, mut bytes) = (input.offset(), Vec::new());
    loop {
        let here = input.fill_buf()?;
        if here.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let end = here.iter().position(|byte| *byte == 0);
        bytes.extend_from_slice(&here[..end.unwrap_or(here.len()).min(MAX_TEXT + 1)]);
        if bytes.len() > MAX_TEXT {
            return Err(io::Error::new(ErrorKind::InvalidData, "endless text in a gzip header"));
        }
        let consumed = end.map_or(here.len(), |end| end + 1);
        input.consume(consumed);
        if end.is_some() {
            return Ok(Metadata { offset, bytes, is_name });
        }
    }
}

struct Member {
    /// Made with the first bytes of the stream.
    inflate: Option<Inflate>,
    crc: crc32fast::Hasher,
    len: u32,
}

impl Decoder for Member {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        // In a file of one member, its size stands in the last bytes.
        let inflate = self.inflate.get_or_insert_with(|| match input.split_last_chunk::<4>() {
            Some((packed, size)) => Inflate::sized(packed.len() as u64, u32::from_le_bytes(*size).into()),
            None => Inflate::default(),
        });
        let step = inflate.step(input, output, last);
        self.crc.update(&output[..step.produced]);
        #[expect(clippy::cast_possible_truncation, reason = "ISIZE is modulo 2^32 (RFC 1952, 2.3.1)")]
        let produced = step.produced as u32;
        self.len = self.len.wrapping_add(produced);
        step
    }

    fn finish(&mut self, input: &mut Input<'_>) -> io::Result<()> {
        let trailer = input.read_bytes(8)?;
        let expected = [self.crc.clone().finalize().to_le_bytes(), self.len.to_le_bytes()].concat();
        if trailer == expected {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::InvalidData, "the gzip checksum does not hold"))
        }
    }
}
