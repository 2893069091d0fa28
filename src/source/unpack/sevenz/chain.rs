//! Blocks that are packed by a method the library has no decoder for, and that is simple: Deflate64, and the filters that swap
//! bytes (Methods.txt in the LZMA SDK). Their methods, one behind the other, are run here.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom};

use sevenz_rust2::{Archive, ArchiveEntry, Block, Coder, EncoderMethod, Error};

use super::file::wrong_checksum;
use super::{CountingReader, into_io};
use crate::source::unpack::budget::Budget;
use crate::source::unpack::bzip2;
use crate::source::unpack::decoder::Decoder;
use crate::source::unpack::inflate::{Inflate, Inflate64};
use crate::source::unpack::lzma_decoder;

/// The filters that swap the bytes of units of two and of four.
const SWAP_2: &[u8] = &[2, 3, 2];
const SWAP_4: &[u8] = &[2, 3, 4];
/// The only method with more than one input.
const BCJ_2: &[u8] = EncoderMethod::ID_BCJ2;

/// What is called with each file of a block, as the library calls it.
pub(super) type Each<'e> = &'e mut dyn FnMut(&ArchiveEntry, &mut dyn Read) -> Result<bool, Error>;

/// Whether the library cannot read a block, and this can.
pub(super) fn reads(block: &Block) -> bool {
    let ids = || block.coders.iter().map(Coder::encoder_method_id);
    ids().any(|id| matches!(id, EncoderMethod::ID_DEFLATE64 | SWAP_2 | SWAP_4))
        && ids().all(is_known)
        && block.ordered_coder_iter().count() == block.coders.len()
}

fn is_known(id: &[u8]) -> bool {
    matches!(
        id,
        SWAP_2
            | SWAP_4
            | EncoderMethod::ID_COPY
            | EncoderMethod::ID_DEFLATE
            | EncoderMethod::ID_DEFLATE64
            | EncoderMethod::ID_BZIP2
            | EncoderMethod::ID_LZMA
            | EncoderMethod::ID_LZMA2
    ) || lzma_decoder::is_filter(id)
}

/// Calls `each` with every file of a block; whether it was called with all.
pub(super) fn for_each_file(
    archive: &Archive,
    index: usize,
    files: &[ArchiveEntry],
    (source, budget): (&mut CountingReader<'_>, &Budget),
    each: Each<'_>,
) -> Result<bool, Error> {
    let mut content = open(archive, index, source, budget)?;
    for file in files {
        if !file.has_stream || file.size == 0 {
            if !each(file, &mut io::empty())? {
                return Ok(false);
            }
            continue;
        }
        let mut reader =
            Checked { content: (&mut *content).take(file.size), file, crc: crc32fast::Hasher::new() };
        if !each(file, &mut reader)? {
            return Ok(false);
        }
        io::copy(&mut reader, &mut io::sink())?;
    }
    Ok(true)
}

/// What comes out of a block.
fn open<'r>(
    archive: &Archive,
    index: usize,
    source: &'r mut CountingReader<'_>,
    budget: &'r Budget,
) -> io::Result<Box<dyn Read + 'r>> {
    let (offset, size) = packed_stream(archive, index).ok_or(ErrorKind::UnexpectedEof)?;
    source.seek(SeekFrom::Start(offset))?;
    let block = archive.blocks.get(index).ok_or(ErrorKind::UnexpectedEof)?;
    let mut content: Box<dyn Read + 'r> = Box::new(source.take(size));
    for (at, coder) in block.ordered_coder_iter() {
        let size = block.get_unpack_size_at_index(at);
        content = decode(coder.encoder_method_id(), coder.properties(), size, (content, budget))?;
    }
    Ok(content)
}

/// Where the packed stream of a block begins, and its size. A block has one, or three more for each method of four inputs.
fn packed_stream(archive: &Archive, index: usize) -> Option<(u64, u64)> {
    let streams = |block: &Block| {
        1 + 3 * block.coders.iter().filter(|coder| coder.encoder_method_id() == BCJ_2).count()
    };
    let first: usize = archive.blocks.get(..index)?.iter().map(streams).sum();
    let before =
        archive.pack_sizes().get(..first)?.iter().fold(0, |sum: u64, size| sum.saturating_add(*size));
    let begin = super::header::SIGNATURE_HEADER.saturating_add(archive.pack_pos());
    Some((begin.saturating_add(before), *archive.pack_sizes().get(first)?))
}

