//! What makes an encoded text of bytes, written down once more and in the simplest way.

/// Digits of `bytes` in an alphabet of `2^bits` characters, without padding.
pub(super) fn in_bits(bytes: &[u8], bits: u32, alphabet: &[u8]) -> String {
    let (mut buffer, mut count, mut out) = (0_u32, 0, String::new());
    let mut push = |value: u32| out.push(char::from(alphabet[value as usize]));
    for byte in bytes {
        buffer = (buffer << 8 | u32::from(*byte)) & 0xffff;
        count += 8;
        while count >= bits {
            count -= bits;
            push(buffer >> count & ((1 << bits) - 1));
        }
    }
    if count > 0 {
        push(buffer << (bits - count) & ((1 << bits) - 1));
    }
    out
}

pub(super) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(super) const BASE32_HEX: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
pub(super) const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
pub(super) const BITCOIN: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
pub(super) const RFC_1924: &[u8] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
pub(super) const Z85: &[u8] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

pub(super) fn base32(bytes: &[u8]) -> String {
    in_bits(bytes, 5, BASE32)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    in_bits(bytes, 4, b"0123456789abcdef")
}

pub(super) fn base58(bytes: &[u8], alphabet: &[u8]) -> String {
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| char::from(alphabet[*digit as usize])).collect()
}

pub(super) fn base85(bytes: &[u8], alphabet: &[u8]) -> String {
    let group = |group: &[u8]| {
        let mut padded = [0; 4];
        padded[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes(padded);
        let digits: Vec<u8> =
            (0..5).rev().map(|n| alphabet[(number / 85_u32.pow(n) % 85) as usize]).collect();
        String::from_utf8_lossy(&digits[..=group.len()]).into_owned()
    };
    bytes.chunks(4).map(group).collect()
}

pub(super) fn ascii85(bytes: &[u8]) -> String {
    let alphabet: Vec<u8> = (b'!'..=b'u').collect();
    base85(bytes, &alphabet).replace("!!!!!", "z")
}

pub(super) fn uu_line(bytes: &[u8], zero: char, alphabet: Option<&[u8]>) -> String {
    let character = |value: u32| match alphabet {
        Some(alphabet) => char::from(alphabet[value as usize]),
        None if value == 0 => zero,
        None => char::from_u32(32 + value).expect("ASCII"),
    };
    let mut line = String::from(character(u32::try_from(bytes.len()).expect("short")));
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, n| number << 8 | u32::from(group.get(n).copied().unwrap_or(0)));
        line.extend((0..4).rev().map(|n| character(number >> (6 * n) & 63)));
    }
    line
}

pub(super) fn uuencoded(bytes: &[u8], zero: char) -> String {
    bytes.chunks(45).map(|line| uu_line(line, zero, None) + "\n").collect()
}

pub(super) fn quoted_printable(text: &str, which: &[bool], width: usize, line_end: &str) -> String {
    let mut lines = vec![String::new()];
    for (byte, which) in text.bytes().zip(which.iter().cycle()) {
        let piece =
            if *which || byte == b'=' { format!("={byte:02X}") } else { char::from(byte).to_string() };
        if lines.last().is_some_and(|line| line.len() + piece.len() > width) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&piece);
        }
    }
    lines.join(&format!("={line_end}"))
}
