//! The header of a cabinet, and its lists of folders and files ([MS-CAB] 2.1 to 2.4).

use std::io;

use crate::source::unpack::extents::{scan_front, scan_seam};
use crate::source::unpack::input::Input;
use crate::source::unpack::open_container::OpenContainer;
use crate::text::{MESSAGE_LIMIT, one_line};

const HEADER_LEN: usize = 36;
const FOLDER_LEN: usize = 8;
const FILE_LEN: usize = 16;

/// What the header's flags say that it has (2.1): names of the cabinets before and behind it, and reserved fields.
const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVED: u16 = 4;

/// Where the list of files begins at the latest: behind as many folders as there can be, each with a reserved field.
const MAX_FRONT: u64 = 20 * 1024 * 1024;
/// No name is longer, in bytes (2.1 and 2.4: 256, and the NUL).
const MAX_NAME: usize = 257;

/// What a cabinet says of itself.
pub(super) struct Cabinet {
    pub(super) folders: Vec<Folder>,
    pub(super) files: Vec<File>,
    /// How many bytes are reserved in each block.
    pub(super) block_reserve: usize,
    /// The names of the cabinets before and behind this one, for a message; nothing where there are none.
    pub(super) before: String,
    pub(super) behind: String,
}

/// Files that are compressed together (2.3).
pub(super) struct Folder {
    /// Where its first block begins.
    pub(super) offset: u64,
    pub(super) blocks: u16,
    pub(super) method: u16,
}

/// A file (2.4).
pub(super) struct File {
    pub(super) name: Vec<u8>,
    /// Where the name stands in the cabinet.
    pub(super) name_offset: u64,
    pub(super) size: u64,
    /// Where it begins in what comes out of its folder.
    pub(super) offset: u64,
    pub(super) folder: usize,
    pub(super) part: Part,
}

/// How much of a file is in this cabinet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// It goes on in the next one.
    Begin,
    /// It begins in the one before.
    Rest,
}

impl Cabinet {
    /// Reads all of that, and scans what is reserved.
    pub(super) fn read(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<Self> {
        let head = input.peek(HEADER_LEN)?.to_vec();
        let files_offset = u64::from(le32(&head, 16));
        if head.len() < HEADER_LEN || !(HEADER_LEN as u64..=MAX_FRONT).contains(&files_offset) {
            return Err(io::Error::other("its header is damaged"));
        }
        let _reservation = container.budget.reserve(2 * files_offset)?;
        let front = input.read_bytes(usize::try_from(files_offset).unwrap_or(usize::MAX))?;
        let outcome = Self::parse(&front);
        scan_front(container, input, &front);
        let mut cabinet = outcome.ok_or_else(|| io::Error::other("its header is damaged"))?;
        let count = le16(&front, 28);
        for _ in 0..count {
            match read_file(container, input, cabinet.folders.len()) {
                Ok(file) => cabinet.files.push(file),
                Err(error) => {
                    scan_names(container, &cabinet.files);
                    return Err(error);
                }
            }
        }
        Ok(cabinet)
    }

    /// What stands before the list of files.
    fn parse(front: &[u8]) -> Option<Self> {
        let (folders, flags) = (usize::from(le16(front, 26)), le16(front, 30));
        let (mut at, mut folder_reserve, mut block_reserve) = (HEADER_LEN, 0, 0);
        if flags & HAS_RESERVED != 0 {
            let [header, header_high, folder, block] = *front.get(at..)?.first_chunk::<4>()?;
            at += 4 + usize::from(u16::from_le_bytes([header, header_high]));
            (folder_reserve, block_reserve) = (usize::from(folder), usize::from(block));
        }
        // The name of the cabinet, and that of the disk it is on.
        let mut neighbour = |flag: u16| -> Option<String> {
            if flags & flag == 0 {
                return Some(String::new());
            }
            let mut names = front.get(at..)?.split(|byte| *byte == 0);
            let (name, disk) = (names.next()?, names.next()?);
            at += name.len() + disk.len() + 2;
            Some(format!(", {}", one_line(&String::from_utf8_lossy(name), MESSAGE_LIMIT)))
        };
        let (before, behind) = (neighbour(HAS_PREVIOUS)?, neighbour(HAS_NEXT)?);
        let entries = front.get(at..)?.chunks_exact(FOLDER_LEN + folder_reserve).take(folders);
        let folders: Vec<Folder> = entries
            .map(|entry| Folder {
                offset: u64::from(le32(entry, 0)),
                blocks: le16(entry, 4),
                method: le16(entry, 6),
            })
            .collect();
        Some(Cabinet { folders, files: Vec::new(), block_reserve, before, behind })
    }
}

fn read_file(container: &OpenContainer<'_>, input: &mut Input<'_>, folders: usize) -> io::Result<File> {
    let offset = input.offset();
    let entry = input.peek(FILE_LEN + MAX_NAME)?;
    let name = entry.get(FILE_LEN..).unwrap_or_default();
    let Some(len) = name.iter().position(|byte| *byte == 0) else {
        return Err(io::Error::other("a name in its list of files does not end"));
    };
    let (folder, part) = match le16(entry, 8) {
        0xfffd => (0, Part::Rest),
        0xfffe => (folders.saturating_sub(1), Part::Begin),
        0xffff => (folders.saturating_sub(1), Part::Rest),
        index => (usize::from(index), Part::Whole),
    };
    let file = File {
        name_offset: offset + FILE_LEN as u64,
        // Paths have the separator of Windows.
        name: name.iter().take(len).map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect(),
        size: u64::from(le32(entry, 0)),
        offset: u64::from(le32(entry, 4)),
        folder,
        part,
    };
    if file.folder >= folders {
        return Err(io::Error::other("its list of files names a folder that is not there"));
    }
    // A name that is the rest of something else.
    input.skip(FILE_LEN as u64)?;
    scan_seam(container, input, 0);
    input.skip((len + 1) as u64)?;
    Ok(file)
}

/// Scans the names of files that are not read where they stand.
pub(super) fn scan_names(container: &OpenContainer<'_>, files: &[File]) {
    for file in files {
        container.scan_raw(file.name_offset, &file.name);
    }
}

/// The number of two bytes at an offset; 0 where the end comes first.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// The same of four bytes.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
