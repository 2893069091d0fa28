//! Which byte of a UTF-16 code unit comes first (RFC 2781, section 3).

/// Which byte of a UTF-16 code unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The lower one, as Windows writes it.
    Little,
    /// The higher one.
    Big,
}

impl ByteOrder {
    /// What the byte order mark says that a text begins with, if it does.
    pub fn of_mark(text: &[u8]) -> Option<Self> {
        match text {
            // That would be the mark of UTF-32.
            [0xff, 0xfe, 0, 0, ..] => None,
            [0xff, 0xfe, ..] => Some(ByteOrder::Little),
            [0xfe, 0xff, ..] => Some(ByteOrder::Big),
            _ => None,
        }
    }

    /// The order that an encoding's name in reports states.
    pub fn of_encoding(name: &str) -> Option<Self> {
        [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.encoding() == name)
    }

    /// What reports call the encoding.
    pub fn encoding(self) -> &'static str {
        match self {
            ByteOrder::Little => "utf-16le",
            ByteOrder::Big => "utf-16be",
        }
    }
}
