//! UTF-16, as Windows PowerShell writes it: with or without a byte order mark, at even and odd offsets.

use zeroize::Zeroizing;

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

/// How many bytes tell that a text goes on in UTF-16.
const BLOCK: usize = 32;

/// How many characters beyond ASCII in a row end a text.
const FOREIGN: usize = 256;

/// A text in UTF-16, each character beyond ASCII as one byte that belongs to no token.
pub(in crate::detect) struct Text {
    pub(in crate::detect) ascii: Zeroizing<Vec<u8>>,
    /// Where its first character stands.
    pub(in crate::detect) start: usize,
    /// Whether its high bytes come first.
    pub(in crate::detect) big: bool,
}

impl Text {
    /// The byte behind its last character.
    pub(in crate::detect) fn end(&self) -> usize {
        self.start + 2 * self.ascii.len()
    }

    /// The text that `at` stands in, if one does; nothing before `floor` belongs to it.
    pub(in crate::detect) fn around(bytes: &[u8], at: usize, floor: usize) -> Option<Self> {
        // Nearly every text has none.
        let block = bytes.get(at..at + BLOCK).filter(|block| block.contains(&0))?;
        let most = |big| block.chunks_exact(2).filter(|pair| ascii(pair, big) != 0).count() > BLOCK / 2 - 3;
        let (low, high) = (most(false), most(true));
        if !low && !high {
            return None;
        }
        // Characters and zeros take turns: which of them come first, the start of the text tells.
        let pair = block.chunks_exact(2).position(|pair| ascii(pair, high) != 0)?;
        let letter = at + 2 * pair + usize::from(high);
        let big = is_big_endian(bytes, letter, Some(0), None);
        let first = letter.saturating_sub(usize::from(big));
        let before = bytes.get(floor..first).unwrap_or_default().rchunks_exact(2);
        let start = first - 2 * characters(before, big).count();
        let text = characters(bytes[start..].chunks_exact(2), big);
        let mut ascii = Zeroizing::new(Vec::with_capacity((bytes.len() - start) / 2));
        ascii.extend(text);
        Some(Text { ascii, start, big })
    }
}

/// The characters until something else than text comes.
fn characters<'a>(pairs: impl Iterator<Item = &'a [u8]>, big: bool) -> impl Iterator<Item = u8> {
    let mut foreign = 0;
    pairs.map(move |pair| ascii(pair, big)).take_while(move |byte| {
        foreign = if *byte == 0 { foreign + 1 } else { 0 };
        foreign < FOREIGN
    })
}

/// The character that a pair of bytes stands for, 0 for any beyond ASCII.
fn ascii(pair: &[u8], big: bool) -> u8 {
    match *pair {
        [0, byte @ 1..=127] if big => byte,
        [byte @ 1..=127, 0] if !big => byte,
        _ => 0,
    }
}
