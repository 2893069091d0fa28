//! The pages of a column.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use super::delta;
use super::footer::Column;
use super::thrift::{Compact, FALSE, I32, STRUCT};
use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::{Chunk, Joined};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::packed_block::{Codec, MAX_LEN, decompress};
use crate::source::unpack::random_access::RandomAccess;
use crate::source::unpack::share::Claim;

/// How much of a page's header is read at first, and at most, in bytes: it may hold the least and the greatest value.
const HEADER: u64 = 256;
const MAX_HEADER: u64 = 1024 * 1024;
/// `DELTA_BYTE_ARRAY` in `Encoding`.
const DELTA_BYTE_ARRAY: u64 = 7;

/// How the pages of a column are compressed (`CompressionCodec`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum PageCodec {
    Block(Codec),
    /// LZ4 in frames of Hadoop's own.
    HadoopLz4,
}

/// What a page says of itself (`PageHeader`).
#[derive(Default)]
struct Header {
    unpacked: u64,
    packed: u64,
    encoding: u64,
    /// How long the levels in front of the values are, which are not compressed in pages of version 2.
    levels: Option<u64>,
    is_stored: bool,
}

/// Hands on the pages of a column.
pub(super) fn hand_over(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    column: &Column,
) -> io::Result<()> {
    let codec = match column.codec {
        0 => PageCodec::Block(Codec::None),
        1 => PageCodec::Block(Codec::Snappy),
        2 => PageCodec::Block(Codec::Gzip),
        3 => PageCodec::Block(Codec::Lzo),
        4 => PageCodec::Block(Codec::Brotli),
        5 => PageCodec::HadoopLz4,
        6 => PageCodec::Block(Codec::Zstd),
        7 => PageCodec::Block(Codec::Lz4),
        codec => return Err(io::Error::other(format!("a column is compressed in an unknown way ({codec})"))),
    };
    if !container.begin_part() {
        return Ok(());
    }
    let (mut at, bytes_in) = (column.offset(), Rc::new(Cell::new(0)));
    let len = file.len()?;
    let end = at.checked_add(column.len).filter(|end| *end <= len).ok_or(ErrorKind::UnexpectedEof)?;
    let (from, count) = (at, Rc::clone(&bytes_in));
    let mut pages = Joined::new(|| {
        while at < end {
            let (header, len) = read_header(file, (at, end), container.budget)?;
            let packed = file.chunk((at + len, header.packed), MAX_LEN, container.budget)?;
            at += len + header.packed;
            count.set(at - from);
            let is_delta = header.encoding == DELTA_BYTE_ARRAY;
            // What is not compressed is found where it stands.
            if codec == PageCodec::Block(Codec::None) && !is_delta {
                continue;
            }
            let page = unpack(codec, &header, &packed, container.budget)?;
            let whole = if is_delta { delta::values(&page, header.levels, container.budget)? } else { None };
            return Ok(Some(whole.unwrap_or(page)));
        }
        Ok(None)
    });
    let name = match column.row_group {
        1 => format!("column {}", column.name),
        row_group => format!("column {}/row group {row_group}", column.name),
    };
    let name = MemberName::from_text(name);
    let content = Content::Compressed { reader: &mut pages, bytes_in, out_before: 0, claim: Claim::Size(0) };
    container.hand_over(Region::MemberPart(&name, 0), content);
    Ok(())
}

/// The header of the page at an offset, and how long it is.
fn read_header(
    file: &mut RandomAccess<'_>,
    (at, end): (u64, u64),
    budget: &Budget,
) -> io::Result<(Header, u64)> {
    let mut len = HEADER;
    loop {
        let here = len.min(end - at);
        let bytes = file.chunk((at, here), MAX_LEN, budget)?;
        if let Some((header, len)) = parse(&bytes) {
            return Ok((header, len as u64));
        }
        if here < len || len >= MAX_HEADER {
            return Err(io::Error::new(ErrorKind::InvalidData, "the header of a page is wrong"));
        }
        len *= 8;
    }
}

fn parse(bytes: &[u8]) -> Option<(Header, usize)> {
    let (mut header, mut compact) = (Header::default(), Compact::new(bytes));
    compact.structure(&mut |page, id, kind| {
        match (id, kind) {
            (2, I32) => header.unpacked = page.length()?,
            (3, I32) => header.packed = page.length()?,
            // `DataPageHeader`.
            (5, STRUCT) => page.structure(&mut |data, id, kind| {
                if (id, kind) == (2, I32) {
                    header.encoding = data.length()?;
                    return Some(true);
                }
                Some(false)
            })?,
            // `DataPageHeaderV2`.
            (8, STRUCT) => page.structure(&mut |data, id, kind| {
                match (id, kind) {
                    (4, I32) => header.encoding = data.length()?,
                    (5 | 6, I32) => header.levels = header.levels.unwrap_or(0).checked_add(data.length()?),
                    (7, FALSE) => header.is_stored = true,
                    _ => return Some(false),
                }
                Some(id != 7)
            })?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some((header, compact.offset()))
}

/// A page, its levels in front.
fn unpack(codec: PageCodec, header: &Header, packed: &[u8], budget: &Budget) -> io::Result<Chunk> {
    let levels = usize::try_from(header.levels.unwrap_or(0)).unwrap_or(usize::MAX).min(packed.len());
    let (levels, values) = packed.split_at(levels);
    let size = usize::try_from(header.unpacked).unwrap_or(usize::MAX).saturating_sub(levels.len());
    let values = match codec {
        _ if header.is_stored || values.is_empty() => decompress(Codec::None, values, None, budget)?,
        PageCodec::Block(codec) => decompress(codec, values, Some(size), budget)?,
        PageCodec::HadoopLz4 => hadoop_lz4(values, size, budget)?,
    };
    if levels.is_empty() {
        return Ok(values);
    }
    let mut page = Chunk::with_room(levels.len() + values.len(), budget)?;
    page.push(levels, budget)?;
    page.push(&values, budget)?;
    Ok(page)
}

/// LZ4 as Hadoop has it, each block with both of its lengths in front, big-endian; some writers made frames or plain blocks instead
/// ("LZ4" in <https://github.com/apache/parquet-format/blob/master/Compression.md>).
fn hadoop_lz4(packed: &[u8], size: usize, budget: &Budget) -> io::Result<Chunk> {
    let blocks = || {
        let (mut rest, mut page) = (packed, Chunk::default());
        while !rest.is_empty() {
            let length = |at: usize| {
                let bytes = rest.get(at..)?.first_chunk()?;
                usize::try_from(u32::from_be_bytes(*bytes)).ok()
            };
            let (out, len) = (length(0)?, length(4)?);
            let block = rest.get(8..len.checked_add(8)?)?;
            page.push(
                &decompress(Codec::Lz4, block, Some(out).filter(|out| *out <= size), budget).ok()?,
                budget,
            )
            .ok()?;
            rest = rest.get(8 + len..)?;
        }
        (page.len() == size).then_some(page)
    };
    if let Some(page) = blocks() {
        return Ok(page);
    }
    decompress(Codec::Lz4Frame, packed, Some(size), budget)
        .or_else(|_| decompress(Codec::Lz4, packed, Some(size), budget))
}
