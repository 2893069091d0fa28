//! A sink around a sink that opens containers and hands their members on.
//!
//! A container is recognized by its content, but for Brotli never by its name; `unpack::format` has the table of all.
//!
//! **Names.** Compressed content has the name in the compressor's header, else the file's own without its extension,
//! else `content`. A tar in a compressor is no step of its own: `a.tar.gz!inner/path`. Names are shown as they are,
//! `../` included: nothing is ever written. Offsets and lines count within the member.
//!
//! **Repositories.** The objects, refs and reflogs of a git directory in an archive are put into a private directory on disk, and
//! read when the archive ends, as `stanch git` reads a repository: `a.tar!app/.git!COMMIT:path`. It counts as one container more.
//!
//! **Depth.** Each container opened adds one to the depth; a compressor and the tar in it are one. What is deeper than
//! `max_archive_depth` is scanned as it is, and reported as cut short. With a depth of 0 nothing is opened or reported.
//!
//! **What is scanned besides members:** their names and the targets of links; comments, unusual extra fields and gzip's
//! header texts; what stands before, between and behind the members of a zip, and behind a compressed stream or a tar.
//! All this is reported at its offset in the container. The compressed bytes themselves are not scanned.
//!
//! **What begins somewhere else.** In what is no container and no text, streams and archives are found anywhere: `core!@6699`.
//!
//! **Besides.** Mails, databases and tables are scanned as they stand, whatever the limits are, and what that does not show is handed on
//! besides: a token may be found in both. They are read twice, or once for both where they cannot be and can be read forwards.
//!
//! **Damage and bombs.** What could be read is scanned, the rest is a [`Fault`]: damaged, cut short by a
//! limit of [`Limits`], or seen as bytes only (encrypted, unknown method; `unread` knows whole formats of that kind). What only
//! began like a container is an ordinary blob.
//!
//! **One behind another.** What follows a compressed stream is opened like it, be it of another compressor or an archive.

mod adc;
mod android;
mod ar;
mod arrow;
mod asar;
mod avro;
mod besides;
mod block;
mod blocks;
mod bounded_reader;
mod brotli;
mod browser_cache;
mod budget;
mod buffers;
mod bzip2;
mod cab;
mod carve;
mod chunk;
mod compressed;
mod covered;
mod cpio;
mod decoder;
mod disk;
mod dmg;
mod extents;
mod faults;
mod format;
mod formats;
mod git;
mod gzip;
mod har;
mod http;
mod inflate;
mod input;
mod iso;
mod joined;
mod journal;
mod leveldb;
mod libdeflate;
mod limits;
mod lz4;
mod lzip;
mod lzma;
mod lzma_decoder;
mod lzop;
mod mail;
mod member_name;
mod memory;
mod mozlz4;
mod ole;
mod open_container;
mod orc;
mod packed_block;
mod packed_value;
mod parquet;
mod pcap;
mod pdf;
mod pieces;
mod png;
mod ppmd;
mod prefilter;
mod pst;
mod qcow2;
mod random_access;
mod recognise;
mod region;
mod remembering;
mod rpm;
mod semaphore;
mod sevenz;
mod share;
mod skippable;
mod snappy;
mod spool;
mod sqlite;
mod squashfs;
mod table;
mod tar;
mod transfer;
mod twice;
mod unix_compress;
mod unread;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;
mod work_time;
mod xz;
mod zip;
mod zisofs;
mod zlib;
mod zstd;

use std::sync::Arc;

pub use limits::Limits;

use crate::blob::{Blob, Body, Fault, LocationKind, Prefilter, Sink};
use crate::finding::Apart;
use crate::meter::Meter;
use bounded_reader::StreamError;
use budget::Budget;
use format::{Format, OpenArchive};
use limits::Limit;
use open_container::{Behind, MemberName, OpenContainer, Region};
use semaphore::Semaphore;

/// Opens containers on their way to another sink.
pub struct Unpack<'a> {
    inner: &'a dyn Apart,
    limits: Limits,
    semaphore: Arc<Semaphore>,
    /// How many containers are open around what it is given.
    depth: u32,
}

impl<'a> Unpack<'a> {
    /// Hands everything on to `inner`, containers as their members, within `limits`.
    pub fn new(inner: &'a dyn Apart, limits: Limits) -> Self {
        Unpack::within(inner, limits, 0)
    }

