//! Blocks that a file says are compressed, each small enough to be held in memory: pages of tables, values, chunks of columns.

use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::budget::Budget;
use super::chunk::Chunk;
use super::decoder::DecodeReader;
use super::inflate::Inflate;
use super::input::Input;
use super::{bzip2, gzip, lz4, xz, zstd};

/// The largest block, compressed or not, in bytes.
pub(super) const MAX_LEN: usize = 64 * 1024 * 1024;
/// More comes out of no byte of raw Snappy: a copy of two bytes gives up to 11, one of three up to 64 (`format_description.txt` in
/// <https://github.com/google/snappy>).
const SNAPPY_RATIO: usize = 22;
/// More comes out of no byte of an LZ4 block: a byte of 255 is as much more of a match (`doc/lz4_Block_format.md` in
/// <https://github.com/lz4/lz4>).
const LZ4_RATIO: usize = 255;
/// The same for LZO, whose lengths are written alike.
const LZO_RATIO: usize = 256;

/// How a block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    /// Without its frames.
    Snappy,
    /// Without its frames.
    Lz4,
    Lz4Frame,
    /// LZO1X, raw.
    Lzo,
    Deflate,
    /// Deflate with a header and a checksum, which is not checked.
    Zlib,
    Gzip,
    Zstd,
    Brotli,
    Bzip2,
    Xz,
}

/// Decompresses a block, out of which `size` bytes come, where that is known. A panic in a library is a damaged block.
pub(super) fn decompress(
    codec: Codec,
    packed: &[u8],
    size: Option<usize>,
    budget: &Budget,
) -> io::Result<Chunk> {
    catch_unwind(AssertUnwindSafe(|| decompress_with(codec, packed, size, budget)))
        .unwrap_or_else(|_| Err(invalid("the decoder failed on it")))
}

fn decompress_with(codec: Codec, packed: &[u8], size: Option<usize>, budget: &Budget) -> io::Result<Chunk> {
    let joined = |stream| DecodeReader::joined(Input::memory(packed, budget), stream);
    let most = size.unwrap_or(MAX_LEN).min(MAX_LEN);
    let mut reader: Box<dyn Read + '_> = match codec {
        Codec::Snappy => return snappy(packed, budget),
        Codec::Lz4 => {
            return into_room(packed, size, LZ4_RATIO, budget, |from, to| {
                lz4_flex::block::decompress_into(from, to).map_err(invalid)
            });
        }
        Codec::Lzo => {
            return into_room(packed, size, LZO_RATIO, budget, |from, to| {
                lzokay::decompress::decompress(from, to).map_err(|error| invalid(format!("{error:?}")))
            });
        }
        Codec::None => Box::new(packed),
        Codec::Lz4Frame => Box::new(joined(&lz4::STREAM)),
        Codec::Gzip => Box::new(joined(&gzip::STREAM)),
        Codec::Zstd => Box::new(joined(&zstd::STREAM)),
        Codec::Bzip2 => Box::new(joined(&bzip2::STREAM)),
        Codec::Xz => Box::new(joined(&xz::STREAM)),
        Codec::Deflate => Box::new(inflate(packed, budget)),
        Codec::Zlib => Box::new(inflate(packed.get(2..).unwrap_or_default(), budget)),
        Codec::Brotli => Box::new(brotli_decompressor::Decompressor::new(packed, 4096)),
    };
    Chunk::read_all(&mut reader, most, budget)
}

fn inflate<'p>(packed: &'p [u8], budget: &'p Budget) -> DecodeReader<'p> {
    DecodeReader::single(Input::memory(packed, budget), Box::new(Inflate::default()))
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// How many bytes a raw Snappy block of `len` bytes says come out of it, if that can be.
pub(super) fn snappy_len(head: &[u8], len: usize) -> Option<usize> {
    let out = snap::raw::decompress_len(head).ok()?;
    (out <= MAX_LEN && out <= len.saturating_mul(SNAPPY_RATIO)).then_some(out)
}

fn snappy(packed: &[u8], budget: &Budget) -> io::Result<Chunk> {
    let len = snappy_len(packed, packed.len()).ok_or_else(|| invalid("not a block of Snappy"))?;
    let mut chunk = Chunk::zeros(len, budget)?;
    snap::raw::Decoder::new().decompress(packed, chunk.as_mut_slice()).map_err(invalid)?;
    Ok(chunk)
}

/// Decompresses with a library that is given room for what comes out.
fn into_room(
    packed: &[u8],
    size: Option<usize>,
    ratio: usize,
    budget: &Budget,
    decompress: impl FnOnce(&[u8], &mut [u8]) -> io::Result<usize>,
) -> io::Result<Chunk> {
    let size = size.unwrap_or(MAX_LEN).min(packed.len().saturating_mul(ratio).saturating_add(64));
    if size > MAX_LEN {
        return Err(io::Error::new(ErrorKind::OutOfMemory, "a block that is larger than it may be"));
    }
    let mut chunk = Chunk::zeros(size, budget)?;
    let written = decompress(packed, chunk.as_mut_slice())?;
    chunk.truncate(written);
    Ok(chunk)
}
