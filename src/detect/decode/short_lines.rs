//! Whether a few lines of base64 may hold a token at all: most of what looks like them is names in code, each on a line of its own.

use std::ops::Range;

use super::alphabet::SHORTEST_RUN;
use super::simd::{BLOCK, Block, ascii_alignments, compressed_headers};

/// How many signs a line begins with, at most.
pub(super) const MAX_SIGNS: usize = 3;

/// The length of a text such that any token in it is made of more than half of its characters.
pub(super) const MAX_SHORT: usize = 2 * SHORTEST_RUN - BLOCK;

/// Whether lines of base64, so many characters in all, may hold a token. In code, names on lines of their own are many.
pub(super) fn short_text_may_hold_token(bytes: &[u8], lines: &[Range<usize>], length: usize) -> bool {
    // The last of a token's characters has bits of the byte behind it.
    let shortest = SHORTEST_RUN - 1;
    // Whatever token there is, these characters are part of it, unless they are signs that the lines begin with.
    let (first, last) = (length.saturating_sub(shortest), shortest);
    let mut before = 0;
    for line in lines {
        let text = &bytes[line.clone()];
        let starts = &text[..text.len().min((first + 1).saturating_sub(before))];
        if compressed_headers(starts).next().is_some() || (starts.len() == text.len() && ends_in_header(text))
        {
            return true;
        }
        let inside = first.saturating_sub(before).max(MAX_SIGNS)..last.saturating_sub(before).min(text.len());
        let blocks = text.get(inside).unwrap_or_default().as_chunks().0;
        if blocks.iter().any(|block| ascii_alignments(block) == 0) {
            return false;
        }
        before += text.len();
    }
    true
}

/// Whether the header of a compressed stream may start on a line and go on on the next one.
fn ends_in_header(line: &[u8]) -> bool {
    matches!(line.last(), Some(b'e' | b'H'))
}

/// Whether what a line of base64 ends with, or begins with, may be a part of a token, half of which is on one of two lines; or a
/// compressed stream may begin on it.
pub(super) fn may_go_on(line: &[u8]) -> bool {
    const { assert!(SHORTEST_RUN / 2 > BLOCK) };
    let fits = |block: Option<&Block>| block.is_none_or(|block| ascii_alignments(block) != 0);
    // The last of a token's characters has bits of the byte behind it.
    fits(line.first_chunk()) || fits(line.last_chunk()) || compressed_headers(line).next().is_some()
}
