//! `stanch git`: a repository's history, what is staged, or what some commits add.

use std::path::{Path, PathBuf};

use crate::blob::{LocationKind, Source};
use crate::cli::args::{CommonArgs, GitArgs};
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::finding::{Findings, Location};
use crate::meter::Meter;
use crate::source::git::{History, Range, Repo, Rescan, Staged};
use crate::source::tree;

/// What of a repository is looked at.
pub(super) enum What {
    History,
    Staged(Vec<PathBuf>),
    Range(String),
}

pub(super) fn run(flags: GitArgs) -> anyhow::Result<Exit> {
    let (path, what) = what(flags.repo, flags.staged, flags.range);
    let (run, repo) = begin(&flags.common, &path)?;
    let incomplete = if let What::Staged(_) = what { None } else { repo.incomplete() };
    if let Some(lacks) = &incomplete {
        if flags.require_full_history {
            anyhow::bail!("{lacks}");
        }
        run.console.warn(&lacks.to_string());
    }
    run.limit_threads()?;
    let mut findings = look(&run, &repo, &what)?;
    findings.retain(&mut |_, location| !is_excluded(&run.settings.walk, location));
    run.conclude(findings, incomplete.is_some())
}

/// Opens the repository at or around `path`, and gets ready to look through it.
pub(super) fn begin(common: &CommonArgs, path: &Path) -> anyhow::Result<(ScanSession, Repo)> {
    let repo = Repo::discover(path)?;
    // Paths in a history start at its own root, wherever below it the program was started.
    let root = if repo.root() == Path::new("") { PathBuf::from(".") } else { repo.root().to_owned() };
    let mut run = ScanSession::begin(common, vec![root.clone()])?;
    let globs = run.settings.exclude.iter().chain(run.detection.left_out(&root)).map(String::as_str);
    run.settings.walk.exclude = tree::excludes(globs)?;
    let repo = repo.with_max_blob_size(run.settings.walk.max_file_size.unwrap_or(u64::MAX));
    Ok((run, repo))
}

/// Sorts out which argument is what: the only path after `--staged` may be the repository itself.
fn what(repo: PathBuf, staged: Option<Vec<PathBuf>>, range: Option<String>) -> (PathBuf, What) {
    match (staged, range) {
        (Some(paths), _) => match &paths[..] {
            [only] if repo == Path::new(".") && only.join(".git").exists() => {
                (only.clone(), What::Staged(Vec::new()))
            }
            _ => (repo, What::Staged(paths)),
        },
        (None, Some(range)) => (repo, What::Range(range)),
        (None, None) => (repo, What::History),
    }
}

/// Looks, and finds out where what was found came from, or whether it was there before.
pub(super) fn look(run: &ScanSession, repo: &Repo, what: &What) -> anyhow::Result<Findings> {
    Ok(match what {
        What::History => {
            let (history, mut findings) = (History::new(repo), Findings::keeping_all());
            drain(run, &history, &findings);
            run.console.watch(&run.meter, || history.attribute(&mut findings));
            findings
        }
        What::Staged(paths) => {
            let (staged, mut findings) = (Staged::new(repo, paths)?, Findings::keeping_all());
            drain(run, &staged, &findings);
            before(run, &mut |rescan| staged.retain_added(&mut findings, rescan));
            findings
        }
        What::Range(spec) => added(run, &Range::new(repo, spec)?),
    })
}

/// What the commits of a range add.
pub(super) fn added(run: &ScanSession, range: &Range<'_>) -> Findings {
    let mut findings = Findings::keeping_all();
    drain(run, range, &findings);
    before(run, &mut |rescan| range.retain_added(&mut findings, rescan));
    findings
}

/// Calls `retain_added` with a rescan of what was there before, which is not counted as looked at.
fn before(run: &ScanSession, retain_added: &mut dyn FnMut(&Rescan<'_>)) {
    let uncounted = Meter::default();
    retain_added(&|findings, show| run.look(findings, &uncounted, show));
}

fn drain(run: &ScanSession, source: &dyn Source, findings: &Findings) {
    run.look(findings, &run.meter, &mut |sink| run.console.watch(&run.meter, || source.drain(sink)));
}

/// Whether `--exclude` names the file that a place is in.
pub(super) fn is_excluded(options: &tree::Options, location: &Location) -> bool {
    let in_tree =
        matches!(location.kind, LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget);
    in_tree
        && options.excludes_file(location.path.split('!').next().unwrap_or_default().trim_start_matches('/'))
}
