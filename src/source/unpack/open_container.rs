//! A container that is open: hands its members on, and reports what is wrong with them.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use super::Unpack;
use super::bounded_reader::{BoundedReader, ExactReader, StreamError};
use super::budget::Budget;
use super::buffers::Buffer;
use super::input::Input;
use super::limits::Limit;
pub(super) use super::member_name::MemberName;
pub(super) use super::region::{Behind, Content, Region};
use super::share::Claim;
use crate::blob::{Blob, Body, Forward, LocationKind, MIN_TOKEN_LEN, Origin, Rest, fill};

/// One open container.
pub(super) struct OpenContainer<'a> {
    pub(super) unpack: &'a Unpack<'a>,
    pub(super) budget: &'a Budget,
    /// The origin of the container itself.
    pub(super) origin: &'a dyn Fn() -> Origin,
    /// How many containers are open, this one included.
    pub(super) depth: u32,
    /// Whether it was found somewhere in something that is scanned as it is: then its own bytes are not scanned once more,
    /// and that it breaks off is no fault.
    pub(super) carved: bool,
}

impl OpenContainer<'_> {
    /// The same container, of which the bytes are scanned otherwise.
    pub(super) fn carved(&self) -> OpenContainer<'_> {
        let OpenContainer { unpack, budget, origin, depth, .. } = *self;
        OpenContainer { unpack, budget, origin, depth, carved: true }
    }

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
        let counted = self.begin_part();
        if counted {
            self.scan_name(name);
        }
        counted
    }

    /// Begins a member whose name was made up, or stands in what is scanned anyway: counts it. Whether to go on.
    pub(super) fn begin_part(&self) -> bool {
        if !self.may_continue() {
            return false;
        }
        if !self.budget.count_entry() {
            self.report(Region::Raw(0), StreamError::LimitReached(Limit::Entries), None);
            return false;
        }
        true
    }

    /// Whether something with this head is a container itself.
    #[expect(clippy::unused_self, reason = "what is a container is for an open one to ask")]
    pub(super) fn is_container(&self, head: &[u8]) -> bool {
        super::is_container(head)
    }

    /// Scans the container itself as it is, whatever the limits are.
    pub(super) fn scan_as_is(&self, mut body: Body<'_>) {
        let blob = Blob { body: reborrow(&mut body), origin: self.origin };
        // What is nested is not counted by the source.
        self.unpack.hand_on(blob, self.depth - 1);
    }

    /// Scans the container itself as it is, and opens what is found somewhere in it.
    pub(super) fn carve(&self, rest: &mut dyn Rest) {
        if self.carved {
            return;
        }
        let mut head = Buffer::take();
        // Whoever reads on gets an error again.
        let (read, outcome) = fill(rest, &mut head);
        let body = match outcome {
            Ok(true) => Body::Stream { head: &head, rest },
            _ => Body::Whole(&head[..read]),
        };
        self.unpack.carve_damaged(Blob { body, origin: self.origin }, self.depth - 1, self.budget);
    }

    /// What stands behind a stream, by its head.
    pub(super) fn behind(&self, head: &[u8]) -> Behind {
        if !self.may_continue() || !self.budget.count_entry() {
            return Behind::Other;
        }
        super::behind(head, self.budget)
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
        if !bytes.is_empty() && !self.carved {
            self.route(Region::Raw(offset), Body::Whole(bytes));
        }
    }

    /// Hands bytes on, and reports what was wrong with them. How many there were, and why they broke off. A member, and all
    /// that is nested in it, is held to its share of what is left.
    pub(super) fn hand_over(&self, region: Region<'_>, content: Content<'_>) -> (u64, Option<StreamError>) {
        if self.carved && matches!(region, Region::Raw(_)) {
            return (0, None);
        }
        let sink = self.unpack.inner;
        let share = |claim| match (region, claim) {
            (Region::Member(_), Claim::Size(size)) => Some(self.budget.begin_share(size)),
            _ => None,
        };
        match content {
            Content::Memory(bytes) => {
                let share = share(Claim::Size(0));
                self.route(region, Body::Whole(bytes));
                if share.is_some() {
                    self.report_share(region);
                }
                (bytes.len() as u64, None)
            }
            Content::Stored(reader)
                if self.budget.exceeded().is_some() && matches!(region, Region::Raw(_)) =>
            {
                self.scan_unread(region, &mut Forward(reader))
            }
            Content::Pieces { reader, .. }
                if self.budget.exceeded().is_some() && matches!(region, Region::Raw(_)) =>
            {
                self.scan_unread(region, reader)
            }
            Content::Pieces { reader, unpacked, claim } => {
                let _share = share(claim);
                let mut reader = BoundedReader::of_pieces(reader, unpacked, self.budget, sink);
                self.route_stream(region, &mut reader);
                self.finish_stream(region, reader)
            }
            Content::Stored(reader) => {
                // Only what is nested in such a member has a cost that could be saved.
                let mut reader = BoundedReader::new(reader, self.budget, sink);
                let share = share(Claim::Size(0));
                self.route_stream(region, &mut reader);
                if share.is_some() {
                    self.report_share(region);
                }
                drop(share);
                self.finish_stream(region, reader)
            }
            Content::Compressed { reader, bytes_in, out_before, claim } => {
                let _share = share(claim);
                let mut reader =
                    BoundedReader::new(reader, self.budget, sink).decompressing(bytes_in, out_before);
                self.route_stream(region, &mut reader);
                self.finish_stream(region, reader)
            }
        }
    }

    /// Hands on what a reader gives, in memory where it is little.
    fn route_stream(&self, region: Region<'_>, reader: &mut BoundedReader<'_>) {
        let mut head = Buffer::take();
        // A bounded reader does not fail.
        let (read, outcome) = fill(reader, &mut head);
        let body = match outcome {
            Ok(true) => Body::Stream { head: &head, rest: reader },
            _ => Body::Whole(&head[..read]),
        };
        self.route(region, body);
    }

    fn finish_stream(&self, region: Region<'_>, mut reader: BoundedReader<'_>) -> (u64, Option<StreamError>) {
        // What a nested container left unread still shows whether the stream is sound.
        read_to_end(&mut reader);
        let (out, error) = reader.finish();
        if let Some(error) = error.clone() {
            self.report(region, error, Some(out));
        }
        (out, error)
    }

    /// Lends what comes out of a decompressor, as a part of the container itself; why it broke off, which is reported.
    pub(super) fn read_decompressed(
        &self,
        reader: &mut dyn Read,
        bytes_in: Rc<Cell<u64>>,
        use_it: impl FnOnce(&mut Input<'_>),
    ) -> Option<StreamError> {
        let mut reader =
            BoundedReader::new(reader, self.budget, self.unpack.inner).decompressing(bytes_in, 0);
        use_it(&mut Input::reader(&mut BufReader::with_capacity(64 * 1024, &mut reader), self.budget));
        self.finish_stream(Region::Raw(0), reader).1
    }

    /// Decodes the rest of a member that was cut short, for what stands behind it in the same stream, and scans nothing of it; whether
    /// it came to its end within a share of its own.
    pub(super) fn pass_over(&self, reader: &mut dyn Read) -> bool {
        let _share = self.budget.begin_share(0);
        // No ratio is steep for as many bytes in as there can be.
        let bytes_in = Rc::new(Cell::new(u64::MAX));
        let mut rest = BoundedReader::new(reader, self.budget, self.unpack.inner).decompressing(bytes_in, 0);
        read_to_end(&mut rest);
        rest.finish().1.is_none()
    }

    /// Scans what a limit has left unread as it is, which no limit is for: opening a container must find no less than looking at
    /// its bytes.
    fn scan_unread(&self, region: Region<'_>, reader: &mut dyn Rest) -> (u64, Option<StreamError>) {
        let mut head = Buffer::take();
        // Whoever reads on gets an error again.
        let (read, outcome) = fill(reader, &mut head);
        if self.unpack.inner.stopped() {
            return (0, Some(StreamError::Cancelled));
        }
        let body = match outcome {
            Ok(true) => Body::Stream { head: &head, rest: reader },
            _ => Body::Whole(&head[..read]),
        };
        self.route(region, body);
        (read as u64, None)
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

    fn route(&self, region: Region<'_>, mut body: Body<'_>) {
        let origin = || self.origin_of(region);
        let blob = Blob { body: reborrow(&mut body), origin: &origin };
        match region {
            Region::Decompressed(name) => self.unpack.decompressed(blob, self, name),
            Region::Behind(_) => self.unpack.nested(blob, self.depth, self.budget),
            Region::Member(name) => self.unpack.member(name, blob, self),
            Region::MemberPart(..) | Region::Raw(_) => self.unpack.pass_through(blob),
        }
    }

    pub(super) fn origin_of(&self, region: Region<'_>) -> Origin {
        let container = (self.origin)();
        let (name, base) = match region {
            Region::Member(name) | Region::Decompressed(name) => (name, 0),
            // A sparse file may claim to be larger than anything can be counted.
            Region::MemberPart(name, base) => (name, base.min(1 << 62)),
            Region::Raw(base) | Region::Behind(base) => {
                return Origin { base: container.base + base, ..container };
            }
        };
        let path = format!("{}!{}", container.path, name.shown());
        Origin { path, kind: name.kind(), base, ..container }
    }
}

/// Reads what is left. A copy into nothing would make a buffer for each little member, and clear it.
fn read_to_end(reader: &mut BoundedReader<'_>) {
    let mut buffer = Buffer::take();
    // A bounded reader does not fail.
    while fill(reader, &mut buffer).1.is_ok_and(|may_be_more| may_be_more) {
        reader.skip_hole();
    }
}

/// The same body, for a blob that lives less long.
pub(super) fn reborrow<'s>(body: &'s mut Body<'_>) -> Body<'s> {
    match body {
        Body::Whole(bytes) => Body::Whole(bytes),
        Body::Stream { head, rest } => Body::Stream { head, rest: &mut **rest },
    }
}
