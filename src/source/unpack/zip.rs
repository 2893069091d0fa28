//! zip, and all that is zip: jar, whl, docx, apk, Terraform plans, self-extracting programs.
//!
//! The format is PKWARE's APPNOTE (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>), whose sections are cited.
//!
//! Read here rather than by the `zip` crate, which holds the whole directory in memory however long it claims to be,
//! refuses an archive for one bad entry, and gives no access to the bytes between members.

mod archive_reader;
mod at_end;
mod directory;
mod large;
mod member;
mod method;
mod record;
mod streamed;
mod walk;

use std::io::{BufReader, Cursor, Read as _};

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek};

pub(super) use at_end::at_end;
pub(super) use record::END;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "zip",
    first_bytes: b"P",
    begins,
    signature: Signature::Strong,
    at_end: Some(at_end),
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.zip!inner/path",
};

/// Whether an archive begins so: with a member, with the end of an empty directory, or, one of several parts, with the
/// spanning marker before its first member (APPNOTE 8.5.4).
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..])
}

/// Hands on the members, and what stands outside of them.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => open_file(container, &mut Cursor::new(bytes)),
        Spooled::File(file) => open_file(container, file),
        Spooled::TooLarge(bytes, rest) => {
            let mut reader = bytes.chain(BufReader::new(rest));
            if let Some(error) = walk::walk(container, &mut Input::reader(&mut reader, container.budget), 0) {
                container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
            }
        }
    });
}

/// By its directory, or without one.
fn open_file(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let damaged = |message: String| container.report(Region::Raw(0), StreamError::Damaged(message), None);
    match directory::find(file) {
        Ok(Some(found)) => {
            if let Err(error) = directory::read(container, file, &found) {
                damaged(error.to_string());
            }
        }
        Ok(None) => {
            if file.rewind().is_ok() {
                let mut reader = BufReader::new(file);
                let error = walk::walk(container, &mut Input::reader(&mut reader, container.budget), 0);
                let how = error.map_or_else(String::new, |error| format!(", {error}"));
                damaged(format!("its directory is missing or wrong{how}"));
            }
        }
        Err(error) => damaged(error.to_string()),
    }
}
