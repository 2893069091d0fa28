//! `PPMd` as zip has it: variant I, revision 1 (APPNOTE 5.10).

use std::io::{self, ErrorKind, Read};

use ppmd_rust::{Ppmd8Decoder, RestoreMethod};

use super::decoder::kept_before_error;
use super::input::Input;
use super::memory::Reservation;

/// A member's stream.
pub(super) struct Ppmd<'a> {
    decoder: Ppmd8Decoder<Input<'a>>,
    /// How many bytes are still to come out, where that is known.
    left: Option<u64>,
    out: u64,
    _reservation: Reservation,
}

/// The stream of a zip member: two bytes with the model's order, its memory in MiB, and what is done when that is full, then the
/// data. `size` is known unless the stream ends in an end marker.
pub(super) fn in_zip(mut input: Input<'_>, size: Option<u64>) -> io::Result<Ppmd<'_>> {
    const MIB: u32 = 1024 * 1024;
    let header = input.read_bytes(2)?;
    let fields = header.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
    let (order, memory, method) = ((fields & 15) + 1, (fields >> 4 & 0xff) + 1, fields >> 12);
    let memory = u32::from(memory) * MIB;
    let reservation = input.budget.reserve(memory.into())?;
    let decoder = Ppmd8Decoder::new(input, order.into(), memory, RestoreMethod::from(method))
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
    Ok(Ppmd { decoder, left: size, out: 0, _reservation: reservation })
}

impl Read for Ppmd<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = kept_before_error(self.out, buf.len());
        let most = self.left.map_or(most, |left| usize::try_from(left).map_or(most, |left| left.min(most)));
        let read = self.decoder.read(&mut buf[..most])?;
        self.out += read as u64;
        self.left = self.left.map(|left| left.saturating_sub(read as u64));
        Ok(read)
    }
}
