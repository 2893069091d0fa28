//! What a 7z header claims, checked before the library reads it: that would allocate for every file the header counts,
//! and for whatever comes out of a compressed header.
//!
//! The format is 7zFormat.txt in the LZMA SDK (<https://www.7-zip.org/sdk.html>).

use std::io::{self, ErrorKind, Read, SeekFrom};

use super::header_reader::{Coder, HeaderReader, damaged};
use crate::blob::ReadSeek;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::lzma_decoder;
use crate::source::unpack::memory::Reservation;

/// The signature header: signature, version, its checksum, and offset, size and checksum of the header.
pub(super) const SIGNATURE_HEADER: u64 = 32;
/// More bytes than the header of a million files takes.
const MAX_HEADER: u64 = 128 * 1024 * 1024;
/// Bytes that the library allocates for each file of a header, at most.
const BYTES_PER_FILE: u64 = 256;

/// The id of a header that is compressed, `kEncodedHeader`.
const ENCODED_HEADER: u8 = 0x17;

/// The ids of methods (Methods.txt in the LZMA SDK).
pub(super) const LZMA: &[u8] = &[3, 1, 1];
pub(super) const AES: &[u8] = &[6, 0xf1, 7, 1];

/// Why the library is not given an archive.
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
pub(super) fn reserve(file: &mut dyn ReadSeek, budget: &Budget) -> Result<Vec<Reservation>, Refusal> {
    let len = file.seek(SeekFrom::End(0))?;
    let fixed = read_at(file, 0, SIGNATURE_HEADER)?;
    let number = |at: usize| fixed[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (offset, size) = (number(12).saturating_add(SIGNATURE_HEADER), number(20));
    let claimed = fixed[8..12].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    // The library would guess at where a header is that has no checksum, for a very long time.
    if claimed != crc32fast::hash(&fixed[12..]) || offset.saturating_add(size) > len || size > MAX_HEADER {
        return Err(damaged("its header is missing").into());
    }
    let mut reservations = vec![budget.reserve(2 * size)?];
    let mut header = read_at(file, offset, size)?;
    if header.first() == Some(&ENCODED_HEADER) {
        header = decompress_header(&header[1..], file, budget, &mut reservations)?;
    }
    let files = HeaderReader::new(&header).files()?;
    reservations.push(budget.reserve(files.saturating_mul(BYTES_PER_FILE))?);
    Ok(reservations)
}

fn decompress_header(
    encoded: &[u8],
    file: &mut dyn ReadSeek,
    budget: &Budget,
    reservations: &mut Vec<Reservation>,
) -> Result<Vec<u8>, Refusal> {
    let streams = HeaderReader::new(encoded).streams()?;
    let (Some(folder), Some(pack_size)) = (streams.folders.first(), streams.pack_sizes.first()) else {
        return Err(damaged("its header is empty").into());
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
    reservations.push(budget.reserve(unpacked * 2 + u64::from(dictionary).min(unpacked) * 2)?);
    file.seek(SeekFrom::Start(SIGNATURE_HEADER.saturating_add(streams.pack_offset)))?;
    Ok(lzma_decoder::decompress(file.take(*pack_size), unpacked, *properties, dictionary)?)
}

fn read_at(file: &mut dyn ReadSeek, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(len).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < len { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}
