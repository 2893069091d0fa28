//! LZMA without a container around it: `.lzma` files, and the streams in zip archives.
//!
//! The header of a `.lzma` file is described in xz's `doc/lzma-file-format.txt`: a properties byte, the dictionary size
//! in four bytes and the uncompressed size in eight, little-endian.

use std::io::{self, ErrorKind};

use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::lzma_decoder::{Lzma, without_header};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "LZMA",
    first_bytes: &[],
    begins,
    signature: Signature::Weak(|_| LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.lzma!a.log",
};

/// No file holds a second stream: behind one of unknown size, other data could look like it.
pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |_| false,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".lzma"],
};

/// Bytes that a decoder needs beside its dictionary: its probabilities, at most.
const OVERHEAD: u64 = 1024 * 1024;
const HEADER_LEN: usize = 13;

/// Whether a file begins as xz's own tools require it (`doc/lzma-file-format.txt`, 1.1): usual properties, a dictionary
/// of 2^n or 2^n + 2^(n-1) bytes, and an unknown size or one below 256 GiB.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some((properties, rest)) = head.split_first() else { return false };
    let (Some(dictionary), Some(size)) =
        (rest.first_chunk::<4>(), rest.get(4..).and_then(<[u8]>::first_chunk::<8>))
    else {
        return false;
    };
    let (dictionary, size) = (u32::from_le_bytes(*dictionary), u64::from_le_bytes(*size));
    // The first byte of the range coder is always 0.
    let range_coder = head.get(HEADER_LEN).is_none_or(|byte| *byte == 0);
    let top = dictionary.checked_ilog2().map_or(0, |bits| 1_u32 << bits);
    let round = dictionary == top || dictionary == top | top >> 1 || dictionary == u32::MAX;
    // lc=3, lp=0 and pb=2 make 0x5d, which compressors use unless told otherwise; with others, all else must be as usual.
    is_known(*properties)
        && dictionary >= 4096
        && round
        && range_coder
        && (size == u64::MAX || (1..1 << 38).contains(&size))
}

/// Whether there are such properties, `(pb * 5 + lp) * 9 + lc`, and xz's tools take them: lc and lp are 4 at most together.
fn is_known(properties: u8) -> bool {
    properties < 5 * 5 * 9 && properties % 9 + properties / 9 % 5 <= 4
}

/// A header of chance bytes is possible: so many bytes have to come out, for chance data decodes to some before it fails.
pub(super) const LEAST: usize = 1024;

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let dictionary = match input.peek(HEADER_LEN)? {
        [_, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return Err(ErrorKind::UnexpectedEof.into()),
    };
    Ok(Box::new(Lzma::with_header(input.budget.window(dictionary.into(), OVERHEAD)?)?))
}

/// The stream of a zip member (APPNOTE 5.8): two bytes of version, the length of the properties in two, the
/// properties, and the data. `size` is known unless the stream ends in an end marker.
pub(super) fn in_zip(input: &mut Input<'_>, size: Option<u64>) -> io::Result<Box<dyn Decoder>> {
    let header = input.read_bytes(9)?;
    let [_, _, 5, 0, properties, dictionary @ ..] = header.as_slice() else {
        return Err(io::Error::new(ErrorKind::InvalidData, "unknown LZMA properties"));
    };
    let dictionary = dictionary.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let window = input.budget.window(dictionary.into(), OVERHEAD)?;
    without_header(size, *properties, dictionary, window)
}
