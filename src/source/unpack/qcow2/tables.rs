//! Where the clusters of a disk are ("Cluster mapping").

use std::io;

use super::super::block::Codec;
use super::super::pieces::{Data, Layout, Packed, Piece};
use super::super::random_access::RandomAccess;
use super::super::table::{Endian, Table};
use super::header::{Header, L1};

/// The bits of an entry that are an offset in the image ("L1 table entry", "Standard Cluster Descriptor").
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// The entry is of a compressed cluster; in version 1 another bit says so.
const COMPRESSED: u64 = 1 << 62;
const COMPRESSED_1: u64 = 1 << 63;
/// The cluster reads as zeros.
const ZERO: u64 = 1;
/// How many subclusters a cluster has, as bits of an index ("Extended L2 Entries").
const SUBCLUSTER_BITS: u32 = 5;

const LOST_TABLE: Data = Data::Missing("a table of its clusters is behind the end of the file");

/// The tables of a disk, or of a snapshot of it.
pub(super) struct Tables {
    version: u32,
    cluster_bits: u32,
    l2_bits: u32,
    extended: bool,
    codec: Codec,
    file_len: u64,
    at: L1,
    size: u64,
    l1: Table,
    l2: Table,
}

impl Tables {
    pub(super) fn new(header: &Header, at: L1, size: u64) -> Self {
        Tables {
            version: header.version,
            cluster_bits: header.cluster_bits,
            l2_bits: header.l2_bits,
            extended: header.extended,
            codec: header.codec,
            file_len: header.file_len,
            at,
            size,
            l1: Table::new(Endian::Big),
            l2: Table::new(Endian::Big),
        }
    }

    /// What an entry says of its cluster, from `within` the cluster on.
    fn cluster(&self, entry: u64, subclusters: u64, within: u64) -> Piece {
        let cluster = 1_u64 << self.cluster_bits;
        let piece = |len, data| Piece { len, data };
        if self.version == 1 {
            let data = match entry {
                0 => Data::Hole,
                _ if entry & COMPRESSED_1 != 0 => {
                    // The length stands above the offset.
                    let bits = 63 - self.cluster_bits;
                    let len = (entry & !COMPRESSED_1) >> bits;
                    self.packed(entry & ((1 << bits) - 1), len, within)
                }
                _ => Data::Stored(entry.saturating_add(within)),
            };
            return piece(cluster - within, data);
        }
        if entry & COMPRESSED != 0 {
            // "Compressed Clusters Descriptor": how many sectors it goes on for stands above the offset.
            let bits = 62 - (self.cluster_bits - 8);
            let offset = entry & ((1 << bits) - 1);
            let sectors = ((entry & (COMPRESSED - 1)) >> bits) + 1;
            return piece(cluster - within, self.packed(offset, sectors * 512 - offset % 512, within));
        }
        let host = entry & OFFSET;
        if self.extended {
            let bits = self.cluster_bits - SUBCLUSTER_BITS;
            // The lower half says which are there, the upper one which read as zeros.
            let is_data = |index: u64| {
                host != 0 && subclusters >> index & 1 == 1 && subclusters >> (32 + index) & 1 == 0
            };
            let first = within >> bits;
            let stored = is_data(first);
            let end = (first..32).find(|index| is_data(*index) != stored).unwrap_or(32);
            return piece(
                (end << bits) - within,
                if stored { Data::Stored(host + within) } else { Data::Hole },
            );
        }
        let is_hole = host == 0 || entry & ZERO != 0;
        piece(cluster - within, if is_hole { Data::Hole } else { Data::Stored(host + within) })
    }

    fn packed(&self, offset: u64, len: u64, skip: u64) -> Data {
        // The last one is not filled up to its sector.
        let len = len.min(self.file_len.saturating_sub(offset));
        if len == 0 {
            return Data::Missing("a cluster of it is behind the end of the file");
        }
        Data::Packed(Packed {
            codec: self.codec,
            offset,
            len: usize::try_from(len).unwrap_or(usize::MAX),
            unpacked: 1 << self.cluster_bits,
            skip,
        })
    }

    fn entry(&mut self, file: &mut RandomAccess<'_>, table: u64, index: u64) -> io::Result<(u64, u64)> {
        let len = if self.extended { 16 } else { 8 };
        let at = table.saturating_add(index * len);
        let entry = self.l2.number_64(file, at)?;
        let subclusters = if self.extended { self.l2.number_64(file, at + 8)? } else { 0 };
        Ok((entry, subclusters))
    }

    /// Whether what stands behind one piece goes on in another.
    fn goes_on(before: &Piece, behind: &Piece) -> bool {
        match (before.data, behind.data) {
            (Data::Hole, Data::Hole) => true,
            (Data::Stored(at), Data::Stored(next)) => at.checked_add(before.len) == Some(next),
            _ => false,
        }
    }
}

impl Layout for Tables {
    fn size(&self) -> u64 {
        self.size
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let cluster = offset >> self.cluster_bits;
        let in_table = cluster & ((1 << self.l2_bits) - 1);
        let l1_index = cluster >> self.l2_bits;
        if l1_index >= self.at.entries {
            return Ok(Piece { len: self.size.saturating_sub(offset), data: Data::Hole });
        }
        let reached = 1_u64 << (self.cluster_bits + self.l2_bits);
        let to_table_end = reached - offset % reached;
        let Ok(entry) = self.l1.number_64(file, self.at.at.saturating_add(8 * l1_index)) else {
            // So are all the tables behind it.
            return Ok(Piece { len: self.size.saturating_sub(offset), data: LOST_TABLE });
        };
        let table = if self.version == 1 { entry & !COMPRESSED_1 } else { entry & OFFSET };
        if table == 0 {
            return Ok(Piece { len: to_table_end, data: Data::Hole });
        }
        let within = offset & ((1 << self.cluster_bits) - 1);
        let Ok((entry, subclusters)) = self.entry(file, table, in_table) else {
            return Ok(Piece { len: to_table_end, data: LOST_TABLE });
        };
        let mut piece = self.cluster(entry, subclusters, within);
        // Clusters that follow each other are one piece, as far as the table goes.
        while piece.len < to_table_end && matches!(piece.data, Data::Hole | Data::Stored(_)) {
            let next = offset + piece.len;
            let index = next >> self.cluster_bits & ((1 << self.l2_bits) - 1);
            let Ok((entry, subclusters)) = self.entry(file, table, index) else { break };
            let more = self.cluster(entry, subclusters, next & ((1 << self.cluster_bits) - 1));
            if !Self::goes_on(&piece, &more) {
                break;
            }
            piece.len += more.len;
        }
        Ok(piece)
    }
}
