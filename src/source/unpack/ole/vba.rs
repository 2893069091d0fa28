//! The source of macros, as projects of Visual Basic hold it: behind what was compiled, in the compression of [MS-OVBA] 2.4.1
//! (<https://learn.microsoft.com/openspecs/office_file_formats/ms-ovba>).

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use memchr::memmem;
use zeroize::Zeroize;

/// The first byte of what is compressed (2.4.1.1.1, `SignatureByte`).
const SIGNATURE: u8 = 1;
/// What comes out of a chunk, all but the last (2.4.1.1.2).
const CHUNK: usize = 4096;

/// A reader of the source in a stream; none where none begins in it.
pub(super) fn open(stream: &[u8], bytes_in: &Rc<Cell<u64>>) -> Option<Box<dyn Read>> {
    let packed = stream.get(begin(stream)? + 1..)?.to_vec();
    Some(Box::new(Source { packed, at: 0, chunk: Vec::new(), given: 0, bytes_in: Rc::clone(bytes_in) }))
}

/// Where the source begins. The project's list of modules says it, too, but many tools write what only Office mends: so it is where
/// `Attribute` stands, with which each module begins, or where chunks begin that end where the stream does.
fn begin(stream: &[u8]) -> Option<usize> {
    let attribute = memmem::find_iter(stream, b"\0Attribut").filter_map(|at| at.checked_sub(3));
    let mut attribute = attribute.filter(|at| stream.get(*at) == Some(&SIGNATURE));
    attribute.next().or_else(|| first_that_ends_well(stream))
}

/// The first signature behind which chunks follow one another up to the end.
fn first_that_ends_well(stream: &[u8]) -> Option<usize> {
    let mut ends_well = vec![false; stream.len() + 1];
    *ends_well.last_mut()? = true;
    for at in (0..stream.len()).rev() {
        let next = chunk_len(stream, at).and_then(|len| ends_well.get(at + len)).copied().unwrap_or(false);
        *ends_well.get_mut(at)? = next;
    }
    (0..stream.len().saturating_sub(1))
        .find(|at| stream.get(*at) == Some(&SIGNATURE) && ends_well.get(at + 1) == Some(&true))
}

/// The length of the chunk that begins here, if one does (2.4.1.1.5: its size, and three bits that are always the same).
fn chunk_len(stream: &[u8], at: usize) -> Option<usize> {
    let header = u16::from_le_bytes(*stream.get(at..)?.first_chunk()?);
    ((header >> 12) & 7 == 3).then_some(usize::from(header & 0xfff) + 3)
}

/// The source, decompressed a chunk at a time.
struct Source {
    packed: Vec<u8>,
    at: usize,
    chunk: Vec<u8>,
    /// How many bytes of the chunk were read.
    given: usize,
    bytes_in: Rc<Cell<u64>>,
}

impl Drop for Source {
    /// Macros hold tokens.
    fn drop(&mut self) {
        self.packed.zeroize();
        self.chunk.zeroize();
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.chunk.len() {
            if self.at >= self.packed.len() || buf.is_empty() {
                return Ok(0);
            }
            let damaged = || io::Error::new(ErrorKind::InvalidData, "no chunk where one should begin");
            let len = chunk_len(&self.packed, self.at).ok_or_else(damaged)?;
            let end = (self.at + len).min(self.packed.len());
            let chunk = self.packed.get(self.at..end).unwrap_or_default();
            (self.chunk, self.given) = (decompress(chunk), 0);
            self.at = end;
            self.bytes_in.set(self.at as u64);
            if self.chunk.is_empty() {
                return Err(damaged());
            }
        }
        let left = self.chunk.get(self.given..).unwrap_or_default();
        let len = left.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(left) {
            *to = *from;
        }
        self.given += len;
        Ok(len)
    }
}

/// What comes out of a chunk, up to where it breaks off (2.4.1.3.2 to 2.4.1.3.5).
fn decompress(chunk: &[u8]) -> Vec<u8> {
    let (mut out, mut input) = (Vec::with_capacity(CHUNK), chunk.iter().copied().skip(2));
    let is_packed = chunk.get(1).is_some_and(|flags| flags & 0x80 != 0);
    if !is_packed {
        out.extend(input.take(CHUNK));
        return out;
    }
    while let Some(flags) = input.next() {
        for bit in 0..8 {
            let Some(first) = input.next() else { return out };
            if flags >> bit & 1 == 0 {
                out.push(first);
            } else {
                let Some(second) = input.next() else { return out };
                let token = u16::from_le_bytes([first, second]);
                // How many bits are the offset depends on how far back there is anything (2.4.1.3.19.1).
                let offset_bits = (usize::BITS - out.len().saturating_sub(1).leading_zeros()).clamp(4, 12);
                let back = usize::from(token >> (16 - offset_bits)) + 1;
                let len = usize::from(token & 0xffff >> offset_bits) + 3;
                for _ in 0..len {
                    let Some(byte) = out.len().checked_sub(back).and_then(|at| out.get(at)).copied() else {
                        return out;
                    };
                    out.push(byte);
                }
            }
            if out.len() >= CHUNK {
                return out;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reader = open(stream, &Rc::default()).expect("a source");
        reader.read_to_end(&mut out).expect("sound");
        out
    }

    /// The examples of [MS-OVBA] 3.2.
    #[test]
    fn the_examples_of_the_specification() {
        let normal = b"\x01\x2f\xb0\x00#aaabcde\x82f\x00paghij\x018\x08akl\x000mnop\x06q\x02p\x04\x10rstuv\x10wxyz\x00<";
        assert_eq!(unpacked(normal), b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        assert_eq!(unpacked(b"\x01\x03\xb0\x02a\x45\x00"), [b'a'; 73]);
        let none = b"\x01\x19\xb0\x00abcdefgh\x00ijklmnop\x00qrstuv.";
        assert_eq!(unpacked(none), b"abcdefghijklmnopqrstuv.");
    }
}
