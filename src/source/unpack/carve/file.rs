//! A file that can be sought: what its scan reads is searched on the way, and what was found is opened afterwards.

use std::io::{self, Read, SeekFrom};
use std::sync::{Mutex, PoisonError};

use super::part::Part;
use super::sample::Wanted;
use super::signatures;
use super::with_carver;
use crate::blob::{Blob, Body, Origin, Rest, SharedFile, fill};
use crate::source::unpack::Unpack;
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::buffers::Buffer;
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::Region;

/// No more places are noted for one file; that there were more is reported as the limit of members is.
const MOST_FOUND: usize = 1 << 20;

/// How much is read of what was found at first: streams are many, and most are small.
const FIRST: usize = 16 * 1024;

/// Scans the file, and opens what is found in it.
pub(super) fn scan(
    unpack: &Unpack<'_>,
    (head, rest): (&[u8], &mut dyn Rest),
    origin: &dyn Fn() -> Origin,
    (depth, budget, wanted): (u32, Option<&Budget>, Wanted),
) {
    let found = Mutex::default();
    let search = Search { wanted, found: &found };
    search.look(head, 0);
    let offset = head.len() as u64;
    if let Some(file) = rest.shared() {
        let mut watched = SharedWatched { file, offset, search };
        unpack.hand_on(Blob { body: Body::Stream { head, rest: &mut watched }, origin }, depth);
    } else {
        let mut watched = Watched { rest: &mut *rest, offset, search };
        unpack.hand_on(Blob { body: Body::Stream { head, rest: &mut watched }, origin }, depth);
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if found.is_empty() {
        return;
    }
    let is_cut = found.len() == MOST_FOUND;
    // Parts of a file are read by many threads, and overlap.
    found.sort_unstable();
    found.dedup();
    let Some(file) = rest.seekable() else { return };
    with_carver(unpack, origin, (depth, budget), |carver| {
        if is_cut {
            carver.container.report(Region::Raw(0), StreamError::LimitReached(Limit::Entries), None);
        }
        let Ok(end) = file.seek(SeekFrom::End(0)) else { return };
        let mut behind = 0;
        for at in found {
            if at < behind {
                continue;
            }
            // A file that has become unreadable was reported by its scan.
            let mut head = Buffer::take();
            if file.seek(SeekFrom::Start(at)).is_err() {
                return;
            }
            let (read, outcome) = fill(file, &mut head[..FIRST]);
            let head = &head[..read];
            let Some((0, signature)) = signatures::next(head, 0, wanted) else { continue };
            let mut part = Part { file: &mut *file, begin: at, end, at: at + read as u64 };
            let body = match outcome {
                Ok(true) => Body::Stream { head, rest: &mut part },
                _ => Body::Whole(head),
            };
            let Some(used) = carver.open(at, signature, body) else { return };
            behind = at.saturating_add(used);
        }
    });
}

/// Notes where something begins.
#[derive(Clone, Copy)]
struct Search<'f> {
    wanted: Wanted,
    found: &'f Mutex<Vec<u64>>,
}

impl Search<'_> {
    /// Looks through bytes at an offset. What begins in the last of them is proved when it is opened.
    fn look(&self, bytes: &[u8], offset: u64) {
        let mut from = 0;
        while let Some((at, _)) = signatures::next(bytes, from, self.wanted) {
            self.note(offset + at as u64);
            from = at + 1;
        }
        // A signature may go on in bytes that are read later.
        for at in bytes.len().saturating_sub(signatures::LONGEST_MAGIC - 1)..bytes.len() {
            if signatures::may_begin(bytes.get(at..).unwrap_or_default()) {
                self.note(offset + at as u64);
            }
        }
    }

    fn note(&self, at: u64) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < MOST_FOUND {
            found.push(at);
        }
    }
}

/// A file whose bytes are looked through as they are read.
struct Watched<'r> {
    rest: &'r mut dyn Rest,
    offset: u64,
    search: Search<'r>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.read(buf)?;
        self.search.look(&buf[..read], self.offset);
        self.offset += read as u64;
        Ok(read)
    }
}

impl Rest for Watched<'_> {
    fn skip_hole(&mut self) -> u64 {
        let hole = self.rest.skip_hole();
        self.offset += hole;
        hole
    }
}

/// The same for a file that many threads read at once.
struct SharedWatched<'r> {
    file: &'r dyn SharedFile,
    offset: u64,
    search: Search<'r>,
}

impl Read for SharedWatched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(buf, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Rest for SharedWatched<'_> {
    fn skip_hole(&mut self) -> u64 {
        let hole = self.file.hole_at(self.offset);
        self.offset += hole;
        hole
    }

    fn shared(&self) -> Option<&dyn SharedFile> {
        Some(self)
    }
}

impl SharedFile for SharedWatched<'_> {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        self.search.look(&buffer[..read], offset);
        Ok(read)
    }

    fn hole_at(&self, offset: u64) -> u64 {
        self.file.hole_at(offset)
    }

    fn work(&self, work: &(dyn Fn() -> bool + Sync)) {
        self.file.work(work);
    }
}
