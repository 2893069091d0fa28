//! Reads a zip at any offset.

use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};

use crate::blob::ReadSeek;

/// A buffered file, and the offset of the next byte.
pub(super) struct ArchiveReader<'f> {
    pub(super) reader: BufReader<&'f mut dyn ReadSeek>,
    pub(super) offset: u64,
}

impl ArchiveReader<'_> {
    /// Goes to an offset, without reading again what is buffered.
    pub(super) fn seek_to(&mut self, to: u64) -> io::Result<()> {
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
