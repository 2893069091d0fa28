//! Alphabets of letters and digits alone: hexadecimal and base32 (RFC 4648, sections 6 to 8), Crockford's base32
//! (<https://www.crockford.com/base32.html>) and base58 (<https://datatracker.ietf.org/doc/draft-msporny-base58/>).

use super::simd::Wiped;

/// How many characters the shortest token takes in hexadecimal, in base32, and in base58, which is 40 bytes long.
const SHORTEST_HEX: usize = 80;
const SHORTEST_BASE32: usize = 64;
const SHORTEST_BASE58: usize = 54;

/// The longest number that is read in base58: the time goes by the square of the length, and nobody writes long ones.
const LONGEST_BASE58: usize = 200;

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE32_HEX: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BITCOIN: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const FLICKR: &[u8] = b"123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
const RIPPLE: &[u8] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// No character of an alphabet.
const NONE: u8 = u8::MAX;

/// The values of characters; with `folded`, those of the other case as well.
const fn values(alphabet: &[u8], folded: bool) -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    // No alphabet has more than 58.
    while (value as usize) < alphabet.len() {
        let character = alphabet[value as usize];
        values[character as usize] = value;
        if folded {
            values[character.to_ascii_lowercase() as usize] = value;
        }
        value += 1;
    }
    values
}

static HEX_VALUES: [u8; 256] = values(b"0123456789ABCDEF", true);
static BASE32_VALUES: [[u8; 256]; 3] =
    [values(BASE32, true), values(BASE32_HEX, true), values(CROCKFORD, true)];
static BASE58_VALUES: [[u8; 256]; 3] = [values(BITCOIN, false), values(FLICKR, false), values(RIPPLE, false)];

/// What a run of letters and digits may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Radix {
    /// Two characters a byte.
    Hex,
    /// Eight characters are five bytes, in the alphabet of that number.
    Base32(usize),
    /// All of it is one number, in the alphabet of that number.
    Base58(usize),
}

impl Radix {
    /// All, each with what it takes to be one.
    const ALL: [Radix; 7] = [
        Radix::Hex,
        Radix::Base32(0),
        Radix::Base32(1),
        Radix::Base32(2),
        Radix::Base58(0),
        Radix::Base58(1),
        Radix::Base58(2),
    ];

    /// What reports call it.
    pub(in crate::detect) fn name(self) -> &'static str {
        match self {
            Radix::Hex => "hex",
            Radix::Base32(_) => "base32",
            Radix::Base58(_) => "base58",
        }
    }

    fn values(self) -> &'static [u8; 256] {
        match self {
            Radix::Hex => &HEX_VALUES,
            Radix::Base32(n) => BASE32_VALUES.get(n).unwrap_or(&HEX_VALUES),
            Radix::Base58(n) => BASE58_VALUES.get(n).unwrap_or(&HEX_VALUES),
        }
    }

    /// How many characters are how many bytes, where that is always the same.
    pub(in crate::detect) fn ratio(self) -> (usize, usize) {
        match self {
            Radix::Hex => (2, 1),
            Radix::Base32(_) => (8, 5),
            // Nearly so: log 256 to the base of 58.
            Radix::Base58(_) => (15, 11),
        }
    }

    /// In how many ways a text may be read whose start is not known.
    pub(in crate::detect) fn alignments(self) -> usize {
        match self {
            Radix::Hex => 2,
            Radix::Base32(_) => 8,
            Radix::Base58(_) => 1,
        }
    }

    /// Whether a run of letters and digits of this length may be so encoded and hold a token.
    fn may_be(self, run: &[u8]) -> bool {
        let fits = match self {
            Radix::Hex => run.len() >= SHORTEST_HEX,
            Radix::Base32(_) => run.len() >= SHORTEST_BASE32 && is_of_one_case(run),
            Radix::Base58(_) => {
                (SHORTEST_BASE58..=LONGEST_BASE58).contains(&run.len()) && !is_of_one_case(run)
            }
        };
        let values = self.values();
        fits && run.iter().all(|byte| values[usize::from(*byte)] != NONE)
    }

    /// Whether a line of letters and digits may be a part of anything so encoded.
    pub(in crate::detect) fn may_be_any(line: &[u8]) -> bool {
        let all = |radix: Radix| line.iter().all(|byte| radix.values()[usize::from(*byte)] != NONE);
        is_of_one_case(line) || all(Radix::Hex) || all(Radix::Base58(0)) && line.len() <= LONGEST_BASE58
    }

    /// What a run of letters and digits may be.
    pub(in crate::detect) fn of_run(run: &[u8]) -> impl Iterator<Item = Radix> {
        // The digits of a hash are nothing else, however few: other alphabets have letters beyond F.
        let hex = is_hex(run);
        let fits = move |radix: &Radix| (!hex || *radix == Radix::Hex) && radix.may_be(run);
        Radix::ALL.into_iter().filter(fits)
    }

    /// The bytes that the characters stand for; those at the end that make no byte are left out.
    pub(in crate::detect) fn decode(self, text: &[u8]) -> Wiped {
        let values = self.values();
        let bits = match self {
            Radix::Hex => 4,
            Radix::Base32(_) => 5,
            Radix::Base58(_) => return decode_number(text, values),
        };
        let mut out = Wiped::new(Vec::with_capacity(text.len() * bits / 8 + 1));
        let (mut buffer, mut count) = (0_u32, 0);
        for byte in text {
            buffer = buffer << bits | u32::from(values[usize::from(*byte)]);
            count += bits;
            if count >= 8 {
                count -= 8;
                out.push((buffer >> count & 0xff).to_le_bytes()[0]);
            }
        }
        out
    }
}

