//! `\u0067\u0068`: JSON and JavaScript, Java properties, Python and C literals, `$'…'` of shells.

use super::hex;

/// How many backslashes in front of one escape are read: each string within a string doubles them.
const MAX_BACKSLASHES: usize = 8;

/// The encoded character that `rest` starts with: `\u0067`, `\u{67}`, `\U00000067`, `\x67` or `\147`.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    let backslashes = backslashes(rest);
    let (byte, width) = match &rest[backslashes..] {
        [b'u', b'{', code @ ..] => {
            let zeros = code.iter().take(4).take_while(|byte| **byte == b'0').count();
            let [high, low, b'}', ..] = &code[zeros..] else { return None };
            (hex::pair(*high, *low)?, zeros + 5)
        }
        [b'u', b'0', b'0', high, low, ..] => (hex::pair(*high, *low)?, 5),
        [b'U', b'0', b'0', b'0', b'0', b'0', b'0', high, low, ..] => (hex::pair(*high, *low)?, 9),
        [b'x', high, low, ..] => (hex::pair(*high, *low)?, 3),
        [first @ b'0'..=b'1', high @ b'0'..=b'7', low @ b'0'..=b'7', ..] => {
            ((first - b'0') * 64 + (high - b'0') * 8 + (low - b'0'), 3)
        }
        _ => return None,
    };
    (backslashes > 0).then_some((byte, backslashes + width))
}

fn backslashes(rest: &[u8]) -> usize {
    rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}

/// What reports call the first escape in `encoded`.
pub(super) fn names(encoded: &[u8]) -> &'static [&'static str] {
    let first = memchr::memchr(b'\\', encoded).map_or(&[][..], |at| &encoded[at..]);
    match first.get(backslashes(first)) {
        Some(b'x') => &["hex-escape"],
        Some(b'0'..=b'1') => &["octal-escape"],
        _ => &["unicode-escape"],
    }
}
