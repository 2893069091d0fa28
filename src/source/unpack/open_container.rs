//! A container that is open: hands its members on, and says what is wrong with them.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use super::bounded_reader::{BoundedReader, StreamError};
use super::budget::{Budget, Limit};
use super::sniff::{Kind, sniff};
use super::{Unpack, tar};
use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, SHORTEST_NAME};
use crate::text::path_text;

/// Members up to this size are handed on whole.
const HEAD: u64 = 128 * 1024;
/// The most bytes of a member's name that are shown.
const SHOWN_MOST: usize = 4096;
/// How many faults of one file are told apart; the rest is counted in one.
const FAULTS_MOST: u64 = 100;

/// One open container.
pub(super) struct OpenContainer<'a> {
    pub(super) unpack: &'a Unpack<'a>,
    pub(super) budget: &'a Budget,
    /// The container itself.
    pub(super) origin: &'a dyn Fn() -> Origin,
    /// How many containers are open, this one included.
    pub(super) depth: u32,
}

/// A member's name as it is shown, and what kind of content goes by it.
pub(super) struct Name {
    text: String,
    kind: LocationKind,
    looked_at: Cell<bool>,
}

impl Name {
    pub(super) fn new(raw: &[u8]) -> Self {
        Self::text(path_text(raw))
    }

    pub(super) fn text(mut text: String) -> Self {
        if text.len() > SHOWN_MOST {
            text.truncate(text.floor_char_boundary(SHOWN_MOST));
            text.push('…');
        }
        Name { text, kind: LocationKind::Content, looked_at: Cell::new(false) }
    }

    /// Whether it was looked into.
    pub(super) fn looked_at(&self) -> bool {
        self.looked_at.get()
    }

    /// The same name, for a member whose content is the target of a link.
    pub(super) fn link(self) -> Self {
        Name { kind: LocationKind::SymlinkTarget, ..self }
    }
}

