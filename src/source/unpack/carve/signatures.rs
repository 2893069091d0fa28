//! The signatures that are looked for, all at once.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};

use super::pairs::Pairs;
use super::proof;
use super::sample::Wanted;
use crate::source::unpack::decoder::StreamFormat;
use crate::source::unpack::{bzip2, gzip, lz4, lzma, xz, zip, zstd};

/// What begins with some bytes, and how it is opened.
pub(super) struct Signature {
    magic: &'static [u8],
    /// Its first two bytes.
    pair: [u8; 2],
    /// Whether what follows fits, as far as the bytes go, the signature's own included.
    fits: fn(&[u8]) -> bool,
    pub(super) opening: Opening,
}

/// How something that was found is opened.
pub(super) enum Opening {
    /// A compressor's file, of which so many bytes must come out.
    Stream(&'static StreamFormat, fn(&[u8]) -> usize),
    /// A zlib stream, which has no file format.
    Zlib,
    /// A zip, from its first member on.
    Zip,
    /// An archive of the table of formats whose header states how long it is.
    Archive(fn(&[u8]) -> Option<u64>),
}

/// As many bytes as a signature's proof may read: the code lengths of a deflate block, twenty fixed codes, a zip's header.
pub(super) const LONGEST: usize = 160;

/// The length of the longest signature.
pub(super) const LONGEST_MAGIC: usize = 8;

/// Whether a signature begins with these bytes, and is longer.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    SIGNATURES
        .iter()
        .any(|signature| signature.magic.len() > bytes.len() && signature.magic.starts_with(bytes))
}

/// What must come out of a stream at least.
const LEAST: fn(&[u8]) -> usize = |_| 1;

const fn zlib(magic: &'static [u8]) -> Signature {
    Signature { magic, pair: pair(magic), fits: proof::zlib, opening: Opening::Zlib }
}

const fn stream(
    magic: &'static [u8],
    fits: fn(&[u8]) -> bool,
    opening: (&'static StreamFormat, fn(&[u8]) -> usize),
) -> Signature {
    Signature { magic, pair: pair(magic), fits, opening: Opening::Stream(opening.0, opening.1) }
}

const fn archive(magic: &'static [u8], len: fn(&[u8]) -> Option<u64>) -> Signature {
    Signature { magic, pair: pair(magic), fits: |_| true, opening: Opening::Archive(len) }
}

const fn pair(magic: &[u8]) -> [u8; 2] {
    [magic[0], magic[1]]
}

/// The compression levels that zlib states with a window of 32 KiB come first (RFC 1950, 2.2).
static SIGNATURES: [Signature; 15] = [
    zlib(b"\x78\x9c"),
    zlib(b"\x78\x01"),
    zlib(b"\x78\x5e"),
    zlib(b"\x78\xda"),
    stream(b"\x1f\x8b\x08", |head| cut_short(head, 4) || gzip::begins(head), (&gzip::STREAM, gzip::least)),
    stream(b"\x28\xb5\x2f\xfd", |_| true, (&zstd::STREAM, LEAST)),
    stream(b"\xfd7zXZ\0", |_| true, (&xz::STREAM, LEAST)),
    stream(b"BZh", |head| cut_short(head, 10) || bzip2::begins(head), (&bzip2::STREAM, LEAST)),
    stream(b"\x04\x22\x4d\x18", |_| true, (&lz4::STREAM, LEAST)),
    stream(b"\x02\x21\x4c\x18", |_| true, (&lz4::STREAM, LEAST)),
    stream(
        b"\x5d\0\0",
        |head| cut_short(head, 14) || lzma::begins(head) && !head.starts_with(b"\x5d\0\0\0\0"),
        (&lzma::STREAM, |_| lzma::LEAST),
    ),
    Signature {
        magic: b"PK\x03\x04",
        pair: *b"PK",
        fits: |head| cut_short(head, 64) || zip::begins_with_member(head),
        opening: Opening::Zip,
    },
    archive(b"7z\xbc\xaf\x27\x1c", sevenz_len),
    archive(b"MSCF\0\0\0\0", cabinet_len),
    archive(b"hsqs", squashfs_len),
];

/// Whether the bytes end before it can be told.
fn cut_short(head: &[u8], needed: usize) -> bool {
    head.len() < needed
}

/// The length of a 7z archive: its header stands behind 32 bytes, which state where and how long it is, and the checksum of that
/// (7zFormat.txt, `SignatureHeader`).
fn sevenz_len(head: &[u8]) -> Option<u64> {
    let start = head.get(12..32)?;
    let sum = u32::from_le_bytes(*head.get(8..12)?.first_chunk()?);
    let number = |at: usize| Some(u64::from_le_bytes(*start.get(at..)?.first_chunk()?));
    let len = 32_u64.checked_add(number(0)?)?.checked_add(number(8)?)?;
    (crc32fast::hash(start) == sum).then_some(len)
}

/// The length of a cabinet (MS-CAB, 2.1, `cbCabinet`).
fn cabinet_len(head: &[u8]) -> Option<u64> {
    Some(u64::from(u32::from_le_bytes(*head.get(8..)?.first_chunk()?)))
}

/// The length of a squashfs image of version 4 (`bytes_used` in `squashfs_fs.h` of Linux).
fn squashfs_len(head: &[u8]) -> Option<u64> {
    let version = u16::from_le_bytes(*head.get(28..)?.first_chunk()?);
    (version == 4).then_some(u64::from_le_bytes(*head.get(40..)?.first_chunk()?))
}

/// How many of the first signatures noise has.
const WEAK: usize = 4;

/// How signatures are found: by their first two bytes, or on machines without the instructions for that by the automaton.
static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(SIGNATURES.iter().map(|signature| signature.magic)).ok());

static PAIRS: LazyLock<Option<Pairs>> = LazyLock::new(Pairs::detected);

/// The first signature from an offset on that is followed by what fits, and where it is.
pub(super) fn next(bytes: &[u8], from: usize, wanted: Wanted) -> Option<(usize, &'static Signature)> {
    if let Some(pairs) = *PAIRS {
        let at = pairs.find(bytes, from, |at| signature_at(bytes, at, wanted).is_some())?;
        return Some((at, signature_at(bytes, at, wanted)?));
    }
    let automaton = AUTOMATON.as_ref()?;
    let mut from = from;
    while from < bytes.len() {
        let at = automaton.find(Input::new(bytes).range(from..))?.start();
        if let Some(signature) = signature_at(bytes, at, wanted) {
            return Some((at, signature));
        }
        from = at + 1;
    }
    None
}

/// The signature that stands at an offset, followed by what fits.
fn signature_at(bytes: &[u8], at: usize, wanted: Wanted) -> Option<&'static Signature> {
    let rest = bytes.get(at..)?;
    let skipped = if wanted == Wanted::Strong { WEAK } else { 0 };
    let pair = rest.first_chunk::<2>()?;
    // Compared as numbers: what only looks like one of the pairs is most of what is asked for.
    let mut signatures = SIGNATURES.iter().skip(skipped).filter(|one| one.pair == *pair);
    signatures.find(|one| rest.starts_with(one.magic) && (one.fits)(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_automaton_finds_what_the_vectors_find() {
        let automaton = AUTOMATON.as_ref().expect("few signatures");
        for signature in &SIGNATURES {
            let bytes = [&[0xee; 40][..], signature.magic, &[0xee; 40]].concat();
            assert_eq!(automaton.find(&bytes).map(|found| found.start()), Some(40));
            let Some(pairs) = *PAIRS else { return };
            assert_eq!(pairs.find(&bytes, 0, |at| at == 40), Some(40));
        }
    }
}
