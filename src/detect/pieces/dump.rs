//! Dumps: lines of an offset and the bytes there, as xxd(1), hexdump(1) and od(1) write them in their usual formats.
//!
//! A token takes several lines, so the bytes of all are put together and searched like any other text.

use zeroize::Zeroizing;

use super::bytes::{count, is_blank};

/// How many bytes of a dump are searched at a time, and how many behind them are read for what begins there.
const CHUNK: usize = 8 * 1024;
const OVERLAP: usize = 4 * 1024;

/// The most digits of an offset, and the least.
const MAX_OFFSET: usize = 16;
const MIN_OFFSET: usize = 4;

/// The most bytes of a line.
const MAX_LINE: usize = 512;

/// The most bytes that a line shows.
const MAX_BYTES: usize = 64;

/// How the bytes of a line are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `xxd`: groups of hexadecimal digits, up to two blanks.
    Groups,
    /// Each group a number of so many bytes, the low one first: `hexdump`, `od -tx2`; of one byte, `hexdump -C`, `od -tx1`.
    Words { bytes: usize },
    /// `od`: numbers of two bytes in octal.
    OctalWords,
    /// `od -b`.
    OctalBytes,
    /// `od -tu1`.
    DecimalBytes,
    /// `od -c`, `hexdump -c`: four columns for each character.
    Characters,
}

/// The bytes that a dump shows, and where.
pub(in crate::detect) struct Dump {
    text: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
    /// Where the line ends behind which the next part begins.
    end: usize,
}

impl Dump {
    /// The part of a dump whose first line starts at `start`.
    pub(in crate::detect) fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let (format, offset) = format(line(bytes, start)?)?;
        // One line is no dump.
        let second = start + line(bytes, start)?.len() + 1;
        if line(bytes, second).and_then(offset_width) != Some(offset) {
            return None;
        }
        // Reserved at once: a buffer that grows leaves copies of a secret behind.
        let text = Zeroizing::new(Vec::with_capacity(CHUNK + OVERLAP + MAX_BYTES));
        let mut dump = Dump { text, places: Vec::new(), end: start };
        let mut at = start;
        while dump.text.len() < CHUNK + OVERLAP
            && let Some(line) = line(bytes, at)
            && offset_width(line) == Some(offset)
        {
            if dump.text.len() < CHUNK {
                dump.end = at + line.len();
            }
            let before = dump.text.len();
            format.read(line, offset, &mut |place, byte| {
                if dump.text.len() < before + MAX_BYTES {
                    dump.text.push(byte);
                    dump.places.push(at + place);
                }
            });
            at += line.len() + 1;
        }
        Some(dump)
    }

    /// What it shows.
    pub(in crate::detect) fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many of the bytes are this part's; those behind them are the next one's.
    pub(in crate::detect) fn own(&self) -> usize {
        self.places.partition_point(|place| *place < self.end)
    }

    /// Where this part ends.
    pub(in crate::detect) fn end(&self) -> usize {
        self.end
    }

    /// Where a byte is shown.
    pub(in crate::detect) fn place(&self, index: usize) -> Option<usize> {
        self.places.get(index).copied()
    }
}

/// Whether a line may belong to a dump. Where the text ends within its offset, it may.
pub(in crate::detect) fn may_be_line(bytes: &[u8], start: usize) -> bool {
    bytes.get(start..).is_some_and(|rest| {
        let digits = count(rest, MAX_OFFSET + 1, |byte| byte.is_ascii_hexdigit());
        digits == rest.len() || rest.get(..rest.len().min(MAX_OFFSET + 1)).and_then(offset_width).is_some()
    })
}

/// The line that starts at `start`, without its end.
fn line(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let rest = bytes.get(start..)?;
    let part = rest.get(..rest.len().min(MAX_LINE))?;
    match memchr::memchr(b'\n', part) {
        Some(end) => part.get(..end),
        None => (part.len() == rest.len() && !rest.is_empty()).then_some(part),
    }
}

/// The width of the offset that a line begins with.
fn offset_width(line: &[u8]) -> Option<usize> {
    let digits = count(line, MAX_OFFSET + 1, |byte| byte.is_ascii_hexdigit());
    let is_offset = (MIN_OFFSET..=MAX_OFFSET).contains(&digits)
        && line.get(digits).is_some_and(|byte| is_blank(*byte) || *byte == b':');
    is_offset.then_some(digits)
}

