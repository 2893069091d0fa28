//! Holes of sparse files: disk images claim terabytes and hold a few blocks.

use std::fs::File;

/// Smaller holes are read, in bytes: that costs no more than to look for their ends.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const LEAST: u64 = 1024 * 1024;

/// Passes over the hole that a file is positioned at, if it is large; how many bytes that leaves out, an even number.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn skip(file: &mut File) -> u64 {
    use std::io::{Seek as _, SeekFrom};

    let Ok(offset) = file.stream_position() else { return 0 };
    let hole = at(file, offset);
    // The search has moved the file's position.
    if file.seek(SeekFrom::Start(offset + hole)).is_ok() { hole } else { 0 }
}

/// How many bytes from this offset on are a hole, if it is large, an even number. Moves the file's position.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn at(file: &File, offset: u64) -> u64 {
    use nix::errno::Errno;
    use nix::unistd::{Whence, lseek};

    let Ok(from) = i64::try_from(offset) else { return 0 };
    let data = match lseek(file, from, Whence::SeekData) {
        Ok(data) => u64::try_from(data).unwrap_or(offset),
        // No data is behind it (`lseek(2)`).
        Err(Errno::ENXIO) => file.metadata().map_or(offset, |metadata| metadata.len()),
        Err(_) => offset,
    };
    let hole = data.saturating_sub(offset) & !1;
    if hole < LEAST { 0 } else { hole }
}

/// Where holes are not told from data, all is read.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn skip(_file: &mut File) -> u64 {
    0
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_os = "freebsd"))))]
pub(super) fn at(_file: &File, _offset: u64) -> u64 {
    0
}
