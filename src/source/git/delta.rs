//! Deltas: an object told as stretches of another one and bytes of its own.

/// A delta, its header read.
pub(super) struct Delta<'a> {
    /// The size of the object it is told from.
    pub(super) base_size: usize,
    /// The size of the object it tells.
    pub(super) size: usize,
    ops: &'a [u8],
}

/// One instruction.
enum Op<'a> {
    Copy { from: usize, len: usize },
    Insert(&'a [u8]),
}

/// The delta contradicts itself or its base.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Delta<'a> {
    /// Reads the header of an inflated delta.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut rest = bytes;
        let base_size = size(&mut rest).ok_or(Broken)?;
        let size = size(&mut rest).ok_or(Broken)?;
        Ok(Delta { base_size, size, ops: rest })
    }

    /// Writes the object it tells into `out`, which is emptied first.
    pub(super) fn apply(&self, base: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        out.clear();
        // A claimed size is believed only as far as instructions bear it out: `reserve` of a lie would be costly.
        out.reserve(self.size.min(self.most(base.len())));
        let mut ops = self.ops;
        while let Some(op) = next(&mut ops)? {
            out.extend_from_slice(op.bytes(base)?);
            if out.len() > self.size {
                return Err(Broken);
            }
        }
        if out.len() == self.size { Ok(()) } else { Err(Broken) }
    }

    /// Writes what the object has and its base has not into `out`: every inserted byte, and `around` bytes on both
    /// sides of every seam. Any text of up to `around + 1` bytes that the object holds stands in here or in the base.
    pub(super) fn fresh(&self, base: &[u8], around: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        out.clear();
        let mut ops = self.ops;
        while let Some(op) = next(&mut ops)? {
            let bytes = op.bytes(base)?;
            match op {
                Op::Copy { .. } if bytes.len() > 2 * around => {
                    out.extend_from_slice(&bytes[..around]);
                    out.extend_from_slice(&bytes[bytes.len() - around..]);
                }
                _ => out.extend_from_slice(bytes),
            }
        }
        Ok(())
    }

    /// Whether the first `len` bytes are the base's own.
    pub(super) fn keeps_head(&self, len: usize) -> bool {
        let mut ops = self.ops;
        matches!(next(&mut ops), Ok(Some(Op::Copy { from: 0, len: copied })) if copied >= len)
    }

    /// Writes the first `len` bytes into `out`.
    pub(super) fn head(&self, base: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        out.clear();
        let mut ops = self.ops;
        while out.len() < len
            && let Some(op) = next(&mut ops)?
        {
            let bytes = op.bytes(base)?;
            out.extend_from_slice(&bytes[..bytes.len().min(len - out.len())]);
        }
        Ok(())
    }

    /// The most bytes that so many instructions could tell.
    fn most(&self, base: usize) -> usize {
        self.ops.len().saturating_mul(base.clamp(128, 0x00ff_ffff))
    }
}

impl<'a> Op<'a> {
    fn bytes(&self, base: &'a [u8]) -> Result<&'a [u8], Broken> {
        match *self {
            Op::Copy { from, len } => base.get(from..from + len).ok_or(Broken),
            Op::Insert(bytes) => Ok(bytes),
        }
    }
}

/// Takes the next instruction off `ops`.
fn next<'a>(ops: &mut &'a [u8]) -> Result<Option<Op<'a>>, Broken> {
    let Some((&code, mut rest)) = ops.split_first() else { return Ok(None) };
    let op = if code & 0x80 == 0 {
        if code == 0 {
            return Err(Broken);
        }
        let (bytes, behind) = rest.split_at_checked(usize::from(code)).ok_or(Broken)?;
        rest = behind;
        Op::Insert(bytes)
    } else {
        let mut field = |bits: std::ops::Range<u32>| {
            let mut value = 0;
            for (n, bit) in bits.enumerate() {
                if code & (1 << bit) != 0 {
                    let (&byte, behind) = rest.split_first().ok_or(Broken)?;
                    value |= usize::from(byte) << (8 * n);
                    rest = behind;
                }
            }
            Ok(value)
        };
        let from = field(0..4)?;
        let len = field(4..7)?;
        Op::Copy { from, len: if len == 0 { 0x10000 } else { len } }
    };
    *ops = rest;
    Ok(Some(op))
}

/// Takes a little-endian number of seven bits a byte off `bytes`.
fn size(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// base 40, copy 0..10, insert "XY", copy 20..40
    fn sample() -> Vec<u8> {
        vec![40, 32, 0x90, 10, 2, b'X', b'Y', 0x91, 20, 20]
    }

    fn base() -> Vec<u8> {
        (b'0'..b'0' + 40).collect()
    }

    #[test]
    fn applied_it_is_the_object() {
        let (delta, base, mut out) = (sample(), base(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        assert_eq!((delta.base_size, delta.size), (40, 32));
        delta.apply(&base, &mut out).expect("fits");
        assert_eq!(out, [&base[..10], b"XY", &base[20..]].concat());
    }

    #[test]
    fn every_text_across_a_seam_is_fresh() {
        let (delta, base, mut whole, mut fresh) = (sample(), base(), Vec::new(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        delta.apply(&base, &mut whole).expect("fits");
        for around in 0..12 {
            delta.fresh(&base, around, &mut fresh).expect("fits");
            for text in whole.windows(around + 1) {
                let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|other| other == text);
                assert!(holds(&fresh) || holds(&base), "around {around}");
            }
        }
    }

    #[test]
    fn heads_are_told_without_the_rest() {
        let (delta, base, mut out) = (sample(), base(), Vec::new());
        let delta = Delta::parse(&delta).expect("well formed");
        assert!(delta.keeps_head(10));
        assert!(!delta.keeps_head(11));
        delta.head(&base, 12, &mut out).expect("fits");
        assert_eq!(out, [&base[..10], b"XY"].concat());
    }

    #[test]
    fn no_damage_trips_it() {
        let (whole, base, mut out) = (sample(), base(), Vec::new());
        for cut in 0..whole.len() {
            let broken = Delta::parse(&whole[..cut]).and_then(|delta| delta.apply(&base, &mut out));
            assert_eq!(broken, Err(Broken), "cut {cut}");
        }
        for at in 0..whole.len() {
            for value in 0..=255 {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Ok(delta) = Delta::parse(&bytes) {
                    let _ = delta.apply(&base, &mut out);
                    let _ = delta.fresh(&base, 5, &mut out);
                    let _ = delta.head(&base, 5, &mut out);
                }
            }
        }
        assert_eq!(Delta::parse(&[0xff; 20]).err(), Some(Broken));
    }
}
