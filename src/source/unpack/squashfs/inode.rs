//! Inodes: files, directories, links and the rest, each in a short and a long form ("The Inode Table").

use std::io::{self, ErrorKind};

use super::super::random_access::RandomAccess;
use super::super::table::{le16, le32, le64};
use super::metadata::{Cursor, Metadata};

/// The longest target of a link, in bytes (`PATH_MAX` in Linux; a page at most).
const MAX_TARGET: u32 = 65536;

/// What an inode is.
#[derive(Debug)]
pub(super) enum Inode {
    Directory(Directory),
    File(File),
    Link(Vec<u8>),
    /// A device, a pipe or a socket, which hold nothing.
    Other,
}

/// Where the entries of a directory are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory {
    /// Where its first block begins in the table of directories.
    pub(super) block: u32,
    pub(super) within: u16,
    /// How long the entries are, and three more.
    pub(super) size: u32,
}

/// Where the data of a file is.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) size: u64,
    /// Where its first block begins, from the begin of the image on.
    pub(super) at: u64,
    /// The fragment with its end, and where in that; none where all of it is in blocks.
    pub(super) fragment: Option<(u32, u32)>,
    /// Where the lengths of its blocks are.
    pub(super) blocks: Cursor,
}

/// There is no fragment (`fragment_block_index`).
const NO_FRAGMENT: u32 = u32::MAX;

impl Inode {
    pub(super) fn read(
        file: &mut RandomAccess<'_>,
        metadata: &mut Metadata<'_>,
        mut cursor: Cursor,
    ) -> io::Result<Inode> {
        let header = metadata.bytes(file, &mut cursor, 16)?;
        let kind = le16(&header, 0);
        let mut bytes = |len| metadata.bytes(file, &mut cursor, len);
        Ok(match kind {
            1 => {
                let it = bytes(16)?;
                Inode::Directory(Directory {
                    block: le32(&it, 0),
                    size: le16(&it, 8).into(),
                    within: le16(&it, 10),
                })
            }
            8 => {
                let it = bytes(24)?;
                Inode::Directory(Directory { size: le32(&it, 4), block: le32(&it, 8), within: le16(&it, 18) })
            }
            2 => {
                let it = bytes(16)?;
                let fragment = (le32(&it, 4), le32(&it, 8));
                let (size, at) = (le32(&it, 12).into(), le32(&it, 0).into());
                Inode::File(File { size, at, fragment: Some(fragment), blocks: cursor }.without_none())
            }
            9 => {
                let it = bytes(40)?;
                let fragment = (le32(&it, 28), le32(&it, 32));
                let (size, at) = (le64(&it, 8), le64(&it, 0));
                Inode::File(File { size, at, fragment: Some(fragment), blocks: cursor }.without_none())
            }
            3 | 10 => {
                let len = le32(&bytes(8)?, 4);
                if len > MAX_TARGET {
                    return Err(damaged("the target of a link is too long"));
                }
                Inode::Link(bytes(len as usize)?)
            }
            4..=7 | 11..=14 => Inode::Other,
            _ => return Err(damaged("an inode is of no known type")),
        })
    }
}

impl File {
    fn without_none(self) -> Self {
        File { fragment: self.fragment.filter(|(index, _)| *index != NO_FRAGMENT), ..self }
    }
}

fn damaged(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}
