//! Decompressors, driven one step at a time: what came out before an error is never lost with it.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};
use std::ops::Range;
use std::rc::Rc;

use super::bounded_reader::read_catching_panics;
use super::buffers::Buffer;
use super::input::Input;
use crate::blob::MIN_TOKEN_LEN;

/// What one step of a decompressor did.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// Whether the stream has ended.
    pub(super) ended: io::Result<bool>,
}

/// A decompressor that does no I/O.
pub(super) trait Decoder {
    /// Takes from `input` and puts into `output` (never empty). With `last`, `input` is all there is.
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step;

    /// Reads what the format keeps behind the end of a stream, and checks it.
    fn finish(&mut self, _input: &mut Input<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// How far a library's own counter moved in a step, never beyond the buffer it was given.
pub(super) fn advanced(before: u64, after: u64, most: usize) -> usize {
    usize::try_from(after.saturating_sub(before)).map_or(most, |bytes| bytes.min(most))
}

/// How many of `len` bytes to ask of a library that loses what it made in a step that ends in an error, when `out` bytes came out
/// before: few of a small file, and of a large one so many that it costs nothing.
pub(super) fn kept_before_error(out: u64, len: usize) -> usize {
    len.min(if out < 4096 { 64 } else { 4096 })
}

/// Asks a reader of such a library for as many bytes at a time.
pub(super) struct Careful<'r> {
    reader: &'r mut dyn Read,
    out: u64,
}

impl<'r> Careful<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Careful { reader, out: 0 }
    }
}

impl Read for Careful<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = kept_before_error(self.out, buf.len());
        let read = self.reader.read(&mut buf[..most])?;
        self.out += read as u64;
        Ok(read)
    }
}

/// Text that a stream keeps beside its data: a comment, a name, a skippable frame.
pub(super) struct Metadata {
    /// Where it stands in the container.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
    /// Whether it is the name of the content.
    pub(super) is_name: bool,
}

/// Reads a stream's header and adds the text in it; a decoder of what follows.
pub(super) type OpenStream = fn(&mut Input<'_>, &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>>;

/// A compressor's file format: streams one behind the other, their contents joined.
pub(super) struct StreamFormat {
    /// Whether another stream begins with these bytes; given [`StreamFormat::HEAD`] of them.
    pub(super) another_begins: fn(&[u8]) -> bool,
    pub(super) open: OpenStream,
    /// How many bytes at the end of a stream nothing looks at: what follows may begin there.
    pub(super) unchecked_trailer: usize,
    /// What it adds to the name of the file it compresses, in lower case.
    pub(super) extensions: &'static [&'static str],
}

impl StreamFormat {
    const HEAD: usize = 16;
}

/// How many bytes of text beside the data are kept for one file.
const MAX_METADATA: usize = 16 * 1024 * 1024;

enum State {
    Open(Box<dyn Decoder>),
    Ended,
    Failed(Option<io::Error>),
}

/// Reads what a decoder makes of an input.
pub(super) struct DecodeReader<'a> {
    input: Input<'a>,
    state: State,
    format: Option<&'static StreamFormat>,
    metadata: Vec<Metadata>,
    /// Whether the first of those is the name that the first stream gives its content.
    is_named: bool,
    /// How many bytes of text those hold.
    metadata_len: usize,
    /// The first bytes, where they were decoded before anybody read them: up to the end of the range, from its start on.
    first: Option<(Buffer, Range<usize>)>,
}

impl<'a> DecodeReader<'a> {
    /// One stream.
    pub(super) fn single(input: Input<'a>, decoder: Box<dyn Decoder>) -> Self {
        DecodeReader {
            input,
            state: State::Open(decoder),
            format: None,
            metadata: Vec::new(),
            is_named: false,
            metadata_len: 0,
            first: None,
        }
    }

    /// All streams of a file. Reads the first one's header; an error in it is returned by the first read.
    pub(super) fn joined(mut input: Input<'a>, format: &'static StreamFormat) -> Self {
        let mut metadata = Vec::new();
        let state = match (format.open)(&mut input, &mut metadata) {
            Ok(decoder) => State::Open(decoder),
            Err(error) => State::Failed(Some(error)),
        };
        let metadata_len = metadata.iter().map(|text| text.bytes.len()).sum();
        let is_named = metadata.first().is_some_and(|text: &Metadata| text.is_name);
        DecodeReader { input, state, format: Some(format), metadata, is_named, metadata_len, first: None }
    }

