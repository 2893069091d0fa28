//! Where a download is kept while it is read: in memory where it is small, else in a file that has no name, so that nothing
//! of it is left however the run ends.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::blob::fill;

/// So many bytes are kept in memory, and handed over first.
pub(super) const HEAD: usize = 256 * 1024;

/// How many bytes are copied at a time.
const CHUNK: usize = 64 * 1024;

/// Where downloads are put while they are read.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
    most: u64,
}

/// A download, or what came of it.
pub(super) struct Copied {
    /// Its first bytes.
    pub(super) head: Zeroizing<Vec<u8>>,
    /// All of it, where there is more; its position is behind the head.
    pub(super) file: Option<File>,
}

impl Copied {
    /// How many bytes of it there are.
    pub(super) fn len(&self) -> u64 {
        let in_file = self.file.as_ref().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len());
        in_file.unwrap_or(self.head.len() as u64)
    }
}

/// Why a download was not copied.
pub(super) enum NoCopy {
    /// It broke off behind this beginning of it.
    Broken(io::Error, Copied),
    /// There is no room for more than this beginning of it.
    NoRoom(Box<dyn Read>),
}

impl Spool {
    /// Puts at most `most` bytes of each download into a file in `directory`. What is larger is read as it arrives.
    pub fn new(directory: PathBuf, most: u64) -> Spool {
        Spool { directory, most }
    }

    /// Copies a download to its end.
    pub(super) fn copy(&self, body: &mut dyn Read) -> Result<Copied, NoCopy> {
        let mut head = Zeroizing::new(vec![0; HEAD]);
        match fill(body, &mut head) {
            (read, Err(error)) => {
                head.truncate(read);
                return Err(NoCopy::Broken(error, Copied { head, file: None }));
            }
            (read, Ok(false)) => {
                head.truncate(read);
                return Ok(Copied { head, file: None });
            }
            (_, Ok(true)) => {}
        }
        let Ok(mut file) = tempfile::tempfile_in(&self.directory) else {
            return Err(NoCopy::NoRoom(Box::new(Cursor::new(head))));
        };
        let mut chunk = head.clone();
        let mut written = 0;
        let broken = loop {
            let room = written + chunk.len() as u64 <= self.most;
            if !room || file.write_all(&chunk).is_err() {
                return Err(NoCopy::NoRoom(beginning(file, written, chunk)));
            }
            written += chunk.len() as u64;
            chunk.resize(CHUNK, 0);
            match read(body, &mut chunk) {
                Ok(0) => break None,
                Ok(read) => chunk.truncate(read),
                Err(error) => break Some(error),
            }
        };
        // What cannot be read again where it was written is as good as never copied.
        if let Err(error) = file.seek(SeekFrom::Start(HEAD as u64)) {
            return Err(NoCopy::Broken(error, Copied { head, file: None }));
        }
        let copied = Copied { head, file: Some(file) };
        match broken {
            Some(error) => Err(NoCopy::Broken(error, copied)),
            None => Ok(copied),
        }
    }
}

fn read(body: &mut dyn Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match body.read(chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// A reader of what is in the file, and of what was to be written behind it.
fn beginning(mut file: File, written: u64, next: Zeroizing<Vec<u8>>) -> Box<dyn Read> {
    match file.rewind() {
        Ok(()) => Box::new(file.take(written).chain(Cursor::new(next))),
        Err(error) => Box::new(Unreadable(Some(error))),
    }
}

/// A beginning that is lost.
struct Unreadable(Option<io::Error>);

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| ErrorKind::Other.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut reader: impl Read) -> Vec<u8> {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("readable");
        all
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n * 7 % 251).expect("small")).collect()
    }

    #[test]
    fn all_of_it_is_copied_and_nothing_has_a_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::new(directory.path().to_owned(), 1 << 30);
        for len in [0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + CHUNK, 1_000_000] {
            let Ok(Copied { head, file }) = spool.copy(&mut bytes(len).as_slice()) else { panic!("{len}") };
            let rest = file.map(read_all).unwrap_or_default();
            assert!([head.as_slice(), &rest].concat() == bytes(len), "{len}");
            assert_eq!(directory.path().read_dir().expect("readable").count(), 0);
        }
    }

    #[test]
    fn what_has_no_room_is_given_back_to_the_byte() {
        let directory = tempfile::tempdir().expect("a directory");
        let missing = directory.path().join("missing");
        for (directory, most) in
            [(directory.path(), 0), (directory.path(), HEAD as u64 + 70_000), (&*missing, 1 << 30)]
        {
            let all = bytes(1_000_000);
            let mut body = all.as_slice();
            let Err(NoCopy::NoRoom(beginning)) = Spool::new(directory.to_owned(), most).copy(&mut body)
            else {
                panic!("{most}")
            };
            assert!(read_all(beginning.chain(body)) == all, "{most}");
        }
    }

    #[test]
    fn a_copy_that_breaks_off_is_told_with_what_came() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("reset"))
            }
        }
        let spool = Spool::new(std::env::temp_dir(), 1 << 30);
        for len in [0, 10, HEAD, HEAD + CHUNK + 1] {
            let Err(NoCopy::Broken(_, copied)) = spool.copy(&mut bytes(len).chain(Broken)) else {
                panic!("{len}")
            };
            assert_eq!(copied.len(), len as u64);
            let Copied { head, file } = copied;
            let rest = file.map(read_all).unwrap_or_default();
            assert!([head.as_slice(), &rest].concat() == bytes(len), "{len}");
        }
    }
}
