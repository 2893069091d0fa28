//! Dumps: lines of an offset and the bytes there, as xxd(1), hexdump(1) and od(1) write them in their usual formats.
//!
//! A token takes several lines, so the bytes of all are put together and searched like any other text.

use zeroize::Zeroizing;

use super::bytes::{count, is_blank};

/// How many bytes of a dump's lines are searched at a time, and how many behind them are read for what begins there.
const CHUNK: usize = 32 * 1024;
const OVERLAP: usize = 16 * 1024;

/// The most digits of an offset, and the least.
const MAX_OFFSET: usize = 16;
const MIN_OFFSET: usize = 4;

/// The most bytes of a line.
const MAX_LINE: usize = 512;

/// The most bytes that a line shows.
const MAX_BYTES: usize = 64;

/// The most lines without an offset behind one with it: `od` repeats its bytes there in other formats.
const MAX_REPEATED: usize = 3;

/// How many of the first lines are asked for their format.
const FIRST_LINES: usize = 6;

/// How the bytes of a line are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `xxd`: groups of hexadecimal digits, up to two blanks.
    Groups,
    /// Numbers of so many bytes, the lowest first: `hexdump`, `od`, `xxd -e`; of one byte, `hexdump -C`, `od -tx1`, `od -b`, `xxd -b`.
    Numbers { radix: u32, bytes: usize },
    /// `od -c`, `hexdump -c`: four columns for each character.
    Characters,
}

/// The formats of numbers, by radix and bytes.
const NUMBERS: [(u32, usize); 13] = [
    (16, 1),
    (16, 2),
    (16, 4),
    (16, 8),
    (8, 1),
    (8, 2),
    (8, 4),
    (8, 8),
    (10, 1),
    (10, 2),
    (10, 4),
    (10, 8),
    (2, 1),
];

/// The bytes that a dump shows, and where.
pub(in crate::detect) struct Dump {
    text: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
    /// Where the line ends behind which the next part begins.
    end: usize,
}

impl Dump {
    /// The part of a dump whose first line starts at `start`, in every format that its first lines may be in: some look like others,
    /// and what is read in a wrong one is no text. A first line may be one of another dump, or cut.
    pub(in crate::detect) fn all_at(bytes: &[u8], start: usize) -> Vec<Self> {
        let (mut next, mut tried) = (Some(start), Vec::new());
        let mut dumps = Vec::new();
        for _ in 0..FIRST_LINES {
            let Some((at, (line, steps))) = next.and_then(|at| Some((at, first_line(bytes, at)?))) else {
                break;
            };
            for format in Format::all() {
                if let Some(length) = format.row_length(line, &steps)
                    && !tried.contains(&(format, length))
                {
                    tried.push((format, length));
                    dumps.push(Dump::read(bytes, at, format, length));
                }
            }
            next = next_line(bytes, at);
        }
        dumps
    }

