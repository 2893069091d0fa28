//! What some commits add: their messages and authors, and the content that none of their parents has.

use gix::ObjectId;

use super::change::{self, Change, Rescan};
use super::commit::{CommitHeader, Signature};
use super::error::{Error, ReadError};
use super::object::Kind;
use super::object_parts::scan_object;
use super::repo::Repo;
use super::rev_walk::{rev_list, unreadable_commit};
use super::revisions::RevisionRange;
use super::tree_diff::TreeDiff;
use crate::blob::{Fault, Origin, Sink, Source};
use crate::finding::Findings;

/// The commits of a range as a source.
pub struct Range<'a> {
    repo: &'a Repo,
    /// Annotated tags at the tips of the range.
    tags: Vec<ObjectId>,
    commits: Vec<ObjectId>,
    /// One for each commit.
    changes: Vec<Change>,
    faults: Vec<Fault>,
}

impl<'a> Range<'a> {
    /// The commits that `spec` names, in git's own notation (gitrevisions(7)): `A..B` is what `B` has and `A` has not,
    /// `A...B` what only one of them has, `^A` excludes, and a revision by itself is everything that is reachable from it.
    /// Several may be given with spaces between them. An id of zeros, which hooks are given for a ref that does not exist
    /// (githooks(5), "pre-push"), excludes what has been published: what remote-tracking branches have or, in a bare
    /// repository, what any ref has.
    ///
    /// Fails with [`Error::Revision`] where a revision means nothing in this repository.
    pub fn new(repo: &'a Repo, spec: &str) -> Result<Self, Error> {
        Ok(Range::of(repo, &RevisionRange::parse(repo, spec)?))
    }

    /// What a push brings: all that is reachable from the commits or tags `tips`, and neither from `old_tips`, which the
    /// other side had before (ids, of which not all need be in this repository), nor from the refs that `is_known_ref`
    /// accepts the names of.
    ///
    /// Fails with [`Error::Revision`] where a tip is not in this repository.
    pub fn for_push(
        repo: &'a Repo,
        tips: &[String],
        old_tips: &[String],
        is_known_ref: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        Ok(Range::of(repo, &RevisionRange::for_push(repo, tips, old_tips, is_known_ref)?))
    }

    fn of(repo: &'a Repo, revisions: &RevisionRange) -> Self {
        let tags = revisions.tags.clone();
        let mut range = Range { repo, tags, commits: Vec::new(), changes: Vec::new(), faults: Vec::new() };
        let commits = rev_list(repo, &revisions.include, &revisions.exclude, &mut range.faults);
        for (id, header) in commits {
            range.push(id, &header);
        }
        range
    }

    fn push(&mut self, id: ObjectId, header: &CommitHeader) {
        let mut bytes = Vec::new();
        let signature = self.repo.read_as(Kind::Commit, &id, &mut bytes).map(|()| Signature::parse(&bytes));
        let signature = signature.unwrap_or_default();
        let parent_trees = header.parents.iter().filter_map(|parent| {
            match self.repo.read_as(Kind::Commit, parent, &mut bytes) {
                Ok(()) => CommitHeader::parse(&bytes).map(|header| header.tree),
                Err(error) => {
                    // At the boundary of a shallow clone, everything counts as added.
                    if !(error == ReadError::Missing && self.repo.is_shallow_boundary(&id)) {
                        self.faults.push(unreadable_commit(parent));
                    }
                    None
                }
            }
        });
        let parent_trees: Vec<ObjectId> = parent_trees.collect();
        let template = Origin {
            commit: Some(id.to_string()),
            author: signature.author,
            date: signature.date,
            ..Origin::default()
        };
        let diff = TreeDiff::between(self.repo, &parent_trees, &header.tree);
        self.commits.push(id);
        self.changes.push(Change { template, diff });
    }

    /// Removes from `findings` what a commit's parents have in the same file, or in one that the commit removes: that is
    /// not what the commit adds. `findings` must be of this source only, and made by [`Findings::keeping_all`].
    pub fn retain_added(&self, findings: &mut Findings, rescan: &Rescan<'_>) {
        change::retain_added(self.repo, &self.changes, findings, rescan);
        findings.replace_locations(&mut |locations| (locations, 0));
    }
}

impl Source for Range<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for fault in &self.faults {
            sink.fault(fault.clone());
        }
        let mut bytes = Vec::new();
        let tags = self.tags.iter().map(|id| (id, Kind::Tag));
        let commits = self.commits.iter().map(|id| (id, Kind::Commit));
        for (id, kind) in tags.chain(commits) {
            if self.repo.read_as(kind, id, &mut bytes).is_ok() {
                sink.meter().objects(1, bytes.len() as u64);
                sink.meter().commits(u64::from(kind == Kind::Commit));
                scan_object(sink, kind, id, &bytes);
            }
        }
        for change in &self.changes {
            if sink.stopped() {
                return;
            }
            change.scan(self.repo, sink);
        }
        self.repo.lfs.report_missing(self.repo.requires_all, sink);
    }
}