    /// Whether the header is sound and `least` bytes decompress, as far as the input goes: other data may begin like a
    /// compressed stream by chance. What was decoded is read from then on.
    pub(super) fn begins_well(&mut self, least: usize) -> bool {
        if least == 0 {
            return !matches!(&self.state, State::Failed(Some(error)) if !may_still_be_valid(error));
        }
        let (mut buffer, mut filled) = (Buffer::take(), 0);
        let begins_well = loop {
            match read_catching_panics(self, &mut buffer[filled..]) {
                Ok(0) => break true,
                Ok(read) => filled += read,
                Err(error) => {
                    let valid = may_still_be_valid(&error);
                    self.state = State::Failed(Some(error));
                    break valid;
                }
            }
            if filled >= least {
                break true;
            }
        };
        self.first = Some((buffer, 0..filled));
        begins_well
    }

    /// The count of compressed bytes consumed, which goes on counting.
    pub(super) fn bytes_in(&self) -> Rc<Cell<u64>> {
        self.input.counter()
    }

    /// The name the first stream gives its content.
    pub(super) fn name(&self) -> Option<&[u8]> {
        let first = self.metadata.first().filter(|_| self.is_named)?;
        Some(&first.bytes).filter(|name| !name.is_empty()).map(Vec::as_slice)
    }

    /// The text beside the data, and what follows the last stream.
    pub(super) fn into_rest(self) -> (Vec<Metadata>, Input<'a>) {
        (self.metadata, self.input)
    }

    /// The stream has ended: begins the next one, if there is one.
    fn next_stream(&mut self) -> io::Result<State> {
        let Some(format) = self.format else { return Ok(State::Ended) };
        if !(format.another_begins)(self.input.peek(StreamFormat::HEAD)?) {
            // Streams may be padded with zeros, in which there is nothing to find.
            self.input.skip_zeros()?;
            if !(format.another_begins)(self.input.peek(StreamFormat::HEAD)?) {
                return Ok(State::Ended);
            }
        }
        let mut more = Vec::new();
        let decoder = (format.open)(&mut self.input, &mut more)?;
        // Files of a hundred thousand streams keep a few bytes before each.
        more.retain(|text| text.bytes.len() >= MIN_TOKEN_LEN);
        self.metadata_len += more.iter().map(|text| text.bytes.len()).sum::<usize>();
        self.metadata.append(&mut more);
        if self.metadata_len > MAX_METADATA {
            return Err(io::Error::new(ErrorKind::InvalidData, "too much text between its streams"));
        }
        Ok(State::Open(decoder))
    }

    fn decode(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let decoder = match &mut self.state {
            State::Ended => return Ok(0),
            State::Failed(error) => {
                return Err(error.take().unwrap_or_else(|| ErrorKind::InvalidData.into()));
            }
            State::Open(decoder) => decoder,
        };
        let mut stalls = 0;
        loop {
            let bytes = self.input.fill_buf()?;
            let last = bytes.is_empty();
            let Step { consumed, produced, ended } = decoder.step(bytes, buf, last);
            self.input.consume(consumed);
            let stalled = consumed == 0 && produced == 0;
            stalls = if stalled { stalls + 1 } else { 0 };
            let ended = ended.and_then(|ended| match ended {
                true => decoder.finish(&mut self.input).map(|()| true),
                false if stalled && last => Err(ErrorKind::UnexpectedEof.into()),
                // No decoder needs more than one idle step; one that never moves must not hang the run.
                false if stalls > 8 => Err(io::Error::new(ErrorKind::InvalidData, "the decoder is stuck")),
                false => Ok(false),
            });
            match ended {
                Ok(false) if produced > 0 => return Ok(produced),
                Ok(false) => {}
                Ok(true) => {
                    self.state = self.next_stream().unwrap_or_else(|error| State::Failed(Some(error)));
                    return Ok(produced);
                }
                Err(error) => {
                    self.state = State::Failed(Some(error));
                    return Ok(produced);
                }
            }
        }
    }
}

/// Whether a decoder may fail with this on what is one of its files all the same.
fn may_still_be_valid(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::OutOfMemory | ErrorKind::Unsupported)
}

impl Read for DecodeReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some((buffer, unread)) = &mut self.first {
            let len = unread.len().min(buf.len());
            buf[..len].copy_from_slice(&buffer[unread.start..unread.start + len]);
            unread.start += len;
            if len > 0 {
                return Ok(len);
            }
            self.first = None;
        }
        loop {
            let read = self.decode(buf)?;
            if read > 0 || matches!(self.state, State::Ended) {
                return Ok(read);
            }
        }
    }
}
