//! Parquet (<https://parquet.apache.org/docs/file-format/>): tables whose columns are pages, compressed one by one.
//!
//! The footer says where the pages of each column are. They are handed on unpacked; the values of dictionaries and of most encodings
//! stand whole in them, and those that leave out what they share with the one before are put together.

mod delta;
mod footer;
mod page;
mod thrift;

use std::io::{self, ErrorKind};

use super::besides::ReadBesides;
use super::format::{Format, Reader, Signature};
use super::open_container::{OpenContainer, Region};
use super::random_access::RandomAccess;
use crate::blob::ReadSeek;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Parquet",
    first_bytes: b"P",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.parquet!column NAME",
};

/// Whether a file begins so: with the header of a page behind the magic number, which is no text.
fn begins(head: &[u8]) -> bool {
    let is_text = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' '..=b'~');
    (head.starts_with(MAGIC) || head.starts_with(ENCRYPTED))
        && head.get(4).is_some_and(|byte| !is_text(*byte))
}

const MAGIC: &[u8] = b"PAR1";
/// With an encrypted footer (<https://github.com/apache/parquet-format/blob/master/Encryption.md>).
const ENCRYPTED: &[u8] = b"PARE";
/// The largest footer that is read, in bytes.
const MAX_FOOTER: usize = 64 * 1024 * 1024;

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    match read(container, file) {
        Ok(()) => {}
        Err(error) => container.report_read_error(&error),
    }
}

fn read(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> io::Result<()> {
    let mut file = RandomAccess::File(file);
    let wrong = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let at = file.len()?.checked_sub(8).ok_or_else(|| wrong("it has no footer"))?;
    let mut tail = [0; 8];
    file.read_exact_at(&mut tail, at)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic == ENCRYPTED {
        container.report_encrypted(Region::Raw(0));
        return Ok(());
    }
    if magic != MAGIC {
        return Err(wrong("it has no footer"));
    }
    let len = u64::from(u32::from_le_bytes([a, b, c, d]));
    let from = at.checked_sub(len).ok_or_else(|| wrong("its footer is wrong"))?;
    let footer = file.chunk((from, len), MAX_FOOTER, container.budget)?;
    let mut failed = Ok(());
    let parsed = footer::columns(&footer, &mut |column| {
        if column.is_encrypted {
            container.report_encrypted(Region::Raw(0));
            return false;
        }
        let read = page::hand_over(container, &mut file, column);
        if failed.is_ok() {
            failed = read;
        }
        container.may_continue()
    });
    parsed.ok_or_else(|| wrong("its footer is wrong"))?;
    failed
}
