//! What a 7z header claims, read before the library is let at it: it would make room for every file
//! the header counts, and for whatever comes out of a packed header.

use std::io::{self, ErrorKind, Read, SeekFrom};

use lzma_rust2::LzmaReader;

use crate::blob::ReadSeek;
use crate::source::unpack::budget::{Budget, Hold};

/// The fixed header at the beginning.
const FIXED: u64 = 32;
/// More than the header of a million files takes.
const HEADER_MOST: u64 = 128 * 1024 * 1024;
/// What the library makes of each byte of a header, at most, and of each file.
const FOR_EACH_FILE: u64 = 256;

pub(super) const LZMA: &[u8] = &[3, 1, 1];
pub(super) const AES: &[u8] = &[6, 0xf1, 7, 1];

/// Why the library is not let at an archive.
#[derive(Debug)]
pub(super) enum Refusal {
    Encrypted,
    Unsupported,
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Io(error)
    }
}

/// Reserves the memory that reading an archive's header takes.
pub(super) fn reserve(file: &mut dyn ReadSeek, budget: &Budget) -> Result<Vec<Hold>, Refusal> {
    let len = file.seek(SeekFrom::End(0))?;
    let fixed = read_at(file, 0, FIXED)?;
    let word = |at: usize| fixed[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (at, size) = (word(12).saturating_add(FIXED), word(20));
    let claimed = fixed[8..12].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    // The library would guess at where a header is that has no checksum, for a very long time.
    if claimed != crc32fast::hash(&fixed[12..]) || at.saturating_add(size) > len || size > HEADER_MOST {
        return Err(torn("its header is missing").into());
    }
    let mut holds = vec![budget.hold(2 * size)?];
    let mut header = read_at(file, at, size)?;
    if header.first() == Some(&0x17) {
        let mut cursor = Cursor { bytes: &header[1..] };
        let streams = cursor.streams()?;
        let (folder, pack) = (streams.folders.first(), streams.packs.first());
        let (Some(folder), Some(pack)) = (folder, pack) else {
            return Err(torn("its header is empty").into());
        };
        if folder.coders.iter().any(|coder| coder.id == AES) {
            return Err(Refusal::Encrypted);
        }
        let [Coder { id: LZMA, properties: [properties, dictionary @ ..] }] = folder.coders.as_slice() else {
            return Err(Refusal::Unsupported);
        };
        let Some(dictionary) = dictionary.first_chunk() else { return Err(Refusal::Unsupported) };
        let dictionary = u32::from_le_bytes(*dictionary);
        let unpacked = folder.sizes.iter().copied().max().unwrap_or(0).min(u64::MAX / 8);
        // The header as it is read here and by the library, each with its dictionary.
        holds.push(budget.hold(unpacked * 2 + u64::from(dictionary).min(unpacked) * 2)?);
        file.seek(SeekFrom::Start(FIXED.saturating_add(streams.pack_at)))?;
        let packed = file.take(*pack);
        let mut reader = LzmaReader::new_with_props(packed, unpacked, *properties, dictionary, None)?;
        let mut plain = Vec::new();
        reader.by_ref().take(unpacked).read_to_end(&mut plain)?;
        header = plain;
    }
    let files = Cursor { bytes: &header }.files()?;
    holds.push(budget.hold(files.saturating_mul(FOR_EACH_FILE))?);
    Ok(holds)
}

fn read_at(file: &mut dyn ReadSeek, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < len { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn torn(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// One method of a chain.
struct Coder<'h> {
    id: &'h [u8],
    properties: &'h [u8],
}

/// A chain of methods, and the sizes of what comes out of each.
struct Folder<'h> {
    coders: Vec<Coder<'h>>,
    outs: u64,
    sizes: Vec<u64>,
    summed: bool,
}

#[derive(Default)]
struct Streams<'h> {
    pack_at: u64,
    packs: Vec<u64>,
    folders: Vec<Folder<'h>>,
}

/// Reads the header's bytes, which count themselves in numbers of one to nine bytes.
struct Cursor<'h> {
    bytes: &'h [u8],
}

