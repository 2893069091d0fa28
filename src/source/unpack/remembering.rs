//! What a decoder took last of an input that cannot be rewound, for the case that it was no stream after all.

use std::io::{self, BufRead, Read};

use zeroize::Zeroize as _;

use super::input::{Input, read_buffered};

/// How many of the last bytes are kept at least: a block of any format, so that text behind a forged header is there
/// when the decoder gives up.
const KEPT: usize = 4 * 1024 * 1024 + 64 * 1024;

/// An input, and the last bytes that were consumed of it.
pub(super) struct Remembering<'i, 'a> {
    input: &'i mut Input<'a>,
    begin: u64,
    /// None where the container can be read again.
    last: Option<Vec<u8>>,
}

impl<'i, 'a> Remembering<'i, 'a> {
    /// Over `input`; keeps nothing unless `remember` is set.
    pub(super) fn new(input: &'i mut Input<'a>, remember: bool) -> Self {
        Remembering { begin: input.offset(), input, last: remember.then(Vec::new) }
    }

    /// Whether `test` is true of how many bytes were consumed and a few of those that follow.
    pub(super) fn is_followed_by(&mut self, test: impl FnOnce(u64, &[u8]) -> bool) -> bool {
        let consumed = self.input.offset() - self.begin;
        self.input.peek(28).is_ok_and(|behind| test(consumed, behind))
    }

    /// Calls `use_it` with what is left of the container, the kept bytes first, and the offset where that begins.
    pub(super) fn with_rest(mut self, use_it: impl FnOnce(u64, &mut dyn Read)) {
        let mut last = self.last.take().unwrap_or_default();
        let offset = self.input.offset() - last.len() as u64;
        self.input.lift_limits();
        use_it(offset, &mut (&last[..]).chain(&mut *self.input));
        last.zeroize();
    }
}

impl Drop for Remembering<'_, '_> {
    /// A stored block is text as it is.
    fn drop(&mut self) {
        self.last.zeroize();
    }
}

impl Read for Remembering<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buf)
    }
}

impl BufRead for Remembering<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(last) = &mut self.last
            && let Ok(bytes) = self.input.fill_buf()
        {
            last.extend_from_slice(&bytes[..amount.min(bytes.len())]);
            if last.len() > 2 * KEPT {
                last.drain(..last.len() - KEPT);
            }
        }
        self.input.consume(amount);
    }
}
