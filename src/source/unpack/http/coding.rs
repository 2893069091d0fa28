//! What a body is compressed with (RFC 9110, 8.4.1; RFC 7932 for Brotli, RFC 8878 for Zstandard).

use std::io::{BufReader, Read};

use crate::source::unpack::budget::Budget;
use crate::source::unpack::decoder::{DecodeReader, Decoder, StreamFormat};
use crate::source::unpack::inflate::{Inflate, begins_zlib};
use crate::source::unpack::input::Input;
use crate::source::unpack::{gzip, zstd};

/// One that is undone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coding {
    Gzip,
    /// With the header that it should have, or without it.
    Zlib,
    Deflate,
    Brotli,
    Zstandard,
}

/// A window of Brotli, the largest there is, and what its decoder needs beside it (RFC 7932, 9.1).
const BROTLI_MEMORY: u64 = 17 * 1024 * 1024;

/// The codings of a body that begins so, the last one first, as far as they are known. The last one has to be there: whoever kept the
/// body may have undone it.
pub(super) fn of(names: &[Vec<u8>], head: &[u8]) -> Vec<Coding> {
    let mut codings = Vec::new();
    for name in names.iter().rev() {
        let is_last = codings.is_empty();
        codings.push(match name.as_slice() {
            b"gzip" | b"x-gzip" if !is_last || gzip::begins(head) => Coding::Gzip,
            b"deflate" if !is_last || begins_zlib(head) => Coding::Zlib,
            b"deflate" => Coding::Deflate,
            b"br" => Coding::Brotli,
            b"zstd" if !is_last || zstd::begins(head) => Coding::Zstandard,
            b"identity" => continue,
            _ => break,
        });
    }
    codings
}

/// Calls `use_it` with what the codings make of a reader.
pub(super) fn undo(
    codings: &[Coding],
    reader: &mut dyn Read,
    budget: &Budget,
    use_it: &mut dyn FnMut(&mut dyn Read),
) {
    let Some((first, rest)) = codings.split_first() else { return use_it(reader) };
    let mut buffered = BufReader::new(reader);
    let file: &'static StreamFormat = match first {
        Coding::Gzip => &gzip::STREAM,
        Coding::Zstandard => &zstd::STREAM,
        Coding::Brotli => {
            let Ok(_reservation) = budget.reserve(BROTLI_MEMORY) else { return };
            let mut decoded = brotli_decompressor::Decompressor::new(buffered, 4096);
            return undo(rest, &mut decoded, budget, use_it);
        }
        Coding::Zlib | Coding::Deflate => {
            let mut input = Input::reader(&mut buffered, budget);
            if *first == Coding::Zlib && input.skip(2).is_err() {
                return;
            }
            let decoder: Box<dyn Decoder> = Box::new(Inflate::default());
            return undo(rest, &mut DecodeReader::single(input, decoder), budget, use_it);
        }
    };
    undo(rest, &mut DecodeReader::joined(Input::reader(&mut buffered, budget), file), budget, use_it);
}
