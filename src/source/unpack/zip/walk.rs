//! A zip read forwards, from header to header: one that has lost its directory, or is too large to be gathered in memory.

use std::io::{self, Read as _};

use super::method;
use super::record::{
    CENTRAL, CENTRAL_LEN, DESCRIPTOR, END, END_64, END_LEN, Entry, LOCAL, LOCAL_LEN, LOCATOR_64,
    LOCATOR_64_LEN, le16, le32, le64,
};
use super::streamed::Streamed;
use crate::blob::MIN_TOKEN_LEN;
use crate::source::unpack::input::{Input, SEAM};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::remembering::Remembering;
use crate::source::unpack::share::Claim;

/// Hands on what is found; `base` is the offset of the input in the archive. The error that ended it, if one did.
pub(super) fn walk(container: &OpenContainer<'_>, input: &mut Input<'_>, base: u64) -> Option<io::Error> {
    let error = read_members(container, input, base);
    if !container.may_scan() {
        return None;
    }
    input.lift_limits();
    if input.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        input.with_seam(SEAM, |offset, rest| {
            container.hand_over(Region::Raw(base + offset), Content::Stored(&mut &mut *rest));
        });
    }
    error
}

/// Hands on the members up to what is no record any more. The error that ended them, if one did.
pub(super) fn read_members(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    base: u64,
) -> Option<io::Error> {
    loop {
        match read_record(container, input, base) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// Reads one record; whether there may be another. What follows when there is none is no part of a record.
fn read_record(container: &OpenContainer<'_>, input: &mut Input<'_>, base: u64) -> io::Result<bool> {
    if !container.may_continue() {
        return Ok(false);
    }
    let head = input.peek(CENTRAL_LEN)?;
    let signature = head.get(..4).unwrap_or_default();
    if signature == LOCAL {
        return read_member(container, input, base);
    }
    let len = if signature == CENTRAL {
        let lens: usize = [28, 30, 32].map(|at| usize::from(le16(head, at))).iter().sum();
        let entry = input.read_bytes(CENTRAL_LEN + lens)?;
        // Its name may be that of a member that is not there.
        if lens >= MIN_TOKEN_LEN {
            container.scan_raw(base + input.offset() - lens as u64, &entry[CENTRAL_LEN..]);
        }
        return Ok(true);
    } else if signature == END {
        END_LEN as u64
    } else if signature == END_64 {
        // Its size does not count the signature and itself (APPNOTE 4.3.14.1); it may hold anything.
        let len = le64(head, 4).saturating_add(12);
        let offset = input.offset();
        let mut record = input.by_ref().take(len);
        container.hand_over(Region::Raw(base + offset), Content::Stored(&mut record));
        // Of what was carved, it is scanned already, and not read here.
        let left = record.limit();
        return input.skip(left);
    } else if signature == LOCATOR_64 {
        LOCATOR_64_LEN
    } else if signature == DESCRIPTOR {
        // The spanning marker of an archive of several parts, before its first member (APPNOTE 8.5.4).
        4
    } else {
        return Ok(false);
    };
    input.skip(len)
}

fn read_member(container: &OpenContainer<'_>, input: &mut Input<'_>, base: u64) -> io::Result<bool> {
    // Nothing is consumed before it is sure: what only looks like a header belongs to the rest.
    let Some((entry, name_len, extra_len)) =
        Entry::local(input.peek(LOCAL_LEN)?).filter(|found| found.0.is_plausible())
    else {
        return Err(io::Error::other("no header where a member should begin"));
    };
    let header = input.peek(LOCAL_LEN + name_len + extra_len)?;
    let Some(behind) = header.get(LOCAL_LEN..).filter(|bytes| bytes.len() == name_len + extra_len) else {
        return Err(io::Error::other("a header is cut short"));
    };
    let entry = entry.with_name_and_extra(behind, name_len);
    input.skip((LOCAL_LEN + name_len + extra_len) as u64)?;
    let name_offset = base + input.offset() - (name_len + extra_len) as u64;
    let name = MemberName::new(&entry.name);
    if !container.begin_member(&name) {
        return Ok(false);
    }
    if entry.has_long_extra() {
        container.scan_raw(name_offset + name_len as u64, &entry.extra);
    }
    if entry.is_encrypted() {
        container.report_encrypted(Region::Member(&name));
    }
    if !entry.sized {
        return read_unsized_member(container, input, &entry, (&name, base));
    }
    let (begin, mut part) = (base + input.offset(), input.by_ref().take(entry.packed));
    if !entry.is_directory() {
        let mut data = Input::reader(&mut part, container.budget);
        read_data(container, &mut data, &entry, (&name, begin))?;
    }
    // What follows the end of its stream is no part of the member.
    let behind = base + input.offset();
    let left = begin.saturating_add(entry.packed).saturating_sub(behind);
    if left > 0 {
        let mut rest = input.by_ref().take(left);
        container.hand_over(Region::Raw(behind), Content::Stored(&mut rest));
        let left = rest.limit();
        if left > 0 && !container.carved || !input.skip(left)? {
            return Ok(false);
        }
    }
    if entry.has_descriptor() {
        skip_descriptor(input)?;
    }
    Ok(true)
}

/// A member that only its own data shows the end of.
fn read_unsized_member(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    entry: &Entry,
    (name, base): (&MemberName, u64),
) -> io::Result<bool> {
    if entry.is_encrypted() {
        return Err(io::Error::other("a member of unknown length"));
    }
    let begin = base + input.offset();
    let has_ended = if entry.is_stored() {
        let first = input.peek(SEAM)?.to_vec();
        let mut data = Streamed::new(input);
        let error = container.hand_over(Region::Member(name), Content::Stored(&mut data)).1;
        let has_ended = data.has_ended();
        if error.is_some() {
            scan_begin(container, entry, &first, begin);
        }
        has_ended
    } else {
        read_data(container, input, entry, (name, begin))?
    };
    if has_ended {
        skip_descriptor(input)?;
    }
    Ok(has_ended)
}

/// Hands on a member's data, which begins at this offset; whether it is whole. Where it is not what the header says, it is
/// scanned as it is.
fn read_data(
    container: &OpenContainer<'_>,
    data: &mut Input<'_>,
    entry: &Entry,
    (name, begin): (&MemberName, u64),
) -> io::Result<bool> {
    let before = data.offset();
    let first = if entry.is_stored() { data.peek(SEAM)?.to_vec() } else { Vec::new() };
    let mut remembering = Remembering::new(data, !entry.is_stored());
    if !entry.is_encrypted() {
        let input = Input::reader(&mut remembering, container.budget);
        let whole =
            method::hand_over_content(container, input, entry, name, Claim::Size(0))?.unwrap_or(false);
        if whole && (entry.sized || remembering.is_followed_by(|packed, behind| states(behind, packed))) {
            return Ok(true);
        }
    }
    if entry.is_stored() && !entry.is_encrypted() {
        scan_begin(container, entry, &first, begin);
    }
    // A token may stand across the end of the header.
    let header = [&entry.name[..], &entry.extra].concat();
    remembering.with_rest(|offset, rest| {
        let front = if offset == before { &header[..] } else { &[] };
        let region = Region::Raw(begin + offset - before - front.len() as u64);
        container.hand_over(region, Content::Stored(&mut front.chain(rest)));
    });
    Ok(false)
}

/// Scans the end of a member's header together with the first bytes of its stored data, which begins at this offset: where that is
/// not what the header says, a token may stand across the two.
fn scan_begin(container: &OpenContainer<'_>, entry: &Entry, first: &[u8], begin: u64) {
    let header = [&entry.name[..], &entry.extra].concat();
    container.scan_raw(begin - header.len() as u64, &[&header[..], first].concat());
}

/// Whether these bytes are a data descriptor that states this length of packed data: nothing else vouches for the data.
fn states(descriptor: &[u8], packed: u64) -> bool {
    let at = if descriptor.starts_with(DESCRIPTOR) { 8 } else { 4 };
    u64::from(le32(descriptor, at)) == packed || le64(descriptor, at) == packed
}

/// Skips the data descriptor behind a member's data, with or without its signature, with sizes of four or eight bytes
/// (APPNOTE 4.3.9).
fn skip_descriptor(input: &mut Input<'_>) -> io::Result<()> {
    let bytes = input.peek(28)?;
    let signed = bytes.starts_with(DESCRIPTOR);
    let lens = if signed { [16, 24] } else { [12, 20] };
    let ends =
        |len: &usize| bytes.get(*len..).is_some_and(|bytes| bytes.is_empty() || bytes.starts_with(b"PK"));
    if let Some(len) = lens.iter().find(|len| ends(len)) {
        input.skip(*len as u64)?;
    } else if signed {
        input.skip(16)?;
    }
    Ok(())
}
