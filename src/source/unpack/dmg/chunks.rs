//! The chunks of a disk (`BLKXTable` and `BLKXChunkEntry`).

use std::io;

use super::super::block::Codec;
use super::super::budget::Budget;
use super::super::memory::Reservation;
use super::super::pieces::{Data, Layout, Packed, Piece};
use super::super::random_access::RandomAccess;
use super::super::table::{be32, be64};
use super::trailer::Trailer;

/// The lengths of what stands before the chunks of a table, and of a chunk, in bytes.
const HEADER: usize = 204;
const CHUNK: usize = 40;
/// The size of a sector, the unit of places on the disk.
const SECTOR: u64 = 512;

/// How a chunk is kept.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Hole,
    Stored,
    Packed(Codec),
    Unknown,
}

/// One stretch of the disk.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    begin: u64,
    len: u64,
    kind: Kind,
    at: u64,
    packed: u64,
}

/// All chunks of a disk, in their order on it.
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    size: u64,
}

impl Chunks {
    /// Those of these tables.
    pub(super) fn of(
        tables: &[Vec<u8>],
        trailer: &Trailer,
        budget: &Budget,
    ) -> io::Result<(Chunks, Reservation)> {
        let count = tables.iter().map(|table| table.len() / CHUNK).sum::<usize>();
        let reservation = budget.reserve((count * size_of::<Chunk>()) as u64)?;
        let mut chunks = Vec::with_capacity(count);
        for table in tables.iter().filter(|table| table.starts_with(b"mish")) {
            let (first, data_at) = (be64(table, 8), trailer.data_at.saturating_add(be64(table, 24)));
            let entries = table.get(HEADER..).unwrap_or_default().chunks_exact(CHUNK);
            let entries = entries.take(be32(table, 200) as usize);
            chunks.extend(entries.filter_map(|entry| chunk(entry, first, data_at)));
        }
        chunks.sort_by_key(|chunk| chunk.begin);
        let end = chunks.iter().map(|chunk| chunk.begin.saturating_add(chunk.len)).max().unwrap_or(0);
        let size = trailer.sectors.saturating_mul(SECTOR).max(end);
        Ok((Chunks { chunks, size }, reservation))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

fn chunk(entry: &[u8], first: u64, data_at: u64) -> Option<Chunk> {
    let kind = match be32(entry, 0) {
        0 | 2 => Kind::Hole,
        1 => Kind::Stored,
        0x8000_0004 => Kind::Packed(Codec::Adc),
        0x8000_0005 => Kind::Packed(Codec::Zlib),
        0x8000_0006 => Kind::Packed(Codec::Bzip2),
        0x8000_0007 => Kind::Packed(Codec::Lzfse),
        0x8000_0008 => Kind::Packed(Codec::Xz),
        // A comment, and the end.
        0x7fff_fffe | 0xffff_ffff => return None,
        _ => Kind::Unknown,
    };
    Some(Chunk {
        begin: first.saturating_add(be64(entry, 8)).saturating_mul(SECTOR),
        len: be64(entry, 16).saturating_mul(SECTOR),
        kind,
        at: data_at.saturating_add(be64(entry, 24)),
        packed: be64(entry, 32),
    })
    .filter(|chunk| chunk.len > 0)
}

impl Layout for Chunks {
    fn size(&self) -> u64 {
        self.size
    }

    fn piece(&mut self, _file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let behind = self.chunks.partition_point(|chunk| chunk.begin <= offset);
        let next = self.chunks.get(behind).map_or(self.size, |chunk| chunk.begin);
        let chunk = behind.checked_sub(1).and_then(|index| self.chunks.get(index));
        let Some(chunk) = chunk.filter(|chunk| offset - chunk.begin < chunk.len) else {
            return Ok(Piece { len: next.saturating_sub(offset), data: Data::Hole });
        };
        let skip = offset - chunk.begin;
        // Where chunks overlap, the one that begins last counts.
        let len = (chunk.len - skip).min(next.saturating_sub(offset));
        let data = match chunk.kind {
            Kind::Hole => Data::Hole,
            Kind::Stored => Data::Stored(chunk.at.saturating_add(skip)),
            Kind::Unknown => Data::Missing("a chunk of it is packed by a method that is not supported"),
            Kind::Packed(codec) => Data::Packed(Packed {
                codec,
                offset: chunk.at,
                len: usize::try_from(chunk.packed).unwrap_or(usize::MAX),
                unpacked: usize::try_from(chunk.len).unwrap_or(usize::MAX),
                skip,
            }),
        };
        Ok(Piece { len, data })
    }
}
