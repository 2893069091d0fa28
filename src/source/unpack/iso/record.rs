//! A record of a directory (ECMA-119, 9.1).

/// Bits of its flags (9.1.6).
const DIRECTORY: u8 = 2;
const GOES_ON: u8 = 0x80;

/// A record.
pub(super) struct Record<'r> {
    pub(super) block: u32,
    /// How many blocks of extended attributes stand before the data.
    attributes: u8,
    pub(super) size: u32,
    flags: u8,
    pub(super) is_interleaved: bool,
    pub(super) name: &'r [u8],
    pub(super) system_use: &'r [u8],
    pub(super) len: usize,
}

impl<'r> Record<'r> {
    /// The record that begins these bytes.
    pub(super) fn parse(bytes: &'r [u8]) -> Option<Self> {
        let len = usize::from(*bytes.first()?);
        let record = bytes.get(..len)?;
        let number = |at: usize| Some(u32::from_le_bytes(*record.get(at..)?.first_chunk()?));
        let name_len = usize::from(*record.get(32)?);
        let name = record.get(33..33 + name_len)?;
        // Filled up to an even offset.
        let system_use = record.get((33 + name_len).next_multiple_of(2)..).unwrap_or_default();
        Some(Record {
            block: number(2)?,
            attributes: *record.get(1)?,
            size: number(10)?,
            flags: *record.get(25)?,
            is_interleaved: *record.get(26)? != 0,
            name,
            system_use,
            len,
        })
    }

    /// Where its data begins, in blocks of this size.
    pub(super) fn offset(&self, block: u64) -> u64 {
        (u64::from(self.block) + u64::from(self.attributes)) * block
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// Whether the next record has more of the same file.
    pub(super) fn goes_on(&self) -> bool {
        self.flags & GOES_ON != 0
    }
}
