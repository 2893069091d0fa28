//! The images of QEMU.

use std::collections::HashMap;

use super::super::pack;
use super::{align, n32, put};

/// How the clusters of a qcow2 are kept.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Clusters {
    Stored,
    Deflate,
    Zstd,
    /// With subclusters.
    Extended,
}

/// A qcow2 that is being written.
pub(in super::super) struct Qcow2 {
    pub(in super::super) bytes: Vec<u8>,
    clusters: Clusters,
    bits: u32,
    size: u64,
    /// The entries of clusters that are in it: snapshots share them.
    known: HashMap<Vec<u8>, (u64, u64)>,
}

impl Qcow2 {
    pub(in super::super) fn new(version: u32, clusters: Clusters, size: u64) -> Self {
        let bits = if clusters == Clusters::Extended { 14_u32 } else { 12 };
        let mut bytes = vec![0; 1 << bits];
        put(&mut bytes, 0, b"QFI\xfb");
        put(&mut bytes, 4, &version.to_be_bytes());
        put(&mut bytes, 20, &bits.to_be_bytes());
        put(&mut bytes, 24, &size.to_be_bytes());
        if version == 3 {
            let features = match clusters {
                Clusters::Zstd => 8_u64,
                Clusters::Extended => 16,
                _ => 0,
            };
            put(&mut bytes, 72, &features.to_be_bytes());
            put(&mut bytes, 100, &112_u32.to_be_bytes());
            put(&mut bytes, 104, &[u8::from(clusters == Clusters::Zstd)]);
        }
        Qcow2 { bytes, clusters, bits, size, known: HashMap::new() }
    }

    /// Writes a disk and its tables; where its first table is, and how many entries that has.
    pub(in super::super) fn disk(&mut self, disk: &[u8]) -> (u64, u32) {
        let (cluster, wide) = (1 << self.bits, self.clusters == Clusters::Extended);
        let entries = cluster / if wide { 16 } else { 8 };
        let mut tables = vec![vec![0; cluster]; disk.len().div_ceil(cluster * entries)];
        for (index, bytes) in disk.chunks(cluster).enumerate().collect::<Vec<_>>().into_iter().rev() {
            if bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            let mut bytes = bytes.to_vec();
            bytes.resize(cluster, 0);
            let (entry, subclusters) = self.cluster(&bytes);
            let (table, at) = (index / entries, index % entries * if wide { 16 } else { 8 });
            put(&mut tables[table], at, &entry.to_be_bytes());
            if wide {
                put(&mut tables[table], at + 8, &subclusters.to_be_bytes());
            }
        }
        let at: Vec<u64> = tables.iter().map(|table| self.append(table)).collect();
        let l1: Vec<u8> = at.iter().flat_map(|at| (at | 1 << 63).to_be_bytes()).collect();
        (self.append(&l1), n32(at.len()))
    }

    fn append(&mut self, bytes: &[u8]) -> u64 {
        let at = align(&mut self.bytes, 1 << self.bits);
        self.bytes.extend_from_slice(bytes);
        at as u64
    }

    fn cluster(&mut self, bytes: &[u8]) -> (u64, u64) {
        if let Some(known) = self.known.get(bytes) {
            return *known;
        }
        let packed = match self.clusters {
            Clusters::Stored | Clusters::Extended => None,
            Clusters::Deflate => Some(pack::deflate(bytes)),
            Clusters::Zstd => Some(pack::zstd(bytes)),
        };
        let entry = if let Some(packed) = packed.filter(|packed| packed.len() < bytes.len()) {
            let at = self.bytes.len() as u64;
            self.bytes.extend_from_slice(&packed);
            let sectors = (at % 512 + packed.len() as u64 - 1) / 512;
            (1 << 62 | sectors << (62 - (self.bits - 8)) | at, 0)
        } else {
            let subclusters = bytes.chunks(bytes.len() / 32).enumerate();
            let data = |(_, bytes): &(usize, &[u8])| bytes.iter().any(|byte| *byte != 0);
            let allocated = subclusters.filter(data).fold(0, |all, (index, _)| all | 1 << index);
            // The others hold what must not be read.
            let mut bytes = bytes.to_vec();
            if self.clusters == Clusters::Extended {
                let each = bytes.len() / 32;
                bytes
                    .chunks_mut(each)
                    .enumerate()
                    .filter(|(index, _)| allocated >> index & 1 == 0)
                    .for_each(|(_, unused)| unused.fill(b'#'));
            }
            (1 << 63 | self.append(&bytes), allocated)
        };
        self.known.insert(bytes.to_vec(), entry);
        entry
    }

    /// Makes a disk the active one.
    pub(in super::super) fn finish(mut self, (at, entries): (u64, u32)) -> Vec<u8> {
        put(&mut self.bytes, 36, &entries.to_be_bytes());
        put(&mut self.bytes, 40, &at.to_be_bytes());
        self.bytes
    }

    pub(in super::super) fn snapshots(&mut self, snapshots: &[(&str, (u64, u32))]) {
        let mut table = Vec::new();
        for (name, (at, entries)) in snapshots {
            let mut entry = vec![0; 40];
            put(&mut entry, 0, &at.to_be_bytes());
            put(&mut entry, 8, &entries.to_be_bytes());
            put(&mut entry, 12, &[0, 1, 0, u8::try_from(name.len()).expect("short")]);
            put(&mut entry, 36, &16_u32.to_be_bytes());
            put(&mut entry, 48, &self.size.to_be_bytes());
            entry.push(b'1');
            entry.extend_from_slice(name.as_bytes());
            align(&mut entry, 8);
            table.extend(entry);
        }
        let at = self.append(&table);
        put(&mut self.bytes, 60, &n32(snapshots.len()).to_be_bytes());
        put(&mut self.bytes, 64, &at.to_be_bytes());
    }
}

pub(in super::super) fn qcow2(disk: &[u8], version: u32, clusters: Clusters) -> Vec<u8> {
    let mut image = Qcow2::new(version, clusters, disk.len() as u64);
    let tables = image.disk(disk);
    image.finish(tables)
}

/// Version 1, with clusters of 4 KiB and tables of 512 entries.
pub(in super::super) fn qcow(disk: &[u8], compressed: bool) -> Vec<u8> {
    let count = disk.len().div_ceil(4096 * 512);
    let mut out = vec![0; 4096];
    put(&mut out, 0, b"QFI\xfb\0\0\0\x01");
    put(&mut out, 24, &(disk.len() as u64).to_be_bytes());
    put(&mut out, 32, &[12, 9]);
    put(&mut out, 40, &64_u64.to_be_bytes());
    out.resize(4096 * (count + 1), 0);
    for table in 0..count {
        put(&mut out, 64 + 8 * table, &((table as u64 + 1) * 4096).to_be_bytes());
    }
    for (index, bytes) in
        disk.chunks(4096).enumerate().filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0))
    {
        let mut bytes = bytes.to_vec();
        bytes.resize(4096, 0);
        let packed = if compressed { pack::deflate(&bytes) } else { bytes.clone() };
        let entry = if packed.len() < 4096 {
            let at = out.len() as u64;
            out.extend_from_slice(&packed);
            1 << 63 | (packed.len() as u64) << 51 | at
        } else {
            let at = align(&mut out, 4096) as u64;
            out.extend_from_slice(&bytes);
            at
        };
        put(&mut out, 4096 + 8 * index, &entry.to_be_bytes());
    }
    out
}
