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

use std::io::{BufReader, Cursor, Read as _, SeekFrom};

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek};

pub(super) use record::END;
use record::{END_LEN, Entry, LOCAL_LEN, le16};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "zip",
    first_bytes: b"P",
    begins,
    signature: Signature::Strong,
    at_end: Some(at_end::is_at_end),
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.zip!inner/path",
};

/// Whether an archive begins so: with a member, with the end of an empty directory, or, one of several parts, with the
/// spanning marker before its first member (APPNOTE 8.5.4).
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..])
}

/// Whether a member begins here, as far as chance is concerned: a name that may be one, a method and a version that exist
/// (APPNOTE 4.3.7, 4.4.3).
pub(super) fn begins_with_member(bytes: &[u8]) -> bool {
    let Some((entry, name_len, _)) = Entry::local(bytes) else { return false };
    let name = bytes.get(LOCAL_LEN..).unwrap_or_default();
    let name = name.get(..name_len).unwrap_or(name);
    let version = le16(bytes, 4) & 0xff;
    entry.is_plausible() && version <= 63 && name_len > 0 && name.iter().all(|byte| *byte >= b' ')
}

/// Hands on the members of an archive that begins somewhere in something else, and nothing beside them; how many bytes they take.
pub(super) fn read_forwards(container: &OpenContainer<'_>, input: &mut Input<'_>) -> u64 {
    walk::read_members(container, input, 0);
    input.offset()
}

/// Hands on the members of an archive that was put behind something else that is opened by its beginning: one without a comment, for
/// what is opened so may hold archives as well.
pub(super) fn open_at_end(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let mut last = [0; END_LEN];
    let begin = file.seek(SeekFrom::End(0)).ok().and_then(|len| len.checked_sub(END_LEN as u64));
    let read = begin.map(|begin| file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut last)));
    if !matches!(read, Some(Ok(()))) || !last.starts_with(END) {
        return;
    }
    if let Ok(Some(found)) = directory::find(file)
        && !found.is_empty()
        && let Err(error) = directory::read(container, file, &found)
    {
        container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
    }
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
