//! The table of the containers that are opened. A new one is a file with its reader, and a row here.

use std::io::Read as _;

use super::budget::Budget;
use super::format::{Format, Reader, Signature};
use super::open_container::Behind;
use super::random_access::look_into;
use super::{
    android, ar, arrow, asar, avro, brotli, browser_cache, bzip2, cab, cpio, dmg, git, gzip, har, http, iso,
    journal, leveldb, lz4, lzip, lzma, lzop, mail, mozlz4, ole, orc, parquet, pcap, pdf, png, pst, qcow2,
    rpm, sevenz, snappy, sqlite, squashfs, tar, unix_compress, vdi, vhd, vhdx, vmdk, xz, zip, zisofs, zlib,
    zstd,
};
use crate::blob::{Body, Rest};

/// How many first bytes are enough to detect a container: a tar has its signature in its first block.
pub(super) const HEAD: usize = 512;

/// All of them; where two begin alike, the first is taken.
static FORMATS: [&Format; 51] = [
    &zip::FORMAT,
    &sevenz::FORMAT,
    &squashfs::FORMAT,
    &qcow2::FORMAT,
    &vmdk::FORMAT,
    &vhdx::FORMAT,
    &vhd::FORMAT,
    &vdi::FORMAT,
    &dmg::FORMAT,
    &ar::FORMAT,
    &cpio::FORMAT,
    &rpm::FORMAT,
    &ole::FORMAT,
    &git::BUNDLE,
    &git::PACK,
    &git::LOOSE_OBJECT,
    &cab::FORMAT,
    &asar::FORMAT,
    &gzip::FORMAT,
    &bzip2::FORMAT,
    &xz::FORMAT,
    &lzma::FORMAT,
    &zstd::FORMAT,
    &lz4::FORMAT,
    &pdf::FORMAT,
    &http::FORMAT,
    &pcap::FORMAT,
    &journal::FORMAT,
    &png::FORMAT,
    &lzip::FORMAT,
    &unix_compress::FORMAT,
    &lzop::FORMAT,
    &snappy::FORMAT,
    &zlib::FORMAT,
    &brotli::FORMAT,
    &android::FORMAT,
    &tar::FORMAT,
    &mail::FORMAT,
    &sqlite::FORMAT,
    &leveldb::FORMAT,
    &mozlz4::FORMAT,
    &har::FORMAT,
    &browser_cache::CHROMIUM,
    &browser_cache::FIREFOX,
    &parquet::FORMAT,
    &orc::FORMAT,
    &arrow::FORMAT,
    &avro::FORMAT,
    &pst::FORMAT,
    &zisofs::FORMAT,
    &iso::FORMAT,
];

/// The rows that may begin with each byte, as bits: almost every file is turned away by its first byte and by byte 257.
static CANDIDATES: [u64; 256] = candidates(&FORMATS);

const fn candidates(formats: &[&Format]) -> [u64; 256] {
    let mut by_first_byte = [0; 256];
    let mut row = 0;
    while row < formats.len() {
        let first_bytes = formats[row].first_bytes;
        let is_named = matches!(formats[row].signature, Signature::Named(_));
        let mut at = 0;
        while at < 256 {
            by_first_byte[at] |= if first_bytes.is_empty() && !is_named { 1 << row } else { 0 };
            at += 1;
        }
        let mut at = 0;
        while at < first_bytes.len() {
            by_first_byte[first_bytes[at] as usize] |= 1 << row;
            at += 1;
        }
        row += 1;
    }
    by_first_byte
}

/// The rows that are found from the end of a file, as bits.
static FOUND_AT_END: u64 = {
    let mut found = 0;
    let mut row = 0;
    while row < FORMATS.len() {
        found |= if FORMATS[row].at_end.is_some() { 1 << row } else { 0 };
        row += 1;
    }
    found
};

