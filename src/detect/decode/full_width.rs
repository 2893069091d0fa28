//! `ｇｈｐ＿`: letters, digits and the underscore in other forms that Unicode folds to them (NFKC, Unicode Standard Annex #15):
//! full-width ones, which input methods of East Asia write, those of mathematics, which are pasted as bold or italic text, and
//! circled ones.

/// The character of ASCII whose other form `rest` starts with, in UTF-8.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    let width = match rest.first()? {
        0xe2 | 0xef => 3,
        0xf0 => 4,
        _ => return None,
    };
    let form = std::str::from_utf8(rest.get(..width)?).ok()?.chars().next()?;
    ascii(u32::from(form)).map(|byte| (byte, width))
}

/// The character that `rest` starts with in UTF-16, low byte first: U+FF01 to U+FF5E alone.
pub(super) fn first_char_le(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [low @ 0x01..=0x5e, 0xff, ..] => Some((low + 0x20, 2)),
        _ => None,
    }
}

/// The same, high byte first.
pub(super) fn first_char_be(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [0xff, low @ 0x01..=0x5e, ..] => Some((low + 0x20, 2)),
        _ => None,
    }
}

/// Letters of mathematics that were there before the block for them, which has holes in their place (Letterlike Symbols).
const LETTERLIKE: &[(u32, u8)] = &[
    (0x2102, b'C'),
    (0x210a, b'g'),
    (0x210b, b'H'),
    (0x210c, b'H'),
    (0x210d, b'H'),
    (0x210e, b'h'),
    (0x2110, b'I'),
    (0x2111, b'I'),
    (0x2112, b'L'),
    (0x2115, b'N'),
    (0x2119, b'P'),
    (0x211a, b'Q'),
    (0x211b, b'R'),
    (0x211c, b'R'),
    (0x211d, b'R'),
    (0x2124, b'Z'),
    (0x2128, b'Z'),
    (0x212c, b'B'),
    (0x212d, b'C'),
    (0x212f, b'e'),
    (0x2130, b'E'),
    (0x2131, b'F'),
    (0x2133, b'M'),
    (0x2134, b'o'),
];

/// What the code point is another form of.
fn ascii(form: u32) -> Option<u8> {
    let nth = |first: u8, n: u32| u8::try_from(n).ok().map(|n| first + n);
    match form {
        // Halfwidth and Fullwidth Forms.
        0xff01..=0xff5e => nth(b'!', form - 0xff01),
        // Mathematical Alphanumeric Symbols: thirteen alphabets, and five rows of digits.
        0x1d400..=0x1d6a3 => match (form - 0x1d400) % 52 {
            n @ 0..=25 => nth(b'A', n),
            n => nth(b'a', n - 26),
        },
        0x1d7ce..=0x1d7ff => nth(b'0', (form - 0x1d7ce) % 10),
        // Enclosed Alphanumerics.
        0x2460..=0x2468 => nth(b'1', form - 0x2460),
        0x24b6..=0x24cf => nth(b'A', form - 0x24b6),
        0x24d0..=0x24e9 => nth(b'a', form - 0x24d0),
        0x24ea => Some(b'0'),
        _ => LETTERLIKE.iter().find(|(letter, _)| *letter == form).map(|(_, byte)| *byte),
    }
}
