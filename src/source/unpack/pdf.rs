//! PDF (ISO 32000-1): the streams of its objects, and the texts that its pages show in pieces.
//!
//! Objects are found where they stand, and not by the table at the end: so those of older revisions are read, and those of a file
//! that was cut off. The file itself is scanned as it is as well.

mod cipher;
mod document;
mod encryption;
mod filters;
mod fonts;
mod lexer;
mod objects;
mod predictor;
mod security;
mod text;

use std::io::{self, Cursor, Read};

use memchr::memmem;
use zeroize::Zeroize as _;

use super::bounded_reader::StreamError;
use super::chunk::Chunk;
use super::format::{Format, Reader, Signature};
use super::limits::Limit;
use super::open_container::{Content, OpenContainer, Region};
use super::random_access::RandomAccess;
use super::spool::{Spooled, with_seekable};
use super::zip;
use crate::blob::{Body, ReadSeek, fill};
use document::Document;
#[cfg(test)]
pub(super) use encryption::encrypt;
use encryption::{Protection, is_encrypted};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "PDF",
    // Some have a mark or blanks in front.
    first_bytes: b"%\xef\r\n \0",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.pdf!object 12",
};

/// Where the header may stand (ISO 32000-1, Annex H, note 13).
const HEADER_WITHIN: usize = 1024;

/// How much of a file is read at a time: an object that is larger is not looked into.
const CHUNK: usize = 32 * 1024 * 1024;

/// Whether a document begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"%PDF-")
        || !head.starts_with(b"%") && memmem::find(&head[..head.len().min(HEADER_WITHIN)], b"%PDF-").is_some()
}

/// Hands on the streams, and what is shown in pieces.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => {
            container.scan_raw(0, bytes);
            zip::open_at_end(&container.carved(), &mut Cursor::new(bytes));
            read_whole(container, bytes);
        }
        Spooled::File(file) => {
            let scanned = file.rewind().map(|()| {
                container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
            });
            zip::open_at_end(&container.carved(), file);
            let read = scanned.and_then(|()| read_file(container, file));
            if let Err(error) = read {
                container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
            }
        }
        Spooled::TooLarge(bytes, rest) => {
            container.hand_over(Region::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

/// Reads a document that is in memory.
fn read_whole(container: &OpenContainer<'_>, bytes: &[u8]) {
    let key = match Protection::of(bytes) {
        Protection::Unlocked(key) => Some(key),
        Protection::None | Protection::Locked => None,
    };
    let mut document = Document::new(container, key);
    document.read_objects(bytes, true);
    document.finish();
}

/// All of a file that is encrypted, if that can be held: its key may be made of what stands anywhere in it.
fn whole_encrypted(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> Option<Chunk> {
    /// Where trailers are: at the end, or near the beginning of a file that is to be read from a network (Annex F).
    const TRAILERS: [u64; 2] = [64 * 1024, 1024 * 1024];
    const MAX_LEN: usize = 64 * 1024 * 1024;
    let mut file = RandomAccess::File(file);
    let len = file.len().ok()?;
    let [first, last] = TRAILERS.map(|most| most.min(len));
    let mut part = |begin, len| file.chunk((begin, len), MAX_LEN, container.budget).ok();
    let is_encrypted = part(0, first).is_some_and(|bytes| is_encrypted(&bytes))
        || part(len - last, last).is_some_and(|bytes| is_encrypted(&bytes));
    if is_encrypted { part(0, len) } else { None }
}

/// Reads a file chunk by chunk, each up to the end of its last object.
fn read_file(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> io::Result<()> {
    if let Some(bytes) = whole_encrypted(container, file) {
        read_whole(container, &bytes);
        return Ok(());
    }
    file.rewind()?;
    let mut document = Document::new(container, None);
    let (mut bytes, mut offset, mut filled) = (Vec::new(), 0, 0);
    let mut reservations = Vec::new();
    while container.may_continue() {
        if bytes.len() < CHUNK && filled == bytes.len() {
            let more = if bytes.is_empty() { CHUNK / 32 } else { bytes.len() };
            reservations.push(container.budget.reserve(more as u64)?);
            let mut larger = Vec::with_capacity(bytes.len() + more);
            larger.extend_from_slice(&bytes);
            larger.resize(bytes.len() + more, 0);
            bytes.zeroize();
            bytes = larger;
        }
        let (read, outcome) = fill(file, &mut bytes[filled..]);
        filled += read;
        let last = !outcome?;
        let used = document.read_objects(&bytes[..filled], last);
        if last || document.encrypted {
            break;
        }
        let used = if used == 0 && filled == CHUNK {
            container.report(Region::Raw(offset), StreamError::LimitReached(Limit::Memory), None);
            filled
        } else {
            used
        };
        bytes.copy_within(used..filled, 0);
        filled -= used;
        offset += used as u64;
    }
    bytes.zeroize();
    document.finish();
    Ok(())
}
