//! Deltas: copy and insert instructions against a base object (gitformat-pack(5), "Deltified representation").

use std::io::{self, Read};

/// Objects of more bytes get their memory only once the instructions are known to add up to that.
const TRUSTED_SIZE: usize = 64 << 20;

/// A delta whose header has been read.
pub(super) struct Delta<'a> {
    /// Bytes of the base object.
    pub(super) base_size: usize,
    /// Bytes of the object that comes out.
    pub(super) size: usize,
    instructions: &'a [u8],
}

pub(super) enum Instruction<'a> {
    /// `size` bytes of the base, from `offset` on.
    Copy { offset: usize, size: usize },
    /// Bytes of the delta itself.
    Insert(&'a [u8]),
}

/// The delta contradicts itself or its base.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidDelta;

impl<'a> Delta<'a> {
    #[cfg(test)]
    pub(super) fn new(base_size: usize, size: usize, instructions: &'a [u8]) -> Self {
        Delta { base_size, size, instructions }
    }

    /// Reads the header of an inflated delta.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, InvalidDelta> {
        let mut rest = bytes;
        let base_size = take_size(&mut rest).ok_or(InvalidDelta)?;
        let size = take_size(&mut rest).ok_or(InvalidDelta)?;
        Ok(Delta { base_size, size, instructions: rest })
    }

    /// The instructions, up to the first that is malformed.
    pub(super) fn instructions(
        &self,
    ) -> impl Iterator<Item = Result<Instruction<'a>, InvalidDelta>> + use<'a> {
        let mut rest = self.instructions;
        std::iter::from_fn(move || take_instruction(&mut rest).transpose())
    }

    /// Writes the object into `out`, which is emptied first.
    pub(super) fn apply(&self, base: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidDelta> {
        out.clear();
        // A damaged header may announce any size: no more memory is reserved than the instructions can fill.
        if self.size > TRUSTED_SIZE && self.written_size(base)? != self.size {
            return Err(InvalidDelta);
        }
        out.reserve(self.size.min(self.max_size(base.len())));
        let mut rest = self.instructions;
        while let Some(instruction) = take_instruction(&mut rest)? {
            out.extend_from_slice(instruction.bytes(base)?);
            if out.len() > self.size {
                return Err(InvalidDelta);
            }
        }
        if out.len() == self.size { Ok(()) } else { Err(InvalidDelta) }
    }

    /// Makes the object of `bytes`, its base, where the delta copies no byte twice and none out of order; most do not. Returns
    /// whether it did: if not, the base is as it was.
    pub(super) fn apply_in_place(&self, bytes: &mut Vec<u8>) -> Result<bool, InvalidDelta> {
        let (mut moves, mut at, mut copied_to) = (Vec::new(), 0, 0);
        let mut rest = self.instructions;
        while let Some(instruction) = take_instruction(&mut rest)? {
            let length = instruction.bytes(bytes)?.len();
            if let Instruction::Copy { offset, .. } = instruction {
                if offset < copied_to {
                    return Ok(false);
                }
                copied_to = offset + length;
                if offset != at {
                    moves.push((offset..copied_to, at));
                }
            }
            at += length;
        }
        if at != self.size {
            return Err(InvalidDelta);
        }
        bytes.resize(bytes.len().max(self.size), 0);
        // Whatever moves up makes room for what is in front of it, and what moves down for what is behind it: so no move
        // overwrites what another one still needs.
        for (from, to) in moves.iter().rev().filter(|(from, to)| from.start < *to) {
            bytes.copy_within(from.clone(), *to);
        }
        for (from, to) in moves.iter().filter(|(from, to)| from.start > *to) {
            bytes.copy_within(from.clone(), *to);
        }
        let (mut rest, mut at) = (self.instructions, 0);
        while let Some(instruction) = take_instruction(&mut rest)? {
            at += match instruction {
                Instruction::Copy { size, .. } => size,
                Instruction::Insert(inserted) => {
                    bytes[at..at + inserted.len()].copy_from_slice(inserted);
                    inserted.len()
                }
            };
        }
        bytes.truncate(self.size);
        Ok(true)
    }

    /// Writes what is new in the object into `out`: every inserted byte, and `context` bytes on both sides of every
    /// boundary between instructions. Any text of up to `context + 1` bytes that is in the object is in here or in the
    /// base.
    pub(super) fn new_bytes(
        &self,
        base: &[u8],
        context: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InvalidDelta> {
        out.clear();
        let mut rest = self.instructions;
        while let Some(instruction) = take_instruction(&mut rest)? {
            let bytes = instruction.bytes(base)?;
            match instruction {
                Instruction::Copy { .. } if bytes.len() > 2 * context => {
                    out.extend_from_slice(&bytes[..context]);
                    out.extend_from_slice(&bytes[bytes.len() - context..]);
                }
                _ => out.extend_from_slice(bytes),
            }
        }
        Ok(())
    }

    /// Whether the object starts with the same `len` bytes as its base.
    pub(super) fn keeps_head(&self, len: usize) -> bool {
        let mut rest = self.instructions;
        matches!(take_instruction(&mut rest), Ok(Some(Instruction::Copy { offset: 0, size })) if size >= len)
    }

    /// Writes the first `len` bytes of the object into `out`.
    pub(super) fn head(&self, base: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), InvalidDelta> {
        out.clear();
        let mut rest = self.instructions;
        while out.len() < len
            && let Some(instruction) = take_instruction(&mut rest)?
        {
            let bytes = instruction.bytes(base)?;
            out.extend_from_slice(&bytes[..bytes.len().min(len - out.len())]);
        }
        Ok(())
    }

    /// The object as a stream, which costs no memory of its own.
    pub(super) fn reader<'r>(&'r self, base: &'r [u8]) -> DeltaReader<'r> {
        DeltaReader { base, instructions: self.instructions, current: &[] }
    }

    /// How many bytes the instructions write.
    fn written_size(&self, base: &[u8]) -> Result<usize, InvalidDelta> {
        let (mut rest, mut size) = (self.instructions, 0_usize);
        while let Some(instruction) = take_instruction(&mut rest)? {
            size = size.checked_add(instruction.bytes(base)?.len()).ok_or(InvalidDelta)?;
        }
        Ok(size)
    }

    /// The most bytes that the instructions could write: one inserts up to 127 bytes, or copies as many as three bytes
    /// of size can say, which the base must have.
    fn max_size(&self, base_size: usize) -> usize {
        self.instructions.len().saturating_mul(base_size.clamp(128, 0x00ff_ffff))
    }
}

/// An object that is put together from its delta base while it is read.
pub(super) struct DeltaReader<'a> {
    base: &'a [u8],
    instructions: &'a [u8],
    /// What is left of the instruction before.
    current: &'a [u8],
}

