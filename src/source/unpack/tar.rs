//! tar: ustar and pax (POSIX.1-2008, pax), GNU with its long names and sparse files (GNU tar manual, "Basic Tar Format"),
//! and the format of Unix version 7, which has no signature but a checksum (tar(5)).
//!
//! Read here rather than by the `tar` crate, which gathers a long name of any length in memory, gives up at the first
//! damaged header, and makes terabytes of zeros out of the holes of a sparse file.

mod header;
mod pax;
mod sparse;

use std::io::{self, BufRead as _, Read as _};

use super::bounded_reader::{ExactReader, StreamError};
use super::format::{Format, Reader, Signature};
use super::input::{Input, SEAM, with_input};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::blob::Body;
use header::{BLOCK, Header};
use pax::Pax;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "tar",
    // It begins with the name of its first member.
    first_bytes: &[],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: true,
    member_path: "a.tar!inner/path",
};

/// No name and no extended header is longer in practice, in bytes; a longer one is scanned as it is.
const MAX_GATHERED: u64 = 1024 * 1024;

/// Whether an archive begins so: its signature, or a checksum that holds.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK>() else { return false };
    // Six octal digits stand there in few files: the sum of the block is seldom taken.
    (block[257..].starts_with(b"ustar")
        || block[148..154].iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ')))
        && Header::parse(block).is_some()
}

/// Hands on the members.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| {
        if let Err(error) = read_members(container, input) {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
        scan_rest(container, input);
    });
}

fn read_members(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<()> {
    let (mut extended, mut ended) = (Pax::default(), false);
    while container.may_continue() {
        let block = input.peek(BLOCK)?;
        if block.iter().all(|byte| *byte == 0) {
            if block.is_empty() {
                break;
            }
            ended = true;
            input.skip_zeros()?;
            // Zeros may run into the name of a header; headers stand at whole blocks only.
            let over = input.offset() % BLOCK as u64;
            if over != 0 {
                break;
            }
            continue;
        }
        let Some((block, header)) =
            block.first_chunk().and_then(|block| Some((*block, Header::parse(block)?)))
        else {
            if !ended {
                return Err(io::Error::other("no header where a member should begin"));
            }
            break;
        };
        if let Some(text) = header::other_text(&block, extended.name.is_none()) {
            container.scan_raw(input.offset(), &text);
        }
        input.skip(BLOCK as u64)?;
        ended = false;
        if !read_entry(container, input, &header, &mut extended)? {
            return Ok(());
        }
        let padding = input.offset().next_multiple_of(BLOCK as u64) - input.offset();
        if padding != 0 {
            skip_padding(container, input, usize::try_from(padding).unwrap_or(0))?;
        }
    }
    // A name for a member that does not follow.
    for name in extended.name.iter().chain(&extended.link) {
        container.scan_raw(input.offset(), name);
    }
    Ok(())
}

/// Passes over what fills a block up: zeros, unless somebody put something there.
fn skip_padding(container: &OpenContainer<'_>, input: &mut Input<'_>, len: usize) -> io::Result<()> {
    let padding = input.peek(len)?;
    if padding.iter().all(|byte| *byte == 0) {
        return input.skip(len as u64).map(drop);
    }
    let end = input.offset() + len as u64;
    input.with_seam(SEAM, |offset, rest| {
        let mut padding = rest.take(end - offset);
        container.hand_over(Region::Raw(offset), Content::Stored(&mut padding));
    });
    Ok(())
}

/// Scans the rest as it is: where no header stands, or what a limit left.
fn scan_rest(container: &OpenContainer<'_>, input: &mut Input<'_>) {
    input.lift_limits();
    if container.may_scan() && input.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        input.with_seam(SEAM, |offset, rest| {
            container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
        });
    }
}

/// Reads what stands behind one header: a member, or what extends the next header. Whether to go on.
fn read_entry(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    header: &Header,
    extended: &mut Pax,
) -> io::Result<bool> {
    let size = header.size;
    match header.kind {
        b'L' | b'K' | b'x' | b'g' | b'X' if size > MAX_GATHERED => {
            let offset = input.offset();
            let mut data = ExactReader { reader: input, left: size };
            container.hand_over(Region::Raw(offset), Content::Stored(&mut data));
        }
        // GNU's `@LongLink`: the name, or the link's target, of the next member (GNU tar manual, "Basic Tar Format").
        b'L' | b'K' => {
            let name = read_long_name(input, size)?;
            let into = if header.kind == b'L' { &mut extended.name } else { &mut extended.link };
            if let Some(replaced) = into.replace(name) {
                container.scan_raw(input.offset(), &replaced);
            }
        }
        b'x' | b'X' | b'g' => {
            let offset = input.offset();
            let bytes = input.read_bytes(usize::try_from(size).unwrap_or(0))?;
            // A global header may not name a member, but may hold a comment.
            let mut unused = Pax::default();
            let into = if header.kind == b'g' { &mut unused } else { &mut *extended };
            into.read(&bytes, &mut |at, value| container.scan_raw(offset + at as u64, value));
            for name in unused.name.iter().chain(&unused.link) {
                container.scan_raw(offset, name);
            }
        }
        _ => return read_member(container, input, header, std::mem::take(extended)),
    }
    Ok(true)
}

/// A name that was too long for its header.
fn read_long_name(input: &mut Input<'_>, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = input.read_bytes(usize::try_from(size).unwrap_or(0))?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn read_member(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    header: &Header,
    extended: Pax,
) -> io::Result<bool> {
    let name = MemberName::new(extended.name.as_ref().unwrap_or(&header.name));
    if !container.begin_member(&name) {
        return Ok(false);
    }
    let link = extended.link.as_ref().unwrap_or(&header.link);
    if !link.is_empty() {
        container.scan_link_target(&name, link);
    }
    let size = extended.size.unwrap_or(header.size);
    // Links, devices and directories have no data, whatever their header says; hard links of pax may have some
    // (POSIX.1-2008, pax, "ustar Interchange Format", typeflag 1).
    let without_data = match header.kind {
        b'1' => input.peek(BLOCK)?.first_chunk().is_some_and(|block| Header::parse(block).is_some()),
        kind => matches!(kind, b'2'..=b'6'),
    };
    let size = if without_data { 0 } else { size };
    let begin = input.offset();
    let segments = if header.kind == b'S' {
        Some(sparse::read_old_gnu_map(input, header)?)
    } else if extended.sparse {
        Some(sparse::read_pax_map(input, extended.segments)?)
    } else {
        None
    };
    let Some(segments) = segments else {
        if size > 0 {
            container.hand_over_stored(input, &name, size)?;
        }
        return Ok(true);
    };
    // The further headers of the old format are not counted in the member's size, the map of the newer one is.
    let end = if header.kind == b'S' { input.offset() } else { begin }.saturating_add(size);
    for (offset, len) in segments {
        let left = len.min(end.saturating_sub(input.offset()));
        if left > 0 {
            let mut data = ExactReader { reader: input, left };
            container.hand_over(Region::MemberPart(&name, offset), Content::Stored(&mut data));
        }
    }
    let left = end.saturating_sub(input.offset());
    if left > 0 && !input.fill_buf()?.is_empty() {
        let offset = input.offset();
        let mut data = ExactReader { reader: input, left };
        container.hand_over(Region::Raw(offset), Content::Stored(&mut data));
    }
    Ok(true)
}
