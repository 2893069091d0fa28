//! Writing what git keeps to temporary files, and what becomes of it where they cannot be written.

use std::fs::File;
use std::io::{self, Read, Seek as _};

use super::super::buffers::Buffer;
use super::super::open_container::OpenContainer;
use crate::blob::{Body, Forward, Rest, fill};

/// Why a body was not written to a file, or not all of it.
pub(super) enum Unwritten {
    /// A limit leaves the rest.
    Limit,
    Read(io::Error),
    /// There is no room for it, or no right to write: so many bytes are in the file, and those were read to be the next.
    Write {
        error: io::Error,
        written: u64,
        next: Vec<u8>,
    },
}

/// Writes all of a body to a file; how many bytes.
pub(super) fn copy(
    container: &OpenContainer<'_>,
    body: &mut Body<'_>,
    file: &mut File,
) -> Result<u64, Unwritten> {
    match body {
        // It stays as it is.
        Body::Whole(bytes) => copy_from(container, &mut { *bytes }, file),
        Body::Stream { head, rest } => copy_from(container, &mut head.chain(rest), file),
    }
}

/// The same from a reader.
pub(super) fn copy_from(
    container: &OpenContainer<'_>,
    from: &mut dyn Read,
    file: &mut File,
) -> Result<u64, Unwritten> {
    use std::io::Write as _;

    let (mut buffer, mut total) = (vec![0; 64 * 1024], 0);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Unwritten::Read(error)),
        };
        let (budget, written) = (container.budget, total);
        total += read as u64;
        if budget.count_expanded(read as u64, budget.level(), (total, total)).is_some() {
            return Err(Unwritten::Limit);
        }
        if let Err(error) = file.write_all(buffer.get(..read).unwrap_or_default()) {
            buffer.truncate(read);
            return Err(Unwritten::Write { error, written, next: buffer });
        }
    }
}

/// Lends a body whole again of which a part is in a file, and `next` was read behind that.
pub(super) fn whole_again(
    (file, written, next): (&mut File, u64, &[u8]),
    body: &mut Body<'_>,
    use_it: impl FnOnce(Body<'_>),
) {
    match body {
        Body::Whole(bytes) => use_it(Body::Whole(bytes)),
        Body::Stream { head, rest } => {
            if rest.seekable().is_some_and(|file| file.rewind().is_ok()) {
                return lend(*rest, use_it);
            }
            let written = if file.rewind().is_ok() { written } else { 0 };
            let mut all = (&mut *file).take(written).chain(next).chain(head).chain(rest);
            lend(&mut Forward(&mut all), use_it);
        }
    }
}

/// Lends what a reader gives as a body, whose first bytes are known.
pub(super) fn lend(rest: &mut dyn Rest, use_it: impl FnOnce(Body<'_>)) {
    let mut head = Buffer::take();
    // Whoever reads on gets an error again.
    let (read, outcome) = fill(rest, &mut head);
    use_it(match outcome {
        Ok(true) => Body::Stream { head: &head, rest },
        _ => Body::Whole(head.get(..read).unwrap_or_default()),
    });
}
