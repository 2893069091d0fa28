//! The filters of a stream, one behind the other (ISO 32000-1, 7.4).

use std::io::{self, BufReader, ErrorKind, Read};

use weezl::{BitOrder, LzwStatus};

use super::lexer::{Value, hex_digit, is_blank};
use super::predictor::{Predicted, Predictor};
use crate::source::unpack::budget::Budget;
use crate::source::unpack::decoder::{DecodeReader, Decoder, Step};
use crate::source::unpack::inflate::Inflate;
use crate::source::unpack::input::Input;

/// No stream has more of them.
const MAX_FILTERS: usize = 8;

/// One filter.
pub(super) enum Filter {
    Flate(Option<Predictor>),
    /// And whether codes grow one earlier than they must.
    Lzw(bool, Option<Predictor>),
    Ascii85,
    AsciiHex,
    RunLength,
}

/// What the filters of a stream come to.
pub(super) enum Filters {
    /// They are undone in this order.
    Known(Vec<Filter>),
    /// What is left is a picture.
    Picture,
    /// One is not known here, or encrypted.
    Unknown,
}

/// The filters that a stream's dictionary names.
pub(super) fn of(dictionary: &Value) -> Filters {
    let names = match dictionary.get([b"Filter", b"F"]) {
        None => return Filters::Known(Vec::new()),
        Some(Value::Name(name)) => vec![name.as_slice()],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(|name| if let Value::Name(name) = name { Some(name.as_slice()) } else { None })
            .collect(),
        Some(_) => return Filters::Unknown,
    };
    let parameters = dictionary.get([b"DecodeParms", b"DP"]);
    let mut filters = Vec::new();
    for (index, name) in names.iter().enumerate().take(MAX_FILTERS) {
        let parameters = match parameters {
            Some(Value::Array(each)) => each.get(index),
            other => other,
        };
        let predictor = parameters.and_then(Predictor::of);
        filters.push(match *name {
            b"FlateDecode" | b"Fl" => Filter::Flate(predictor),
            b"LZWDecode" | b"LZW" => {
                let early = parameters.and_then(|parameters| parameters.number(b"EarlyChange"));
                Filter::Lzw(early != Some(0), predictor)
            }
            b"ASCII85Decode" | b"A85" => Filter::Ascii85,
            b"ASCIIHexDecode" | b"AHx" => Filter::AsciiHex,
            b"RunLengthDecode" | b"RL" => Filter::RunLength,
            // Undone before all others, where it is known (7.4.10).
            b"Crypt" => continue,
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                return Filters::Picture;
            }
            _ => return Filters::Unknown,
        });
    }
    Filters::Known(filters)
}

/// Calls `use_it` with what the filters make of a reader.
pub(super) fn undo(
    filters: &[Filter],
    reader: &mut dyn Read,
    budget: &Budget,
    use_it: &mut dyn FnMut(&mut dyn Read),
) {
    let Some((first, rest)) = filters.split_first() else { return use_it(reader) };
    let mut buffered = BufReader::new(reader);
    let input = Input::reader(&mut buffered, budget);
    let (decoder, predictor): (Box<dyn Decoder>, _) = match first {
        Filter::Flate(predictor) => (Box::new(Zlib::default()), predictor.as_ref()),
        Filter::Lzw(early, predictor) => (Box::new(Lzw::new(*early)), predictor.as_ref()),
        Filter::Ascii85 => (Box::new(Ascii85::default()), None),
        Filter::AsciiHex => (Box::new(AsciiHex::default()), None),
        Filter::RunLength => (Box::new(RunLength::default()), None),
    };
    let mut plain = DecodeReader::single(input, decoder);
    match predictor {
        Some(predictor) => undo(rest, &mut Predicted::new(&mut plain, predictor), budget, use_it),
        None => undo(rest, &mut plain, budget, use_it),
    }
}

/// A zlib stream whose checksum nobody looks at: writers get it wrong, and it is often cut off (7.4.4).
#[derive(Default)]
struct Zlib {
    inflate: Inflate,
    /// How many bytes of the header were read.
    header: usize,
}

impl Decoder for Zlib {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        if self.header < 2 {
            let consumed = input.len().min(2 - self.header);
            self.header += consumed;
            return Step { consumed, produced: 0, ended: Ok(false) };
        }
        let step = self.inflate.step(input, output, last);
        let is_cut_off = last && step.produced == 0 && matches!(step.ended, Ok(false));
        Step { ended: if is_cut_off { Ok(true) } else { step.ended }, ..step }
    }
}

/// LZW, whose codes are of 9 to 12 bits, the highest first (7.4.4.2).
struct Lzw(weezl::decode::Decoder);

