//! gzip: members one behind the other, each with a header that may hold a name, a comment and an extra field.

use std::io::{self, BufRead as _, ErrorKind};

use super::decoder::{Aside, Boxed, Decoder, Format, Step};
use super::inflate::Inflate;
use super::input::Input;

pub(super) const FORMAT: Format = Format { begins, open };

/// No name or comment is longer in practice; a longer one is not a header.
const TEXT_MOST: usize = 64 * 1024;

fn begins(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x8b, 8, 0..=0x1f, ..])
}

fn open(feed: &mut Input<'_>, asides: &mut Vec<Aside>) -> io::Result<Boxed> {
    let header = feed.read_bytes(10)?;
    if !begins(&header) {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a gzip header"));
    }
    let flags = header[3];
    let mut extra = None;
    if flags & 4 != 0 {
        let len = feed.read_bytes(2)?;
        let at = feed.at();
        let bytes = feed.read_bytes(usize::from(u16::from_le_bytes([len[0], len[1]])))?;
        extra = Some(Aside { at, bytes, name: false });
    }
    if flags & 8 != 0 {
        text(feed, asides, true)?;
    }
    if flags & 16 != 0 {
        text(feed, asides, false)?;
    }
    asides.extend(extra);
    if flags & 2 != 0 {
        feed.read_bytes(2)?;
    }
    Ok(Box::new(Member { inflate: Inflate::new(), crc: crc32fast::Hasher::new(), len: 0 }))
}

/// Reads a text that ends in NUL.
fn text(feed: &mut Input<'_>, asides: &mut Vec<Aside>, name: bool) -> io::Result<()> {
    let (at, mut bytes) = (feed.at(), Vec::new());
    loop {
        let here = feed.fill_buf()?;
        if here.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let end = here.iter().position(|byte| *byte == 0);
        bytes.extend_from_slice(&here[..end.unwrap_or(here.len()).min(TEXT_MOST + 1)]);
        if bytes.len() > TEXT_MOST {
            return Err(io::Error::new(ErrorKind::InvalidData, "endless text in a gzip header"));
        }
        let passed = end.map_or(here.len(), |end| end + 1);
        feed.consume(passed);
        if end.is_some() {
            asides.push(Aside { at, bytes, name });
            return Ok(());
        }
    }
}

struct Member {
    inflate: Inflate,
    crc: crc32fast::Hasher,
    len: u32,
}

impl Decoder for Member {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let step = self.inflate.step(input, output, last);
        self.crc.update(&output[..step.produced]);
        // The format keeps the length modulo 2^32.
        #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is what is compared")]
        let produced = step.produced as u32;
        self.len = self.len.wrapping_add(produced);
        step
    }

    fn finish(&mut self, feed: &mut Input<'_>) -> io::Result<()> {
        let trailer = feed.read_bytes(8)?;
        let expected = [self.crc.clone().finalize().to_le_bytes(), self.len.to_le_bytes()].concat();
        if trailer == expected {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::InvalidData, "the gzip checksum does not hold"))
        }
    }
}
