//! The images of Hyper-V, Virtual PC and `VirtualBox`.

use super::{align, n32, put};

/// Blocks of 64 KiB.
pub(in super::super) fn vhd(disk: &[u8], kind: u32) -> Vec<u8> {
    let count = disk.len().div_ceil(65536);
    let mut footer = vec![0; 512];
    put(&mut footer, 0, b"conectix\0\0\0\x02\0\x01\0\0");
    put(&mut footer, 16, &512_u64.to_be_bytes());
    put(&mut footer, 48, &(disk.len() as u64).to_be_bytes());
    put(&mut footer, 60, &kind.to_be_bytes());
    let mut out = footer.clone();
    put(&mut out, 512, b"cxsparse");
    put(&mut out, 512 + 16, &1536_u64.to_be_bytes());
    put(&mut out, 512 + 28, &n32(count).to_be_bytes());
    put(&mut out, 512 + 32, &65536_u32.to_be_bytes());
    let parent: Vec<u8> = "base.vhd".encode_utf16().flat_map(u16::to_be_bytes).collect();
    put(&mut out, 512 + 64, &parent);
    put(&mut out, 1536, &vec![0xff; (4 * count).next_multiple_of(512)]);
    for (index, bytes) in disk.chunks(65536).enumerate().collect::<Vec<_>>().into_iter().rev() {
        if bytes.iter().any(|byte| *byte != 0) {
            let at = align(&mut out, 512);
            out.extend_from_slice(&[0xff; 512]);
            out.extend_from_slice(bytes);
            put(&mut out, 1536 + 4 * index, &n32(at / 512).to_be_bytes());
        }
    }
    align(&mut out, 512);
    out.extend(footer);
    out
}

/// Blocks of 1 MiB.
pub(in super::super) fn vhdx(disk: &[u8], flags: u32) -> Vec<u8> {
    const MIB: usize = 1 << 20;
    let mut out = vec![0; 3 * MIB];
    put(&mut out, 0, b"vhdxfilet\0e\0s\0t\0");
    let region =
        |guid: &[u8; 16], at: u64| [&guid[..], &at.to_le_bytes(), &[0, 0, 16, 0, 1, 0, 0, 0]].concat();
    let bat = b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
    let metadata = b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
    // The first copy is damaged.
    put(&mut out, 256 * 1024, b"regi\0\0\0\0\x02\0\0\0");
    put(&mut out, 256 * 1024 + 16, &region(bat, 2 * MIB as u64));
    put(&mut out, 256 * 1024 + 48, &region(metadata, MIB as u64));
    put(&mut out, MIB, b"metadata\0\0\x03\0");
    for (index, (guid, value)) in [
        (
            b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b",
            u64::from(flags) << 32 | MIB as u64,
        ),
        (b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8", disk.len() as u64),
        (b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f", 512),
    ]
    .into_iter()
    .enumerate()
    {
        put(&mut out, MIB + 32 + 32 * index, guid);
        put(&mut out, MIB + 32 + 32 * index + 16, &n32(65536 + 8 * index).to_le_bytes());
        put(&mut out, MIB + 65536 + 8 * index, &value.to_le_bytes());
    }
    for (index, bytes) in disk.chunks(MIB).enumerate().collect::<Vec<_>>().into_iter().rev() {
        if bytes.iter().any(|byte| *byte != 0) {
            let at = align(&mut out, MIB) as u64;
            out.extend_from_slice(bytes);
            put(&mut out, 2 * MIB + 8 * index, &(at | 6).to_le_bytes());
        }
    }
    out
}

/// Blocks of 4 KiB.
pub(in super::super) fn vdi(disk: &[u8], kind: u32) -> Vec<u8> {
    let count = disk.len().div_ceil(4096);
    let data = (512 + 4 * count).next_multiple_of(512);
    let mut out = vec![0; data];
    put(&mut out, 0, b"<<< Oracle VM VirtualBox Disk Image >>>\n");
    put(&mut out, 64, b"\x7f\x10\xda\xbe\x01\0\x01\0");
    put(&mut out, 76, &kind.to_le_bytes());
    put(&mut out, 340, &512_u32.to_le_bytes());
    put(&mut out, 344, &n32(data).to_le_bytes());
    put(&mut out, 368, &(disk.len() as u64).to_le_bytes());
    put(&mut out, 376, &4096_u32.to_le_bytes());
    put(&mut out, 384, &n32(count).to_le_bytes());
    put(&mut out, 512, &vec![0xff; 4 * count]);
    for (number, (index, bytes)) in disk
        .chunks(4096)
        .enumerate()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0))
        .enumerate()
    {
        put(&mut out, 512 + 4 * index, &n32(number).to_le_bytes());
        put(&mut out, data + 4096 * number, bytes);
        align(&mut out, 4096 + data % 4096);
        out.resize(data + 4096 * (number + 1), 0);
    }
    out
}
