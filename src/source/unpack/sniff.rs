//! Which container a blob is, told from its first bytes alone.

use std::io::{Read as _, SeekFrom};

use memchr::memmem;

use super::{lzma, tar, zip};
use crate::blob::{Body, ReadSeek};

/// Bytes that are enough to tell: a tar has its mark in its first block.
pub(super) const ENOUGH: usize = 512;

/// The containers that are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    Ar,
    SevenZ,
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
    Lz4,
}

/// The container that begins so. Almost every file is turned away by its first byte and by byte 257.
pub(super) fn sniff(head: &[u8]) -> Option<Kind> {
    let by_magic = match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..] => Kind::Zip,
        // The three upper flag bits are reserved, and 8 is the only method there ever was.
        [0x1f, 0x8b, 8, 0..=0x1f, ..] => Kind::Gzip,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Kind::Bzip2,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Xz,
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Kind::SevenZ,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Kind::Zstd,
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Kind::Lz4,
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => Kind::Ar,
        [0x5d, ..] if lzma::begins(head) => Kind::Lzma,
        _ => return tar::begins(head).then_some(Kind::Tar),
    };
    Some(by_magic)
}

/// Whether other data may begin so by chance.
pub(super) fn weak(kind: Kind) -> bool {
    matches!(kind, Kind::Gzip | Kind::Lzma | Kind::Zstd | Kind::Lz4)
}

/// How a zip's directory ends.
const END: &[u8] = b"PK\x05\x06";
/// That record, and the longest comment behind it.
const END_MOST: usize = 22 + 65_535;

/// Whether a zip hangs at the end of something else: a self-extracting program, a script with its modules, an image.
///
/// Any file may end in a directory without a comment, and one look tells; a commented one is looked for behind programs
/// only. The mark alone also stands in every program that knows of zip.
pub(super) fn zip_at_end(body: &mut Body<'_>) -> bool {
    let program = is_program(body.head());
    match body {
        Body::Whole(bytes) => {
            has_mark(bytes, program) && zip::ends_in_directory(&mut std::io::Cursor::new(bytes))
        }
        Body::Stream { head, rest } => {
            let behind_head = head.len() as u64;
            let Some(file) = rest.seekable() else { return false };
            let found = tail(file, if program { END_MOST } else { 22 })
                .is_ok_and(|bytes| has_mark(&bytes, program))
                && zip::ends_in_directory(file);
            // The reader may share its position with the seekable view of it.
            file.seek(SeekFrom::Start(behind_head)).is_ok() && found
        }
    }
}

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

fn has_mark(bytes: &[u8], search: bool) -> bool {
    let last = bytes.len().checked_sub(22).is_some_and(|at| bytes[at..].starts_with(END));
    last || search && memmem::rfind(&bytes[bytes.len().saturating_sub(END_MOST)..], END).is_some()
}

fn tail(file: &mut dyn ReadSeek, most: usize) -> std::io::Result<Vec<u8>> {
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(len.saturating_sub(most as u64)))?;
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_left_alone() {
        for head in [
            &b""[..],
            b"P",
            b"PK",
            b"PK are my initials",
            b"\x89PNG\r\n\x1a\n",
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
            assert_eq!(sniff(head), None, "{head:?}");
        }
    }
}
