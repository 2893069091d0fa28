//! Tables: blocks that an index names.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use super::batch::hand_over_value;
use super::block::{Entry, Handle, TRAILER, Values, entries, read as read_block, varint};
use super::crc32c;
use super::footer::{Footer, Place};
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::random_access::RandomAccess;
use crate::source::unpack::share::Claim;

/// The first version of `RocksDB`'s format in which the places in an index are told from one another.
const DELTAS_SINCE: u32 = 4;
/// The name that the metaindex has for the index.
const INDEX_NAME: &[u8] = b"rocksdb.index";

/// Whether a table begins so: with a block of Snappy whose checksum holds, where all of it is there.
pub(super) fn begins(head: &[u8]) -> bool {
    // Of a block that is so small as a text would have to be, the end of the table is there, too.
    if head.first().is_none_or(u8::is_ascii) {
        return false;
    }
    let Some(len) = snappy_block(head) else { return false };
    let sum = head.get(len + 1..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes));
    sum.is_some_and(|sum| head.get(..=len).map(crc32c::masked) == Some(sum))
}

/// How long the raw Snappy is that `head` begins with, if a block of a table ends behind it (`format_description.txt` in
/// <https://github.com/google/snappy>).
fn snappy_block(head: &[u8]) -> Option<usize> {
    let (out, mut at) = varint(head)?;
    let mut left = usize::try_from(out).ok().filter(|out| (16..1 << 24).contains(out))?;
    while left > 0 {
        let tag = *head.get(at)?;
        let (len, width) = match tag & 3 {
            0 => {
                let len = usize::from(tag >> 2);
                let more = len.saturating_sub(59);
                let stated = head.get(at + 1..at + 1 + more)?.iter().rev();
                let stated = stated.fold(0, |len, byte| len << 8 | usize::from(*byte));
                let len = if more == 0 { len } else { stated } + 1;
                (len, 1 + more + len)
            }
            1 => (usize::from(tag >> 2 & 7) + 4, 2),
            2 => (usize::from(tag >> 2) + 1, 3),
            _ => (usize::from(tag >> 2) + 1, 5),
        };
        left = left.checked_sub(len)?;
        at = at.checked_add(width)?;
    }
    (head.get(at) == Some(&1)).then_some(at)
}

/// Hands on the blocks.
pub(super) fn read(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    footer: &Footer,
) -> io::Result<()> {
    let index = match footer.place {
        Place::Index(handle) => handle,
        Place::Metaindex(handle) => index_of(file, handle, footer.version, container)?,
    };
    let index = read_block(file, index, footer.version, container.budget)?;
    let values = match footer.version {
        Some(DELTAS_SINCE..) => Values::Deltas,
        _ => Values::Sized,
    };
    let (mut number, mut wrong) = (0_u64, None);
    entries(&index, values, |entry| {
        number += 1;
        let handle = entry.handle.or_else(|| Handle::parse(entry.value).map(|(handle, _)| handle));
        let block = handle
            .ok_or_else(|| io::Error::other("its index is wrong"))
            .and_then(|handle| Ok((handle, read_block(file, handle, footer.version, container.budget)?)));
        match block {
            Ok((handle, block)) => hand_over(container, number, handle.size, &block),
            Err(error) => {
                wrong.get_or_insert(error);
                container.may_continue()
            }
        }
    });
    wrong.map_or(Ok(()), Err)
}

/// Where the metaindex says that the index is.
fn index_of(
    file: &mut RandomAccess<'_>,
    metaindex: Handle,
    version: Option<u32>,
    container: &OpenContainer<'_>,
) -> io::Result<Handle> {
    let block = read_block(file, metaindex, version, container.budget)?;
    let mut found = None;
    entries(&block, Values::Sized, |entry| {
        if entry.key == INDEX_NAME {
            found = Handle::parse(entry.value);
        }
        found.is_none()
    });
    found.map(|(handle, _)| handle).ok_or_else(|| io::Error::other("its index is missing"))
}

/// Hands on the keys and values of a block, a line each, and values that are packed; whether to go on.
fn hand_over(container: &OpenContainer<'_>, number: u64, packed: u64, block: &[u8]) -> bool {
    if !container.begin_part() {
        return false;
    }
    let name = MemberName::from_text(format!("block {number}"));
    let Ok(text) = lines(container, block) else {
        container.report(Region::MemberPart(&name, 0), StreamError::LimitReached(Limit::Memory), Some(0));
        return container.may_continue();
    };
    let content = Content::Compressed {
        reader: &mut &text[..],
        bytes_in: Rc::new(Cell::new(packed.saturating_add(TRAILER as u64))),
        out_before: 0,
        claim: Claim::Size(text.len() as u64),
    };
    container.hand_over(Region::MemberPart(&name, 0), content);
    drop(text);
    let mut index = 0_u64;
    entries(block, Values::Sized, |entry| {
        index += 1;
        hand_over_value(container, entry.value, || format!("block {number}/entry {index}"))
    });
    container.may_continue()
}

/// The keys and values of a block, and what is left of it where one makes no sense.
fn lines(container: &OpenContainer<'_>, block: &[u8]) -> io::Result<Chunk> {
    let mut text = Chunk::with_room(block.len(), container.budget)?;
    let mut failed = Ok(());
    let end = entries(block, Values::Sized, |Entry { key, value, .. }| {
        failed = [*key, *value, b"\n"].iter().try_for_each(|part| text.push(part, container.budget));
        failed.is_ok()
    });
    failed?;
    text.push(block.get(end..).unwrap_or_default(), container.budget)?;
    Ok(text)
}
