//! Entries of Chromium's cache (`net/disk_cache/simple/simple_entry_format.h` in <https://source.chromium.org>): a key, the body of
//! a response, and its header, each behind the other.

use std::io;

use memchr::memmem;

use super::super::besides::ReadBesides;
use super::super::format::{Format, Reader, Signature};
use super::super::http::hand_over_kept;
use super::super::open_container::OpenContainer;
use super::super::random_access::{Part, RandomAccess};
use super::super::table::{le32, le64};
use crate::blob::ReadSeek;

/// Its row in the table of formats.
pub(in super::super) static FORMAT: Format = Format {
    name: "Chromium's cache",
    first_bytes: b"0",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "1c0de7a9f0b2d3e4_0!body",
};

/// How an entry begins (`kSimpleInitialMagicNumber`), and each of its streams ends (`kSimpleFinalMagicNumber`).
const BEGIN: &[u8] = b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc";
const END: u64 = 0xf4fa_6f45_970d_41d8;
/// How long those are, in bytes, with what is said there.
const BEGIN_LEN: u64 = 24;
const END_LEN: u64 = 24;
/// The flag of a stream that a SHA-256 of the key stands behind, and how long that is.
const HAS_KEY_HASH: u32 = 2;
const KEY_HASH_LEN: u64 = 32;
/// No header is longer, in bytes.
const MAX_HEADER: u64 = 1024 * 1024;

fn begins(head: &[u8]) -> bool {
    head.starts_with(BEGIN)
}

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    if let Err(error) = read(container, &mut RandomAccess::File(file)) {
        container.report_read_error(&error);
    }
}

/// What is no whole entry was scanned, and has no more to it.
fn read(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> io::Result<()> {
    let len = file.len()?;
    if len < BEGIN_LEN + 2 * END_LEN {
        return Ok(());
    }
    let key_len = u64::from(le32(&file.bytes_at(12, 4)?, 0));
    let last = file.bytes_at(len - END_LEN, 24)?;
    let header_len = u64::from(le32(&last, 16));
    let hash_len = if le32(&last, 8) & HAS_KEY_HASH == 0 { 0 } else { KEY_HASH_LEN };
    let header_at = len.checked_sub(END_LEN + hash_len + header_len);
    let Some(header_at) = header_at.filter(|_| le64(&last, 0) == END && header_len <= MAX_HEADER) else {
        return Ok(());
    };
    let header = file.bytes_at(header_at, usize::try_from(header_len).unwrap_or(0))?;
    let Some(header) = http_header(&header) else { return Ok(()) };
    let mut body = Part { file, at: BEGIN_LEN + key_len, end: header_at.saturating_sub(END_LEN) };
    hand_over_kept(container, &header, &mut body);
    Ok(())
}

/// The lines of a response's header, which end in zeros here (`net/http/http_response_headers.h`), as they were sent.
fn http_header(stored: &[u8]) -> Option<Vec<u8>> {
    let lines = stored.get(memmem::find(stored, b"HTTP/")?..)?;
    let lines = lines.get(..memmem::find(lines, b"\0\0")?)?;
    Some(
        [lines.split(|byte| *byte == 0).collect::<Vec<_>>().join(&b"\r\n"[..]).as_slice(), b"\r\n\r\n"]
            .concat(),
    )
}
