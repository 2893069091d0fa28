//! One file of a block: what is read of it, and how it broke off.

use std::io::{self, Read};

use sevenz_rust2::{ArchiveEntry, Error};

use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::decoder::Careful;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};

/// Hands on one file; what broke it off.
pub(super) fn hand_over_file(
    container: &OpenContainer<'_>,
    entry: &ArchiveEntry,
    content: Content<'_>,
) -> Option<StreamError> {
    let name = MemberName::from_text(entry.name.clone());
    if !container.begin_member(&name) {
        return Some(StreamError::Cancelled);
    }
    if entry.size == 0 {
        return None;
    }
    container.hand_over(Region::Member(&name), content).1
}

/// Reads one file out of a block, and remembers whether the block can be read on behind it.
pub(super) struct FileReader<'r> {
    reader: Careful<'r>,
    has_failed: bool,
}

impl<'r> FileReader<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        FileReader { reader: Careful::new(reader), has_failed: false }
    }

    /// Whether it was the decoder that failed, and not the file's checksum alone: a decoder that is asked once more after that may
    /// never return.
    pub(super) fn has_decoder_failed(&self) -> bool {
        self.has_failed
    }
}

impl Read for FileReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // A decoder that panics does not come back here.
        self.has_failed = true;
        let read = self.reader.read(buf);
        self.has_failed = read.as_ref().is_err_and(|error| !is_wrong_checksum(error));
        read
    }
}

/// What the library says of a file that came out whole, and is not what was packed.
pub(super) fn wrong_checksum() -> io::Error {
    io::Error::other(Error::ChecksumVerificationFailed)
}

fn is_wrong_checksum(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(Error::ChecksumVerificationFailed))
}
