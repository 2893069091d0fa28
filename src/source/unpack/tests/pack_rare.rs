//! Writers of compressed streams that no library here writes, as far as the tests need them.

use std::io::Write as _;

use super::pack::{self, Packer};

/// Every compressed stream of this kind by the extension of its files.
pub(super) const RARE: [(&str, Packer); 6] =
    [("lz", lzip), ("Z", compress), ("lzo", lzop), ("sz", snappy), ("zz", zlib), ("br", brotli)];

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = snap::write::FrameEncoder::new(Vec::new());
    out.write_all(bytes).expect("memory");
    out.into_inner().expect("memory")
}

pub(super) fn lzip(bytes: &[u8]) -> Vec<u8> {
    lzip_version(bytes, 1)
}

/// A member of lzip; version 0 has no size of the member behind it.
pub(super) fn lzip_version(bytes: &[u8], version: u8) -> Vec<u8> {
    // LZMA as zips have it is nine bytes of header, and a stream that ends in a marker.
    let stream = &pack::lzma_in_zip(bytes, 3)[9..];
    let size = (bytes.len() as u64).to_le_bytes();
    let mut out =
        [b"LZIP", &[version, 20][..], stream, &crc32fast::hash(bytes).to_le_bytes(), &size].concat();
    if version > 0 {
        let size = out.len() as u64 + 8;
        out.extend(size.to_le_bytes());
    }
    out
}

/// Codes of up to 16 bits, with one that clears the table.
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    compress_as(bytes, 16, true)
}

/// LZW as `compress` writes it, codes of up to so many bits; with `clears`, the table is cleared once it is full.
pub(super) fn compress_as(bytes: &[u8], max_bits: u32, clears: bool) -> Vec<u8> {
    let mut out = Codes::new(vec![0x1f, 0x9d, u8::try_from(max_bits).expect("few") | u8::from(clears) << 7]);
    let first = if clears { 257 } else { 256 };
    let (mut table, mut free, mut bits) = (std::collections::HashMap::new(), first, 9);
    let mut rest = bytes.iter();
    let Some(byte) = rest.next() else { return out.bytes };
    let mut prefix = u32::from(*byte);
    for byte in rest {
        if let Some(code) = table.get(&(prefix, *byte)) {
            prefix = *code;
            continue;
        }
        out.write(prefix, bits);
        if free < 1 << max_bits {
            table.insert((prefix, *byte), free);
            // The decoder knows of a code one later.
            if free == 1 << bits && bits < max_bits {
                out.end_group(bits);
                bits += 1;
            }
            free += 1;
        } else if clears {
            out.write(256, bits);
            out.end_group(bits);
            (free, bits) = (first, 9);
            table.clear();
        }
        prefix = u32::from(*byte);
    }
    out.write(prefix, bits);
    out.flush();
    out.bytes
}

/// Codes, the lowest bits first, eight of one length in a group.
struct Codes {
    bytes: Vec<u8>,
    buffer: u64,
    buffered: u32,
    group: u32,
}

impl Codes {
    fn new(bytes: Vec<u8>) -> Self {
        Codes { bytes, buffer: 0, buffered: 0, group: 0 }
    }

    fn write(&mut self, code: u32, bits: u32) {
        self.buffer |= u64::from(code) << self.buffered;
        self.buffered += bits;
        self.group = (self.group + 1) % 8;
        while self.buffered >= 8 {
            self.bytes.push(self.buffer.to_le_bytes()[0]);
            self.buffer >>= 8;
            self.buffered -= 8;
        }
    }

    fn end_group(&mut self, bits: u32) {
        while self.group != 0 {
            self.write(0, bits);
        }
    }

    fn flush(&mut self) {
        if self.buffered > 0 {
            self.bytes.push(self.buffer.to_le_bytes()[0]);
        }
    }
}

pub(super) fn lzop(bytes: &[u8]) -> Vec<u8> {
    lzop_named(bytes, "")
}

/// A file of lzop, in blocks of 64 KiB, its checksums those that lzop has by default.
pub(super) fn lzop_named(bytes: &[u8], name: &str) -> Vec<u8> {
    // The versions, the method, the level, Adler-32 of content and header, the mode, and the time.
    let fixed =
        [0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, 1, 5, 3, 0, 0, 1, 0, 0, 0x81, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0];
    let header = [&fixed[..], &[u8::try_from(name.len()).expect("short")], name.as_bytes()].concat();
    let mut out = [b"\x89LZO\0\r\n\x1a\n", &header[..], &adler32(&header).to_be_bytes()].concat();
    for block in bytes.chunks(64 * 1024) {
        let packed = lzo(block);
        let data = packed.as_deref().unwrap_or(block);
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("small").to_be_bytes();
        out.extend([len(block), len(data), adler32(block).to_be_bytes()].concat());
        out.extend_from_slice(data);
    }
    out.extend([0; 4]);
    out
}

/// LZO1X of a block that ends in many bytes of one kind: literals, one match, and the end (`doc/LZO.TXT` of LZO).
fn lzo(block: &[u8]) -> Option<Vec<u8>> {
    let last = *block.last()?;
    let run = block.iter().rev().take_while(|byte| **byte == last).count() - 1;
    let literals = block.len() - run;
    if run < 600 || !(4..=238).contains(&literals) {
        return None;
    }
    let mut out = vec![u8::try_from(17 + literals).ok()?];
    out.extend_from_slice(&block[..literals]);
    // A match of 33 bytes and more, its distance 1.
    let (zeros, tail) = ((run - 33 - 1) / 255, (run - 33 - 1) % 255 + 1);
    out.push(0x20);
    out.extend(std::iter::repeat_n(0, zeros));
    out.extend([u8::try_from(tail).ok()?, 0, 0, 0x11, 0, 0]);
    Some(out)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}

/// Brotli whose blocks are not compressed (RFC 7932, 9.2).
pub(super) fn brotli(bytes: &[u8]) -> Vec<u8> {
    brotli_in_blocks(bytes, 64 * 1024)
}

/// The same in blocks of up to this size.
pub(super) fn brotli_in_blocks(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    // A window of 64 KiB; no last block, a length of four nibbles, not compressed.
    let mut before = 1;
    for block in bytes.chunks(size) {
        let len = u32::try_from(block.len() - 1).expect("small");
        let header = (len << 3 | 1 << 19) << before;
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
        before = 0;
    }
    out.push(3);
    out
}
