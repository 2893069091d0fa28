//! What some commits add: their messages and authors, and what they brought that none of their parents had.

use gix::ObjectId;

use super::Error;
use super::additions::{self, Change, Pipe};
use super::diff::Diff;
use super::object::{self, CommitHeader, Signature};
use super::pack::Kind;
use super::repo::{ReadError, Repo};
use super::revisions::{Ends, commits};
use crate::blob::{Fault, FaultKind, Origin, Sink, Source};
use crate::finding::Findings;

/// The commits of a range as a source.
pub struct Range<'a> {
    repo: &'a Repo,
    /// Annotated tags the range ends at.
    tags: Vec<ObjectId>,
    commits: Vec<ObjectId>,
    changes: Vec<Change>,
    faults: Vec<Fault>,
}

impl<'a> Range<'a> {
    /// The commits that `spec` names, in git's own notation (see `gitrevisions(7)`): `A..B` is what `B` has and `A` has not,
    /// `A...B` what only one of them has, `^A` excludes, and a revision by itself is everything that leads to it. Several
    /// may be given with spaces between them. An id of zeros, which hooks are told for what does not exist, excludes
    /// nothing of its own: what other refs have is left out instead.
    pub fn new(repo: &'a Repo, spec: &str) -> Result<Self, Error> {
        Ok(Range::between(repo, &Ends::parse(repo, spec)?))
    }

    /// What another repository lacks that is to have the commits or tags `tips`: all that leads to them, without what it
    /// `had` already (ids, of which not all need be here) and what refs lead to whose names `known` says yes to.
    pub fn lacking(
        repo: &'a Repo,
        tips: &[String],
        had: &[String],
        known: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        Ok(Range::between(repo, &Ends::lacking(repo, tips, had, known)?))
    }

    fn between(repo: &'a Repo, ends: &Ends) -> Self {
        let mut range = Range {
            repo,
            tags: ends.tags.clone(),
            commits: Vec::new(),
            changes: Vec::new(),
            faults: Vec::new(),
        };
        for (id, links) in commits(repo, ends, &mut range.faults) {
            range.add(id, &links);
        }
        range
    }

    /// How many commits it has.
    pub fn commits(&self) -> usize {
        self.commits.len()
    }

    fn add(&mut self, id: ObjectId, links: &CommitHeader) {
        let mut bytes = Vec::new();
        let byline = self.repo.read_as(Kind::Commit, &id, &mut bytes).map(|()| Signature::of(&bytes));
        let byline = byline.unwrap_or_default();
        let parents = links.parents.iter().filter_map(|parent| {
            match self.repo.read_as(Kind::Commit, parent, &mut bytes) {
                Ok(()) => CommitHeader::of(&bytes).map(|links| links.tree),
                Err(lack) => {
                    // Where a shallow clone ends, everything there is counts as added.
                    if !(lack == ReadError::Missing && self.repo.is_boundary(&id)) {
                        self.faults.push(unread(parent));
                    }
                    None
                }
            }
        });
        let parents: Vec<ObjectId> = parents.collect();
        let template = Origin {
            commit: Some(id.to_string()),
            author: byline.author,
            date: byline.date,
            ..Origin::default()
        };
        self.commits.push(id);
        self.changes.push(Change { template, diff: Diff::of(self.repo, &links.tree, &parents) });
    }

    /// Takes out of `findings` (gathered from this source alone, by [`Findings::keeping_all`]) what a commit's parents had
    /// in the same file, or in one that the commit removes: that is not what it adds.
    pub fn settle(&self, findings: &mut Findings, pipe: &Pipe<'_>) {
        additions::subtract(self.repo, &self.changes, findings, pipe);
        findings.replace_locations(&mut |locations| (locations, 0));
    }
}

impl Source for Range<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for fault in &self.faults {
            sink.fault(fault.clone());
        }
        let mut bytes = Vec::new();
        for (id, kind) in
            self.tags.iter().map(|id| (id, Kind::Tag)).chain(self.commits.iter().map(|id| (id, Kind::Commit)))
        {
            if self.repo.read_as(kind, id, &mut bytes).is_ok() {
                sink.meter().objects(1, bytes.len() as u64);
                sink.meter().commits(u64::from(kind == Kind::Commit));
                object::hand_over(sink, kind, id, &bytes);
            }
        }
        for change in &self.changes {
            if sink.stopped() {
                return;
            }
            change.show(self.repo, sink);
        }
    }
}

pub(super) fn unread(id: &ObjectId) -> Fault {
    let reason = "it is missing or damaged; to see what else is, run: git fsck".to_owned();
    Fault { path: format!("commit {id}"), kind: FaultKind::Unreadable, reason }
}
