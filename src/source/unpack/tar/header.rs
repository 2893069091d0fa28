//! The block that describes the member behind it (POSIX.1-2008, pax, "ustar Interchange Format"): name at 0, size at 124,
//! checksum at 148, typeflag at 156, link name at 157, magic at 257, prefix of the name at 345.

use crate::blob::MIN_TOKEN_LEN;

/// Everything in a tar stands in blocks of so many bytes.
pub(super) const BLOCK: usize = 512;

/// A header.
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Bytes of data behind the header.
    pub(super) size: u64,
    /// The typeflag: `0` or NUL for a file.
    pub(super) kind: u8,
    /// The map of an old GNU sparse file, as far as it fits here: `sp` and `isextended` (GNU tar manual, "Basic Tar
    /// Format", `struct oldgnu_header`).
    pub(super) sparse: [u8; 97],
}

impl Header {
    /// A header, if the block is one.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Option<Header> {
        let claimed = i32::try_from(number(&block[148..156])?).ok()?;
        // The checksum itself is counted as blanks.
        let mut summed = *block;
        summed[148..156].fill(b' ');
        // Some old archivers added signed bytes (tar(5)).
        if claimed != summed.iter().map(|byte| i32::from(*byte)).sum::<i32>()
            && claimed != summed.iter().map(|byte| i32::from(byte.cast_signed())).sum::<i32>()
        {
            return None;
        }
        let mut name = until_nul(&block[..100]).to_vec();
        // GNU keeps other fields where ustar keeps the prefix of a long name.
        if &block[257..263] == b"ustar\0" && block[345] != 0 {
            name = [until_nul(&block[345..500]), &name].join(&b'/');
        }
        let mut sparse = [0; 97];
        sparse.copy_from_slice(&block[386..483]);
        Some(Header {
            name,
            link: until_nul(&block[157..257]).to_vec(),
            size: number(&block[124..136])?,
            kind: block[156],
            sparse,
        })
    }
}

/// What stands in a header beside its name, the target of its link, and numbers: with `name` out of sight, if it was scanned
/// elsewhere. None where nothing is long enough for a token.
pub(super) fn other_text(block: &[u8; BLOCK], name: bool) -> Option<[u8; BLOCK]> {
    let mut rest = *block;
    let mut hide = |field: std::ops::Range<usize>| {
        let len = until_nul(&block[field.clone()]).len();
        rest[field.start..field.start + len].fill(0);
    };
    hide(157..257);
    if name {
        hide(0..100);
        if &block[257..263] == b"ustar\0" {
            hide(345..500);
        }
    }
    // Text that is long enough has one of these bytes.
    let mut samples = (MIN_TOKEN_LEN - 1..BLOCK).step_by(MIN_TOKEN_LEN);
    samples.any(|at| text_around(&rest, at) >= MIN_TOKEN_LEN).then_some(rest)
}

/// How many bytes around this one are not NUL.
fn text_around(block: &[u8; BLOCK], at: usize) -> usize {
    let (before, behind) = block.split_at(at);
    let len = until_nul(behind).len();
    if len == 0 { 0 } else { len + before.iter().rev().take_while(|byte| **byte != 0).count() }
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// A number in octal digits between spaces and NULs, or in base 256 where it would not fit (GNU tar manual, "Basic Tar
/// Format").
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        return rest.iter().try_fold(u64::from(first & 0x7f), |number, byte| {
            number.checked_mul(256).map(|number| number | u64::from(*byte))
        });
    }
    let digits = until_nul(field.trim_ascii_start()).trim_ascii_end();
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_seen_wherever_it_stands_and_only_if_it_is_long_enough() {
        for len in [MIN_TOKEN_LEN - 1, MIN_TOKEN_LEN, 2 * MIN_TOKEN_LEN] {
            for at in 0..=BLOCK - len {
                let mut block = [0; BLOCK];
                block[at..at + len].fill(b'a');
                let kept = other_text(&block, false).is_some();
                // The target of a link is scanned elsewhere.
                let rest =
                    len - (at..at + len).filter(|at| (157..257).contains(at) && block[157] != 0).count();
                if block[157] == 0 {
                    assert_eq!(kept, len >= MIN_TOKEN_LEN, "{len} bytes at {at}");
                } else if rest < MIN_TOKEN_LEN {
                    assert!(!kept, "{len} bytes at {at}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(1 << 33));
        assert_eq!(
            number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            None,
            "negative or too large"
        );
        assert_eq!(number(b"8"), None);
    }
}
