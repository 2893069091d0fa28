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

enum Instruction<'a> {
    /// `size` bytes of the base, from `offset` on.
    Copy { offset: usize, size: usize },
    /// Bytes of the delta itself.
    Insert(&'a [u8]),
}

/// The delta contradicts itself or its base.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidDelta;

impl<'a> Delta<'a> {
    /// Reads the header of an inflated delta.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, InvalidDelta> {
        let mut rest = bytes;
        let base_size = take_size(&mut rest).ok_or(InvalidDelta)?;
        let size = take_size(&mut rest).ok_or(InvalidDelta)?;
        Ok(Delta { base_size, size, instructions: rest })
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
    fn bytes(&self, base: &'a [u8]) -> Result<&'a [u8], InvalidDelta> {
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
mod tests {
    use super::*;

    /// base 40, copy 0..10, insert "XY", copy 20..40
    fn sample() -> Vec<u8> {
        vec![40, 32, 0x90, 10, 2, b'X', b'Y', 0x91, 20, 20]
    }

    fn base() -> Vec<u8> {
        (b'0'..b'0' + 40).collect()
    }

    #[test]
    fn applying_it_to_its_base_makes_the_object() {
        let (delta, base, mut out) = (sample(), base(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        assert_eq!((delta.base_size, delta.size), (40, 32));
        delta.apply(&base, &mut out).expect("fits");
        assert_eq!(out, [&base[..10], b"XY", &base[20..]].concat());
        let mut streamed = Vec::new();
        delta.reader(&base).read_to_end(&mut streamed).expect("fits");
        assert_eq!(streamed, out);
    }

    #[test]
    fn an_announced_size_gets_no_memory_before_it_is_borne_out() {
        // A base of 16 MiB, and 100,000 copies of one byte each of it, said to make an exbibyte.
        let base = vec![b'x'; 1 << 24];
        let mut delta = vec![0x80, 0x80, 0x80, 0x08];
        delta.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
        delta.extend([0x90, 1].repeat(100_000));
        let delta = Delta::parse(&delta).expect("well formed");
        assert_eq!((delta.base_size, delta.size), (1 << 24, 1 << 60));
        assert_eq!(delta.apply(&base, &mut Vec::new()), Err(InvalidDelta));
    }

    #[test]
    fn every_text_across_a_boundary_is_among_the_new_bytes() {
        let (delta, base, mut whole, mut new_bytes) = (sample(), base(), Vec::new(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        delta.apply(&base, &mut whole).expect("fits");
        for context in 0..12 {
            delta.new_bytes(&base, context, &mut new_bytes).expect("fits");
            for text in whole.windows(context + 1) {
                let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|other| other == text);
                assert!(holds(&new_bytes) || holds(&base), "context {context}");
            }
        }
    }

    #[test]
    fn the_head_needs_no_more_than_the_first_instructions() {
        let (delta, base, mut out) = (sample(), base(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        assert!(delta.keeps_head(10));
        assert!(!delta.keeps_head(11));
        delta.head(&base, 12, &mut out).expect("fits");
        assert_eq!(out, [&base[..10], b"XY"].concat());
    }

    #[test]
    fn no_damage_panics() {
        let (whole, base, mut out) = (sample(), base(), Vec::new());
        for cut in 0..whole.len() {
            let broken = Delta::parse(&whole[..cut]).and_then(|delta| delta.apply(&base, &mut out));
            assert_eq!(broken, Err(InvalidDelta), "cut {cut}");
        }
        for at in 0..whole.len() {
            for value in 0..=255 {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Ok(delta) = Delta::parse(&bytes) {
                    let _ = delta.apply(&base, &mut out);
                    let _ = delta.new_bytes(&base, 5, &mut out);
                    let _ = delta.head(&base, 5, &mut out);
                    let _ = delta.reader(&base).read_to_end(&mut out);
                }
            }
        }
        assert_eq!(Delta::parse(&[0xff; 20]).err(), Some(InvalidDelta));
    }
}
