//! ar: static libraries and Debian packages (deb(5)), with the long names of GNU and BSD.
//!
//! No standard describes the format; ar(5) of FreeBSD, and `bfd/archive.c` of GNU binutils, describe both variants.

use std::io;

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::input::{Input, SEAM, with_input};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "ar",
    first_bytes: b"!",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.deb!data.tar.xz!inner/path",
};

/// The global header (`ARMAG` in ar.h).
const MAGIC: &[u8] = b"!<arch>\n";
/// A member's header: name 16 bytes, date 12, uid 6, gid 6, mode 8, size 10, and an end marker of 2 (ar.h).
const HEADER_LEN: usize = 60;

/// No table of names is longer in practice, in bytes; a longer one is scanned as a member.
const MAX_NAME_TABLE: u64 = 4 * 1024 * 1024;
/// No BSD name is longer in practice, in bytes.
const MAX_NAME: u64 = 64 * 1024;

/// Whether an archive begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
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
    input.skip(MAGIC.len() as u64)?;
    let mut name_table = Vec::new();
    while container.may_continue() {
        // Members begin at even offsets, and the last one need not be padded.
        if input.offset() % 2 == 1 && input.peek(1)? == b"\n" {
            input.skip(1)?;
        }
        let header = input.peek(HEADER_LEN)?;
        if header.is_empty() {
            return Ok(());
        }
        let Some((raw_name, size)) = parse_header(header) else {
            return Err(io::Error::other("no header where a member should begin"));
        };
        if !header[16..HEADER_LEN - 2].iter().all(|byte| matches!(byte, b'0'..=b'9' | b' ')) {
            let header = header.to_vec();
            container.scan_raw(input.offset(), &header);
        }
        input.skip(HEADER_LEN as u64)?;
        if raw_name == b"//" && size <= MAX_NAME_TABLE {
            let offset = input.offset();
            name_table = input.read_bytes(usize::try_from(size).unwrap_or(0))?;
            // A name that no member has is nowhere else.
            container.scan_raw(offset, &name_table);
            continue;
        }
        let (name, size) = resolve_name(&raw_name, size, &name_table, input)?;
        let name = MemberName::new(&name);
        if !container.begin_member(&name) {
            return Ok(());
        }
        container.hand_over_stored(input, &name, size)?;
    }
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

/// A header's name, without its padding, and size.
fn parse_header(header: &[u8]) -> Option<(Vec<u8>, u64)> {
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim_end().parse().ok()?;
    let is_complete = header.get(58..60)? == b"`\n";
    let name = header.get(..16)?.trim_ascii_end();
    is_complete.then(|| (name.to_vec(), size))
}

/// The whole name, and what is left of the member once a name before its data is read: BSD writes `#1/length` and the
/// name before the data, GNU `/offset` into the table that is the member `//`, or a short name and a slash.
fn resolve_name(raw: &[u8], size: u64, table: &[u8], input: &mut Input<'_>) -> io::Result<(Vec<u8>, u64)> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    if let Some(len) = raw.strip_prefix(b"#1/").and_then(number)
        && len <= size.min(MAX_NAME)
    {
        let mut name = input.read_bytes(usize::try_from(len).unwrap_or(0))?;
        while name.last() == Some(&0) {
            name.pop();
        }
        return Ok((name, size - len));
    }
    if let Some(offset) = raw.strip_prefix(b"/").and_then(number)
        && let Some(from) = usize::try_from(offset).ok().and_then(|offset| table.get(offset..))
    {
        let end = from.iter().position(|byte| *byte == b'\n' || *byte == 0).unwrap_or(from.len());
        let name = from[..end].strip_suffix(b"/").unwrap_or(&from[..end]);
        return Ok((name.to_vec(), size));
    }
    let short = raw.strip_suffix(b"/").filter(|name| !name.is_empty() && *name != b"/");
    Ok((short.unwrap_or(raw).to_vec(), size))
}
