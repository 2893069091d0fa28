//! Every object of a repository, reachable or not, packed or loose, alternates included, each once.

use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::commit_order::SeenCommits;
use super::error::Damage;
use super::lfs::{Lfs, PointerPrefilter};
use super::object::Kind;
use super::object_parts::{blob_origin, scan_object, scan_stream};
use super::odb::ObjectDb;
use super::origins::Origins;
use super::repo::{MaxBlobSize, Repo};
use super::visitor::ObjectVisitor;
use super::{blame, fault_paths, reflogs, refs};
use crate::blob::{Fault, FaultKind, Prefilter, Sink, Source};
use crate::finding::Findings;
use crate::meter::CancelFlag;
use crate::shard::Shard;

/// A repository's whole history as a source.
///
/// While blobs are read, they have no name but their id. Which commit introduced them, and under which path, is searched
/// by [`History::attribute`] afterwards, and only for those with a finding.
pub struct History<'a> {
    repo: &'a Repo,
    odb: &'a ObjectDb,
    reflogs: bool,
    refs: bool,
    /// Only what belongs to this shard.
    shard: Option<Shard>,
    says_grounds: bool,
    commits: SeenCommits,
}

impl<'a> History<'a> {
    /// The history of `repo`: lists its packs and loose objects.
    pub fn new(repo: &'a Repo) -> Self {
        let commits = SeenCommits::default();
        History {
            repo,
            odb: repo.object_db(),
            reflogs: true,
            refs: true,
            shard: None,
            says_grounds: false,
            commits,
        }
    }

    /// The same without reflogs, for whoever scans the files below the repository's own directory, too.
    #[must_use]
    pub fn without_reflogs(self) -> Self {
        History { reflogs: false, ..self }
    }

    /// The same, of which only a shard is scanned: refs and reflogs by their names, objects by their ids.
    ///
    /// What one location of a token rules out another shard may have found: see [`Claim`](crate::finding::Claim).
    #[must_use]
    pub fn of_shard(self, shard: Option<Shard>) -> Self {
        History { shard, says_grounds: shard.is_some(), ..self }
    }

    /// The same; where `says_grounds`, each location says why it is reported, for whoever merges it with those of other shards.
    #[must_use]
    pub fn saying_grounds(self, says_grounds: bool) -> Self {
        History { says_grounds, ..self }
    }

    /// The same of objects alone, without refs and reflogs.
    #[must_use]
    pub(super) fn of_objects(self) -> Self {
        History { reflogs: false, refs: false, ..self }
    }

    /// Gives the locations in `findings` their paths, and the commits that introduced them; and the faults their paths.
    ///
    /// It must have been drained before, and `findings` must be of this history only, and made by [`Findings::keeping_all`]. A token then has one location a
    /// path: where it was first introduced under that path, the earliest first. Later versions of a file that still hold
    /// it are counted as more locations.
    pub fn attribute(self, findings: &mut Findings, cancel: &CancelFlag) {
        let mut wanted = blame::wanted(findings);
        wanted.extend(fault_paths::wanted(findings));
        let origins = Origins::search(self.repo, (self.odb, self.commits), wanted, cancel);
        blame::attribute((self.repo, &origins), self.says_grounds, findings);
        fault_paths::attribute(&origins, findings);
    }
}

impl Source for History<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for fault in self.repo.object_dirs.faults.iter().chain(&self.odb.faults) {
            sink.fault(fault.clone());
        }
        if self.refs {
            refs::scan((self.repo, self.odb), self.shard, sink);
        }
        if self.reflogs {
            reflogs::scan(self.repo, self.shard, sink);
        }
        sink.meter().expect(self.odb.len(self.shard));
        let prefilter = sink.prefilter().map(PointerPrefilter);
        let (lfs, max_blob_size) = (&self.repo.lfs, self.repo.max_blob_size);
        let scan = ObjectScan {
            lfs,
            max_blob_size,
            shard: self.shard,
            sink,
            prefilter,
            commits: &self.commits,
            damaged: Mutex::default(),
        };
        self.odb.visit(&scan);
        for damaged in scan.damaged.into_inner().unwrap_or_else(PoisonError::into_inner) {
            damaged.retry(self.repo, sink);
        }
        self.repo.lfs.report_missing(self.repo.requires_all, sink);
    }
}

/// An object that could not be read.
struct DamagedObject {
    id: ObjectId,
    reason: String,
}

impl DamagedObject {
    /// Looks for another copy of the object, which git has at times: in another pack, or in an alternate.
    fn retry(self, repo: &Repo, sink: &dyn Sink) {
        if repo.scan_sound_copy(&self.id, sink).is_ok() {
            return;
        }
        let path = format!("object {}", self.id);
        sink.fault(Fault { path, kind: FaultKind::Unreadable, reason: self.reason });
    }
}

/// Passes every object to a sink.
struct ObjectScan<'a> {
    lfs: &'a Lfs,
    max_blob_size: MaxBlobSize,
    shard: Option<Shard>,
    sink: &'a dyn Sink,
    prefilter: Option<PointerPrefilter<'a>>,
    commits: &'a SeenCommits,
    damaged: Mutex<Vec<DamagedObject>>,
}

impl ObjectScan<'_> {
    fn count(&self, kind: Kind, size: usize) {
        self.sink.meter().objects(1, size as u64);
        if kind == Kind::Commit {
            self.sink.meter().commits(1);
        }
    }
}

impl ObjectVisitor for ObjectScan<'_> {
    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn prefilter(&self, kind: Kind) -> Option<&dyn Prefilter> {
        // Of commits, which are small and seldom deltas, something is kept whether a match is in them or not.
        let prefilter = self.prefilter.as_ref().filter(|_| kind != Kind::Commit);
        prefilter.map(|prefilter| prefilter as &dyn Prefilter)
    }

    fn shard(&self) -> Option<Shard> {
        self.shard
    }

    fn stopped(&self) -> bool {
        self.sink.stopped()
    }

    fn object(&self, id: &oid, kind: Kind, bytes: &[u8]) {
        if kind == Kind::Blob && self.max_blob_size.skips(id, bytes.len(), self.sink) {
            return;
        }
        if kind == Kind::Commit {
            self.commits.add(id, bytes);
        }
        if self.shard.is_some_and(|shard| !shard.owns_id(id.as_bytes())) {
            return;
        }
        self.count(kind, bytes.len());
        scan_object(self.sink, kind, id, bytes);
        if kind == Kind::Blob {
            self.lfs.scan(bytes, self.max_blob_size.bytes(), self.sink, &|| blob_origin(id));
        }
    }

    fn ruled_out(&self, kind: Kind, size: usize, id: &dyn Fn() -> ObjectId) {
        let is_large = kind == Kind::Blob && size as u64 > self.max_blob_size.bytes();
        if !is_large || !self.max_blob_size.skips(&id(), size, self.sink) {
            self.count(kind, size);
        }
    }

    fn stream(&self, id: &oid, size: usize, inflated: &mut dyn Read) {
        if self.max_blob_size.skips(id, size, self.sink) {
            return;
        }
        scan_stream(self.sink, inflated, &|| blob_origin(id));
    }

    fn damaged(&self, id: &oid, path: &Path, damage: Damage) {
        let reason = format!("{damage} (in {}); to see what else is damaged, run: git fsck", path.display());
        let damaged = DamagedObject { id: id.to_owned(), reason };
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).push(damaged);
    }
}
