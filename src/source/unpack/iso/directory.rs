//! The directories of an image, and the files that their records name.

use std::collections::{HashSet, VecDeque};
use std::io;

use super::record::Record;
use super::rock_ridge::Fields;
use super::volume::{Names, SECTOR, Volume};
use crate::blob::ReadSeek;
use crate::source::unpack::extents::{Extent, read_at};

/// No directory is longer, nor is any path, in practice, in bytes.
const MAX_DIRECTORY: u32 = 64 * 1024 * 1024;
const MAX_PATH: usize = 4096;
/// Nor are the paths of all directories that wait to be read.
const MAX_PATHS: usize = 16 * 1024 * 1024;

/// A directory that is to be read.
pub(super) struct Directory {
    path: Vec<u8>,
    pub(super) offset: u64,
    pub(super) size: u32,
}

/// A file, or a directory that is read later.
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) extents: Vec<Extent>,
    pub(super) size: u64,
    pub(super) target: Option<Vec<u8>>,
    /// Whether it says that it is compressed.
    pub(super) is_packed: bool,
    pub(super) is_interleaved: bool,
}

/// The records of a directory, as far as they were not read.
pub(super) struct Records<'r> {
    bytes: &'r [u8],
    at: usize,
    /// A file that goes on in the next record.
    begun: Option<Entry>,
}

impl<'r> Records<'r> {
    /// All records of a directory.
    pub(super) fn new(bytes: &'r [u8]) -> Self {
        Records { bytes, at: 0, begun: None }
    }
}

/// What is still to be read of a tree.
pub(super) struct Tree {
    volume: Volume,
    waiting: VecDeque<Directory>,
    seen: HashSet<u64>,
    /// How many bytes of paths wait.
    paths_len: usize,
    /// Whether all of it could be what it says.
    pub(super) is_sound: bool,
}

impl Tree {
    /// A tree of which nothing was read.
    pub(super) fn new(volume: Volume) -> Self {
        let mut tree =
            Tree { volume, waiting: VecDeque::new(), seen: HashSet::new(), paths_len: 0, is_sound: true };
        let root = std::mem::take(&mut tree.volume.root);
        match Record::parse(&root) {
            Some(record) => tree.put_off(Vec::new(), record.offset(tree.volume.block), record.size),
            None => tree.is_sound = false,
        }
        tree
    }

    /// The next directory. Each is read once, wherever records lead.
    pub(super) fn next_directory(&mut self) -> Option<Directory> {
        let next = self.waiting.pop_front()?;
        self.paths_len -= next.path.len();
        Some(next)
    }

    fn put_off(&mut self, path: Vec<u8>, offset: u64, size: u32) {
        if size > MAX_DIRECTORY || path.len() > MAX_PATH || self.paths_len > MAX_PATHS {
            self.is_sound = false;
        } else if self.seen.insert(offset) {
            self.paths_len += path.len();
            self.waiting.push_back(Directory { path, offset, size });
        }
    }

    /// The next entry of a directory; a directory in it is put off.
    pub(super) fn next_entry(
        &mut self,
        file: &mut dyn ReadSeek,
        directory: &Directory,
        records: &mut Records<'_>,
    ) -> io::Result<Option<Entry>> {
        while let Some(bytes) = records.bytes.get(records.at..).filter(|bytes| !bytes.is_empty()) {
            if bytes.first() == Some(&0) {
                // No record stands across the end of a sector.
                records.at = (records.at + 1).next_multiple_of(SECTOR);
                continue;
            }
            let Some(record) = Record::parse(bytes) else {
                self.is_sound = false;
                records.at = records.bytes.len();
                break;
            };
            records.at += record.len;
            // The directory itself, and the one above.
            if matches!(record.name, [0 | 1]) {
                continue;
            }
            let mut entry = self.entry(file, directory, &record)?;
            let mut before = records.begun.take();
            if let Some(mut begun) = before.take_if(|begun| begun.path == entry.path) {
                begun.extents.append(&mut entry.extents);
                begun.size += entry.size;
                entry = begun;
            }
            if !record.goes_on() && before.is_none() {
                return Ok(Some(entry));
            }
            // What goes on is given once its last part was read, and one whose last part is missing before the next.
            records.begun = Some(entry);
            if before.is_some() {
                return Ok(before);
            }
        }
        Ok(records.begun.take())
    }

    fn entry(
        &mut self,
        file: &mut dyn ReadSeek,
        directory: &Directory,
        record: &Record<'_>,
    ) -> io::Result<Entry> {
        let block = self.volume.block;
        let mut fields = Fields::default();
        if let Names::RockRidge(skipped) = self.volume.names {
            fields = Fields::read(file, record.system_use.get(skipped..).unwrap_or_default(), block)?;
        }
        let name = match self.volume.names {
            Names::Joliet => joliet(record.name),
            _ if !fields.name.is_empty() => std::mem::take(&mut fields.name),
            _ => without_version(record.name).to_vec(),
        };
        let path = if directory.path.is_empty() { name } else { [&directory.path[..], b"/", &name].concat() };
        let is_directory = record.is_directory();
        if is_directory && !fields.is_moved {
            self.put_off(path.clone(), record.offset(block), record.size);
        }
        if let Some(moved_to) = fields.moved_to {
            self.put_off_moved(file, path.clone(), moved_to)?;
        }
        let size = if is_directory || fields.moved_to.is_some() { 0 } else { u64::from(record.size) };
        Ok(Entry {
            path,
            extents: vec![(record.offset(block), size)],
            size,
            target: Some(fields.target).filter(|target| !target.is_empty()),
            is_packed: fields.is_packed,
            is_interleaved: record.is_interleaved,
        })
    }

    /// A directory that was moved, because it lay too deep: its first record says how long it is (RRIP 4.1.5).
    fn put_off_moved(&mut self, file: &mut dyn ReadSeek, path: Vec<u8>, block: u32) -> io::Result<()> {
        let offset = u64::from(block) * self.volume.block;
        let first = read_at(file, offset, 255)?;
        match Record::parse(&first) {
            Some(record) => self.put_off(path, offset, record.size),
            None => self.is_sound = false,
        }
        Ok(())
    }
}

/// A name in UTF-16, big end first.
fn joliet(name: &[u8]) -> Vec<u8> {
    let units: Vec<u16> = name
        .chunks_exact(2)
        .map(|unit| unit.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
        .collect();
    let name = String::from_utf16_lossy(&units);
    without_version(name.as_bytes()).to_vec()
}

/// A name without its version, and without the dot of an extension that it has not (7.5.1).
fn without_version(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| *byte == b';').unwrap_or(name.len());
    let name = name.get(..end).unwrap_or(name);
    name.strip_suffix(b".").unwrap_or(name)
}
