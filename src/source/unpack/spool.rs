//! For containers that cannot be read forwards: the file itself, or all of it in memory, as far as that goes.

use std::io::Read as _;

use zeroize::Zeroize as _;

use super::budget::Budget;
use crate::blob::{Blob, Body, Forward, ReadSeek, Rest};

/// The most bytes of a nested container that are gathered in memory.
const MAX_IN_MEMORY: u64 = 64 * 1024 * 1024;
/// How many bytes are gathered at a time.
const CHUNK: usize = 1024 * 1024;

/// A body that can be read at any offset, or is too large for that.
pub(super) enum Spooled<'s> {
    Memory(&'s [u8]),
    File(&'s mut dyn ReadSeek),
    /// The first bytes, and the rest.
    TooLarge(&'s [u8], &'s mut dyn Rest),
}

/// Lends a body in the best form there is. What it needs of memory is given back afterwards.
pub(super) fn with_seekable(body: Body<'_>, budget: &Budget, use_it: impl FnOnce(Spooled<'_>)) {
    let (head, rest) = match body {
        Body::Whole(bytes) => return use_it(Spooled::Memory(bytes)),
        Body::Stream { head, rest } => (head, rest),
    };
    if let Some(file) = rest.seekable() {
        return use_it(Spooled::File(file));
    }
    let mut bytes = head.to_vec();
    let mut reservations = Vec::new();
    let whole = loop {
        let Ok(reservation) = budget.reserve(CHUNK as u64) else { break false };
        reservations.push(reservation);
        // No more capacity than was reserved: a vector left to itself doubles.
        bytes.reserve_exact(CHUNK);
        match rest.take(CHUNK as u64).read_to_end(&mut bytes) {
            Ok(read) if read < CHUNK => break true,
            Ok(_) if bytes.len() as u64 > MAX_IN_MEMORY => break false,
            Ok(_) => {}
            // Whoever reads on gets the error again, and reports it.
            Err(_) => break false,
        }
    };
    use_it(if whole { Spooled::Memory(&bytes) } else { Spooled::TooLarge(&bytes, rest) });
    bytes.zeroize();
}

/// Lends a blob whole where it can be held.
pub(super) fn with_whole(blob: Blob<'_>, budget: &Budget, use_it: impl FnOnce(Blob<'_>)) {
    let origin = blob.origin;
    with_seekable(blob.body, budget, |spooled| match spooled {
        Spooled::Memory(bytes) => use_it(Blob { body: Body::Whole(bytes), origin }),
        Spooled::TooLarge(head, rest) => use_it(Blob { body: Body::Stream { head, rest }, origin }),
        Spooled::File(file) => {
            // Whoever reads it gets the error again.
            let _ = file.rewind();
            use_it(Blob { body: Body::Stream { head: &[], rest: &mut Forward(file) }, origin });
        }
    });
}
