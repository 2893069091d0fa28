//! A zip read forwards, from header to header: one that has lost its directory, or is too large to be gathered.

use std::io::{self, Read as _};
use std::rc::Rc;

use super::method::{self, Checked, Reader};
use super::record::{
    CENTRAL, CENTRAL_LEN, DESCRIPTOR, END, END_64, END_LEN, Entry, LOCAL, LOCAL_LEN, LOCATOR_64, le16, le64,
};
use crate::source::unpack::input::Input;
use crate::source::unpack::open_container::{Content, Name, OpenContainer, Place};

/// Hands on what is found; `base` is where the feed begins in the archive. What went wrong, if something did.
pub(super) fn walk(level: &OpenContainer<'_>, feed: &mut Input<'_>, base: u64) -> Option<io::Error> {
    let lost = loop {
        match step(level, feed, base) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    if !level.goes_on() {
        return None;
    }
    let at = feed.at();
    if feed.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        level.hand(Place::Raw(base + at), Content::Stored(feed));
    }
    lost
}

/// Reads one record; whether there may be another. What follows when there is none belongs to nobody.
fn step(level: &OpenContainer<'_>, feed: &mut Input<'_>, base: u64) -> io::Result<bool> {
    if !level.goes_on() {
        return Ok(false);
    }
    let head = feed.peek(CENTRAL_LEN)?;
    let mark = head.get(..4).unwrap_or_default();
    if mark == LOCAL {
        return member(level, feed, base);
    }
    let len = if mark == CENTRAL {
        let lens: usize = [28, 30, 32].map(|at| usize::from(le16(head, at))).iter().sum();
        let entry = feed.read_bytes(CENTRAL_LEN + lens)?;
        if let Some((entry, _)) = Entry::central(&entry) {
            level.aside(base + feed.at() - entry.comment.len() as u64, &entry.comment);
        }
        return Ok(true);
    } else if mark == END {
        END_LEN as u64
    } else if mark == END_64 {
        le64(head, 4).saturating_add(12)
    } else if mark == LOCATOR_64 {
        20
    } else if mark == DESCRIPTOR {
        // One that marks an archive of several parts stands at its very beginning, before the first member.
        4
    } else {
        return Ok(false);
    };
    feed.skip(len)
}

fn member(level: &OpenContainer<'_>, feed: &mut Input<'_>, base: u64) -> io::Result<bool> {
    // Nothing is consumed before it is sure: what only looks like a header belongs to the rest.
    let Some((entry, name_len, extra_len)) =
        Entry::local(feed.peek(LOCAL_LEN)?).filter(|found| found.0.is_plausible())
    else {
        return Err(io::Error::other("no header where a member should begin"));
    };
    let header = feed.peek(LOCAL_LEN + name_len + extra_len)?;
    let Some(names) = header.get(LOCAL_LEN..).filter(|names| names.len() == name_len + extra_len) else {
        return Err(io::Error::other("a header is cut short"));
    };
    let entry = entry.with_names(names, name_len);
    feed.skip((LOCAL_LEN + name_len + extra_len) as u64)?;
    let names_at = base + feed.at() - (name_len + extra_len) as u64;
    let name = Name::new(&entry.name);
    if !level.enter(&name) {
        return Ok(false);
    }
    if entry.extra_is_odd() {
        level.aside(names_at + name_len as u64, &entry.extra);
    }
    if entry.encrypted() {
        level.unreadable(Place::Member(&name), "encrypted: decrypt it and scan what comes out".to_owned());
    }
    if !entry.sized {
        return unsized_member(level, feed, &entry, &name);
    }
    let end = feed.at().saturating_add(entry.packed);
    if !entry.encrypted() && !entry.is_folder() {
        let mut part = feed.by_ref().take(entry.packed);
        content(level, Input::reader(&mut part, level.budget), &entry, &name)?;
    }
    if !feed.skip(end.saturating_sub(feed.at()))? {
        return Ok(false);
    }
    if entry.described_behind() {
        descriptor(feed)?;
    }
    Ok(true)
}

/// A member whose end only its own data tells.
fn unsized_member(
    level: &OpenContainer<'_>,
    feed: &mut Input<'_>,
    entry: &Entry,
    name: &Name,
) -> io::Result<bool> {
    if entry.encrypted() || entry.method == 0 {
        return Err(io::Error::other("a member of unknown length"));
    }
    let whole = content(level, Input::reader(feed, level.budget), entry, name)?;
    if whole {
        descriptor(feed)?;
    }
    Ok(whole)
}

/// Passes over what stands behind a member's data, with or without its mark, with sizes of four or eight bytes.
fn descriptor(feed: &mut Input<'_>) -> io::Result<()> {
    let bytes = feed.peek(28)?;
    let marked = bytes.starts_with(DESCRIPTOR);
    let lens = if marked { [16, 24] } else { [12, 20] };
    let ends =
        |len: &usize| bytes.get(*len..).is_some_and(|bytes| bytes.is_empty() || bytes.starts_with(b"PK"));
    if let Some(len) = lens.iter().find(|len| ends(len)) {
        feed.skip(*len as u64)?;
    } else if marked {
        feed.skip(16)?;
    }
    Ok(())
}

/// Hands a member's content on; whether it came to its end.
fn content(level: &OpenContainer<'_>, feed: Input<'_>, entry: &Entry, name: &Name) -> io::Result<bool> {
    let taken = feed.counter();
    let Some(reader) = method::reader(entry, feed)? else {
        let reason =
            format!("packed by method {}, which is not supported: unpack it and scan that", entry.method);
        level.unreadable(Place::Member(name), reason);
        return Ok(false);
    };
    let stored = matches!(reader, Reader::Stored(_));
    let mut reader = Checked::new(reader, entry);
    let content = if stored {
        Content::Stored(&mut reader)
    } else {
        Content::Packed(&mut reader, Rc::clone(&taken), 0)
    };
    let (_, trouble) = level.hand(Place::Member(name), content);
    Ok(trouble.is_none())
}
