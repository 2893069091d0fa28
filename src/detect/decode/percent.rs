//! `%67%68%70%5F` (RFC 3986, section 2.1): URLs, forms, `.git-credentials`.

use super::hex;

/// The encoded character that `rest` starts with.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'%', high, low, ..] => hex::pair(*high, *low).map(|byte| (byte, 3)),
        _ => None,
    }
}
