//! A zip read forwards, from header to header: one that has lost its directory, or is too large to be gathered in memory.

use std::io::{self, Read as _};

use super::method;
use super::record::{
    CENTRAL, CENTRAL_LEN, DESCRIPTOR, END, END_64, END_LEN, Entry, LOCAL, LOCAL_LEN, LOCATOR_64,
    LOCATOR_64_LEN, le16, le64,
};
use crate::source::unpack::input::Input;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};

/// Hands on what is found; `base` is the offset of the input in the archive. The error that ended it, if one did.
pub(super) fn walk(container: &OpenContainer<'_>, input: &mut Input<'_>, base: u64) -> Option<io::Error> {
    let error = loop {
        match read_record(container, input, base) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    if !container.may_continue() {
        return None;
    }
    let offset = input.offset();
    if input.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        container.hand_over(Region::Raw(base + offset), Content::Stored(input));
    }
    error
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
        if let Some((entry, _)) = Entry::central(&entry) {
            container.scan_raw(base + input.offset() - entry.comment.len() as u64, &entry.comment);
        }
        return Ok(true);
    } else if signature == END {
        END_LEN as u64
    } else if signature == END_64 {
        // Its size does not count the signature and itself (APPNOTE 4.3.14.1).
        le64(head, 4).saturating_add(12)
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
    if entry.has_unusual_extra() {
        container.scan_raw(name_offset + name_len as u64, &entry.extra);
    }
    if entry.is_encrypted() {
        method::report_encrypted(container, &name);
    }
    if !entry.sized {
        return read_unsized_member(container, input, &entry, &name);
    }
    let end = input.offset().saturating_add(entry.packed);
    if !entry.is_encrypted() && !entry.is_directory() {
        let mut part = input.by_ref().take(entry.packed);
        let content = Input::reader(&mut part, container.budget);
        method::hand_over_content(container, content, &entry, &name)?;
    }
    if !input.skip(end.saturating_sub(input.offset()))? {
        return Ok(false);
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
    name: &MemberName,
) -> io::Result<bool> {
    if entry.is_encrypted() || entry.method == 0 {
        return Err(io::Error::other("a member of unknown length"));
    }
    let content = Input::reader(input, container.budget);
    let whole = method::hand_over_content(container, content, entry, name)?.unwrap_or(false);
    if whole {
        skip_descriptor(input)?;
    }
    Ok(whole)
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
