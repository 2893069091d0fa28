//! `stanch git`: a repository's history, what is staged, or what some commits add.

use std::path::{Path, PathBuf};

use crate::blob::{Fault, FaultKind, LocationKind, Source};
use crate::cli::args::{CommonArgs, GitArgs};
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::cli::signal;
use crate::finding::{Findings, Location};
use crate::meter::Meter;
use crate::settings::{Env, Input};
use crate::source::git::{History, Range, Repo, Rescan, Staged};
use crate::source::tree;

/// What of a repository is scanned.
enum Scope {
    History,
    /// Below these paths; none of them is everywhere.
    Staged(Vec<PathBuf>),
    /// A range as gitrevisions(7) has it.
    Range(String),
}

pub(super) fn run(args: GitArgs, env: &Env) -> anyhow::Result<Exit> {
    let (path, scope) = scope(args.repo, args.staged, args.range);
    let (session, repo) = prepare(&args.common, &path, env)?;
    let full = args.require_full_history;
    let repo = repo.requiring_all(full);
    session.limit_threads()?;
    let (mut findings, shallow) = match &scope {
        Scope::Staged(paths) => (scan_staged(&session, &Staged::new(&repo, paths)?), None),
        Scope::History => {
            let shallow = warn_of_incomplete(&session, &repo, full)?;
            (scan_history(&session, &repo), shallow)
        }
        Scope::Range(spec) => {
            if full {
                warn_of_incomplete(&session, &repo, full)?;
            }
            let range = signal::at_once(|| Range::new(&repo, spec))?;
            let shallow = warn_of_shallow(&session, &range, args.allow_shallow)?;
            (scan_range(&session, &range), shallow)
        }
    };
    findings.retain(&mut |_, location| !is_excluded(&session.settings.walk.exclude, location));
    let is_shallow = shallow.is_some();
    if let Some(missing) = shallow {
        findings.fault(shallow_fault("history", missing));
    }
    Ok(session.finish(findings, is_shallow))
}

/// Tells the reports of what a clone does not have.
pub(super) fn shallow_fault(path: &str, missing: String) -> Fault {
    Fault { path: path.to_owned(), kind: FaultKind::Shallow, reason: missing }
}

/// Says what a clone does not have, and refuses it where the `full` history was asked for. Returns what it said.
fn warn_of_incomplete(session: &ScanSession, repo: &Repo, full: bool) -> anyhow::Result<Option<String>> {
    let Some(missing) = repo.incomplete().map(|missing| missing.to_string()) else {
        let missing = full.then(|| repo.missing_object(&|| session.interrupted())).flatten();
        return missing
            .map_or(Ok(None), |missing| Err(anyhow::anyhow!("the history is not complete: {missing}")));
    };
    if full {
        anyhow::bail!("{missing}");
    }
    session.console.warn(&missing);
    Ok(Some(missing))
}

/// Refuses a range that a shallow clone does not wholly have, unless that is `allowed`. Returns what it said.
fn warn_of_shallow(
    session: &ScanSession,
    range: &Range<'_>,
    allowed: bool,
) -> anyhow::Result<Option<String>> {
    let Err(error) = range.require_complete() else { return Ok(None) };
    if !allowed {
        anyhow::bail!("{error}; to scan only what is here: --allow-shallow");
    }
    session.console.warn(&error.to_string());
    Ok(Some(error.to_string()))
}

/// Opens the repository at or around `path`, and a session to scan it.
pub(super) fn prepare(common: &CommonArgs, path: &Path, env: &Env) -> anyhow::Result<(ScanSession, Repo)> {
    let repo = Repo::discover(path)?;
    // Paths in a history start at the root of the work tree, wherever below it the program was started.
    let root = if repo.root() == Path::new("") { PathBuf::from(".") } else { repo.root().to_owned() };
    let session = ScanSession::prepare("git", common, vec![Input::Path(root)], env)?;
    let repo = repo.with_max_blob_size(session.settings.walk.max_file_size.unwrap_or(u64::MAX));
    Ok((session, repo))
}

/// Decides which argument is what: the only path after `--staged` may be the repository itself.
fn scope(repo: PathBuf, staged: Option<Vec<PathBuf>>, range: Option<String>) -> (PathBuf, Scope) {
    match (staged, range) {
        (Some(paths), _) => match &paths[..] {
            [only] if repo == Path::new(".") && only.join(".git").exists() => {
                (only.clone(), Scope::Staged(Vec::new()))
            }
            _ => (repo, Scope::Staged(paths)),
        },
        (None, Some(range)) => (repo, Scope::Range(range)),
        (None, None) => (repo, Scope::History),
    }
}

/// Scans every object, and determines which commit introduced each finding.
fn scan_history(session: &ScanSession, repo: &Repo) -> Findings {
    let (history, mut findings) =
        (History::new(repo).of_shard(session.settings.walk.shard), Findings::keeping_all());
    drain(session, &history, &findings);
    let cancel = session.meter.cancel_flag();
    session.console.watch(&session.meter, || history.attribute(&mut findings, cancel));
    findings
}

/// Scans what is staged, and leaves out what was there before.
pub(super) fn scan_staged(session: &ScanSession, staged: &Staged<'_>) -> Findings {
    let mut findings = Findings::keeping_all();
    drain(session, staged, &findings);
    // What belongs to no commit has its paths by now, and what they suppress is compared with what was before.
    session.detection.suppressions.reapply(&mut findings);
    compare(session, &mut |rescan| staged.retain_added(&mut findings, rescan));
    findings
}

/// Scans what the commits of a range add.
pub(super) fn scan_range(session: &ScanSession, range: &Range<'_>) -> Findings {
    let mut findings = Findings::keeping_all();
    drain(session, range, &findings);
    let stopped = || session.interrupted();
    compare(session, &mut |rescan| range.retain_added(&mut findings, rescan, &stopped));
    findings
}

/// Calls `retain_added` with a rescan of what was there before. The report's counters leave that out.
fn compare(session: &ScanSession, retain_added: &mut dyn FnMut(&Rescan<'_>)) {
    let uncounted = Meter::new(session.meter.cancel_flag().clone());
    session.console.watch(&session.meter, || {
        retain_added(&|drain| {
            let mut before = Findings::keeping_all();
            session.scan(&before, &uncounted, drain);
            // A token in a file that is excluded was never looked at: it is new where it moves to.
            before.retain(&mut |_, location| !is_excluded(&session.settings.walk.exclude, location));
            before
        });
    });
}

fn drain(session: &ScanSession, source: &dyn Source, findings: &Findings) {
    session.scan(findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || source.drain(sink));
    });
}

/// Whether the file of a location is left out.
pub(super) fn is_excluded(exclude: &tree::Exclude, location: &Location) -> bool {
    let in_tree =
        matches!(location.kind, LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget);
    in_tree && exclude.file(location.details().root.as_deref(), &location.path)
}