    /// The same in one format, which has so many bytes a line.
    fn read(bytes: &[u8], start: usize, format: Format, length: usize) -> Self {
        // Reserved at once: a buffer that grows leaves copies of a secret behind. Each byte takes two digits.
        let text = Zeroizing::new(Vec::with_capacity(CHUNK / 2 + OVERLAP / 2 + MAX_BYTES));
        let mut dump = Dump { text, places: Vec::new(), end: start };
        let (mut next, offset) = (Some(start), line(bytes, start).and_then(offset_width));
        while let Some(at) = next
            && at - start < CHUNK + OVERLAP
            && let Some(line) = line(bytes, at)
            && offset_width(line) == offset
        {
            if at - start < CHUNK {
                dump.end = at + line.len();
            }
            let before = dump.text.len();
            format.read(line, &mut |place, byte| {
                if dump.text.len() < before + length {
                    dump.text.push(byte);
                    dump.places.push(at + place);
                }
            });
            next = next_line(bytes, at);
        }
        dump
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

/// The first line of a dump, and how many bytes each may show, by the offsets of the first three. One line is no dump.
fn first_line(bytes: &[u8], start: usize) -> Option<(&[u8], Vec<usize>)> {
    let first = line(bytes, start)?;
    let next = next_line(bytes, start)?;
    let second = line(bytes, next)?;
    let offset = offset_width(first).filter(|offset| offset_width(second) == Some(*offset))?;
    // Between two of them, an asterisk may stand for others.
    let third = next_line(bytes, next).and_then(|next| line(bytes, next)).unwrap_or_default();
    let steps: Vec<usize> =
        [(first, second), (second, third)].into_iter().flat_map(|pair| steps(offset, pair)).collect();
    (!steps.is_empty()).then_some((first, steps))
}

/// From one offset to the next, in each radix that they may be in.
fn steps(offset: usize, (first, second): (&[u8], &[u8])) -> impl Iterator<Item = usize> {
    [16, 10, 8].into_iter().filter_map(move |radix| {
        let value =
            |line: &[u8]| u64::from_str_radix(std::str::from_utf8(line.get(..offset)?).ok()?, radix).ok();
        let step = usize::try_from(value(second)?.checked_sub(value(first)?)?).ok()?;
        (1..=MAX_BYTES).contains(&step).then_some(step)
    })
}

/// Where the line with the next offset starts. An asterisk stands for lines like the one in front of it, the last of which is
/// in front of the one behind it.
fn next_line(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + line(bytes, start)?.len() + 1;
    for _ in 0..MAX_REPEATED {
        match line(bytes, at) {
            Some(line @ ([b' ' | b'\t', ..] | [b'*'] | [b'*', b'\r'])) => at += line.len() + 1,
            _ => break,
        }
    }
    Some(at)
}

impl Format {
    fn all() -> impl Iterator<Item = Self> {
        let numbers = NUMBERS.into_iter().map(|(radix, bytes)| Format::Numbers { radix, bytes });
        [Format::Groups, Format::Characters].into_iter().chain(numbers)
    }

    /// How many bytes a line has in this format, if it has one of these numbers; what is behind them is a column of text.
    fn row_length(self, line: &[u8], steps: &[usize]) -> Option<usize> {
        let is_xxd = offset_width(line).and_then(|offset| line.get(offset)) == Some(&b':');
        let fits = match self {
            Format::Groups => is_xxd,
            Format::Characters => !is_xxd,
            // Of one byte in hexadecimal, those of `xxd` are groups.
            Format::Numbers { radix, bytes } => !is_xxd || radix == 2 || radix == 16 && bytes > 1,
        };
        if !fits {
            return None;
        }
        let (mut count, mut texts) = (0, 0);
        self.read(line, &mut |_, byte| {
            count += 1;
            texts += usize::from(byte != 0);
        });
        if self == Format::Characters && texts * 2 < count {
            return None;
        }
        steps.iter().copied().filter(|step| *step <= count).max()
    }

    /// How many digits a number has, at least and at most.
    fn digits(radix: u32, bytes: usize) -> (usize, usize) {
        match radix {
            2 => (8 * bytes, 8 * bytes),
            8 => ((8 * bytes).div_ceil(3), (8 * bytes).div_ceil(3)),
            16 => (2 * bytes, 2 * bytes),
            // Log 256 to the base of 10.
            _ => (1, (bytes * 240_824).div_ceil(100_000)),
        }
    }

    /// Calls `push` with each byte of a line and where it stands on it.
    fn read(self, line: &[u8], push: &mut dyn FnMut(usize, u8)) {
        let Some(offset) = offset_width(line) else { return };
        if self == Format::Characters {
            return characters(line, offset, push);
        }
        let is_xxd = line.get(offset) == Some(&b':');
        let mut at = offset + usize::from(is_xxd);
        let mut first = true;
        while let Some(rest) = line.get(at..) {
            let blanks = count(rest, MAX_LINE, is_blank);
            let word = rest.get(blanks..).and_then(|rest| rest.split(|byte| is_blank(*byte)).next());
            let word = word.unwrap_or_default();
            let word = word.strip_suffix(b"\r").unwrap_or(word);
            // What a text column is apart from the bytes. The last number of `xxd -e` may have fewer digits, and blanks for them.
            let is_apart = match self {
                _ if first => false,
                Format::Numbers { radix: 16, bytes } if is_xxd => blanks + word.len() != 2 * bytes + 1,
                Format::Numbers { radix: 16, bytes: 1 } => blanks >= 3,
                _ => is_xxd && blanks >= 2,
            };
            // Such a number may be the only one of its line.
            let is_padded =
                matches!(self, Format::Numbers { bytes, .. } if blanks + word.len() == 2 * bytes + 1);
            let may_be_short = is_xxd && (!first || is_padded);
            if blanks == 0
                || is_apart
                || self.word(word, may_be_short, &mut |place, byte| push(at + blanks + place, byte)).is_none()
            {
                return;
            }
            at += blanks + word.len();
            first = false;
        }
    }

    /// The bytes of one group; `may_be_short` says that the first digits of a number may be left out.
    fn word(self, word: &[u8], may_be_short: bool, push: &mut dyn FnMut(usize, u8)) -> Option<()> {
        let text = std::str::from_utf8(word).ok()?;
        match self {
            Format::Groups => {
                if text.is_empty() || text.len() % 2 > 0 || text.len() > 2 * MAX_BYTES {
                    return None;
                }
                for place in (0..text.len()).step_by(2) {
                    push(place, u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?);
                }
            }
            Format::Numbers { radix, bytes } => {
                let (least, most) = Format::digits(radix, bytes);
                let digits = text.strip_prefix('-').filter(|_| radix == 10).unwrap_or(text);
                let is_short = may_be_short && digits.len() % 2 == 0 && !digits.is_empty();
                if !(digits.len() >= least || is_short) || digits.len() > most {
                    return None;
                }
                let number = i128::from_str_radix(text, radix).ok()?.to_le_bytes();
                let bytes = if is_short { bytes.min(digits.len() / 2) } else { bytes };
                for (n, byte) in number.into_iter().take(bytes).enumerate() {
                    // Of hexadecimal digits, each byte has its own.
                    let place = if radix == 16 { digits.len() - 2 * (n + 1) } else { 0 };
                    push(place, byte);
                }
            }
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
