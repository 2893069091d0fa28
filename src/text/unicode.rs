//! Text of a file that somebody wrote with whatever was at hand.

use std::borrow::Cow;

/// The byte order mark (U+FEFF), which Windows programs begin a file with.
const MARK: char = '\u{feff}';

/// How the numbers of one of Unicode's encodings are written down.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// A file's bytes as text: UTF-8, or UTF-16 and UTF-32 as PowerShell's `>` and `Out-File` write them, in either byte order.
/// A byte order mark at the beginning is left out. `None` where it is none of these.
///
/// Without a mark, the encoding follows from where the zeros are: each format that is read this way begins with an ASCII
/// character (RFC 4627, section 3, has this for JSON).
pub(crate) fn unicode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [1..=255, 0, 0, 0, ..] => Cow::Owned(utf32(bytes, Order::Little)?),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=255, ..] => Cow::Owned(utf32(bytes, Order::Big)?),
        [0xff, 0xfe, ..] | [1..=255, 0, ..] => Cow::Owned(utf16(bytes, Order::Little)?),
        [0xfe, 0xff, ..] | [0, 1..=255, ..] => Cow::Owned(utf16(bytes, Order::Big)?),
        _ => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
    };
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix(MARK).unwrap_or(text)),
        Cow::Owned(mut text) => {
            if text.starts_with(MARK) {
                text.drain(..MARK.len_utf8());
            }
            Cow::Owned(text)
        }
    })
}

fn utf16(bytes: &[u8], order: Order) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let unit = |unit: &[u8; 2]| match order {
        Order::Little => u16::from_le_bytes(*unit),
        Order::Big => u16::from_be_bytes(*unit),
    };
    // As much as the text can need: it may be a secret, and is to be in memory once.
    let mut text = String::with_capacity(units.len() * 3);
    for character in char::decode_utf16(units.iter().map(unit)) {
        text.push(character.ok()?);
    }
    rest.is_empty().then_some(text)
}

fn utf32(bytes: &[u8], order: Order) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    let mut text = String::with_capacity(units.len() * 4);
    for unit in units {
        text.push(char::from_u32(match order {
            Order::Little => u32::from_le_bytes(*unit),
            Order::Big => u32::from_be_bytes(*unit),
        })?);
    }
    rest.is_empty().then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> [Vec<u8>; 5] {
        [
            text.as_bytes().to_vec(),
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_encoding_is_read_with_a_mark_and_without(text in "[!-~]{2}\\PC{0,20}") {
            for (n, bytes) in encoded(&text).iter().enumerate() {
                prop_assert_eq!(unicode(bytes), Some(Cow::Borrowed(&*text)), "{}", n);
            }
            for (n, bytes) in encoded(&format!("\u{feff}{text}")).iter().enumerate() {
                prop_assert_eq!(unicode(bytes), Some(Cow::Borrowed(&*text)), "{} with a mark", n);
            }
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = unicode(&bytes);
        }
    }

    #[test]
    fn what_is_cut_short_is_no_text() {
        assert_eq!(unicode(b"").as_deref(), Some(""));
        assert_eq!(unicode(b"\xff\xfe").as_deref(), Some(""));
        for bytes in [b"\xff\xfe{\0x".as_slice(), b"\xff\xfe\0\xd8", b"\xc3", b"\xff\xfe\0\0x\0\0"] {
            assert_eq!(unicode(bytes), None, "{bytes:?}");
        }
    }
}
