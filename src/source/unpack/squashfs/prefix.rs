//! What stands before an image: the program that mounts it, in an `AppImage`
//! (<https://github.com/AppImage/AppImageSpec/blob/master/draft.md>, "Type 2 image format").

use super::super::random_access::{RandomAccess, look_into};
use super::super::table::{le16, le32, le64};
use crate::blob::Body;

/// The program's own magic bytes, in what ELF leaves free.
const APP_IMAGE: &[u8] = b"AI\x02";
/// The length of an ELF header of 64 bits, in bytes; that of 32 bits is shorter.
const ELF_HEADER: usize = 64;

/// Whether an image begins so: the magic number in either byte order, and a version there was ("The Superblock").
pub(in super::super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"hsqs") && matches!(head.get(28..32), Some([1..=4, 0, 0..=3, 0]))
        || head.starts_with(b"sqsh") && matches!(head.get(28..32), Some([0, 1..=4, 0, 0..=3]))
}

/// Whether one stands behind a program that begins so.
pub(in super::super) fn is_behind(head: &[u8]) -> bool {
    elf_end(head).is_some()
}

/// Whether a body is an `AppImage` with such an image in it.
pub(in super::super) fn is_app_image(body: &mut Body<'_>) -> bool {
    let Some(at) = elf_end(body.head()) else { return false };
    look_into(body, |file| file.bytes_at(at, 32).is_ok_and(|head| begins(&head))).unwrap_or(false)
}

/// How many bytes stand before the image.
pub(super) fn len(file: &mut RandomAccess<'_>) -> std::io::Result<u64> {
    let head = file.bytes_at(0, ELF_HEADER)?;
    Ok(elf_end(&head).unwrap_or(0))
}

/// Where the program ends: its table of sections is its last part (`e_shoff`, `e_shentsize` and `e_shnum` in elf(5)).
fn elf_end(head: &[u8]) -> Option<u64> {
    if !head.starts_with(b"\x7fELF") || head.get(8..11)? != APP_IMAGE {
        return None;
    }
    // Class 2 has 64 bits. All of its kinds are little-endian.
    let (at, size, count) = match head.get(4)? {
        2 => (le64(head, 40), le16(head, 58), le16(head, 60)),
        _ => (le32(head, 32).into(), le16(head, 46), le16(head, 48)),
    };
    at.checked_add(u64::from(size) * u64::from(count))
}
