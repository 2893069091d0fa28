//! Where the grains of an extent are: a directory of tables ("Hosted Sparse Extent Metadata").

use std::io;

use super::super::block::Codec;
use super::super::pieces::{Data, Layout, Packed, Piece};
use super::super::random_access::RandomAccess;
use super::super::table::{Endian, Table, le32};
use super::header::{Header, SECTOR};

/// The fixed part of a grain marker: the sector of the disk, and the length of the data (`Grain Marker`).
const MARKER: usize = 12;

const LOST_TABLE: Data = Data::Missing("a table of its grains is behind the end of the file");

/// The tables of an extent.
pub(super) struct Tables {
    size: u64,
    grain: u64,
    table: u64,
    directory_at: u64,
    zero_grains: bool,
    compressed: bool,
    file_len: u64,
    directory: Table,
    entries: Table,
}

impl Tables {
    pub(super) fn new(header: &Header, directory: u64, file_len: u64) -> Self {
        Tables {
            size: header.capacity.saturating_mul(SECTOR),
            grain: header.grain * SECTOR,
            table: header.table,
            directory_at: directory.saturating_mul(SECTOR),
            zero_grains: header.zero_grains,
            compressed: header.compressed,
            file_len,
            directory: Table::new(Endian::Little),
            entries: Table::new(Endian::Little),
        }
    }

    /// What an entry says of its grain, from `within` the grain on.
    fn grain(&self, file: &mut RandomAccess<'_>, entry: u32, within: u64) -> Data {
        let at = u64::from(entry) * SECTOR;
        match entry {
            0 => Data::Hole,
            1 if self.zero_grains => Data::Hole,
            _ if !self.compressed => Data::Stored(at + within),
            _ => {
                let Ok(marker) = file.bytes_at(at, MARKER) else {
                    return Data::Missing("a grain of it is behind the end of the file");
                };
                let left = self.file_len - at - MARKER as u64;
                Data::Packed(Packed {
                    codec: Codec::Zlib,
                    offset: at + MARKER as u64,
                    len: usize::try_from(u64::from(le32(&marker, 8)).min(left)).unwrap_or(usize::MAX),
                    unpacked: usize::try_from(self.grain).unwrap_or(usize::MAX),
                    skip: within,
                })
            }
        }
    }
}

impl Layout for Tables {
    fn size(&self) -> u64 {
        self.size
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let (grain, within) = (offset / self.grain, offset % self.grain);
        let (table, in_table) = (grain / self.table, grain % self.table);
        let covered = self.grain.saturating_mul(self.table);
        let to_table_end = covered - offset % covered;
        let directory = self.directory.number_32(file, self.directory_at.saturating_add(4 * table));
        let table_at = match directory {
            Ok(0) => return Ok(Piece { len: to_table_end, data: Data::Hole }),
            Ok(sector) => u64::from(sector) * SECTOR,
            // A directory that ends too early says nothing of the rest.
            Err(_) => return Ok(Piece { len: self.size - offset, data: LOST_TABLE }),
        };
        let Ok(entry) = self.entries.number_32(file, table_at.saturating_add(4 * in_table)) else {
            return Ok(Piece { len: to_table_end, data: LOST_TABLE });
        };
        let mut piece = Piece { len: self.grain - within, data: self.grain(file, entry, within) };
        // Grains that follow each other are one piece, as far as the table goes.
        let mut index = in_table + 1;
        while index < self.table && matches!(piece.data, Data::Hole | Data::Stored(_)) {
            let Ok(entry) = self.entries.number_32(file, table_at.saturating_add(4 * index)) else { break };
            match (piece.data, self.grain(file, entry, 0)) {
                (Data::Hole, Data::Hole) => {}
                (Data::Stored(at), Data::Stored(next)) if at + piece.len == next => {}
                _ => break,
            }
            piece.len += self.grain;
            index += 1;
        }
        Ok(piece)
    }
}
