//! VDI, the disks of `VirtualBox`: found by a table of blocks.
//!
//! There is no specification but the source: `VDICore.h` in `VirtualBox`, and `block/vdi.c` in QEMU, whose names are used.

use std::io;

use super::disk::{Refusal, damaged, elsewhere, hand_over_disk, with_image};
use super::format::{Format, Reader, Signature};
use super::open_container::{OpenContainer, Region};
use super::pieces::{Data, Layout, Piece};
use super::random_access::RandomAccess;
use super::table::{Endian, Table, le32, le64};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "VDI",
    first_bytes: b"<",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.vdi!disk",
};

/// `VDI_SIGNATURE`, behind a text of 64 bytes, and `VDI_VERSION_1_1`.
const SIGNATURE: u32 = 0xbeda_107f;
const VERSION: u32 = 0x0001_0001;
/// `VDI_TYPE_DIFF`: what differs from another disk.
const DIFFERENCING: u32 = 4;
/// `VDI_UNALLOCATED` and `VDI_DISCARDED`: from here on no block is meant.
const FIRST_UNUSED: u32 = 0xffff_fffe;
/// The header up to the last field that is read, in bytes.
const HEADER: usize = 456;

/// Whether an image begins so.
fn begins(head: &[u8]) -> bool {
    head.starts_with(b"<<< ") && le32(head, 64) == SIGNATURE && le32(head, 68) == VERSION
}

/// Hands on the disk.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_image(container, body, open_image);
}

fn open_image(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    let header = file.bytes_at(0, HEADER)?;
    let (block, extra) = (u64::from(le32(&header, 376)), u64::from(le32(&header, 380)));
    if !block.is_power_of_two() || block < 512 {
        return Err(damaged("its header has impossible sizes"));
    }
    let mut blocks = Blocks {
        size: le64(&header, 368),
        block,
        extra,
        entries: le32(&header, 384).into(),
        table_at: le32(&header, 340).into(),
        data_at: le32(&header, 344).into(),
        table: Table::new(Endian::Little),
    };
    hand_over_disk(container, file, &mut blocks)?;
    if le32(&header, 76) == DIFFERENCING {
        container.report_unreadable(Region::Raw(0), elsewhere("the disk it differs from", b""));
    }
    Ok(())
}

/// The table of blocks.
struct Blocks {
    size: u64,
    block: u64,
    /// What stands before each block, in bytes.
    extra: u64,
    entries: u64,
    table_at: u64,
    data_at: u64,
    table: Table,
}

impl Layout for Blocks {
    fn size(&self) -> u64 {
        self.size
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let (index, within) = (offset / self.block, offset % self.block);
        if index >= self.entries {
            return Ok(Piece { len: self.size - offset, data: Data::Hole });
        }
        let data = match self.table.number_32(file, self.table_at + 4 * index) {
            Ok(FIRST_UNUSED..) => Data::Hole,
            Ok(number) => {
                let before = u64::from(number).saturating_mul(self.block + self.extra);
                Data::Stored(self.data_at.saturating_add(before).saturating_add(self.extra + within))
            }
            Err(_) => Data::Missing("its table of blocks is behind the end of the file"),
        };
        Ok(Piece { len: self.block - within, data })
    }
}
