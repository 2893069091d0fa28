//! Whether a clone has its whole history: a shallow or partial one may look clean only because objects are missing.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use gix::bstr::ByteSlice as _;
use gix::oid;

use super::commit::CommitHeader;
use super::object::{Kind, Mode, tree_entries};
use super::odb::ObjectDb;
use super::repo::Repo;
use super::visitor::ObjectVisitor;

/// What a clone does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// It is shallow: older commits are missing (git-clone(1), `--depth`).
    pub shallow: bool,
    /// It is partial, and filtered objects are missing (git-clone(1), `--filter`).
    pub partial: bool,
    /// The remote that has the rest; empty for git's own choice.
    remote: String,
}

impl Incomplete {
    /// The command that fetches the rest (git-fetch(1)).
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
        let (clone, missing) = match (self.shallow, self.partial) {
            (true, true) => ("a shallow and partial clone", "older commits and filtered objects are"),
            (true, false) => ("a shallow clone", "older commits are"),
            _ => ("a partial clone", "filtered objects are"),
        };
        write!(
            f,
            "this is {clone}: {missing} not here, and were not scanned; to fetch them, run: {}",
            self.remedy()
        )
    }
}

impl Repo {
    /// What the clone does not have; `None` where its history is complete.
    pub fn incomplete(&self) -> Option<Incomplete> {
        let shallow = self.is_shallow();
        let promisor = self.promisor();
        // A partial clone that has been completed still names its promisor.
        let partial = promisor.is_some() && self.has_missing_objects();
        let remote = promisor.filter(|_| partial).unwrap_or_default();
        (shallow || partial).then_some(Incomplete { shallow, partial, remote })
    }

    /// The command that fetches what is missing: the rest of a shallow or partial clone, else the object `id` by itself.
    pub(super) fn fetch_command(&self, id: Option<&oid>) -> String {
        let promisor = self.promisor();
        let (shallow, partial) = (self.is_shallow(), promisor.is_some());
        let remote = promisor.or_else(|| {
            let name = self.inner.remote_default_name(gix::remote::Direction::Fetch);
            name.map(|name| name.to_string())
        });
        let remote = remote.unwrap_or_default();
        match id {
            Some(id) if !shallow && !partial => {
                format!("git fetch {} {id}", if remote.is_empty() { "origin" } else { &remote })
            }
            _ => Incomplete { shallow, partial, remote }.remedy(),
        }
    }

    /// The promisor remote, which has promised to have the objects that a filter left out. It is the one that
    /// `extensions.partialClone` names, or one with `remote.<name>.promisor` (git-config(1);
    /// <https://git-scm.com/docs/partial-clone>).
    pub(super) fn promisor(&self) -> Option<String> {
        let config = self.inner.config_snapshot();
        if let Some(name) = config.string("extensions.partialClone") {
            return Some(name.to_string());
        }
        let names = self.inner.remote_names();
        let is_promisor =
            |name: &str| config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true);
        names
            .iter()
            .filter_map(|name| name.to_str().ok())
            .find(|name| is_promisor(name))
            .map(ToOwned::to_owned)
    }

    /// Whether any commit or tree names an object that is not here. Ends at the first.
    fn has_missing_objects(&self) -> bool {
        let odb = self.object_db();
        let visitor = MissingObjects { odb, hash: self.hash(), found: AtomicBool::new(false) };
        odb.visit(&visitor);
        visitor.found.load(Relaxed)
    }
}

/// Looks for objects that are named and not there.
struct MissingObjects<'a> {
    odb: &'a ObjectDb,
    hash: gix::hash::Kind,
    found: AtomicBool,
}

impl MissingObjects<'_> {
    fn check(&self, id: &oid) {
        if !self.odb.contains(id) {
            self.found.store(true, Relaxed);
        }
    }
}

impl ObjectVisitor for MissingObjects<'_> {
    fn wants(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Tree | Kind::Commit)
    }

    fn stopped(&self) -> bool {
        self.found.load(Relaxed)
    }

    fn object(&self, _: &oid, kind: Kind, bytes: &[u8]) {
        if kind == Kind::Commit {
            if let Some(header) = CommitHeader::parse(bytes) {
                self.check(&header.tree);
            }
            return;
        }
        for entry in tree_entries(bytes, self.hash).filter(|entry| entry.mode != Mode::Submodule) {
            self.check(entry.id);
        }
    }
}
