//! `67 68 70 5f` (base16, RFC 4648, section 8): `xxd` and other dumps, database literals; in either case, with or without a
//! colon, dash or blank between bytes.

/// The byte that two hexadecimal digits of either case stand for.
pub(in crate::detect) fn pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}

/// The character that `rest` starts with, two digits each.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [high, low, ..] => pair(*high, *low).map(|byte| (byte, 2)),
        _ => None,
    }
}

/// The same where one colon, dash or blank may follow each pair of digits.
pub(super) fn first_char_spaced(rest: &[u8]) -> Option<(u8, usize)> {
    let (byte, width) = first_char(rest)?;
    let separated = matches!(rest.get(width), Some(b':' | b' ' | b'-'));
    Some((byte, width + usize::from(separated)))
}
