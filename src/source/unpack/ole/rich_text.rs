//! The body of a mail as Rich Text, in the compression of [MS-OXRTFCP]
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp>).

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use zeroize::Zeroize;

/// What every dictionary begins with (2.1.2.1).
const COMMON: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// The size of the dictionary, in which both ends meet.
const DICTIONARY: usize = 4096;
/// The sizes, the type and a checksum (2.1.3.1).
const HEADER_LEN: usize = 16;
/// How many bytes come out at a time, at least.
const AT_ONCE: usize = 4096;

/// A reader of the text in a stream; none where it is not compressed: then it was seen as it is.
pub(super) fn open(stream: &[u8], bytes_in: &Rc<Cell<u64>>) -> Option<Box<dyn Read>> {
    (stream.get(8..12)? == b"LZFu").then_some(())?;
    let mut dictionary = vec![b' '; DICTIONARY];
    dictionary.get_mut(..COMMON.len())?.copy_from_slice(COMMON);
    Some(Box::new(Text {
        packed: stream.to_vec(),
        at: HEADER_LEN,
        dictionary,
        write_at: COMMON.len(),
        out: Vec::new(),
        given: 0,
        bytes_in: Rc::clone(bytes_in),
    }))
}

struct Text {
    packed: Vec<u8>,
    at: usize,
    dictionary: Vec<u8>,
    write_at: usize,
    out: Vec<u8>,
    /// How many bytes of what came out were read.
    given: usize,
    bytes_in: Rc<Cell<u64>>,
}

impl Drop for Text {
    /// Mails hold tokens.
    fn drop(&mut self) {
        self.packed.zeroize();
        self.dictionary.zeroize();
        self.out.zeroize();
    }
}

impl Text {
    fn next(&mut self) -> Option<u8> {
        let byte = self.packed.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        if let Some(slot) = self.dictionary.get_mut(self.write_at) {
            *slot = byte;
        }
        self.write_at = (self.write_at + 1) % DICTIONARY;
    }

    /// Decompresses a little more: a byte of flags, and what each of them says (2.2.3.1.3). None at the end.
    fn step(&mut self) -> Option<()> {
        let flags = self.next()?;
        for bit in 0..8 {
            let first = self.next()?;
            if flags >> bit & 1 == 0 {
                self.put(first);
                continue;
            }
            let reference = u16::from_be_bytes([first, self.next()?]);
            let from = usize::from(reference >> 4);
            if from == self.write_at {
                // The end.
                self.at = self.packed.len();
                return None;
            }
            for step in 0..usize::from(reference & 15) + 2 {
                let byte = self.dictionary.get((from + step) % DICTIONARY).copied()?;
                self.put(byte);
            }
        }
        Some(())
    }
}

impl Read for Text {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.out.clear();
            self.given = 0;
            while self.out.len() < AT_ONCE && self.step().is_some() {}
            self.bytes_in.set(self.at.min(self.packed.len()) as u64);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reader = open(stream, &Rc::default()).expect("compressed");
        reader.read_to_end(&mut out).expect("memory");
        out
    }

    /// The examples of [MS-OXRTFCP] 3.1 and 3.2.
    #[test]
    fn the_examples_of_the_specification() {
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        assert_eq!(unpacked(simple), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let across = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
        assert_eq!(unpacked(across), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }
}
