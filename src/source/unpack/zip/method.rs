//! How a member's data is compressed (APPNOTE 4.4.5), and the reading of it.

use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use super::record::Entry;
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::decoder::{DecodeReader, Decoder};
use crate::source::unpack::inflate::{Inflate, Inflate64};
use crate::source::unpack::input::Input;
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::ppmd::{self, Ppmd};
use crate::source::unpack::share::Claim;
use crate::source::unpack::{bzip2, lzma, xz, zstd};

/// Hands a member's content on; whether it is whole. None where its method is not known, which is reported.
pub(super) fn hand_over_content(
    container: &OpenContainer<'_>,
    input: Input<'_>,
    entry: &Entry,
    name: &MemberName,
    claim: Claim,
) -> io::Result<Option<bool>> {
    let bytes_in = input.counter();
    let opened = match reader(entry, input) {
        // The limit is to be named, and the member cannot be blamed.
        Err(error) if error.kind() == ErrorKind::OutOfMemory => {
            container.report(Region::Member(name), StreamError::LimitReached(Limit::Memory), Some(0));
            return Ok(Some(false));
        }
        opened => opened?,
    };
    let Some(reader) = opened else {
        let reason =
            format!("packed by method {}, which is not supported: unpack it and scan that", entry.method);
        container.report_unknown_method(Region::Member(name), &reason);
        return Ok(None);
    };
    let stored = matches!(reader, Reader::Stored(_));
    let mut reader = CheckedReader::new(reader, entry);
    let content = if stored {
        Content::Stored(&mut reader)
    } else {
        Content::Compressed { reader: &mut reader, bytes_in: Rc::clone(&bytes_in), out_before: 0, claim }
    };
    let (_, error) = container.hand_over(Region::Member(name), content);
    Ok(Some(error.is_none()))
}

/// A reader of a member's content; none where the method is not known.
fn reader<'a>(entry: &Entry, mut input: Input<'a>) -> io::Result<Option<Reader<'a>>> {
    let decoder: Box<dyn Decoder> = match entry.method {
        0 => return Ok(Some(Reader::Stored(input))),
        8 if entry.sized => Box::new(Inflate::sized(entry.packed, entry.size)),
        8 => Box::new(Inflate::default()),
        9 => Box::new(Inflate64::new()),
        12 => bzip2::new_decoder(),
        14 => lzma::in_zip(&mut input, (!entry.has_end_marker() && entry.sized).then_some(entry.size))?,
        20 | 93 => zstd::new_decoder(&mut input)?,
        95 => xz::open(&mut input)?,
        98 => {
            let ppmd = ppmd::in_zip(input, entry.sized.then_some(entry.size))?;
            return Ok(Some(Reader::Ppmd(Box::new(ppmd))));
        }
        _ => return Ok(None),
    };
    Ok(Some(Reader::Compressed(DecodeReader::single(input, decoder))))
}

/// A member's content.
enum Reader<'a> {
    Stored(Input<'a>),
    Compressed(DecodeReader<'a>),
    Ppmd(Box<Ppmd<'a>>),
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Reader::Stored(input) => input.read(buf),
            Reader::Compressed(reader) => reader.read(buf),
            Reader::Ppmd(reader) => reader.read(buf),
        }
    }
}

/// Content whose checksum and size are checked at its end.
struct CheckedReader<'a> {
    reader: Reader<'a>,
    /// Checksum and size; none where they stand behind the data.
    expected: Option<(u32, u64)>,
    crc: crc32fast::Hasher,
    read: u64,
}

impl<'a> CheckedReader<'a> {
    fn new(reader: Reader<'a>, entry: &Entry) -> Self {
        let expected = entry.sized.then_some((entry.crc, entry.size));
        CheckedReader { reader, expected, crc: crc32fast::Hasher::new(), read: 0 }
    }
}

impl Read for CheckedReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.crc.update(&buf[..read]);
        self.read += read as u64;
        if read == 0
            && !buf.is_empty()
            && let Some((crc, size)) = self.expected
        {
            let message = if self.read != size {
                "it is not as long as its header says"
            } else if self.crc.clone().finalize() != crc {
                "its checksum does not hold"
            } else {
                return Ok(0);
            };
            return Err(io::Error::new(ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}
