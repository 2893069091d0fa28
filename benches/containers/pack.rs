//! The containers, packed once, and the readers of the libraries that a scan reads them with.

use std::fmt;
use std::fs;
use std::io::{Cursor, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sevenz_rust2::{ArchiveEntry, ArchiveReader, ArchiveWriter, EncoderMethod, Password};
use tempfile::TempDir;
use zip::CompressionMethod;

use crate::{content, open};

/// Calls back with a reader of each member.
type ReadMembers = fn(&Path, &mut dyn FnMut(&mut dyn Read));

/// What is in a container.
type Members = Arc<Vec<Vec<u8>>>;

/// One or more files of one format, in a directory of their own.
pub(super) struct Container {
    pub(super) name: &'static str,
    pub(super) directory: TempDir,
    pub(super) paths: Vec<PathBuf>,
    pub(super) members: Members,
    pub(super) inflated: usize,
    pub(super) read: ReadMembers,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Writes a container of some members.
type Pack = fn(&[Vec<u8>]) -> Vec<u8>;

/// All of them.
pub(super) fn all() -> Vec<Container> {
    let members: Members = Arc::new(content::files());
    let joined: Members = Arc::new(vec![members.concat()]);
    let many: Members = Arc::new(members.concat().chunks(2048).take(10_000).map(<[u8]>::to_vec).collect());
    let streams: [(&str, Pack, ReadMembers); 6] = [
        (
            "gzip",
            |joined| gzip(&joined[0]),
            |path, each| each(&mut flate2::bufread::MultiGzDecoder::new(open(path))),
        ),
        ("bzip2", bzip2, |path, each| each(&mut bzip2::bufread::MultiBzDecoder::new(open(path)))),
        ("xz", xz, |path, each| each(&mut lzma_rust2::XzReader::new(open(path), true))),
        ("lzma", lzma, |path, each| {
            each(&mut lzma_rust2::LzmaReader::new_mem_limit(open(path), u32::MAX, None).expect("a header"));
        }),
        ("zstd", zstd, |path, each| each(&mut zstd::Decoder::with_buffer(open(path)).expect("memory"))),
        ("lz4", lz4, |path, each| each(&mut lz4_flex::frame::FrameDecoder::new(open(path)))),
    ];
    let archives: [(&str, Pack, ReadMembers); 10] = [
        ("tar", tar, |path, each| each(&mut open(path))),
        (
            "tar in gzip",
            |members| gzip(&tar(members)),
            |path, each| {
                each(&mut flate2::bufread::MultiGzDecoder::new(open(path)));
            },
        ),
        ("ar", ar, |path, each| each(&mut open(path))),
        ("zip stored", |members| zip(members, CompressionMethod::Stored), read_zip),
        ("zip deflate", |members| zip(members, CompressionMethod::Deflated), read_zip),
        ("zip bzip2", |members| zip(members, CompressionMethod::Bzip2), read_zip),
        ("zip zstd", |members| zip(members, CompressionMethod::Zstd), read_zip),
        ("7z LZMA2", |members| sevenz(members, EncoderMethod::LZMA2), read_sevenz),
        ("7z PPMd", |members| sevenz(members, EncoderMethod::PPMD), read_sevenz),
        ("7z zstd", |members| sevenz(members, EncoderMethod::ZSTD), read_sevenz),
    ];
    let small: [(&str, Pack, ReadMembers); 4] = [
        ("tar of 10,000", tar, |path, each| each(&mut open(path))),
        ("ar of 10,000", ar, |path, each| each(&mut open(path))),
        ("zip of 10,000", |members| zip(members, CompressionMethod::Deflated), read_zip),
        (
            "tar in gzip of 10,000",
            |members| gzip(&tar(members)),
            |path, each| {
                each(&mut flate2::bufread::MultiGzDecoder::new(open(path)));
            },
        ),
    ];
    let mut all = Vec::new();
    for (rows, members) in [(&streams[..], &joined), (&archives, &members), (&small, &many)] {
        all.extend(rows.iter().map(|(name, pack, read)| container(name, &[pack(members)], members, *read)));
    }
    let each: Vec<_> = many.iter().map(|member| gzip(member)).collect();
    all.push(container("10,000 gzip files", &each, &many, |path, each| {
        each(&mut flate2::bufread::MultiGzDecoder::new(open(path)));
    }));
    all
}

fn container(name: &'static str, files: &[Vec<u8>], members: &Members, read: ReadMembers) -> Container {
    let directory = TempDir::new().expect("a directory");
    let paths = (0..files.len()).map(|n| directory.path().join(n.to_string())).collect::<Vec<_>>();
    for (path, bytes) in paths.iter().zip(files) {
        fs::write(path, bytes).expect("a file");
    }
    let inflated = members.iter().map(Vec::len).sum();
    Container { name, directory, paths, members: Arc::clone(members), inflated, read }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

fn bzip2(joined: &[Vec<u8>]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    out.write_all(&joined[0]).expect("memory");
    out.finish().expect("memory")
}

fn xz(joined: &[Vec<u8>]) -> Vec<u8> {
    let mut out =
        lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).expect("memory");
    out.write_all(&joined[0]).expect("memory");
    out.finish().expect("memory")
}

fn lzma(joined: &[Vec<u8>]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let mut out = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).expect("memory");
    out.write_all(&joined[0]).expect("memory");
    out.finish().expect("memory")
}

fn zstd(joined: &[Vec<u8>]) -> Vec<u8> {
    zstd::encode_all(&joined[0][..], 3).expect("memory")
}

fn lz4(joined: &[Vec<u8>]) -> Vec<u8> {
    let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
    out.write_all(&joined[0]).expect("memory");
    out.finish().expect("memory")
}

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (n, bytes) in members.iter().enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        out.append_data(&mut header, format!("src/{n}.rs"), &bytes[..]).expect("memory");
    }
    out.into_inner().expect("memory")
}

fn ar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (n, bytes) in members.iter().enumerate() {
        writeln!(out, "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", format!("{n}.o/"), 0, 0, 0, 644, bytes.len())
            .expect("memory");
        out.extend_from_slice(bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

fn zip(members: &[Vec<u8>], method: CompressionMethod) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (n, bytes) in members.iter().enumerate() {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        out.start_file(format!("src/{n}.rs"), options).expect("memory");
        out.write_all(bytes).expect("memory");
    }
    out.finish().expect("memory").into_inner()
}

fn read_zip(path: &Path, each: &mut dyn FnMut(&mut dyn Read)) {
    let mut archive = zip::ZipArchive::new(open(path)).expect("an archive");
    for index in 0..archive.len() {
        each(&mut archive.by_index(index).expect("a member"));
    }
}

fn sevenz(members: &[Vec<u8>], method: EncoderMethod) -> Vec<u8> {
    let mut out = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory");
    out.set_content_methods(vec![method.into()]);
    let entries = (0..members.len()).map(|n| ArchiveEntry::new_file(&format!("src/{n}.rs"))).collect();
    let readers = members.iter().map(|bytes| (&bytes[..]).into()).collect();
    out.push_archive_entries(entries, readers).expect("memory");
    out.finish().expect("memory").into_inner()
}

fn read_sevenz(path: &Path, each: &mut dyn FnMut(&mut dyn Read)) {
    let mut archive = ArchiveReader::new(open(path), Password::empty()).expect("an archive");
    archive
        .for_each_entries(|_, reader| {
            each(reader);
            Ok(true)
        })
        .expect("sound blocks");
}
