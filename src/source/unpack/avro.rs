//! Avro's object container files (<https://avro.apache.org/docs/1.12.0/specification/>, "Object Container Files"): records in blocks
//! that are compressed one by one.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use super::besides::ReadBesides;
use super::chunk::Joined;
use super::format::{Format, Reader, Signature};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::packed_block::{Codec, MAX_LEN, decompress};
use super::random_access::RandomAccess;
use super::share::Claim;
use crate::blob::ReadSeek;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Avro",
    first_bytes: b"O",
    begins: |head| head.starts_with(MAGIC),
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.avro!blocks",
};

const MAGIC: &[u8] = b"Obj\x01";
/// What stands behind the header and behind each block.
const SYNC: u64 = 16;
/// No schema is longer in practice, in bytes.
const MAX_TEXT: u64 = 16 * 1024 * 1024;
/// No header has more entries in practice.
const MAX_ENTRIES: u64 = 1000;

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let mut file = RandomAccess::File(file);
    let blocks = file.len().and_then(|len| {
        let mut avro = Avro { file, len, at: MAGIC.len() as u64 };
        Ok((avro.codec(container)?, avro))
    });
    let (codec, mut avro) = match blocks {
        // Those are found where they stand.
        Ok((Codec::None, _)) => return,
        Ok(found) => found,
        Err(error) => return container.report_read_error(&error),
    };
    if !container.begin_part() {
        return;
    }
    let bytes_in = Rc::new(Cell::new(0));
    let count = Rc::clone(&bytes_in);
    let mut blocks = Joined::new(|| {
        if avro.at >= avro.len {
            return Ok(None);
        }
        let _count = avro.long()?;
        let size = avro.long()?;
        let packed = avro.file.chunk((avro.at, size), MAX_LEN, container.budget)?;
        avro.at += size + SYNC;
        count.set(avro.at);
        // Behind a block of Snappy there is a checksum.
        let packed = match codec {
            Codec::Snappy => packed.get(..packed.len().saturating_sub(4)).unwrap_or_default(),
            _ => &packed,
        };
        decompress(codec, packed, None, container.budget).map(Some)
    });
    let name = MemberName::from_text("blocks".to_owned());
    let content = Content::Compressed { reader: &mut blocks, bytes_in, out_before: 0, claim: Claim::Rest };
    container.hand_over(Region::MemberPart(&name, 0), content);
}

/// A file that is read forwards.
struct Avro<'f> {
    file: RandomAccess<'f>,
    len: u64,
    at: u64,
}

impl Avro<'_> {
    /// A number, its sign in the lowest bit of groups of seven ("Binary Encoding"); none that is negative is meant here.
    fn long(&mut self) -> io::Result<u64> {
        self.signed().and_then(|value| {
            u64::try_from(value)
                .map_err(|_| io::Error::new(ErrorKind::InvalidData, "a length that is negative"))
        })
    }

    fn signed(&mut self) -> io::Result<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.file.read_exact_at(&mut byte, self.at)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
            }
        }
        Err(io::Error::new(ErrorKind::InvalidData, "a number without an end"))
    }

    /// Reads the header: entries of a map, of which one names the codec ("Required Codecs").
    fn codec(&mut self, container: &OpenContainer<'_>) -> io::Result<Codec> {
        let mut codec = Codec::None;
        let mut entries = 0;
        loop {
            // A count that is negative has a size in bytes behind it.
            let count = self.signed()?;
            if count < 0 {
                self.signed()?;
            }
            entries += count.unsigned_abs();
            if entries > MAX_ENTRIES {
                return Err(io::Error::new(ErrorKind::InvalidData, "a header without an end"));
            }
            if count == 0 {
                self.at += SYNC;
                return Ok(codec);
            }
            for _ in 0..count.unsigned_abs() {
                let len = self.long()?;
                let key = self.file.chunk((self.at, len.min(MAX_TEXT)), 1024, container.budget)?;
                self.at += len;
                let len = self.long()?;
                if key.starts_with(b"avro.codec") {
                    let name = self.file.chunk((self.at, len.min(MAX_TEXT)), 1024, container.budget)?;
                    codec = named(&name)?;
                }
                self.at = self.at.saturating_add(len);
            }
        }
    }
}

fn named(codec: &[u8]) -> io::Result<Codec> {
    Ok(match codec {
        b"null" | b"" => Codec::None,
        b"deflate" => Codec::Deflate,
        b"snappy" => Codec::Snappy,
        b"bzip2" => Codec::Bzip2,
        b"xz" => Codec::Xz,
        b"zstandard" => Codec::Zstd,
        _ => {
            let reason = "packed in a way that is not supported: unpack it and scan that";
            return Err(io::Error::new(ErrorKind::Unsupported, reason));
        }
    })
}
