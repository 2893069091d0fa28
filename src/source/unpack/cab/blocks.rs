//! What comes out of the blocks of a folder: MSZIP ([MS-MCI]) and LZX ([MS-CAB] 2.6, "LZX"; `lzxd` decodes it).

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use lzxd::{Lzxd, WindowSize};
use zeroize::Zeroize as _;

use super::header::{Folder, le16, le32};
use crate::source::unpack::budget::Budget;
use crate::source::unpack::decoder::Decoder as _;
use crate::source::unpack::inflate::Inflate;
use crate::source::unpack::input::Input;
use crate::source::unpack::memory::Reservation;

/// A checksum, the sizes of a block packed and unpacked (2.5, `CFDATA`).
const HEADER_LEN: usize = 8;
/// How far back a block of MSZIP refers: into the one before ([MS-MCI] 2.1).
const HISTORY: usize = 32 * 1024;

/// Why a folder cannot be read.
pub(super) enum Refusal {
    /// Its method, by name.
    Method(&'static str),
    Memory,
}

enum Codec {
    Stored,
    /// What came out last.
    MsZip(Vec<u8>),
    Lzx(Box<Lzxd>, #[expect(dead_code, reason = "held for the window")] Reservation),
}

/// Reads what comes out of a folder's blocks.
pub(super) struct Blocks<'i, 'a> {
    input: &'i mut Input<'a>,
    left: u16,
    reserve: usize,
    codec: Codec,
    /// What came out of a block, and how much of that was read.
    out: Vec<u8>,
    given: usize,
    bytes_in: Rc<Cell<u64>>,
    /// What ended the folder.
    failed: Option<io::Error>,
    /// The block that did, and its offset.
    broken: Option<(u64, Vec<u8>)>,
    has_failed: bool,
}

impl Drop for Blocks<'_, '_> {
    /// Files hold tokens.
    fn drop(&mut self) {
        self.out.zeroize();
        if let Codec::MsZip(history) = &mut self.codec {
            history.zeroize();
        }
    }
}

impl<'i, 'a> Blocks<'i, 'a> {
    /// Begins to read a folder, whose first block is next.
    pub(super) fn open(
        input: &'i mut Input<'a>,
        folder: &Folder,
        reserve: usize,
        budget: &Budget,
    ) -> Result<Self, Refusal> {
        // 2.3, `typeCompress`: the method, and the size of the window as a power of two.
        let codec = match folder.method & 15 {
            0 => Codec::Stored,
            1 => Codec::MsZip(Vec::new()),
            2 => return Err(Refusal::Method("Quantum")),
            3 => {
                let window =
                    window(folder.method >> 8 & 31).ok_or(Refusal::Method("LZX with an unknown window"))?;
                let reservation =
                    budget.reserve(window as u64 + HISTORY as u64).map_err(|_| Refusal::Memory)?;
                Codec::Lzx(Box::new(Lzxd::new(window)), reservation)
            }
            _ => return Err(Refusal::Method("an unknown method")),
        };
        Ok(Blocks {
            input,
            left: folder.blocks,
            reserve,
            codec,
            out: Vec::new(),
            given: 0,
            bytes_in: Rc::default(),
            failed: None,
            broken: None,
            has_failed: false,
        })
    }

    pub(super) fn is_stored(&self) -> bool {
        matches!(self.codec, Codec::Stored)
    }

    /// The count of packed bytes that were read, which goes on counting.
    pub(super) fn bytes_in(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.bytes_in)
    }

    /// The block that ended the folder early, as it is, and its offset.
    pub(super) fn take_broken(&mut self) -> Option<(u64, Vec<u8>)> {
        self.broken.take()
    }

