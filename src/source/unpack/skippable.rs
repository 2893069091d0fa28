//! Skippable frames, which Zstandard and LZ4 share (RFC 8878, 3.1.2; LZ4 Frame Format, "Skippable Frames"): whatever somebody
//! put between the frames. Their content is scanned, too.

use std::io;

use super::decoder::{Decoder, Metadata, Step};
use super::input::Input;

/// A larger one is scanned as if it were content, in bytes.
const MAX_GATHERED: u32 = 1024 * 1024;

/// Whether one begins so: the magic numbers are 0x184d2a50 to 0x184d2a5f.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Reads those that stand here; a decoder of one that is large.
pub(super) fn read(
    input: &mut Input<'_>,
    metadata: &mut Vec<Metadata>,
) -> io::Result<Option<Box<dyn Decoder>>> {
    while begins(input.peek(4)?) {
        let header = input.read_bytes(8)?;
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        if len > MAX_GATHERED {
            return Ok(Some(Box::new(Large { left: len as usize })));
        }
        let offset = input.offset();
        metadata.push(Metadata { offset, bytes: input.read_bytes(len as usize)?, is_name: false });
    }
    Ok(None)
}

/// Gives out a frame's content as it is.
struct Large {
    left: usize,
}

impl Decoder for Large {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let len = self.left.min(input.len()).min(output.len());
        output[..len].copy_from_slice(&input[..len]);
        self.left -= len;
        Step { consumed: len, produced: len, ended: Ok(self.left == 0) }
    }
}

/// The end of a file that ends in such a frame.
pub(super) struct NoFrame;

impl Decoder for NoFrame {
    fn step(&mut self, _input: &[u8], _output: &mut [u8], _last: bool) -> Step {
        Step { consumed: 0, produced: 0, ended: Ok(true) }
    }
}
