//! A zip at the end of something else: a self-extracting program, a script with its modules, an image.

use std::io::{self, Cursor, Read as _, SeekFrom};

use memchr::memmem;

use super::directory;
use super::record::{END, END_LEN};
use crate::blob::{Body, ReadSeek};

/// The end of central directory record with the longest comment there can be: its length has two bytes (APPNOTE 4.3.16).
const MAX_END_LEN: usize = END_LEN + u16::MAX as usize;

/// Whether a body ends in a sound central directory that names something.
///
/// Any file may end in a directory without a comment, and one look at the end decides; a commented one is searched for
/// behind programs only. The signature alone also stands in every program that can read zips.
pub(in super::super) fn at_end(body: &mut Body<'_>) -> bool {
    let program = is_program(body.head());
    match body {
        Body::Whole(bytes) => has_end_record(bytes, program) && ends_in_directory(&mut Cursor::new(bytes)),
        Body::Stream { head, rest } => {
            let behind_head = head.len() as u64;
            let Some(file) = rest.seekable() else { return false };
            let found = tail(file, if program { MAX_END_LEN } else { END_LEN })
                .is_ok_and(|bytes| has_end_record(&bytes, program))
                && ends_in_directory(file);
            // The reader may share its position with the seekable view of it.
            file.seek(SeekFrom::Start(behind_head)).is_ok() && found
        }
    }
}

/// Whether a file ends in a sound directory that names something.
fn ends_in_directory(file: &mut dyn ReadSeek) -> bool {
    directory::find(file).is_ok_and(|found| found.is_some_and(|found| !found.is_empty()))
}

/// Programs by their magic numbers, as magic(5) lists them: DOS and Windows, ELF, scripts, Mach-O.
fn is_program(head: &[u8]) -> bool {
    matches!(
        head,
        [b'M', b'Z', ..]
            | [0x7f, b'E', b'L', b'F', ..]
            | [b'#', b'!', ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..]
            | [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..]
    )
}

fn has_end_record(bytes: &[u8], search: bool) -> bool {
    let last = bytes.len().checked_sub(END_LEN).is_some_and(|at| bytes[at..].starts_with(END));
    last || search && memmem::rfind(&bytes[bytes.len().saturating_sub(MAX_END_LEN)..], END).is_some()
}

fn tail(file: &mut dyn ReadSeek, most: usize) -> io::Result<Vec<u8>> {
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(len.saturating_sub(most as u64)))?;
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
