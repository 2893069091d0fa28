//! Five characters for four bytes: ASCII85 (Adobe's, PostScript Language Reference, third edition, section 3.13.3, and btoa's), the
//! alphabet of RFC 1924, which git and Python use, and Z85 (<https://rfc.zeromq.org/spec/32/>).

use zeroize::Zeroizing;

const RFC_1924: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// No character of an alphabet, and one that is left out.
const NONE: u8 = u8::MAX;

const fn values(alphabet: &[u8; 85]) -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 85 {
        values[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    values
}

static ASCII85_VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 85 {
        values[(b'!' + value) as usize] = value;
        value += 1;
    }
    values
};
static RFC_1924_VALUES: [u8; 256] = values(RFC_1924);
static Z85_VALUES: [u8; 256] = values(Z85);

/// How many characters the shortest token takes, which is 40 bytes long.
pub(in crate::detect) const SHORTEST: usize = 50;

/// How many groups in a row are text wherever a token is: of its fifty characters, half are on one line.
const TEXT_GROUPS: u8 = 4;

/// The most bytes that are decoded at once.
const MAX_LENGTH: usize = 4 * 1024 * 1024;

/// The alphabets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Base85 {
    /// From `!` to `u`; `z` is four zeros, and `y` four blanks.
    Ascii85,
    /// Digits, capitals, small letters, signs.
    Rfc1924,
    /// Digits, small letters, capitals, signs.
    Z85,
}

/// What was decoded.
pub(in crate::detect) struct Decoded85 {
    pub(in crate::detect) bytes: Zeroizing<Vec<u8>>,
    /// Where each group of four bytes starts in the text.
    groups: Vec<usize>,
    /// How many bytes of the text were read.
    pub(in crate::detect) end: usize,
}

impl Decoded85 {
    /// Where the group starts in the text that a byte is in.
    pub(in crate::detect) fn group_of(&self, byte: usize) -> usize {
        self.groups.get(byte / 4).copied().unwrap_or(self.end)
    }
}

impl Base85 {
    pub(in crate::detect) const ALL: [Base85; 3] = [Base85::Ascii85, Base85::Rfc1924, Base85::Z85];

    /// What reports call it.
    pub(in crate::detect) fn name(self) -> &'static str {
        match self {
            Base85::Ascii85 => "ascii85",
            Base85::Rfc1924 | Base85::Z85 => "base85",
        }
    }

    fn values(self) -> &'static [u8; 256] {
        match self {
            Base85::Ascii85 => &ASCII85_VALUES,
            Base85::Rfc1924 => &RFC_1924_VALUES,
            Base85::Z85 => &Z85_VALUES,
        }
    }

    /// Whether the alphabet has this character.
    pub(in crate::detect) fn has(self, byte: u8) -> bool {
        self.values()[usize::from(byte)] != NONE || self == Base85::Ascii85 && matches!(byte, b'z' | b'y')
    }

    /// Whether text may be encoded in a line or a part of one, wherever its groups begin, or a compressed stream from its beginning on.
    /// Nothing is decoded for that: a group's number goes from one character to the next.
    pub(in crate::detect) fn may_hold_text(self, line: &[u8]) -> bool {
        let values = self.values();
        let (mut group, mut digits, mut run) = (0_u64, 0_usize, 0_usize);
        // By the last bits of a place: how many groups of text end there, one behind the other.
        let mut ends = [0_u8; 8];
        for (at, byte) in line.iter().enumerate() {
            let value = values[usize::from(*byte)];
            let before = ends[at % 8];
            let end = &mut ends[(at + 1) % 8];
            if value == NONE {
                run = if self.has(*byte) { run + 1 } else { 0 };
                *end = if *byte == b'y' && run > 0 { before + 1 } else { 0 };
                (group, digits) = (0, 0);
                continue;
            }
            group = group % HIGHEST_DIGIT * 85 + u64::from(value);
            (digits, run) = (digits + 1, run + 1);
            *end = 0;
            if digits < 5 {
                continue;
            }
            // In the first of the five ways to read it.
            if run < 10 && begins_compressed(group) {
                return true;
            }
            if is_text(group) {
                ends[(at + 1) % 8] = ends[(at + 8 - 4) % 8] + 1;
            }
            if ends[(at + 1) % 8] >= TEXT_GROUPS {
                return true;
            }
        }
        false
    }

    /// Decodes up to the first byte that is no character; with `spaced`, blanks and line ends are left out.
    pub(in crate::detect) fn decode(self, text: &[u8], spaced: bool) -> Decoded85 {
        let text = text.get(..MAX_LENGTH).unwrap_or(text);
        let room = if self == Base85::Ascii85 { text.len() * 4 } else { text.len() * 4 / 5 } + 8;
        let bytes = Zeroizing::new(Vec::with_capacity(room));
        let mut decoded = Decoded85 { bytes, groups: Vec::new(), end: 0 };
        let (values, mut group, mut count) = (self.values(), 0_u64, 0);
        for (at, byte) in text.iter().enumerate() {
            let short = match byte {
                b' ' | b'\t' | b'\r' | b'\n' if spaced => continue,
                b'z' if self == Base85::Ascii85 && count == 0 => Some([0; 4]),
                b'y' if self == Base85::Ascii85 && count == 0 => Some([b' '; 4]),
                _ => None,
            };
            if count == 0 {
                decoded.groups.push(at);
            }
            if let Some(bytes) = short {
                decoded.bytes.extend(bytes);
                decoded.end = at + 1;
                continue;
            }
            let value = values[usize::from(*byte)];
            if value == NONE {
                break;
            }
            decoded.end = at + 1;
            group = group * 85 + u64::from(value);
            count += 1;
            if count == 5 {
                // A group that is no number of four bytes is none, and its neighbours may be.
                decoded.bytes.extend(u32::try_from(group).unwrap_or(0).to_be_bytes());
                (group, count) = (0, 0);
            }
        }
        if count > 1 {
            // A last group of fewer: as if the highest digit followed, and so many bytes of it.
            let padded = (count..5).fold(group, |group, _| group * 85 + 84);
            let last = u32::try_from(padded).unwrap_or(u32::MAX).to_be_bytes();
            decoded.bytes.extend(last.iter().take(count - 1));
        }
        decoded
    }
}

