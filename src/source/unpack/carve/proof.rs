//! Whether a signature is followed by what it announces, told before anything is decompressed: in noise, zlib's two bytes come by
//! chance every 16 KiB.

/// Whether a zlib stream begins so, as far as the bytes go: the header was compared, and a block of deflate must follow (RFC 1950,
/// 2.2; RFC 1951, 3.2.3).
pub(super) fn zlib(bytes: &[u8]) -> bool {
    deflate(bytes.get(2..).unwrap_or_default()).unwrap_or(true)
}

/// Whether a deflate stream may begin so; none where the bytes are too few to tell.
fn deflate(bytes: &[u8]) -> Option<bool> {
    let mut bits = Bits { bytes, at: 0 };
    let is_last = bits.take(1)? == 1;
    match bits.take(2)? {
        // The length, and its complement (RFC 1951, 3.2.4).
        0 => {
            let [_, a, b, c, d, ..] = *bytes else { return None };
            Some(a == !c && b == !d && (a, b) != (0, 0))
        }
        1 => fixed(&mut bits, is_last),
        2 => dynamic(&mut bits),
        _ => Some(false),
    }
}

/// The least that must come out of a block: nothing shorter is a token.
const LEAST: u32 = 20;
const _: () = assert!(LEAST as usize == crate::blob::MIN_TOKEN_LEN);

/// Follows a block with fixed codes (RFC 1951, 3.2.6) until it is long enough: chance bits soon refer back to before its beginning.
fn fixed(bits: &mut Bits<'_>, is_last: bool) -> Option<bool> {
    let mut out = 0;
    while out < 4 * LEAST {
        let seven = bits.code(7)?;
        let symbol = match seven {
            0..=0x17 => 256 + seven,
            0x18..=0x5f => (seven << 1 | bits.code(1)?) - 0x30,
            0x60..=0x63 => 280 + ((seven << 1 | bits.code(1)?) - 0xc0),
            _ => 144 + ((seven << 2 | bits.code(2)?) - 0x190),
        };
        match symbol {
            0..=255 => out += 1,
            // A whole stream, or a flush before the next block.
            256 => return Some(out >= LEAST || !is_last),
            257..=285 => {
                let len = length(symbol, bits)?;
                let code = bits.code(5)?;
                let distance = distance(code, bits)?;
                if distance == 0 || distance > out {
                    return Some(false);
                }
                out += len;
            }
            _ => return Some(false),
        }
    }
    Some(true)
}

/// The length that a symbol and its extra bits state (RFC 1951, 3.2.5).
fn length(symbol: u32, bits: &mut Bits<'_>) -> Option<u32> {
    let code = symbol - 257;
    Some(match code {
        0..=7 => 3 + code,
        28 => 258,
        _ => {
            let extra = (code - 4) / 4;
            3 + ((4 + code % 4) << extra) + bits.take(extra)?
        }
    })
}

/// The distance that a code and its extra bits state (RFC 1951, 3.2.5); 0 for codes that do not exist.
fn distance(code: u32, bits: &mut Bits<'_>) -> Option<u32> {
    Some(match code {
        0..=3 => 1 + code,
        4..=29 => {
            let extra = code / 2 - 1;
            1 + ((2 + code % 2) << extra) + bits.take(extra)?
        }
        _ => 0,
    })
}

/// Whether the codes of a block with codes of its own are possible: as many as there may be, and the code for their lengths is
/// complete (RFC 1951, 3.2.7).
fn dynamic(bits: &mut Bits<'_>) -> Option<bool> {
    let (literals, distances, lengths) = (bits.take(5)?, bits.take(5)?, 4 + bits.take(4)?);
    if literals > 29 || distances > 29 {
        return Some(false);
    }
    let mut used = 0;
    for _ in 0..lengths {
        let len = bits.take(3)?;
        used += if len == 0 { 0 } else { 128 >> len };
    }
    Some(used == 128)
}

/// Bits, the lowest of each byte first (RFC 1951, 3.1.1).
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = u32::from(byte >> (self.at % 8) & 1);
        self.at += 1;
        Some(bit)
    }

    /// A number, its lowest bit first.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, shift| Some(value | self.bit()? << shift))
    }

    /// A part of a Huffman code, its highest bit first.
    fn code(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(level: u32, plain: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        out.write_all(plain).expect("memory");
        out.finish().expect("memory")
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn every_stream_is_believed_however_little_of_it_is_there() {
        let texts = [
            b"a short one, with fixed codes".to_vec(),
            b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec(),
            "fn main() { println!(\"{}\", 1); }\n".repeat(40).into_bytes(),
            (0..3000_u32).flat_map(|n| format!("{n},").into_bytes()).collect(),
            noise(3000),
            [noise(300), noise(300), vec![0; 700]].concat(),
        ];
        for text in texts {
            for level in 0..=9 {
                let bytes = packed(level, &text);
                assert!((2..=bytes.len().min(2000)).all(|end| zlib(&bytes[..end])), "level {level}");
            }
        }
    }

    #[test]
    fn noise_is_seldom_believed() {
        let noise = noise(60_000);
        let believed = noise.windows(400).filter(|bytes| zlib(bytes)).count();
        assert!(believed < noise.len() / 50, "{believed}");
    }
}
