//! The notation for ranges of commits: gitrevisions(7), "Specifying Ranges".

use std::collections::HashSet;

use gix::ObjectId;
use gix::revision::plumbing::Spec;

use super::commit::tag_target;
use super::error::{Error, ReadError};
use super::object::Kind;
use super::refs;
use super::repo::Repo;
use super::rev_walk::read_header;

/// The commits that are reachable from `include` and not from `exclude`.
#[derive(Default)]
pub(super) struct RevisionRange {
    pub(super) include: Vec<ObjectId>,
    pub(super) exclude: Vec<ObjectId>,
    /// Annotated tags among what is included.
    pub(super) tags: Vec<ObjectId>,
    /// Trees and blobs among what is included: a tag need not lead to a commit.
    pub(super) objects: Vec<(Kind, ObjectId)>,
    /// Tags, trees and blobs among what is excluded.
    pub(super) known: Known,
}

/// What is excluded beside commits.
#[derive(Default)]
pub(super) struct Known {
    pub(super) tags: HashSet<ObjectId>,
    pub(super) objects: Vec<(Kind, ObjectId)>,
}

impl RevisionRange {
    /// Reads revisions with spaces between them.
    pub(super) fn parse(repo: &Repo, spec: &str) -> Result<Self, Error> {
        let mut range = RevisionRange::default();
        let mut starts_from_nothing = false;
        for revision in spec.split_ascii_whitespace() {
            starts_from_nothing |= range.add(repo, revision)?;
        }
        if spec.trim().is_empty() {
            return Err(invalid(spec, "it is empty".to_owned()));
        }
        if starts_from_nothing {
            range.exclude_published(repo);
        }
        Ok(range.without_known())
    }

    /// What is reachable from `tips`, and neither from `old_tips` nor from a ref that `is_known_ref` accepts the name of.
    pub(super) fn for_push(
        repo: &Repo,
        tips: &[String],
        old_tips: &[String],
        is_known_ref: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        let mut range = RevisionRange::default();
        for tip in tips {
            range.include(repo, tip)?;
        }
        // The other side may have commits that were never fetched: those exclude nothing here.
        let old_tips = old_tips.iter().filter_map(|id| parse_id(repo, id)).filter(|id| !id.is_null());
        let refs = refs::all(repo).into_iter().filter(|(name, _)| is_known_ref(name)).map(|(_, id)| id);
        for id in old_tips.chain(refs) {
            // What cannot be read here excludes nothing, either.
            let _ = range.exclude(repo, id, "");
        }
        Ok(range.without_known())
    }

    /// Adds one revision, and returns whether it starts from nothing: from the id of zeros that hooks are given for a ref
    /// that does not exist (githooks(5), "pre-push").
    fn add(&mut self, repo: &Repo, revision: &str) -> Result<bool, Error> {
        if let Some((from, to)) = revision.split_once("..").filter(|(_, to)| !to.starts_with('.')) {
            let starts_from_nothing = is_zero_id(from);
            if is_zero_id(to) {
                return Ok(false);
            }
            if !starts_from_nothing {
                let id = resolve(repo, or_head(from))?;
                self.exclude(repo, id, from)?;
            }
            self.include(repo, or_head(to))?;
            return Ok(starts_from_nothing);
        }
        if let Some(excluded) = revision.strip_prefix('^') {
            if !is_zero_id(excluded) {
                let id = resolve(repo, excluded)?;
                self.exclude(repo, id, excluded)?;
            }
            return Ok(is_zero_id(excluded));
        }
        if is_zero_id(revision) {
            return Ok(false);
        }
        if parse_id(repo, revision).is_some() {
            self.include(repo, revision)?;
            return Ok(false);
        }
        if repo.foreign_refs().is_some() {
            return self.add_by_git(repo, revision).map(|()| false);
        }
        let parsed = match repo.inner.rev_parse(revision) {
            Ok(parsed) => parsed,
            // The installed git knows notations, and reads repositories, that `gix` does not.
            Err(error) => {
                let by_git = self.add_by_git(repo, revision);
                return by_git.map(|()| false).map_err(|_| unknown(repo, revision, &error));
            }
        };
        match parsed.detach() {
            Spec::Merge { theirs, ours } => {
                let bases = repo.inner.merge_bases_many(theirs, &[ours]);
                let bases = bases.map_err(|error| invalid(revision, error.to_string()))?;
                self.exclude.extend(bases.into_iter().map(gix::Id::detach));
                self.include.extend([theirs, ours]);
            }
            Spec::ExcludeParents(id) => {
                self.exclude.extend(parents(repo, &id));
                self.include.push(id);
            }
            Spec::IncludeOnlyParents(id) => self.include.extend(parents(repo, &id)),
            Spec::Exclude(id) => self.exclude(repo, id, revision)?,
            // `A^-`; what has two dots is taken apart above.
            Spec::Range { from, to } => {
                self.exclude(repo, from, revision)?;
                self.include(repo, &to.to_string())?;
            }
            Spec::Include(_) => self.include(repo, revision)?,
        }
        Ok(false)
    }

