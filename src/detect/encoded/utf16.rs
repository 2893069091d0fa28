//! UTF-16, as Windows PowerShell writes it: with or without a byte order mark, at even and odd offsets.

/// The character that `rest` starts with, low byte first.
pub(super) fn unit_le(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [byte @ 1..=127, 0, ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// The character that `rest` starts with, high byte first.
pub(super) fn unit_be(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [0, byte @ 1..=127, ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// The character before the one at `at`: in either byte order it stands two bytes before, and a zero between.
pub(in crate::detect) fn before(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes[..at] {
        [.., byte @ 1..=127, 0] => Some(byte),
        _ => None,
    }
}

/// Whether the text around the character at `at` has its high bytes first.
///
/// In the middle of a text nothing tells: characters and zeros take turns either way. So its start is looked for: a
/// byte order mark, a zero (high byte first) or a character (low byte first). Where it is not among the bytes, `offset`
/// helps, the number of bytes in front of them: texts start at even ones. Where that is not known either, low byte
/// first is usual. `known` is the answer for an earlier character, so that no part of a text is walked twice.
pub(in crate::detect) fn is_big_endian(
    bytes: &[u8],
    at: usize,
    offset: Option<usize>,
    known: Option<(usize, bool)>,
) -> bool {
    let mut start = at;
    while before(bytes, start).is_some() {
        start -= 2;
        if let Some((earlier, answer)) = known
            && start == earlier
        {
            return answer;
        }
    }
    match bytes[..start] {
        [] | [0] => offset.is_some_and(|offset| (offset + at) % 2 == 1),
        [.., 0xfe, 0xff, 0] => true,
        // Zeros in front of it: a high byte, and whole empty characters.
        [.., 0] => bytes[..start].iter().rev().take(ZEROS).take_while(|byte| **byte == 0).count() % 2 == 1,
        _ => false,
    }
}

/// How many zeros in front of a text are counted.
const ZEROS: usize = 4096;
