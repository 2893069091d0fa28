//! The structures of a 7z header (7zFormat.txt in the LZMA SDK, <https://www.7-zip.org/sdk.html>).

use std::io::{self, ErrorKind};

/// The property ids of a header (7zFormat.txt, "Property IDs").
const END: u8 = 0x00;
const HEADER: u8 = 0x01;
const ARCHIVE_PROPERTIES: u8 = 0x02;
const MAIN_STREAMS_INFO: u8 = 0x04;
const FILES_INFO: u8 = 0x05;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SUBSTREAMS_INFO: u8 = 0x08;
const SIZE: u8 = 0x09;
const CRC: u8 = 0x0a;
const FOLDER: u8 = 0x0b;
const CODERS_UNPACK_SIZE: u8 = 0x0c;
const NUM_UNPACK_STREAM: u8 = 0x0d;

/// One method of a folder.
pub(super) struct Coder<'h> {
    pub(super) id: &'h [u8],
    pub(super) properties: &'h [u8],
}

/// What the format calls a folder: a chain of methods, and the sizes of what comes out of each.
pub(super) struct Folder<'h> {
    pub(super) coders: Vec<Coder<'h>>,
    outputs: u64,
    /// How many bytes come out of each method.
    pub(super) sizes: Vec<u64>,
    has_crc: bool,
}

/// The packed streams, and how they are packed.
#[derive(Default)]
pub(super) struct Streams<'h> {
    /// Where the first packed stream begins, behind the signature header.
    pub(super) pack_offset: u64,
    pub(super) pack_sizes: Vec<u64>,
    pub(super) folders: Vec<Folder<'h>>,
}

/// An error about a header that is not as the format demands.
pub(super) fn damaged(message: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

/// Reads the bytes of a header.
pub(super) struct HeaderReader<'h> {
    bytes: &'h [u8],
}

impl<'h> HeaderReader<'h> {
    pub(super) fn new(bytes: &'h [u8]) -> Self {
        HeaderReader { bytes }
    }

