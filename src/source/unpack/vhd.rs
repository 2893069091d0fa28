//! VHD, the older disks of Hyper-V and Virtual PC: those that grow, found by a table of blocks. Those of a fixed size are the bytes
//! of the disk.
//!
//! The format is Microsoft's "Virtual Hard Disk Image Format Specification"
//! (<https://download.microsoft.com/download/f/f/e/ffef50a5-07dd-4cf8-aaa3-442c0673a029/Virtual%20Hard%20Disk%20Format%20Spec_10_18_06.doc>),
//! whose structures are named.

use std::io;

use super::disk::{Refusal, damaged, elsewhere, hand_over_disk, with_image};
use super::format::{Format, Reader, Signature};
use super::open_container::{OpenContainer, Region};
use super::pieces::{Data, Layout, Piece};
use super::random_access::RandomAccess;
use super::table::{Endian, Table, be32, be64};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "VHD",
    first_bytes: b"c",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.vhd!disk",
};

/// The types of disks that have a table of blocks ("Hard Disk Footer Format", Disk Type): one that grows, and one that has what
/// differs from another one.
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;
/// The length of "Dynamic Disk Header Format", in bytes.
const HEADER: usize = 1024;
/// A block that is not there ("Block Allocation Table and Data Blocks").
const UNUSED: u32 = u32::MAX;
const SECTOR: u64 = 512;

/// Whether an image begins so: with a copy of its footer, whose version is 1.
fn begins(head: &[u8]) -> bool {
    head.starts_with(b"conectix")
        && be32(head, 12) >> 16 == 1
        && matches!(be32(head, 60), DYNAMIC | DIFFERENCING)
}

/// Hands on the disk.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_image(container, body, open_image);
}

fn open_image(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    let footer = file.bytes_at(0, 512)?;
    let header = file.bytes_at(be64(&footer, 16), HEADER)?;
    let block = u64::from(be32(&header, 32));
    if !header.starts_with(b"cxsparse") || !block.is_power_of_two() || block < SECTOR {
        return Err(damaged("its header is missing or wrong"));
    }
    let mut blocks = Blocks {
        // "Current Size".
        size: be64(&footer, 48),
        block,
        // A bit a sector stands before the block, in whole sectors: it says what a differencing disk has, and all is read.
        bitmap: (block / SECTOR).div_ceil(8).next_multiple_of(SECTOR),
        entries: be32(&header, 28).into(),
        table_at: be64(&header, 16),
        table: Table::new(Endian::Big),
    };
    hand_over_disk(container, file, &mut blocks)?;
    if be32(&footer, 60) == DIFFERENCING {
        let parent = parent_name(&header);
        container.report_unreadable(Region::Raw(0), elsewhere("the disk it differs from", parent.as_bytes()));
    }
    Ok(())
}

/// "Parent Unicode Name": UTF-16, big-endian.
fn parent_name(header: &[u8]) -> String {
    let units = header
        .get(64..576)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|pair| u16::from(pair[0]) << 8 | u16::from(pair[1]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// The table of blocks.
struct Blocks {
    size: u64,
    block: u64,
    bitmap: u64,
    entries: u64,
    table_at: u64,
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
        let data = match self.table.number_32(file, self.table_at.saturating_add(4 * index)) {
            Ok(UNUSED) => Data::Hole,
            Ok(sector) => Data::Stored(u64::from(sector) * SECTOR + self.bitmap + within),
            Err(_) => Data::Missing("its table of blocks is behind the end of the file"),
        };
        Ok(Piece { len: self.block - within, data })
    }
}
