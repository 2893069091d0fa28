//! A sink around a sink that opens containers and hands their members on.
//!
//! A container is told by its content, never by its name:
//!
//! | container | told by | read | members are called |
//! |---|---|---|---|
//! | zip (jar, whl, docx, apk, Terraform plan; stored, deflate, Deflate64, bzip2, LZMA, xz, Zstandard; zip64; data descriptors) | `PK` at the beginning, or a directory at the end of something else (self-extracting programs, scripts with their modules) | by its directory; header by header where that is missing, or where a nested one is larger than 64 MiB | `a.zip!inner/path` |
//! | tar (ustar, pax, GNU long names and sparse files, version 7; Docker and OCI images) | `ustar`, or a checksum that holds | forwards | `a.tar!inner/path` |
//! | ar, Debian packages | `!<arch>` | forwards | `a.deb!data.tar.xz!inner/path` |
//! | 7z (LZMA, LZMA2, `PPMd`, bzip2, deflate, Zstandard, LZ4, the BCJ and delta filters) | `7z` | by its header; nested ones up to 64 MiB | `a.7z!inner/path` |
//! | gzip (many members) | `1f 8b 08` | forwards | `a.log.gz!a.log` |
//! | bzip2 (many streams) | `BZh` and the mark of a block | forwards | `a.log.bz2!a.log` |
//! | xz (many streams), LZMA alone | `fd 7zXZ`; usual LZMA properties | forwards | `a.log.xz!a.log` |
//! | Zstandard (many frames, frames to be skipped) | `28 b5 2f fd` | forwards | `a.log.zst!a.log` |
//! | LZ4 frames, the older kind included | `04 22 4d 18`, `02 21 4c 18` | forwards | `a.log.lz4!a.log` |
//!
//! **Names.** What a compressor packed goes by the name its header holds, else by the file's own without its
//! extension, else by `content`. A tar in a compressor is no step of its own: `a.tar.gz!inner/path`. Names are shown as they are,
//! `../` included: nothing is ever written. Offsets and lines count within the member.
//!
//! **Depth.** Each container opened is one level; a compressor and the tar in it are one. What lies deeper than
//! `max_archive_depth` is looked into as it is, and said to be cut short. With a depth of 0 nothing is opened, nor said.
//!
//! **What is looked into besides members:** their names and the targets of links; comments, unusual extra fields and gzip's
//! header texts; what stands before, between and behind the members of a zip, and behind a compressed stream or a tar.
//! All this is placed by its offset in the container. The packed bytes themselves are not.
//!
//! **Damage and bombs.** What could be read is looked into, the rest is a [`Fault`]: damaged, cut short by a
//! limit of [`Limits`], or unreadable (encrypted, unknown method). What only began like a container is an ordinary blob.

mod ar;
mod bounded_reader;
mod budget;
mod bzip2;
mod compressed;
mod decoder;
mod gzip;
mod inflate;
mod input;
mod lz4;
mod lzma;
mod open_container;
mod sevenz;
mod sniff;
mod spool;
mod tar;
mod xz;
mod zip;
mod zstd;

use std::io::Read as _;
use std::sync::Arc;

pub use budget::Limits;

use crate::blob::{Blob, Body, Fault, LocationKind, Prefilter, Sink};
use crate::meter::Meter;
use bounded_reader::StreamError;
use budget::{Budget, Gate, Limit};
use open_container::{OpenContainer, Place};
use sniff::Kind;

/// Opens containers on their way to another sink.
pub struct Unpack<'a> {
    inner: &'a dyn Sink,
    limits: Limits,
    gate: Arc<Gate>,
}

impl<'a> Unpack<'a> {
    /// Hands everything on to `inner`, containers as their members, within `limits`.
    pub fn new(inner: &'a dyn Sink, limits: Limits) -> Self {
        Unpack { inner, limits, gate: Arc::new(Gate::new()) }
    }

