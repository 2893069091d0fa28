//! How a member's data is packed.

use std::io::{self, ErrorKind, Read};

use super::record::Entry;
use crate::source::unpack::decoder::{Boxed, DecodeReader};
use crate::source::unpack::inflate::{Inflate, Inflate64};
use crate::source::unpack::input::Input;
use crate::source::unpack::{bzip2, lzma, xz, zstd};

/// A reader of a member's content; none where the method is not known.
pub(super) fn reader<'a>(entry: &Entry, mut feed: Input<'a>) -> io::Result<Option<Reader<'a>>> {
    let engine: Boxed = match entry.method {
        0 => return Ok(Some(Reader::Stored(feed))),
        8 => Box::new(Inflate::new()),
        9 => Box::new(Inflate64::new()),
        12 => bzip2::engine(),
        14 => lzma::in_zip(&mut feed, (!entry.marked_end() && entry.sized).then_some(entry.size))?,
        20 | 93 => zstd::engine(&mut feed)?,
        95 => xz::open(&mut feed)?,
        _ => return Ok(None),
    };
    Ok(Some(Reader::Packed(DecodeReader::single(feed, engine))))
}

/// A member's content.
pub(super) enum Reader<'a> {
    Stored(Input<'a>),
    Packed(DecodeReader<'a>),
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Reader::Stored(feed) => feed.read(buf),
            Reader::Packed(pump) => pump.read(buf),
        }
    }
}

/// Content held against the checksum and the size that were promised.
pub(super) struct Checked<'a> {
    reader: Reader<'a>,
    /// Checksum and size; none where they stand behind the data.
    promised: Option<(u32, u64)>,
    crc: crc32fast::Hasher,
    read: u64,
}

impl<'a> Checked<'a> {
    pub(super) fn new(reader: Reader<'a>, entry: &Entry) -> Self {
        let promised = entry.sized.then_some((entry.crc, entry.size));
        Checked { reader, promised, crc: crc32fast::Hasher::new(), read: 0 }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.crc.update(&buf[..read]);
        self.read += read as u64;
        if read == 0
            && !buf.is_empty()
            && let Some((crc, size)) = self.promised
        {
            let what = if self.read != size {
                "it is not as long as its header says"
            } else if self.crc.clone().finalize() != crc {
                "its checksum does not hold"
            } else {
                return Ok(0);
            };
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(read)
    }
}
