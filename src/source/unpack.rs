//! A sink around a sink that opens containers and hands their members on.
//!
//! A container is recognized by its content, never by its name:
//!
//! | container | recognized by | read | members are called |
//! |---|---|---|---|
//! | zip (jar, whl, docx, apk, Terraform plan; stored, deflate, Deflate64, bzip2, LZMA, xz, Zstandard; zip64; data descriptors) | `PK` at the beginning, or a central directory at the end of something else (self-extracting programs, scripts with their modules) | by its central directory; header by header where that is missing, or where a nested one is larger than 64 MiB | `a.zip!inner/path` |
//! | 7z (LZMA, LZMA2, `PPMd`, bzip2, deflate, Zstandard, LZ4, the BCJ and delta filters) | `7z` | by its header; nested ones up to 64 MiB | `a.7z!inner/path` |
//! | ar, Debian packages | `!<arch>` | forwards | `a.deb!data.tar.xz!inner/path` |
//! | gzip (many members) | `1f 8b 08` | forwards | `a.log.gz!a.log` |
//! | bzip2 (many streams) | `BZh` and the signature of a block | forwards | `a.log.bz2!a.log` |
//! | xz (many streams) | `fd 7zXZ` | forwards | `a.log.xz!a.log` |
//! | LZMA (`.lzma` files) | a header that holds together | forwards | `a.log.lzma!a.log` |
//! | Zstandard (many frames, skippable frames) | `28 b5 2f fd` | forwards | `a.log.zst!a.log` |
//! | LZ4 frames, the legacy ones included | `04 22 4d 18`, `02 21 4c 18` | forwards | `a.log.lz4!a.log` |
//! | lzip (many members; versions 0 and 1) | `LZIP` | forwards | `a.log.lz!a.log` |
//! | compress (codes of 9 to 16 bits, with and without the one that clears the table) | `1f 9d` and its flags | forwards | `a.log.Z!a.log` |
//! | lzop (many files) | `89 4c 5a 4f 00 0d 0a 1a 0a` | forwards | `a.log.lzo!a.log` |
//! | Snappy frames | `ff 06 00 00 sNaPpY` | forwards | `a.log.sz!a.log` |
//! | zlib | a header whose check holds | forwards | `a.log.zz!a.log` |
//! | Brotli | the name `.br`, and that it decodes | forwards | `a.log.br!a.log` |
//! | Android backup | `ANDROID BACKUP` | forwards | `a.ab!inner/path` |
//! | tar (ustar, pax, GNU long names and sparse files, version 7; Docker and OCI images) | `ustar`, or a header checksum that holds | forwards | `a.tar!inner/path` |
//!
//! **Names.** Compressed content has the name in the compressor's header, else the file's own without its extension,
//! else `content`. A tar in a compressor is no step of its own: `a.tar.gz!inner/path`. Names are shown as they are,
//! `../` included: nothing is ever written. Offsets and lines count within the member.
//!
//! **Depth.** Each container opened adds one to the depth; a compressor and the tar in it are one. What is deeper than
//! `max_archive_depth` is scanned as it is, and reported as cut short. With a depth of 0 nothing is opened or reported.
//!
//! **What is scanned besides members:** their names and the targets of links; comments, unusual extra fields and gzip's
//! header texts; what stands before, between and behind the members of a zip, and behind a compressed stream or a tar.
//! All this is reported at its offset in the container. The compressed bytes themselves are not scanned.
//!
//! **Damage and bombs.** What could be read is scanned, the rest is a [`Fault`]: damaged, cut short by a
//! limit of [`Limits`], or seen as bytes only (encrypted, unknown method; `unread` knows whole formats of that kind). What only
//! began like a container is an ordinary blob.
//!
//! **One behind another.** What follows a compressed stream is opened like it, be it of another compressor or an archive.

mod android;
mod ar;
mod blocks;
mod bounded_reader;
mod brotli;
mod budget;
mod buffers;
mod bzip2;
mod compressed;
mod decoder;
mod faults;
mod format;
mod formats;
mod gzip;
mod inflate;
mod input;
mod libdeflate;
mod limits;
mod lz4;
mod lzip;
mod lzma;
mod lzma_decoder;
mod lzop;
mod member_name;
mod memory;
mod open_container;
mod ppmd;
mod remembering;
mod semaphore;
mod sevenz;
mod share;
mod skippable;
mod snappy;
mod spool;
mod tar;
mod unix_compress;
mod unread;
mod work_time;
mod xz;
mod zip;
mod zlib;
mod zstd;

use std::io::Read as _;
use std::sync::Arc;

pub use limits::Limits;

use crate::blob::{Blob, Body, Fault, LocationKind, Origin, Prefilter, Sink};
use crate::meter::Meter;
use bounded_reader::StreamError;
use budget::Budget;
use format::Format;
use limits::Limit;
use open_container::{Behind, MemberName, OpenContainer, Region};
use semaphore::Semaphore;
use unread::Unread;

/// Opens containers on their way to another sink.
pub struct Unpack<'a> {
    inner: &'a dyn Sink,
    limits: Limits,
    semaphore: Arc<Semaphore>,
}

impl<'a> Unpack<'a> {
    /// Hands everything on to `inner`, containers as their members, within `limits`.
    pub fn new(inner: &'a dyn Sink, limits: Limits) -> Self {
        Unpack { inner, limits, semaphore: Arc::new(Semaphore::new()) }
    }