    fn take(&mut self, len: u64) -> io::Result<&'h [u8]> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (now, later) = self.bytes.split_at_checked(len).ok_or(damaged("its header is cut short"))?;
        self.bytes = later;
        Ok(now)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A number of one to nine bytes: as many follow as high bits of the first byte are set (7zFormat.txt, "UINT64").
    fn number(&mut self) -> io::Result<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let low =
            self.take(u64::from(more))?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let high = if more >= 7 { 0 } else { u64::from(first & (0x7f >> more)) };
        Ok(low | high.checked_shl(8 * more).unwrap_or(0))
    }

    /// A count of things that take at least a byte each, or a bit.
    fn count(&mut self, per_byte: u64) -> io::Result<u64> {
        let count = self.number()?;
        if count > self.bytes.len() as u64 * per_byte {
            Err(damaged("its header counts more than it holds"))
        } else {
            Ok(count)
        }
    }

    fn expect(&mut self, id: u8) -> io::Result<()> {
        if self.byte()? == id { Ok(()) } else { Err(damaged("its header is not in order")) }
    }

    /// Checksums of `count` things, of which some may be left out; which are defined (7zFormat.txt, "Digests").
    fn digests(&mut self, count: u64) -> io::Result<Vec<bool>> {
        let all = self.byte()? != 0;
        let bits = if all { &[][..] } else { self.take(count.div_ceil(8))? };
        let is_defined =
            |at: u64| all || bits.get((at / 8) as usize).is_some_and(|byte| byte & 0x80 >> (at % 8) != 0);
        let defined: Vec<bool> = (0..count).map(is_defined).collect();
        self.take(4 * defined.iter().filter(|defined| **defined).count() as u64)?;
        Ok(defined)
    }

    /// One folder (7zFormat.txt, "Folder").
    fn folder(&mut self) -> io::Result<Folder<'h>> {
        let mut folder = Folder { coders: Vec::new(), outputs: 0, sizes: Vec::new(), has_crc: false };
        let mut inputs = 0_u64;
        for _ in 0..self.count(1)? {
            // Four bits for the length of the id, one for more than one input or output, one for properties.
            let flags = self.byte()?;
            let id = self.take(u64::from(flags & 15))?;
            let (more_inputs, more_outputs) =
                if flags & 16 != 0 { (self.count(1)?, self.count(1)?) } else { (1, 1) };
            (inputs, folder.outputs) = (inputs + more_inputs, folder.outputs + more_outputs);
            let len = if flags & 32 != 0 { self.number()? } else { 0 };
            folder.coders.push(Coder { id, properties: self.take(len)? });
        }
        let bind_pairs = folder.outputs.saturating_sub(1);
        for _ in 0..bind_pairs * 2 {
            self.number()?;
        }
        let packs = inputs.saturating_sub(bind_pairs);
        for _ in 0..if packs > 1 { packs } else { 0 } {
            self.number()?;
        }
        Ok(folder)
    }

    /// Where the packed streams are, and how they are packed; up to the end mark (7zFormat.txt, "Streams Info").
    pub(super) fn streams(&mut self) -> io::Result<Streams<'h>> {
        let mut streams = Streams::default();
        let mut id = self.byte()?;
        if id == PACK_INFO {
            self.pack_info(&mut streams)?;
            id = self.byte()?;
        }
        if id == UNPACK_INFO {
            self.unpack_info(&mut streams)?;
            id = self.byte()?;
        }
        if id == SUBSTREAMS_INFO {
            self.substreams_info(&streams)?;
            id = self.byte()?;
        }
        if id == END { Ok(streams) } else { Err(damaged("its header is not in order")) }
    }

    fn pack_info(&mut self, streams: &mut Streams<'h>) -> io::Result<()> {
        streams.pack_offset = self.number()?;
        let count = self.count(1)?;
        loop {
            match self.byte()? {
                END => return Ok(()),
                SIZE => streams.pack_sizes = (0..count).map(|_| self.number()).collect::<Result<_, _>>()?,
                CRC => drop(self.digests(count)?),
                _ => return Err(damaged("its header is not in order")),
            }
        }
    }

    fn unpack_info(&mut self, streams: &mut Streams<'h>) -> io::Result<()> {
        self.expect(FOLDER)?;
        let count = self.count(1)?;
        // The folders stand here, and not in a stream of their own ("External").
        self.expect(0)?;
        streams.folders = (0..count).map(|_| self.folder()).collect::<Result<_, _>>()?;
        self.expect(CODERS_UNPACK_SIZE)?;
        for folder in &mut streams.folders {
            folder.sizes = (0..folder.outputs).map(|_| self.number()).collect::<Result<_, _>>()?;
        }
        match self.byte()? {
            END => return Ok(()),
            CRC => {
                let defined = self.digests(count)?;
                streams
                    .folders
                    .iter_mut()
                    .zip(defined)
                    .for_each(|(folder, defined)| folder.has_crc = defined);
            }
            _ => return Err(damaged("its header is not in order")),
        }
        self.expect(END)
    }

    /// How the folders' contents are cut into files.
    fn substreams_info(&mut self, streams: &Streams<'_>) -> io::Result<()> {
        let mut counts = vec![1; streams.folders.len()];
        let mut id = self.byte()?;
        if id == NUM_UNPACK_STREAM {
            for count in &mut counts {
                *count = self.number()?;
            }
            id = self.byte()?;
        }
        if id == SIZE {
            for _ in 0..counts.iter().fold(0, |sum: u64, count| sum.saturating_add(count.saturating_sub(1))) {
                self.number()?;
            }
            id = self.byte()?;
        }
        if id == CRC {
            let known =
                |(count, folder): (&u64, &Folder<'_>)| if *count == 1 && folder.has_crc { 0 } else { *count };
            let digests = counts.iter().zip(&streams.folders).map(known).fold(0, u64::saturating_add);
            if digests > 8 * self.bytes.len() as u64 {
                return Err(damaged("its header counts more than it holds"));
            }
            self.digests(digests)?;
            id = self.byte()?;
        }
        if id == END { Ok(()) } else { Err(damaged("its header is not in order")) }
    }

    /// How many files a plain header counts (7zFormat.txt, "Header").
    pub(super) fn files(&mut self) -> io::Result<u64> {
        self.expect(HEADER)?;
        loop {
            match self.byte()? {
                END => return Ok(0),
                ARCHIVE_PROPERTIES => {
                    while self.byte()? != END {
                        let len = self.number()?;
                        self.take(len)?;
                    }
                }
                MAIN_STREAMS_INFO => drop(self.streams()?),
                FILES_INFO => return self.number(),
                _ => return Err(damaged("its header is not in order")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_to_nine_bytes() {
        for (bytes, number) in [
            (&[0x7f][..], 0x7f),
            (&[0x80, 0x80], 0x80),
            (&[0xbf, 0xff], 0x3fff),
            (&[0xc1, 0x34, 0x12], 0x11234),
            (&[0xff, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
        ] {
            assert_eq!(HeaderReader::new(bytes).number().expect("whole"), number);
        }
        assert!(HeaderReader::new(&[0xff, 1]).number().is_err());
    }
}