    /// The same within `depth` containers that are open already.
    fn within(inner: &'a dyn Apart, limits: Limits, depth: u32) -> Self {
        Unpack { inner, limits, semaphore: Arc::new(Semaphore::new()), depth }
    }

    /// A blob from a source.
    fn outermost(&self, mut blob: Blob<'_>) {
        // A name or a message is never a container, whatever it begins with.
        match recognise::container(&mut blob) {
            Some(format) if (blob.origin)().kind == LocationKind::Content => self.open_file(format, blob),
            Some(_) => self.inner.blob(blob),
            None => {
                let unread = unread::recognise(&mut blob.body);
                if let Some(unread) = unread.filter(|_| (blob.origin)().kind == LocationKind::Content) {
                    let budget = Budget::new(self.limits, &self.semaphore);
                    unread.report(self, blob.origin, self.depth, &budget);
                }
                carve::scan(self, blob, self.depth, None);
            }
        }
    }

    /// Opens a container from a source and all that is nested in it, within one budget.
    fn open_file(&self, format: &Format, blob: Blob<'_>) {
        let (budget, origin) = (Budget::new(self.limits, &self.semaphore), blob.origin);
        self.open(format, blob, self.depth, &budget);
        OpenContainer { unpack: self, budget: &budget, origin, depth: self.depth, carved: false }.finish();
    }

    /// Hands on the members of an archive, and then the repositories that they are parts of.
    fn read_archive(container: &OpenContainer<'_>, open: OpenArchive, body: Body<'_>) {
        git::within(container, || open(container, body));
    }

    /// A member of an archive.
    fn member(&self, name: &MemberName, blob: Blob<'_>, container: &OpenContainer<'_>) {
        if let Some(blob) = git::gather(container, name, blob) {
            self.nested(blob, container.depth, container.budget);
        }
    }

    /// A blob from within `depth` containers: opened if it is one itself.
    fn nested(&self, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        if recognise::is_known_from_end(&mut blob) {
            return spool::with_whole(blob, budget, |blob| self.known(blob, depth, budget));
        }
        self.known(blob, depth, budget);
    }

    fn known(&self, mut blob: Blob<'_>, depth: u32, budget: &Budget) {
        if let Some(format) = recognise::container(&mut blob) {
            return self.open(format, blob, depth, budget);
        }
        if let Some(unread) = unread::recognise(&mut blob.body) {
            unread.report(self, blob.origin, depth, budget);
        }
        carve::scan(self, blob, depth, Some(budget));
    }

    /// What is to be scanned as it is, for it is damaged, with what can be found in it.
    fn carve_damaged(&self, blob: Blob<'_>, depth: u32, budget: &Budget) {
        carve::scan_damaged(self, blob, depth, budget);
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
        let origin = blob.origin;
        let container = OpenContainer { unpack: self, budget, origin, depth: depth + 1, carved: false };
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
            carve::scan(self, blob, depth, Some(budget));
        }
    }

    /// Whether something that begins so is a container.
    fn detects(&self, head: &[u8]) -> bool {
        self.limits.max_archive_depth > 0 && formats::detect(head).is_some()
    }

    /// Whether something that begins so is a container, or may carry one.
    fn may_hold_something(&self, head: &[u8]) -> bool {
        self.detects(head) || carve::is_wanted(head)
    }

    /// Opens a body as the container that it begins like; whether it is one.
    fn open_detected(&self, container: &OpenContainer<'_>, mut body: Body<'_>) -> bool {
        self.detects(body.head())
            && formats::detect(body.head())
                .is_some_and(|format| format.open(container, &mut body, formats::without_extension))
    }

    /// Hands on a blob that is within `depth` containers; a source counts its own.
    fn hand_on(&self, blob: Blob<'_>, depth: u32) {
        if depth == self.depth { self.inner.blob(blob) } else { self.pass_through(blob) }
    }

    /// Hands on a blob that came out of a container, and counts what the sink itself does not.
    fn pass_through(&self, blob: Blob<'_>) {
        self.inner.meter().bytes(blob.body.head().len() as u64);
        self.inner.blob(blob);
    }
}

/// Whether something with this head is a container.
fn is_container(head: &[u8]) -> bool {
    formats::detect(head).is_some()
}

/// What stands behind a stream, by its head.
fn behind(head: &[u8], budget: &Budget) -> Behind {
    formats::behind(head, budget)
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
                let head = formats::longer_head(head, rest);
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

    fn stopped(&self) -> bool {
        self.inner.stopped()
    }
}

#[cfg(test)]
mod tests;
