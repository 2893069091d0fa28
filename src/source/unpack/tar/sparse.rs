//! Sparse files: only the stretches that hold data are in the archive, each to be put where its map says.

use std::io;

use super::header::{BLOCK, Header, number};
use crate::source::unpack::input::Input;

/// Offset and length of a stretch of data within the member.
pub(super) type Segments = Vec<(u64, u64)>;

/// More stretches of data than any sparse file has; the rest is looked into as one.
const SEGMENTS_MOST: usize = 64 * 1024;

/// The map of the old GNU format: in the header, and in further blocks where it is long.
pub(super) fn old_gnu(feed: &mut Input<'_>, header: &Header) -> io::Result<Segments> {
    let mut segments = Vec::new();
    let pairs = |bytes: &[u8], into: &mut Segments| {
        let pair = |pair: &[u8]| Some((number(&pair[..12])?, number(&pair[12..])?));
        into.extend(bytes.chunks_exact(24).filter_map(pair).filter(|(_, len)| *len > 0));
    };
    pairs(&header.sparse[..96], &mut segments);
    let mut more = header.sparse[96] != 0;
    while more && segments.len() < SEGMENTS_MOST {
        let block = feed.read_bytes(BLOCK)?;
        pairs(&block[..504], &mut segments);
        more = block[504] != 0;
    }
    Ok(joined(segments))
}

/// The map of the pax formats: in the extended header, or before the data, a number a line.
pub(super) fn in_pax(feed: &mut Input<'_>, mut numbers: Vec<u64>) -> io::Result<Segments> {
    if numbers.is_empty() {
        let begin = feed.at();
        let count = line(feed)?.min(SEGMENTS_MOST as u64);
        for _ in 0..count * 2 {
            numbers.push(line(feed)?);
        }
        let over = (feed.at() - begin) % BLOCK as u64;
        if over != 0 {
            feed.skip(BLOCK as u64 - over)?;
        }
    }
    Ok(joined(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()))
}

fn line(feed: &mut Input<'_>) -> io::Result<u64> {
    let bytes = feed.peek(24)?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let read = end.and_then(|end| Some((std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?, end)));
    let Some((value, end)) = read else {
        return Err(io::Error::other("a sparse file without its map"));
    };
    feed.skip(end as u64 + 1)?;
    Ok(value)
}

/// Neighbours made one, so that no token is torn between them.
fn joined(segments: Segments) -> Segments {
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
