//! What a blob is, by its first bytes, its name and its end.

use super::format::Format;
use super::{dmg, formats, leveldb};
use crate::blob::{Blob, Body};

/// What names end in whose files are known by their ends alone: disk images of macOS, and the tables of databases.
const KNOWN_FROM_END: [&str; 3] = [".dmg", ".ldb", ".sst"];

/// Whether a blob has to be seen whole to be known.
pub(super) fn is_known_from_end(blob: &mut Blob<'_>) -> bool {
    let Body::Stream { head, rest } = &mut blob.body else { return false };
    !formats::is_text(head)
        && rest.seekable().is_none()
        && KNOWN_FROM_END.iter().any(|extension| formats::has_extension(&(blob.origin)().path, extension))
}

/// The container a blob is.
pub(super) fn container(blob: &mut Blob<'_>) -> Option<&'static Format> {
    let detected = formats::detect(blob.body.head())
        .or_else(|| formats::detect_by_name(blob.body.head(), || (blob.origin)().path));
    formats::with_last_bytes(&mut blob.body, |last, body| match detected {
        // An image of a disk begins with its first chunk, which is compressed, or the disk's own first bytes.
        Some(_) if dmg::is_at_end(last) => Some(&dmg::FORMAT),
        // The first block of a table may be a frame.
        Some(format) if format.is_weak() && leveldb::is_at_end(last) => Some(&leveldb::FORMAT),
        Some(format) => Some(format),
        None => formats::detect_by_last_bytes(last, body),
    })
}
