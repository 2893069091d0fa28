//! The records of a zip (APPNOTE 4.3).

use crate::blob::MIN_TOKEN_LEN;

/// The signature of a member's own header, the local file header (APPNOTE 4.3.7).
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
/// That of an entry of the central directory (APPNOTE 4.3.12).
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
/// That of the end of central directory record (APPNOTE 4.3.16).
pub(in super::super) const END: &[u8] = b"PK\x05\x06";
/// That of the zip64 end of central directory record (APPNOTE 4.3.14).
pub(super) const END_64: &[u8] = b"PK\x06\x06";
/// That of the locator of the latter (APPNOTE 4.3.15).
pub(super) const LOCATOR_64: &[u8] = b"PK\x06\x07";
/// That of a data descriptor: checksum and sizes behind a member's data (APPNOTE 4.3.9).
pub(super) const DESCRIPTOR: &[u8] = b"PK\x07\x08";

pub(super) const LOCAL_LEN: usize = 30;
pub(super) const CENTRAL_LEN: usize = 46;
pub(super) const END_LEN: usize = 22;
pub(super) const END_64_LEN: u64 = 56;
pub(super) const LOCATOR_64_LEN: u64 = 20;

/// What a header states about a member.
#[derive(Default)]
pub(super) struct Entry {
    flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// The offset of the member's own header, as the directory states it.
    pub(super) header_offset: u64,
    /// Unix mode, where the archive was made on Unix.
    mode: u32,
    pub(super) name: Vec<u8>,
    pub(super) extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    /// Whether the header states how long the data is.
    pub(super) sized: bool,
}

impl Entry {
    /// Whether its method is one that was ever assigned (APPNOTE 4.4.5): that of chance bytes seldom is.
    pub(super) fn is_plausible(&self) -> bool {
        matches!(self.method, 0..=20 | 93..=99)
    }

    /// Bit 0 of the flags (APPNOTE 4.4.4), or the method of AE-x encryption (APPNOTE 4.4.5).
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    /// Whether sizes and checksum stand behind the data, and not in the member's own header: bit 3 (APPNOTE 4.4.4).
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Whether an LZMA stream ends in an end marker: bit 1 (APPNOTE 4.4.4).
    pub(super) fn has_end_marker(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether its data is not compressed (APPNOTE 4.4.5).
    pub(super) fn is_stored(&self) -> bool {
        self.method == 0
    }

    pub(super) fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    pub(super) fn is_directory(&self) -> bool {
        self.packed == 0 && self.name.last() == Some(&b'/')
    }

    /// A member's own header, with the lengths of the name and the extra field behind it.
    pub(super) fn local(bytes: &[u8]) -> Option<(Entry, usize, usize)> {
        let bytes = bytes.first_chunk::<LOCAL_LEN>().filter(|bytes| bytes.starts_with(LOCAL))?;
        let entry = Entry {
            flags: le16(bytes, 6),
            method: le16(bytes, 8),
            crc: le32(bytes, 14),
            packed: u64::from(le32(bytes, 18)),
            size: u64::from(le32(bytes, 22)),
            ..Entry::default()
        };
        Some((entry, usize::from(le16(bytes, 26)), usize::from(le16(bytes, 28))))
    }

    /// The entry with the name and the extra field that stand behind a member's own header.
    pub(super) fn with_name_and_extra(mut self, bytes: &[u8], name_len: usize) -> Entry {
        let (name, extra) = bytes.split_at(name_len.min(bytes.len()));
        (self.name, self.extra) = (name.to_vec(), extra.to_vec());
        self.read_zip64();
        self.sized = !self.has_descriptor() || self.packed != 0;
        self
    }

    /// An entry of the directory, and its length; none where the bytes are too few, or not one.
    pub(super) fn central(bytes: &[u8]) -> Option<(Entry, usize)> {
        let fixed = bytes.first_chunk::<CENTRAL_LEN>().filter(|bytes| bytes.starts_with(CENTRAL))?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(le16(fixed, at)));
        let len = CENTRAL_LEN + name + extra + comment;
        let (name, rest) = bytes.get(CENTRAL_LEN..len)?.split_at(name);
        let (extra, comment) = rest.split_at(extra);
        let mut entry = Entry {
            flags: le16(fixed, 8),
            method: le16(fixed, 10),
            crc: le32(fixed, 16),
            packed: u64::from(le32(fixed, 20)),
            size: u64::from(le32(fixed, 24)),
            header_offset: u64::from(le32(fixed, 42)),
            // The upper byte of "version made by" is 3 for Unix (APPNOTE 4.4.2).
            mode: if fixed[5] == 3 { le32(fixed, 38) >> 16 } else { 0 },
            name: name.to_vec(),
            extra: extra.to_vec(),
            comment: comment.to_vec(),
            sized: true,
        };
        entry.read_zip64();
        Some((entry, len))
    }

    /// Takes the numbers that did not fit from the zip64 extra field (APPNOTE 4.5.3).
    fn read_zip64(&mut self) {
        let mut wide = fields(&self.extra).find(|(id, _)| *id == 1).map_or(&[][..], |(_, bytes)| bytes);
        for number in [&mut self.size, &mut self.packed, &mut self.header_offset] {
            if *number == u64::from(u32::MAX)
                && let Some((value, rest)) = wide.split_first_chunk::<8>()
            {
                (*number, wide) = (u64::from_le_bytes(*value), rest);
            }
        }
    }

    /// Whether the extra field is long enough for a token.
    pub(super) fn has_long_extra(&self) -> bool {
        self.extra.len() >= MIN_TOKEN_LEN
    }
}

/// The parts of an extra field: id, length and data (APPNOTE 4.5.1).
fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = extra.first_chunk::<4>()?;
        let end = (4 + usize::from(le16(header, 2))).min(extra.len());
        let (field, rest) = extra.split_at(end);
        let id = le16(header, 0);
        extra = rest;
        Some((id, &field[4..]))
    })
}

/// Two bytes of a record, little-endian; 0 beyond its end.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// Four bytes of a record.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Eight bytes of a record.
pub(super) fn le64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
