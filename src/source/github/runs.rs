//! The runs of a repository's workflows. A search gives a thousand of them, so it is cut by when they were created.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::api::{Api, ApiError};
use super::names::RepositoryName;
use super::numbered::{self, Identified, Page};

/// So many results a search gives at most
/// (<https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository>).
const LIMIT: u64 = 1000;

/// No run is older: GitHub itself is not, in seconds since 1970.
const BEGINNING: i64 = 1_199_145_600;

/// A run may be run again for a month after it was created
/// (<https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs>).
const RUN_AGAIN: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How far ahead of this machine's clock the server's may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// One run, as the list has it.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
    /// How often it was run; servers of old do not say.
    #[serde(default, rename = "run_attempt")]
    attempt: Option<u32>,
    pub(super) created_at: Timestamp,
    /// When it was run for the last time.
    #[serde(default, rename = "run_started_at")]
    started_at: Option<Timestamp>,
    #[serde(default)]
    status: Option<String>,
}

impl Identified for Run {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Run {
    /// How often it was run.
    pub(super) fn attempts(&self) -> u32 {
        self.attempt.unwrap_or(1).max(1)
    }

    /// Whether it still runs, or waits to.
    pub(super) fn is_under_way(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status != "completed")
    }

    /// Whether it was run since then.
    fn is_since(&self, since: Timestamp) -> bool {
        self.started_at.unwrap_or(self.created_at).max(self.created_at) >= since
    }
}

/// What a search within one range gives.
pub(super) struct Portion {
    /// The newest first.
    pub(super) runs: Vec<Run>,
    /// What those are called that are listed in no form that is known.
    pub(super) malformed: BTreeSet<String>,
    /// How many more there are in that range, which no search gives.
    pub(super) unlisted: u64,
}

/// Seconds, both of them inside.
#[derive(Clone, Copy)]
struct Range {
    from: i64,
    to: i64,
}

/// A search for runs, from the newest to the oldest.
pub(super) struct RunSearch<'a> {
    api: &'a Api,
    repository: &'a RepositoryName,
    since: Option<Timestamp>,
    /// What was not searched yet; the newest last.
    left: Vec<Range>,
}

impl<'a> RunSearch<'a> {
    /// A search for all that was run since then.
    pub(super) fn new(api: &'a Api, repository: &'a RepositoryName, since: Option<Timestamp>) -> Self {
        let created = since.and_then(|since| since.checked_sub(RUN_AGAIN).ok());
        let from = created.map_or(BEGINNING, Timestamp::as_second);
        let now = Timestamp::now();
        let to = now.checked_add(AHEAD).unwrap_or(now).as_second();
        RunSearch { api, repository, since, left: vec![Range { from, to: to.max(from) }] }
    }

    /// Hands over what is found, until `each` breaks.
    pub(super) fn each(&mut self, each: &mut dyn FnMut(Portion) -> ControlFlow<()>) -> Result<(), ApiError> {
        while let Some(range) = self.left.pop() {
            let first: Page<Run> = numbered::page(self.api, &self.path(range), 1)?;
            // A server that says no more than it gives says just this.
            if first.total_count >= LIMIT && range.from < range.to {
                let middle = range.from + (range.to - range.from) / 2;
                self.left.push(Range { to: middle, ..range });
                self.left.push(Range { from: middle + 1, ..range });
                continue;
            }
            if first.total_count == 0 && first.items.is_empty() {
                continue;
            }
            let listed = numbered::all(self.api, &self.path(range), Some(first))?;
            let since = |run: &Run| self.since.is_none_or(|since| run.is_since(since));
            let mut runs: Vec<Run> = listed.known.into_iter().filter(since).collect();
            runs.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
            if each(Portion { runs, malformed: listed.malformed, unlisted: listed.unlisted }).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How many there are in what was not searched.
    pub(super) fn count_left(&self) -> Result<u64, ApiError> {
        let from = self.left.iter().map(|range| range.from).min();
        let to = self.left.iter().map(|range| range.to).max();
        let (Some(from), Some(to)) = (from, to) else { return Ok(0) };
        let page: Page<Run> = numbered::page(self.api, &self.path(Range { from, to }), 1)?;
        Ok(page.total_count)
    }

    fn path(&self, range: Range) -> String {
        let time = |second| Timestamp::from_second(second).unwrap_or_default();
        let (owner, name) = (self.repository.owner(), self.repository.name());
        format!(
            "/repos/{owner}/{name}/actions/runs?exclude_pull_requests=true&created={}..{}",
            time(range.from),
            time(range.to)
        )
    }
}

#[cfg(test)]
pub(super) mod tests;