    fn look(&self, mut blob: Blob<'_>) {
        match container(&mut blob.body) {
            // A name or a message is never a container, whatever it begins with.
            Some(kind) if (blob.origin)().kind == LocationKind::Content => self.open(kind, blob),
            _ => self.inner.blob(blob),
        }
    }

    /// Opens one container and all that is nested in it.
    fn open(&self, kind: Kind, blob: Blob<'_>) {
        let (budget, origin) = (Budget::new(self.limits, &self.gate), blob.origin);
        self.enter(kind, blob, 0, &budget);
        OpenContainer { unpack: self, budget: &budget, origin, depth: 0 }.close();
    }

    /// A blob from within `depth` containers: opened if it is one itself.
    fn pass(&self, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        match container(&mut blob.body) {
            Some(kind) => self.enter(kind, blob, depth, budget),
            None => self.plain(blob),
        }
    }

    fn enter(&self, kind: Kind, blob: Blob<'_>, depth: u32, budget: &Budget) {
        if sniff::weak(kind) && !compressed::holds(kind, blob.body.head(), budget) {
            return if depth == 0 { self.inner.blob(blob) } else { self.plain(blob) };
        }
        let level = OpenContainer { unpack: self, budget, origin: blob.origin, depth: depth + 1 };
        if depth == self.limits.max_archive_depth {
            level.say(Place::Raw(0), StreamError::Cut(Limit::Depth), None);
            return self.plain(blob);
        }
        match kind {
            Kind::Zip => zip::open(&level, blob.body),
            Kind::Tar => tar::open(&level, blob.body),
            Kind::Ar => ar::open(&level, blob.body),
            Kind::SevenZ => sevenz::open(&level, blob.body),
            Kind::Gzip | Kind::Bzip2 | Kind::Xz | Kind::Lzma | Kind::Zstd | Kind::Lz4 => {
                compressed::open(&level, kind, blob.body);
            }
        }
    }

    /// Hands on a blob that came out of a container, and counts what the sink itself does not.
    fn plain(&self, blob: Blob<'_>) {
        self.inner.meter().bytes(blob.body.head().len() as u64);
        self.inner.blob(blob);
    }
}

/// The container a blob is.
fn container(body: &mut Body<'_>) -> Option<Kind> {
    sniff::sniff(body.head()).or_else(|| sniff::zip_at_end(body).then_some(Kind::Zip))
}

impl Sink for Unpack<'_> {
    fn blob(&self, blob: Blob<'_>) {
        if self.limits.max_archive_depth == 0 {
            return self.inner.blob(blob);
        }
        match blob.body {
            // A pipe may begin with very little.
            Body::Stream { head, rest } if head.len() < sniff::ENOUGH => {
                let mut head = head.to_vec();
                // An error shows again to whoever reads on.
                let _ = rest.take((sniff::ENOUGH - head.len()) as u64).read_to_end(&mut head);
                self.look(Blob { body: Body::Stream { head: &head, rest }, origin: blob.origin });
            }
            body => self.look(Blob { body, origin: blob.origin }),
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

/// The mark of a zip's directory, which may stand at the end of anything.
const DIRECTORY: &[u8] = b"PK\x05\x06";

/// What this sink finds in a blob is what the one within finds, or what is packed in a container.
impl Prefilter for Unpack<'_> {
    fn may_match(&self, bytes: &[u8]) -> bool {
        let within = self.inner.prefilter().is_none_or(|prefilter| prefilter.may_match(bytes));
        within || self.limits.max_archive_depth > 0 && memchr::memmem::find(bytes, DIRECTORY).is_some()
    }

    fn context(&self) -> usize {
        self.inner.prefilter().map_or(0, Prefilter::context).max(DIRECTORY.len())
    }

    fn must_open(&self, head: &[u8]) -> bool {
        self.limits.max_archive_depth > 0 && sniff::sniff(head).is_some()
            || self.inner.prefilter().is_none_or(|prefilter| prefilter.must_open(head))
    }
}

#[cfg(test)]
mod tests;
