//! A file whose SHA-256 is computed while others read it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use sha2::{Digest as _, Sha256};

use crate::blob::{ReadSeek, Rest};

/// How many bytes are read at a time where nobody else has read them.
const CHUNK: usize = 256 * 1024;

/// A file that is read once, also where it is read out of order: what is read at the end of what was hashed is hashed.
pub(super) struct HashingFile {
    file: File,
    /// Where the next read begins.
    position: u64,
    /// How many of the first bytes were hashed.
    hashed: u64,
    digest: Sha256,
}

impl HashingFile {
    /// A file that was not read yet.
    pub(super) fn new(file: File) -> Self {
        HashingFile { file, position: 0, hashed: 0, digest: Sha256::new() }
    }

    /// The SHA-256 of the whole file, in hex. What nobody has read yet is read, unless the run is asked to end.
    pub(super) fn digest(mut self, stopped: &dyn Fn() -> bool) -> io::Result<Option<String>> {
        self.seek(SeekFrom::Start(self.hashed))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            if stopped() {
                return Ok(None);
            }
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut hex = String::with_capacity(64);
        for byte in self.digest.finalize() {
            // A String takes all that is written to it.
            let _ = write!(hex, "{byte:02x}");
        }
        Ok(Some(hex))
    }
}

impl Read for HashingFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        let end = self.position + read as u64;
        if self.position <= self.hashed && self.hashed < end {
            // Less than what was read, which is in memory.
            let known = usize::try_from(self.hashed - self.position).unwrap_or(read);
            self.digest.update(&buf[known..read]);
            self.hashed = end;
        }
        self.position = end;
        Ok(read)
    }
}

impl Seek for HashingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

impl Rest for HashingFile {
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::token::Fingerprint;

    proptest! {
        #[test]
        fn the_digest_is_that_of_the_file_however_it_was_read(
            content in prop::collection::vec(any::<u8>(), 0..2000),
            reads in prop::collection::vec((prop::option::of(0..2500_u64), 0..500_usize), 0..10),
        ) {
            let mut temporary = tempfile::NamedTempFile::new().expect("a file");
            temporary.write_all(&content).expect("written");
            let mut file = HashingFile::new(temporary.reopen().expect("it is there"));
            for (to, length) in reads {
                if let Some(to) = to {
                    file.seek(SeekFrom::Start(to)).expect("a position");
                }
                let _ = file.read(&mut vec![0; length]).expect("bytes");
            }
            let digest = file.digest(&|| false).expect("it is read");
            prop_assert_eq!(digest, Some(Fingerprint::of(&content).hex()));
        }
    }
}
