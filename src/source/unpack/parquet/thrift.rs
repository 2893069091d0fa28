//! Thrift's compact protocol (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), read as far as a
//! structure is asked for, and passed over otherwise.

/// The kinds of fields ("Struct encoding").
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// How deep structures are nested at most.
const MAX_DEPTH: u32 = 32;

/// Reads from some bytes.
pub(super) struct Compact<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// Called with each field's number and kind; whether it has read the field.
pub(super) type OnField<'f, 'b> = &'f mut dyn FnMut(&mut Compact<'b>, u64, u8) -> Option<bool>;

impl<'b> Compact<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Compact { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number with its sign in the lowest bit.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// The same, where it may not be negative.
    pub(super) fn length(&mut self) -> Option<u64> {
        self.integer().and_then(|value| u64::try_from(value).ok())
    }

    pub(super) fn binary(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        let bytes = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(bytes)
    }

    /// Reads a structure: `each` reads the fields it knows, and the others are passed over.
    pub(super) fn structure(&mut self, each: OnField<'_, 'b>) -> Option<()> {
        let mut id = 0_u64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            let (delta, kind) = (header >> 4, header & 0x0f);
            id = if delta == 0 { self.length()? } else { id.checked_add(u64::from(delta))? };
            if !each(self, id, kind)? {
                self.skip(kind, 0)?;
            }
        }
    }

    /// The kind and count of a list's elements.
    pub(super) fn list(&mut self) -> Option<(u8, u64)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        Some((header & 0x0f, count))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            TRUE | FALSE => {}
            3 => self.at += 1,
            4..=6 => {
                self.varint()?;
            }
            7 => self.at += 8,
            BINARY => {
                self.binary()?;
            }
            LIST | 10 => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    self.skip_element(kind, depth)?;
                }
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                for _ in 0..count {
                    self.skip_element(kinds >> 4, depth)?;
                    self.skip_element(kinds & 0x0f, depth)?;
                }
            }
            STRUCT => loop {
                let header = self.byte()?;
                if header == 0 {
                    break;
                }
                if header >> 4 == 0 {
                    self.varint()?;
                }
                self.skip(header & 0x0f, depth + 1)?;
            },
            _ => return None,
        }
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Elements that are true or false have a byte of their own.
    fn skip_element(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            TRUE | FALSE => self.byte().map(drop),
            kind => self.skip(kind, depth + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_passed_over() {
        // 1: binary, 2: list of structures, 4: map, 5: true, 300: a number.
        let bytes = [
            &[0x18, 2, b'a', b'b', 0x19, 0x2c, 0x15, 2, 0, 0, 0x2b, 1, 0x88, 1, b'k', 1, b'v', 0x11][..],
            &[0x05, 0xd8, 0x04, 0x08, 0],
        ]
        .concat();
        let mut found = Vec::new();
        let mut compact = Compact::new(&bytes);
        compact
            .structure(&mut |compact, id, kind| {
                found.push((id, kind));
                if id == 300 {
                    assert_eq!(compact.integer(), Some(4));
                    return Some(true);
                }
                Some(false)
            })
            .expect("sound");
        assert_eq!(found, [(1, BINARY), (2, LIST), (4, 11), (5, TRUE), (300, I32)]);
        assert_eq!(compact.offset(), bytes.len());
        for len in 0..bytes.len() {
            assert!(Compact::new(&bytes[..len]).structure(&mut |_, _, _| Some(false)).is_none(), "{len}");
        }
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        assert!(Compact::new(&[0x1c; 10_000]).structure(&mut |_, _, _| Some(false)).is_none());
    }
}
