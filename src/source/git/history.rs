//! Every object of a repository, reachable or not, packed or loose, alternates included, each once.

use gix::{ObjectId, oid};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

use super::forest::Forest;
use super::object::{self, hex};
use super::pack::{Damage, Kind};
use super::repo::{Repo, object_id};
use super::store::{Inventory, Packed};
use super::walk::{Visit, Walk};
use crate::blob::{Blob, Body, Fault, FaultKind, Forward, Origin, Sieve, Sink, Source};

/// A repository's whole history as a source.
///
/// Blobs are named by their ids alone: which commit brought them in, and under which path, is searched afterwards and
/// only for those that hold something.
pub struct History<'a> {
    repo: &'a Repo,
    commits: Mutex<Vec<ObjectId>>,
}

impl<'a> History<'a> {
    /// The history of `repo`.
    pub fn new(repo: &'a Repo) -> Self {
        History { repo, commits: Mutex::default() }
    }
}

impl Source for History<'_> {
    fn drain(&self, sink: &dyn Sink) {
        let inventory = Inventory::take(&self.repo.folders, self.repo.hash());
        for fault in inventory.faults {
            sink.fault(fault);
        }
        for packed in &inventory.packs {
            let (forest, lost) = Forest::grow(&packed.pack, &packed.idx);
            let reader = Reader { commits: &self.commits, packed, sink };
            for place in lost {
                reader.damaged(place as usize, "its pack's index does not say where it is");
            }
            Walk::new(&packed.pack, &forest, &reader).run();
        }
    }
}

/// Receives what a walk finds in one pack.
struct Reader<'a> {
    commits: &'a Mutex<Vec<ObjectId>>,
    packed: &'a Packed,
    sink: &'a dyn Sink,
}

impl Visit for Reader<'_> {
    fn sieve(&self) -> Option<&dyn Sieve> {
        self.sink.sieve()
    }

    fn stopped(&self) -> bool {
        self.sink.stopped()
    }

    fn known(&self, place: usize) -> bool {
        self.packed.known.get(place).copied().unwrap_or(false)
    }

    fn object(&self, place: usize, kind: Kind, size: usize, bytes: Option<&[u8]>) {
        self.sink.meter().objects(1, size as u64);
        let id = object_id(self.packed.idx.id(place));
        if kind == Kind::Commit {
            self.sink.meter().commits(1);
            self.commits.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
        if let Some(bytes) = bytes {
            object::hand_over(self.sink, kind, &id, bytes);
        }
    }

    fn stream(&self, place: usize, _: Kind, size: usize, deflated: &[u8]) {
        let id = object_id(self.packed.idx.id(place));
        self.sink.meter().objects(1, 0);
        let _ = size;
        stream(self.sink, &id, flate2::read::ZlibDecoder::new(deflated));
    }

    fn damaged(&self, place: usize, why: Damage) {
        let id = object_id(self.packed.idx.id(place));
        let reason = format!("{why}: {}", self.packed.path.display());
        self.sink.fault(Fault { path: format!("object {id}"), kind: FaultKind::Unreadable, reason });
    }
}

/// Hands a large blob over as it is inflated.
fn stream(sink: &dyn Sink, id: &oid, mut inflated: impl std::io::Read) {
    use std::io::Read as _;
    let origin = || Origin { path: String::new(), object: hex(id), ..Origin::default() };
    let mut head = Vec::new();
    if inflated.by_ref().take(64 * 1024).read_to_end(&mut head).is_err() || head.is_empty() {
        let reason = "its zlib stream is damaged".to_owned();
        sink.fault(Fault { path: format!("object {id}"), kind: FaultKind::Unreadable, reason });
    }
    if !head.is_empty() {
        sink.meter().bytes(head.len() as u64);
        sink.blob(Blob { body: Body::Stream { head: &head, rest: &mut Forward(inflated) }, origin: &origin });
    }
}
