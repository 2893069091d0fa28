//! What a container format is: how it is recognised, and who reads it. The table of all is in [`formats`](super::formats).
//!
//! | container | recognized by | read | members are called |
//! |---|---|---|---|
//! | zip (jar, whl, docx, apk, Terraform plan; stored, deflate, Deflate64, bzip2, LZMA, xz, Zstandard; zip64; data descriptors) | `PK` at the beginning, or a central directory at the end of something else (self-extracting programs, scripts with their modules) | by its central directory; header by header where that is missing, or where a nested one is larger than 64 MiB | `a.zip!inner/path` |
//! | 7z (LZMA, LZMA2, `PPMd`, bzip2, deflate, Zstandard, LZ4, the BCJ and delta filters) | `7z` | by its header; nested ones up to 64 MiB | `a.7z!inner/path` |
//! | squashfs 4 (snaps, `AppImage`s, firmware; gzip, LZMA, LZO, xz, LZ4, Zstandard) | `hsqs`, also behind the program of an `AppImage` | by its tables; nested ones up to 64 MiB | `a.squashfs!inner/path` |
//! | qcow2 (compressed clusters, subclusters, snapshots as `snapshot NAME`), qcow | `QFI` and a version | by its tables; nested ones up to 64 MiB | `a.qcow2!disk` |
//! | VMDK (sparse and stream-optimized extents) | `KDMV`, `COWD` | by its tables; nested ones of more than 64 MiB forwards, where they are stream-optimized | `a.vmdk!disk` |
//! | VHDX | `vhdxfile` | by its tables; nested ones up to 64 MiB | `a.vhdx!disk` |
//! | VHD (those that grow; those of a fixed size are bytes) | `conectix` | by its table; nested ones up to 64 MiB | `a.vhd!disk` |
//! | VDI | its text and signature | by its table; nested ones up to 64 MiB | `a.vdi!disk` |
//! | DMG (stored, ADC, zlib, bzip2, LZFSE, xz) | `koly` in its last 512 bytes, in a file or in memory | by its list of chunks | `a.dmg!disk` |
//! | ar, Debian packages | `!<arch>` | forwards | `a.deb!data.tar.xz!inner/path` |
//! | cpio (new, with checksums, portable, old binary in both orders; initial RAM disks of several) | `070701`, `070702`, `070707`, `c7 71`, `71 c7` and a header that holds together | forwards | `a.cpio!inner/path` |
//! | RPM packages (payloads of numbered files, too) | `ed ab ee db` | forwards | `a.rpm!./inner/path` |
//! | OLE2 compound files (doc, xls, ppt, msg, MSI, `Thumbs.db`, `vbaProject.bin`; the source of macros, Rich Text of mails) | `d0 cf 11 e0 a1 b1 1a e1` | by its directory; nested ones up to 64 MiB | `a.doc!Storage/Stream` |
//! | git bundle (version 2 and 3) | `# v2 git bundle`, `# v3 git bundle` | its pack, spooled to disk | `all.bundle!COMMIT:path` |
//! | git pack (version 2 and 3, SHA-1 and SHA-256) | `PACK` and its version | spooled to disk | `x.pack!COMMIT:path` |
//! | git object, loose | zlib, and `blob`, `tree`, `commit` or `tag` in it | twice: for its id, and for what it holds | `ab/cdef!blob/ID` |
//! | cab (MSZIP, LZX, stored; many folders) | `MSCF` | forwards | `a.cab!inner/path` |
//! | asar (programs of Electron) | sizes that agree, and JSON | forwards | `app.asar!inner/path` |
//! | gzip (many members) | `1f 8b 08` | forwards | `a.log.gz!a.log` |
//! | bzip2 (many streams) | `BZh` and the signature of a block | forwards | `a.log.bz2!a.log` |
//! | xz (many streams) | `fd 7zXZ` | forwards | `a.log.xz!a.log` |
//! | LZMA (`.lzma` files) | a header that holds together | forwards | `a.log.lzma!a.log` |
//! | Zstandard (many frames, skippable frames) | `28 b5 2f fd` | forwards | `a.log.zst!a.log` |
//! | LZ4 frames, the legacy ones included | `04 22 4d 18`, `02 21 4c 18` | forwards | `a.log.lz4!a.log` |
//! | PDF (Flate, LZW, ASCII85, `ASCIIHex`, `RunLength`; predictors; object streams; text in pieces; RC4 and AES without a password) | `%PDF-`, or that within 1 KiB of a mark, a blank or a line end | objects where they stand; nested ones up to 64 MiB | `a.pdf!object 12` |
//! | HTTP/1 messages (chunks; gzip, deflate, Brotli, Zstandard) | `HTTP/1.`, or the first line of a request | forwards; nested ones up to 64 MiB | `a.http!body 1` |
//! | pcap, pcapng | the magic numbers in either byte order | forwards, connections put together; nested ones up to 64 MiB | `a.pcap!10.0.0.1:1234-10.0.0.2:80` |
//! | systemd's journal (fields compressed by xz, LZ4, Zstandard) | `LPKSHHRH` | forwards; nested ones up to 64 MiB | `a.journal!@6699` |
//! | PNG (compressed texts) | its signature | forwards; nested ones up to 64 MiB | `a.png!zTXt Comment` |
//! | lzip (many members; versions 0 and 1) | `LZIP` | forwards | `a.log.lz!a.log` |
//! | compress (codes of 9 to 16 bits, with and without the one that clears the table) | `1f 9d` and its flags | forwards | `a.log.Z!a.log` |
//! | lzop (many files) | `89 4c 5a 4f 00 0d 0a 1a 0a` | forwards | `a.log.lzo!a.log` |
//! | Snappy frames | `ff 06 00 00 sNaPpY` | forwards | `a.log.sz!a.log` |
//! | zlib | a header whose check holds | forwards | `a.log.zz!a.log` |
//! | Brotli | the name `.br`, and that it decodes | forwards | `a.log.br!a.log` |
//! | Android backup | `ANDROID BACKUP` | forwards | `a.ab!inner/path` |
//! | tar (ustar, pax, GNU long names and sparse files, version 7; Docker and OCI images) | `ustar`, or a header checksum that holds | forwards | `a.tar!inner/path` |
//! | mail (MIME; mailboxes, saved pages: MHTML) | fields that mails begin with, a `From ` line, a boundary | forwards, besides the bytes as they are: what is in base64, quoted-printable, uuencode and encoded words | `a.eml!notes.zip!inner/path` |
//! | SQLite databases, their write-ahead logs and rollback journals | `SQLite format 3`, `37 7f 06 82`, `d9 d5 05 f9 20 a1 63 d7` | page by page, besides the bytes as they are: records that go on in other pages, values that are packed | `a.db!table NAME/row 17` |
//! | `LevelDB` and `RocksDB`: tables (Snappy, zlib, bzip2, LZ4, Zstandard) and logs | the end of a table, or its first block in Snappy; a log's first record, by its checksum | by a table's index, besides the bytes as they are; the records of a log that are cut by the end of a block | `000005.ldb!block 3` |
//! | mozLz4 (sessions of Firefox) | `mozLz40` | at once, up to 64 MiB | `previous.jsonlz4!content` |
//! | HAR (what browsers record of pages) | `{"log":{` | forwards, besides the bytes as they are: bodies that are containers | `a.har!entry 3!inner/path` |
//! | Chromium's cache (gzip, deflate, Brotli, Zstandard) | `30 5c 72 a7 1b 6d fb fc` | by its end, besides the bytes as they are | `1c0de7a9f0b2d3e4_0!body` |
//! | Firefox's cache (gzip, deflate, Brotli, Zstandard) | where its last bytes say that what is known of it begins, in a file or in memory | by its end, besides the bytes as they are | `D3B5635B13712A8E2C8F20E7D4FADF427A5AA7BA!body` |
//! | Parquet (Snappy, gzip, Zstandard, LZ4, Brotli, LZO) | `PAR1` | by its footer, besides the bytes as they are: the pages of columns, unpacked | `a.parquet!column NAME` |
//! | ORC (zlib, Snappy, LZO, LZ4, Zstandard) | `ORC` and a postscript | by its footer, besides the bytes as they are: the streams of columns, unpacked | `a.orc!stripe 1/column NAME` |
//! | Arrow files and streams, Feather (LZ4, Zstandard) | `ARROW1`, `ff ff ff ff` and a message | forwards, besides the bytes as they are: compressed buffers | `a.arrow!buffer 2` |
//! | Avro (deflate, Snappy, bzip2, xz, Zstandard) | `Obj` and 1 | forwards, besides the bytes as they are: compressed blocks | `a.avro!blocks` |
//! | PST and OST (Outlook's stores, plain, permuted and cyclic) | `!BDN` | by the tree of blocks, besides the bytes as they are: blocks, decoded and joined | `a.pst!block 0x12c4` |
//! | zisofs, both versions | `37 e4 53 96 c9 db d6 07`, `ef 22 55 a1 bc 1b 95 a0` | forwards | `a.txt!content` |
//! | ISO 9660 (Rock Ridge, Joliet, files of many extents, zisofs) | `CD001` in the seventeenth sector | by its directories; nested ones up to 64 MiB | `a.iso!inner/path` |

