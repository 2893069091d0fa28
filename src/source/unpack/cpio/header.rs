//! The headers of cpio's members, in each of its forms (cpio(5)).

/// The longest header there is, that of the new form.
pub(super) const MAX_HEADER: usize = 110;

/// The name of the member that ends an archive.
pub(super) const TRAILER: &[u8] = b"TRAILER!!!";

/// No name is longer in practice, in bytes.
const MAX_NAME: usize = 64 * 1024;

/// The bits of a mode that say what a file is, and those of a link (cpio(5), "mode").
const TYPE: u64 = 0o170_000;
const LINK: u64 = 0o120_000;

/// A file of an RPM package, whose archive holds numbers of files and no headers.
pub(in super::super) struct PackedFile {
    pub(in super::super) name: Vec<u8>,
    /// How many bytes the archive has of it.
    pub(in super::super) size: u64,
    pub(in super::super) is_link: bool,
}

/// What a header says of its member.
pub(super) struct Entry {
    pub(super) header_len: usize,
    /// How many bytes the name takes behind the header, its NUL included.
    pub(super) name_len: usize,
    /// The name, where a list of files has it and the archive has none.
    pub(super) listed_name: Option<Vec<u8>>,
    pub(super) size: u64,
    pub(super) is_link: bool,
    /// Name and data are filled up to a multiple of this.
    pub(super) align: u64,
}

impl Entry {
    /// What the header says that stands here, if one does. `files` are those that archives of RPM have numbers of.
    pub(super) fn parse(head: &[u8], files: &[PackedFile]) -> Option<Self> {
        match head {
            [b'0', b'7', b'0', b'7', b'0', b'1' | b'2', ..] => Self::parse_new(head),
            [b'0', b'7', b'0', b'7', b'0', b'7', ..] => Self::parse_octal(head),
            [b'0', b'7', b'0', b'7', b'0', b'X', ..] => Self::parse_numbered(head, files),
            [0xc7, 0x71, ..] => Self::parse_binary(head, u16::from_le_bytes),
            [0x71, 0xc7, ..] => Self::parse_binary(head, u16::from_be_bytes),
            _ => None,
        }
    }

    fn new(header_len: usize, name_len: u64, (mode, size): (u64, u64), align: u64) -> Option<Self> {
        let name_len = usize::try_from(name_len).ok().filter(|len| (1..=MAX_NAME).contains(len))?;
        let is_link = mode & TYPE == LINK;
        Some(Entry { header_len, name_len, listed_name: None, size, is_link, align })
    }

    /// "New ASCII", with and without a checksum: thirteen numbers of eight hexadecimal digits.
    fn parse_new(head: &[u8]) -> Option<Self> {
        let digits = head.get(6..110)?;
        let number = |field: usize| number(digits.get(field * 8..field * 8 + 8)?, 16);
        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        Self::new(110, number(11)?, (number(1)?, number(6)?), 4)
    }

    /// "Portable ASCII" (POSIX.1-1988): octal digits, and nothing is filled up.
    fn parse_octal(head: &[u8]) -> Option<Self> {
        let number = |from: usize, to: usize| number(head.get(from..to)?, 8);
        head.get(6..76)?.iter().all(|byte| matches!(byte, b'0'..=b'7')).then_some(())?;
        Self::new(76, number(59, 65)?, (number(18, 24)?, number(65, 76)?), 1)
    }

    /// The old binary form: numbers of two bytes in the order of the machine that wrote it, of four with the higher half first.
    fn parse_binary(head: &[u8], read: fn([u8; 2]) -> u16) -> Option<Self> {
        let number = |index: usize| head.get(index * 2..)?.first_chunk().map(|bytes| u64::from(read(*bytes)));
        let mode = number(3)?;
        // Fifo, character device, directory, block device, file, link, socket; the end has none.
        matches!(mode >> 12, 0 | 1 | 2 | 4 | 6 | 8 | 10 | 12).then_some(())?;
        let size = number(11)? << 16 | number(12)?;
        let name_len = number(10)?;
        (name_len <= 4096).then_some(())?;
        Self::new(26, name_len, (mode, size), 2)
    }

    /// A number of a file of the package, in archives with files of 4 GiB or more (rpm 4.12, `lib/rpmcpio.c`).
    fn parse_numbered(head: &[u8], files: &[PackedFile]) -> Option<Self> {
        let index = usize::try_from(number(head.get(6..14)?, 16)?).ok()?;
        let file = files.get(index)?;
        Some(Entry {
            header_len: 14,
            name_len: 0,
            listed_name: Some(file.name.clone()),
            size: file.size,
            is_link: file.is_link,
            align: 4,
        })
    }

    /// Whether a name stands behind the header that these bytes begin with, as far as they go: it ends in NUL, and only there.
    pub(super) fn has_name(&self, head: &[u8]) -> bool {
        let Some(name) = head.get(self.header_len..) else { return false };
        if self.listed_name.is_some() {
            return true;
        }
        let name = name.get(..self.name_len).unwrap_or(name);
        let (text, end) = match name.split_last() {
            Some((end, text)) if name.len() == self.name_len => (text, *end),
            _ => (name, 0),
        };
        // The old form has hardly anything else to be told by.
        end == 0 && (self.align != 2 || !text.contains(&0)) && text.first() != Some(&0)
    }
}

/// Whether a name is that of the end of an archive.
pub(super) fn is_trailer(name: &[u8]) -> bool {
    name == TRAILER
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
