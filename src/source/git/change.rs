//! What a change adds: its new blobs are scanned, and what is found is compared with what the files held before.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::error::ReadError;
use super::object_parts::scan_bytes;
use super::repo::Repo;
use super::tree_diff::{Added, TreeDiff};
use crate::blob::{Fault, FaultKind, LocationKind, Origin, Sink};
use crate::finding::{Findings, Location};
use crate::text::path_text;
use crate::token::Fingerprint;

/// Calls its second argument once with a sink that puts what it finds into the first.
///
/// The files as they were before a change are scanned with it, and only if the change has a finding: whoever makes the
/// sink keeps what it reads out of the counts of the run.
pub type Rescan<'a> = dyn Fn(&Findings, &mut dyn FnMut(&dyn Sink)) + 'a;

/// A commit, or what is staged.
pub(super) struct Change {
    /// What the origins of its blobs have in common: commit, author and date.
    pub(super) template: Origin,
    pub(super) diff: TreeDiff,
}

impl Change {
    /// Scans what it adds.
    pub(super) fn scan(&self, repo: &Repo, sink: &dyn Sink) {
        for (path, id, error) in &self.diff.unreadable {
            sink.fault(fault(repo, &path_text(path), id, *error));
        }
        for added in &self.diff.added {
            if sink.stopped() {
                return;
            }
            if let Err(error) = repo.scan_blob(&added.id, sink, &|| self.origin(added)) {
                sink.fault(fault(repo, &path_text(&added.path), &added.id, error));
            }
        }
        for path in &self.diff.new_names {
            let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
            let origin = || Origin {
                path: path_text(path),
                kind: LocationKind::FileName,
                base: path_text(&path[..start]).len() as u64,
                ..self.template.clone()
            };
            scan_bytes(sink, &path[start..], &origin);
        }
    }

    fn origin(&self, added: &Added) -> Origin {
        Origin {
            path: path_text(&added.path),
            kind: if added.link { LocationKind::SymlinkTarget } else { LocationKind::Content },
            object: Some(added.id.to_string()),
            ..self.template.clone()
        }
    }

    /// The tokens that were in a file, or in one that is gone, before the change.
    fn tokens_before(&self, repo: &Repo, added: &Added, rescan: &Rescan<'_>) -> HashSet<Fingerprint> {
        let findings = Findings::default();
        rescan(&findings, &mut |sink| {
            for id in added.preimages.iter().chain(&self.diff.removed) {
                // What cannot be read hides nothing: its tokens count as added.
                let _ = repo.scan_blob(id, sink, &Origin::default);
            }
        });
        let (findings, _) = findings.finish();
        findings.iter().map(|finding| finding.token.fingerprint()).collect()
    }
}

fn fault(repo: &Repo, path: &str, id: &ObjectId, error: ReadError) -> Fault {
    let reason = match error {
        ReadError::Missing if repo.promisor().is_some() => format!(
            "its object {id} is not here: this is a partial clone, and a filter left it out; to fetch all of those, run: \
             git fetch --refetch --no-filter {}",
            repo.promisor().unwrap_or_default()
        ),
        ReadError::Missing => format!("its object {id} is missing"),
        ReadError::Damaged => format!("its object {id} is damaged; to see what else is, run: git fsck"),
    };
    Fault { path: path.to_owned(), kind: FaultKind::Unreadable, reason }
}

/// A file of a change: the number of the change, and that of the file in it.
type FileKey = (usize, usize);

/// Removes from `findings` the locations of tokens that were there before the changes, and keeps what the changes add.
pub(super) fn retain_added(repo: &Repo, changes: &[Change], findings: &mut Findings, rescan: &Rescan<'_>) {
    let mut by_object: HashMap<(Option<String>, String), Vec<FileKey>> = HashMap::new();
    for (n, change) in changes.iter().enumerate() {
        for (m, added) in change.diff.added.iter().enumerate() {
            let key = (change.template.commit.clone(), added.id.to_string());
            by_object.entry(key).or_default().push((n, m));
        }
    }
    let file = |(n, m): FileKey| {
        let change = changes.get(n)?;
        Some((change, change.diff.added.get(m)?))
    };
    let mut tokens_before: HashMap<FileKey, HashSet<Fingerprint>> = HashMap::new();
    findings.retain(&mut |fingerprint: Fingerprint, location: &Location| {
        let is_content = matches!(location.kind, LocationKind::Content | LocationKind::SymlinkTarget);
        let Some(object) = location.details().object.clone().filter(|_| is_content) else { return true };
        let all = by_object
            .get(&(location.details().commit.clone(), object))
            .map(Vec::as_slice)
            .unwrap_or_default();
        // A change may add one blob under several paths: then it is the one that the location starts with. A path that
        // holds a token itself is redacted in the location, and matches none.
        let matches_path = |key: &FileKey| {
            file(*key).is_some_and(|(_, added)| location.path.starts_with(&path_text(&added.path)))
        };
        let matching: Vec<_> = all.iter().copied().filter(matches_path).collect();
        let candidates = if matching.is_empty() { all.to_vec() } else { matching };
        let longest =
            candidates.into_iter().max_by_key(|key| file(*key).map_or(0, |(_, added)| added.path.len()));
        let Some(key) = longest else { return true };
        let before = tokens_before.entry(key).or_insert_with(|| {
            file(key).map(|(change, added)| change.tokens_before(repo, added, rescan)).unwrap_or_default()
        });
        !before.contains(&fingerprint)
    });
}