impl Read for DeltaReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let invalid = |InvalidDelta| io::Error::new(io::ErrorKind::InvalidData, "the delta is damaged");
        while self.current.is_empty() {
            let Some(instruction) = take_instruction(&mut self.instructions).map_err(invalid)? else {
                return Ok(0);
            };
            self.current = instruction.bytes(self.base).map_err(invalid)?;
        }
        self.current.read(buf)
    }
}

impl<'a> Instruction<'a> {
    /// What it writes.
    pub(super) fn bytes(&self, base: &'a [u8]) -> Result<&'a [u8], InvalidDelta> {
        match *self {
            Instruction::Copy { offset, size } => base.get(offset..offset + size).ok_or(InvalidDelta),
            Instruction::Insert(bytes) => Ok(bytes),
        }
    }
}

/// Takes the next instruction off `bytes`. Its first byte has the highest bit set for a copy: then the lower bits say
/// which of four bytes of offset and three of size follow. Otherwise it is the number of bytes to insert; 0 is reserved.
fn take_instruction<'a>(bytes: &mut &'a [u8]) -> Result<Option<Instruction<'a>>, InvalidDelta> {
    let Some((&code, mut rest)) = bytes.split_first() else { return Ok(None) };
    let instruction = if code & 0x80 == 0 {
        if code == 0 {
            return Err(InvalidDelta);
        }
        let (inserted, after) = rest.split_at_checked(usize::from(code)).ok_or(InvalidDelta)?;
        rest = after;
        Instruction::Insert(inserted)
    } else {
        let mut take_field = |bits: std::ops::Range<u32>| {
            let mut value = 0;
            for (n, bit) in bits.enumerate() {
                if code & (1 << bit) != 0 {
                    let (&byte, after) = rest.split_first().ok_or(InvalidDelta)?;
                    value |= usize::from(byte) << (8 * n);
                    rest = after;
                }
            }
            Ok(value)
        };
        let offset = take_field(0..4)?;
        let size = take_field(4..7)?;
        Instruction::Copy { offset, size: if size == 0 { 0x10000 } else { size } }
    };
    *bytes = rest;
    Ok(Some(instruction))
}

/// Takes a size off `bytes` ("size encoding"): seven bits a byte, the lowest first.
fn take_size(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests;