/// How a line is written, and the width of its offset.
fn format(line: &[u8]) -> Option<(Format, usize)> {
    let offset = offset_width(line)?;
    let rest = line.get(offset..)?;
    if rest.first() == Some(&b':') {
        let blanks = count(rest.get(1..)?, 4, is_blank);
        let digits = count(rest.get(1 + blanks..)?, 32, |byte| byte.is_ascii_hexdigit());
        return (blanks > 0 && digits > 1 && digits % 2 == 0).then_some((Format::Groups, offset));
    }
    let words: Vec<&[u8]> =
        rest.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty()).take(8).collect();
    let first = words.first()?;
    let all = |is: &dyn Fn(&[u8]) -> bool| words.iter().all(|word| is(word));
    let hexadecimal = |word: &[u8]| word.iter().all(u8::is_ascii_hexdigit);
    let decimal = |word: &[u8]| word.iter().all(u8::is_ascii_digit) && word.len() <= 3;
    let octal = |word: &[u8]| word.iter().all(|byte| (b'0'..b'8').contains(byte));
    let format = match first.len() {
        3 if all(&|word| octal(word) && word.len() == 3) => Format::OctalBytes,
        6 if octal(first) => Format::OctalWords,
        2 | 4 | 8 | 16 if hexadecimal(first) && words.get(1).is_none_or(|word| word.len() == first.len()) => {
            Format::Words { bytes: first.len() / 2 }
        }
        1..=3 if all(&decimal) && words.iter().any(|word| word.len() > 1) => Format::DecimalBytes,
        1..=3 => Format::Characters,
        _ => return None,
    };
    Some((format, offset))
}

impl Format {
    /// Calls `push` with each byte of a line and where it stands on it.
    fn read(self, line: &[u8], offset: usize, push: &mut dyn FnMut(usize, u8)) {
        if self == Format::Characters {
            return characters(line, offset, push);
        }
        let mut at = offset + usize::from(line.get(offset) == Some(&b':'));
        let mut first = true;
        while let Some(rest) = line.get(at..) {
            let blanks = count(rest, MAX_LINE, is_blank);
            // What a text column is apart from the bytes.
            let apart = if self == Format::Groups { 2 } else { 3 };
            let is_wide = matches!(self, Format::Words { bytes: 1 } | Format::Groups);
            if blanks == 0 || !first && is_wide && blanks >= apart {
                return;
            }
            at += blanks;
            let Some(word) =
                line.get(at..).map(|rest| rest.split(|byte| is_blank(*byte)).next().unwrap_or_default())
            else {
                return;
            };
            if self.word(word, &mut |place, byte| push(at + place, byte)).is_none() {
                return;
            }
            at += word.len();
            first = false;
        }
    }

    /// The bytes of one group.
    fn word(self, word: &[u8], push: &mut dyn FnMut(usize, u8)) -> Option<()> {
        let text = std::str::from_utf8(word.strip_suffix(b"\r").unwrap_or(word)).ok()?;
        match self {
            Format::Groups | Format::Words { .. } => {
                if text.is_empty() || text.len() % 2 > 0 || text.len() > 32 {
                    return None;
                }
                let pairs = text.len() / 2;
                for n in 0..pairs {
                    let place = 2 * if self == Format::Groups { n } else { pairs - 1 - n };
                    push(place, u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?);
                }
            }
            Format::OctalWords => {
                let [low, high] = u16::from_str_radix(text, 8).ok()?.to_le_bytes();
                push(0, low);
                push(0, high);
            }
            Format::OctalBytes => push(0, u8::from_str_radix(text, 8).ok()?),
            Format::DecimalBytes => push(0, text.parse().ok()?),
            Format::Characters => return None,
        }
        Some(())
    }
}

/// The characters of a line, each at the end of four columns; others than ASCII's printable ones are written as escapes, names
/// or in octal.
fn characters(line: &[u8], offset: usize, push: &mut dyn FnMut(usize, u8)) {
    let cells = line.get(offset..).unwrap_or_default().chunks_exact(4).zip((offset..).step_by(4));
    for (cell, at) in cells {
        let byte = match cell {
            [b' ', b' ', b' ', byte] => *byte,
            [b' ', b' ', b's', b'p'] => b' ',
            [b' ', b' ', b'n', b'l'] | [b' ', b' ', b'\\', b'n'] => b'\n',
            _ => 0,
        };
        push(at + 3, byte);
    }
}
