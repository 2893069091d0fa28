//! For containers that cannot be read forwards: the file itself, or all of it in memory, as far as that goes.

use std::io::Read as _;

use zeroize::Zeroize as _;

use super::open_container::OpenContainer;
use crate::blob::{Body, ReadSeek, Rest};

/// The most bytes of a nested container that are gathered in memory.
const MOST: u64 = 64 * 1024 * 1024;
const STEP: usize = 1024 * 1024;

/// A body one can go back and forth in, or not.
pub(super) enum Spooled<'s> {
    Memory(&'s [u8]),
    File(&'s mut dyn ReadSeek),
    /// The first bytes, and the rest.
    TooLarge(&'s [u8], &'s mut dyn Rest),
}

/// Lends a body in the best form there is.
pub(super) fn with_file(level: &OpenContainer<'_>, body: Body<'_>, look: impl FnOnce(Spooled<'_>)) {
    let (head, rest) = match body {
        Body::Whole(bytes) => return look(Spooled::Memory(bytes)),
        Body::Stream { head, rest } => (head, rest),
    };
    if let Some(file) = rest.seekable() {
        return look(Spooled::File(file));
    }
    let mut bytes = head.to_vec();
    let mut holds = Vec::new();
    let whole = loop {
        let Ok(hold) = level.budget.hold(STEP as u64) else { break false };
        holds.push(hold);
        // No more room than is held: a vector left to itself doubles.
        bytes.reserve_exact(STEP);
        match rest.take(STEP as u64).read_to_end(&mut bytes) {
            Ok(read) if read < STEP => break true,
            Ok(_) if bytes.len() as u64 > MOST => break false,
            Ok(_) => {}
            // Said by whoever reads on.
            Err(_) => break false,
        }
    };
    look(if whole { Spooled::Memory(&bytes) } else { Spooled::TooLarge(&bytes, rest) });
    bytes.zeroize();
}
