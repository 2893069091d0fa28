//! A container that is open: hands its members on, and reports what is wrong with them.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::Unpack;
use super::bounded_reader::{BoundedReader, ExactReader, StreamError};
use super::budget::Budget;
use super::input::Input;
use super::limits::Limit;
pub(super) use super::member_name::MemberName;
use crate::blob::{Blob, Body, Fault, FaultKind, Forward, LocationKind, MIN_TOKEN_LEN, Origin};

/// Members smaller than this are handed on whole, in bytes.
const HEAD: u64 = 128 * 1024;
/// How many faults of one file are reported one by one; the rest is counted in one more.
const MAX_FAULTS: u64 = 100;

/// One open container.
pub(super) struct OpenContainer<'a> {
    pub(super) unpack: &'a Unpack<'a>,
    pub(super) budget: &'a Budget,
    /// The origin of the container itself.
    pub(super) origin: &'a dyn Fn() -> Origin,
    /// How many containers are open, this one included.
    pub(super) depth: u32,
}

/// What part of a container some bytes are.
#[derive(Clone, Copy)]
pub(super) enum Region<'n> {
    /// A whole member.
    Member(&'n MemberName),
    /// All that a compressor packed; a tar in it is no container of its own.
    Decompressed(&'n MemberName),
    /// A part of a member, and its offset in the member.
    MemberPart(&'n MemberName, u64),
    /// A part of the container itself, and its offset in the container: scanned as it is.
    Raw(u64),
}

/// The bytes of a region.
pub(super) enum Content<'c> {
    /// Bytes as they stand in the container, in memory.
    Memory(&'c [u8]),
    /// Bytes as they stand in the container.
    Stored(&'c mut dyn Read),
    /// Bytes out of a decompressor.
    Compressed {
        reader: &'c mut dyn Read,
        /// The count of bytes that went into the decompressor.
        bytes_in: Rc<Cell<u64>>,
        /// How many bytes came out of it before.
        out_before: u64,
    },
}

impl OpenContainer<'_> {
    /// Whether limits and the user allow to go on.
    pub(super) fn may_continue(&self) -> bool {
        self.budget.has_time() && !self.unpack.inner.stopped()
    }

    /// Whether the rest is to be scanned as it is: always, unless the user asked to end.
    pub(super) fn may_scan(&self) -> bool {
        !self.unpack.inner.stopped()
    }

    /// Begins a member: counts it, and scans its name. Whether to go on.
    pub(super) fn begin_member(&self, name: &MemberName) -> bool {
        if !self.may_continue() {
            return false;
        }
        if !self.budget.count_entry() {
            self.report(Region::Raw(0), StreamError::LimitReached(Limit::Entries), None);
            return false;
        }
        self.scan_name(name);
        true
    }

    /// Scans a member's name.
    pub(super) fn scan_name(&self, name: &MemberName) {
        name.mark_scanned();
        if name.shown().len() < MIN_TOKEN_LEN {
            return;
        }
        let origin = || {
            let origin = self.origin_of(Region::Member(name));
            let base = (origin.path.len() - name.shown().len()) as u64;
            Origin { kind: LocationKind::FileName, base, ..origin }
        };
        self.unpack.pass_through(Blob { body: Body::Whole(name.whole().as_bytes()), origin: &origin });
    }

    /// Scans the target of a link.
    pub(super) fn scan_link_target(&self, name: &MemberName, target: &[u8]) {
        let origin = || Origin { kind: LocationKind::SymlinkTarget, ..self.origin_of(Region::Member(name)) };
        self.unpack.pass_through(Blob { body: Body::Whole(target), origin: &origin });
    }

    /// Scans a small part of the container itself, at this offset in it.
    pub(super) fn scan_raw(&self, offset: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.route(Region::Raw(offset), Body::Whole(bytes));
        }
    }

    /// Hands bytes on, and reports what was wrong with them. How many there were, and why they broke off.
    pub(super) fn hand_over(&self, region: Region<'_>, content: Content<'_>) -> (u64, Option<StreamError>) {
        let sink = self.unpack.inner;
        let mut reader = match content {
            Content::Memory(bytes) => {
                self.route(region, Body::Whole(bytes));
                return (bytes.len() as u64, None);
            }
            Content::Stored(reader)
                if self.budget.exceeded().is_some() && matches!(region, Region::Raw(_)) =>
            {
                return self.scan_unread(region, reader);
            }
            Content::Stored(reader) => BoundedReader::new(reader, self.budget, sink),
            Content::Compressed { reader, bytes_in, out_before } => {
                BoundedReader::new(reader, self.budget, sink).decompressing(bytes_in, out_before)
            }
        };
        let mut head = self.budget.take_buffer();
        // A bounded reader does not fail.
        let _ = reader.by_ref().take(HEAD).read_to_end(&mut head);
        if (head.len() as u64) < HEAD {
            self.route(region, Body::Whole(&head));
        } else {
            self.route(region, Body::Stream { head: &head, rest: &mut reader });
            // What a nested container left unread still shows whether the stream is sound.
            let _ = io::copy(&mut reader, &mut io::sink());
        }
        self.budget.return_buffer(head);
        let (out, error) = reader.finish();
        if let Some(error) = error.clone() {
            self.report(region, error, Some(out));
        }
        (out, error)
    }

    /// Scans what a limit has left unread as it is, which no limit is for: opening a container must find no less than looking at
    /// its bytes.
    fn scan_unread(&self, region: Region<'_>, mut reader: &mut dyn Read) -> (u64, Option<StreamError>) {
        let mut head = self.budget.take_buffer();
        // Whoever reads on gets an error again.
        let _ = (&mut reader).take(HEAD).read_to_end(&mut head);
        if self.unpack.inner.stopped() {
            return (0, Some(StreamError::Cancelled));
        }
        let body = if (head.len() as u64) < HEAD {
            Body::Whole(&head)
        } else {
            Body::Stream { head: &head, rest: &mut Forward(reader) }
        };
        self.route(region, body);
        let len = head.len() as u64;
        self.budget.return_buffer(head);
        (len, None)
    }

    /// Hands on the next `size` bytes as a member, without a copy where the container is in memory.
    pub(super) fn hand_over_stored(
        &self,
        input: &mut Input<'_>,
        name: &MemberName,
        size: u64,
    ) -> io::Result<()> {
        let end = input.offset().saturating_add(size);
        if let Some(bytes) = input.take_slice(size) {
            self.hand_over(Region::Member(name), Content::Memory(bytes));
            if (bytes.len() as u64) < size {
                let error = StreamError::Damaged("it ends too early".to_owned());
                self.report(Region::Member(name), error, Some(bytes.len() as u64));
            }
            return Ok(());
        }
        let mut member = ExactReader { reader: input, left: size };
        self.hand_over(Region::Member(name), Content::Stored(&mut member));
        input.skip(end.saturating_sub(input.offset()))?;
        Ok(())
    }

    fn route(&self, region: Region<'_>, body: Body<'_>) {
        let origin = || self.origin_of(region);
        let blob = Blob { body: reborrow(body), origin: &origin };
        match region {
            Region::Decompressed(name) => self.unpack.decompressed(blob, self, name),
            Region::Member(_) => self.unpack.nested(blob, self.depth, self.budget),
            Region::MemberPart(..) | Region::Raw(_) => self.unpack.pass_through(blob),
        }
    }

    fn origin_of(&self, region: Region<'_>) -> Origin {
        let container = (self.origin)();
        let (name, base) = match region {
            Region::Member(name) | Region::Decompressed(name) => (name, 0),
            // A sparse file may claim to be larger than anything can be counted.
            Region::MemberPart(name, base) => (name, base.min(1 << 62)),
            Region::Raw(base) => return Origin { base: container.base + base, ..container },
        };
        let path = format!("{}!{}", container.path, name.shown());
        Origin { path, kind: name.kind(), base, ..container }
    }

    /// Reports that a member, or the container itself, could not be read, or not wholly; `read` is how many bytes were.
    pub(super) fn report(&self, region: Region<'_>, error: StreamError, read: Option<u64>) {
        let kind = match error {
            StreamError::Cancelled => return,
            // What is nested in a stream that broke off looks damaged; the break itself is reported once.
            StreamError::Damaged(_)
                if self.budget.broken_streams.get() > 0 || self.budget.exceeded().is_some() =>
            {
                return;
            }
            StreamError::Damaged(_) => FaultKind::Damaged,
            StreamError::LimitReached(limit)
                if self.budget.exceeded() == Some(limit) && self.budget.limit_reported.replace(true) =>
            {
                return;
            }
            StreamError::LimitReached(Limit::Depth) if self.unpack.limits.depth_chosen => {
                FaultKind::PassedOver
            }
            StreamError::LimitReached(_) => FaultKind::CutShort,
        };
        let read = read.map_or_else(
            || {
                let (members, bytes) = self.budget.read();
                format!("what could be read ({members} members, {bytes} unpacked bytes) was")
            },
            |read| format!("its first {read} bytes were"),
        );
        let reason = match error {
            StreamError::LimitReached(Limit::Depth) => {
                let (name, value) = Limit::Depth.name_and_value(&self.unpack.limits);
                format!(
                    "not opened, because of {name} = {value}: scanned as it is; raise the limit to look into it"
                )
            }
            StreamError::LimitReached(limit) => {
                let (name, value) = limit.name_and_value(&self.unpack.limits);
                format!(
                    "cut short by {name} = {value}: {read} scanned; \
                     raise the limit in your configuration if you trust this file"
                )
            }
            StreamError::Damaged(what) => {
                format!("damaged ({what}): {read} scanned; get a whole copy to have the rest scanned")
            }
            StreamError::Cancelled => return,
        };
        self.fault(region, kind, reason);
    }

    /// Reports that a member was not scanned.
    pub(super) fn report_unreadable(&self, region: Region<'_>, reason: String) {
        self.fault(region, FaultKind::Unreadable, reason);
    }

    /// Reports what is left to report of a file of the source: the limit that ended it, and how many more faults there
    /// were.
    pub(super) fn finish(&self) {
        if let Some(limit) = self.budget.exceeded() {
            self.report(Region::Raw(0), StreamError::LimitReached(limit), None);
        }
        let more = self.budget.faults.get().saturating_sub(MAX_FAULTS);
        if more > 0 {
            let reason = format!(
                "{more} more parts of it could not be read, or not wholly; only the first {MAX_FAULTS} are listed"
            );
            let path = (self.origin)().display_path();
            self.unpack.inner.fault(Fault { path, kind: FaultKind::Damaged, reason });
        }
    }

    fn fault(&self, region: Region<'_>, kind: FaultKind, reason: String) {
        let faults = self.budget.faults.get() + 1;
        self.budget.faults.set(faults);
        if faults <= MAX_FAULTS {
            let origin = match region {
                // What is wrong with a compressed file is wrong with the file.
                Region::Decompressed(_) => (self.origin)(),
                _ => self.origin_of(region),
            };
            self.unpack.inner.fault(Fault { path: origin.display_path(), kind, reason });
        }
    }
}

/// The same body, for a blob that lives less long.
fn reborrow<'s, 'l: 's>(body: Body<'l>) -> Body<'s> {
    match body {
        Body::Whole(bytes) => Body::Whole(bytes),
        Body::Stream { head, rest } => Body::Stream { head, rest },
    }
}
