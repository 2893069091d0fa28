//! `tuc_`: rot13, which moves letters by half of the alphabet.

/// The character that `rest` starts with.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    let moved = |byte: u8, first: u8| first + (byte - first + 13) % 26;
    let byte = match *rest.first()? {
        byte @ b'a'..=b'z' => moved(byte, b'a'),
        byte @ b'A'..=b'Z' => moved(byte, b'A'),
        byte @ (b'0'..=b'9' | b'_') => byte,
        _ => return None,
    };
    Some((byte, 1))
}
