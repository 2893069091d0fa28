//! Brotli (RFC 7932), which has no signature: files that are called `.br` and decode.

use std::io::{self, ErrorKind};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::memory::Window;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Brotli",
    first_bytes: &[],
    begins: |_| false,
    signature: Signature::Named(LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.br!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |_| false,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".br", ".tbr"],
};

/// So many bytes must come out of what has the name, unless it ends before.
const LEAST: usize = 1;

/// Bytes that a decoder needs beside its window: its tables.
const OVERHEAD: u64 = 2 * 1024 * 1024;

/// The window in bytes that a stream's first bits declare (RFC 7932, 9.1); what `brotli --large_window` adds to that says it in
/// six bits behind those.
fn window_size(head: &[u8]) -> u64 {
    let first = head.first().copied().unwrap_or(0);
    let bits = match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => 16,
        (_, 0, 0) => 17,
        (_, 0, 1) => head.get(1).map_or(10, |bits| bits & 0x3f).min(30),
        (_, 0, more) => 8 + more,
        (_, more, _) => 17 + more,
    };
    1 << bits
}

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let window = input.budget.window(window_size(input.peek(2)?), OVERHEAD)?;
    let state =
        BrotliState::new(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
    Ok(Box::new(Stream { state: Box::new(state), window, out: 0 }))
}

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

struct Stream {
    state: Box<State>,
    window: Window,
    out: usize,
}

impl Decoder for Stream {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        // The library's window grows with what comes out, twofold at a time, and is copied then.
        if let Err(error) = self.window.fill(2 * (self.out + output.len()) as u64) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
        let (mut left_in, mut consumed) = (input.len(), 0);
        let (mut left_out, mut produced) = (output.len(), 0);
        let result = BrotliDecompressStream(
            &mut left_in,
            &mut consumed,
            input,
            &mut left_out,
            &mut produced,
            output,
            &mut self.out,
            &mut self.state,
        );
        let ended = match result {
            BrotliResult::ResultSuccess => Ok(true),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(false),
            BrotliResult::ResultFailure => {
                Err(io::Error::new(ErrorKind::InvalidData, "corrupt Brotli stream"))
            }
        };
        Step { consumed: consumed.min(input.len()), produced: produced.min(output.len()), ended }
    }
}
