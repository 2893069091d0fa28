//! bzip2: streams one behind the other, as parallel compressors write them.

use std::io::{self, ErrorKind};

use ::bzip2::{Decompress, Status};

use super::decoder::{Boxed, Decoder, Format, Step};
use super::inflate::passed;
use super::sniff::{self, Kind};

pub(super) const FORMAT: Format =
    Format { begins: |head| sniff::sniff(head) == Some(Kind::Bzip2), open: |_, _| Ok(engine()) };

/// A decoder of one stream, its header included.
pub(super) fn engine() -> Boxed {
    Box::new(Stream(Decompress::new(false)))
}

struct Stream(Decompress);

impl Decoder for Stream {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (taken, given) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output);
        Step {
            consumed: passed(taken, self.0.total_in(), input.len()),
            produced: passed(given, self.0.total_out(), output.len()),
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
            },
        }
    }
}
