//! Holes of sparse files: disk images claim terabytes and hold a few blocks.

use std::fs::File;

/// Smaller holes are read, in bytes: that costs no more than to look for their ends.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const LEAST: u64 = 1024 * 1024;

/// Passes over the hole that a file is positioned at, if it is large; how many bytes that leaves out, an even number.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn skip(file: &mut File) -> u64 {
    use std::io::{Seek as _, SeekFrom};

    use nix::errno::Errno;
    use nix::unistd::{Whence, lseek};

    let (Ok(at), Ok(metadata)) = (file.stream_position(), file.metadata()) else { return 0 };
    let Ok(from) = i64::try_from(at) else { return 0 };
    let data = match lseek(&*file, from, Whence::SeekData) {
        Ok(data) => u64::try_from(data).unwrap_or(at),
        // No data is behind it (`lseek(2)`).
        Err(Errno::ENXIO) => metadata.len(),
        Err(_) => at,
    };
    // The search has moved the file's position.
    let skipped = data.saturating_sub(at) & !1;
    let skipped = if skipped < LEAST { 0 } else { skipped };
    if file.seek(SeekFrom::Start(at + skipped)).is_ok() { skipped } else { 0 }
}

/// Where holes are not told from data, all is read.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn skip(_file: &mut File) -> u64 {
    0
}
