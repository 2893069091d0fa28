//! `stanch scan --history`: the histories of the repositories below what is scanned.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::git::{is_excluded, shallow_fault};
use crate::blob::{Fault, FaultKind, LocationKind, Source as _};
use crate::cli::detection::label;
use crate::cli::fault_path::is_in_tree;
use crate::cli::session::ScanSession;
use crate::finding::{Findings, Location};
use crate::scan::WithRoot;
use crate::settings::Input;
use crate::source::git::{History, Repo, find_repositories};
use crate::source::tree;
use crate::text::printable;

/// Scans all those histories into `findings`. Returns whether one of them is incomplete.
pub(super) fn sweep(session: &ScanSession, findings: &Findings) -> anyhow::Result<bool> {
    session.limit_threads()?;
    let settings = &session.settings;
    let roots: Vec<&Path> = Input::paths(&settings.inputs).collect();
    let mut sweep = Sweep { session, findings, scanned: HashSet::new(), shallow: false };
    for path in &roots {
        let name = (roots.len() > 1 && path.is_dir()).then(|| label(path));
        let root = Root { path, name, options: &settings.walk };
        for repository in find_repositories(root.path) {
            if session.interrupted() {
                return Ok(sweep.shallow);
            }
            sweep.repository(&root, &repository);
        }
    }
    Ok(sweep.shallow)
}

/// A scanned directory.
struct Root<'a> {
    path: &'a Path,
    /// Its name in locations, where there are several.
    name: Option<String>,
    options: &'a tree::Options,
}

impl Root<'_> {
    /// What could not be read below this root, as other faults of the run have it.
    fn fault_path(&self, below: &str) -> String {
        match (&self.name, below) {
            (_, "") => label(self.path),
            (Some(name), below) => format!("{name}/{below}"),
            (None, below) => below.to_owned(),
        }
    }

    /// The prefix of paths in a repository's history: the path from this root to the repository, and a slash.
    fn prefix_of(&self, directory: &Path) -> Option<String> {
        let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let relative = label(absolute(directory).strip_prefix(absolute(self.path)).ok()?);
        Some(if relative.is_empty() { relative } else { format!("{relative}/") })
    }
}

struct Sweep<'a> {
    session: &'a ScanSession,
    findings: &'a Findings,
    /// Repositories that were scanned, by the directory that all their work trees share: roots may overlap.
    scanned: HashSet<PathBuf>,
    shallow: bool,
}

impl Sweep<'_> {
    fn repository(&mut self, root: &Root<'_>, path: &Path) {
        let prefix = root.prefix_of(path).unwrap_or_default();
        if root.options.exclude.file(root.name.as_deref(), prefix.trim_end_matches('/')) {
            return;
        }
        let repo = match Repo::open_within(path, root.path) {
            Ok(repo) => repo.with_max_blob_size(root.options.max_file_size.unwrap_or(u64::MAX)),
            Err(error) => {
                let path = root.fault_path(prefix.trim_end_matches('/'));
                let (kind, reason) = (FaultKind::Unreadable, error.to_string());
                return self.findings.fault(Fault { path, kind, reason });
            }
        };
        if !self.scanned.insert(repo.common_dir()) {
            return;
        }
        if let Some(missing) = repo.incomplete() {
            self.session.console.warn(&format!("{}: {missing}", printable(&label(path))));
            self.findings.fault(shallow_fault(&label(path), missing.to_string()));
            self.shallow = true;
        }
        // The files of a submodule are in its work tree, wherever its repository is.
        let prefix = root.prefix_of(repo.root()).unwrap_or(prefix);
        let mut found = self.scan(&repo, root, &prefix);
        found.for_each_location_mut(&mut |_, location| add_prefix(location, &prefix));
        found.replace_faults(&mut |fault| vec![add_prefix_to_fault(fault, root.name.as_deref(), &prefix)]);
        found.retain(&mut |_, location| !is_excluded(root.options, location));
        self.findings.merge(found);
    }

    fn scan(&self, repo: &Repo, root: &Root<'_>, prefix: &str) -> Findings {
        let (mut history, mut found) = (History::new(repo), Findings::keeping_all());
        let swept = fs::canonicalize(root.path).is_ok_and(|root| repo.common_dir().starts_with(root));
        if swept && !root.options.exclude.file(root.name.as_deref(), &format!("{prefix}.git")) {
            history = history.without_reflogs();
        }
        self.session.scan(&found, &self.session.meter, &mut |sink| {
            let named = WithRoot::new(sink, root.name.as_deref());
            self.session.console.watch(&self.session.meter, || history.drain(&named));
        });
        let cancel = self.session.meter.cancel_flag();
        self.session.console.watch(&self.session.meter, || history.attribute(&mut found, cancel));
        found
    }
}

/// The same with a fault, whose path has the root in front. What is no file's is told with the repository it is in.
fn add_prefix_to_fault(fault: Fault, root: Option<&str>, prefix: &str) -> Fault {
    let below = root.and_then(|root| fault.path.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/'));
    let path = below.unwrap_or(&fault.path);
    let path = match prefix.trim_end_matches('/') {
        "" => path.to_owned(),
        directory if is_in_tree(path) => format!("{directory}/{path}"),
        directory => format!("{directory}: {path}"),
    };
    let path = root.map_or_else(|| path.clone(), |root| format!("{}/{path}", root.trim_end_matches('/')));
    Fault { path, ..fault }
}

/// Makes a location in a repository one below the scanned root.
fn add_prefix(location: &mut Location, prefix: &str) {
    location.path = [prefix, &location.path].concat().into();
    // The token is in the path itself.
    if matches!(location.kind, LocationKind::FileName | LocationKind::RefName) {
        location.offset += prefix.len() as u64;
        location.column += prefix.len() as u64;
    }
}
