//! A file that is one compressed stream: gzip, bzip2, xz, LZMA, Zstandard, LZ4.

use std::io::{self, ErrorKind};

use super::bounded_reader::{StreamError, read_caught};
use super::budget::Budget;
use super::decoder::{DecodeReader, Format};
use super::input::{Input, with_feed};
use super::open_container::{Content, Name, OpenContainer, Place};
use super::sniff::Kind;
use super::{bzip2, gzip, lz4, lzma, xz, zstd};
use crate::blob::Body;

fn format(kind: Kind) -> Option<&'static Format> {
    Some(match kind {
        Kind::Gzip => &gzip::FORMAT,
        Kind::Bzip2 => &bzip2::FORMAT,
        Kind::Xz => &xz::FORMAT,
        Kind::Lzma => &lzma::FORMAT,
        Kind::Zstd => &zstd::FORMAT,
        Kind::Lz4 => &lz4::FORMAT,
        Kind::Zip | Kind::Tar | Kind::Ar | Kind::SevenZ => return None,
    })
}

/// Whether `head` decompresses at all: its first bytes may be those of a container by chance.
pub(super) fn holds(kind: Kind, head: &[u8], budget: &Budget) -> bool {
    let Some(format) = format(kind) else { return true };
    let mut pump = DecodeReader::joined(Input::memory(head, budget), format);
    // Chance bytes may make a decoder give a little; a header as compressors write it is trusted sooner.
    let usual = matches!(head, [_, _, _, _, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..]);
    let enough = match kind {
        Kind::Gzip if !usual => 256,
        Kind::Gzip | Kind::Lzma => 1,
        // The marks of these are four bytes long: the header decides, and a damaged block is a damaged file.
        _ => 0,
    };
    if let Some(error) = pump.refused() {
        return allowed(error);
    }
    let (mut buf, mut read) = ([0; 256], 0);
    while read < enough {
        match read_caught(&mut pump, &mut buf) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) => return allowed(&error),
        }
    }
    true
}

/// Whether a decoder may refuse with this what is one of its files all the same.
fn allowed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::OutOfMemory | ErrorKind::Unsupported)
}

/// Hands on what was compressed, then what stands beside and behind it.
pub(super) fn open(level: &OpenContainer<'_>, kind: Kind, body: Body<'_>) {
    let Some(format) = format(kind) else { return };
    let head = match &body {
        Body::Whole(bytes) => *bytes,
        Body::Stream { head, .. } => *head,
    };
    with_feed(body, level.budget, |feed| {
        let mut pump = DecodeReader::joined(Input::reader(feed, level.budget), format);
        let name = content_name(pump.name(), &(level.origin)().path);
        let taken = pump.taken();
        let (out, trouble) = level.hand(Place::Packed(&name), Content::Packed(&mut pump, taken, 0));
        if out == 0 && matches!(trouble, Some(StreamError::Damaged(_))) {
            level.aside(0, head);
            return;
        }
        let (asides, mut rest) = pump.into_rest();
        let own = asides.first().filter(|aside| aside.name && name.looked_at()).map(|aside| aside.at);
        for aside in asides.iter().filter(|aside| Some(aside.at) != own) {
            level.aside(aside.at, &aside.bytes);
        }
        let behind = rest.at();
        if trouble.is_none() && level.goes_on() && rest.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
            level.hand(Place::Raw(behind), Content::Stored(&mut rest));
        }
    });
}

/// What compressed content is called: as its header says, else as the file without its extension.
fn content_name(own: Option<&[u8]>, path: &str) -> Name {
    const EXTENSIONS: [&str; 9] = [".gz", ".bz2", ".xz", ".lzma", ".zst", ".zstd", ".lz4", ".z", ".bz"];
    if let Some(own) = own {
        return Name::new(own);
    }
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    let stem = EXTENSIONS.iter().find_map(|extension| {
        let at = file.len().checked_sub(extension.len())?;
        let (stem, end) = (file.get(..at)?, file.get(at..)?);
        (end.eq_ignore_ascii_case(extension) && !stem.is_empty()).then_some(stem)
    });
    Name::text(stem.unwrap_or("content").to_owned())
}
