//! Deflate (RFC 1951) and Deflate64, its sibling with a window of 64 KiB, as zip and gzip hold them.

use std::cell::RefCell;
use std::io::{self, ErrorKind};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::{Decoder, Step, advanced};
use super::libdeflate;

thread_local! {
    /// Decompressors for the next stream: a new one costs as much as to inflate a few thousand bytes.
    static KEPT: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// A raw deflate stream.
#[derive(Default)]
pub(super) struct Inflate {
    /// Made for the first step that needs one.
    inflater: Option<Decompress>,
    /// How many bytes the whole stream has and what comes out of it, where that is likely.
    sizes: Option<(u64, u64)>,
}

impl Inflate {
    /// One of which only this is known: that it has `packed` bytes, and that `size` come out of it, unless that is wrong.
    pub(super) fn sized(packed: u64, size: u64) -> Self {
        Inflate { inflater: None, sizes: Some((packed, size)) }
    }

    /// Inflates the stream at once, where it is small and wholly there: much faster, but it has to fit.
    fn at_once(&mut self, input: &[u8], output: &mut [u8]) -> Option<(usize, usize)> {
        let (packed, size) = self.sizes.take()?;
        let fits = packed <= input.len() as u64 && size <= output.len() as u64;
        if fits { libdeflate::inflate(input, output) } else { None }
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        if let Some(mut decompress) = self.inflater.take() {
            decompress.reset(false);
            // A thread that ends keeps none.
            let _ = KEPT.try_with(|kept| kept.borrow_mut().push(decompress));
        }
    }
}

impl Decoder for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        if let Some((consumed, produced)) = self.at_once(input, output) {
            return Step { consumed, produced, ended: Ok(true) };
        }
        let inflater = self
            .inflater
            .get_or_insert_with(|| KEPT.with_borrow_mut(Vec::pop).unwrap_or_else(|| Decompress::new(false)));
        let (bytes_in, bytes_out) = (inflater.total_in(), inflater.total_out());
        // Whatever is behind `output`: a stream that ends in it needs no window then.
        let status = inflater.decompress(input, output, FlushDecompress::Finish);
        Step {
            consumed: advanced(bytes_in, inflater.total_in(), input.len()),
            produced: advanced(bytes_out, inflater.total_out(), output.len()),
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate stream")),
            },
        }
    }
}

/// Whether a zlib stream begins so: its method and check bits (RFC 1950, 2.2).
pub(super) fn begins_zlib(head: &[u8]) -> bool {
    matches!(head, [method, flags, ..] if method & 15 == 8 && method >> 4 <= 7
        && (u32::from(*method) * 256 + u32::from(*flags)).is_multiple_of(31))
}

/// A zlib stream (RFC 1950), its header and its checksum included.
pub(super) struct Zlib {
    inflater: Decompress,
    /// Of one from which so many bytes came no more is asked.
    least: u64,
}

impl Zlib {
    pub(super) fn new(least: usize) -> Self {
        Zlib { inflater: Decompress::new(true), least: least as u64 }
    }

    /// Whether nothing tells what there is of it from other data: it has not ended, and is short, or little came out of it.
    fn looks_like_chance(&self) -> bool {
        /// Chance bytes seldom decode so far.
        const SHORT: u64 = 256;
        let (taken, out) = (self.inflater.total_in(), self.inflater.total_out());
        out < self.least && (taken < SHORT || out < taken / 4 * 3)
    }
}

/// The first bytes that come out of a zlib stream with this head; fewer where it breaks off.
pub(super) fn zlib_begin<const LEN: usize>(head: &[u8]) -> ([u8; LEN], usize) {
    let (mut inflater, mut out) = (Decompress::new(true), [0; LEN]);
    // What came out before an error came out.
    let _ = inflater.decompress(head, &mut out, FlushDecompress::None);
    let len = advanced(0, inflater.total_out(), LEN);
    (out, len)
}

impl Decoder for Zlib {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self.inflater.decompress(input, output, FlushDecompress::None);
        let damaged = || Err(io::Error::new(ErrorKind::InvalidData, "corrupt zlib stream"));
        let ended = match status {
            Ok(Status::StreamEnd) => Ok(true),
            Ok(_) if last && self.looks_like_chance() => damaged(),
            Ok(_) => Ok(false),
            Err(_) => damaged(),
        };
        Step {
            consumed: advanced(bytes_in, self.inflater.total_in(), input.len()),
            produced: advanced(bytes_out, self.inflater.total_out(), output.len()),
            ended,
        }
    }
}

/// The stream of a zlib file that was made with a dictionary which is not there (RFC 1950, 2.2, FDICT): whatever refers to that
/// is read as zeros, and the rest as it is.
pub(super) struct WithoutDictionary(Decompress);

impl WithoutDictionary {
    pub(super) fn new() -> io::Result<Self> {
        let mut inflater = Decompress::new(false);
        inflater.set_dictionary(&vec![0; 32 * 1024]).map_err(io::Error::other)?;
        Ok(WithoutDictionary(inflater))
    }
}

impl Decoder for WithoutDictionary {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (bytes_in, bytes_out) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output, FlushDecompress::None);
        let ended = match status {
            Ok(Status::StreamEnd) => {
                Err(io::Error::new(ErrorKind::Unsupported, "needs a dictionary that is not in the file"))
            }
            Ok(_) => Ok(false),
            Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "corrupt zlib stream")),
        };
        Step {
            consumed: advanced(bytes_in, self.0.total_in(), input.len()),
            produced: advanced(bytes_out, self.0.total_out(), output.len()),
            ended,
        }
    }
}

/// A raw Deflate64 stream (APPNOTE 4.4.5, method 9).
pub(super) struct Inflate64(Box<InflaterManaged>);

impl Inflate64 {
    pub(super) fn new() -> Self {
        Inflate64(Box::new(InflaterManaged::new()))
    }
}

impl Decoder for Inflate64 {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let done = self.0.inflate(input, output);
        let ended = if done.data_error {
            Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate64 stream"))
        } else {
            Ok(self.0.finished() && self.0.available_output() == 0)
        };
        Step { consumed: done.bytes_consumed, produced: done.bytes_written, ended }
    }
}
