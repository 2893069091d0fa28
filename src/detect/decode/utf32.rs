//! UTF-32 (the Unicode Standard, section 3.9, D90): four bytes a character, with or without a mark, at any offset.

use std::ops::Range;

use super::simd::wipe;

/// The character that `rest` starts with, low byte first.
pub(super) fn first_char_le(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [byte @ 1..=127, 0, 0, 0, ..] => Some((*byte, 4)),
        _ => None,
    }
}

/// The character that `rest` starts with, high byte first.
pub(super) fn first_char_be(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [0, 0, 0, byte @ 1..=127, ..] => Some((*byte, 4)),
        _ => None,
    }
}

/// How many characters in front of one are looked at to tell the byte order.
const MAX_WALK: usize = 4096;

/// Whether the text around the character at `at` has its high bytes first: characters alternate with three zeros either way,
/// so the start of the text decides, which has the zeros in front of its first character or behind it.
pub(in crate::detect) fn is_big_endian(bytes: &[u8], at: usize) -> bool {
    let mut start = at;
    for _ in 0..MAX_WALK {
        match bytes.get(..start) {
            Some([.., 1..=127, 0, 0, 0]) => start -= 4,
            _ => break,
        }
    }
    match bytes.get(..start) {
        Some([0, 0, 0] | [.., 0 | 0xff, 0, 0, 0]) => true,
        Some([.., 0, 0, 0]) => at % 4 == 3,
        _ => false,
    }
}

/// How many bytes decide whether a text is in UTF-32.
const BLOCK: usize = 32;

/// How many of the characters in them are ASCII at least.
const LEAST_ASCII: usize = BLOCK / 4 - 2;

/// How many characters beyond ASCII in a row end a text.
const MAX_FOREIGN: usize = 256;

/// A text in UTF-32, each character beyond ASCII as one byte that belongs to no token.
pub(in crate::detect) struct Utf32Text {
    pub(in crate::detect) ascii: Vec<u8>,
    /// Its bytes.
    pub(in crate::detect) span: Range<usize>,
    pub(in crate::detect) is_big_endian: bool,
}

impl Utf32Text {
    /// The text that `at` is in, if it is in one; nothing before `floor` belongs to it.
    pub(in crate::detect) fn around(bytes: &[u8], at: usize, floor: usize) -> Option<Self> {
        let (letter, is_big_endian) = letter_of_text(bytes, at)?;
        let first = letter.checked_sub(if is_big_endian { 3 } else { 0 })?;
        let mut foreign = 0;
        let before = bytes.get(floor.min(first)..first)?;
        let back =
            before.rchunks_exact(4).take_while(|unit| goes_on(unit, is_big_endian, &mut foreign)).count();
        let start = first - 4 * back;
        foreign = 0;
        let units = bytes.get(start..)?.chunks_exact(4);
        let count = units.clone().take_while(|unit| goes_on(unit, is_big_endian, &mut foreign)).count();
        let mut ascii = Vec::with_capacity(count);
        ascii.extend(units.take(count).map(|unit| ascii_of(unit, is_big_endian)));
        Some(Utf32Text { ascii, span: start..start + 4 * count, is_big_endian })
    }

    /// What reports call the encoding.
    pub(in crate::detect) fn encoding(&self) -> &'static str {
        if self.is_big_endian { "utf-32be" } else { "utf-32le" }
    }
}

impl Drop for Utf32Text {
    fn drop(&mut self) {
        wipe(&mut self.ascii);
    }
}

/// A letter of the text in UTF-32 that `at` is in, and the text's byte order.
fn letter_of_text(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let block: &[u8; BLOCK] = bytes.get(at..)?.first_chunk()?;
    // Nearly every text is without zeros, and UTF-16 has fewer of them.
    if block.first_chunk::<4>().is_none_or(|unit| !unit.contains(&0)) {
        return None;
    }
    if zeros(block) < 3 * LEAST_ASCII {
        return None;
    }
    let column = (0..4).find(|column| {
        let letters = block.iter().skip(*column).step_by(4);
        letters.filter(|byte| matches!(byte, b'\t'..=b'\r' | b' '..=b'~')).count() >= LEAST_ASCII
    })?;
    let letter = block.iter().skip(column).step_by(4).position(|byte| byte.is_ascii() && *byte != 0)?;
    let letter = at + column + 4 * letter;
    Some((letter, is_big_endian(bytes, letter)))
}

/// Whether there is a text in UTF-32 anywhere, as [`Utf32Text::around`] finds it.
pub(in crate::detect) fn holds_text(bytes: &[u8]) -> bool {
    let Some(first) = memchr::memchr(0, bytes) else { return false };
    (first.saturating_sub(4)..bytes.len()).step_by(8).any(|at| {
        bytes.get(at..at + 8).is_some_and(|unit| zeros(unit) == 6)
            && (at.saturating_sub(BLOCK)..at + 4).any(|at| letter_of_text(bytes, at).is_some())
    })
}

/// Whether a text goes on with this character, behind so many beyond ASCII.
fn goes_on(unit: &[u8], is_big_endian: bool, foreign: &mut usize) -> bool {
    let is_character = match (unit, is_big_endian) {
        ([low, _, high, 0], false) | ([0, high, _, low], true) => *high <= 0x10 && (*low, *high) != (0, 0),
        _ => false,
    };
    *foreign = if ascii_of(unit, is_big_endian) == 0 { *foreign + 1 } else { 0 };
    is_character && *foreign < MAX_FOREIGN
}

/// The character, 0 for any beyond ASCII.
fn ascii_of(unit: &[u8], is_big_endian: bool) -> u8 {
    let character = if is_big_endian { first_char_be(unit) } else { first_char_le(unit) };
    character.map_or(0, |(byte, _)| byte)
}

/// How many bytes are zero, of a few.
fn zeros(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(*byte == 0)).sum()
}
