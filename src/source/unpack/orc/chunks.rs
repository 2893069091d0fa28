//! Streams in chunks ("Compression"): three bytes in front of each say how long it is, and whether it is compressed at all.

use std::io::{self, ErrorKind};

use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::{Chunk, Joined};
use crate::source::unpack::packed_block::{Codec, MAX_LEN, decompress};
use crate::source::unpack::random_access::RandomAccess;

const HEADER: usize = 3;

/// How the streams of a file are compressed.
pub(super) struct Compression {
    codec: Codec,
    /// The most bytes that a chunk has when unpacked.
    block: usize,
}

impl Compression {
    /// By its number in `CompressionKind`, and the size of a block.
    pub(super) fn new(kind: u64, block: u64) -> io::Result<Self> {
        let codec = match kind {
            0 => Codec::None,
            1 => Codec::Deflate,
            2 => Codec::Snappy,
            3 => Codec::Lzo,
            4 => Codec::Lz4,
            5 => Codec::Zstd,
            6 => Codec::Brotli,
            kind => return Err(io::Error::other(format!("it is compressed in an unknown way ({kind})"))),
        };
        let block = usize::try_from(block).unwrap_or(usize::MAX).min(MAX_LEN);
        Ok(Compression { codec, block })
    }

    pub(super) fn is_none(&self) -> bool {
        self.codec == Codec::None
    }

    /// All of a stream, which must be no longer than `most`.
    pub(super) fn read_all(
        &self,
        file: &mut RandomAccess<'_>,
        place: (u64, u64),
        most: usize,
        budget: &Budget,
    ) -> io::Result<Chunk> {
        let mut chunks = Chunks::new(self, place);
        Chunk::read_all(&mut Joined::new(|| chunks.next(file, budget)), most, budget)
    }
}

/// The chunks of a stream.
pub(super) struct Chunks<'c> {
    compression: &'c Compression,
    from: u64,
    at: u64,
    end: u64,
}

impl<'c> Chunks<'c> {
    /// Of the stream from an offset on, of so many bytes.
    pub(super) fn new(compression: &'c Compression, (from, len): (u64, u64)) -> Self {
        Chunks { compression, from, at: from, end: from.saturating_add(len) }
    }

    /// How many bytes were read.
    pub(super) fn read(&self) -> u64 {
        self.at - self.from
    }

    /// The next chunk, unpacked.
    pub(super) fn next(&mut self, file: &mut RandomAccess<'_>, budget: &Budget) -> io::Result<Option<Chunk>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, self.at)?;
        let [low, middle, high] = header;
        let header = u32::from_le_bytes([low, middle, high, 0]);
        let len = u64::from(header >> 1);
        self.at += HEADER as u64;
        if len > self.end.saturating_sub(self.at) {
            return Err(io::Error::new(ErrorKind::InvalidData, "a chunk is longer than its stream"));
        }
        let packed = file.chunk((self.at, len), MAX_LEN, budget)?;
        self.at += len;
        if header & 1 == 1 {
            return Ok(Some(packed));
        }
        decompress(self.compression.codec, &packed, Some(self.compression.block), budget).map(Some)
    }
}
