//! Five characters for four bytes: ASCII85 (Adobe's, PostScript Language Reference, third edition, section 3.13.3, and btoa's), the
//! alphabet of RFC 1924, which git and Python use, and Z85 (<https://rfc.zeromq.org/spec/32/>).

use super::radix;
use super::simd::Wiped;

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
    pub(in crate::detect) bytes: Wiped,
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
    /// Nothing is decoded for that.
    pub(in crate::detect) fn may_hold_text(self, line: &[u8]) -> bool {
        let values = self.values();
        let mut may_be_text = self == Base85::Ascii85 && memchr::memchr(b'y', line).is_some();
        let (mut run, mut firsts) = (0_usize, 0_u32);
        for (at, byte) in line.iter().enumerate() {
            let value = values[usize::from(*byte)];
            run = if self.has(*byte) { run + 1 } else { 0 };
            // In the first of the five ways to read it.
            if (1..=5).contains(&run) && matches!(value, 10 | 38 | 39) && self.begins_compressed(&line[at..])
            {
                return true;
            }
            firsts = firsts << 1 | u32::from(value <= MAX_TEXT_DIGIT);
            may_be_text |= firsts & FIRST_DIGITS == FIRST_DIGITS;
        }
        may_be_text && self.holds_text(line)
    }

    /// Whether four groups in a row are text.
    fn holds_text(self, line: &[u8]) -> bool {
        let values = self.values();
        let (mut group, mut digits) = (0_u64, 0_usize);
        // By the last bits of a place: how many groups of text end there, one behind the other.
        let mut ends = [0_u8; 8];
        for (at, byte) in line.iter().enumerate() {
            let value = values[usize::from(*byte)];
            let mut end = 0;
            if value == NONE {
                // Four blanks, which have a character of their own.
                if self == Base85::Ascii85 && *byte == b'y' {
                    end = ends[at % 8] + 1;
                }
                (group, digits) = (0, 0);
            } else {
                // A group's number goes from one character to the next.
                group = group % HIGHEST_DIGIT * 85 + u64::from(value);
                digits += 1;
                if digits >= 5 && is_text(group) {
                    end = ends[(at + 8 - 4) % 8] + 1;
                }
            }
            if end >= TEXT_GROUPS {
                return true;
            }
            ends[(at + 1) % 8] = end;
        }
        false
    }

    /// Whether a compressed stream may begin with a group.
    fn begins_compressed(self, text: &[u8]) -> bool {
        let values = self.values();
        let group = text
            .get(..5)
            .unwrap_or_default()
            .iter()
            .fold(0_u64, |group, byte| group * 85 + u64::from(values[usize::from(*byte)]));
        u32::try_from(group).is_ok_and(|group| radix::begins_compressed(&group.to_be_bytes()))
    }

    /// Decodes up to the first byte that is no character; with `spaced`, blanks and line ends are left out.
    pub(in crate::detect) fn decode(self, text: &[u8], spaced: bool) -> Decoded85 {
        let text = text.get(..MAX_LENGTH).unwrap_or(text);
        let room = if self == Base85::Ascii85 { text.len() * 4 } else { text.len() * 4 / 5 } + 8;
        let bytes = Wiped::new(Vec::with_capacity(room));
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
    let may_be_text = |byte: &u8| *byte == 0 || super::is_text_byte(*byte);
    group > 0 && u32::try_from(group).is_ok_and(|group| group.to_be_bytes().iter().all(may_be_text))
}

/// The highest first digit of a group that is text: none of its bytes is beyond ASCII.
const MAX_TEXT_DIGIT: u8 = 40;
const _: () = assert!(0x7e7e_7e7e / HIGHEST_DIGIT == MAX_TEXT_DIGIT as u64);

/// The places of the first digits of [`TEXT_GROUPS`] groups, a bit for each.
const FIRST_DIGITS: u32 = 1 | 1 << 5 | 1 << 10 | 1 << 15;

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
    let bytes = Wiped::new(Vec::with_capacity(most));
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

    /// What an alphabet makes of bytes, whose number is a multiple of four.
    fn encode(alphabet: Base85, bytes: &[u8]) -> Vec<u8> {
        let digit =
            |value: u32| (0..=u8::MAX).find(|byte| u32::from(alphabet.values()[usize::from(*byte)]) == value);
        let (groups, _) = bytes.as_chunks::<4>();
        let number = |group: &[u8; 4]| u32::from_be_bytes(*group);
        let digits = |group| (0..5).rev().map(move |n| number(group) / 85_u32.pow(n) % 85);
        groups.iter().flat_map(digits).filter_map(digit).collect()
    }

    #[test]
    fn half_a_token_is_text_wherever_it_is_and_noise_is_none() {
        let plain = b"the middle of it, as one of two lines has it, not all";
        for alphabet in Base85::ALL {
            let noise: Vec<u8> =
                (0..48_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) | 0x8080).to_be_bytes()).collect();
            assert!(!alphabet.may_hold_text(&encode(alphabet, &noise)));
            for at in 0..12 {
                let text = encode(alphabet, &[&noise[..4 * at], &plain[..20], &noise[4 * at..]].concat());
                assert!(alphabet.may_hold_text(&text), "{alphabet:?} at {at}");
                assert!(alphabet.may_hold_text(&text[at..]) || at > 4, "{alphabet:?} without {at}");
            }
            let wide: Vec<u8> = plain[..10].iter().flat_map(|byte| [*byte, 0]).collect();
            assert!(alphabet.may_hold_text(&encode(alphabet, &[&noise, &wide[..]].concat())));
            for header in [[0x1f, 0x8b, 8, 0], [0x78, 0x9c, 0xed, 0x9d], [0x78, 0x01, 0xff, 0xff]] {
                let text = encode(alphabet, &[&header, &noise[..]].concat());
                assert!(alphabet.may_hold_text(&text), "{header:?}");
                assert!(!alphabet.may_hold_text(&encode(alphabet, &[&noise[..8], &header, &noise].concat())));
            }
        }
    }
}
