//! One file: one open, as few reads as its size allows, one close. No file is read twice.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::entry_path::EntryPath;
use super::holes;
use super::threads::Threads;
#[cfg(unix)]
use crate::blob::SharedFile;
use crate::blob::{Blob, Body, Fault, FaultKind, ReadSeek, Rest, Sink, fill};
use crate::source::interruptible::Interruptible;

/// Files up to so many bytes are handed over whole.
const WHOLE: usize = 256 * 1024;

/// What divides the sizes of blocks and pages. A read that cannot go on ends with one.
const BLOCK: usize = 512;

/// Reads files, all into the same buffer.
pub(super) struct Reader<'t> {
    buffer: Vec<u8>,
    threads: &'t Threads,
    /// Whether a read that ends early, and within a block, has come to the end of the file.
    by_blocks: bool,
}

/// A large file behind its head.
struct LargeFile<'t> {
    file: File,
    /// Those that may help with it.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no other system reads at an offset"))]
    threads: &'t Threads,
}

impl Read for LargeFile<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
}

impl Rest for LargeFile<'_> {
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        Some(&mut self.file)
    }

    fn skip_hole(&mut self) -> u64 {
        holes::skip(&mut self.file)
    }

    #[cfg(unix)]
    fn shared(&self) -> Option<&dyn SharedFile> {
        Some(self)
    }
}

#[cfg(unix)]
impl SharedFile for LargeFile<'_> {
    fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    fn hole_at(&self, offset: u64) -> u64 {
        holes::at(&self.file, offset)
    }

    fn work(&self, work: &(dyn Fn() -> bool + Sync)) {
        self.threads.work(work);
    }
}

impl<'t> Reader<'t> {
    /// Large files are read by those of `threads` that have nothing else to do.
    pub(super) fn new(threads: &'t Threads) -> Self {
        Reader { buffer: Vec::new(), threads, by_blocks: false }
    }

    /// The same, for files of which a read ends early only at their end or at that of a block: another read, only to be told that
    /// there is no more, is one of four calls that a small file costs.
    pub(super) fn by_blocks(self, by_blocks: bool) -> Self {
        Reader { by_blocks, ..self }
    }

    /// Hands over one regular file, unless it has more than `max_size` bytes.
    pub(super) fn read(
        &mut self,
        path: &Path,
        entry: &EntryPath<'_>,
        max_size: Option<u64>,
        sink: &dyn Sink,
    ) {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return entry.fault(&error, sink),
        };
        if let Some(max_size) = max_size {
            match file.metadata() {
                Ok(metadata) if metadata.len() > max_size => {
                    let reason = format!("{} bytes are more than --max-file-size allows", metadata.len());
                    let path = entry.origin().display_path();
                    return sink.fault(Fault { path, kind: FaultKind::TooLarge, reason });
                }
                Ok(_) => {}
                Err(error) => return entry.fault(&error, sink),
            }
        }
        self.hand_over(LargeFile { file, threads: self.threads }, entry, sink);
    }

    /// Hands over a pipe or device that the user named.
    pub(super) fn read_special(&mut self, path: &Path, entry: &EntryPath<'_>, sink: &dyn Sink) {
        match open_special(path) {
            Ok(file) => self.hand_over(Interruptible::new(file, sink), entry, sink),
            Err(error) => entry.fault(&error, sink),
        }
    }

    fn hand_over<R: Rest>(&mut self, mut rest: R, entry: &EntryPath<'_>, sink: &dyn Sink) {
        self.buffer.resize(WHOLE, 0);
        let (read, outcome) = fill_head(&mut rest, &mut self.buffer, self.by_blocks);
        if let Err(error) = &outcome {
            entry.fault(error, sink);
        }
        sink.meter().file(read as u64);
        let head = &self.buffer[..read];
        let body =
            if let Ok(true) = outcome { Body::Stream { head, rest: &mut rest } } else { Body::Whole(head) };
        sink.blob(Blob { body, origin: &|| entry.origin() });
    }
}

/// As [`fill`], but for a read that would only show the end once more.
fn fill_head(rest: &mut dyn Read, buffer: &mut [u8], by_blocks: bool) -> (usize, io::Result<bool>) {
    let first = if by_blocks { rest.read(buffer).unwrap_or(0) } else { 0 };
    if first < buffer.len() && !first.is_multiple_of(BLOCK) {
        return (first, Ok(false));
    }
    // An error comes again.
    let (read, outcome) = fill(rest, &mut buffer[first..]);
    (first + read, outcome)
}

/// Opens a pipe or device. To open a named pipe is to wait for somebody who writes into it, but not without blocking: the
/// wait is then one of the read's, which can be ended. Only Linux is known to tell a writer that has not come from one
/// that has left.
#[cfg(target_os = "linux")]
fn open_special(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};

    let is_pipe = std::fs::metadata(path)?.file_type().is_fifo();
    let flags = if is_pipe { nix::fcntl::OFlag::O_NONBLOCK.bits() } else { 0 };
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open_special(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns as many bytes with each read, then an error.
    struct Reads<'r>(&'r [usize]);

    impl Read for Reads<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (first, others) = self.0.split_first().ok_or_else(|| io::Error::other("one too many"))?;
            self.0 = others;
            Ok(*first.min(&buffer.len()))
        }
    }

    #[test]
    fn a_file_is_at_its_end_where_a_read_ends_within_a_block() {
        for (reads, by_blocks, expected) in [
            (&[700][..], true, Some(700)),
            (&[700, 100, 0], false, Some(800)),
            (&[4096, 100, 0], true, Some(4196)),
            (&[4096], true, None),
            (&[0, 0], true, Some(0)),
            (&[8000], true, Some(8000)),
        ] {
            let (read, outcome) = fill_head(&mut Reads(reads), &mut [0; 8000], by_blocks);
            assert_eq!(outcome.ok().map(|_| read), expected, "{reads:?}");
        }
    }
}
