//! Arrow's files and streams, Feather among them (<https://arrow.apache.org/docs/format/Columnar.html>): buffers of columns, each
//! compressed by itself as a frame of LZ4 or Zstandard, and in front of it how long it is otherwise.
//!
//! Buffers begin at multiples of eight bytes ("Recordbatch message"), and so they are found without the messages around them.

use std::io::{self, BufReader};

use memchr::memmem;

use super::besides::ReadBesides;
use super::decoder::DecodeReader;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::random_access::{Part, RandomAccess};
use super::share::Claim;
use super::{lz4, zstd};
use crate::blob::ReadSeek;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Arrow",
    first_bytes: b"A\xff",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.arrow!buffer 2",
};

/// How many bytes are searched at a time.
const STEP: usize = 256 * 1024;
/// In front of a compressed buffer: how long it is otherwise ("Compression").
const LENGTH: usize = 8;
/// What both frames have in common is too little; each is looked for.
const LZ4_MAGIC: &[u8] = &[0x04, 0x22, 0x4d, 0x18];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// No buffer is longer when unpacked, in bytes.
const MAX_LEN: u64 = 1 << 40;

/// Whether a file begins so, or a stream: with a message, whose length is a multiple of eight and which is a small flatbuffer.
fn begins(head: &[u8]) -> bool {
    let is_stream = || {
        let Some([0xff, 0xff, 0xff, 0xff, a, b, c, 0, root, 0, 0, 0, ..]) = head.get(..16) else {
            return false;
        };
        let len = u32::from_le_bytes([*a, *b, *c, 0]);
        len != 0 && len.is_multiple_of(8) && root.is_multiple_of(2) && *root >= 4
    };
    head.starts_with(b"ARROW1\0\0") || is_stream()
}

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    // Whoever scans the bytes reports it where they cannot be read.
    let _ = read(container, file);
}

fn read(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> io::Result<()> {
    let mut file = RandomAccess::File(file);
    let (mut buffer, mut offset, mut number) = (vec![0; STEP + LENGTH + LZ4_MAGIC.len()], 0, 0_u64);
    let end = file.len()?;
    while offset < end && container.may_continue() {
        let left = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
        let bytes = buffer.get_mut(..left).unwrap_or_default();
        file.read_exact_at(bytes, offset)?;
        let Some(at) = find(bytes) else {
            offset += STEP as u64;
            continue;
        };
        number += 1;
        if !container.begin_part() {
            return Ok(());
        }
        let from = offset + (at + LENGTH) as u64;
        let name = MemberName::from_text(format!("buffer {number}"));
        // What was none is behind as well.
        offset = from + hand_over(container, &mut file, from, &name)?.next_multiple_of(8);
    }
    Ok(())
}

/// Where a length stands that a frame follows, at a multiple of eight.
fn find(bytes: &[u8]) -> Option<usize> {
    let first = |magic| {
        memmem::find_iter(bytes, magic).find_map(|at| {
            let from = at.checked_sub(LENGTH).filter(|from| from % 8 == 0)?;
            let len = bytes.get(from..)?.first_chunk().map(|len| u64::from_le_bytes(*len))?;
            (1..MAX_LEN).contains(&len).then_some(from)
        })
    };
    [first(LZ4_MAGIC), first(ZSTD_MAGIC)].into_iter().flatten().min()
}

/// Hands on what a frame holds; how many bytes it has.
fn hand_over(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    from: u64,
    name: &MemberName,
) -> io::Result<u64> {
    let end = file.len()?;
    let mut reader = BufReader::with_capacity(64 * 1024, Part { file, at: from, end });
    let mut input = Input::reader(&mut reader, container.budget);
    let stream = if input.peek(4)? == LZ4_MAGIC { &lz4::STREAM } else { &zstd::STREAM };
    // What only looks like a frame is passed over.
    let Ok(decoder) = (stream.open)(&mut input, &mut Vec::new()) else { return Ok(0) };
    let mut decoder = DecodeReader::single(input, decoder);
    let bytes_in = decoder.bytes_in();
    let count = std::rc::Rc::clone(&bytes_in);
    let content =
        Content::Compressed { reader: &mut decoder, bytes_in, out_before: 0, claim: Claim::Size(0) };
    container.hand_over(Region::Member(name), content);
    Ok(count.get())
}
