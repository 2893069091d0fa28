//! The images of macOS.

use super::super::pack;
use super::{n32, put, zlib};

/// A chunk of a DMG: its type, and what is kept of so many bytes.
pub(in super::super) type Chunk = (u32, fn(&[u8]) -> Vec<u8>);

/// Runs of plain bytes.
fn adc(bytes: &[u8]) -> Vec<u8> {
    let run = |bytes: &[u8]| [&[0x7f + u8::try_from(bytes.len()).expect("short")][..], bytes].concat();
    bytes.chunks(128).flat_map(run).collect()
}

fn lzfse(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    lzfse_rust::encode_bytes(bytes, &mut out).expect("memory");
    out
}

/// Every way to keep a chunk.
pub(in super::super) const CHUNKS: [Chunk; 6] = [
    (1, <[u8]>::to_vec),
    (0x8000_0004, adc),
    (0x8000_0005, zlib),
    (0x8000_0006, pack::bzip2),
    (0x8000_0007, lzfse),
    (0x8000_0008, pack::xz),
];

/// A DMG whose disk is in two partitions, in chunks of 32 KiB.
pub(in super::super) fn dmg(disk: &[u8], (kind, keep): Chunk) -> Vec<u8> {
    use base64::Engine as _;
    const CHUNK: usize = 32768;
    let (mut out, mut list) = (Vec::new(), String::new());
    let half = (disk.len() / 2).next_multiple_of(CHUNK);
    for (first, part) in [(half, &disk[half..]), (0, &disk[..half])] {
        let (mut entries, mut count) = (Vec::new(), 0);
        for (index, bytes) in part.chunks(CHUNK).enumerate().collect::<Vec<_>>().into_iter().rev() {
            let zeros = bytes.iter().all(|byte| *byte == 0);
            let kept = if zeros { Vec::new() } else { keep(bytes) };
            count += 1;
            entries.extend_from_slice(&(if zeros { 0 } else { kind }).to_be_bytes());
            entries.extend_from_slice(&[0; 4]);
            for number in [index * CHUNK / 512, bytes.len() / 512, out.len(), kept.len()] {
                entries.extend_from_slice(&(number as u64).to_be_bytes());
            }
            out.extend(kept);
        }
        entries.extend_from_slice(&[0xff; 4]);
        entries.resize(40 * (count + 1), 0);
        let mut table = vec![0; 204];
        put(&mut table, 0, b"mish\0\0\0\x01");
        put(&mut table, 8, &(first as u64 / 512).to_be_bytes());
        put(&mut table, 200, &n32(count + 1).to_be_bytes());
        table.extend(entries);
        let text = base64::engine::general_purpose::STANDARD.encode(table);
        let lines: Vec<&str> =
            text.as_bytes().chunks(52).map(|line| std::str::from_utf8(line).expect("base64")).collect();
        let lines = lines.join("\n\t");
        list.extend(["<dict><key>Data</key><data>\n\t", &lines, "\n</data></dict>"]);
    }
    let xml = format!(
        "<plist><dict><key>resource-fork</key><dict><key>blkx</key><array>{list}</array></dict></dict></plist>"
    );
    let mut trailer = vec![0; 512];
    put(&mut trailer, 0, b"koly\0\0\0\x04\0\0\x02\0");
    put(&mut trailer, 216, &(out.len() as u64).to_be_bytes());
    put(&mut trailer, 224, &(xml.len() as u64).to_be_bytes());
    put(&mut trailer, 492, &(disk.len() as u64 / 512).to_be_bytes());
    out.extend_from_slice(xml.as_bytes());
    out.extend(trailer);
    out
}
