//! `scan --history`: the histories of the repositories below what is scanned.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::git::is_excluded;
use super::scan::is_pipe;
use crate::blob::{Fault, FaultKind, LocationKind, Source as _};
use crate::cli::detection::label;
use crate::cli::session::ScanSession;
use crate::finding::{Findings, Location};
use crate::scan::WithRoot;
use crate::source::git::{History, Repo, discover};
use crate::source::tree;
use crate::text::printable;

/// Puts what all those histories hold into `findings`. Whether one of them is incomplete.
pub(super) fn sweep(session: &ScanSession, findings: &Findings) -> anyhow::Result<bool> {
    session.limit_threads()?;
    let roots: Vec<&PathBuf> = session.settings.paths.iter().filter(|path| !is_pipe(path)).collect();
    let mut sweep = Sweep { session, findings, seen: HashSet::new(), shallow: false };
    for root in &roots {
        let globs =
            session.settings.exclude.iter().chain(session.detection.left_out(root)).map(String::as_str);
        let options = tree::Options { exclude: tree::excludes(globs)?, ..session.settings.walk.clone() };
        let name = (roots.len() > 1 && root.is_dir()).then(|| label(root));
        let root = Root { path: root, name, options };
        for path in discover(root.path) {
            if session.interrupted() {
                return Ok(sweep.shallow);
            }
            sweep.repository(&root, &path);
        }
    }
    Ok(sweep.shallow)
}

/// A scanned folder.
struct Root<'a> {
    path: &'a Path,
    /// What places call it, where there are several.
    name: Option<String>,
    options: tree::Options,
}

impl Root<'_> {
    /// What stands in front of a path in a repository's history: the way from this root to the repository, and a slash.
    fn way_to(&self, folder: &Path) -> Option<String> {
        let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let way = label(whole(folder).strip_prefix(whole(self.path)).ok()?);
        Some(if way.is_empty() { way } else { format!("{way}/") })
    }
}

struct Sweep<'a> {
    session: &'a ScanSession,
    findings: &'a Findings,
    /// Repositories looked at, by what all their work trees share: roots may overlap.
    seen: HashSet<PathBuf>,
    shallow: bool,
}

impl Sweep<'_> {
    fn repository(&mut self, root: &Root<'_>, path: &Path) {
        let place = root.way_to(path).unwrap_or_default();
        if root.options.excludes_file(place.trim_end_matches('/')) {
            return;
        }
        let repo = match Repo::exactly(path) {
            Ok(repo) => repo.with_largest(root.options.max_file_size.unwrap_or(u64::MAX)),
            Err(error) => {
                let path = label(path);
                let (kind, reason) = (FaultKind::Unreadable, error.to_string());
                return self.findings.fault(Fault { path, kind, reason });
            }
        };
        if !self.seen.insert(repo.shared_folder()) {
            return;
        }
        if let Some(lacks) = repo.incomplete() {
            self.session.console.warn(&format!("{}: {lacks}", printable(&label(path))));
            self.shallow = true;
        }
        // A submodule's files stand in its work tree, wherever its repository is kept.
        let place = root.way_to(repo.root()).unwrap_or(place);
        let mut found = self.look(&repo, root, &place);
        found.for_each_location_mut(&mut |_, location| move_below(location, &place));
        found.retain(&mut |_, location| !is_excluded(&root.options, location));
        self.findings.merge(found);
    }

    fn look(&self, repo: &Repo, root: &Root<'_>, place: &str) -> Findings {
        let (history, mut found) = (History::new(repo), Findings::keeping_all());
        self.session.look(&found, &self.session.meter, &mut |sink| {
            let named = WithRoot::repository(sink, root.name.as_deref(), place.trim_end_matches('/'));
            self.session.console.watch(&self.session.meter, || history.drain(&named));
        });
        self.session.console.watch(&self.session.meter, || history.attribute(&mut found));
        found
    }
}

/// A place in a repository becomes one below the scanned root.
fn move_below(location: &mut Location, place: &str) {
    location.path.insert_str(0, place);
    // The token is in the path itself.
    if matches!(location.kind, LocationKind::FileName | LocationKind::RefName) {
        location.offset += place.len() as u64;
        location.column += place.len() as u64;
    }
}
