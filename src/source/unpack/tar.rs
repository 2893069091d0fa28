//! tar: ustar, pax, GNU with its long names and sparse files, and the format of version 7, which has no mark but a checksum.
//!
//! Read here rather than by the `tar` crate, which gathers a long name of any length in memory, gives up at the first
//! damaged header, and makes terabytes of zeros out of the holes of a sparse file.

mod header;
mod pax;
mod sparse;

use std::io::{self, BufRead as _};

use super::ar;
use super::bounded_reader::{Exactly, StreamError};
use super::input::{Input, with_feed};
use super::open_container::{Content, Name, OpenContainer, Place};
use crate::blob::Body;
use header::{BLOCK, Header};
use pax::Pax;

/// No name and no extended header is longer in practice; what is beyond is looked into as it is.
const GATHERED_MOST: u64 = 1024 * 1024;

/// Whether a tar begins so: its mark, or a checksum that holds.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK>() else { return false };
    // Six octal digits stand in few files here: the sum of the block is seldom taken.
    (block[257..].starts_with(b"ustar")
        || block[148..154].iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ')))
        && Header::parse(block).is_some()
}

/// Hands on the members.
pub(super) fn open(level: &OpenContainer<'_>, body: Body<'_>) {
    with_feed(body, level.budget, |feed| {
        if let Err(error) = members(level, feed) {
            level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
    });
}

fn members(level: &OpenContainer<'_>, feed: &mut Input<'_>) -> io::Result<()> {
    let (mut ahead, mut ended) = (Pax::default(), false);
    while level.goes_on() {
        let block = feed.peek(BLOCK)?;
        if block.iter().all(|byte| *byte == 0) {
            if block.is_empty() {
                return Ok(());
            }
            ended = true;
            feed.skip_zeros()?;
            // Zeros may run into the name of a header; headers stand at whole blocks only.
            let over = feed.at() % BLOCK as u64;
            if over != 0 && feed.peek(1)?.is_empty() {
                return Ok(());
            }
            if over != 0 {
                behind_the_end(level, feed);
                return Ok(());
            }
            continue;
        }
        let Some(header) = block.first_chunk().and_then(Header::parse) else {
            behind_the_end(level, feed);
            return if ended {
                Ok(())
            } else {
                Err(io::Error::other("no header where a member should begin"))
            };
        };
        feed.skip(BLOCK as u64)?;
        ended = false;
        if !one(level, feed, &header, &mut ahead)? {
            return Ok(());
        }
        let over = feed.at() % BLOCK as u64;
        if over != 0 {
            feed.skip(BLOCK as u64 - over)?;
        }
    }
    Ok(())
}

/// Looks as it is into what no header stands before.
fn behind_the_end(level: &OpenContainer<'_>, feed: &mut Input<'_>) {
    let at = feed.at();
    level.hand(Place::Raw(at), Content::Stored(feed));
}

/// Reads what one header announces; whether to go on.
fn one(
    level: &OpenContainer<'_>,
    feed: &mut Input<'_>,
    header: &Header,
    ahead: &mut Pax,
) -> io::Result<bool> {
    let size = header.size;
    match header.kind {
        b'L' | b'K' | b'x' | b'g' | b'X' if size > GATHERED_MOST => {
            let at = feed.at();
            level.hand(Place::Raw(at), Content::Stored(&mut Exactly { reader: feed, left: size }));
        }
        b'L' => ahead.name = Some(text(feed, size)?),
        b'K' => ahead.link = Some(text(feed, size)?),
        b'x' | b'X' | b'g' => {
            let at = feed.at();
            let bytes = feed.read_bytes(usize::try_from(size).unwrap_or(0))?;
            // A global header may not name a member, but may hold a comment.
            let mut unused = Pax::default();
            let into = if header.kind == b'g' { &mut unused } else { &mut *ahead };
            into.read(&bytes, &mut |offset, value| level.aside(at + offset as u64, value));
        }
        _ => return member(level, feed, header, std::mem::take(ahead)),
    }
    Ok(true)
}

/// A name that was too long for its header.
fn text(feed: &mut Input<'_>, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = feed.read_bytes(usize::try_from(size).unwrap_or(0))?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn member(level: &OpenContainer<'_>, feed: &mut Input<'_>, header: &Header, ahead: Pax) -> io::Result<bool> {
    let name = Name::new(ahead.name.as_ref().unwrap_or(&header.name));
    if !level.enter(&name) {
        return Ok(false);
    }
    let link = ahead.link.as_ref().unwrap_or(&header.link);
    if matches!(header.kind, b'1' | b'2') && !link.is_empty() {
        level.link(&name, link);
    }
    let size = ahead.size.unwrap_or(header.size);
    // Links, devices and folders have no data, whatever their header says; only of hard links that is not sure.
    let bare = match header.kind {
        b'1' => feed.peek(BLOCK)?.first_chunk().is_some_and(|block| Header::parse(block).is_some()),
        kind => matches!(kind, b'2'..=b'6'),
    };
    let size = if bare { 0 } else { size };
    let begin = feed.at();
    let segments = if header.kind == b'S' {
        Some(sparse::old_gnu(feed, header)?)
    } else if ahead.sparse {
        Some(sparse::in_pax(feed, ahead.segments)?)
    } else {
        None
    };
    let Some(segments) = segments else {
        if size > 0 {
            ar::content(level, feed, &name, size)?;
        }
        return Ok(true);
    };
    // The old kind's further headers are not counted in the member's size, the newer one's map is.
    let end = if header.kind == b'S' { feed.at() } else { begin }.saturating_add(size);
    for (offset, len) in segments {
        let left = len.min(end.saturating_sub(feed.at()));
        if left > 0 {
            let place = Place::Part(&name, offset);
            level.hand(place, Content::Stored(&mut Exactly { reader: feed, left }));
        }
    }
    let left = end.saturating_sub(feed.at());
    if left > 0 && !feed.fill_buf()?.is_empty() {
        let at = feed.at();
        level.hand(Place::Raw(at), Content::Stored(&mut Exactly { reader: feed, left }));
    }
    Ok(true)
}
