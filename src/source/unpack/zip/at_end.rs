//! A zip at the end of something else: a self-extracting program, a script with its modules, an image.

use std::io::{Cursor, SeekFrom};

use memchr::memmem;

use super::directory::{self, MAX_END_LEN};
use super::record::{END, END_LEN};
use crate::blob::{Body, ReadSeek};

/// Whether a body with these last bytes ends in a sound central directory that names something.
///
/// Any file may end in a directory without a comment, and its last bytes decide; a commented one is searched for behind
/// programs only. The signature alone also stands in every program that can read zips.
pub(in super::super) fn is_at_end(last: &[u8], body: &mut Body<'_>) -> bool {
    let uncommented = last.len().checked_sub(END_LEN).is_some_and(|at| last[at..].starts_with(END));
    if !uncommented && !is_program(body.head()) {
        return false;
    }
    match body {
        Body::Whole(bytes) => {
            let end = &bytes[bytes.len().saturating_sub(MAX_END_LEN)..];
            memmem::find(end, END).is_some() && ends_in_directory(&mut Cursor::new(bytes))
        }
        Body::Stream { head, rest } => {
            let behind_head = head.len() as u64;
            let Some(file) = rest.seekable() else { return false };
            let found = ends_in_directory(file);
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
