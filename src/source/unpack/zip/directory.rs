//! A zip read by the directory at its end, and whatever stands outside of the members it names.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom};

use memchr::memmem;

use super::method::{self, Checked, Reader};
use super::record::{CENTRAL, END, END_64, END_LEN, Entry, LOCAL, LOCAL_LEN, LOCATOR_64, le16, le32, le64};
use super::walk;
use crate::blob::ReadSeek;
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::input::Input;
use crate::source::unpack::open_container::{Content, Name, OpenContainer, Place};

/// Where the directory is.
pub(super) struct Directory {
    begin: u64,
    /// Behind its last entry.
    end: u64,
    /// Behind its last record and the archive's comment.
    end_of_records: u64,
    comment: Vec<u8>,
    /// What was written before the archive, and moved everything in it.
    shift: u64,
}

/// Finds the directory; none where the file does not end in a sound one.
pub(super) fn find(file: &mut dyn ReadSeek) -> io::Result<Option<Directory>> {
    let len = file.seek(SeekFrom::End(0))?;
    let from = len.saturating_sub((END_LEN + usize::from(u16::MAX)) as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(len - from).read_to_end(&mut tail)?;
    for at in memmem::rfind_iter(&tail, END) {
        let record = &tail[at..];
        let comment = usize::from(le16(record, 20));
        let Some(comment) = record.get(END_LEN..END_LEN + comment) else { continue };
        let found = Directory {
            begin: u64::from(le32(record, 16)),
            end: u64::from(le32(record, 12)),
            end_of_records: from + (at + END_LEN + comment.len()) as u64,
            comment: comment.to_vec(),
            shift: 0,
        };
        let (found, records_at) = found.widen(file, from + at as u64)?;
        if let Some(found) = found.place(file, records_at)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl Directory {
    /// Whether it names no member: a few zeros behind the mark look like this, too.
    pub(super) fn is_empty(&self) -> bool {
        self.begin >= self.end
    }

    /// Takes its place from the record of a large archive, if there is one; and where the records behind it begin.
    fn widen(mut self, file: &mut dyn ReadSeek, end_at: u64) -> io::Result<(Directory, u64)> {
        let Some(locator_at) = end_at.checked_sub(20) else { return Ok((self, end_at)) };
        let locator = read_at(file, locator_at, 20)?;
        if !locator.starts_with(LOCATOR_64) {
            return Ok((self, end_at));
        }
        // Where it says, or right before, where something was written before the archive.
        for at in [le64(&locator, 8), locator_at.saturating_sub(56)] {
            let record = read_at(file, at, 56)?;
            if record.len() == 56 && record.starts_with(END_64) {
                (self.end, self.begin) = (le64(&record, 40), le64(&record, 48));
                return Ok((self, at));
            }
        }
        Ok((self, end_at))
    }

    /// Turns length and stated place into where it really is; none where no directory is there.
    fn place(mut self, file: &mut dyn ReadSeek, records_at: u64) -> io::Result<Option<Directory>> {
        let (stated, len) = (self.begin, self.end);
        let Some(begin) = records_at.checked_sub(len) else { return Ok(None) };
        for begin in [begin, stated] {
            let empty = len == 0 && begin == records_at;
            if empty || begin < records_at && read_at(file, begin, 4)? == CENTRAL {
                (self.begin, self.end) = (begin, begin.saturating_add(len).min(records_at));
                self.shift = begin.saturating_sub(stated);
                return Ok(Some(self));
            }
        }
        Ok(None)
    }
}

/// Up to `len` bytes at `at`.
fn read_at(file: &mut dyn ReadSeek, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hands on all members, then the bytes between them.
pub(super) fn read(level: &OpenContainer<'_>, file: &mut dyn ReadSeek, found: &Directory) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut spot = Spot { reader: BufReader::with_capacity(64 * 1024, file), at: 0 };
    let mut covered = vec![(found.begin, found.end_of_records)];
    let mut entries = Entries { at: found.begin, end: found.end, bytes: Vec::new(), passed: 0 };
    level.aside(found.end_of_records - found.comment.len() as u64, &found.comment);
    while let Some((entry, at)) = entries.next(&mut spot)? {
        let name = Name::new(&entry.name);
        let name = if entry.is_link() { name.link() } else { name };
        if !level.enter(&name) {
            return Ok(());
        }
        // The comment is the last part of an entry, and the extra field stands before it.
        let comment_at = entries.place() - entry.comment.len() as u64;
        level.aside(comment_at, &entry.comment);
        if entry.extra_is_odd() {
            level.aside(comment_at - entry.extra.len() as u64, &entry.extra);
        }
        let header_at = entry.header_at.saturating_add(found.shift);
        match member(level, &mut spot, &entry, &name, header_at) {
            Ok(end) => covered.push((header_at, end)),
            Err(error) => {
                let what = format!("entry {at:#x} of the directory: {error}");
                level.say(Place::Member(&name), StreamError::Damaged(what), Some(0));
            }
        }
    }
    let torn = entries.place() < found.end;
    gaps(level, &mut spot, covered, len)?;
    if torn { Err(io::Error::other("the directory is cut short")) } else { Ok(()) }
}

/// Hands on one member; where its data ends.
fn member(
    level: &OpenContainer<'_>,
    spot: &mut Spot<'_>,
    entry: &Entry,
    name: &Name,
    at: u64,
) -> io::Result<u64> {
    spot.go(at)?;
    let mut header = [0; LOCAL_LEN];
    spot.read_exact(&mut header)?;
    let Some((local, name_len, extra_len)) = Entry::local(&header) else {
        return Err(io::Error::new(ErrorKind::InvalidData, "no member where the directory says"));
    };
    let mut names = Vec::new();
    spot.take((name_len + extra_len) as u64).read_to_end(&mut names)?;
    let local = local.with_names(&names, name_len);
    let names_at = at + LOCAL_LEN as u64;
    if local.name != entry.name {
        level.aside(names_at, &local.name);
    }
    if local.extra_is_odd() && local.extra != entry.extra {
        level.aside(names_at + name_len as u64, &local.extra);
    }
    let begin = spot.at;
    let end = begin.saturating_add(entry.packed);
    let behind = if local.described_behind() { 24 } else { 0 };
    if entry.is_folder() {
        return Ok(end);
    }
    if entry.encrypted() {
        level.unreadable(Place::Member(name), "encrypted: decrypt it and scan what comes out".to_owned());
        return Ok(end.saturating_add(behind));
    }
    let mut part = spot.take(entry.packed);
    let feed = Input::reader(&mut part, level.budget);
    let taken = feed.counter();
    let Some(reader) = method::reader(entry, feed)? else {
        let reason =
            format!("packed by method {}, which is not supported: unpack it and scan that", entry.method);
        level.unreadable(Place::Member(name), reason);
        return Ok(end);
    };
    let stored = matches!(reader, Reader::Stored(_));
    let mut reader = Checked::new(reader, entry);
    let content = if stored {
        Content::Stored(&mut reader)
    } else {
        Content::Packed(&mut reader, std::rc::Rc::clone(&taken), 0)
    };
    let (_, trouble) = level.hand(Place::Member(name), content);
    // Bytes behind the end of a packed stream belong to nobody, and are looked into as they are.
    let used = if trouble.is_none() { taken.get() } else { entry.packed };
    Ok(begin.saturating_add(used).saturating_add(behind))
}

/// Looks into the bytes that belong to no member; members the directory does not name among them.
fn gaps(
    level: &OpenContainer<'_>,
    spot: &mut Spot<'_>,
    mut covered: Vec<(u64, u64)>,
    len: u64,
) -> io::Result<()> {
    covered.push((len, len));
    covered.sort_unstable();
    let mut at = 0;
    for (begin, end) in covered {
        if begin > at && level.goes_on() {
            spot.go(at)?;
            let hidden = spot.fill_buf()?.starts_with(LOCAL);
            let mut part = spot.take(begin - at);
            if hidden {
                if let Some(error) = walk::walk(level, &mut Input::reader(&mut part, level.budget), at) {
                    level.say(Place::Raw(at), StreamError::Damaged(error.to_string()), None);
                }
            } else {
                level.hand(Place::Raw(at), Content::Stored(&mut part));
            }
        }
        at = at.max(end);
    }
    Ok(())
}

/// The directory's entries, read a stretch at a time: it may be longer than memory.
struct Entries {
    /// Where the bytes not yet read begin.
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    passed: usize,
}

impl Entries {
    /// Longer than any entry.
    const STRETCH: usize = 256 * 1024;

    /// Behind the last entry that was given.
    fn place(&self) -> u64 {
        self.at - (self.bytes.len() - self.passed) as u64
    }

    /// The next entry, and where it stands.
    fn next(&mut self, spot: &mut Spot<'_>) -> io::Result<Option<(Entry, u64)>> {
        if self.bytes.len() - self.passed < Self::STRETCH / 2 && self.at < self.end {
            self.bytes.drain(..self.passed);
            self.passed = 0;
            spot.go(self.at)?;
            let most = (self.end - self.at).min((Self::STRETCH - self.bytes.len()) as u64);
            let read = spot.take(most).read_to_end(&mut self.bytes)?;
            self.at = if read == 0 { self.end } else { self.at + read as u64 };
        }
        let place = self.place();
        Ok(Entry::central(&self.bytes[self.passed..]).map(|(entry, len)| {
            self.passed += len;
            (entry, place)
        }))
    }
}

/// A file, and where in it the next byte is read.
struct Spot<'f> {
    reader: BufReader<&'f mut dyn ReadSeek>,
    at: u64,
}

impl Spot<'_> {
    /// Goes to `to`, without reading anew what is buffered.
    fn go(&mut self, to: u64) -> io::Result<()> {
        if let Ok(step) = i64::try_from(i128::from(to) - i128::from(self.at)) {
            self.reader.seek_relative(step)?;
        } else {
            self.reader.seek(SeekFrom::Start(to))?;
        }
        self.at = to;
        Ok(())
    }
}

impl Read for Spot<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl BufRead for Spot<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
        self.at += amount as u64;
    }
}
