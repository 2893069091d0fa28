//! `stanch scan --history`: the histories of the repositories below what is scanned.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::git::{is_excluded, shallow_fault};
use crate::blob::{Fault, FaultKind, LocationKind, Source as _};
use crate::cli::detection::{Detection, label};
use crate::cli::fault_path::is_in_tree;
use crate::cli::session::ScanSession;
use crate::finding::{Findings, Location};
use crate::meter::Meter;
use crate::scan::WithRoot;
use crate::settings::{Input, Settings};
use crate::shard::Shard;
use crate::source::git::{History, Repo, find_repositories};
use crate::source::tree;
use crate::text::printable;

/// Scans all those histories into `findings`. Returns whether one of them is incomplete.
pub(super) fn sweep(session: &ScanSession, findings: &Findings) -> anyhow::Result<bool> {
    session.limit_threads()?;
    let paths: Vec<&Path> = Input::paths(&session.settings.inputs).collect();
    let roots = paths.iter().map(|path| Root::new(path, paths.len() > 1, &session.settings.walk));
    let roots: Vec<Root<'_>> = roots.collect();
    let (detection, settings, meter) = (&session.detection, &session.settings, &session.meter);
    let mut groups = group(&roots);
    groups.retain(|group| group.first().is_some_and(|first| first.is_in(settings.walk.shard)));
    let sweep = Sweep { detection, settings, meter, groups, scanned: Mutex::default() };
    // How many objects there are in all of them nobody knows before the last is opened.
    meter.set_counting(true);
    let large = session.console.watch(meter, || sweep.side_by_side());
    meter.set_counting(false);
    for group in large {
        session.console.watch(meter, || sweep.scan_first(group, |_| false));
    }
    let mut scanned = sweep.scanned.into_inner().unwrap_or_else(PoisonError::into_inner);
    scanned.sort_unstable_by_key(|history| history.position);
    let mut is_shallow = false;
    for history in scanned {
        history.missing.iter().for_each(|missing| session.console.warn(missing));
        is_shallow |= history.missing.is_some();
        findings.merge(history.findings);
    }
    Ok(is_shallow)
}

/// A scanned directory.
struct Root<'a> {
    path: &'a Path,
    /// The same without links.
    real: PathBuf,
    /// Its name in locations, where there are several.
    name: Option<String>,
    options: &'a tree::Options,
}

impl<'a> Root<'a> {
    fn new(path: &'a Path, is_one_of_several: bool, options: &'a tree::Options) -> Self {
        let name = (is_one_of_several && path.is_dir()).then(|| label(path));
        Root { path, real: real(path), name, options }
    }

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
        let relative = label(real(directory).strip_prefix(&self.real).ok()?);
        Some(if relative.is_empty() { relative } else { format!("{relative}/") })
    }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A repository below a root.
struct Candidate<'a> {
    root: &'a Root<'a>,
    path: PathBuf,
    /// Reports are in this order, whichever is scanned first.
    position: usize,
}

impl Candidate<'_> {
    /// Whether its history belongs to a shard: that of one repository is scanned by one run, whose commits are all at hand.
    fn is_in(&self, shard: Option<Shard>) -> bool {
        let below = self.root.prefix_of(&self.path).unwrap_or_default();
        shard.is_none_or(|shard| shard.owns_name(below.trim_end_matches('/').as_bytes()))
    }
}

/// The repositories below some roots. Those that are one, by the directory that all its work trees share, are together: roots
/// may overlap.
fn group<'a>(roots: &'a [Root<'a>]) -> Vec<Vec<Candidate<'a>>> {
    let found = roots
        .iter()
        .flat_map(|root| find_repositories(root.path).into_iter().map(move |found| (root, found)));
    let mut groups: Vec<Vec<Candidate<'_>>> = Vec::new();
    let mut numbers = HashMap::new();
    for (position, (root, found)) in found.enumerate() {
        let candidate = Candidate { root, path: found.path, position };
        let number = *numbers.entry(found.common_dir).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(candidate),
            None => groups.push(vec![candidate]),
        }
    }
    groups
}

/// What came of one candidate.
struct Scanned {
    position: usize,
    findings: Findings,
    /// What the clone does not have: something to warn of.
    missing: Option<String>,
}

