//! A zip read by the central directory at its end (APPNOTE 4.3.12 to 4.3.16), and whatever stands outside of the members
//! it names.

use std::io::{self, BufRead, BufReader, Read, SeekFrom};

use memchr::memmem;

use super::archive_reader::ArchiveReader;
use super::large::{Large, Listed};
use super::member::{MemberEnd, read_member};
use super::record::{
    CENTRAL, END, END_64, END_64_LEN, END_LEN, Entry, LOCAL, LOCATOR_64, LOCATOR_64_LEN, le16, le32, le64,
};
use super::walk;
use crate::blob::{MIN_TOKEN_LEN, ReadSeek};
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::input::{Input, SEAM};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::share::Claim;

/// The end of central directory record with the longest comment there can be: its length has two bytes (APPNOTE 4.3.16).
pub(super) const MAX_END_LEN: usize = END_LEN + u16::MAX as usize;

/// Where the directory is: all offsets are in the file.
pub(super) struct Directory {
    begin: u64,
    /// Behind its last entry.
    end: u64,
    /// Where the records behind it begin.
    records: u64,
    /// How many bytes were written before the archive, and moved everything in it.
    shift: u64,
}

/// Finds the directory; none where the file does not end in a sound one.
pub(super) fn find(file: &mut dyn ReadSeek) -> io::Result<Option<Directory>> {
    let len = file.seek(SeekFrom::End(0))?;
    let from = len.saturating_sub(MAX_END_LEN as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(len - from).read_to_end(&mut tail)?;
    // Almost every program has none, and forwards they are looked for with vectors.
    if memmem::find(&tail, END).is_none() {
        return Ok(None);
    }
    for at in memmem::rfind_iter(&tail, END) {
        let record = &tail[at..];
        let comment = usize::from(le16(record, 20));
        if record.len() < END_LEN + comment {
            continue;
        }
        let (begin, end) = (u64::from(le32(record, 16)), u64::from(le32(record, 12)));
        let found = Directory { begin, end, records: 0, shift: 0 };
        let (found, records_offset) = found.read_zip64(file, from + at as u64)?;
        if let Some(found) = found.locate(file, records_offset)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl Directory {
    /// Whether it names no member: a few zeros behind the signature look like this, too.
    pub(super) fn is_empty(&self) -> bool {
        self.begin >= self.end
    }

    /// Takes its offset and size from the zip64 record, if there is one; and where the records behind it begin.
    fn read_zip64(mut self, file: &mut dyn ReadSeek, end_offset: u64) -> io::Result<(Directory, u64)> {
        let Some(locator_offset) = end_offset.checked_sub(LOCATOR_64_LEN) else {
            return Ok((self, end_offset));
        };
        let locator = read_at(file, locator_offset, LOCATOR_64_LEN)?;
        if !locator.starts_with(LOCATOR_64) {
            return Ok((self, end_offset));
        }
        // Where the locator points, or right before it, where something was written before the archive.
        for offset in [le64(&locator, 8), locator_offset.saturating_sub(END_64_LEN)] {
            let record = read_at(file, offset, END_64_LEN)?;
            if record.len() as u64 == END_64_LEN && record.starts_with(END_64) {
                (self.end, self.begin) = (le64(&record, 40), le64(&record, 48));
                return Ok((self, offset));
            }
        }
        Ok((self, end_offset))
    }

    /// Turns size and stated offset into where it really is; none where no directory is there.
    fn locate(mut self, file: &mut dyn ReadSeek, records_offset: u64) -> io::Result<Option<Directory>> {
        let (stated, len) = (self.begin, self.end);
        let Some(begin) = records_offset.checked_sub(len) else { return Ok(None) };
        for begin in [begin, stated] {
            let empty = len == 0 && begin == records_offset;
            if empty || begin < records_offset && read_at(file, begin, 4)? == CENTRAL {
                (self.begin, self.end) = (begin, begin.saturating_add(len).min(records_offset));
                self.records = records_offset;
                self.shift = begin.saturating_sub(stated);
                return Ok(Some(self));
            }
        }
        Ok(None)
    }
}

/// Up to `len` bytes at `offset`.
fn read_at(file: &mut dyn ReadSeek, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hands on all members, small ones first, then the bytes between them.
pub(super) fn read(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    found: &Directory,
) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let archive = ArchiveReader { reader: BufReader::with_capacity(64 * 1024, file), offset: 0 };
    let mut members = Members { container, archive, covered: Vec::new(), sound: true };
    let mut large = Large::default();
    let mut entries = Entries { unread: found.begin, end: found.end, bytes: Vec::new(), consumed: 0 };
    while let Some((entry, entry_offset)) = entries.next(&mut members.archive)? {
        let name = MemberName::new(&entry.name);
        let name = if entry.is_link() { name.of_link() } else { name };
        if !container.begin_member(&name) {
            entries.put_back(entry_offset);
            break;
        }
        // The comment is the last part of an entry, and the extra field stands before it.
        let comment_offset = entries.offset() - entry.comment.len() as u64;
        container.scan_raw(comment_offset, &entry.comment);
        if entry.has_long_extra() {
            container.scan_raw(comment_offset - entry.extra.len() as u64, &entry.extra);
        }
        let offset = entry.header_offset.saturating_add(found.shift);
        let listed = Listed { entry, name, entry_offset, offset };
        if let Some(listed) = large.put_off(listed) {
            members.read(&listed, Claim::Size(0));
        }
        // Small ones may be as many as the limits allow: large ones must have their share before that.
        if large.is_full() || container.budget.is_half_spent() {
            for listed in &large.take() {
                members.read(listed, Claim::Size(0));
            }
        }
    }
    let large = large.take();
    for (left, listed) in (0..large.len()).rev().zip(&large) {
        members.read(listed, if left == 0 { Claim::Rest } else { Claim::Size(listed.entry.size) });
    }
    let Members { mut archive, mut covered, sound, .. } = members;
    let is_cut = entries.offset() < found.end && container.may_continue();
    // An entry that is wrong may hold anything, and so may the records behind the entries: a comment, an extensible data
    // sector, a signature.
    if sound && !is_cut {
        // A token may stand across its end, where something was put behind it.
        let seam = if entries.offset() < found.records { SEAM as u64 } else { 0 };
        covered.push((found.begin, entries.offset().saturating_sub(seam)));
    }
    scan_gaps(container, &mut archive, covered, len)?;
    if is_cut { Err(io::Error::other("the directory is cut short")) } else { Ok(()) }
}

/// The members that were handed on.
struct Members<'a> {
    container: &'a OpenContainer<'a>,
    archive: ArchiveReader<'a>,
    /// The bytes that need no further look.
    covered: Vec<(u64, u64)>,
    /// Whether every entry led to a member.
    sound: bool,
}

impl Members<'_> {
    /// Hands on one member, unless a limit has ended the archive.
    fn read(&mut self, listed: &Listed, claim: Claim) {
        if !self.container.may_continue() {
            return;
        }
        match read_member(self.container, &mut self.archive, listed, claim) {
            Ok(MemberEnd::Whole(end)) => self.covered.push((listed.offset, end)),
            Ok(MemberEnd::Broken(data)) => {
                // What stands behind the signature need not be what it says, and a token may stand across both ends of the data.
                self.covered.push((listed.offset, listed.offset.saturating_add(LOCAL.len() as u64)));
                let (begin, end) =
                    (data.start.saturating_add(SEAM as u64), data.end.saturating_sub(SEAM as u64));
                if begin < end {
                    self.covered.push((begin, end));
                }
            }
            Err(error) => {
                self.sound = false;
                let message = format!("entry {:#x} of the directory: {error}", listed.entry_offset);
                self.container.report(Region::Member(&listed.name), StreamError::Damaged(message), Some(0));
            }
        }
    }
}

/// Scans the bytes that belong to no member; members the directory does not name among them.
fn scan_gaps(
    container: &OpenContainer<'_>,
    archive: &mut ArchiveReader<'_>,
    mut covered: Vec<(u64, u64)>,
    len: u64,
) -> io::Result<()> {
    covered.push((len, len));
    covered.sort_unstable();
    let mut at = 0;
    for (begin, end) in covered {
        if begin.saturating_sub(at) >= MIN_TOKEN_LEN as u64 && container.may_scan() {
            archive.seek_to(at)?;
            let hidden = container.may_continue() && archive.fill_buf()?.starts_with(LOCAL);
            let mut part = archive.take(begin - at);
            if hidden {
                if let Some(error) =
                    walk::walk(container, &mut Input::reader(&mut part, container.budget), at)
                {
                    container.report(Region::Raw(at), StreamError::Damaged(error.to_string()), None);
                }
            } else {
                container.hand_over(Region::Raw(at), Content::Stored(&mut part));
            }
        }
        at = at.max(end);
    }
    Ok(())
}

/// The directory's entries, read a chunk at a time: it may be longer than memory.
struct Entries {
    /// The offset of the bytes not yet read.
    unread: u64,
    end: u64,
    bytes: Vec<u8>,
    /// How many of `bytes` were given out as entries.
    consumed: usize,
}

impl Entries {
    /// Bytes read at a time: more than any entry has.
    const CHUNK: usize = 256 * 1024;

    /// The offset behind the last entry that was given out.
    fn offset(&self) -> u64 {
        self.unread - (self.bytes.len() - self.consumed) as u64
    }

    /// Takes back the entry that was given out last, which begins at this offset.
    fn put_back(&mut self, offset: u64) {
        self.consumed -= usize::try_from(self.offset() - offset).unwrap_or(0).min(self.consumed);
    }

    /// The next entry, and its offset.
    fn next(&mut self, archive: &mut ArchiveReader<'_>) -> io::Result<Option<(Entry, u64)>> {
        if self.bytes.len() - self.consumed < Self::CHUNK / 2 && self.unread < self.end {
            self.bytes.drain(..self.consumed);
            self.consumed = 0;
            archive.seek_to(self.unread)?;
            let most = (self.end - self.unread).min((Self::CHUNK - self.bytes.len()) as u64);
            let read = archive.take(most).read_to_end(&mut self.bytes)?;
            self.unread = if read == 0 { self.end } else { self.unread + read as u64 };
        }
        let offset = self.offset();
        Ok(Entry::central(&self.bytes[self.consumed..]).map(|(entry, len)| {
            self.consumed += len;
            (entry, offset)
        }))
    }
}
