//! Sparse files: only the segments that hold data are in the archive, and a map of where each belongs (GNU tar manual,
//! "Storing Sparse Files").

use std::io;

use super::header::{BLOCK, Header, number};
use crate::source::unpack::input::Input;

/// Offset and length of each segment of data within the member, in bytes.
pub(super) type Segments = Vec<(u64, u64)>;

/// More segments than any sparse file has; the rest is scanned as one.
const MAX_SEGMENTS: usize = 64 * 1024;

/// The map of the old GNU format: in the header, and in further blocks where it is long ("Old GNU Format").
pub(super) fn read_old_gnu_map(input: &mut Input<'_>, header: &Header) -> io::Result<Segments> {
    let mut segments = Vec::new();
    let pairs = |bytes: &[u8], into: &mut Segments| {
        let pair = |pair: &[u8]| Some((number(&pair[..12])?, number(&pair[12..])?));
        into.extend(bytes.chunks_exact(24).filter_map(pair).filter(|(_, len)| *len > 0));
    };
    pairs(&header.sparse[..96], &mut segments);
    let mut more = header.sparse[96] != 0;
    while more && segments.len() < MAX_SEGMENTS {
        let block = input.read_bytes(BLOCK)?;
        pairs(&block[..504], &mut segments);
        more = block[504] != 0;
    }
    Ok(merge_adjacent(segments))
}

/// The map of the pax formats: in the extended header ("PAX Format, Versions 0.0 and 0.1"), or before the data, a number
/// a line ("PAX Format, Version 1.0").
pub(super) fn read_pax_map(input: &mut Input<'_>, mut numbers: Vec<u64>) -> io::Result<Segments> {
    if numbers.is_empty() {
        let begin = input.offset();
        let count = read_number(input)?.min(MAX_SEGMENTS as u64);
        for _ in 0..count * 2 {
            numbers.push(read_number(input)?);
        }
        let over = (input.offset() - begin) % BLOCK as u64;
        if over != 0 {
            input.skip(BLOCK as u64 - over)?;
        }
    }
    Ok(merge_adjacent(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()))
}

fn read_number(input: &mut Input<'_>) -> io::Result<u64> {
    let bytes = input.peek(24)?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let read = end.and_then(|end| Some((std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?, end)));
    let Some((value, end)) = read else {
        return Err(io::Error::other("a sparse file without its map"));
    };
    input.skip(end as u64 + 1)?;
    Ok(value)
}

/// Adjacent segments made one, so that no token is split between them.
fn merge_adjacent(segments: Segments) -> Segments {
    let mut out: Segments = Vec::with_capacity(segments.len());
    for (offset, len) in segments {
        match out.last_mut() {
            Some((start, before)) if start.checked_add(*before) == Some(offset) => {
                *before = before.saturating_add(len);
            }
            _ => out.push((offset, len)),
        }
    }
    out
}
