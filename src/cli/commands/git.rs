//! `stanch git`: a repository's history, what is staged, or what some commits add.

use std::path::{Path, PathBuf};

use crate::blob::{LocationKind, Source};
use crate::cli::args::{CommonArgs, GitArgs};
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::finding::{Findings, Location};
use crate::meter::Meter;
use crate::settings::{Env, Input};
use crate::source::git::{History, Range, Repo, Rescan, Staged};
use crate::source::tree;

/// What of a repository is scanned.
pub(super) enum Scope {
    History,
    /// Below these paths; none of them is everywhere.
    Staged(Vec<PathBuf>),
    /// A range as gitrevisions(7) has it.
    Range(String),
}

pub(super) fn run(args: GitArgs, env: &Env) -> anyhow::Result<Exit> {
    let (path, scope) = scope(args.repo, args.staged, args.range);
    let (session, repo) = prepare(&args.common, &path, env)?;
    session.limit_threads()?;
    let repo = repo.requiring_all(args.require_full_history);
    let incomplete = if let Scope::Staged(_) = scope { None } else { repo.incomplete() };
    if let Some(missing) = &incomplete {
        if args.require_full_history {
            anyhow::bail!("{missing}");
        }
        session.console.warn(&missing.to_string());
    }
    let mut findings = scan(&session, &repo, &scope)?;
    findings.retain(&mut |_, location| !is_excluded(&session.settings.walk, location));
    Ok(session.finish(findings, incomplete.is_some()))
}

/// Opens the repository at or around `path`, and a session to scan it.
pub(super) fn prepare(common: &CommonArgs, path: &Path, env: &Env) -> anyhow::Result<(ScanSession, Repo)> {
    let repo = Repo::discover(path)?;
    // Paths in a history start at the root of the work tree, wherever below it the program was started.
    let root = if repo.root() == Path::new("") { PathBuf::from(".") } else { repo.root().to_owned() };
    let mut session = ScanSession::prepare(common, vec![Input::Path(root.clone())], env)?;
    let globs = session.settings.exclude.iter().chain(session.detection.excluded(&root)).map(String::as_str);
    session.settings.walk.exclude = tree::excludes(globs)?;
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

/// Scans, and determines which commit introduced each finding, or whether it was there before.
pub(super) fn scan(session: &ScanSession, repo: &Repo, scope: &Scope) -> anyhow::Result<Findings> {
    Ok(match scope {
        Scope::History => {
            let (history, mut findings) = (History::new(repo), Findings::keeping_all());
            drain(session, &history, &findings);
            session.console.watch(&session.meter, || history.attribute(&mut findings));
            findings
        }
        Scope::Staged(paths) => {
            let (staged, mut findings) = (Staged::new(repo, paths)?, Findings::keeping_all());
            drain(session, &staged, &findings);
            compare(session, &mut |rescan| staged.retain_added(&mut findings, rescan));
            findings
        }
        Scope::Range(spec) => scan_range(session, &Range::new(repo, spec)?),
    })
}

/// Scans what the commits of a range add.
pub(super) fn scan_range(session: &ScanSession, range: &Range<'_>) -> Findings {
    let mut findings = Findings::keeping_all();
    drain(session, range, &findings);
    compare(session, &mut |rescan| range.retain_added(&mut findings, rescan));
    findings
}

/// Calls `retain_added` with a rescan of what was there before. The report's counters leave that out.
fn compare(session: &ScanSession, retain_added: &mut dyn FnMut(&Rescan<'_>)) {
    let uncounted = Meter::default();
    retain_added(&|findings, drain| session.scan(findings, &uncounted, drain));
}

fn drain(session: &ScanSession, source: &dyn Source, findings: &Findings) {
    session.scan(findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || source.drain(sink));
    });
}

/// Whether `--exclude` names the file of a location.
pub(super) fn is_excluded(options: &tree::Options, location: &Location) -> bool {
    let in_tree =
        matches!(location.kind, LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget);
    in_tree
        && options.excludes_file(location.path.split('!').next().unwrap_or_default().trim_start_matches('/'))
}