use std::fmt;

use super::Unpack;

use super::besides::{self, ReadBesides};
use super::budget::Budget;
use super::compressed::{self, WithoutExtension};
use super::decoder::StreamFormat;
use super::open_container::{OpenContainer, reborrow};
use crate::blob::Body;

/// A container format: one row of the table.
pub(super) struct Format {
    /// What it is called in the documentation.
    pub(super) name: &'static str,
    /// All bytes it may begin with; none where that may be any.
    pub(super) first_bytes: &'static [u8],
    /// Whether a file with this head is one.
    pub(super) begins: fn(&[u8]) -> bool,
    pub(super) signature: Signature,
    /// Whether one stands at the end of something else, which has these last bytes; only for formats that are found from their end.
    pub(super) at_end: Option<fn(&[u8], &mut Body<'_>) -> bool>,
    pub(super) reader: Reader,
    /// Whether one in a compressor is opened as one container with it, as `.tar.gz` is.
    pub(super) merges_with_compressor: bool,
    /// A path of a member, as it is documented.
    pub(super) member_path: &'static str,
}

/// How far the first bytes alone are to be trusted.
pub(super) enum Signature {
    /// Nothing else begins with them: what cannot be read is damaged.
    Strong,
    /// Other data may begin with them by chance. How many bytes must come out of a file with this head.
    Weak(fn(&[u8]) -> usize),
    /// Any data may begin with them: only a file with one of the compressor's extensions is looked at. How many bytes must
    /// come out of it.
    Named(usize),
}

impl Signature {
    /// How many bytes must come out of a file with this head before it is believed.
    fn least(&self, head: &[u8]) -> Option<usize> {
        match self {
            Signature::Strong => None,
            Signature::Weak(least) => Some(least(head)),
            Signature::Named(least) => Some(*least),
        }
    }
}

/// Hands on the members of an archive.
pub(super) type OpenArchive = fn(&OpenContainer<'_>, Body<'_>);

pub(super) enum Reader {
    /// Members with names of their own.
    Archive(OpenArchive),
    /// One content, named by the stream's header or after the file.
    Compressor(&'static StreamFormat),
    /// Members that are made of it besides its bytes, which are scanned as they are.
    Besides(ReadBesides),
}

impl Format {
    /// Whether other data may begin so.
    pub(super) fn is_weak(&self) -> bool {
        matches!(self.signature, Signature::Weak(_))
    }

