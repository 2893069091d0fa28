//! ARJ's main header, which has a checksum of its own (the file `technote.txt` of ARJ's distribution).

/// The header's identification, `60 EA`.
const ID: [u8; 2] = [0x60, 0xea];
/// The least and the most bytes of a basic header.
const SIZES: std::ops::RangeInclusive<usize> = 30..=2600;

/// Whether an archive begins so: the identification, the size of the header, the header, and its CRC-32.
pub(super) fn begins(head: &[u8]) -> bool {
    let [first, second, low, high, rest @ ..] = head else { return false };
    let size = usize::from(u16::from_le_bytes([*low, *high]));
    if [*first, *second] != ID || !SIZES.contains(&size) {
        return false;
    }
    let Some((header, behind)) = rest.split_at_checked(size) else {
        // A long comment goes beyond what is seen of it: the file type of a main header is 2, and it is never shorter.
        return rest.first().is_some_and(|first_size| (30..=60).contains(first_size))
            && rest.get(6) == Some(&2);
    };
    behind.first_chunk().is_some_and(|sum| u32::from_le_bytes(*sum) == crc32fast::hash(header))
}
