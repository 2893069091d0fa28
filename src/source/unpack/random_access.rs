//! A container that is read wherever its tables point: a file, or what is in memory.

use std::io::{self, ErrorKind, Read, SeekFrom};

use super::budget::Budget;
use super::chunk::Chunk;
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek, Rest, SharedFile};

/// Bytes that can be read at any offset.
pub(super) enum RandomAccess<'f> {
    Memory(&'f [u8]),
    File(&'f mut dyn ReadSeek),
    /// A file that tells where its holes are.
    Shared(&'f dyn SharedFile),
}

/// Lends a body to `use_it`, or what was read of one that is too large to be gathered in memory, and the rest, to `too_large`.
pub(super) fn with_random_access(
    body: Body<'_>,
    budget: &Budget,
    use_it: impl FnOnce(&mut RandomAccess<'_>),
    too_large: impl FnOnce(&[u8], &mut dyn Rest),
) {
    if let Body::Stream { rest, .. } = &body
        && let Some(file) = rest.shared()
    {
        return use_it(&mut RandomAccess::Shared(file));
    }
    with_seekable(body, budget, |spooled| match spooled {
        Spooled::Memory(bytes) => use_it(&mut RandomAccess::Memory(bytes)),
        Spooled::File(file) => use_it(&mut RandomAccess::File(file)),
        Spooled::TooLarge(bytes, rest) => too_large(bytes, rest),
    });
}

/// Lends a body that can be read anywhere to `look`, and lets it go on where it stood; none where it can only be read forwards.
pub(super) fn look_into<T>(body: &mut Body<'_>, look: impl FnOnce(&mut RandomAccess<'_>) -> T) -> Option<T> {
    let (head, rest) = match body {
        Body::Whole(bytes) => return Some(look(&mut RandomAccess::Memory(bytes))),
        Body::Stream { head, rest } => (head, rest),
    };
    if let Some(file) = rest.shared() {
        return Some(look(&mut RandomAccess::Shared(file)));
    }
    let file = rest.seekable()?;
    let seen = look(&mut RandomAccess::File(&mut *file));
    // The reader may share its position with the seekable view of it.
    file.seek(SeekFrom::Start(head.len() as u64)).is_ok().then_some(seen)
}

impl RandomAccess<'_> {
    /// How many bytes there are.
    pub(super) fn len(&mut self) -> io::Result<u64> {
        match self {
            RandomAccess::Memory(bytes) => Ok(bytes.len() as u64),
            RandomAccess::File(file) => file.seek(SeekFrom::End(0)),
            RandomAccess::Shared(file) => file.size(),
        }
    }

    /// Reads from `offset` on, as [`Read::read`]: nothing behind the end.
    pub(super) fn read_at(&mut self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            let read = match self {
                RandomAccess::Memory(bytes) => {
                    let from = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
                    let len = buf.len().min(bytes.len() - from);
                    buf[..len].copy_from_slice(&bytes[from..from + len]);
                    Ok(len)
                }
                // No file is as long, and the system takes no such offset.
                _ if i64::try_from(offset).is_err() => Ok(0),
                RandomAccess::File(file) => file.seek(SeekFrom::Start(offset)).and_then(|_| file.read(buf)),
                RandomAccess::Shared(file) => file.read_at(buf, offset),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Fills `buf` from `offset` on, as far as there is anything: how many bytes were read.
    pub(super) fn fill_at(&mut self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.read_at(&mut buf[filled..], offset.saturating_add(filled as u64))? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// Fills `buf` from `offset` on, or fails.
    pub(super) fn read_exact_at(&mut self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.fill_at(buf, offset)? < buf.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// The `len` bytes at `offset`. `len` is trusted: ask for little.
    pub(super) fn bytes_at(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// The `len` bytes from `offset` on, if these are no more than `most`.
    pub(super) fn chunk(
        &mut self,
        (offset, len): (u64, u64),
        most: usize,
        budget: &Budget,
    ) -> io::Result<Chunk> {
        let all = self.len()?;
        if offset.checked_add(len).is_none_or(|end| end > all) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= most)
            .ok_or_else(|| io::Error::new(ErrorKind::OutOfMemory, "a block that is larger than it may be"))?;
        let mut chunk = Chunk::zeros(len, budget)?;
        self.read_exact_at(chunk.as_mut_slice(), offset)?;
        Ok(chunk)
    }

    /// How many bytes from `offset` on are a large hole of a sparse file, as far as is known.
    pub(super) fn hole_at(&self, offset: u64) -> u64 {
        match self {
            RandomAccess::Shared(file) => file.hole_at(offset),
            _ => 0,
        }
    }
}

/// A part of it, read forwards.
pub(super) struct Part<'r, 'f> {
    pub(super) file: &'r mut RandomAccess<'f>,
    /// The offset of the next byte.
    pub(super) at: u64,
    pub(super) end: u64,
}

impl Read for Part<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.at);
        let most = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let read = self.file.read_at(&mut buf[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Rest for Part<'_, '_> {
    fn skip_hole(&mut self) -> u64 {
        let hole = self.file.hole_at(self.at).min(self.end.saturating_sub(self.at)) & !1;
        self.at += hole;
        hole
    }
}