/// The bytes of a number in base58, the highest first.
fn decode_number(text: &[u8], values: &[u8; 256]) -> Wiped {
    // Lowest byte first.
    let mut number = Wiped::new(vec![0_u8; text.len()]);
    let mut used = 0;
    for byte in text {
        let mut carry = u32::from(values[usize::from(*byte)]);
        for digit in number.iter_mut().take(used) {
            carry += u32::from(*digit) * 58;
            *digit = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0
            && let Some(digit) = number.get_mut(used)
        {
            *digit = carry.to_le_bytes()[0];
            carry >>= 8;
            used += 1;
        }
    }
    number.truncate(used);
    number.reverse();
    number
}

fn is_of_one_case(run: &[u8]) -> bool {
    let (upper, lower) = (run.iter().any(u8::is_ascii_uppercase), run.iter().any(u8::is_ascii_lowercase));
    !(upper && lower)
}

/// Whether these are hexadecimal digits, all of them.
pub(in crate::detect) fn is_hex(line: &[u8]) -> bool {
    line.iter().all(|byte| HEX_VALUES[usize::from(*byte)] != NONE)
}

/// How many bytes in a row are text on some line of 54 digits or more that a token in hexadecimal is on: 27 of its 80 digits where the
/// last line has fewer, and more on any other.
const HEX_TEXT: usize = 13;

/// How many of those are no zeros, in UTF-32.
const HEX_LETTERS: usize = 3;

/// Whether a line of hexadecimal digits may be a part of a text, or the beginning of a compressed stream. Nearly no hash is.
pub(in crate::detect) fn hex_may_hold_text(line: &[u8]) -> bool {
    let byte = |pair: &[u8]| match *pair {
        [high, low] => HEX_VALUES[usize::from(high)] << 4 | HEX_VALUES[usize::from(low)],
        _ => 0,
    };
    // A run for each of the two ways in which digits may be pairs.
    let mut runs = [(0, 0); 2];
    let mut first = [0; 4];
    for (at, pair) in line.windows(2).enumerate() {
        let byte = byte(pair);
        if let Some(slot) = first.get_mut(at) {
            *slot = byte;
        }
        let (length, letters) = &mut runs[at % 2];
        match byte {
            b' '..=b'~' | b'\t' | b'\n' | b'\r' => (*length, *letters) = (*length + 1, *letters + 1),
            0 => *length += 1,
            _ => (*length, *letters) = (0, 0),
        }
        if *length >= HEX_TEXT && *letters >= HEX_LETTERS {
            return true;
        }
    }
    let [even, odd, next_even, next_odd] = first;
    [[even, next_even], [odd, next_odd]]
        .iter()
        .any(|head| matches!(head, [0x1f, 0x8b] | [0x78, 0x01 | 0x5e | 0x9c | 0xda]))
}

/// How many bytes of text in a row show that something was decoded rather than made up.
const TEXT: usize = 16;

/// How many of them are no zeros at least: UTF-16 and UTF-32 are full of those.
const LEAST_LETTERS: usize = 4;

/// Whether a compressed stream may begin so: gzip, or zlib at any of its levels.
pub(super) fn begins_compressed(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f, 0x8b, 8, ..] | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

/// Whether bytes may hold a token, encoded once more or not: there is text, or they may begin with a compressed stream. Nearly no hash
/// has so much of it.
pub(in crate::detect) fn may_hold_text(bytes: &[u8]) -> bool {
    if begins_compressed(bytes) {
        return true;
    }
    let (mut length, mut letters) = (0, 0);
    bytes.iter().any(|byte| {
        match byte {
            0 => length += 1,
            byte if super::is_text_byte(*byte) => (length, letters) = (length + 1, letters + 1),
            _ => (length, letters) = (0, 0),
        }
        length >= TEXT && letters >= LEAST_LETTERS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_specifications_are_decoded() {
        // RFC 4648, section 10, and draft-msporny-base58, section 5.
        assert_eq!(*Radix::Base32(0).decode(b"MZXW6YTBOI"), *b"foobar");
        assert_eq!(*Radix::Base32(1).decode(b"CPNMUOJ1E8"), *b"foobar");
        assert_eq!(*Radix::Base32(2).decode(b"CSQPYRK1E8"), *b"foobar");
        assert_eq!(*Radix::Hex.decode(b"666F6F626172"), *b"foobar");
        assert_eq!(*Radix::Base58(0).decode(b"2NEpo7TZRRrLZSi2U"), *b"Hello World!");
        assert_eq!(
            *Radix::Base58(0).decode(b"USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
            *b"The quick brown fox jumps over the lazy dog."
        );
    }
}
