//! LZMA, lzip and xz as liblzma decodes them, which nothing else here names: it takes two thirds of the time of the best in Rust. What
//! liblzma has no decoder for is left to that one.

use std::io::{self, ErrorKind, Read};

use liblzma::read::XzDecoder;
use liblzma::stream::{Action, Error, Status, Stream, TELL_UNSUPPORTED_CHECK};
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaStream};

use super::decoder::{Decoder, Step, advanced, kept_before_error};
use super::memory::Window;

/// A stream of LZMA, lzip or xz.
pub(super) struct Lzma {
    stream: Stream,
    window: Window,
}

impl Lzma {
    /// The stream of a `.lzma` file, its header included.
    pub(super) fn with_header(window: Window) -> io::Result<Self> {
        Ok(Lzma { stream: Stream::new_lzma_decoder(u64::MAX).map_err(into_io)?, window })
    }

    /// A member of lzip, its header and its trailer included; both checksum and sizes are checked.
    pub(super) fn lzip(window: Window) -> io::Result<Self> {
        Ok(Lzma { stream: Stream::new_lzip_decoder(u64::MAX, 0).map_err(into_io)?, window })
    }

    /// A stream of xz, its header and index included. Refuses a block that declares more than `max_memory` bytes.
    pub(super) fn xz(max_memory: u64, window: Window) -> io::Result<Self> {
        let stream = Stream::new_stream_decoder(max_memory, TELL_UNSUPPORTED_CHECK).map_err(into_io)?;
        Ok(Lzma { stream, window })
    }
}

impl Decoder for Lzma {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        // The dictionary is filled with what comes out.
        if let Err(error) = self.window.fill(bytes_out + output.len() as u64) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
        let action = if last { Action::Finish } else { Action::Run };
        let done = self.stream.process(input, output, action);
        Step {
            consumed: advanced(bytes_in, self.stream.total_in(), input.len()),
            produced: advanced(bytes_out, self.stream.total_out(), output.len()),
            ended: done.map(|status| status == Status::StreamEnd).map_err(into_io),
        }
    }
}

/// A stream of LZMA whose header stands elsewhere: the size of its content (unless it ends in an end marker), its properties
/// byte, and its dictionary size in bytes.
pub(super) fn without_header(
    size: Option<u64>,
    properties: u8,
    dictionary: u32,
    window: Window,
) -> io::Result<Box<dyn Decoder>> {
    if literal_bits(properties) > MAX_LITERAL_BITS {
        let size = size.unwrap_or(u64::MAX);
        let stream = LzmaStream::new_with_props(size, properties, dictionary, None)?;
        return Ok(Box::new(UnusualLzma { stream, window }));
    }
    Ok(Box::new(Lzma { stream: behind_header(size, properties, dictionary)?, window }))
}

/// The most of them that liblzma takes (`LZMA_LCLP_MAX` in lzma12.h).
const MAX_LITERAL_BITS: u8 = 4;

/// `lc + lp` of a properties byte, `(pb * 5 + lp) * 9 + lc`.
fn literal_bits(properties: u8) -> u8 {
    properties % 9 + properties / 9 % 5
}

/// A stream of LZMA with properties that no compressor uses unless told to.
struct UnusualLzma {
    stream: LzmaStream,
    window: Window,
}

impl Decoder for UnusualLzma {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.stream.total_in(), self.stream.total_out());
        let most = kept_before_error(bytes_out, output.len());
        // The library's dictionary grows with what comes out, twofold at a time.
        if let Err(error) = self.window.fill(2 * (bytes_out + most as u64)) {
            return Step { consumed: 0, produced: 0, ended: Err(error) };
        }
        let action = if last { lzma_rust2::Action::Finish } else { lzma_rust2::Action::Run };
        let done = self.stream.process(input, &mut output[..most], action);
        Step {
            consumed: advanced(bytes_in, self.stream.total_in(), input.len()),
            produced: advanced(bytes_out, self.stream.total_out(), most),
            ended: done.map(|done| done.status == lzma_rust2::Status::StreamEnd),
        }
    }
}

/// Decompresses a short stream of LZMA at once: `size` bytes come out of it, or fewer where it ends early.
pub(super) fn decompress(
    reader: impl Read,
    size: u64,
    properties: u8,
    dictionary: u32,
) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let stream = behind_header(Some(size), properties, dictionary)?;
    XzDecoder::new_stream(reader, stream).take(size).read_to_end(&mut out)?;
    Ok(out)
}

/// A decoder that was given the header that a `.lzma` file would have.
fn behind_header(size: Option<u64>, properties: u8, dictionary: u32) -> io::Result<Stream> {
    let mut header = [0; 13];
    header[0] = properties;
    header[1..5].copy_from_slice(&dictionary.to_le_bytes());
    header[5..].copy_from_slice(&size.unwrap_or(u64::MAX).to_le_bytes());
    let mut stream = Stream::new_lzma_decoder(u64::MAX).map_err(into_io)?;
    // Nothing comes out of a header, but none is read without room for something.
    stream.process(&header, &mut [0], Action::Run).map_err(into_io)?;
    Ok(stream)
}

/// The filters for programs and for tables, by their ids in 7z (Methods.txt in the LZMA SDK): BCJ of each machine, and delta.
const DELTA: &[u8] = &[3];
const BCJ: [(&[u8], NewBcj); 8] = [
    (&[3, 3, 1, 3], |reader| BcjReader::new_x86(reader, 0)),
    (&[3, 3, 2, 5], |reader| BcjReader::new_ppc(reader, 0)),
    (&[3, 3, 4, 1], |reader| BcjReader::new_ia64(reader, 0)),
    (&[3, 3, 5, 1], |reader| BcjReader::new_arm(reader, 0)),
    (&[3, 3, 7, 1], |reader| BcjReader::new_arm_thumb(reader, 0)),
    (&[3, 3, 8, 5], |reader| BcjReader::new_sparc(reader, 0)),
    (&[10], |reader| BcjReader::new_arm64(reader, 0)),
    (&[11], |reader| BcjReader::new_riscv(reader, 0)),
];

/// Makes a filter over a reader.
type NewBcj = fn(Box<dyn Read + '_>) -> BcjReader<Box<dyn Read + '_>>;

/// Whether a method of 7z is one of those filters.
pub(super) fn is_filter(id: &[u8]) -> bool {
    id == DELTA || BCJ.iter().any(|(known, _)| *known == id)
}

/// Such a filter over a reader.
pub(super) fn filter<'r>(
    id: &[u8],
    properties: &[u8],
    reader: Box<dyn Read + 'r>,
) -> Option<Box<dyn Read + 'r>> {
    if id == DELTA {
        let distance = properties.first().map_or(1, |distance| usize::from(*distance) + 1);
        return Some(Box::new(DeltaReader::new(reader, distance)));
    }
    let (_, new) = BCJ.iter().find(|(known, _)| *known == id)?;
    Some(Box::new(new(reader)))
}

/// A stream of LZMA2, as 7z has it: the size of the dictionary is a byte of properties.
pub(super) fn lzma2<'r>(reader: Box<dyn Read + 'r>, properties: &[u8]) -> Box<dyn Read + 'r> {
    let bits = u32::from(properties.first().map_or(0, |bits| (*bits).min(39)));
    Box::new(Lzma2Reader::new(reader, (2 | bits & 1) << (bits / 2 + 11), None))
}

fn into_io(error: Error) -> io::Error {
    let kind = match error {
        Error::MemLimit | Error::Mem => ErrorKind::OutOfMemory,
        Error::Options | Error::UnsupportedCheck => ErrorKind::Unsupported,
        _ => ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