    /// A blob from a source.
    fn outermost(&self, mut blob: Blob<'_>) {
        // A name or a message is never a container, whatever it begins with.
        match container(&mut blob) {
            Some(format) if (blob.origin)().kind == LocationKind::Content => self.open_file(format, blob),
            Some(_) => self.inner.blob(blob),
            None => {
                let unread = unread::recognise(&mut blob.body);
                if let Some(unread) = unread.filter(|_| (blob.origin)().kind == LocationKind::Content) {
                    let budget = Budget::new(self.limits, &self.semaphore);
                    self.report_unread(unread, blob.origin, 0, &budget);
                }
                self.inner.blob(blob);
            }
        }
    }

    /// Says that something is scanned as it is although it is no plain data.
    fn report_unread(&self, unread: Unread, origin: &dyn Fn() -> Origin, depth: u32, budget: &Budget) {
        let itself = OpenContainer { unpack: self, budget, origin, depth };
        itself.report_as_bytes(Region::Raw(0), unread.word, unread.why);
    }

    /// Opens a container from a source and all that is nested in it, within one budget.
    fn open_file(&self, format: &Format, blob: Blob<'_>) {
        let (budget, origin) = (Budget::new(self.limits, &self.semaphore), blob.origin);
        self.open(format, blob, 0, &budget);
        OpenContainer { unpack: self, budget: &budget, origin, depth: 0 }.finish();
    }

    /// A blob from within `depth` containers: opened if it is one itself.
    fn nested(&self, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        if let Some(format) = container(&mut blob) {
            return self.open(format, blob, depth, budget);
        }
        if let Some(unread) = unread::recognise(&mut blob.body) {
            self.report_unread(unread, blob.origin, depth, budget);
        }
        self.pass_through(blob);
    }

    /// What came out of a compressor: a tar is opened as one container with it, anything else is nested in it.
    fn decompressed(&self, mut blob: Blob<'_>, compressor: &OpenContainer<'_>, name: &MemberName) {
        let merged = formats::detect(blob.body.head()).filter(|format| format.merges_with_compressor);
        if let Some(format) = merged {
            format.open(compressor, &mut blob.body, formats::without_extension);
            return;
        }
        compressor.scan_name(name);
        self.nested(blob, compressor.depth, compressor.budget);
    }

    fn open(&self, format: &Format, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        let container = OpenContainer { unpack: self, budget, origin: blob.origin, depth: depth + 1 };
        let too_deep = depth == self.limits.max_archive_depth;
        if too_deep && format.is_valid(blob.body.head(), budget) {
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Depth), None);
            return self.pass_through(blob);
        }
        let opened = !too_deep && format.open(&container, &mut blob.body, formats::without_extension);
        // What only begins like one may still end in another.
        let at_end = if opened || too_deep { None } else { formats::detect_at_end(&mut blob.body) };
        if let Some(format) = at_end {
            format.open(&container, &mut blob.body, formats::without_extension);
        } else if !opened {
            if depth == 0 { self.inner.blob(blob) } else { self.pass_through(blob) }
        }
    }

    /// Hands on a blob that came out of a container, and counts what the sink itself does not.
    fn pass_through(&self, blob: Blob<'_>) {
        self.inner.meter().bytes(blob.body.head().len() as u64);
        self.inner.blob(blob);
    }
}

/// What stands behind a stream, by its head.
fn behind(head: &[u8], budget: &Budget) -> Behind {
    formats::behind(head, budget)
}

/// The container a blob is.
fn container(blob: &mut Blob<'_>) -> Option<&'static Format> {
    formats::detect(blob.body.head())
        .or_else(|| formats::detect_by_name(blob.body.head(), || (blob.origin)().path))
        .or_else(|| formats::detect_at_end(&mut blob.body))
}

impl Sink for Unpack<'_> {
    fn blob(&self, blob: Blob<'_>) {
        if self.limits.max_archive_depth == 0 {
            return self.inner.blob(blob);
        }
        match blob.body {
            // A pipe may begin with very little.
            Body::Stream { head, rest } if head.len() < formats::HEAD => {
                let mut head = head.to_vec();
                // Whoever reads on gets an error again.
                let _ = rest.take((formats::HEAD - head.len()) as u64).read_to_end(&mut head);
                self.outermost(Blob { body: Body::Stream { head: &head, rest }, origin: blob.origin });
            }
            body => self.outermost(Blob { body, origin: blob.origin }),
        }
    }

    fn fault(&self, fault: Fault) {
        self.inner.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.inner.prefilter().map(|_| self as &dyn Prefilter)
    }
}

/// What this sink finds in a blob is what the one within finds, or what is packed in a container.
impl Prefilter for Unpack<'_> {
    fn may_match(&self, bytes: &[u8]) -> bool {
        let within = self.inner.prefilter().is_none_or(|prefilter| prefilter.may_match(bytes));
        // The directory of a zip may stand at the end of anything.
        within || self.limits.max_archive_depth > 0 && memchr::memmem::find(bytes, zip::END).is_some()
    }

    fn context(&self) -> usize {
        self.inner.prefilter().map_or(0, Prefilter::context).max(zip::END.len())
    }

    fn must_open(&self, head: &[u8]) -> bool {
        self.limits.max_archive_depth > 0
            && (formats::detect(head).is_some() || unread::by_head(head).is_some())
            || self.inner.prefilter().is_none_or(|prefilter| prefilter.must_open(head))
    }
}

#[cfg(test)]
mod tests;
