//! Apple Data Compression, of old disk images: runs of plain bytes, and copies of what came out before.
//!
//! There is no specification; the three kinds of runs are as 7-Zip's `CPP/7zip/Archive/DmgHandler.cpp` and
//! `adc.c` of libdmg-hfsplus read them.

use std::io::{self, ErrorKind};

/// Unpacks a block into `out`: how many bytes came out, and what was wrong. It ends where either does.
pub(super) fn unpack(packed: &[u8], out: &mut [u8]) -> (usize, io::Result<()>) {
    let (mut rest, mut filled) = (packed, 0);
    while filled < out.len() {
        let run = match rest {
            [] => return (filled, Ok(())),
            // Seven bits: how many plain bytes follow, less one.
            [head, behind @ ..] if head & 0x80 != 0 => {
                let len = usize::from(head & 0x7f) + 1;
                let Some((plain, behind)) = behind.split_at_checked(len) else {
                    return (filled, Err(ErrorKind::UnexpectedEof.into()));
                };
                let len = len.min(out.len() - filled);
                out[filled..filled + len].copy_from_slice(&plain[..len]);
                filled += len;
                rest = behind;
                continue;
            }
            // Six bits of a length, less four, and sixteen of a distance, less one.
            [head, high, low, behind @ ..] if head & 0x40 != 0 => {
                let distance = usize::from(u16::from_be_bytes([*high, *low])) + 1;
                Some((usize::from(head & 0x3f) + 4, distance, behind))
            }
            // Four bits of a length, less three, and ten of a distance, less one.
            [head, low, behind @ ..] if head & 0x40 == 0 => {
                let distance = usize::from(u16::from_be_bytes([head & 3, *low])) + 1;
                Some((usize::from(head >> 2 & 15) + 3, distance, behind))
            }
            _ => None,
        };
        let Some((len, distance, behind)) = run else {
            return (filled, Err(ErrorKind::UnexpectedEof.into()));
        };
        if distance > filled {
            let message = "it refers to what is before its beginning";
            return (filled, Err(io::Error::new(ErrorKind::InvalidData, message)));
        }
        for _ in 0..len.min(out.len() - filled) {
            out[filled] = out[filled - distance];
            filled += 1;
        }
        rest = behind;
    }
    (filled, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adc(packed: &[u8], room: usize) -> (Vec<u8>, bool) {
        let mut out = vec![0; room];
        let (len, outcome) = unpack(packed, &mut out);
        out.truncate(len);
        (out, outcome.is_ok())
    }

    #[test]
    fn each_kind_of_run_is_read() {
        let plain = [&[0x85][..], b"abcdef"].concat();
        assert_eq!(adc(&plain, 100), (b"abcdef".to_vec(), true));
        assert_eq!(adc(&plain, 4), (b"abcd".to_vec(), true), "no more than there is room for");
        // Three bytes from two before, and nine from six before: the copy may overlap what it writes.
        assert_eq!(adc(&[&plain[..], &[0, 1]].concat(), 100), (b"abcdefefe".to_vec(), true));
        assert_eq!(adc(&[&plain[..], &[0x45, 0, 5]].concat(), 100), (b"abcdefabcdefabc".to_vec(), true));
        assert_eq!(
            adc(&[&plain[..], &[0, 6]].concat(), 100),
            (b"abcdef".to_vec(), false),
            "before its beginning"
        );
        for cut in 1..plain.len() {
            assert_eq!(adc(&plain[..cut], 100), (Vec::new(), false), "cut at {cut}");
        }
        assert_eq!(adc(&[&plain[..], &[0x45, 0]].concat(), 100), (b"abcdef".to_vec(), false));
    }
}
