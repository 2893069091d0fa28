//! UTF-7 (RFC 2152): `ghp+AF8-`, where what is between the plus and the minus is UTF-16 in base64; and the form that IMAP has of
//! it for the names of mailboxes, `ghp&AF8-` (RFC 3501, section 5.1.3).

use zeroize::Zeroizing;

use super::alphabet::VALUES;

/// The most characters of base64 that are read in one piece.
const MAX_SHIFTED: usize = 512;

/// What the text at the start of `encoded` says, at most `limit` characters of it, and where in it each ends. The first character
/// beyond ASCII ends it.
pub(in crate::detect) fn read(encoded: &[u8], limit: usize) -> (Zeroizing<Vec<u8>>, Vec<usize>) {
    // Reserved at once: a buffer that grows leaves copies of a secret behind.
    let (mut text, mut ends) = (Zeroizing::new(Vec::with_capacity(limit)), Vec::with_capacity(limit));
    let mut at = 0;
    while text.len() < limit
        && let Some(byte) = encoded.get(at).copied()
    {
        at += 1;
        if !matches!(byte, b'+' | b'&') {
            if !byte.is_ascii_graphic() {
                break;
            }
            text.push(byte);
            ends.push(at);
            continue;
        }
        let shifted = encoded.get(at..).unwrap_or_default();
        let length = shifted.iter().take(MAX_SHIFTED).take_while(|byte| value(**byte).is_some()).count();
        let closed = usize::from(shifted.get(length) == Some(&b'-'));
        if length == 0 {
            break;
        }
        let mut bits = 0_u32;
        let mut count = 0;
        for byte in shifted.iter().take(length) {
            at += 1;
            bits = bits << 6 | value(*byte).unwrap_or(0);
            count += 6;
            if count >= 16 {
                count -= 16;
                let unit = bits >> count & 0xffff;
                let Some(byte) = u8::try_from(unit).ok().filter(u8::is_ascii_graphic) else {
                    return (text, ends);
                };
                if text.len() == limit {
                    return (text, ends);
                }
                text.push(byte);
                ends.push(at);
            }
        }
        at += closed;
        if let Some(end) = ends.last_mut() {
            *end = at;
        }
    }
    (text, ends)
}

/// The value of a character of base64. The comma is IMAP's slash; a minus ends what is encoded.
fn value(byte: u8) -> Option<u32> {
    match byte {
        b',' => Some(63),
        b'-' | b'_' => None,
        _ => Some(u32::from(VALUES[usize::from(byte)])).filter(|value| *value < 64),
    }
}
