//! Compressed text inside an encoding: gzip and zlib, inflated in memory to no more than a fixed multiple of the input.

use flate2::{Decompress, FlushDecompress, Status};
use zeroize::Zeroizing;

/// How many bytes may come out of each one that goes in: text with a token in it shrinks to a tenth, hardly to a hundredth.
/// The rest of a decompression bomb is not inflated, so time and memory stay in proportion to the input.
const MAX_RATIO: usize = 100;

/// How many bytes may come out of any stream, however short it is.
const MIN_LIMIT: usize = 1024;

/// How many bytes may come out of one stream, however long it is.
const MAX_LIMIT: usize = 16 * 1024 * 1024;

/// The longest header without fields of its own, and what decides about the block behind it.
pub(in crate::detect) const HEADER: usize = 15;

/// The format around a deflate stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Wrapper {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}

impl Wrapper {
    /// What reports call it.
    pub(in crate::detect) fn name(self) -> &'static str {
        match self {
            Wrapper::Gzip => "gzip",
            Wrapper::Zlib => "zlib",
        }
    }

    /// Whether a stream may begin with these bytes, at least [`HEADER`] where there are as many: nearly everything that looks like
    /// a header is none, and this shows it before more is decoded.
    pub(in crate::detect) fn may_begin(self, start: &[u8]) -> bool {
        // The fields of gzip that flags announce are of any length.
        let has_fields = self == Wrapper::Gzip && matches!(start, [0x1f, 0x8b, 8, 1..=31, ..]);
        has_fields || self.header(start).is_some_and(|body| may_be_deflate(&start[body..]))
    }

    /// Where the deflate stream starts, if `compressed` starts with such a wrapper's header.
    fn header(self, compressed: &[u8]) -> Option<usize> {
        match self {
            Wrapper::Zlib => {
                let [method, flags, ..] = compressed else { return None };
                // RFC 1950, section 2.2: deflate, check bits that hold, and no preset dictionary.
                let valid = method & 15 == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0;
                (valid && flags & 32 == 0).then_some(2)
            }
            Wrapper::Gzip => gzip_header(compressed),
        }
    }
}

/// The length of a gzip member's header: ten bytes, and the fields that its flags announce (RFC 1952, section 2.3).
fn gzip_header(compressed: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags @ 0..=31, _, _, _, _, _, _, ..] = compressed else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = compressed.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for _name_or_comment in 0..(flags >> 3 & 1) + (flags >> 4 & 1) {
        at += memchr::memchr(0, compressed.get(at..)?)? + 1;
    }
    at += usize::from(flags & 2);
    (at < compressed.len()).then_some(at)
}

/// Whether the header of the first block of a deflate stream is a possible one (RFC 1951, section 3.2.3): most data that is
/// none fails this.
fn may_be_deflate(body: &[u8]) -> bool {
    match body {
        [first, rest @ ..] if first & 6 == 0 => matches!(rest, [a, b, c, d, ..] if (*a, *b) == (!c, !d)),
        [first, second, ..] if first & 6 == 4 => {
            let distances = u16::from_le_bytes([*first, *second]) >> 8 & 31;
            first >> 3 <= 29 && distances <= 29
        }
        [first, ..] => first & 6 == 2,
        [] => false,
    }
}

/// What was inflated, and from how many bytes of the input. Of damaged data, what precedes the damage.
pub(in crate::detect) struct Inflated {
    pub(in crate::detect) text: Zeroizing<Vec<u8>>,
    pub(in crate::detect) consumed: usize,
}

/// Inflates one stream after the other with the same decompressor: making one costs more than most attempts.
#[derive(Default)]
pub(in crate::detect) struct Inflater(Option<Decompress>);

impl Inflater {
    /// Inflates what `compressed` starts with.
    pub(in crate::detect) fn inflate(&mut self, wrapper: Wrapper, compressed: &[u8]) -> Option<Inflated> {
        let start = wrapper.header(compressed).filter(|start| may_be_deflate(&compressed[*start..]))?;
        let decompressor = self.0.get_or_insert_with(|| Decompress::new(false));
        decompressor.reset(false);
        let body = &compressed[start..];
        let consumed =
            |decompressor: &Decompress| usize::try_from(decompressor.total_in()).unwrap_or(body.len());
        let limit = (MIN_LIMIT + body.len() * MAX_RATIO).min(MAX_LIMIT);
        let mut text = Zeroizing::new(Vec::with_capacity(MIN_LIMIT.min(limit)));
        while text.len() < limit {
            if text.len() == text.capacity() {
                // Grown by hand, so that the old buffer is wiped as well.
                let mut wider = Zeroizing::new(Vec::with_capacity((text.len() * 4).min(limit)));
                wider.extend_from_slice(&text);
                text = wider;
            }
            let (read, inflated) = (consumed(decompressor), text.len());
            let rest = body.get(read..).unwrap_or_default();
            let step = decompressor.decompress_vec(rest, &mut text, FlushDecompress::None);
            let stuck = text.len() == inflated && consumed(decompressor) == read;
            if stuck || !matches!(step, Ok(Status::Ok | Status::BufError)) {
                break;
            }
        }
        (!text.is_empty()).then(|| Inflated { consumed: start + consumed(decompressor), text })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).and_then(|()| packer.finish()).expect("writing to memory")
    }

    #[test]
    fn what_comes_out_is_in_proportion_to_what_goes_in() {
        let bomb = compressed(&vec![0; 3_000_000]);
        let inflated = Inflater::default().inflate(Wrapper::Zlib, &bomb).expect("valid");
        assert!(
            inflated.text.len() <= MIN_LIMIT + bomb.len() * MAX_RATIO,
            "{} of {}",
            inflated.text.len(),
            bomb.len()
        );
    }

    #[test]
    fn damaged_data_is_inflated_up_to_the_damage() {
        let text: Vec<u8> = (0..4000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = compressed(&text);
        let mut inflater = Inflater::default();
        let cut = inflater.inflate(Wrapper::Zlib, &whole[..whole.len() / 2]).expect("half of it is valid");
        assert!(cut.text.len() > 1000 && text.starts_with(&cut.text));
        assert!(inflater.inflate(Wrapper::Gzip, &whole).is_none());
        let again = inflater.inflate(Wrapper::Zlib, &whole).expect("the same decompressor again");
        assert_eq!((&*again.text, again.consumed), (&text, whole.len() - 4));
    }

    #[test]
    fn the_length_of_a_header_is_read_from_its_flags() {
        let plain = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0];
        assert_eq!(gzip_header(&plain), Some(10));
        let named =
            [&[0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9], &b"n\0c\0"[..], &[1, 2, 3]].concat();
        assert_eq!(gzip_header(&named), Some(20));
        assert_eq!(gzip_header(&named[..16]), None);
    }
}
