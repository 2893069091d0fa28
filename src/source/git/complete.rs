//! Whether a clone has its whole history: a shallow or partial one may look clean because it lacks what is not.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use gix::bstr::ByteSlice as _;
use gix::{ObjectId, oid};

use super::object::{Mode, entries};
use super::odb::{ObjectDb, ObjectVisitor};
use super::pack::{Damage, Kind};
use super::repo::Repo;
use crate::blob::Prefilter;

/// What a clone lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// Its history was cut off.
    pub shallow: bool,
    /// Objects were left at the remote.
    pub partial: bool,
    /// The remote that has the rest; empty for git's own choice.
    remote: String,
}

impl Incomplete {
    /// The command that fetches the rest.
    pub fn remedy(&self) -> String {
        let mut command = String::from("git fetch");
        if self.shallow {
            command.push_str(" --unshallow");
        }
        if self.partial {
            command.push_str(" --refetch --no-filter");
        }
        if !self.remote.is_empty() {
            command.push(' ');
            command.push_str(&self.remote);
        }
        command
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, lacks) = match (self.shallow, self.partial) {
            (true, true) => ("a shallow and partial clone", "older commits and filtered objects are"),
            (true, false) => ("a shallow clone", "older commits are"),
            _ => ("a partial clone", "filtered objects are"),
        };
        write!(
            f,
            "this is {what}: {lacks} not here, and were not scanned; to fetch them, run: {}",
            self.remedy()
        )
    }
}

impl Repo {
    /// What the clone lacks; nothing where its history is whole.
    pub fn incomplete(&self) -> Option<Incomplete> {
        let shallow = !self.shallow.is_empty();
        let promisor = self.promisor();
        // A clone that was partial once and has been completed still names its promisor.
        let partial = promisor.is_some() && self.lacks_objects();
        let remote = promisor.filter(|_| partial).unwrap_or_default();
        (shallow || partial).then_some(Incomplete { shallow, partial, remote })
    }

    /// Whether a shallow clone's history was cut off behind this commit.
    pub(super) fn is_boundary(&self, id: &oid) -> bool {
        self.shallow.iter().any(|cut| **cut == *id)
    }

    /// The remote that promised to have what is missing.
    fn promisor(&self) -> Option<String> {
        let config = self.inner.config_snapshot();
        if let Some(name) = config.string("extensions.partialClone") {
            return Some(name.to_string());
        }
        let names = self.inner.remote_names();
        let promises = |name: &str| config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true);
        names.iter().filter_map(|name| name.to_str().ok()).find(|name| promises(name)).map(ToOwned::to_owned)
    }

    /// Whether any tree names an object that is not here. Ends at the first.
    fn lacks_objects(&self) -> bool {
        let objects = ObjectDb::take(&self.folders, self.hash());
        let reader = Reader { objects: &objects, hash: self.hash(), missing: AtomicBool::new(false) };
        objects.show(&reader);
        reader.missing.load(Relaxed)
    }
}

/// The commits a shallow clone's history was cut off behind.
pub(super) fn boundary(repo: &gix::Repository) -> Vec<ObjectId> {
    let file = repo.shallow_file().ok().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    file.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()).collect()
}

struct Reader<'a> {
    objects: &'a ObjectDb,
    hash: gix::hash::Kind,
    missing: AtomicBool,
}

impl Reader<'_> {
    fn need(&self, id: &oid) {
        if !self.objects.has(id) {
            self.missing.store(true, Relaxed);
        }
    }
}

impl ObjectVisitor for Reader<'_> {
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        None
    }

    fn wants(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Tree | Kind::Commit)
    }

    fn stopped(&self) -> bool {
        self.missing.load(Relaxed)
    }

    fn object(&self, _: &oid, kind: Kind, _: usize, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        if kind == Kind::Commit {
            if let Some(links) = super::object::CommitHeader::of(bytes) {
                self.need(&links.tree);
            }
            return;
        }
        for entry in entries(bytes, self.hash).filter(|entry| entry.mode != Mode::Submodule) {
            self.need(entry.id);
        }
    }

    fn stream(&self, _: &oid, _: usize, _: &mut dyn std::io::Read) {}

    fn damaged(&self, _: &oid, _: &Path, _: Damage) {}
}
