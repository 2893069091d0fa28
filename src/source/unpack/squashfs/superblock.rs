//! The superblock of an image.

use super::super::block::Codec;
use super::super::disk::{Refusal, damaged};
use super::super::random_access::RandomAccess;
use super::super::table::{le16, le32, le64};

/// Its length in bytes.
const LEN: usize = 96;
/// The sizes of blocks there may be, in bytes ("block size").
const BLOCKS: std::ops::RangeInclusive<u32> = 4096..=1 << 20;
/// A table that is not there.
const NONE: u64 = u64::MAX;

/// What is read of it. All offsets are in the file.
#[derive(Debug)]
pub(super) struct Superblock {
    /// Where the image begins.
    pub(super) base: u64,
    pub(super) block: u32,
    pub(super) codec: Codec,
    pub(super) fragments: u32,
    /// A reference to the root's inode: where its block begins in the table, and where in that it stands.
    pub(super) root: u64,
    pub(super) inodes_at: u64,
    pub(super) directories_at: u64,
    pub(super) fragments_at: u64,
    pub(super) xattrs_at: Option<u64>,
}

impl Superblock {
    /// That of the image that begins at `base`.
    pub(super) fn read(file: &mut RandomAccess<'_>, base: u64) -> Result<Superblock, Refusal> {
        let bytes = file.bytes_at(base, LEN)?;
        let version = le16(&bytes, 28);
        if !bytes.starts_with(b"hsqs") || version != 4 {
            let reason =
                "an older version of SquashFS than 4, which is not supported: unpack it and scan that";
            return Err(Refusal::Unsupported(reason.to_owned()));
        }
        let block = le32(&bytes, 12);
        if !BLOCKS.contains(&block) || !block.is_power_of_two() {
            return Err(damaged("its superblock has impossible sizes"));
        }
        let codec = match le16(&bytes, 20) {
            1 => Codec::Zlib,
            2 => Codec::Lzma,
            3 => Codec::Lzo,
            4 => Codec::Xz,
            5 => Codec::Lz4,
            6 => Codec::Zstd,
            method => {
                let reason =
                    format!("packed by method {method}, which is not supported: unpack it and scan that");
                return Err(Refusal::Unsupported(reason));
            }
        };
        let table = |at| base.saturating_add(le64(&bytes, at));
        Ok(Superblock {
            base,
            block,
            codec,
            fragments: le32(&bytes, 16),
            root: le64(&bytes, 32),
            xattrs_at: (le64(&bytes, 56) != NONE).then(|| table(56)),
            inodes_at: table(64),
            directories_at: table(72),
            fragments_at: table(80),
        })
    }
}
