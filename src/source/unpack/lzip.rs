//! lzip: members one behind the other, each with the sizes and the checksum of its content behind it.
//!
//! The format is described in lzip's manual (<https://www.nongnu.org/lzip/manual/lzip_manual.html#File-format>); version 0 has
//! no size of the member in its trailer.

use std::io::{self, ErrorKind};

use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::lzma_decoder::Lzma;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "lzip",
    first_bytes: b"L",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.lz!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".lz", ".tlz"],
};

/// Bytes that a decoder needs beside its dictionary.
const OVERHEAD: u64 = 1024 * 1024;

/// Whether a member begins so: the signature, a version, and a size of the dictionary that there is.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [b'L', b'Z', b'I', b'P', 0 | 1, size, ..] if dictionary(*size).is_some())
}

/// The size of the dictionary in bytes: a power of two from 4 KiB to 512 MiB, less as many sixteenths of it as the upper three
/// bits say.
fn dictionary(coded: u8) -> Option<u64> {
    let base = 1_u64 << (coded & 0x1f);
    let size = base - base / 16 * u64::from(coded >> 5);
    ((1 << 12)..=(1 << 29)).contains(&size).then_some(size)
}

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let head = input.peek(6)?;
    if !begins(head) {
        return Err(io::Error::new(ErrorKind::InvalidData, "not an lzip header"));
    }
    let declared = head.get(5).and_then(|coded| dictionary(*coded)).unwrap_or(0);
    Ok(Box::new(Lzma::lzip(input.budget.window(declared, OVERHEAD)?)?))
}
