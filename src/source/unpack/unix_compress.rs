//! compress: `.Z` files, packed by LZW with codes of 9 to 16 bits.
//!
//! The format has no specification; it is what `compress42.c` of ncompress writes (<https://github.com/vapier/ncompress>).
//! It has no checksum and no end: a file that was cut off looks whole.

use std::io::{self, ErrorKind};

use zeroize::Zeroize as _;

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::memory::Reservation;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "compress",
    first_bytes: &[0x1f],
    begins,
    signature: Signature::Weak(|_| LEAST),
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.log.Z!a.log",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |_| false,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".z", ".taz", ".tz"],
};

/// The flags behind the signature: the most bits of a code, whether a code clears the table, and two that are 0.
const MAX_BITS: u8 = 0x1f;
const BLOCK_MODE: u8 = 0x80;
const RESERVED: u8 = 0x60;

/// Half of all codes are no code yet: chance data fails at once, mostly.
const LEAST: usize = 64;

/// The bits of the first codes (`INIT_BITS`).
const FIRST_BITS: u32 = 9;
/// The code that clears the table, where there is one (`CLEAR`).
const CLEAR: u16 = 256;
/// Codes are written eight at a time: so many bits of a group that ends early are passed over.
const GROUP: u32 = 8;

/// Whether a file begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x9d, flags, ..] if flags & RESERVED == 0 && (9..=16).contains(&(flags & MAX_BITS)))
}

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let header = input.read_bytes(3)?;
    let Some(flags) = header.get(2).copied().filter(|_| begins(&header)) else {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a header of compress"));
    };
    let max_bits = u32::from(flags & MAX_BITS);
    let codes = 1_usize << max_bits;
    let reservation = input.budget.reserve(4 * codes as u64)?;
    Ok(Box::new(Lzw {
        prefixes: vec![0; codes],
        suffixes: vec![0; codes],
        clears: flags & BLOCK_MODE != 0,
        max_bits,
        bits: FIRST_BITS,
        free: if flags & BLOCK_MODE != 0 { CLEAR.into() } else { u32::from(CLEAR) - 1 } + 1,
        last: None,
        first_byte: 0,
        buffer: 0,
        buffered: 0,
        group: 0,
        skip: 0,
        pending: Vec::new(),
        _reservation: reservation,
    }))
}

struct Lzw {
    /// For each code: that of all but its last byte, and that byte.
    prefixes: Vec<u16>,
    suffixes: Vec<u8>,
    clears: bool,
    max_bits: u32,
    /// Of the next code.
    bits: u32,
    /// The code that is defined next.
    free: u32,
    /// The code before, and the first byte of what it stands for.
    last: Option<u16>,
    first_byte: u8,
    /// Bits that were taken from the input, the next ones lowest.
    buffer: u32,
    buffered: u32,
    /// How many codes of the current group were read.
    group: u32,
    /// How many bits are to be passed over.
    skip: u32,
    /// What the codes stand for that was not given out, the last byte first.
    pending: Vec<u8>,
    _reservation: Reservation,
}

impl Lzw {
    /// The next code, once all its bits are there.
    fn next_code(&mut self, input: &mut &[u8]) -> Option<u16> {
        if self.free > self.largest() && self.bits < self.max_bits {
            self.end_group();
            self.bits += 1;
        }
        loop {
            let skipped = self.skip.min(self.buffered);
            self.buffer >>= skipped;
            (self.skip, self.buffered) = (self.skip - skipped, self.buffered - skipped);
            if self.skip == 0 && self.buffered >= self.bits {
                break;
            }
            let (byte, rest) = input.split_first()?;
            *input = rest;
            self.buffer |= u32::from(*byte) << self.buffered;
            self.buffered += 8;
        }
        let code = self.buffer & ((1 << self.bits) - 1);
        self.buffer >>= self.bits;
        self.buffered -= self.bits;
        self.group = (self.group + 1) % GROUP;
        u16::try_from(code).ok()
    }

    /// The largest code that has so many bits; with the most bits, codes stay as long as they are.
    fn largest(&self) -> u32 {
        (1 << self.bits) - 1
    }

    /// The rest of a group is passed over when codes change their length.
    fn end_group(&mut self) {
        self.skip = (GROUP - self.group) % GROUP * self.bits;
        self.group = 0;
    }

    /// Puts what a code stands for into `pending`.
    fn decode(&mut self, code: u16) -> io::Result<()> {
        let damaged = || io::Error::new(ErrorKind::InvalidData, "a code that does not exist");
        let Some(last) = self.last else {
            let byte = u8::try_from(code).map_err(|_| damaged())?;
            (self.last, self.first_byte) = (Some(code), byte);
            self.pending.push(byte);
            return Ok(());
        };
        if code == CLEAR && self.clears {
            self.end_group();
            // The next code defines this one, which is never used.
            (self.bits, self.free) = (FIRST_BITS, CLEAR.into());
            return Ok(());
        }
        let mut at = code;
        if u32::from(code) >= self.free {
            if u32::from(code) > self.free {
                return Err(damaged());
            }
            // It is the one that is defined next: the last one, and its first byte.
            self.pending.push(self.first_byte);
            at = last;
        }
        while at >= CLEAR {
            let index = usize::from(at);
            let (Some(prefix), Some(suffix)) = (self.prefixes.get(index), self.suffixes.get(index)) else {
                return Err(damaged());
            };
            // Each is defined by one before it.
            if *prefix >= at {
                return Err(damaged());
            }
            self.pending.push(*suffix);
            at = *prefix;
        }
        self.first_byte = at.to_le_bytes()[0];
        self.pending.push(self.first_byte);
        let free = self.free as usize;
        if let (Some(prefix), Some(suffix)) = (self.prefixes.get_mut(free), self.suffixes.get_mut(free)) {
            (*prefix, *suffix) = (last, self.first_byte);
            self.free += 1;
        }
        self.last = Some(code);
        Ok(())
    }
}

impl Decoder for Lzw {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let (mut rest, mut produced) = (input, 0);
        let ended = loop {
            while let Some(room) = output.get_mut(produced)
                && let Some(byte) = self.pending.pop()
            {
                *room = byte;
                produced += 1;
            }
            if produced == output.len() {
                break Ok(false);
            }
            let Some(code) = self.next_code(&mut rest) else { break Ok(last) };
            if let Err(error) = self.decode(code) {
                break Err(error);
            }
        };
        Step { consumed: input.len() - rest.len(), produced, ended }
    }
}

impl Drop for Lzw {
    fn drop(&mut self) {
        self.pending.zeroize();
        self.suffixes.zeroize();
    }
}