/// One method of a block over what comes out of the one before it.
fn decode<'r>(
    id: &[u8],
    properties: &[u8],
    size: u64,
    (content, budget): (Box<dyn Read + 'r>, &Budget),
) -> io::Result<Box<dyn Read + 'r>> {
    let decoder: Box<dyn Decoder> = match id {
        EncoderMethod::ID_COPY => return Ok(content),
        SWAP_2 => return Ok(Box::new(Swap::new(content, 2))),
        SWAP_4 => return Ok(Box::new(Swap::new(content, 4))),
        EncoderMethod::ID_LZMA2 => return Ok(lzma_decoder::lzma2(content, properties)),
        EncoderMethod::ID_LZMA => {
            let Some(([properties, ..], dictionary)) = properties.split_first_chunk::<1>() else {
                return Err(ErrorKind::InvalidData.into());
            };
            let dictionary = dictionary.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            // What the block's methods hold was reserved for the block.
            lzma_decoder::without_header(Some(size), *properties, dictionary, budget.window(0, 0)?)?
        }
        EncoderMethod::ID_DEFLATE => Box::new(Inflate::default()),
        EncoderMethod::ID_DEFLATE64 => Box::new(Inflate64::new()),
        EncoderMethod::ID_BZIP2 => bzip2::new_decoder(),
        _ => {
            return lzma_decoder::filter(id, properties, content)
                .ok_or_else(|| into_io(Error::UnsupportedCompressionMethod(format!("{id:?}"))));
        }
    };
    let reader = BufReader::with_capacity(64 * 1024, content);
    Ok(Box::new(Decoded { reader, decoder, left: size, stalls: 0 }))
}

/// Reads what a decoder makes of a reader, up to the size that the header states.
struct Decoded<R> {
    reader: R,
    decoder: Box<dyn Decoder>,
    left: u64,
    stalls: u32,
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        if most == 0 {
            return Ok(0);
        }
        loop {
            let bytes = self.reader.fill_buf()?;
            let last = bytes.is_empty();
            let step = self.decoder.step(bytes, &mut buf[..most], last);
            self.reader.consume(step.consumed);
            let stalled = step.consumed == 0 && step.produced == 0;
            self.stalls = if stalled { self.stalls + 1 } else { 0 };
            if step.produced > 0 {
                self.left = self.left.saturating_sub(step.produced as u64);
                return Ok(step.produced);
            }
            if step.ended? || stalled && last || self.stalls > 8 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Swaps the bytes of each unit; those behind the last whole one are left as they are.
struct Swap<R> {
    reader: R,
    unit: usize,
    bytes: Vec<u8>,
    given: usize,
}

impl<R: Read> Swap<R> {
    fn new(reader: R, unit: usize) -> Self {
        Swap { reader, unit, bytes: Vec::new(), given: 0 }
    }
}

impl<R: Read> Read for Swap<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.bytes.len() {
            self.bytes.clear();
            self.given = 0;
            // A whole number of units, whatever the reader gives at a time.
            (&mut self.reader).take(4096).read_to_end(&mut self.bytes)?;
            self.bytes.chunks_exact_mut(self.unit).for_each(<[u8]>::reverse);
        }
        let left = self.bytes.get(self.given..).unwrap_or_default();
        let len = left.len().min(buf.len());
        buf[..len].copy_from_slice(&left[..len]);
        self.given += len;
        Ok(len)
    }
}

/// The content of a file, whose size and checksum are checked at its end.
struct Checked<'f, R> {
    content: io::Take<R>,
    file: &'f ArchiveEntry,
    crc: crc32fast::Hasher,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buf)?;
        self.crc.update(&buf[..read]);
        if read == 0 && !buf.is_empty() {
            if self.content.limit() > 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if self.file.has_crc && u64::from(self.crc.clone().finalize()) != self.file.crc {
                return Err(wrong_checksum());
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_swapped_in_whole_units() {
        for (unit, plain, swapped) in [
            (2, &b"abcdefg"[..], &b"badcfeg"[..]),
            (4, b"abcdefg", b"dcbaefg"),
            (4, b"abcdefgh", b"dcbahgfe"),
        ] {
            let mut out = Vec::new();
            Swap::new(plain, unit).read_to_end(&mut out).expect("memory");
            assert_eq!(out, swapped, "{unit}");
        }
    }
}
