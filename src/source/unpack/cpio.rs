//! cpio: initial RAM disks, the payload of RPM packages, Solaris packages; every form that is in use, one archive behind the other.
//!
//! The forms are those of cpio(5) of FreeBSD; what the kernel makes of several archives in one file is in
//! <https://docs.kernel.org/driver-api/early-userspace/buffer-format.html>.

mod header;

use std::io;

use super::bounded_reader::StreamError;
use super::extents::scan_seam;
use super::format::{Format, Reader, Signature};
use super::input::{Input, SEAM, with_input};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::blob::Body;
pub(super) use header::PackedFile;
use header::{Entry, MAX_HEADER, is_trailer};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "cpio",
    first_bytes: &[b'0', 0xc7, 0x71],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: true,
    member_path: "a.cpio!inner/path",
};

/// No target of a link is longer (`PATH_MAX` in limits.h); a longer one is scanned as a file.
const MAX_TARGET: u64 = 4096;

/// Whether an archive begins so: with a header that holds together.
pub(super) fn begins(head: &[u8]) -> bool {
    Entry::parse(head, &[]).is_some_and(|entry| entry.has_name(head))
}

/// Hands on the members.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| read(container, input, &[]));
}

/// Hands on the members, and what stands behind the archive. `files` are those of the package it is in.
pub(super) fn read(container: &OpenContainer<'_>, input: &mut Input<'_>, files: &[PackedFile]) {
    let outcome = read_archives(container, input, files);
    let whole = outcome.is_ok() && container.may_continue();
    if let Err(error) = outcome {
        container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
    }
    input.lift_limits();
    if !container.may_scan() || input.peek(1).map_or(true, <[u8]>::is_empty) {
        return;
    }
    let offset = input.offset();
    if !whole {
        input.with_seam(SEAM, |offset, rest| {
            container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
        });
    } else if let Some(bytes) = input.take_slice(u64::MAX) {
        container.hand_over(Region::Behind(offset), Content::Memory(bytes));
    } else {
        container.hand_over(Region::Behind(offset), Content::Stored(input));
    }
}

/// Reads archives one behind the other, as the kernel does: zeros may stand between them, and the last one may be compressed.
fn read_archives(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    files: &[PackedFile],
) -> io::Result<()> {
    let mut begin = input.offset();
    while container.may_continue() {
        let Some(entry) = next_entry(input, files)? else {
            return Err(io::Error::other("no header where a member should begin"));
        };
        let name = read_name(container, input, &entry)?;
        skip_padding(container, input, &entry, begin)?;
        if is_trailer(&name) {
            // It has no data; what stands there all the same is seen with what follows.
            input.skip_zeros()?;
            begin = input.offset();
            if next_entry(input, files)?.is_none() {
                return Ok(());
            }
            continue;
        }
        let end = input.offset().saturating_add(entry.size);
        // One that is cut short was reported.
        if !read_member(container, input, &entry, &MemberName::new(&name))? || input.offset() < end {
            return Ok(());
        }
        skip_padding(container, input, &entry, begin)?;
    }
    Ok(())
}

/// The header that stands here, of which nothing is consumed.
fn next_entry(input: &mut Input<'_>, files: &[PackedFile]) -> io::Result<Option<Entry>> {
    let Some(entry) = Entry::parse(input.peek(MAX_HEADER)?, files) else { return Ok(None) };
    let head = input.peek(entry.header_len + entry.name_len)?;
    let whole = head.len() == entry.header_len + entry.name_len;
    Ok(Some(entry).filter(|entry| whole && entry.has_name(head)))
}

/// Consumes a header and the name behind it.
fn read_name(container: &OpenContainer<'_>, input: &mut Input<'_>, entry: &Entry) -> io::Result<Vec<u8>> {
    input.skip(entry.header_len as u64)?;
    let offset = input.offset();
    let field = input.read_bytes(entry.name_len)?;
    if let Some(name) = &entry.listed_name {
        return Ok(name.clone());
    }
    let len = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    if field.get(len..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0)) {
        container.scan_raw(offset, &field);
    }
    Ok(field.get(..len).unwrap_or_default().to_vec())
}

/// Hands on one member; whether to go on.
fn read_member(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    entry: &Entry,
    name: &MemberName,
) -> io::Result<bool> {
    if !container.begin_member(name) {
        return Ok(false);
    }
    if entry.is_link && entry.size <= MAX_TARGET {
        let target = input.read_bytes(usize::try_from(entry.size).unwrap_or(0))?;
        container.scan_link_target(name, &target);
    } else if entry.size > 0 {
        container.hand_over_stored(input, name, entry.size)?;
    }
    Ok(true)
}

/// Passes over what fills up to the next boundary: zeros, unless somebody put something there.
fn skip_padding(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    entry: &Entry,
    begin: u64,
) -> io::Result<()> {
    let at = input.offset() - begin;
    let len = at.next_multiple_of(entry.align) - at;
    let padding = input.peek(usize::try_from(len).unwrap_or(0))?;
    if padding.iter().any(|byte| *byte != 0) {
        let padding = padding.len();
        scan_seam(container, input, padding);
    }
    input.skip(len).map(drop)
}
