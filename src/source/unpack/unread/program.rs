//! What stands right behind a program: a self-extracting archive is its extractor and then the archive.

use super::super::random_access::look_into;
use crate::blob::Body;

/// How many bytes are looked at behind the program.
const LEN: usize = 8;

/// Whether a program is followed by one of these signatures.
pub(super) fn is_followed_by(body: &mut Body<'_>, signatures: &[&[u8]]) -> bool {
    let Some(end) = end(body.head()) else { return false };
    let mut behind = [0; LEN];
    let read = look_into(body, |file| file.fill_at(&mut behind, end));
    let Some(Ok(read)) = read else { return false };
    let behind = &behind[..read];
    signatures.iter().any(|signature| behind.starts_with(signature))
}

/// Where a program ends by what its own header says.
fn end(head: &[u8]) -> Option<u64> {
    match head {
        [b'M', b'Z', ..] => pe_end(head),
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => {
            elf_end(le(head, 0x28, 8)?, le(head, 0x3a, 2)?, le(head, 0x3c, 2)?)
        }
        [0x7f, b'E', b'L', b'F', 1, 1, ..] => {
            elf_end(le(head, 0x20, 4)?, le(head, 0x2e, 2)?, le(head, 0x30, 2)?)
        }
        _ => None,
    }
}

/// A little-endian number of a header.
fn le(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The section headers stand last in what linkers write (elf(5): `e_shoff`, `e_shentsize`, `e_shnum`).
fn elf_end(offset: u64, entry: u64, count: u64) -> Option<u64> {
    (offset > 0).then(|| offset.saturating_add(entry * count))
}

/// Behind the section of a PE that ends last (<https://learn.microsoft.com/en-us/windows/win32/debug/pe-format>): its table
/// stands behind the optional header, with a size at 16 and an offset at 20 of each entry.
fn pe_end(head: &[u8]) -> Option<u64> {
    const ENTRY: usize = 40;
    let header = usize::try_from(le(head, 0x3c, 4)?).ok()?;
    if head.get(header..header.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let (sections, optional) = (le(head, header + 6, 2)?, le(head, header + 20, 2)?);
    let table = header + 24 + usize::try_from(optional).ok()?;
    let ends = (0..usize::try_from(sections).ok()?).map(|section| {
        let at = table + section * ENTRY;
        Some(le(head, at + 16, 4)? + le(head, at + 20, 4)?)
    });
    ends.collect::<Option<Vec<u64>>>()?.into_iter().max()
}