    /// Decompresses the next block. What came out before it broke off is there nevertheless.
    fn next_block(&mut self) -> io::Result<()> {
        let offset = self.input.offset();
        let header = self.input.peek(HEADER_LEN)?;
        if header.len() < HEADER_LEN {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let (sum, packed, size) = (le32(header, 0), le16(header, 4), le16(header, 6));
        let block = self.input.read_bytes(HEADER_LEN + self.reserve + usize::from(packed))?;
        self.left -= 1;
        self.bytes_in.set(self.bytes_in.get() + block.len() as u64);
        self.out.clear();
        self.given = 0;
        let data = block.get(HEADER_LEN + self.reserve..).unwrap_or_default();
        let sizes = block.get(4..).unwrap_or_default();
        // A panic in the library leaves it in no state to go on.
        self.has_failed = true;
        // 2.5: a block whose other half is in the next cabinet has no size.
        if size == 0 && packed != 0 {
            self.left = 0;
            if self.is_stored() {
                self.out.extend_from_slice(data);
            } else {
                self.broken = Some((offset, block));
            }
            self.has_failed = false;
            return Ok(());
        }
        let decoded = self.codec.decode(data, usize::from(size), &mut self.out);
        // Some count what is reserved, too, and a checksum of 0 is none.
        let holds = |len| sum == checksum(sizes.get(..len).unwrap_or_default(), checksum(data, 0));
        let holds = sum == 0 || holds(4) || holds(4 + self.reserve);
        let outcome =
            decoded.and(if holds { Ok(()) } else { Err(invalid("the checksum of a block does not hold")) });
        if let Err(error) = outcome {
            self.broken = Some((offset, block));
            self.failed = Some(error);
        } else {
            self.has_failed = false;
        }
        Ok(())
    }
}

impl Read for Blocks<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.has_failed {
                return Err(self
                    .failed
                    .take()
                    .unwrap_or_else(|| invalid("a block before this one is damaged")));
            }
            if self.left == 0 || buf.is_empty() {
                return Ok(0);
            }
            self.next_block()?;
        }
        let left = self.out.get(self.given..).unwrap_or_default();
        let len = left.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(left) {
            *to = *from;
        }
        self.given += len;
        Ok(len)
    }
}

impl Codec {
    /// Decompresses a block of which `size` bytes should come.
    fn decode(&mut self, data: &[u8], size: usize, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Codec::Stored => out.extend_from_slice(data),
            Codec::MsZip(history) => inflate(history, data, size, out)?,
            Codec::Lzx(lzxd, _) => {
                let bytes = lzxd.decompress_next(data, size).map_err(|error| invalid(&error.to_string()))?;
                out.extend_from_slice(bytes);
            }
        }
        if out.len() == size { Ok(()) } else { Err(invalid("a block has not the size that it states")) }
    }
}

/// Inflates a block of MSZIP: `CK`, and a stream that may refer to what came out of the block before. To the decoder, that is a part of the
/// same stream: a stored block (RFC 1951, 3.2.4) in front of it.
fn inflate(history: &mut Vec<u8>, data: &[u8], size: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let Some(deflated) = data.strip_prefix(b"CK") else {
        return Err(invalid("a block without its signature"));
    };
    let len = u16::try_from(history.len()).unwrap_or(0);
    let mut packed = [&[0], &len.to_le_bytes()[..], &(!len).to_le_bytes(), history, deflated].concat();
    let mut unpacked = vec![0; history.len() + size + 1];
    let (mut inflate, mut consumed, mut produced) = (Inflate::default(), 0, 0);
    let outcome = loop {
        let (input, output) = (packed.get(consumed..), unpacked.get_mut(produced..));
        let step = inflate.step(input.unwrap_or_default(), output.unwrap_or_default(), true);
        consumed += step.consumed;
        produced += step.produced;
        match step.ended {
            Ok(true) => break Ok(()),
            Ok(false) if step.consumed == 0 && step.produced == 0 || produced == unpacked.len() => {
                break Err(invalid("a block that does not end"));
            }
            Ok(false) => {}
            Err(error) => break Err(error),
        }
    };
    unpacked.truncate(produced);
    out.extend_from_slice(unpacked.get(history.len()..).unwrap_or_default());
    history.zeroize();
    history.extend_from_slice(unpacked.get(unpacked.len().saturating_sub(HISTORY)..).unwrap_or_default());
    packed.zeroize();
    unpacked.zeroize();
    outcome
}

/// The checksum of a block ([MS-CAB] 3.1): the data in words of four bytes, and what is left of it the other way round.
fn checksum(bytes: &[u8], seed: u32) -> u32 {
    let words = bytes.chunks_exact(4);
    let rest = words.remainder().iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    words.fold(seed, |sum, word| sum ^ le32(word, 0)) ^ rest
}

fn window(bits: u16) -> Option<WindowSize> {
    Some(match bits {
        15 => WindowSize::KB32,
        16 => WindowSize::KB64,
        17 => WindowSize::KB128,
        18 => WindowSize::KB256,
        19 => WindowSize::KB512,
        20 => WindowSize::MB1,
        21 => WindowSize::MB2,
        _ => return None,
    })
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}
