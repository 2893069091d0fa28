//! All files of an image, from the root down.

use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::rc::Rc;

use super::super::bounded_reader::StreamError;
use super::super::covered::Covered;
use super::super::memory::Reservation;
use super::super::open_container::{Content, MemberName, OpenContainer, Region};
use super::super::pieces::{self, Cache, Context};
use super::super::random_access::RandomAccess;
use super::super::share::Claim;
use super::super::table::le64;
use super::directory::{Entries, Entry};
use super::file::Blocks;
use super::inode::{Directory, Inode};
use super::metadata::{self, Cursor, Metadata};
use super::superblock::Superblock;

/// How deep directories may be nested: no path of Linux is longer than 4096 bytes, and each name takes two.
const MAX_DEPTH: usize = 2048;
/// Bytes that a directory takes in memory while it is remembered, and how many are reserved at a time.
const REMEMBERED: u64 = 32;
const RESERVED: usize = 8192;

/// Hands on the files, and the attributes of all.
pub(super) fn walk(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    superblock: &Superblock,
    covered: &mut Covered,
) {
    let metadata = Metadata::new(superblock.codec, container.budget);
    let mut walk = Walk {
        container,
        superblock,
        file,
        metadata,
        cache: Cache::default(),
        covered,
        seen: HashSet::new(),
        reservations: Vec::new(),
        path: Vec::new(),
        open: Vec::new(),
    };
    if let Err(error) = walk.run() {
        walk.report(&error);
    }
    if let Err(error) = walk.scan_attributes() {
        walk.report(&error);
    }
}

struct Walk<'w, 'f> {
    container: &'w OpenContainer<'w>,
    superblock: &'w Superblock,
    file: &'w mut RandomAccess<'f>,
    metadata: Metadata<'w>,
    cache: Cache,
    covered: &'w mut Covered,
    /// The directories that were opened: none is in two places.
    seen: HashSet<u64>,
    reservations: Vec<Reservation>,
    /// The path of the directory that is being read, a slash at its end.
    path: Vec<u8>,
    /// The directories on that path: what is left of each, and how long its own path is.
    open: Vec<(Entries, usize)>,
}

impl Walk<'_, '_> {
    fn report(&self, error: &io::Error) {
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => "a table of it is behind the end of the file".to_owned(),
            _ => error.to_string(),
        };
        self.container.report(Region::Raw(0), StreamError::Damaged(message), None);
    }

    fn run(&mut self) -> io::Result<()> {
        let root = Cursor::from_reference(self.superblock.inodes_at, self.superblock.root);
        let Inode::Directory(directory) = Inode::read(self.file, &mut self.metadata, root)? else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its root is no directory"));
        };
        self.seen.insert(self.superblock.root);
        self.enter(directory);
        while let Some((entries, path_len)) = self.open.last_mut() {
            self.path.truncate(*path_len);
            match entries.next(self.file, &mut self.metadata) {
                Ok(Some(entry)) => {
                    if !self.read_entry(&entry) {
                        return Ok(());
                    }
                }
                Ok(None) => {
                    self.open.pop();
                }
                // Those beside it may be sound.
                Err(error) => {
                    self.report(&error);
                    self.open.pop();
                }
            }
        }
        Ok(())
    }

    /// What is behind one entry; whether to go on.
    fn read_entry(&mut self, entry: &Entry) -> bool {
        let directory_len = self.path.len();
        self.path.extend_from_slice(&entry.name);
        let name = MemberName::new(&self.path);
        if !self.container.begin_member(&name) {
            return false;
        }
        let cursor = Cursor::from_reference(self.superblock.inodes_at, entry.inode);
        match Inode::read(self.file, &mut self.metadata, cursor) {
            Ok(Inode::Directory(directory)) => {
                if self.may_enter(entry.inode, &name) {
                    self.path.push(b'/');
                    self.enter(directory);
                    return true;
                }
            }
            Ok(Inode::File(inode)) => {
                let size = inode.size;
                let mut blocks = Blocks::new(self.superblock, &mut self.metadata, inode);
                let context =
                    Context { file: &mut *self.file, cache: &mut self.cache, covered: &mut *self.covered };
                if size > 0 {
                    pieces::hand_over(self.container, context, &mut blocks, &name, Claim::Size(size));
                }
            }
            Ok(Inode::Link(target)) => self.container.scan_link_target(&name, &target),
            Ok(Inode::Other) => {}
            Err(error) => {
                let error = StreamError::Damaged(format!("its inode cannot be read: {error}"));
                self.container.report(Region::Member(&name), error, Some(0));
            }
        }
        self.path.truncate(directory_len);
        true
    }

    fn enter(&mut self, directory: Directory) {
        let entries = Entries::of(directory, self.superblock.directories_at);
        self.open.push((entries, self.path.len()));
    }

    /// Whether a directory is one that was not read yet. Reports one that was: it would contain itself.
    fn may_enter(&mut self, inode: u64, name: &MemberName) -> bool {
        let refuse = |message: &str| {
            let error = StreamError::Damaged(message.to_owned());
            self.container.report(Region::Member(name), error, Some(0));
        };
        if self.open.len() >= MAX_DEPTH {
            refuse("its directories are nested too deep");
            return false;
        }
        if self.seen.len().is_multiple_of(RESERVED) {
            match self.container.budget.reserve(REMEMBERED * RESERVED as u64) {
                Ok(reservation) => self.reservations.push(reservation),
                Err(error) => {
                    refuse(&error.to_string());
                    return false;
                }
            }
        }
        if !self.seen.insert(inode) {
            refuse("a directory is in two places");
            return false;
        }
        true
    }

    /// Scans the names and values of extended attributes as they stand one behind the other ("Xattr Table").
    fn scan_attributes(&mut self) -> io::Result<()> {
        let Some(at) = self.superblock.xattrs_at else { return Ok(()) };
        let header = self.file.bytes_at(at, 16)?;
        let begin = self.superblock.base.saturating_add(le64(&header, 0));
        // Behind them stands the table of which are whose, whose first block is the first that the list names.
        let end = self.superblock.base.saturating_add(le64(&self.file.bytes_at(at + 16, 8)?, 0)).min(at);
        if begin >= end || !self.container.may_continue() {
            return Ok(());
        }
        let bytes_in: Rc<Cell<u64>> = Rc::default();
        let mut blocks = metadata::Blocks {
            file: &mut *self.file,
            codec: self.superblock.codec,
            budget: self.container.budget,
            at: begin,
            end,
            current: None,
            bytes_in: Rc::clone(&bytes_in),
        };
        let content =
            Content::Compressed { reader: &mut blocks, bytes_in, out_before: 0, claim: Claim::Size(0) };
        self.container.hand_over(Region::Raw(begin), content);
        Ok(())
    }
}