    /// Adds what the installed git makes of a revision: ids, those that are excluded behind a `^`.
    fn add_by_git(&mut self, repo: &Repo, revision: &str) -> Result<(), Error> {
        for id in rev_parse_by_git(repo, revision)?.split_ascii_whitespace() {
            match id.strip_prefix('^') {
                Some(id) => self.exclude(repo, resolve(repo, id)?, revision)?,
                None => self.include(repo, id)?,
            }
        }
        Ok(())
    }

    fn include(&mut self, repo: &Repo, revision: &str) -> Result<(), Error> {
        let id = resolve(repo, revision)?;
        let peeled = peel(repo, id, revision)?;
        self.tags.extend(peeled.tags);
        match peeled.kind {
            Kind::Commit => self.include.push(peeled.id),
            kind => self.objects.push((kind, peeled.id)),
        }
        Ok(())
    }

    fn exclude(&mut self, repo: &Repo, id: ObjectId, revision: &str) -> Result<(), Error> {
        let peeled = peel(repo, id, revision)?;
        self.known.tags.extend(peeled.tags);
        match peeled.kind {
            Kind::Commit => self.exclude.push(peeled.id),
            kind => self.known.objects.push((kind, peeled.id)),
        }
        Ok(())
    }

    /// Excludes what has been published: what remote-tracking branches have or, in a bare repository, which others push
    /// to, what any ref has.
    fn exclude_published(&mut self, repo: &Repo) {
        for (name, id) in refs::all(repo) {
            if repo.inner.is_bare() || name.starts_with(b"refs/remotes/") {
                let _ = self.exclude(repo, id, "");
            }
        }
    }

    /// The same without tags and objects that are excluded themselves.
    fn without_known(mut self) -> Self {
        let mut listed = HashSet::new();
        self.tags.retain(|id| !self.known.tags.contains(id) && listed.insert(*id));
        self.objects.retain(|object| !self.known.objects.contains(object) && listed.insert(object.1));
        self
    }
}

/// What an object leads to by way of annotated tags (gitrevisions(7), `<rev>^{}`).
struct Peeled {
    id: ObjectId,
    kind: Kind,
    /// The tags on the way.
    tags: Vec<ObjectId>,
}

fn peel(repo: &Repo, mut id: ObjectId, revision: &str) -> Result<Peeled, Error> {
    let (mut bytes, mut tags) = (Vec::new(), Vec::new());
    for _ in 0..16 {
        match repo.read(&id, &mut bytes) {
            Ok(Kind::Tag) => {
                tags.push(id);
                let target = tag_target(&bytes);
                id = target.ok_or_else(|| invalid(revision, "its tag is damaged".to_owned()))?;
            }
            Ok(kind) => return Ok(Peeled { id, kind, tags }),
            Err(ReadError::Missing) => {
                let command = repo.fetch_command(Some(&id));
                let reason = format!("the object {id} is missing; to fetch it, run: {command}");
                return Err(invalid(revision, reason));
            }
            Err(ReadError::Damaged) => {
                return Err(invalid(revision, format!("the object {id} is damaged")));
            }
        }
    }
    Err(invalid(revision, "its tags lead to nothing".to_owned()))
}

/// In `A..B`, a side that is left out is `HEAD`.
fn or_head(revision: &str) -> &str {
    if revision.is_empty() { "HEAD" } else { revision }
}

fn is_zero_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte == b'0')
}

/// An id with all its digits.
fn parse_id(repo: &Repo, text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok().filter(|id| id.kind() == repo.hash())
}

fn resolve(repo: &Repo, revision: &str) -> Result<ObjectId, Error> {
    // `rev_parse_single` would not find an object in quarantine: see `object_roots`.
    if let Some(id) = parse_id(repo, revision) {
        return Ok(id);
    }
    let by_git = || {
        let id = rev_parse_by_git(repo, revision)?;
        parse_id(repo, id.trim()).ok_or_else(|| invalid(revision, "it is no single revision".to_owned()))
    };
    if repo.foreign_refs().is_some() {
        return by_git();
    }
    match repo.inner.rev_parse_single(revision) {
        Ok(id) => Ok(id.detach()),
        Err(error) => by_git().map_err(|_| unknown(repo, revision, &error)),
    }
}

/// A revision that leads to nothing, which in a shallow clone may be because it was not fetched.
fn unknown(repo: &Repo, revision: &str, error: &dyn std::error::Error) -> Error {
    let mut reason = error.to_string();
    if repo.is_shallow() {
        reason = format!(
            "{reason}; this is a shallow clone; to fetch the rest, run: {}",
            repo.fetch_command(None)
        );
    }
    invalid(revision, reason)
}

fn rev_parse_by_git(repo: &Repo, revision: &str) -> Result<String, Error> {
    if revision.starts_with('-') {
        return Err(invalid(revision, "it starts with a dash".to_owned()));
    }
    let ids =
        repo.run_git(&["rev-parse", "--revs-only", revision]).map_err(|reason| invalid(revision, reason))?;
    let ids = String::from_utf8_lossy(&ids).into_owned();
    let is_empty = ids.trim().is_empty();
    if is_empty { Err(invalid(revision, "git knows no such revision".to_owned())) } else { Ok(ids) }
}

fn invalid(revision: &str, reason: String) -> Error {
    Error::Revision { text: revision.to_owned(), reason }
}

fn parents(repo: &Repo, id: &ObjectId) -> Vec<ObjectId> {
    read_header(repo, id).map(|header| header.parents).unwrap_or_default()
}
