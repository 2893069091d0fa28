//! Writers of every container, most of them those of the libraries.

use std::io::{Cursor, Write as _};

use flate2::write::{DeflateEncoder, GzEncoder};
use lzma_rust2::{LzmaOptions, LzmaWriter, XzOptions, XzWriter};

/// Makes a container or a compressed stream of some content.
pub(super) type Packer = fn(&[u8]) -> Vec<u8>;

/// Every compressed stream by the extension of its files.
pub(super) const COMPRESSORS: [(&str, Packer); 6] =
    [("gz", gzip), ("bz2", bzip2), ("xz", xz), ("lzma", lzma), ("zst", zstd), ("lz4", lz4)];

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    // The smallest blocks there are: 100 kB.
    let mut out = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).expect("memory");
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::with_preset(1);
    let mut out = LzmaWriter::new_use_header(Vec::new(), &options, None).expect("memory");
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// LZMA as zips have it: a version, the properties with the dictionary's size, and a stream that ends in a marker.
pub(super) fn lzma_in_zip(bytes: &[u8], literal_bits: u32) -> Vec<u8> {
    let options = LzmaOptions { lc: literal_bits, ..LzmaOptions::with_preset(1) };
    let mut out = LzmaWriter::new_use_header(Vec::new(), &options, None).expect("memory");
    out.write_all(bytes).expect("memory");
    let out = out.finish().expect("memory");
    [&[9, 20, 5, 0], &out[..5], &out[13..]].concat()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = ::zstd::Encoder::new(Vec::new(), 3).expect("memory");
    out.include_checksum(true).expect("memory");
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn lz4(bytes: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new()
        .block_mode(BlockMode::Linked)
        .block_size(BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true);
    let mut out = FrameEncoder::with_frame_info(info, Vec::new());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        out.append_data(&mut header, name, *bytes).expect("memory");
    }
    out.into_inner().expect("memory")
}

pub(super) fn zip_as(members: &[(&str, &[u8])], method: ::zip::CompressionMethod) -> Vec<u8> {
    let mut out = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = ::zip::write::SimpleFileOptions::default().compression_method(method);
        out.start_file(*name, options).expect("memory");
        out.write_all(bytes).expect("memory");
    }
    out.finish().expect("memory").into_inner()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_as(members, ::zip::CompressionMethod::Deflated)
}

pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        // GNU ends short names in a slash; BSD puts long ones before the data.
        let (field, before) = if name.len() < 16 {
            (format!("{name}/"), &b""[..])
        } else {
            (format!("#1/{}", name.len()), name.as_bytes())
        };
        let size = before.len() + bytes.len();
        writeln!(out, "{field:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`", 0, 0, 0, 644).expect("memory");
        out.extend_from_slice(before);
        out.extend_from_slice(bytes);
        if size % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

pub(super) fn sevenz_as(members: &[(&str, &[u8])], method: sevenz_rust2::EncoderMethod) -> Vec<u8> {
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
    let mut out = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory");
    out.set_content_methods(vec![method.into()]);
    for (name, bytes) in members {
        out.push_archive_entry(ArchiveEntry::new_file(name), Some(*bytes)).expect("memory");
    }
    out.finish().expect("memory").into_inner()
}

pub(super) fn sevenz(members: &[(&str, &[u8])]) -> Vec<u8> {
    sevenz_as(members, sevenz_rust2::EncoderMethod::LZMA2)
}

/// All files packed together.
pub(super) fn sevenz_in_one(members: &[(&str, &[u8])]) -> Vec<u8> {
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter, SourceReader};
    let mut out = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory");
    let entries = members.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
    let readers = members.iter().map(|(_, bytes)| SourceReader::from(*bytes)).collect();
    out.push_archive_entries(entries, readers).expect("memory");
    out.finish().expect("memory").into_inner()
}