/// The first of these rows, given as bits, that is the one.
fn first(mut rows: u64, mut is_one: impl FnMut(&Format) -> bool) -> Option<&'static Format> {
    while rows != 0 {
        let format = FORMATS[rows.trailing_zeros() as usize];
        if is_one(format) {
            return Some(format);
        }
        rows &= rows - 1;
    }
    None
}

/// The container that begins with this head, by its first bytes alone.
pub(super) fn detect(head: &[u8]) -> Option<&'static Format> {
    first(CANDIDATES[usize::from(*head.first()?)], |format| (format.begins)(head))
}

/// What stands behind a stream, by its head.
pub(super) fn behind(head: &[u8], budget: &Budget) -> Behind {
    let Some(format) = detect(head) else { return Behind::Other };
    match format.reader {
        Reader::Compressor(stream) if format.is_valid(head, budget) => Behind::Stream(stream),
        Reader::Compressor(_) => Behind::Other,
        Reader::Archive(_) | Reader::Besides(_) => Behind::Archive,
    }
}

/// The compressor that a file of unknown bytes says it is of, by the extension of its name. Most files are text and are told
/// by that: no other is asked for its name, which costs more than to look at a few bytes.
pub(super) fn detect_by_name(head: &[u8], path: impl FnOnce() -> String) -> Option<&'static Format> {
    if is_text(head) {
        return None;
    }
    let path = path();
    FORMATS
        .into_iter()
        .filter(|format| matches!(format.signature, Signature::Named(_)))
        .find(|format| format.extensions().iter().any(|extension| has_extension(&path, extension)))
}

/// The first bytes of a pipe, as many as formats are told by.
pub(super) fn longer_head(head: &[u8], rest: &mut dyn Rest) -> Vec<u8> {
    let mut head = head.to_vec();
    // Whoever reads on gets an error again.
    let _ = rest.take((HEAD.saturating_sub(head.len())) as u64).read_to_end(&mut head);
    if iso::may_begin(&head) {
        let _ = rest.take((iso::HEAD - head.len().min(iso::HEAD)) as u64).read_to_end(&mut head);
    }
    head
}

/// Whether what begins so is text, by its first bytes.
pub(super) fn is_text(head: &[u8]) -> bool {
    /// Bytes that tell text from anything else.
    const SAMPLE: usize = 64;
    let is_text = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' '..=b'~');
    // No branches, so that the compiler makes vectors of it.
    head.iter().take(SAMPLE).fold(true, |all, byte| all & is_text(byte))
}

/// Whether a file is called so, and has a name before the extension.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    strip_extension(file, extension).is_some()
}

/// A file's name without this extension.
fn strip_extension<'f>(file: &'f str, extension: &str) -> Option<&'f str> {
    let at = file.len().checked_sub(extension.len())?;
    let (stem, end) = (file.get(..at)?, file.get(at..)?);
    (end.eq_ignore_ascii_case(extension) && !stem.is_empty()).then_some(stem)
}

/// How many last bytes are enough to detect a container from its end: the trailer of a disk image.
const LAST: usize = 512;

/// Calls `use_them` with the last bytes of a body, read once for all formats; with none where it can only be read forwards.
pub(super) fn with_last_bytes<T>(body: &mut Body<'_>, use_them: impl FnOnce(&[u8], &mut Body<'_>) -> T) -> T {
    let mut last = [0; LAST];
    let read = look_into(body, |file| {
        let begin = file.len()?.saturating_sub(LAST as u64);
        file.fill_at(&mut last, begin)
    });
    let read = read.and_then(Result::ok).unwrap_or(0);
    use_them(&last[..read], body)
}

