//! Blocks of file systems and disk images: each is compressed by itself, and unpacked at once.

use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lzfse_rust::LzfseRingDecoder;

use super::budget::Budget;
use super::decoder::{Careful, DecodeReader, Decoder};
use super::inflate::Inflate;
use super::input::Input;
use super::{adc, bzip2, lz4, lzma, xz, zstd};
use crate::blob::fill;

/// How a block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Raw deflate (RFC 1951).
    Deflate,
    /// Deflate with zlib's header and checksum around it (RFC 1950).
    Zlib,
    Bzip2,
    /// LZMA with the header of `.lzma` files.
    Lzma,
    Xz,
    /// A block of LZ4, without a frame.
    Lz4,
    Zstd,
    /// LZO1X.
    Lzo,
    Lzfse,
    /// Apple Data Compression.
    Adc,
}

impl Codec {
    /// Unpacks a block into `out`: how many bytes came out, and what was wrong. What is behind the end of the compressed data is
    /// not looked at.
    pub(super) fn unpack(self, packed: &[u8], out: &mut [u8], budget: &Budget) -> (usize, io::Result<()>) {
        catch_unwind(AssertUnwindSafe(|| self.try_unpack(packed, out, budget)))
            .unwrap_or_else(|_| (0, Err(damaged("the decoder failed on it"))))
    }

    fn try_unpack(self, packed: &[u8], out: &mut [u8], budget: &Budget) -> (usize, io::Result<()>) {
        let at_once = |done: io::Result<usize>| match done {
            Ok(len) => (len, Ok(())),
            Err(error) => (0, Err(error)),
        };
        let mut input = Input::memory(packed, budget);
        let decoder: io::Result<Box<dyn Decoder>> = match self {
            Codec::Deflate => Ok(Box::new(Inflate::sized(packed.len() as u64, out.len() as u64))),
            Codec::Zlib => zlib(&mut input, out.len()),
            Codec::Bzip2 => Ok(bzip2::new_decoder()),
            Codec::Lzma => (lzma::STREAM.open)(&mut input, &mut Vec::new()),
            Codec::Xz => xz::open(&mut input),
            Codec::Zstd => zstd::new_decoder(&mut input),
            Codec::Lz4 => return at_once(lz4::unpack_block(packed, out)),
            Codec::Lzo => return at_once(lzokay::decompress::decompress(packed, out).map_err(damaged)),
            Codec::Lzfse => return lzfse(packed, out),
            Codec::Adc => return adc::unpack(packed, out),
        };
        match decoder {
            Ok(decoder) => read_all(&mut DecodeReader::single(input, decoder), out),
            Err(error) => (0, Err(error)),
        }
    }
}

/// A decoder behind zlib's header, whose checksum makes it a multiple of 31 (RFC 1950, 2.2).
fn zlib(input: &mut Input<'_>, size: usize) -> io::Result<Box<dyn Decoder>> {
    let header = input.read_bytes(2)?;
    match header.as_slice() {
        [method, flags] if method & 15 == 8 && flags & 0x20 == 0 => {
            // libdeflate tells by itself where the stream ends.
            Ok(Box::new(Inflate::sized(0, size as u64)))
        }
        _ => Err(damaged("no zlib header")),
    }
}

fn lzfse(packed: &[u8], out: &mut [u8]) -> (usize, io::Result<()>) {
    let mut decoder = LzfseRingDecoder::default();
    let mut reader = decoder.reader_bytes(packed);
    read_all(&mut Careful::new(&mut reader), out)
}

fn read_all(reader: &mut dyn Read, out: &mut [u8]) -> (usize, io::Result<()>) {
    let (len, outcome) = fill(reader, out);
    (len, outcome.map(drop))
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