impl Lzw {
    fn new(early: bool) -> Self {
        let new =
            if early { weezl::decode::Decoder::with_tiff_size_switch } else { weezl::decode::Decoder::new };
        Lzw(new(BitOrder::Msb, 8))
    }
}

impl Decoder for Lzw {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let done = self.0.decode_bytes(input, output);
        let ended = match done.status {
            Ok(LzwStatus::Done) => Ok(true),
            Ok(LzwStatus::NoProgress) => Ok(last),
            Ok(LzwStatus::Ok) => Ok(false),
            Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "corrupt LZW stream")),
        };
        Step { consumed: done.consumed_in, produced: done.consumed_out, ended }
    }
}

/// Five characters for four bytes (7.4.3).
#[derive(Default)]
struct Ascii85 {
    value: u32,
    count: usize,
    ready: Vec<u8>,
    ended: bool,
}

impl Decoder for Ascii85 {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let len = self.ready.len().min(output.len() - produced);
            output[produced..produced + len].copy_from_slice(&self.ready[..len]);
            self.ready.drain(..len);
            produced += len;
            if self.ended || produced == output.len() {
                break;
            }
            match input.get(consumed) {
                None if !last => break,
                None | Some(b'~') => {
                    consumed += usize::from(consumed < input.len());
                    self.flush();
                }
                Some(b'z') if self.count == 0 => {
                    consumed += 1;
                    self.ready.extend([0; 4]);
                }
                Some(byte @ b'!'..=b'u') => {
                    consumed += 1;
                    self.value = self.value.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                    self.count += 1;
                    if self.count == 5 {
                        self.ready.extend(self.value.to_be_bytes());
                        (self.value, self.count) = (0, 0);
                    }
                }
                Some(byte) if is_blank(*byte) => consumed += 1,
                Some(_) => {
                    let ended = Err(io::Error::new(ErrorKind::InvalidData, "not ASCII85"));
                    return Step { consumed, produced, ended };
                }
            }
        }
        Step { consumed, produced, ended: Ok(self.ended && self.ready.is_empty()) }
    }
}

impl Ascii85 {
    /// The last group may be shorter: it is filled with the highest digit, and gives one byte less than it has digits.
    fn flush(&mut self) {
        self.ended = true;
        if self.count > 1 {
            let filled = (self.count..5).fold(self.value, |value, _| value.wrapping_mul(85).wrapping_add(84));
            self.ready.extend(&filled.to_be_bytes()[..self.count - 1]);
        }
    }
}

/// Two digits for a byte (7.4.2).
#[derive(Default)]
struct AsciiHex {
    high: Option<u8>,
    ended: bool,
}

impl Decoder for AsciiHex {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (mut consumed, mut produced) = (0, 0);
        while !self.ended && produced < output.len() {
            let digit = match input.get(consumed) {
                None if !last => break,
                None | Some(b'>') => {
                    self.ended = true;
                    self.high.map(|_| 0)
                }
                Some(byte) => hex_digit(*byte),
            };
            consumed += usize::from(consumed < input.len());
            let Some(digit) = digit else { continue };
            match self.high.take() {
                None => self.high = Some(digit),
                Some(high) => {
                    output[produced] = high << 4 | digit;
                    produced += 1;
                }
            }
        }
        Step { consumed, produced, ended: Ok(self.ended) }
    }
}

/// Runs of one byte, and bytes as they are (7.4.5).
#[derive(Default)]
struct RunLength {
    /// How many bytes are left of what was begun.
    left: usize,
    run: Run,
}

#[derive(Clone, Copy, Default)]
enum Run {
    /// Bytes as they are.
    #[default]
    Literal,
    /// A byte that is not read yet, over and over.
    Announced,
    Repeated(u8),
}

impl Decoder for RunLength {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (mut consumed, mut produced) = (0, 0);
        while produced < output.len() {
            let byte = match self.run {
                Run::Repeated(byte) if self.left > 0 => byte,
                _ => {
                    let Some(byte) = input.get(consumed) else { break };
                    consumed += 1;
                    *byte
                }
            };
            match (self.left, self.run) {
                (0, _) if byte == 128 => return Step { consumed, produced, ended: Ok(true) },
                (0, _) if byte < 128 => (self.left, self.run) = (usize::from(byte) + 1, Run::Literal),
                (0, _) => (self.left, self.run) = (257 - usize::from(byte), Run::Announced),
                (_, Run::Announced) => self.run = Run::Repeated(byte),
                _ => {
                    output[produced] = byte;
                    produced += 1;
                    self.left -= 1;
                }
            }
        }
        Step { consumed, produced, ended: Ok(last && produced < output.len()) }
    }
}
