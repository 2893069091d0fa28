//! ar: static libraries and Debian packages, with the long names of GNU and BSD.

use std::io;

use super::bounded_reader::{Exactly, StreamError};
use super::input::{Input, with_feed};
use super::open_container::{Content, Name, OpenContainer, Place};
use crate::blob::Body;

/// No table of names is longer in practice; what is beyond is looked into as it is.
const TABLE_MOST: u64 = 4 * 1024 * 1024;

pub(super) fn open(level: &OpenContainer<'_>, body: Body<'_>) {
    with_feed(body, level.budget, |feed| {
        if let Err(error) = members(level, feed) {
            level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
    });
}

fn members(level: &OpenContainer<'_>, feed: &mut Input<'_>) -> io::Result<()> {
    feed.skip(8)?;
    let mut table = Vec::new();
    while level.goes_on() {
        // Members begin at even offsets, and the last one need not be padded.
        if feed.at() % 2 == 1 {
            feed.skip(1)?;
        }
        let header = feed.peek(60)?;
        if header.is_empty() {
            return Ok(());
        }
        let Some((raw, size)) = parse(header) else {
            return lost(level, feed);
        };
        feed.skip(60)?;
        if raw == b"//" && size <= TABLE_MOST {
            // A name is looked into where it names a member.
            table = feed.read_bytes(usize::try_from(size).unwrap_or(0))?;
            continue;
        }
        let (name, size) = resolve(&raw, size, &table, feed)?;
        let name = Name::new(&name);
        if !level.enter(&name) {
            return Ok(());
        }
        content(level, feed, &name, size)?;
    }
    Ok(())
}

/// Hands on the next `size` bytes as a member.
pub(super) fn content(
    level: &OpenContainer<'_>,
    feed: &mut Input<'_>,
    name: &Name,
    size: u64,
) -> io::Result<()> {
    let end = feed.at().saturating_add(size);
    if let Some(bytes) = feed.slice(size) {
        level.hand(Place::Member(name), Content::Memory(bytes));
        if (bytes.len() as u64) < size {
            let trouble = StreamError::Damaged("it ends too early".to_owned());
            level.say(Place::Member(name), trouble, Some(bytes.len() as u64));
        }
        return Ok(());
    }
    level.hand(Place::Member(name), Content::Stored(&mut Exactly { reader: feed, left: size }));
    feed.skip(end.saturating_sub(feed.at()))?;
    Ok(())
}

/// Looks into the rest as it is, where no header stands.
fn lost(level: &OpenContainer<'_>, feed: &mut Input<'_>) -> io::Result<()> {
    let at = feed.at();
    level.hand(Place::Raw(at), Content::Stored(feed));
    Err(io::Error::other("no header where a member should begin"))
}

/// A header's name, without its padding, and size.
fn parse(header: &[u8]) -> Option<(Vec<u8>, u64)> {
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim_end().parse().ok()?;
    let ends = header.get(58..60)? == b"`\n";
    let name = header.get(..16)?.trim_ascii_end();
    ends.then(|| (name.to_vec(), size))
}

/// The whole name, and what is left of the member once a name before its data is read.
fn resolve(raw: &[u8], size: u64, table: &[u8], feed: &mut Input<'_>) -> io::Result<(Vec<u8>, u64)> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    if let Some(len) = raw.strip_prefix(b"#1/").and_then(number)
        && len <= size.min(64 * 1024)
    {
        let mut name = feed.read_bytes(usize::try_from(len).unwrap_or(0))?;
        while name.last() == Some(&0) {
            name.pop();
        }
        return Ok((name, size - len));
    }
    if let Some(at) = raw.strip_prefix(b"/").and_then(number)
        && let Some(from) = usize::try_from(at).ok().and_then(|at| table.get(at..))
    {
        let end = from.iter().position(|byte| *byte == b'\n' || *byte == 0).unwrap_or(from.len());
        let name = from[..end].strip_suffix(b"/").unwrap_or(&from[..end]);
        return Ok((name.to_vec(), size));
    }
    let short = raw.strip_suffix(b"/").filter(|name| !name.is_empty() && *name != b"/");
    Ok((short.unwrap_or(raw).to_vec(), size))
}
