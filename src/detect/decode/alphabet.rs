//! The two alphabets of base64 (RFC 4648, sections 4 and 5), read as one.

/// The standard alphabet, each character at its value.
pub(super) const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each character of both alphabets, 64 for any other byte.
pub(super) const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut value = 0;
    while value < 64 {
        values[STANDARD[value as usize] as usize] = value;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// How many characters of base64 the shortest token takes, which is 40 bytes long.
pub(super) const SHORTEST_RUN: usize = 54;

/// Whether `byte` belongs to either alphabet.
pub(super) const fn is_character(byte: u8) -> bool {
    VALUES[byte as usize] < 64
}

/// Whether `byte` belongs to base64 or may end a line of it.
pub(super) const fn is_base64_or_break(byte: u8) -> bool {
    is_character(byte) || matches!(byte, b'\n' | b'\r' | b'\\')
}

/// The same, with what else stands between two lines and in few other texts: a tab, and the bar of a margin.
pub(super) const fn is_base64_or_gap(byte: u8) -> bool {
    is_base64_or_break(byte) || matches!(byte, b'\t' | b'|')
}
