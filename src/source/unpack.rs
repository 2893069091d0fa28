//! A sink around a sink that opens containers and hands their members on.
//!
//! A container is recognized by its content, never by its name:
//!
//! | container | recognized by | read | members are called |
//! |---|---|---|---|
//! | zip (jar, whl, docx, apk, Terraform plan; stored, deflate, Deflate64, bzip2, LZMA, xz, Zstandard; zip64; data descriptors) | `PK` at the beginning, or a central directory at the end of something else (self-extracting programs, scripts with their modules) | by its central directory; header by header where that is missing, or where a nested one is larger than 64 MiB | `a.zip!inner/path` |
//! | 7z (LZMA, LZMA2, `PPMd`, bzip2, deflate, Zstandard, LZ4, the BCJ and delta filters) | `7z` | by its header; nested ones up to 64 MiB | `a.7z!inner/path` |
//! | ar, Debian packages | `!<arch>` | forwards | `a.deb!data.tar.xz!inner/path` |
//! | cpio (new, with checksums, portable, old binary in both orders; initial RAM disks of several) | `070701`, `070702`, `070707`, `c7 71`, `71 c7` and a header that holds together | forwards | `a.cpio!inner/path` |
//! | RPM packages (payloads of numbered files, too) | `ed ab ee db` | forwards | `a.rpm!./inner/path` |
//! | OLE2 compound files (doc, xls, ppt, msg, MSI, `Thumbs.db`, `vbaProject.bin`; the source of macros, Rich Text of mails) | `d0 cf 11 e0 a1 b1 1a e1` | by its directory; nested ones up to 64 MiB | `a.doc!Storage/Stream` |
//! | cab (MSZIP, LZX, stored; many folders) | `MSCF` | forwards | `a.cab!inner/path` |
//! | asar (programs of Electron) | sizes that agree, and JSON | forwards | `app.asar!inner/path` |
//! | gzip (many members) | `1f 8b 08` | forwards | `a.log.gz!a.log` |
//! | bzip2 (many streams) | `BZh` and the signature of a block | forwards | `a.log.bz2!a.log` |
//! | xz (many streams) | `fd 7zXZ` | forwards | `a.log.xz!a.log` |
//! | LZMA (`.lzma` files) | usual properties | forwards | `a.log.lzma!a.log` |
//! | Zstandard (many frames, skippable frames) | `28 b5 2f fd` | forwards | `a.log.zst!a.log` |
//! | LZ4 frames, the legacy ones included | `04 22 4d 18`, `02 21 4c 18` | forwards | `a.log.lz4!a.log` |
//! | zisofs, both versions | `37 e4 53 96 c9 db d6 07`, `ef 22 55 a1 bc 1b 95 a0` | forwards | `a.txt!content` |
//! | tar (ustar, pax, GNU long names and sparse files, version 7; Docker and OCI images) | `ustar`, or a header checksum that holds | forwards | `a.tar!inner/path` |
//! | ISO 9660 (Rock Ridge, Joliet, files of many extents, zisofs) | `CD001` in the seventeenth sector | by its directories; nested ones up to 64 MiB | `a.iso!inner/path` |
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
//! limit of [`Limits`], or unreadable (encrypted, unknown method). What only began like a container is an ordinary blob.

mod ar;
mod asar;
mod bounded_reader;
mod budget;
mod buffers;
mod bzip2;
mod cab;
mod compressed;
mod cpio;
mod decoder;
mod extents;
mod faults;
mod format;
mod formats;
mod gzip;
mod inflate;
mod input;
mod iso;
mod libdeflate;
mod limits;
mod lz4;
mod lzma;
mod lzma_decoder;
mod member_name;
mod memory;
mod ole;
mod open_container;
mod remembering;
mod rpm;
mod semaphore;
mod sevenz;
mod share;
mod skippable;
mod spool;
mod tar;
mod work_time;
mod xz;
mod zip;
mod zisofs;
mod zstd;

use std::io::Read as _;
use std::sync::Arc;

pub use limits::Limits;

use crate::blob::{Blob, Body, Fault, LocationKind, Prefilter, Sink};
use crate::meter::Meter;
use bounded_reader::StreamError;
use budget::Budget;
use format::Format;
use limits::Limit;
use open_container::{MemberName, OpenContainer, Region};
use semaphore::Semaphore;

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
        match container(&mut blob.body) {
            // A name or a message is never a container, whatever it begins with.
            Some(format) if (blob.origin)().kind == LocationKind::Content => self.open_file(format, blob),
            _ => self.inner.blob(blob),
        }
    }

    /// Opens a container from a source and all that is nested in it, within one budget.
    fn open_file(&self, format: &Format, blob: Blob<'_>) {
        let (budget, origin) = (Budget::new(self.limits, &self.semaphore), blob.origin);
        self.open(format, blob, 0, &budget);
        OpenContainer { unpack: self, budget: &budget, origin, depth: 0 }.finish();
    }

    /// A blob from within `depth` containers: opened if it is one itself.
    fn nested(&self, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        match container(&mut blob.body) {
            Some(format) => self.open(format, blob, depth, budget),
            None => self.pass_through(blob),
        }
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
        if too_deep || !format.open(&container, &mut blob.body, formats::without_extension) {
            // It only begins like one.
            if depth == 0 { self.inner.blob(blob) } else { self.pass_through(blob) }
        }
    }

    /// Hands on a blob that came out of a container, and counts what the sink itself does not.
    fn pass_through(&self, blob: Blob<'_>) {
        self.inner.meter().bytes(blob.body.head().len() as u64);
        self.inner.blob(blob);
    }
}

/// The container a blob is.
fn container(body: &mut Body<'_>) -> Option<&'static Format> {
    formats::detect(body.head()).or_else(|| formats::detect_at_end(body))
}

impl Sink for Unpack<'_> {
    fn blob(&self, blob: Blob<'_>) {
        if self.limits.max_archive_depth == 0 {
            return self.inner.blob(blob);
        }
        match blob.body {
            // A pipe may begin with very little.
            Body::Stream { head, rest }
                if head.len() < formats::HEAD || head.len() < iso::HEAD && iso::may_begin(head) =>
            {
                let mut head = head.to_vec();
                // Whoever reads on gets an error again.
                let _ = rest.take((formats::HEAD.saturating_sub(head.len())) as u64).read_to_end(&mut head);
                if iso::may_begin(&head) {
                    let _ = rest.take((iso::HEAD - head.len().min(iso::HEAD)) as u64).read_to_end(&mut head);
                }
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
        self.limits.max_archive_depth > 0 && (formats::detect(head).is_some() || iso::may_begin(head))
            || self.inner.prefilter().is_none_or(|prefilter| prefilter.must_open(head))
    }
}

#[cfg(test)]
mod tests;
