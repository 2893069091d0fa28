//! Decompressors, driven one step at a time: what came out before an error is never lost with it.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};
use std::rc::Rc;

use super::input::Input;

/// What one step of a decompressor did.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// Whether the stream has ended.
    pub(super) ended: io::Result<bool>,
}

/// A decompressor that does no I/O.
pub(super) trait Decoder {
    /// Takes from `input` and puts into `output` (never empty). `last` says that `input` is all there is.
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step;

    /// Reads what the format keeps behind the end of a stream, and checks it.
    fn finish(&mut self, _feed: &mut Input<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// A boxed engine.
pub(super) type Boxed = Box<dyn Decoder>;

/// Text kept beside the data of a stream: a comment, a name, a frame to be skipped.
pub(super) struct Aside {
    /// Where it stands in the container.
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
    /// Whether it is the name of the content.
    pub(super) name: bool,
}

/// A compressor's file format: streams one behind the other, their contents joined.
pub(super) struct Format {
    /// Whether another stream begins so; shown [`Format::LOOK`] bytes.
    pub(super) begins: fn(&[u8]) -> bool,
    /// Reads a stream's header.
    pub(super) open: fn(&mut Input<'_>, &mut Vec<Aside>) -> io::Result<Boxed>,
}

impl Format {
    const LOOK: usize = 16;
}

/// How many bytes of asides are kept for one file.
const ASIDES_MOST: usize = 1024 * 1024;

enum State {
    Open(Boxed),
    Ended,
    Failed(Option<io::Error>),
}

/// An engine, fed.
pub(super) struct DecodeReader<'a> {
    feed: Input<'a>,
    state: State,
    format: Option<&'static Format>,
    asides: Vec<Aside>,
}

impl<'a> DecodeReader<'a> {
    /// One stream.
    pub(super) fn single(feed: Input<'a>, engine: Boxed) -> Self {
        DecodeReader { feed, state: State::Open(engine), format: None, asides: Vec::new() }
    }

    /// All streams of a file. Reads the first one's header; what is wrong with it shows when the pump is read.
    pub(super) fn joined(mut feed: Input<'a>, format: &'static Format) -> Self {
        let mut asides = Vec::new();
        let state = match (format.open)(&mut feed, &mut asides) {
            Ok(engine) => State::Open(engine),
            Err(error) => State::Failed(Some(error)),
        };
        DecodeReader { feed, state, format: Some(format), asides }
    }

    /// What is wrong with the first header.
    pub(super) fn refused(&self) -> Option<&io::Error> {
        match &self.state {
            State::Failed(error) => error.as_ref(),
            State::Open(_) | State::Ended => None,
        }
    }

    /// The count of compressed bytes taken in.
    pub(super) fn taken(&self) -> Rc<Cell<u64>> {
        self.feed.counter()
    }

    /// The name the first stream gives its content.
    pub(super) fn name(&self) -> Option<&[u8]> {
        let first = self.asides.first().filter(|aside| aside.name)?;
        Some(&first.bytes).filter(|name| !name.is_empty()).map(Vec::as_slice)
    }

    /// What stood beside the data, and what stands behind it.
    pub(super) fn into_rest(self) -> (Vec<Aside>, Input<'a>) {
        (self.asides, self.feed)
    }

    /// The stream has ended: begins the next one, if there is one.
    fn next_stream(&mut self) -> io::Result<State> {
        let Some(format) = self.format else { return Ok(State::Ended) };
        if !(format.begins)(self.feed.peek(Format::LOOK)?) {
            // Streams may be padded with zeros, which are nothing to look into.
            self.feed.skip_zeros()?;
            if !(format.begins)(self.feed.peek(Format::LOOK)?) {
                return Ok(State::Ended);
            }
        }
        let engine = (format.open)(&mut self.feed, &mut self.asides)?;
        if self.asides.iter().map(|aside| aside.bytes.len()).sum::<usize>() > ASIDES_MOST {
            return Err(io::Error::new(ErrorKind::InvalidData, "too much text between its streams"));
        }
        Ok(State::Open(engine))
    }

    fn turn(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let engine = match &mut self.state {
            State::Ended => return Ok(0),
            State::Failed(error) => {
                return Err(error.take().unwrap_or_else(|| ErrorKind::InvalidData.into()));
            }
            State::Open(engine) => engine,
        };
        let mut stalls = 0;
        loop {
            let input = self.feed.fill_buf()?;
            let last = input.is_empty();
            let Step { consumed, produced, ended } = engine.step(input, buf, last);
            self.feed.consume(consumed);
            let stalled = consumed == 0 && produced == 0;
            stalls = if stalled { stalls + 1 } else { 0 };
            let ended = ended.and_then(|ended| match ended {
                true => engine.finish(&mut self.feed).map(|()| true),
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

impl Read for DecodeReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.turn(buf)?;
            if read > 0 || matches!(self.state, State::Ended) {
                return Ok(read);
            }
        }
    }
}