    /// Whether a file that begins like one is one, as far as its head shows.
    pub(super) fn is_valid(&self, head: &[u8], budget: &Budget) -> bool {
        match (self.signature.least(head), &self.reader) {
            (Some(least), Reader::Compressor(stream)) => {
                compressed::decompresses(stream, head, least, budget)
            }
            _ => true,
        }
    }

    /// Hands on what is in it, and whether it is one: where it is none, nothing.
    pub(super) fn open(
        &self,
        container: &OpenContainer<'_>,
        body: &mut Body<'_>,
        without_extension: WithoutExtension,
    ) -> bool {
        match (&self.reader, body) {
            (Reader::Archive(open), body) => {
                Unpack::read_archive(container, *open, reborrow(body));
            }
            (Reader::Besides(read), body) => besides::open(container, reborrow(body), *read),
            (Reader::Compressor(stream), Body::Whole(bytes)) => {
                let least = self.signature.least(bytes);
                return compressed::open_whole(container, stream, bytes, least, without_extension);
            }
            (Reader::Compressor(stream), Body::Stream { head, rest }) => {
                // Decoded twice as far as the head goes, which is little of it.
                if !self.is_valid(head, container.budget) {
                    return false;
                }
                compressed::open(container, stream, (head, &mut **rest), without_extension);
            }
        }
        true
    }

    /// What a compressor adds to the names of files.
    pub(super) fn extensions(&self) -> &'static [&'static str] {
        match self.reader {
            Reader::Archive(_) | Reader::Besides(_) => &[],
            Reader::Compressor(stream) => stream.extensions,
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.member_path)
    }
}
