//! What one piece of a sweep comes to, while it is looked at.

use std::collections::HashMap;

use super::own::Own;
use crate::blob::{Fault, FaultKind};
use crate::cli::error::redact;
use crate::cli::scan_context::ScanContext;
use crate::coverage::{CoverageRow, RepositoryState, Surface, SurfaceCount};
use crate::finding::Findings;
use crate::journal::Scanned;
use crate::meter::Meter;
use crate::source::git::Repo;
use crate::source::github::{GitError, Links, Mirror, SurfaceRead};

/// A piece under way.
pub(super) struct Outcome {
    pub(super) row: CoverageRow,
    pub(super) findings: Findings,
    pub(super) meter: Meter,
    /// What it says of itself, as far as that was read.
    pub(super) own: Own,
    /// In which requests for merging commits are that no branch has.
    pub(super) pulls: HashMap<String, u64>,
    /// Whether what it says of itself was read, or is not to be had.
    is_own_read: bool,
    /// Whether what it says of itself could not be read.
    is_doubtful: bool,
    /// Whether anything of it was looked at.
    looked_at: bool,
    /// Whether there was anything to look at.
    has_content: bool,
    problems: Vec<(RepositoryState, String)>,
}

impl Outcome {
    /// Nothing was looked at yet.
    pub(super) fn new(session: ScanContext<'_>, target: &str, name: &str) -> Self {
        let name = redact(name);
        Outcome {
            own: Own::nothing(session, &name),
            row: CoverageRow::new(redact(target), name, RepositoryState::Scanned),
            findings: Findings::default(),
            meter: session.meter.part(),
            pulls: HashMap::new(),
            is_own_read: false,
            is_doubtful: false,
            looked_at: false,
            has_content: false,
            problems: Vec::new(),
        }
    }

    /// Reads what a repository says of itself. A file that cannot be obeyed is a fault of the repository, and ends no sweep.
    pub(super) fn read_own(&mut self, session: ScanContext<'_>, repo: &Repo) {
        // Where `HEAD` leads to nothing, a clone has no file either.
        self.is_own_read = true;
        let Some(tip) = self.row.tip.as_deref() else { return };
        let name = self.row.repository.clone();
        let (own, problems) = Own::read(session, (&name, repo, tip));
        self.own = own;
        self.is_doubtful = !problems.is_empty();
        for problem in problems {
            let reason = format!("{problem}; nothing in that file is obeyed");
            let kind = FaultKind::Unreadable;
            self.findings.fault(Fault { path: name.clone(), kind, reason: reason.clone() });
            self.problem(RepositoryState::Partial, reason);
        }
    }

    /// What it says of itself was to be read, and was not where something went wrong before.
    pub(super) fn miss_own(&mut self) {
        self.is_doubtful |= !self.is_own_read && !self.problems.is_empty();
    }

    /// Something was looked at, in which there was something or not.
    pub(super) fn looked_at(&mut self, has_content: bool) {
        self.looked_at = true;
        self.has_content |= has_content;
    }

    /// Something could not be looked at.
    pub(super) fn problem(&mut self, state: RepositoryState, reason: impl Into<String>) {
        self.problems.push((state, reason.into()));
    }

    /// This is what its mirror has; `pulls` says whether those of pull requests were asked for.
    pub(super) fn mirror(&mut self, mirror: &Mirror<'_>, pulls: bool) {
        self.row.tip = mirror.tip().map(str::to_owned);
        self.row.refs = mirror.ref_count();
        if pulls {
            let count = SurfaceCount { read: mirror.pull_count(), ..SurfaceCount::default() };
            self.row.surfaces.insert(Surface::Pulls.as_str().to_owned(), count);
        }
    }

    /// It could not be fetched; `rest` says what was done instead.
    pub(super) fn not_fetched(&mut self, error: &GitError, rest: &str) {
        let state = match error {
            GitError::NotFound(_) | GitError::Denied { .. } | GitError::Moved(_) | GitError::Refused(_) => {
                RepositoryState::Unavailable
            }
            _ => RepositoryState::Failed,
        };
        self.problem(state, format!("{error}{rest}"));
    }

    /// One surface was looked at, and this is how much of it.
    pub(super) fn surface(&mut self, surface: Surface, read: SurfaceRead) {
        self.surface_or(RepositoryState::Failed, surface, read);
    }

    /// The same, where `state` is that of one of which nothing could be looked at.
    pub(super) fn surface_or(&mut self, state: RepositoryState, surface: Surface, read: SurfaceRead) {
        let SurfaceRead { count, reason } = read;
        if count.read > 0 || count.expired > 0 || reason.is_none() {
            self.looked_at(count.read > 0 || count.pending > 0);
        }
        if let Some(reason) = reason {
            self.problem(state, reason);
        }
        self.row.surfaces.insert(surface.as_str().to_owned(), count);
    }

    /// What came of it. Locations get their links; what suppresses them is decided.
    pub(super) fn finish(self, session: ScanContext<'_>, links: &Links) -> Scanned {
        let Outcome {
            mut row,
            mut findings,
            meter,
            own,
            pulls,
            is_doubtful,
            is_own_read: _,
            looked_at,
            has_content,
            problems,
        } = self;
        findings.for_each_location_mut(&mut |_, location| {
            let url = location.details().url.clone().or_else(|| links.location(location));
            let pull = location.details().commit.as_deref().and_then(|commit| pulls.get(commit));
            let pull = pull.and_then(|number| links.pull_request(&row.repository, *number));
            if url.is_some() || pull.is_some() {
                let details = location.details_mut();
                (details.url, details.pull_request) = (url, pull);
            }
            // A token may have been committed as the name of the author, and is not to be written down.
            if let Some(author) = location.details().author.as_deref().map(redact) {
                location.details_mut().author = Some(author);
            }
        });
        session.detection.suppressions.reapply(&mut findings);
        let (findings, mut faults) = findings.finish();
        // A rule that was given up is told of by each scan that it was to have a part in.
        faults.dedup();
        let read = meter.read();
        row.state = match problems.first() {
            None if has_content => RepositoryState::Scanned,
            None => RepositoryState::Empty,
            Some(_) if looked_at => RepositoryState::Partial,
            Some((state, _)) => *state,
        };
        let reasons: Vec<&str> = problems.iter().map(|(_, reason)| reason.as_str()).collect();
        row.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        row.url = row.url.or_else(|| links.root(&row.repository));
        (row.objects, row.bytes) = (read.objects, read.bytes);
        Scanned { row, findings, faults, read, own: own.into_files(), is_doubtful }
    }
}
