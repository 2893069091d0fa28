//! `tuc_`: rot13, which moves letters by half of the alphabet.

use zeroize::Zeroizing;

/// How many of the first bytes tell whether a text is in rot13.
const SAMPLE: usize = 256;
const BLOCK: usize = 64;

/// Letters that are frequent where those at the same places of the others are rare, and none of them a hexadecimal digit.
const FREQUENT: [u8; 4] = *b"tilm";
const MOVED: [u8; 4] = *b"gvyz";

/// Whether a text may be in rot13, by its letters, where those say anything.
pub(in crate::detect) fn may_be_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    // Without a branch for each, and in bytes: the compiler makes vector instructions of it.
    let count = |[a, b, c, d]: [u8; 4]| {
        let count = |block: &[u8]| {
            block.iter().fold(0_u8, |count, byte| {
                count
                    + u8::from(*byte == a)
                    + u8::from(*byte == b)
                    + u8::from(*byte == c)
                    + u8::from(*byte == d)
            })
        };
        let (blocks, rest) = sample.as_chunks::<BLOCK>();
        blocks.iter().map(|block| usize::from(count(block))).sum::<usize>() + usize::from(count(rest))
    };
    count(MOVED) >= count(FREQUENT)
}

/// The text that is encoded so.
pub(in crate::detect) fn decode(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    text.extend(bytes.iter().map(|byte| first_char(&[*byte]).map_or(*byte, |(moved, _)| moved)));
    text
}

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
