//! A part of a file that can be sought.

use std::io::{self, Read, Seek, SeekFrom};

use crate::blob::{ReadSeek, Rest};

/// What of a file stands between two offsets, as a file of its own.
pub(super) struct Part<'f> {
    pub(super) file: &'f mut dyn ReadSeek,
    pub(super) begin: u64,
    pub(super) end: u64,
    /// The offset in the file that is read next.
    pub(super) at: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.at);
        let most = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let read = self.file.read(&mut buf[..most])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => self.begin.checked_add(at),
            SeekFrom::End(step) => self.end.checked_add_signed(step),
            SeekFrom::Current(step) => self.at.checked_add_signed(step),
        };
        let at = at.filter(|at| *at >= self.begin).ok_or(io::ErrorKind::InvalidInput)?;
        self.at = self.file.seek(SeekFrom::Start(at))?;
        Ok(self.at - self.begin)
    }
}

impl Rest for Part<'_> {
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        Some(self)
    }
}
