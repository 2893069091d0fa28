//! The header structure of RPM ("Header Format"): an index of tags, and a store of their values.

use crate::source::unpack::cpio::PackedFile;

/// Magic, four reserved bytes, the count of index entries and the size of the store.
pub(super) const INTRO_LEN: usize = 16;

/// The most there is of the first (`HEADER_TAGS_MAX` in rpm's lib/header.c), and more than there is of the other in practice.
const MAX_ENTRIES: u32 = 0xffff;
const MAX_STORE: u32 = 64 * 1024 * 1024;

/// No names of one package are longer in practice, in bytes, all together.
const MAX_NAMES: usize = 64 * 1024 * 1024;

const ENTRY_LEN: usize = 16;

/// The tags of a package's files (rpm's include/rpm/rpmtag.h).
const MODES: u32 = 1030;
const DEVICES: u32 = 1095;
const INODES: u32 = 1096;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;
const LONG_SIZES: u32 = 5008;

/// Types of files in a mode.
const TYPE: u64 = 0o170_000;
const REGULAR: u64 = 0o100_000;
const LINK: u64 = 0o120_000;

/// How large a header is.
pub(super) struct Intro {
    entries: u32,
    store: u32,
}

impl Intro {
    /// What a header's first bytes say of it.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        head.starts_with(b"\x8e\xad\xe8\x01").then_some(())?;
        let (entries, store) = (be32(head, 8)?, be32(head, 12)?);
        (entries <= MAX_ENTRIES && store <= MAX_STORE).then_some(Intro { entries, store })
    }

    /// How many bytes it takes, these included.
    pub(super) fn len(&self) -> u64 {
        (INTRO_LEN as u64) + u64::from(self.entries) * (ENTRY_LEN as u64) + u64::from(self.store)
    }
}

/// The values of tags.
struct Tags<'h> {
    index: &'h [u8],
    store: &'h [u8],
}

impl<'h> Tags<'h> {
    /// Where a tag's values begin, how they are typed and how many there are.
    fn find(&self, tag: u32) -> Option<(&'h [u8], u32, usize)> {
        let entry = self.index.chunks_exact(ENTRY_LEN).find(|entry| be32(entry, 0) == Some(tag))?;
        let offset = usize::try_from(be32(entry, 8)?).ok()?;
        let count = usize::try_from(be32(entry, 12)?).ok()?;
        Some((self.store.get(offset..)?, be32(entry, 4)?, count))
    }

    /// Numbers of two, four or eight bytes (types 3, 4 and 5).
    fn numbers(&self, tag: u32) -> Vec<u64> {
        let Some((values, kind, count)) = self.find(tag) else { return Vec::new() };
        let size = match kind {
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return Vec::new(),
        };
        let value = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        values.chunks_exact(size).take(count).map(value).collect()
    }

    /// Strings that each end in NUL (type 8).
    fn strings(&self, tag: u32) -> Vec<&'h [u8]> {
        match self.find(tag) {
            Some((values, 8, count)) => values.split(|byte| *byte == 0).take(count).collect(),
            _ => Vec::new(),
        }
    }
}

/// The files by their numbers, where the header has sizes of eight bytes: only then, a payload has numbers and no headers
/// (`rpmfiArchiveWriteHeader` in rpm's lib/rpmfi.c).
pub(super) fn packed_files(header: &[u8], intro: &Intro) -> Vec<PackedFile> {
    let index_end = INTRO_LEN + intro.entries as usize * ENTRY_LEN;
    let (Some(index), Some(store)) = (header.get(INTRO_LEN..index_end), header.get(index_end..)) else {
        return Vec::new();
    };
    let tags = Tags { index, store };
    let (sizes, modes) = (tags.numbers(LONG_SIZES), tags.numbers(MODES));
    let (directories, directory_of) = (tags.strings(DIRECTORY_NAMES), tags.numbers(DIRECTORY_INDEXES));
    let inodes: Vec<(u64, u64)> = tags.numbers(DEVICES).into_iter().zip(tags.numbers(INODES)).collect();
    // Of hard links, the last one has the data.
    let last: std::collections::HashMap<(u64, u64), usize> =
        inodes.iter().enumerate().map(|(index, inode)| (*inode, index)).collect();
    let has_data = |index: usize| inodes.get(index).is_none_or(|inode| last.get(inode) == Some(&index));
    let names = tags.strings(BASE_NAMES).into_iter().zip(directory_of);
    let files = names.zip(sizes.into_iter().zip(modes)).enumerate();
    let mut names_len = 0;
    files
        .map_while(|(index, ((name, directory), (size, mode)))| {
            let directory = usize::try_from(directory).ok().and_then(|index| directories.get(index));
            let size = match mode & TYPE {
                REGULAR if has_data(index) => size,
                LINK => size,
                _ => 0,
            };
            let name = [b".", directory.copied().unwrap_or_default(), name].concat();
            names_len += name.len();
            (names_len <= MAX_NAMES).then_some(PackedFile { name, size, is_link: mode & TYPE == LINK })
        })
        .collect()
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
