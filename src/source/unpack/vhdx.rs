//! VHDX, the disks of Hyper-V: found by a table of blocks, which a table of regions leads to.
//!
//! The format is MS-VHDX
//! (<https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-vhdx/83e061f8-f6e2-4de1-91bd-5d518a43d477>), whose sections are
//! cited.

use std::io;

use super::disk::{Refusal, damaged, elsewhere, hand_over_disk, with_image};
use super::format::{Format, Reader, Signature};
use super::open_container::{OpenContainer, Region};
use super::pieces::{Data, Layout, Piece};
use super::random_access::RandomAccess;
use super::table::{Endian, Table, le16, le32, le64};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "VHDX",
    first_bytes: b"v",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.vhdx!disk",
};

const KIB: u64 = 1024;
/// Where the two copies of the region table are, and how long each is (2.2.3).
const REGION_TABLES: [u64; 2] = [192 * KIB, 256 * KIB];
const REGION_TABLE: usize = 64 * 1024;
/// The most entries of a region table (2.2.3.1), and of a metadata table (2.6.1.1).
const MAX_REGIONS: u32 = 2047;
const MAX_METADATA: u16 = 2047;
/// The regions and the metadata that are read, by their GUIDs as they stand in the file (2.2.3.2, 2.6.2).
const BAT: [u8; 16] = *b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
const METADATA: [u8; 16] = *b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const FILE_PARAMETERS: [u8; 16] = *b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";
const DISK_SIZE: [u8; 16] = *b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";
const SECTOR_SIZE: [u8; 16] = *b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f";
/// The file parameters say that there is a parent (2.6.2.1).
const HAS_PARENT: u32 = 2;
/// The states of a block that has data (2.5.1.1): all of it, or what differs from its parent.
const FULLY_PRESENT: u64 = 6;
const PARTIALLY_PRESENT: u64 = 7;
/// The bits of an entry that are an offset: those above one MiB (2.5.1).
const OFFSET: u64 = !0xf_ffff;

/// Whether an image begins so (2.2.1).
fn begins(head: &[u8]) -> bool {
    // The name of its creator stands behind that, in UTF-16.
    head.starts_with(b"vhdxfile") && head.get(9) == Some(&0)
}

/// Hands on the disk.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_image(container, body, open_image);
}

fn open_image(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    let regions = REGION_TABLES.into_iter().find_map(|at| Regions::read(file, at));
    let Some(Regions { bat, metadata }) = regions else {
        return Err(damaged("its table of regions is missing or wrong"));
    };
    let table = file.bytes_at(metadata, REGION_TABLE)?;
    let item = |file: &mut RandomAccess<'_>, wanted, len| {
        let at = metadata_item(&table, wanted).ok_or_else(|| damaged("its metadata is missing or wrong"))?;
        file.bytes_at(metadata.saturating_add(at), len).map_err(Refusal::Io)
    };
    let parameters = item(file, FILE_PARAMETERS, 8)?;
    let (block, flags) = (u64::from(le32(&parameters, 0)), le32(&parameters, 4));
    let size = le64(&item(file, DISK_SIZE, 8)?, 0);
    let sector = u64::from(le32(&item(file, SECTOR_SIZE, 4)?, 0));
    // 2.6.2.1: a power of two from 1 MiB to 256 MiB.
    if !block.is_power_of_two() || !(1 << 20..=1 << 28).contains(&block) || !matches!(sector, 512 | 4096) {
        return Err(damaged("its metadata has impossible sizes"));
    }
    // 2.5: behind so many blocks stands an entry for a bitmap of them.
    let chunk = (sector << 23) / block;
    hand_over_disk(
        container,
        file,
        &mut Blocks { size, block, chunk, bat, table: Table::new(Endian::Little) },
    )?;
    if flags & HAS_PARENT != 0 {
        container.report_unreadable(Region::Raw(0), elsewhere("the disk it differs from", b""));
    }
    Ok(())
}

/// Where the regions are that are read.
struct Regions {
    bat: u64,
    metadata: u64,
}

impl Regions {
    fn read(file: &mut RandomAccess<'_>, at: u64) -> Option<Regions> {
        let table = file.bytes_at(at, REGION_TABLE).ok().filter(|table| table.starts_with(b"regi"))?;
        let count = le32(&table, 8).min(MAX_REGIONS) as usize;
        let entries = table.get(16..)?.chunks_exact(32).take(count);
        let find = |wanted: [u8; 16]| {
            let entry = entries.clone().find(|entry| entry.starts_with(&wanted))?;
            Some(le64(entry, 16))
        };
        Some(Regions { bat: find(BAT)?, metadata: find(METADATA)? })
    }
}

/// Where an item is in the region of the metadata (2.6.1).
fn metadata_item(table: &[u8], wanted: [u8; 16]) -> Option<u64> {
    let count = usize::from(le16(table, 10).min(MAX_METADATA));
    let mut entries = table.get(32..)?.chunks_exact(32).take(count);
    entries.find(|entry| entry.starts_with(&wanted)).map(|entry| le32(entry, 16).into())
}

/// The block allocation table (2.5).
struct Blocks {
    size: u64,
    block: u64,
    chunk: u64,
    bat: u64,
    table: Table,
}

impl Layout for Blocks {
    fn size(&self) -> u64 {
        self.size
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let (index, within) = (offset / self.block, offset % self.block);
        let index = index.saturating_add(index / self.chunk);
        let data = match self.table.number_64(file, self.bat.saturating_add(index.saturating_mul(8))) {
            Ok(entry) if matches!(entry & 7, FULLY_PRESENT | PARTIALLY_PRESENT) => {
                Data::Stored((entry & OFFSET).saturating_add(within))
            }
            Ok(_) => Data::Hole,
            // A table that ends too early says nothing of the rest.
            Err(_) => {
                let data = Data::Missing("its table of blocks is behind the end of the file");
                return Ok(Piece { len: self.size - offset, data });
            }
        };
        Ok(Piece { len: self.block - within, data })
    }
}