/// Makes deflate's number in a 7z that of another method, and puts the checksums over it right.
pub(super) fn set_method(bytes: &mut [u8], last: u8) {
    let at = bytes.windows(3).rposition(|id| id == [4, 1, 8]).expect("deflate is in the header");
    bytes[at + 2] = last;
    let header = u64::from_le_bytes(*bytes[12..].first_chunk().expect("a start header"));
    let header = 32 + usize::try_from(header).expect("small");
    let sum = crc32fast::hash(&bytes[header..]).to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    let sum = crc32fast::hash(&bytes[12..32]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
}

/// `PPMd` as zips have it: two bytes with its order, its memory and its method, and the data.
pub(super) fn ppmd_in_zip(bytes: &[u8], marked: bool) -> Vec<u8> {
    let (order, mib) = (8_u16, 16_u16);
    let mut out = ppmd_rust::Ppmd8Encoder::new(
        ((order - 1) | ((mib - 1) << 4)).to_le_bytes().to_vec(),
        order.into(),
        u32::from(mib) << 20,
        ppmd_rust::RestoreMethod::Restart,
    )
    .expect("memory");
    out.write_all(bytes).expect("memory");
    out.finish(marked).expect("memory")
}

/// A member of a zip written by hand, for what the library does not write.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) packed: Vec<u8>,
    pub(super) crc: u32,
    pub(super) size: u32,
    pub(super) extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    /// Written between the member before and this one.
    pub(super) before: Vec<u8>,
    /// Whether the directory knows it.
    pub(super) listed: bool,
}

impl Member {
    pub(super) fn new(name: &str, method: u16, packed: Vec<u8>, plain: &[u8]) -> Self {
        Member {
            name: name.as_bytes().to_vec(),
            method,
            flags: 0,
            packed,
            crc: crc32fast::hash(plain),
            size: u32::try_from(plain.len()).expect("small"),
            extra: Vec::new(),
            comment: Vec::new(),
            before: Vec::new(),
            listed: true,
        }
    }

    pub(super) fn stored(name: &str, plain: &[u8]) -> Self {
        Self::new(name, 0, plain.to_vec(), plain)
    }

    pub(super) fn deflated(name: &str, plain: &[u8]) -> Self {
        Self::new(name, 8, deflate(plain), plain)
    }

    fn fields(&self, described: bool) -> Vec<u8> {
        let len = |bytes: &[u8]| u16::try_from(bytes.len()).expect("small").to_le_bytes();
        let packed = u32::try_from(self.packed.len()).expect("small");
        let sums = if described { [0; 3] } else { [self.crc, packed, self.size] };
        let mut out = [self.flags.to_le_bytes(), self.method.to_le_bytes(), [0; 2], [0; 2]].concat();
        out.extend(sums.into_iter().flat_map(u32::to_le_bytes));
        out.extend([len(&self.name), len(&self.extra)].concat());
        out
    }
}

/// A zip of such members, and an archive comment.
pub(super) fn zip_of(members: &[Member], comment: &[u8]) -> Vec<u8> {
    let (mut out, mut directory, mut listed) = (Vec::new(), Vec::new(), 0_u16);
    for member in members {
        out.extend_from_slice(&member.before);
        let at = u32::try_from(out.len()).expect("small");
        out.extend_from_slice(b"PK\x03\x04\x14\0");
        out.extend(member.fields(member.flags & 8 != 0));
        out.extend([&member.name[..], &member.extra, &member.packed].concat());
        if member.flags & 8 != 0 {
            out.extend_from_slice(b"PK\x07\x08");
            out.extend(&member.fields(false)[8..20]);
        }
        if member.listed {
            listed += 1;
            directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\0");
            directory.extend(member.fields(false));
            directory.extend(u16::try_from(member.comment.len()).expect("small").to_le_bytes());
            directory.extend([0; 8]);
            directory.extend(at.to_le_bytes());
            directory.extend([&member.name[..], &member.extra, &member.comment].concat());
        }
    }
    let (at, len) =
        (u32::try_from(out.len()).expect("small"), u32::try_from(directory.len()).expect("small"));
    out.extend(directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend([listed.to_le_bytes(), listed.to_le_bytes()].concat());
    out.extend([len.to_le_bytes(), at.to_le_bytes()].concat());
    out.extend(u16::try_from(comment.len()).expect("small").to_le_bytes());
    out.extend_from_slice(comment);
    out
}
