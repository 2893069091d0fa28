//! The buffers that members are read into, kept for the next file: a new one costs more than to read a small member.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// How many bytes a buffer has: members smaller than this are handed on whole.
pub(super) const LEN: usize = 128 * 1024;

thread_local! {
    /// As many as members were nested in one another.
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept(Vec::new())) };
}

struct Kept(Vec<Vec<u8>>);

impl Drop for Kept {
    /// What was unpacked may have held a token.
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// A buffer of [`LEN`] bytes that hold anything; given back when dropped.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn take() -> Self {
        let kept = KEPT.with_borrow_mut(|kept| kept.0.pop());
        Buffer(kept.unwrap_or_else(|| vec![0; LEN]))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        // A thread that ends has wiped what it kept.
        if KEPT.try_with(|kept| kept.borrow_mut().0.push(std::mem::take(&mut bytes))).is_err() {
            bytes.zeroize();
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
