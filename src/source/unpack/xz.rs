//! xz: streams one behind the other, each of blocks that state their own dictionary size.
//!
//! The format is xz's `doc/xz-file-format.txt` (<https://tukaani.org/xz/xz-file-format.txt>).

use std::io;

use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::lzma_decoder::Lzma;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "xz",
    first_bytes: &[0xfd],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.xz!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: begins,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".xz", ".txz"],
};

/// Bytes that a decoder needs beside its dictionary.
const OVERHEAD: u64 = 1024 * 1024;
/// The least dictionary that any block may have, in bytes.
const MIN_DICTIONARY: u64 = 8 * 1024 * 1024;

/// Whether a stream begins so: its header magic bytes (xz-file-format, 2.1.1.1).
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

/// A decoder of one stream.
pub(super) fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let declared = dictionary(input.peek(12 + 64)?).max(MIN_DICTIONARY);
    // A later block that needs more than the first one did is refused.
    Ok(Box::new(Lzma::xz(declared + OVERHEAD, input.budget.window(declared, OVERHEAD)?)?))
}

/// The dictionary size in bytes that the first block states (xz-file-format, 5.3.1): its LZMA2 filter has the id 0x21,
/// one byte of properties, and that byte.
fn dictionary(head: &[u8]) -> u64 {
    let filters = head.get(14..).unwrap_or_default();
    let bits = filters.windows(3).find(|bytes| bytes[..2] == [0x21, 1]).map_or(0, |bytes| bytes[2].min(40));
    (2 | u64::from(bits) & 1) << (bits / 2 + 11)
}
