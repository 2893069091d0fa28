//! Compressed text inside an encoding: gzip and zlib in memory, never more than a fixed multiple of what is there.

use flate2::{Decompress, FlushDecompress, Status};
use zeroize::Zeroizing;

/// How many bytes may come out of each one that goes in: text with a token in it shrinks to a tenth, hardly to a
/// hundredth. What a bomb holds behind that is not looked at, so time and memory stay in proportion to the input.
const RATIO: usize = 100;

/// What the ratio does not apply to: the start of any stream.
const FREE: usize = 1024;

/// The most bytes that come out of one stream.
const MOST: usize = 4 * 1024 * 1024;

/// How a compressed text starts.
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

    /// Where the compressed text itself starts, if this is such a wrapper.
    fn header(self, packed: &[u8]) -> Option<usize> {
        match self {
            Wrapper::Zlib => {
                let [method, flags, ..] = packed else { return None };
                let sound = method & 15 == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0;
                (sound && flags & 32 == 0).then_some(2)
            }
            Wrapper::Gzip => gzip_header(packed),
        }
    }
}

/// The length of a gzip member's header: ten bytes, and what its flags say follows.
fn gzip_header(packed: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags @ 0..=31, _, _, _, _, _, _, ..] = packed else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = packed.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for _name_or_comment in 0..(flags >> 3 & 1) + (flags >> 4 & 1) {
        at += memchr::memchr(0, packed.get(at..)?)? + 1;
    }
    at += usize::from(flags & 2);
    (at < packed.len()).then_some(at)
}

/// Whether the first block of a deflate stream (RFC 1951) has a header that may be: most that is none fails here.
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

/// What came out, and how many bytes of the input that took. Of a damaged text, what came out before the damage.
pub(in crate::detect) struct Inflated {
    pub(in crate::detect) text: Zeroizing<Vec<u8>>,
    pub(in crate::detect) taken: usize,
}

/// Inflates one text after the other with the same machine: making one costs more than most attempts.
#[derive(Default)]
pub(in crate::detect) struct Inflater(Option<Decompress>);

impl Inflater {
    /// Inflates what `packed` starts with.
    pub(in crate::detect) fn inflate(&mut self, wrapper: Wrapper, packed: &[u8]) -> Option<Inflated> {
        let start = wrapper.header(packed).filter(|start| may_be_deflate(&packed[*start..]))?;
        let machine = self.0.get_or_insert_with(|| Decompress::new(false));
        machine.reset(false);
        let body = &packed[start..];
        let taken = |machine: &Decompress| usize::try_from(machine.total_in()).unwrap_or(body.len());
        let limit = (FREE + body.len() * RATIO).min(MOST);
        let mut text = Zeroizing::new(Vec::with_capacity(FREE.min(limit)));
        while text.len() < limit {
            if text.len() == text.capacity() {
                // Grown by hand, so that the old buffer is wiped as well.
                let mut wider = Zeroizing::new(Vec::with_capacity((text.len() * 4).min(limit)));
                wider.extend_from_slice(&text);
                text = wider;
            }
            let (read, had) = (taken(machine), text.len());
            let rest = body.get(read..).unwrap_or_default();
            let step = machine.decompress_vec(rest, &mut text, FlushDecompress::None);
            let stuck = text.len() == had && taken(machine) == read;
            if stuck || !matches!(step, Ok(Status::Ok | Status::BufError)) {
                break;
            }
        }
        (!text.is_empty()).then(|| Inflated { taken: start + taken(machine), text })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).and_then(|()| packer.finish()).expect("writing to memory")
    }

    #[test]
    fn what_comes_out_is_in_proportion_to_what_goes_in() {
        let bomb = packed(&vec![0; 3_000_000]);
        let inflated = Inflater::default().inflate(Wrapper::Zlib, &bomb).expect("sound");
        assert!(
            inflated.text.len() <= FREE + bomb.len() * RATIO,
            "{} of {}",
            inflated.text.len(),
            bomb.len()
        );
    }

    #[test]
    fn of_a_damaged_text_the_sound_part_comes_out() {
        let text: Vec<u8> = (0..4000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = packed(&text);
        let mut inflater = Inflater::default();
        let cut = inflater.inflate(Wrapper::Zlib, &whole[..whole.len() / 2]).expect("half of it is sound");
        assert!(cut.text.len() > 1000 && text.starts_with(&cut.text));
        assert!(inflater.inflate(Wrapper::Gzip, &whole).is_none());
        let again = inflater.inflate(Wrapper::Zlib, &whole).expect("the same machine again");
        assert_eq!((&*again.text, again.taken), (&text, whole.len() - 4));
    }

    #[test]
    fn a_header_says_how_long_it_is() {
        let plain = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0];
        assert_eq!(gzip_header(&plain), Some(10));
        let named =
            [&[0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9], &b"n\0c\0"[..], &[1, 2, 3]].concat();
        assert_eq!(gzip_header(&named), Some(20));
        assert_eq!(gzip_header(&named[..16]), None);
    }
}
