//! Every object of a repository, reachable or not, packed or loose, alternates included, each once.

use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::odb::{ObjectDb, ObjectVisitor};
use super::pack::{Damage, Kind};
use super::repo::{Largest, Repo};
use super::{blame, object, refs};
use crate::blob::{Blob, Body, Fault, FaultKind, Forward, Prefilter, Sink, Source};
use crate::finding::Findings;

/// How much of a large blob is inflated before it is handed over.
const HEAD: usize = 256 * 1024;

/// A repository's whole history as a source.
///
/// Blobs are named by their ids alone while they are read. Which commit brought them in, and under which path, is searched
/// by [`History::attribute`] afterwards, and only for those that hold something.
pub struct History<'a> {
    repo: &'a Repo,
    objects: ObjectDb,
}

impl<'a> History<'a> {
    /// The history of `repo`: lists its packs and loose objects.
    pub fn new(repo: &'a Repo) -> Self {
        History { repo, objects: ObjectDb::take(&repo.folders, repo.hash()) }
    }

    /// Gives the places of what was found their paths, and the commits that introduced them.
    ///
    /// `findings` must have been gathered from this history alone, by [`Findings::keeping_all`]. A token's places are then
    /// one a path: where it first came in under that path, the earliest first. Later versions of a file that still hold it
    /// are counted as more locations.
    pub fn attribute(&self, findings: &mut Findings) {
        blame::attribute(self.repo, &self.objects, findings);
    }
}

impl Source for History<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for fault in &self.objects.faults {
            sink.fault(fault.clone());
        }
        refs::scan(self.repo, sink);
        let reader = Reader { sink, largest: self.repo.largest, damaged: Mutex::default() };
        self.objects.show(&reader);
        let damaged = reader.damaged.into_inner().unwrap_or_else(PoisonError::into_inner);
        for damaged in damaged {
            retry(self.repo, &damaged, sink);
        }
    }
}

/// An object that could not be read in the place where it was looked for.
struct Damaged {
    id: ObjectId,
    reason: String,
}

/// Looks for another copy of a damaged object: git keeps several at times.
fn retry(repo: &Repo, damaged: &Damaged, sink: &dyn Sink) {
    let mut bytes = Vec::new();
    if let Ok(kind) = repo.read(&damaged.id, &mut bytes)
        && object::hash(kind, &bytes, repo.hash()).is_some_and(|id| id == damaged.id)
    {
        sink.meter().objects(1, bytes.len() as u64);
        object::hand_over(sink, kind, &damaged.id, &bytes);
        return;
    }
    let path = format!("object {}", damaged.id);
    sink.fault(Fault { path, kind: FaultKind::Unreadable, reason: damaged.reason.clone() });
}

struct Reader<'a> {
    sink: &'a dyn Sink,
    largest: Largest,
    damaged: Mutex<Vec<Damaged>>,
}

impl ObjectVisitor for Reader<'_> {
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.sink.prefilter()
    }

    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn stopped(&self) -> bool {
        self.sink.stopped()
    }

    fn object(&self, id: &oid, kind: Kind, size: usize, bytes: Option<&[u8]>) {
        if kind == Kind::Blob && self.largest.passes_over(id, size, self.sink) {
            return;
        }
        self.sink.meter().objects(1, size as u64);
        if kind == Kind::Commit {
            self.sink.meter().commits(1);
        }
        if let Some(bytes) = bytes {
            object::hand_over(self.sink, kind, id, bytes);
        }
    }

    fn stream(&self, id: &oid, size: usize, inflated: &mut dyn Read) {
        if self.largest.passes_over(id, size, self.sink) {
            return;
        }
        let mut head = Vec::new();
        let read = (&mut *inflated).take(HEAD as u64).read_to_end(&mut head);
        self.sink.meter().objects(1, head.len() as u64);
        if let Err(error) = read {
            let fault = Fault {
                path: format!("object {id}"),
                kind: FaultKind::Damaged,
                reason: format!("what could be read was scanned: {error}"),
            };
            self.sink.fault(fault);
        }
        if !head.is_empty() {
            let body = Body::Stream { head: &head, rest: &mut Forward(inflated) };
            self.sink.blob(Blob { body, origin: &|| object::blob(id) });
        }
    }

    fn damaged(&self, id: &oid, path: &Path, why: Damage) {
        let reason = format!("{why} (in {}); to see what else is damaged, run: git fsck", path.display());
        let damaged = Damaged { id: id.to_owned(), reason };
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).push(damaged);
    }
}
