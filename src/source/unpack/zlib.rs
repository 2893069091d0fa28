//! zlib (RFC 1950): a deflate stream with a header of two bytes and the Adler-32 of its content, as `pigz -z`, `zlib-flate` and
//! many programs' own files have it.
//!
//! The two bytes say little: what comes out decides.

use std::io;

use super::decoder::{Decoder, Metadata, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::inflate::{WithoutDictionary, Zlib, zlib_begin};
use super::input::Input;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "zlib",
    first_bytes: &[0x08, 0x18, 0x28, 0x38, 0x48, 0x58, 0x68, 0x78],
    begins,
    signature: Signature::Weak(|_| LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.zz!a.log",
};

/// Behind a stream, two bytes are too few to believe in another one.
pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |_| false,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".zz", ".zlib"],
};

/// The flag of a preset dictionary, FDICT (RFC 1950, 2.2).
const FLAG_DICTIONARY: u8 = 0x20;

/// Chance data decodes to a little before it fails. From less than a whole file nearly as much must come as went in, and a short
/// one must end with its checksum.
const LEAST: usize = 1024;

/// Whether a stream may begin so: deflate with a window that there is, a header check that holds, and no text behind it. Objects
/// of git are left to those who know what they are.
pub(super) fn begins(head: &[u8]) -> bool {
    let [method, flags, rest @ ..] = head else { return false };
    let holds = u16::from_be_bytes([*method, *flags]).is_multiple_of(31) && method & 0x8f == 8;
    if !holds {
        return false;
    }
    let stream = if flags & FLAG_DICTIONARY == 0 { rest } else { rest.get(4..).unwrap_or_default() };
    // The third kind of block does not exist (RFC 1951, 3.2.3).
    let Some(first) = stream.first().filter(|first| **first >> 1 & 3 != 3) else { return false };
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let is_plain = is_text(first) && rest.iter().take(16).all(is_text);
    !is_plain && (flags & FLAG_DICTIONARY != 0 || !is_git_object(head))
}

/// Whether an object of git begins so (gitformat-loose(5)): its type and size stand before its content.
fn is_git_object(head: &[u8]) -> bool {
    let (out, len) = zlib_begin::<8>(head);
    let out = out.get(..len).unwrap_or_default();
    [&b"blob "[..], b"tree ", b"commit ", b"tag "].iter().any(|kind| out.starts_with(kind))
}

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let flags = input.peek(2)?.get(1).copied().unwrap_or_default();
    if flags & FLAG_DICTIONARY == 0 {
        return Ok(Box::new(Zlib::new(LEAST)));
    }
    input.read_bytes(6)?;
    Ok(Box::new(WithoutDictionary::new()?))
}
