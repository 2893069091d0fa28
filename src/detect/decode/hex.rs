//! `67 68 70 5f`: dumps, `xxd`, database literals; either case, in one piece or with a colon or blank between bytes.

/// The byte that two hexadecimal digits of either case stand for.
pub(in crate::detect) fn pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}

/// The character that `rest` starts with, two digits each.
pub(super) fn unit(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [high, low, ..] => pair(*high, *low).map(|byte| (byte, 2)),
        _ => None,
    }
}

/// The same where one colon, dash or blank may follow each pair of digits.
pub(super) fn spaced_unit(rest: &[u8]) -> Option<(u8, usize)> {
    let (byte, width) = unit(rest)?;
    let apart = matches!(rest.get(width), Some(b':' | b' ' | b'-'));
    Some((byte, width + usize::from(apart)))
}