/// The container that a body ends in, whatever it begins with.
pub(super) fn detect_at_end(body: &mut Body<'_>) -> Option<&'static Format> {
    with_last_bytes(body, detect_by_last_bytes)
}

/// The same for one with these last bytes.
pub(super) fn detect_by_last_bytes(last: &[u8], body: &mut Body<'_>) -> Option<&'static Format> {
    first(FOUND_AT_END, |format| format.at_end.is_some_and(|at_end| at_end(last, body)))
}

/// A file's name without the extension of any compressor: the content is what counts, and extensions are mixed up.
pub(super) fn without_extension(file: &str) -> Option<&str> {
    FORMATS
        .iter()
        .flat_map(|format| format.extensions())
        .find_map(|extension| strip_extension(file, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_no_containers() {
        for head in [
            &b""[..],
            b"P",
            b"PK",
            b"PK are my initials",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"SQLite format 3\0",
            b"\x7fELF\x02\x01\x01",
            b"BZh9 is how bzip2 begins",
            b"]\0\0 is how lzma begins",
            b"\x1f\x8b\x08\xff\xff",
            b"!<arch> is how ar begins",
            &[b' '; 600],
            &[0; 600],
            &[b'0'; 600],
        ] {
            assert!(detect(head).is_none(), "{head:?}");
        }
    }

    #[test]
    fn signatures_are_detected_by_the_right_row() {
        for (head, name) in [
            (&b"PK\x03\x04"[..], "zip"),
            (b"PK\x05\x06", "zip"),
            (b"PK\x07\x08PK", "zip"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
            (b"!<arch>\n", "ar"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"BZh91AY&SY", "bzip2"),
            (b"BZh1\x17\x72\x45\x38\x50\x90", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", "LZMA"),
            (b"\x28\xb5\x2f\xfd", "Zstandard"),
            (b"\x50\x2a\x4d\x18", "Zstandard"),
            (b"\x5d\x2a\x4d\x18", "Zstandard"),
            (b"\x5f\x2a\x4d\x18", "Zstandard"),
            (b"\x04\x22\x4d\x18", "LZ4"),
            (b"\x02\x21\x4c\x18", "LZ4"),
        ] {
            assert_eq!(detect(head).map(|format| format.name), Some(name), "{head:?}");
        }
    }

    #[test]
    fn first_bytes_leave_no_signature_out() {
        // Every signature but tar's is shorter than this, and none needs more than its first two bytes to differ.
        let mut head = [0; 16];
        for first in 0..=u8::MAX {
            for magic in
                [&b"PK\x03\x04"[..], b"7z\xbc\xaf\x27\x1c", b"!<arch>\n", b"\x1f\x8b\x08\0", b"BZh91AY&SY"]
                    .into_iter()
                    .chain([&b"\xfd7zXZ\0"[..], b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0"])
                    .chain([
                        &b"\x28\xb5\x2f\xfd"[..],
                        b"\x50\x2a\x4d\x18",
                        b"\x04\x22\x4d\x18",
                        b"\x02\x21\x4c\x18",
                    ])
            {
                head[..magic.len()].copy_from_slice(magic);
                head[0] = first;
                let by_table = detect(&head).map(|format| format.name);
                let by_row =
                    FORMATS.into_iter().find(|format| (format.begins)(&head)).map(|format| format.name);
                assert_eq!(by_table, by_row, "{head:?}");
            }
        }
    }

    #[test]
    fn the_documentation_has_a_row_for_each() {
        let rows: Vec<Vec<&str>> = include_str!("format.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! |"))
            .map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect())
            .skip(2)
            .collect();
        assert_eq!(rows.len(), FORMATS.len());
        for (row, format) in rows.iter().zip(FORMATS) {
            assert!(row[0].starts_with(format.name), "{format:?}: {row:?}");
            assert_eq!(row[3], format!("`{}`", format.member_path), "{format:?}");
        }
    }

    #[test]
    fn extensions_are_those_of_any_compressor() {
        assert_eq!(without_extension("a.log.gz"), Some("a.log"));
        assert_eq!(without_extension("DUMP.SQL.XZ"), Some("DUMP.SQL"));
        assert_eq!(without_extension("a.z"), Some("a"));
        assert_eq!(without_extension(".gz"), None);
        assert_eq!(without_extension("a.zip"), None);
    }
}
