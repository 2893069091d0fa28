//! Writers of the images of virtual disks. Blocks are written last one first: no reader may take their order for that of the disk.

mod dmg;
mod qcow;
mod vhd;
mod vmdk;

pub(super) use dmg::{CHUNKS, dmg};
pub(super) use qcow::{Clusters, Qcow2, qcow, qcow2};
pub(super) use vhd::{vdi, vhd, vhdx};
pub(super) use vmdk::{vmdk, vmdk_stream};

use std::io::Write as _;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// Writes at an offset, and makes room for it.
pub(super) fn put(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    if bytes.len() < at + what.len() {
        bytes.resize(at + what.len(), 0);
    }
    bytes[at..at + what.len()].copy_from_slice(what);
}

fn n32(number: usize) -> u32 {
    u32::try_from(number).expect("small")
}

fn align(bytes: &mut Vec<u8>, to: usize) -> usize {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes.len()
}