/// Where a stretch of bytes belongs.
#[derive(Clone, Copy)]
pub(super) enum Place<'n> {
    /// It is a member.
    Member(&'n Name),
    /// It is all that a compressor packed; a tar in it is no level of its own.
    Packed(&'n Name),
    /// It is a part of a member that begins so far in.
    Part(&'n Name, u64),
    /// It is a part of the container itself that begins so far in, and is looked into as it is.
    Raw(u64),
}

/// The bytes of a member.
pub(super) enum Content<'c> {
    Memory(&'c [u8]),
    /// Bytes as they stand in the container.
    Stored(&'c mut dyn Read),
    /// Bytes out of a decompressor, the count of those that went into it, and how many came out of it before.
    Packed(&'c mut dyn Read, Rc<Cell<u64>>, u64),
}

impl OpenContainer<'_> {
    /// Whether to go on.
    pub(super) fn goes_on(&self) -> bool {
        self.budget.tick() && !self.unpack.inner.stopped()
    }

    /// Begins a member: counts it, and looks into its name. Whether to go on.
    pub(super) fn enter(&self, name: &Name) -> bool {
        if !self.goes_on() {
            return false;
        }
        if !self.budget.entry() {
            self.say(Place::Raw(0), StreamError::Cut(Limit::Entries), None);
            return false;
        }
        self.look_at_name(name);
        true
    }

    /// Looks into a member's name.
    fn look_at_name(&self, name: &Name) {
        name.looked_at.set(true);
        if name.text.len() < SHORTEST_NAME {
            return;
        }
        let origin = || {
            let origin = self.origin_of(Place::Member(name));
            let base = (origin.path.len() - name.text.len()) as u64;
            Origin { kind: LocationKind::FileName, base, ..origin }
        };
        self.unpack.plain(Blob { body: Body::Whole(name.text.as_bytes()), origin: &origin });
    }

    /// Looks into what a link points to.
    pub(super) fn link(&self, name: &Name, target: &[u8]) {
        let origin = || Origin { kind: LocationKind::SymlinkTarget, ..self.origin_of(Place::Member(name)) };
        self.unpack.plain(Blob { body: Body::Whole(target), origin: &origin });
    }

    /// Looks into a small part of the container itself.
    pub(super) fn aside(&self, at: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.route(Place::Raw(at), Body::Whole(bytes));
        }
    }

    /// Hands bytes on, and says what was wrong with them. How many there were, and whether they broke off.
    pub(super) fn hand(&self, place: Place<'_>, content: Content<'_>) -> (u64, Option<StreamError>) {
        let sink = self.unpack.inner;
        let mut guard = match content {
            Content::Memory(bytes) => {
                self.route(place, Body::Whole(bytes));
                return (bytes.len() as u64, None);
            }
            Content::Stored(reader) => BoundedReader::new(reader, self.budget, sink),
            Content::Packed(reader, taken, before) => {
                BoundedReader::new(reader, self.budget, sink).packed(taken, before)
            }
        };
        let mut head = self.budget.buffer();
        // A guard does not fail.
        let _ = guard.by_ref().take(HEAD).read_to_end(&mut head);
        if (head.len() as u64) < HEAD {
            self.route(place, Body::Whole(&head));
        } else {
            self.route(place, Body::Stream { head: &head, rest: &mut guard });
            // What a container left behind still tells whether the stream holds.
            let _ = std::io::copy(&mut guard, &mut std::io::sink());
        }
        self.budget.give_back(head);
        let (out, trouble) = guard.finish();
        if let Some(trouble) = trouble.clone() {
            self.say(place, trouble, Some(out));
        }
        (out, trouble)
    }

    fn route(&self, place: Place<'_>, body: Body<'_>) {
        let origin = || self.origin_of(place);
        let body = shorter(body);
        match place {
            Place::Packed(_) if sniff(body.head()) == Some(Kind::Tar) => tar::open(self, body),
            Place::Packed(name) => {
                self.look_at_name(name);
                self.unpack.pass(Blob { body, origin: &origin }, self.depth, self.budget);
            }
            Place::Member(_) => self.unpack.pass(Blob { body, origin: &origin }, self.depth, self.budget),
            Place::Part(..) | Place::Raw(_) => self.unpack.plain(Blob { body, origin: &origin }),
        }
    }

    fn origin_of(&self, place: Place<'_>) -> Origin {
        let container = (self.origin)();
        let (name, base) = match place {
            Place::Member(name) | Place::Packed(name) => (name, 0),
            // A sparse file may claim to be larger than anything can be counted.
            Place::Part(name, base) => (name, base.min(1 << 62)),
            Place::Raw(base) => return Origin { base: container.base + base, ..container },
        };
        let path = format!("{}!{}", container.path, name.text);
        Origin { path, kind: name.kind, base, ..container }
    }

    /// Says that a member, or the container itself, could not be read, or not wholly.
    pub(super) fn say(&self, place: Place<'_>, trouble: StreamError, read: Option<u64>) {
        let kind = match trouble {
            StreamError::Stopped => return,
            // What is nested in a stream that broke off looks damaged; the break itself is said once.
            StreamError::Damaged(_) if self.budget.broken.get() > 0 || self.budget.over().is_some() => return,
            StreamError::Damaged(_) => FaultKind::Damaged,
            StreamError::Cut(limit)
                if self.budget.over() == Some(limit) && self.budget.said.replace(true) =>
            {
                return;
            }
            StreamError::Cut(_) => FaultKind::CutShort,
        };
        let read = read.map_or_else(
            || "what could be read was".to_owned(),
            |read| format!("its first {read} bytes were"),
        );
        let reason = match trouble {
            StreamError::Cut(Limit::Depth) => {
                let (name, value) = Limit::Depth.named(&self.unpack.limits);
                format!(
                    "not opened, because of {name} = {value}: scanned as it is; raise the limit to look into it"
                )
            }
            StreamError::Cut(limit) => {
                let (name, value) = limit.named(&self.unpack.limits);
                format!(
                    "cut short by {name} = {value}: {read} scanned; \
                     raise the limit in your configuration if you trust this file"
                )
            }
            StreamError::Damaged(what) => {
                format!("damaged ({what}): {read} scanned; get a whole copy to have the rest scanned")
            }
            StreamError::Stopped => return,
        };
        self.fault(place, kind, reason);
    }

    /// Says that a member was not looked into.
    pub(super) fn unreadable(&self, place: Place<'_>, reason: String) {
        self.fault(place, FaultKind::Unreadable, reason);
    }

    /// Says what is left to be said of a file of the source: the limit that ended it, and faults beyond those told apart.
    pub(super) fn close(&self) {
        if let Some(limit) = self.budget.over() {
            self.say(Place::Raw(0), StreamError::Cut(limit), None);
        }
        let more = self.budget.faults.get().saturating_sub(FAULTS_MOST);
        if more > 0 {
            let reason = format!(
                "{more} more places in it could not be read, or not wholly; only the first were told"
            );
            self.unpack.inner.fault(Fault {
                path: (self.origin)().place(),
                kind: FaultKind::Damaged,
                reason,
            });
        }
    }

    fn fault(&self, place: Place<'_>, kind: FaultKind, reason: String) {
        let faults = self.budget.faults.get() + 1;
        self.budget.faults.set(faults);
        if faults <= FAULTS_MOST {
            let path = match place {
                // What is wrong with a compressed file is wrong with the file.
                Place::Packed(_) => (self.origin)().place(),
                _ => self.origin_of(place).place(),
            };
            self.unpack.inner.fault(Fault { path, kind, reason });
        }
    }
}

/// The same body, for a blob that lives less long.
fn shorter<'s, 'l: 's>(body: Body<'l>) -> Body<'s> {
    match body {
        Body::Whole(bytes) => Body::Whole(bytes),
        Body::Stream { head, rest } => Body::Stream { head, rest },
    }
}
