//! uuencode (POSIX, `uuencode`, "uuencode historical algorithm") and xxencode, which has letters for the signs: lines that
//! begin with their length, three bytes in four characters.

use zeroize::Zeroizing;

/// The most bytes of lines that are read at once.
const MAX_LENGTH: usize = 4 * 1024 * 1024;

/// The longest line: 63 bytes, its length and its end, and a checksum that some programs add.
const MAX_LINE: usize = 90;

/// The alphabet of xxencode.
const XX: &[u8; 64] = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The alphabets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Alphabet {
    /// From the blank to the underscore; the grave accent is a blank as well.
    Uu,
    /// Signs, digits, capitals, small letters.
    Xx,
}

impl Alphabet {
    /// What reports call it.
    pub(in crate::detect) fn name(self) -> &'static str {
        match self {
            Alphabet::Uu => "uuencode",
            Alphabet::Xx => "xxencode",
        }
    }

    fn value(self, byte: u8) -> Option<u8> {
        match self {
            Alphabet::Uu => matches!(byte, b' '..=b'`').then(|| (byte - b' ') & 63),
            Alphabet::Xx => {
                XX.iter().position(|character| *character == byte).and_then(|n| u8::try_from(n).ok())
            }
        }
    }
}

/// What was decoded.
pub(in crate::detect) struct Lines {
    pub(in crate::detect) bytes: Zeroizing<Vec<u8>>,
    /// Of each line, how many bytes were decoded before it, and where it starts.
    starts: Vec<(usize, usize)>,
    /// How many bytes of the text were read.
    pub(in crate::detect) end: usize,
}

impl Lines {
    /// Where the line starts that a byte is on, and where the group of four characters does that it is in.
    pub(in crate::detect) fn origin_of(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|(first, _)| *first <= byte);
        let line = line.checked_sub(1).and_then(|line| self.starts.get(line));
        let (first, start) = line.copied().unwrap_or_default();
        (start, start + 1 + (byte - first) / 3 * 4)
    }
}

/// Decodes the lines that `text` starts with, at most so many, up to the first one that is none or is empty.
pub(in crate::detect) fn decode(alphabet: Alphabet, text: &[u8], most: usize) -> Lines {
    let text = text.get(..MAX_LENGTH).unwrap_or(text);
    let decoded = || {
        text.split_inclusive(|byte| *byte == b'\n').take(most).map(|line| (line, decode_line(alphabet, line)))
    };
    // Decoded twice: there are texts of nothing but headers, and a buffer for all that is behind each would take longer.
    let length = decoded().map_while(|(_, decoded)| decoded).map(|decoded| decoded.len()).sum();
    let mut lines = Lines { bytes: Zeroizing::new(Vec::with_capacity(length)), starts: Vec::new(), end: 0 };
    for (line, decoded) in decoded() {
        let Some(decoded) = decoded else { break };
        lines.starts.push((lines.bytes.len(), lines.end));
        lines.bytes.extend(decoded.iter());
        lines.end += line.len();
    }
    lines
}

/// The bytes of one line. Blanks at its end may have been taken off.
pub(in crate::detect) fn decode_line(alphabet: Alphabet, line: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (first, characters) = line.split_first()?;
    let length = usize::from(alphabet.value(*first)?);
    let needed = length.div_ceil(3) * 4;
    let taken_off = needed.saturating_sub(characters.len());
    if length == 0 || characters.len() > needed + 2 || alphabet == Alphabet::Xx && taken_off > 3 {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(needed));
    let (mut bits, mut count) = (0_u32, 0);
    for at in 0..needed {
        let value = characters.get(at).map_or(Some(0), |character| alphabet.value(*character))?;
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_le_bytes()[0]);
        }
    }
    bytes.truncate(length);
    Some(bytes)
}

/// Where the line starts that `at` is on, if it is not longer than lines are.
pub(in crate::detect) fn line_start(bytes: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(MAX_LINE);
    let before = bytes.get(from..at)?;
    match memchr::memrchr(b'\n', before) {
        Some(end) => Some(from + end + 1),
        None => (from == 0).then_some(0),
    }
}
