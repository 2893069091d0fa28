//! What Firefox keeps its sessions and add-ons in: a magic number, a size, and one block of LZ4 (`toolkit/components/lz4` in
//! <https://searchfox.org/mozilla-central>).

use std::io::{self, ErrorKind};

use super::chunk::Chunk;
use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::packed_block::{self, Codec};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "mozLz4",
    first_bytes: b"m",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "previous.jsonlz4!content",
};

static STREAM: StreamFormat =
    StreamFormat { another_begins: |_| false, open, unchecked_trailer: 0, extensions: &[".mozlz4"] };

const MAGIC: &[u8] = b"mozLz40\0";

/// Whether a file begins so: the signature, a size, and a block whose first match does not reach back beyond its literals
/// (`doc/lz4_Block_format.md` in <https://github.com/lz4/lz4>).
fn begins(head: &[u8]) -> bool {
    let Some([_, _, _, _, token, block @ ..]) = head.strip_prefix(MAGIC) else { return false };
    // Longer runs of literals have their lengths behind the token, and mostly end beyond what is seen here.
    let literals = usize::from(token >> 4);
    let offset =
        block.get(literals..).and_then(<[u8]>::first_chunk).map(|offset| u16::from_le_bytes(*offset));
    literals == 15 || offset.is_none_or(|offset| (1..=literals).contains(&usize::from(offset)))
}

fn open(input: &mut Input<'_>, _metadata: &mut Vec<Metadata>) -> io::Result<Box<dyn Decoder>> {
    let header = input.read_bytes(MAGIC.len() + 4)?;
    let size = header
        .get(MAGIC.len()..)
        .and_then(|size| size.first_chunk())
        .map_or(0, |size| u32::from_le_bytes(*size));
    // A block can only be unpacked whole.
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > packed_block::MAX_LEN {
        return Err(io::Error::new(ErrorKind::OutOfMemory, "a block that is larger than it may be"));
    }
    let budget = input.budget;
    let packed = Chunk::read_all(input, packed_block::MAX_LEN, budget)?;
    let plain = packed_block::decompress(Codec::Lz4, &packed, Some(size), budget)?;
    Ok(Box::new(Whole { plain, given: 0 }))
}

/// What came out, given out in parts.
struct Whole {
    plain: Chunk,
    given: usize,
}

impl Decoder for Whole {
    fn step(&mut self, _input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let rest = self.plain.get(self.given..).unwrap_or_default();
        let produced = rest.len().min(output.len());
        if let (Some(to), Some(from)) = (output.get_mut(..produced), rest.get(..produced)) {
            to.copy_from_slice(from);
        }
        self.given += produced;
        Step { consumed: 0, produced, ended: Ok(self.given == self.plain.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_first_match_too() {
        for plain in [&b"some words, some words, some words"[..], b"short", b"", &[b'-'; 3000], &[7; 40]] {
            let len = u32::try_from(plain.len()).expect("short").to_le_bytes();
            let file = [MAGIC, &len, &lz4_flex::block::compress(plain)].concat();
            assert!(begins(&file), "{plain:?}");
        }
        for text in
            [&b"mozLz40\0 is what it begins with, and then comes a size"[..], b"mozLz40 is a name", MAGIC]
        {
            assert!(!begins(text), "{text:?}");
        }
    }
}