struct Sweep<'a> {
    detection: &'a Detection,
    settings: &'a Settings,
    meter: &'a Meter,
    groups: Vec<Vec<Candidate<'a>>>,
    scanned: Mutex<Vec<Scanned>>,
}

impl<'a> Sweep<'a> {
    /// Scans small repositories, one in each thread. Returns the groups of large ones: a scan of one is in all threads.
    fn side_by_side(&self) -> Vec<&[Candidate<'a>]> {
        let (next, large) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        ScanSession::in_all_threads(|| {
            while let Some(group) = self.groups.get(next.fetch_add(1, Relaxed)) {
                if !self.scan_first(group, Repo::is_large) {
                    large.lock().unwrap_or_else(PoisonError::into_inner).push(group.as_slice());
                }
            }
        });
        large.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scans the first repository of a group that opens, unless it is to be `put_off`. Returns whether it was not.
    fn scan_first(&self, group: &[Candidate<'a>], put_off: impl Fn(&Repo) -> bool) -> bool {
        let mut scanned: Vec<Scanned> = Vec::new();
        let mut is_scanned = false;
        for Candidate { root, path, position } in group {
            let prefix = root.prefix_of(path).unwrap_or_default();
            let is_excluded =
                || root.options.exclude.file(root.name.as_deref(), prefix.trim_end_matches('/'));
            if self.meter.cancel_flag().is_cancelled() || is_excluded() {
                continue;
            }
            let (mut findings, mut missing) = (Findings::default(), None);
            match Repo::open_within(path, root.path) {
                Ok(_) if is_scanned => continue,
                Ok(repo) if put_off(&repo) => return false,
                Ok(repo) => {
                    is_scanned = true;
                    let repo = repo.with_max_blob_size(root.options.max_file_size.unwrap_or(u64::MAX));
                    missing = repo.incomplete().map(|missing| missing.to_string());
                    // The files of a submodule are in its work tree, wherever its repository is.
                    let prefix = root.prefix_of(repo.root()).unwrap_or(prefix);
                    findings = self.scan(&repo, root, &prefix);
                    self.say_order(&mut findings, *position);
                    if let Some(missing) = &missing {
                        findings.fault(shallow_fault(&label(path), missing.clone()));
                    }
                }
                Err(error) => {
                    let path = root.fault_path(prefix.trim_end_matches('/'));
                    findings.fault(Fault { path, kind: FaultKind::Unreadable, reason: error.to_string() });
                }
            }
            let missing = missing.map(|missing| format!("{}: {missing}", printable(&label(path))));
            scanned.push(Scanned { position: *position, findings, missing });
        }
        self.scanned.lock().unwrap_or_else(PoisonError::into_inner).extend(scanned);
        true
    }

    /// Says which of the histories it is, where what other shards find in theirs comes before and behind it.
    fn say_order(&self, findings: &mut Findings, position: usize) {
        let source = u32::try_from(position + 1).unwrap_or(u32::MAX);
        findings.for_each_location_mut(&mut |_, location| {
            if self.settings.walk.shard.is_some()
                && let Some(claim) = &mut location.details_mut().claim
            {
                claim.source = source;
            }
        });
    }

    /// Scans a repository. Its paths start at the root then.
    fn scan(&self, repo: &Repo, root: &Root<'_>, prefix: &str) -> Findings {
        let says_grounds = self.settings.walk.shard.is_some();
        let (mut history, mut found) =
            (History::new(repo).saying_grounds(says_grounds), Findings::keeping_all());
        let swept = repo.common_dir().starts_with(&root.real);
        if swept && !root.options.exclude.file(root.name.as_deref(), &format!("{prefix}.git")) {
            history = history.without_reflogs();
        }
        self.detection.scan(self.settings.limits, (&found, self.meter), &mut |sink| {
            history.drain(&WithRoot::new(sink, root.name.as_deref()));
        });
        history.attribute(&mut found, self.meter.cancel_flag());
        found.for_each_location_mut(&mut |_, location| add_prefix(location, prefix));
        found.replace_faults(&mut |fault| vec![add_prefix_to_fault(fault, root.name.as_deref(), prefix)]);
        found.retain(&mut |_, location| !is_excluded(&root.options.exclude, location));
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