impl<'h> Cursor<'h> {
    fn take(&mut self, len: u64) -> io::Result<&'h [u8]> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (now, later) = self.bytes.split_at_checked(len).ok_or(torn("its header is cut short"))?;
        self.bytes = later;
        Ok(now)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// As many high bits of the first byte as are set tell how many bytes follow.
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
            Err(torn("its header counts more than it holds"))
        } else {
            Ok(count)
        }
    }

    fn expect(&mut self, id: u8) -> io::Result<()> {
        if self.byte()? == id { Ok(()) } else { Err(torn("its header is not in order")) }
    }

    /// Checksums of `count` things, of which some may be left out; which are there.
    fn sums(&mut self, count: u64) -> io::Result<Vec<bool>> {
        let all = self.byte()? != 0;
        let bits = if all { &[][..] } else { self.take(count.div_ceil(8))? };
        let there =
            |at: u64| all || bits.get((at / 8) as usize).is_some_and(|byte| byte & 0x80 >> (at % 8) != 0);
        let there: Vec<bool> = (0..count).map(there).collect();
        self.take(4 * there.iter().filter(|there| **there).count() as u64)?;
        Ok(there)
    }

    fn folder(&mut self) -> io::Result<Folder<'h>> {
        let mut folder = Folder { coders: Vec::new(), outs: 0, sizes: Vec::new(), summed: false };
        let mut ins = 0_u64;
        for _ in 0..self.count(1)? {
            let flags = self.byte()?;
            let id = self.take(u64::from(flags & 15))?;
            let (more_ins, more_outs) =
                if flags & 16 != 0 { (self.count(1)?, self.count(1)?) } else { (1, 1) };
            (ins, folder.outs) = (ins + more_ins, folder.outs + more_outs);
            let len = if flags & 32 != 0 { self.number()? } else { 0 };
            folder.coders.push(Coder { id, properties: self.take(len)? });
        }
        let pairs = folder.outs.saturating_sub(1);
        for _ in 0..pairs * 2 {
            self.number()?;
        }
        let packs = ins.saturating_sub(pairs);
        for _ in 0..if packs > 1 { packs } else { 0 } {
            self.number()?;
        }
        Ok(folder)
    }

    /// Where the packed streams are, and how they are packed; up to the end mark.
    fn streams(&mut self) -> io::Result<Streams<'h>> {
        let mut streams = Streams::default();
        let mut id = self.byte()?;
        if id == 6 {
            self.packs(&mut streams)?;
            id = self.byte()?;
        }
        if id == 7 {
            self.folders(&mut streams)?;
            id = self.byte()?;
        }
        if id == 8 {
            self.parts(&streams)?;
            id = self.byte()?;
        }
        if id == 0 { Ok(streams) } else { Err(torn("its header is not in order")) }
    }

    fn packs(&mut self, streams: &mut Streams<'h>) -> io::Result<()> {
        streams.pack_at = self.number()?;
        let count = self.count(1)?;
        loop {
            match self.byte()? {
                0 => return Ok(()),
                9 => streams.packs = (0..count).map(|_| self.number()).collect::<Result<_, _>>()?,
                10 => drop(self.sums(count)?),
                _ => return Err(torn("its header is not in order")),
            }
        }
    }

    fn folders(&mut self, streams: &mut Streams<'h>) -> io::Result<()> {
        self.expect(11)?;
        let count = self.count(1)?;
        self.expect(0)?;
        streams.folders = (0..count).map(|_| self.folder()).collect::<Result<_, _>>()?;
        self.expect(12)?;
        for folder in &mut streams.folders {
            folder.sizes = (0..folder.outs).map(|_| self.number()).collect::<Result<_, _>>()?;
        }
        match self.byte()? {
            0 => return Ok(()),
            10 => {
                let there = self.sums(count)?;
                streams.folders.iter_mut().zip(there).for_each(|(folder, there)| folder.summed = there);
            }
            _ => return Err(torn("its header is not in order")),
        }
        self.expect(0)
    }

    /// How the folders' contents are cut into files.
    fn parts(&mut self, streams: &Streams<'_>) -> io::Result<()> {
        let mut counts = vec![1; streams.folders.len()];
        let mut id = self.byte()?;
        if id == 13 {
            for count in &mut counts {
                *count = self.number()?;
            }
            id = self.byte()?;
        }
        if id == 9 {
            for _ in 0..counts.iter().fold(0, |sum: u64, count| sum.saturating_add(count.saturating_sub(1))) {
                self.number()?;
            }
            id = self.byte()?;
        }
        if id == 10 {
            let known =
                |(count, folder): (&u64, &Folder<'_>)| if *count == 1 && folder.summed { 0 } else { *count };
            let sums = counts.iter().zip(&streams.folders).map(known).fold(0, u64::saturating_add);
            if sums > 8 * self.bytes.len() as u64 {
                return Err(torn("its header counts more than it holds"));
            }
            self.sums(sums)?;
            id = self.byte()?;
        }
        if id == 0 { Ok(()) } else { Err(torn("its header is not in order")) }
    }

    /// How many files a plain header counts.
    fn files(&mut self) -> io::Result<u64> {
        self.expect(1)?;
        loop {
            match self.byte()? {
                0 => return Ok(0),
                2 => {
                    while self.byte()? != 0 {
                        let len = self.number()?;
                        self.take(len)?;
                    }
                }
                4 => drop(self.streams()?),
                5 => return self.number(),
                _ => return Err(torn("its header is not in order")),
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
            assert_eq!(Cursor { bytes }.number().expect("whole"), number);
        }
        assert!(Cursor { bytes: &[0xff, 1] }.number().is_err());
    }
}
