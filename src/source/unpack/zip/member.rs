//! One member of a zip, read where the directory says that it is.

use std::io::{self, ErrorKind, Read as _};
use std::ops::Range;

use super::archive_reader::ArchiveReader;
use super::large::Listed;
use super::method;
use super::record::{Entry, LOCAL_LEN};
use crate::source::unpack::input::Input;
use crate::source::unpack::open_container::{OpenContainer, Region};
use crate::source::unpack::share::Claim;

/// How far a member was read.
pub(super) enum MemberEnd {
    /// Its bytes need no further look, up to this offset.
    Whole(u64),
    /// It is none of what its header says. What was handed on as it stands in the archive; nothing, where it is packed.
    Broken(Range<u64>),
}

/// Hands on one member. Data that nothing came out of is scanned as it is, among the gaps: it may be none of what its header says.
pub(super) fn read_member(
    container: &OpenContainer<'_>,
    archive: &mut ArchiveReader<'_>,
    listed: &Listed,
    claim: Claim,
) -> io::Result<MemberEnd> {
    let Listed { entry, name, offset, .. } = listed;
    let offset = *offset;
    archive.seek_to(offset)?;
    let mut header = [0; LOCAL_LEN];
    archive.read_exact(&mut header)?;
    let Some((local, name_len, extra_len)) = Entry::local(&header) else {
        return Err(io::Error::new(ErrorKind::InvalidData, "no member where the directory says"));
    };
    let mut behind = Vec::new();
    archive.take((name_len + extra_len) as u64).read_to_end(&mut behind)?;
    let local = local.with_name_and_extra(&behind, name_len);
    let name_offset = offset + LOCAL_LEN as u64;
    if local.name != entry.name {
        // Nothing in this header need be what it says.
        container.scan_raw(offset, &[&header[..], &behind].concat());
    }
    if local.has_long_extra() && local.extra != entry.extra {
        container.scan_raw(name_offset + name_len as u64, &local.extra);
    }
    let begin = archive.offset;
    let end = begin.saturating_add(entry.packed);
    if entry.is_directory() {
        return Ok(MemberEnd::Whole(end));
    }
    if entry.is_encrypted() {
        container.report_encrypted(Region::Member(name));
        return Ok(MemberEnd::Whole(begin));
    }
    let mut part = archive.take(entry.packed);
    let input = Input::reader(&mut part, container.budget);
    let bytes_in = input.counter();
    let whole = method::hand_over_content(container, input, entry, name, claim)?.unwrap_or(false);
    // Bytes behind the end of a compressed stream are no member's, and are scanned as they are.
    let end = begin.saturating_add(bytes_in.get());
    Ok(match (whole, entry.is_stored()) {
        (true, _) => MemberEnd::Whole(end),
        (false, true) => MemberEnd::Broken(begin..end),
        (false, false) => MemberEnd::Broken(begin..begin),
    })
}
