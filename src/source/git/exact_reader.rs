//! A stream that is checked while it is read.

use std::io::{self, Read};

use super::error::{DAMAGED_ZLIB, Damage};

/// Reads an object of a known size. Where it cannot be read to its end, it ends early and keeps that in mind: another copy
/// of the object may be sound, and only whoever asked for this one can tell.
pub(super) struct ExactReader<R> {
    inner: R,
    left: usize,
    ended: bool,
    damaged: bool,
}

impl<R: Read> ExactReader<R> {
    /// A reader of the `size` bytes of `inner`.
    pub(super) fn new(inner: R, size: usize) -> Self {
        ExactReader { inner, left: size, ended: false, damaged: false }
    }

    /// Whether what was read so far is sound.
    pub(super) fn outcome(&self) -> Result<(), Damage> {
        if self.damaged { Err(DAMAGED_ZLIB) } else { Ok(()) }
    }

    fn end(&mut self, damaged: bool) -> usize {
        self.ended = true;
        self.damaged = damaged;
        0
    }
}

impl<R: Read> Read for ExactReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The checksum is behind the last byte, and a stream that goes on is damaged, too.
            let behind = self.inner.read(&mut [0]);
            return Ok(self.end(!matches!(behind, Ok(0))));
        }
        let len = buf.len().min(self.left);
        match self.inner.read(&mut buf[..len]) {
            Ok(0) => Ok(self.end(true)),
            Ok(read) => {
                self.left -= read;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(_) => Ok(self.end(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
        let (mut reader, mut read) = (ExactReader::new(bytes, size), Vec::new());
        reader.read_to_end(&mut read).expect("it never fails");
        (read, reader.outcome().is_ok())
    }

    #[test]
    fn only_the_announced_size_is_sound() {
        assert_eq!(outcome_of(b"sound", 5), (b"sound".to_vec(), true));
        assert_eq!(outcome_of(b"short", 6), (b"short".to_vec(), false));
        assert_eq!(outcome_of(b"longer", 5), (b"longe".to_vec(), false));
        assert_eq!(outcome_of(b"", 0), (Vec::new(), true));
    }

    #[test]
    fn an_error_is_an_early_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let (mut reader, mut read) = (ExactReader::new(b"ab".chain(Broken), 9), Vec::new());
        reader.read_to_end(&mut read).expect("it never fails");
        assert_eq!((read.as_slice(), reader.outcome()), (&b"ab"[..], Err(DAMAGED_ZLIB)));
    }
}
