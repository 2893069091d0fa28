//! Decoders of formats whose blocks have to be there whole: each is gathered, decompressed, and given out piece by piece.

use std::io;

use zeroize::Zeroize as _;

use super::decoder::{Decoder, Step};

/// What a part of a stream was.
pub(super) enum Part {
    /// More of it follows.
    More,
    /// Its last.
    Last,
}

/// A format as its parts: headers of blocks, and their data.
pub(super) trait PartFormat {
    /// How many bytes the next part has.
    fn need(&self) -> usize;

    /// Takes a part that has as many bytes, and puts what comes out of it into `plain`, which is empty.
    fn take(&mut self, part: &[u8], plain: &mut Vec<u8>) -> io::Result<Part>;
}

/// Gathers the parts of a format.
pub(super) struct Blocks<F> {
    format: F,
    gathered: Vec<u8>,
    plain: Vec<u8>,
    given: usize,
    has_ended: bool,
}

impl<F: PartFormat> Blocks<F> {
    pub(super) fn new(format: F) -> Self {
        Blocks { format, gathered: Vec::new(), plain: Vec::new(), given: 0, has_ended: false }
    }

    /// Takes parts until one gave something, or the input is used up; whether the stream has ended.
    fn advance(&mut self, input: &mut &[u8]) -> io::Result<bool> {
        while self.given == self.plain.len() && !self.has_ended {
            let need = self.format.need();
            self.plain.clear();
            self.given = 0;
            let part = if self.gathered.is_empty()
                && let Some((part, rest)) = input.split_at_checked(need)
            {
                *input = rest;
                self.format.take(part, &mut self.plain)
            } else {
                let more = need.saturating_sub(self.gathered.len()).min(input.len());
                let (now, later) = input.split_at(more);
                self.gathered.extend_from_slice(now);
                *input = later;
                if self.gathered.len() < need {
                    return Ok(false);
                }
                let part = self.format.take(&self.gathered, &mut self.plain);
                self.gathered.clear();
                part
            };
            self.has_ended = matches!(part?, Part::Last);
        }
        Ok(self.has_ended && self.given == self.plain.len())
    }
}

impl<F: PartFormat> Decoder for Blocks<F> {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let mut rest = input;
        let ended = self.advance(&mut rest);
        let plain = self.plain.get(self.given..).unwrap_or_default();
        let produced = plain.len().min(output.len());
        output[..produced].copy_from_slice(&plain[..produced]);
        self.given += produced;
        Step { consumed: input.len() - rest.len(), produced, ended }
    }
}

impl<F> Drop for Blocks<F> {
    fn drop(&mut self) {
        self.plain.zeroize();
        self.gathered.zeroize();
    }
}
