//! A zip read by the central directory at its end (APPNOTE 4.3.12 to 4.3.16), and whatever stands outside of the members
//! it names.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom};

use memchr::memmem;

use super::method;
use super::record::{
    CENTRAL, END, END_64, END_64_LEN, END_LEN, Entry, LOCAL, LOCAL_LEN, LOCATOR_64, LOCATOR_64_LEN, le16,
    le32, le64,
};
use super::walk;
use crate::blob::{MIN_TOKEN_LEN, ReadSeek};
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::input::{Input, SEAM};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};

/// Where the directory is: all offsets are in the file.
pub(super) struct Directory {
    begin: u64,
    /// Behind its last entry.
    end: u64,
    /// How many bytes were written before the archive, and moved everything in it.
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
        if record.len() < END_LEN + comment {
            continue;
        }
        let found =
            Directory { begin: u64::from(le32(record, 16)), end: u64::from(le32(record, 12)), shift: 0 };
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

/// Hands on all members, then the bytes between them.
pub(super) fn read(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    found: &Directory,
) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut archive = ArchiveReader { reader: BufReader::with_capacity(64 * 1024, file), offset: 0 };
    let (mut covered, mut sound) = (Vec::new(), true);
    let mut entries = Entries { unread: found.begin, end: found.end, bytes: Vec::new(), consumed: 0 };
    while let Some((entry, entry_offset)) = entries.next(&mut archive)? {
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
        let header_offset = entry.header_offset.saturating_add(found.shift);
        match read_member(container, &mut archive, &entry, &name, header_offset) {
            Ok(end) => covered.push((header_offset, end)),
            Err(error) => {
                sound = false;
                let message = format!("entry {entry_offset:#x} of the directory: {error}");
                container.report(Region::Member(&name), StreamError::Damaged(message), Some(0));
            }
        }
    }
    let is_cut = entries.offset() < found.end && container.may_continue();
    // An entry that is wrong may hold anything, and so may the records behind the entries: a comment, an extensible data
    // sector, a signature.
    if sound && !is_cut {
        covered.push((found.begin, entries.offset()));
    }
    scan_gaps(container, &mut archive, covered, len)?;
    if is_cut { Err(io::Error::other("the directory is cut short")) } else { Ok(()) }
}

/// Hands on one member; the offset up to which its bytes need no further look. Data that nothing came out of is scanned as it
/// is, among the gaps: it may be none of what its header says.
fn read_member(
    container: &OpenContainer<'_>,
    archive: &mut ArchiveReader<'_>,
    entry: &Entry,
    name: &MemberName,
    offset: u64,
) -> io::Result<u64> {
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
        return Ok(end);
    }
    if entry.is_encrypted() {
        method::report_encrypted(container, name);
        return Ok(begin);
    }
    let mut part = archive.take(entry.packed);
    let input = Input::reader(&mut part, container.budget);
    let bytes_in = input.counter();
    let whole = method::hand_over_content(container, input, entry, name)?.unwrap_or(false);
    // Bytes behind the end of a compressed stream are no member's, and are scanned as they are.
    Ok(match (whole, entry.is_stored()) {
        (true, _) => begin.saturating_add(bytes_in.get()),
        // A token may stand across its end.
        (false, true) => begin + bytes_in.get().saturating_sub(SEAM as u64),
        (false, false) => offset + LOCAL.len() as u64,
    })
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

/// A buffered file, and the offset of the next byte.
struct ArchiveReader<'f> {
    reader: BufReader<&'f mut dyn ReadSeek>,
    offset: u64,
}

impl ArchiveReader<'_> {
    /// Goes to an offset, without reading again what is buffered.
    fn seek_to(&mut self, to: u64) -> io::Result<()> {
        if let Ok(step) = i64::try_from(i128::from(to) - i128::from(self.offset)) {
            self.reader.seek_relative(step)?;
        } else {
            self.reader.seek(SeekFrom::Start(to))?;
        }
        self.offset = to;
        Ok(())
    }
}

impl Read for ArchiveReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl BufRead for ArchiveReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
        self.offset += amount as u64;
    }
}
