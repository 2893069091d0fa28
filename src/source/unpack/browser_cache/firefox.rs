//! Entries of Firefox's cache (`netwerk/cache2/CacheFileMetadata.h` in <https://searchfox.org/mozilla-central>): the body of a
//! response, what is known of it, and where that begins.

use std::io;

use memchr::memmem;

use super::super::besides::ReadBesides;
use super::super::format::{Format, Reader, Signature};
use super::super::http::hand_over_kept;
use super::super::open_container::OpenContainer;
use super::super::random_access::{Part, RandomAccess, look_into};
use super::super::table::be32;
use crate::blob::{Body, ReadSeek};

/// Its row in the table of formats.
pub(in super::super) static FORMAT: Format = Format {
    name: "Firefox's cache",
    first_bytes: b"",
    begins: |_| false,
    signature: Signature::Strong,
    at_end: Some(is_at_end),
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "D3B5635B13712A8E2C8F20E7D4FADF427A5AA7BA!body",
};

/// A body has a hash of two bytes for so many, in bytes.
const CHUNK: u64 = 256 * 1024;
/// What stands in front of those: a hash of all that is known; and behind them: eight numbers, of which the first is the version
/// and the seventh the length of the key.
const HASH_LEN: u64 = 4;
const NUMBERS: usize = 32;
/// The versions that have so many numbers: the fourth is the newest known, and the first had none of flags.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=9;
/// No entry knows more, in bytes.
const MAX_KNOWN: u64 = 1024 * 1024;

/// Where what is known begins, and the key behind it; none where a file is no entry.
fn known(file: &mut RandomAccess<'_>) -> Option<(u64, u64)> {
    let len = file.len().ok()?;
    let begin = u64::from(be32(&file.bytes_at(len.checked_sub(4)?, 4).ok()?, 0));
    let numbers_at = begin + HASH_LEN + 2 * begin.div_ceil(CHUNK);
    let key_at = numbers_at + NUMBERS as u64;
    if key_at >= len || len - begin > MAX_KNOWN {
        return None;
    }
    let numbers = file.bytes_at(numbers_at, NUMBERS).ok()?;
    // Each element, the key among them, ends in a zero.
    let key_end = key_at + u64::from(be32(&numbers, 24));
    let is_entry = VERSIONS.contains(&be32(&numbers, 0)) && key_end > key_at && key_end < len;
    (is_entry && file.bytes_at(key_end, 1).ok()? == [0]).then_some((begin, key_at))
}

/// Whether a body with these last bytes ends as an entry does.
fn is_at_end(last: &[u8], body: &mut Body<'_>) -> bool {
    // No body is as long as 256 MiB, and text ends in other bytes.
    let may_be_offset = last.last_chunk::<4>().is_some_and(|offset| offset[0] < 0x10);
    may_be_offset && look_into(body, known).flatten().is_some()
}

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    if let Err(error) = read(container, &mut RandomAccess::File(file)) {
        container.report_read_error(&error);
    }
}

fn read(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> io::Result<()> {
    let Some((begin, key_at)) = known(file) else { return Ok(()) };
    let len = usize::try_from(file.len()?.saturating_sub(key_at)).unwrap_or(0);
    let elements = file.bytes_at(key_at, len)?;
    let Some(header) = http_header(&elements) else { return Ok(()) };
    let mut body = Part { file, at: 0, end: begin };
    hand_over_kept(container, &header, &mut body);
    Ok(())
}

/// The header of the response, which is one of the elements.
fn http_header(elements: &[u8]) -> Option<Vec<u8>> {
    const NAME: &[u8] = b"\0response-head\0";
    let value = elements.get(memmem::find(elements, NAME)? + NAME.len()..)?;
    let value = value.get(..memchr::memchr(0, value)?)?;
    Some([value.trim_ascii_end(), b"\r\n\r\n"].concat())
}
