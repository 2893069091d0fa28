//! What a change adds: its new blobs are looked through, and what stood in their place before is held against what is found.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::diff::{Added, Diff};
use super::pack::Kind;
use super::repo::{ReadError, Repo};
use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, Sink};
use crate::finding::{Findings, Location};
use crate::text::path_text;
use crate::token::Fingerprint;

/// Runs a sink of the run's own making over some findings: `show` is called once with it.
///
/// What stood there before is only looked through when something was found, and must not count as found itself.
pub type Pipe<'a> = dyn Fn(&Findings, &mut dyn FnMut(&dyn Sink)) + 'a;

/// One change: a commit, or what is staged.
pub(super) struct Change {
    /// Of the places in it: commit, author and date.
    pub(super) template: Origin,
    pub(super) diff: Diff,
}

impl Change {
    /// Hands over what it adds.
    pub(super) fn show(&self, repo: &Repo, sink: &dyn Sink) {
        for (path, id, lack) in &self.diff.lacking {
            sink.fault(fault(&path_text(path), id, *lack));
        }
        let mut bytes = Vec::new();
        for added in &self.diff.added {
            if sink.stopped() {
                return;
            }
            match repo.read_as(Kind::Blob, &added.id, &mut bytes) {
                Ok(()) if repo.largest.passes_over(&added.id, bytes.len(), sink) => {}
                Ok(()) => {
                    sink.meter().objects(1, bytes.len() as u64);
                    give(sink, &bytes, &|| self.origin(added));
                }
                Err(lack) => sink.fault(fault(&path_text(&added.path), &added.id, lack)),
            }
        }
        for path in &self.diff.names {
            let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
            let origin = || Origin {
                path: path_text(path),
                kind: LocationKind::FileName,
                base: path_text(&path[..start]).len() as u64,
                ..self.template.clone()
            };
            give(sink, &path[start..], &origin);
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

    /// The tokens that stood in this file, or in a file that is gone, before the change.
    fn before(&self, repo: &Repo, added: &Added, pipe: &Pipe<'_>) -> HashSet<Fingerprint> {
        let findings = Findings::default();
        let mut bytes = Vec::new();
        pipe(&findings, &mut |sink| {
            for id in added.before.iter().chain(&self.diff.removed) {
                if repo.read_as(Kind::Blob, id, &mut bytes).is_ok() {
                    give(sink, &bytes, &Origin::default);
                }
            }
        });
        let (findings, _) = findings.finish();
        findings.iter().map(|finding| finding.token.fingerprint()).collect()
    }
}

fn give(sink: &dyn Sink, bytes: &[u8], origin: &dyn Fn() -> Origin) {
    if !bytes.is_empty() {
        sink.blob(Blob { body: Body::Whole(bytes), origin });
    }
}

fn fault(path: &str, id: &ObjectId, lack: ReadError) -> Fault {
    let reason = match lack {
        ReadError::Missing => format!("its object {id} is missing"),
        ReadError::Damaged => format!("its object {id} is damaged; to see what else is, run: git fsck"),
    };
    Fault { path: path.to_owned(), kind: FaultKind::Unreadable, reason }
}

/// Takes out of `findings` what stood there before the changes.
pub(super) fn subtract(repo: &Repo, changes: &[Change], findings: &mut Findings, pipe: &Pipe<'_>) {
    type Key = (Option<String>, String);
    let mut by_place: HashMap<Key, Vec<(usize, usize)>> = HashMap::new();
    for (n, change) in changes.iter().enumerate() {
        for (m, added) in change.diff.added.iter().enumerate() {
            let key = (change.template.commit.clone(), added.id.to_string());
            by_place.entry(key).or_default().push((n, m));
        }
    }
    let mut known: HashMap<(usize, usize), HashSet<Fingerprint>> = HashMap::new();
    findings.retain(&mut |fingerprint: Fingerprint, location: &Location| {
        let content = matches!(location.kind, LocationKind::Content | LocationKind::SymlinkTarget);
        let Some(object) = location.object.clone().filter(|_| content) else { return true };
        let all = by_place.get(&(location.commit.clone(), object)).map(Vec::as_slice).unwrap_or_default();
        // One blob may come in under several paths; a path that holds a token is told redacted, and fits none.
        let fits = |(n, m): &(usize, usize)| {
            let added = changes.get(*n).and_then(|change| change.diff.added.get(*m));
            added.is_some_and(|added| location.path.starts_with(&path_text(&added.path)))
        };
        let fitting: Vec<_> = all.iter().copied().filter(fits).collect();
        let candidates = if fitting.is_empty() { all.to_vec() } else { fitting };
        let Some(place) = candidates.into_iter().max_by_key(|(n, m)| path_len(changes, *n, *m)) else {
            return true;
        };
        let before = known.entry(place).or_insert_with(|| {
            let change = changes.get(place.0);
            let added = change.and_then(|change| change.diff.added.get(place.1));
            change.zip(added).map(|(change, added)| change.before(repo, added, pipe)).unwrap_or_default()
        });
        !before.contains(&fingerprint)
    });
}

fn path_len(changes: &[Change], n: usize, m: usize) -> usize {
    changes.get(n).and_then(|change| change.diff.added.get(m)).map_or(0, |added| added.path.len())
}
