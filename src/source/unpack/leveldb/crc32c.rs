//! CRC-32C (RFC 3720, appendix B.4), masked as these files keep it.

#[expect(clippy::cast_possible_truncation, reason = "there are 256 bytes")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut value, mut bit) = (index as u32, 0);
        while bit < 8 {
            value = if value & 1 != 0 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

static TABLE: [u32; 256] = table();

/// The masked checksum of some bytes (`crc32c::Mask` in `util/crc32c.h`).
pub(super) fn masked(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        sum >> 8 ^ TABLE[usize::from(low ^ byte)]
    });
    (!sum).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        let unmask = |sum: u32| sum.wrapping_sub(0xa282_ead8).rotate_left(15);
        assert_eq!(unmask(super::masked(&[0; 32])), 0x8a91_36aa);
        assert_eq!(unmask(super::masked(&[0xff; 32])), 0x62a8_ab43);
    }
}
