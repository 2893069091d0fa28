//! The header of an image.

use super::super::block::Codec;
use super::super::disk::{Refusal, damaged};
use super::super::random_access::RandomAccess;
use super::super::table::{be32, be64};

/// The bits of "Incompatible features" that change where data is: an external data file, another way of compression, and tables
/// with subclusters.
const DATA_FILE: u64 = 1 << 2;
const COMPRESSION_TYPE: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;
/// The first two only say that something went wrong before: dirty, and corrupt.
const KNOWN: u64 = 0x1f;

/// The length of the header of version 2, in bytes, and where that of version 3 states its own.
const LEN_2: u64 = 72;
const LEN_3: u64 = 104;
/// More than any header with its extensions takes: they end before the first cluster does.
const MAX_LEN: usize = 64 * 1024;
/// The type of the extension with the name of an external data file ("Header extensions").
const DATA_FILE_NAME: u32 = 0x4441_5441;
/// The longest name of a backing file (`backing_file_size`).
const MAX_NAME: u32 = 1023;

/// A table of the first level: where it stands, and how many entries it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct L1 {
    pub(super) at: u64,
    pub(super) entries: u64,
}

/// What is read of a header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) cluster_bits: u32,
    /// The size of the disk.
    pub(super) size: u64,
    pub(super) encrypted: bool,
    /// How many entries a table of the second level has, as bits of an index.
    pub(super) l2_bits: u32,
    pub(super) l1: L1,
    pub(super) snapshots: u32,
    pub(super) snapshots_at: u64,
    pub(super) extended: bool,
    pub(super) codec: Codec,
    /// The name of the file with what is in no cluster of this one.
    pub(super) backing_file: Option<Vec<u8>>,
    /// The name of the file with the clusters; empty where it is not stated.
    pub(super) data_file: Option<Vec<u8>>,
    /// How long the image is.
    pub(super) file_len: u64,
}

impl Header {
    pub(super) fn read(file: &mut RandomAccess<'_>) -> Result<Header, Refusal> {
        let file_len = file.len()?;
        let len = usize::try_from(file_len).map_or(MAX_LEN, |len| len.min(MAX_LEN));
        let bytes = file.bytes_at(0, len)?;
        let version = be32(&bytes, 4);
        let mut header = if version == 1 { version_1(&bytes)? } else { later_version(&bytes)? };
        header.file_len = file_len;
        header.backing_file = backing_file(&bytes);
        Ok(header)
    }

    /// How much of a disk a table of the first level reaches to.
    pub(super) fn covered_by(&self, l1: L1) -> u64 {
        let each = 1_u64 << (self.cluster_bits + self.l2_bits);
        l1.entries.saturating_mul(each)
    }
}

fn backing_file(bytes: &[u8]) -> Option<Vec<u8>> {
    let (at, len) = (usize::try_from(be64(bytes, 8)).ok()?, be32(bytes, 16).min(MAX_NAME));
    if at == 0 || len == 0 {
        return None;
    }
    let name = bytes.get(at..).unwrap_or_default();
    Some(name.get(..len as usize).unwrap_or(name).to_vec())
}

fn version_1(bytes: &[u8]) -> Result<Header, Refusal> {
    let [cluster_bits, l2_bits] = [32, 33].map(|at| u32::from(bytes.get(at).copied().unwrap_or(0)));
    // QEMU takes no others (`qcow_open` in block/qcow.c).
    if !(9..=16).contains(&cluster_bits) || !(6..=13).contains(&l2_bits) {
        return Err(damaged("its header has impossible sizes"));
    }
    let size = be64(bytes, 24);
    let entries = size.div_ceil(1 << (cluster_bits + l2_bits));
    Ok(Header {
        version: 1,
        cluster_bits,
        size,
        encrypted: be32(bytes, 36) != 0,
        l2_bits,
        l1: L1 { at: be64(bytes, 40), entries },
        snapshots: 0,
        snapshots_at: 0,
        extended: false,
        codec: Codec::Deflate,
        backing_file: None,
        data_file: None,
        file_len: 0,
    })
}

fn later_version(bytes: &[u8]) -> Result<Header, Refusal> {
    let version = be32(bytes, 4);
    let features = if version >= 3 { be64(bytes, 72) } else { 0 };
    let header_len = if version >= 3 { u64::from(be32(bytes, 100)).max(LEN_3) } else { LEN_2 };
    if features & !KNOWN != 0 {
        let reason =
            format!("it needs features that are not known ({features:#x}): convert it and scan that");
        return Err(Refusal::Unsupported(reason));
    }
    let extended = features & EXTENDED_L2 != 0;
    let cluster_bits = be32(bytes, 20);
    // "cluster_bits": at least 9, with subclusters 14; QEMU takes no more than 21.
    if !(if extended { 14..=21 } else { 9..=21 }).contains(&cluster_bits) {
        return Err(damaged("its header has impossible sizes"));
    }
    let kind = if features & COMPRESSION_TYPE != 0 { bytes.get(104).copied().unwrap_or(0) } else { 0 };
    let codec = match kind {
        0 => Codec::Deflate,
        1 => Codec::Zstd,
        kind => {
            let reason = format!("packed by method {kind}, which is not supported: convert it and scan that");
            return Err(Refusal::Unsupported(reason));
        }
    };
    let data_file =
        (features & DATA_FILE != 0).then(|| extension(bytes, header_len, DATA_FILE_NAME).unwrap_or_default());
    Ok(Header {
        version,
        cluster_bits,
        size: be64(bytes, 24),
        encrypted: be32(bytes, 32) != 0,
        // Entries of eight bytes fill a cluster, those with subclusters have sixteen.
        l2_bits: cluster_bits - if extended { 4 } else { 3 },
        l1: L1 { at: be64(bytes, 40), entries: be32(bytes, 36).into() },
        snapshots: be32(bytes, 60),
        snapshots_at: be64(bytes, 64),
        extended,
        codec,
        backing_file: None,
        data_file,
        file_len: 0,
    })
}

/// The data of an extension of this type, behind the header ("Header extensions").
fn extension(bytes: &[u8], header_len: u64, wanted: u32) -> Option<Vec<u8>> {
    let mut at = usize::try_from(header_len).ok()?;
    loop {
        let (kind, len) = (be32(bytes, at), be32(bytes, at.checked_add(4)?) as usize);
        let data = bytes.get(at.checked_add(8)?..)?;
        match kind {
            0 => return None,
            kind if kind == wanted => return data.get(..len).map(<[u8]>::to_vec),
            _ => at = at.checked_add(8)?.checked_add(len.checked_next_multiple_of(8)?)?,
        }
    }
}
