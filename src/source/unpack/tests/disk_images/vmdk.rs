//! The images of `VMware`.

use super::{align, n32, put, zlib};

/// Grains of 4 KiB.
pub(in super::super) fn vmdk(disk: &[u8]) -> Vec<u8> {
    let grains = disk.len().div_ceil(4096);
    let tables = grains.div_ceil(512);
    let mut out = vmdk_header(disk, 4, 21);
    put(&mut out, 21 * 512 + 512 * 4 * tables - 1, &[0]);
    align(&mut out, 512);
    let first = 22 + tables;
    for table in 0..tables {
        put(&mut out, 21 * 512 + 4 * table, &n32(first + 4 * table).to_le_bytes());
    }
    put(&mut out, (first + 4 * tables) * 512 - 1, &[0]);
    for (index, bytes) in disk.chunks(4096).enumerate().collect::<Vec<_>>().into_iter().rev() {
        if bytes.iter().any(|byte| *byte != 0) {
            let at = align(&mut out, 512);
            out.extend_from_slice(bytes);
            put(&mut out, first * 512 + 4 * index, &n32(at / 512).to_le_bytes());
        }
    }
    align(&mut out, 512);
    out
}

fn vmdk_header(disk: &[u8], flags: u32, directory: u64) -> Vec<u8> {
    let mut out = vec![0; 512];
    put(&mut out, 0, b"KDMV\x01\0\0\0");
    put(&mut out, 8, &(flags | 1).to_le_bytes());
    put(&mut out, 12, &(disk.len() as u64 / 512).to_le_bytes());
    put(&mut out, 20, &8_u64.to_le_bytes());
    put(&mut out, 28, &1_u64.to_le_bytes());
    put(&mut out, 36, &20_u64.to_le_bytes());
    put(&mut out, 44, &512_u32.to_le_bytes());
    put(&mut out, 56, &directory.to_le_bytes());
    put(&mut out, 64, &21_u64.to_le_bytes());
    put(&mut out, 73, b"\n \r\n");
    put(&mut out, 77, &[u8::from(flags & 1 << 16 != 0), 0]);
    put(&mut out, 512, b"# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n");
    put(&mut out, 21 * 512 - 1, &[0]);
    out
}

/// The compressed form, with what leads to the grains at its end.
pub(in super::super) fn vmdk_stream(disk: &[u8]) -> Vec<u8> {
    let mut out = vmdk_header(disk, 0x3_0000, u64::MAX);
    let (grains, mut table) = (disk.len().div_ceil(4096), Vec::new());
    for (index, bytes) in disk.chunks(4096).enumerate() {
        let mut at = 0;
        if bytes.iter().any(|byte| *byte != 0) {
            at = align(&mut out, 512) / 512;
            let packed = zlib(bytes);
            out.extend_from_slice(&(index as u64 * 8).to_le_bytes());
            out.extend_from_slice(&n32(packed.len()).to_le_bytes());
            out.extend_from_slice(&packed);
        }
        table.extend_from_slice(&n32(at).to_le_bytes());
    }
    table.resize(grains.div_ceil(512) * 2048, 0);
    let marker = |out: &mut Vec<u8>, sectors: usize, kind: u32| {
        let at = align(out, 512);
        out.extend_from_slice(&(sectors as u64).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&kind.to_le_bytes());
        align(out, 512);
        at / 512 + 1
    };
    let mut directory = Vec::new();
    for table in table.chunks(2048) {
        let at = marker(&mut out, 4, 1);
        out.extend_from_slice(table);
        directory.extend_from_slice(&n32(at).to_le_bytes());
    }
    let at = marker(&mut out, 1, 2);
    out.extend_from_slice(&directory);
    marker(&mut out, 1, 3);
    let footer = vmdk_header(disk, 0x3_0000, at as u64);
    out.extend_from_slice(&footer[..512]);
    marker(&mut out, 0, 0);
    out
}
