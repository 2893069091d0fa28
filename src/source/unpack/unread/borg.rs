//! A segment of a Borg repository
//! (<https://borgbackup.readthedocs.io/en/stable/internals/data-structures.html>, "Segments").

/// No entry is longer: `MAX_OBJECT_SIZE` and its header (`src/borg/constants.py` of Borg).
const MAX_ENTRY: u32 = 24 * 1024 * 1024;

/// Whether a segment begins so: the signature, and the first entry's checksum, size and tag.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"BORG_SEG") else { return false };
    let Some([_, _, _, _, size @ .., tag]) = rest.first_chunk::<9>() else { return false };
    let size = u32::from_le_bytes(*size);
    match tag {
        // PUT: the key's 32 bytes behind the header, and what is put; in later versions a hash before that.
        0 => (41..=MAX_ENTRY).contains(&size),
        3 => (49..=MAX_ENTRY).contains(&size),
        // DELETE, and COMMIT.
        1 => size == 41,
        2 => size == 9,
        _ => false,
    }
}