/// What the first digit of a group stands for.
const HIGHEST_DIGIT: u64 = 85 * 85 * 85 * 85;

/// Whether the four bytes of a group may be a part of a text, which may be in UTF-16 or UTF-32: zeros alone are not.
fn is_text(group: u64) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x1b | 0x08 | 0);
    group > 0 && u32::try_from(group).is_ok_and(|group| group.to_be_bytes().iter().all(is_text))
}

/// Whether a compressed stream may begin with the four bytes of a group: see [`may_hold_text`](super::radix::may_hold_text).
fn begins_compressed(group: u64) -> bool {
    group >> 8 == 0x001f_8b08 || matches!(group >> 16, 0x7801 | 0x785e | 0x789c | 0x78da)
}

/// How many bytes a line of a binary patch stands for, which its first letter says, and their characters.
fn patch_line(line: &[u8]) -> Option<(usize, &[u8])> {
    let length = match line.first()? {
        letter @ b'A'..=b'Z' => usize::from(letter - b'A') + 1,
        letter @ b'a'..=b'z' => usize::from(letter - b'a') + 27,
        _ => return None,
    };
    line.get(1..=length.div_ceil(4) * 5).map(|data| (length, data))
}

/// The lines of a binary patch of git (git-diff(1), `--binary`), from the one behind `literal` or `delta`: a letter for how many
/// bytes a line has, and as many in base85.
pub(in crate::detect) fn decode_patch(text: &[u8]) -> Decoded85 {
    let text = text.get(..MAX_LENGTH).unwrap_or(text);
    let lines = || {
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines.map_while(|line| patch_line(line).map(|(length, data)| (line, length, data)))
    };
    let most: usize = lines().map(|(_, length, _)| length).sum();
    let bytes = Zeroizing::new(Vec::with_capacity(most));
    let mut decoded = Decoded85 { bytes, groups: Vec::new(), end: 0 };
    for (line, length, data) in lines() {
        let characters = data.len();
        let part = Base85::Rfc1924.decode(data, false);
        if part.end < characters {
            break;
        }
        decoded.groups.extend(part.groups.iter().map(|group| decoded.end + 1 + group));
        decoded.bytes.extend(part.bytes.iter().take(length));
        decoded.end += line.len();
        if !length.is_multiple_of(4) {
            break;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_specifications_are_decoded() {
        let decoded = Base85::Ascii85.decode(b"87cURD]i,\"Ebo80", false);
        assert_eq!(*decoded.bytes, *b"Hello World!");
        assert_eq!(
            *Base85::Z85.decode(b"HelloWorld", false).bytes,
            [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]
        );
        assert_eq!(*Base85::Ascii85.decode(b"z!!", false).bytes, [0; 5]);
    }
}
