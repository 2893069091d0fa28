//! UTF-16 (RFC 2781), as Windows PowerShell writes it: with or without a byte order mark, at even and odd offsets.

use super::simd::{self, wipe};
use crate::detect::byte_order::ByteOrder;

/// The character that `rest` starts with, low byte first.
pub(super) fn first_char_le(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [byte @ 1..=127, 0, ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// The character that `rest` starts with, high byte first.
pub(super) fn first_char_be(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [0, byte @ 1..=127, ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// The character in front of the one at `at`: in either byte order, it is two bytes before, with a zero in between.
pub(in crate::detect) fn char_before(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes[..at] {
        [.., byte @ 1..=127, 0] => Some(byte),
        _ => None,
    }
}

/// Whether the text around the character at `at` has its high bytes first.
///
/// In the middle of a text, characters and zeros alternate either way. So its start decides: a byte order mark, a zero (high
/// byte first) or a character (low byte first). Where the start is not among the bytes, the parity of `offset` does, the
/// number of bytes in front of them: texts start at even offsets. Where that is not known either, low byte first is usual.
/// `known` is the result for an earlier character, so that no part of a text is walked twice.
pub(in crate::detect) fn is_big_endian(
    bytes: &[u8],
    at: usize,
    offset: Option<usize>,
    known: Option<(usize, bool)>,
) -> bool {
    let mut start = at;
    while char_before(bytes, start).is_some() {
        start -= 2;
        if let Some((earlier, big_endian)) = known
            && start == earlier
        {
            return big_endian;
        }
    }
    match bytes[..start] {
        [] | [0] => offset.is_some_and(|offset| (offset + at) % 2 == 1),
        [.., 0xfe, 0xff, 0] => true,
        // Zeros in front of it: a high byte, and whole NUL characters, or a letter like U+4E00.
        [.., 0] => {
            let zeros = bytes[..start].iter().rev().take(MAX_ZEROS).take_while(|byte| **byte == 0).count();
            let odd = zeros % 2 == 1;
            if zeros > 1 { offset.map_or(odd, |offset| (offset + at) % 2 == 1) } else { odd }
        }
        _ => false,
    }
}

/// How many zeros in front of a text are counted.
const MAX_ZEROS: usize = 4096;

/// How many bytes decide whether a text is in UTF-16.
const BLOCK: usize = 32;

/// How many of its characters must be ASCII, and how many zeros those and a few others have at most.
const LEAST_ASCII: usize = BLOCK / 2 - 2;
const MOST_ZEROS: usize = BLOCK / 2 + 2;

/// How many characters beyond ASCII in a row end a text.
const MAX_FOREIGN: usize = 256;

/// A text in UTF-16, each character beyond ASCII as one byte that belongs to no token.
pub(in crate::detect) struct Utf16Text {
    pub(in crate::detect) ascii: Vec<u8>,
    /// The byte where its first character starts.
    pub(in crate::detect) start: usize,
    pub(in crate::detect) order: ByteOrder,
}

impl Utf16Text {
    /// The byte behind its last character.
    pub(in crate::detect) fn end(&self) -> usize {
        self.start + 2 * self.ascii.len()
    }

    /// All of a text that begins with a mark, or a part of one that begins at an even offset, in whatever script.
    pub(in crate::detect) fn marked(bytes: &[u8], order: ByteOrder) -> Self {
        // The mark belongs to no line of it.
        let start = if ByteOrder::of_mark(bytes).is_some() { 2 } else { 0 };
        let mut text = Vec::with_capacity(bytes.len() / 2);
        text.extend(code_units(&bytes[start..], order == ByteOrder::Big).map(ascii));
        Utf16Text { ascii: text, start, order }
    }

    /// The text that `at` is in, if it is in one; nothing before `floor` belongs to it.
    pub(in crate::detect) fn around(bytes: &[u8], at: usize, floor: usize) -> Option<Self> {
        // Nearly every text is without zeros, and most other data has them less evenly. Of four characters, two are ASCII.
        let block: &[u8; BLOCK] = bytes.get(at..)?.first_chunk()?;
        if !has_zero(u64::from_ne_bytes(*block.first_chunk()?)) {
            return None;
        }
        let zeros = block.iter().map(|byte| u8::from(*byte == 0)).sum::<u8>();
        if !(LEAST_ASCII..=MOST_ZEROS).contains(&usize::from(zeros)) {
            return None;
        }
        let mostly_ascii = |big| code_units(block, big).filter(|unit| is_ascii(*unit)).count() >= LEAST_ASCII;
        let (low, high) = (mostly_ascii(false), mostly_ascii(true));
        if !low && !high {
            return None;
        }
        // Characters and zeros alternate: which of them come first is decided by the start of the text.
        let pair = code_units(block, high).position(is_ascii)?;
        let letter = at + 2 * pair + usize::from(high);
        let big_endian = is_big_endian(bytes, letter, Some(0), None);
        let first = letter.saturating_sub(usize::from(big_endian));
        let before = bytes.get(floor..first).unwrap_or_default();
        let mut foreign = 0;
        let units = code_units(&before[before.len() % 2..], big_endian).rev();
        let start = first - 2 * units.take_while(|unit| goes_on(*unit, &mut foreign)).count();
        let length = text_length(&bytes[start..], big_endian);
        let mut ascii = Vec::with_capacity(length);
        ascii.extend(code_units(&bytes[start..start + 2 * length], big_endian).map(self::ascii));
        let order = if big_endian { ByteOrder::Big } else { ByteOrder::Little };
        Some(Utf16Text { ascii, start, order })
    }
}

impl Drop for Utf16Text {
    fn drop(&mut self) {
        wipe(&mut self.ascii);
    }
}

/// Whether there is a text in UTF-16 anywhere, as [`Utf16Text::around`] finds it.
pub(in crate::detect) fn holds_text(bytes: &[u8]) -> bool {
    let Some(first) = memchr::memchr(0, bytes) else { return false };
    let skipped = first / simd::BLOCK;
    let (blocks, _) = bytes[skipped * simd::BLOCK..].as_chunks();
    // Wherever a text starts, one of these blocks is within the bytes that decide, with zeros at every second byte but for
    // the characters beyond ASCII.
    let enough = |zeros: u16| zeros.count_ones() as usize + (BLOCK / 2 - LEAST_ASCII) >= simd::BLOCK / 2;
    (skipped..).zip(blocks).any(|(n, block)| {
        let zeros = simd::zeros(block);
        let at = n * simd::BLOCK;
        (enough(zeros & 0x5555) || enough(zeros & 0xaaaa))
            && (at.saturating_sub(simd::BLOCK)..=at).any(|at| Utf16Text::around(bytes, at, 0).is_some())
    })
}

/// Whether one of eight bytes is zero, without looking at each (Hacker's Delight, "Find First 0-Byte").
fn has_zero(bytes: u64) -> bool {
    bytes.wrapping_sub(0x0101_0101_0101_0101) & !bytes & 0x8080_8080_8080_8080 != 0
}

/// The code units, one for each two bytes.
fn code_units(bytes: &[u8], big: bool) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + Clone {
    let (pairs, _) = bytes.as_chunks::<2>();
    // Without a branch for each: the compiler makes vector instructions of it.
    let swapped = if big == cfg!(target_endian = "big") { 0 } else { 8 };
    pairs.iter().map(move |pair| u16::from_ne_bytes(*pair).rotate_left(swapped))
}

/// How many characters of the text that `bytes` begin with there are until something else than text comes.
fn text_length(bytes: &[u8], big: bool) -> usize {
    let (mut length, mut foreign) = (0, 0);
    for block in bytes.chunks(2 * BLOCK) {
        let units = code_units(block, big);
        // Nearly all of them are. Without a branch for each, as above.
        if units.clone().fold(true, |all, unit| all & is_ascii(unit)) {
            foreign = 0;
            length += units.len();
            continue;
        }
        for unit in units {
            if !goes_on(unit, &mut foreign) {
                return length;
            }
            length += 1;
        }
    }
    length
}

/// Whether a text goes on with this code unit, behind so many beyond ASCII.
fn goes_on(unit: u16, foreign: &mut usize) -> bool {
    *foreign = if is_ascii(unit) { 0 } else { *foreign + 1 };
    *foreign < MAX_FOREIGN
}

const fn is_ascii(unit: u16) -> bool {
    unit.wrapping_sub(1) < 127
}

/// The character that a code unit stands for, 0 for any beyond ASCII.
#[expect(clippy::cast_possible_truncation, reason = "ASCII fits into a byte")]
const fn ascii(unit: u16) -> u8 {
    if is_ascii(unit) { unit as u8 } else { 0 }
}
