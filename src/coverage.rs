//! What a sweep of many repositories has looked at, repository by repository: the answer to "and what did you not see?".
//!
//! A row is written for everything that was asked for, whatever became of it. What was not asked for is counted besides.

mod surface;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use surface::Surface;

/// What became of a repository, a wiki, a gist or an organization's alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryState {
    /// All that was asked for was looked at.
    Scanned,
    /// There is nothing in it.
    Empty,
    /// Some of what was asked for could not be read: the reason says what. What could be was looked at.
    Partial,
    /// The server does not give it: gone, not allowed, blocked.
    Unavailable,
    /// It could not be fetched or read: a server that hangs, a damaged repository, a full disk.
    Failed,
    /// The run ended before it was its turn.
    Interrupted,
}

impl RepositoryState {
    /// Every state, in the order that totals have.
    pub const ALL: [RepositoryState; 6] = [
        RepositoryState::Scanned,
        RepositoryState::Empty,
        RepositoryState::Partial,
        RepositoryState::Unavailable,
        RepositoryState::Failed,
        RepositoryState::Interrupted,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            RepositoryState::Scanned => "scanned",
            RepositoryState::Empty => "empty",
            RepositoryState::Partial => "partial",
            RepositoryState::Unavailable => "unavailable",
            RepositoryState::Failed => "failed",
            RepositoryState::Interrupted => "interrupted",
        }
    }

    /// Whether all that was asked for was looked at.
    pub const fn is_whole(self) -> bool {
        matches!(self, RepositoryState::Scanned | RepositoryState::Empty)
    }
}

/// How much of one surface of a repository was looked at: pull requests, wiki pages, logs of runs, artifacts, alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurfaceCount {
    /// How many were looked at.
    pub read: u64,
    /// How many the server does not keep any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expired: u64,
    /// How many could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// How many there are not yet: the log of a run that has not ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pending: u64,
}

impl SurfaceCount {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: SurfaceCount) {
        self.read = self.read.saturating_add(other.read);
        self.expired = self.expired.saturating_add(other.expired);
        self.failed = self.failed.saturating_add(other.failed);
        self.pending = self.pending.saturating_add(other.pending);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What became of one of the things that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageRow {
    /// What was asked for, as it was given: an organization, a user, a repository.
    pub target: String,
    /// What this row is about: `OWNER/REPO`, `OWNER/REPO.wiki`, `gist/ID`; the root of its findings' locations.
    pub repository: String,
    /// Where it is in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What became of it.
    pub state: RepositoryState,
    /// The commit that its default branch was at, in hex.
    pub tip: Option<String>,
    /// How many refs it had.
    #[serde(default)]
    pub refs: u64,
    /// How many git objects were looked at.
    #[serde(default)]
    pub objects: u64,
    /// How many bytes were looked at.
    #[serde(default)]
    pub bytes: u64,
    /// What the server no longer gives, by its id in hex: force-pushed and deleted commits.
    pub missing: Vec<String>,
    /// Why it is not `scanned`.
    pub reason: Option<String>,
    /// How much of each other surface was looked at: `pulls`, `actions-logs`, `artifacts`, `alerts`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub surfaces: BTreeMap<String, SurfaceCount>,
    /// When it was looked at, RFC 3339: a run that goes on has rows of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_at: Option<String>,
    /// Milliseconds it took.
    #[serde(default)]
    pub elapsed_ms: u64,
}

impl CoverageRow {
    /// A row about which nothing is known yet.
    pub fn new(
        target: impl Into<String>,
        repository: impl Into<String>,
        state: RepositoryState,
    ) -> CoverageRow {
        CoverageRow {
            target: target.into(),
            repository: repository.into(),
            url: None,
            state,
            tip: None,
            refs: 0,
            objects: 0,
            bytes: 0,
            missing: Vec::new(),
            reason: None,
            surfaces: BTreeMap::new(),
            scanned_at: None,
            elapsed_ms: 0,
        }
    }
}

impl CoverageRow {
    /// Takes in what another piece of work on the same repository has come to.
    pub fn merge(&mut self, other: CoverageRow) {
        self.state = match (self.state, other.state) {
            (ours, theirs) if ours == theirs => ours,
            (ours, RepositoryState::Empty) => ours,
            (RepositoryState::Empty, theirs) => theirs,
            (RepositoryState::Interrupted, _) | (_, RepositoryState::Interrupted) => {
                RepositoryState::Interrupted
            }
            // Some of it was looked at, and some was not.
            _ => RepositoryState::Partial,
        };
        self.url = self.url.take().or(other.url);
        self.tip = self.tip.take().or(other.tip);
        self.refs += other.refs;
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.missing.extend(other.missing);
        self.reason = match (self.reason.take(), other.reason) {
            (Some(ours), Some(theirs)) if ours != theirs => Some(format!("{ours}; {theirs}")),
            (ours, theirs) => ours.or(theirs),
        };
        for (surface, count) in other.surfaces {
            self.surfaces.entry(surface).or_default().add(count);
        }
        // The time from which on both are known.
        self.scanned_at = match (self.scanned_at.take(), other.scanned_at) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.elapsed_ms += other.elapsed_ms;
    }
}

/// Something that was seen and not asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotAsked {
    /// What it is: `forks`, `archived`, `excluded`, `actions-logs`, `artifacts`, `alerts` …
    pub what: String,
    /// How many, where that is known.
    pub count: Option<u64>,
    /// What asks for it: `--forks`.
    pub flag: String,
}

/// What a sweep of many repositories has looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// A row for everything that was asked for, by repository.
    pub rows: Vec<CoverageRow>,
    /// What was not asked for.
    pub not_asked: Vec<NotAsked>,
}

impl Coverage {
    /// The coverage of these rows, in the order that reports have.
    pub fn new(mut rows: Vec<CoverageRow>, mut not_asked: Vec<NotAsked>) -> Coverage {
        rows.sort_by(|one, other| one.repository.cmp(&other.repository));
        not_asked.sort_by(|one, other| (&one.what, &one.flag).cmp(&(&other.what, &other.flag)));
        Coverage { rows, not_asked }
    }

    /// How many things there are not yet, over all rows: what the next sweep has to look at.
    pub fn pending(&self) -> u64 {
        let counts = self.rows.iter().flat_map(|row| row.surfaces.values());
        counts.fold(0, |sum, count| sum.saturating_add(count.pending))
    }

    /// How many rows are in each state, in the order of [`RepositoryState::ALL`]; those of which there is none left out.
    pub fn totals(&self) -> Vec<(RepositoryState, u64)> {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count() as u64;
        let all = RepositoryState::ALL.map(|state| (state, count(state)));
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_as_reports_have_them() {
        for state in RepositoryState::ALL {
            assert_eq!(serde_json::to_value(state).expect("a word"), state.as_str());
        }
    }

    #[test]
    fn totals_add_up() {
        let row = |state| CoverageRow::new("octo", "octo/a", state);
        let rows =
            vec![row(RepositoryState::Failed), row(RepositoryState::Scanned), row(RepositoryState::Failed)];
        let coverage = Coverage { rows, not_asked: Vec::new() };
        assert_eq!(coverage.totals(), [(RepositoryState::Scanned, 1), (RepositoryState::Failed, 2)]);
    }
}
