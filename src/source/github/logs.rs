//! The logs of workflow runs, each attempt's by itself: what is masked today may not have been when it was first run.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use jiff::{SignedDuration, Timestamp};

use super::actions::{Actions, not_all_listed, not_listed, unread};
use super::archive::{Archive, Fetched};
use super::runs::{Portion, Run, RunSearch};
use super::tally::{SurfaceRead, Tally};
use crate::blob::{Fault, FaultKind, Sink};
use crate::scan::WithRoot;

/// Logs are kept for 400 days at most, counted from an attempt that may be a month younger than its run
/// (<https://docs.github.com/en/organizations/managing-organization-settings/configuring-the-retention-period-for-github-actions-artifacts-and-logs-in-your-organization>).
const LONGEST_KEPT: SignedDuration = SignedDuration::from_hours((400 + 31) * 24);

/// Where the list of runs is said to be, in reports.
const LIST: &str = "actions/runs";

/// GitHub runs nothing again more than 50 times; a server that says more than this says something else.
const MOST_ATTEMPTS: u32 = 10_000;

impl Actions<'_> {
    /// Hands the logs of all attempts of all runs that are still kept to `sink`, as `actions/runs/RUN/attempts/N/logs.zip`.
    ///
    /// What could not be read becomes a fault there, and is counted. Where the run was asked to end, the rest is not counted.
    pub fn read_logs(&self, sink: &dyn Sink) -> SurfaceRead {
        let root = self.repository.to_string();
        let sink = &WithRoot::new(sink, Some(&root));
        let reader = Reader {
            actions: self,
            sink,
            tally: Tally::default(),
            kept_until: Timestamp::now().checked_sub(LONGEST_KEPT).unwrap_or_default().as_second(),
            gone_before: AtomicI64::new(i64::MIN),
        };
        let mut search = RunSearch::new(self.api, self.repository, self.since);
        let mut outcome = search.each(&mut |portion| reader.portion(&portion));
        if outcome.is_ok() && !sink.stopped() {
            outcome = search.count_left().map(|older| reader.tally.expired(older));
        }
        if let Err(error) = outcome {
            not_listed(sink, LIST, &error, &reader.tally);
        }
        reader.tally.finish("logs of runs")
    }
}

struct Reader<'a> {
    actions: &'a Actions<'a>,
    sink: &'a dyn Sink,
    tally: Tally,
    /// What was created before is surely not kept any more, if the server does as GitHub says.
    kept_until: i64,
    /// What was created before is not kept: one that old was asked for, and was gone. Runs of many years are not all asked for.
    gone_before: AtomicI64,
}

impl Reader<'_> {
    fn portion(&self, portion: &Portion) -> ControlFlow<()> {
        let (untold, why) = ((&portion.malformed, portion.unlisted), "no search gives them");
        not_all_listed(self.sink, (LIST, "run"), untold, why, &self.tally);
        self.actions.each(&portion.runs, self.sink, &|run| self.run(run));
        if self.sink.stopped() || self.gone_before.load(Relaxed) > i64::MIN {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn run(&self, run: &Run) {
        let (created, attempts) = (run.created_at.as_second(), run.attempts());
        if created < self.gone_before.load(Relaxed) {
            return self.tally.expired(attempts.into());
        }
        if attempts > MOST_ATTEMPTS {
            let reason = format!("the server says that it was run {attempts} times");
            unread(self.sink, &format!("actions/runs/{}", run.id), &reason);
            return self.tally.failed(1, &reason);
        }
        // The newest first, for the oldest are the first that are not kept.
        let gone = (1..=attempts).rev().filter(|attempt| self.attempt(run, *attempt)).count();
        if gone == attempts as usize && created < self.kept_until {
            self.gone_before.fetch_max(created, Relaxed);
        }
    }

    /// Whether it is not kept any more.
    fn attempt(&self, run: &Run, attempt: u32) -> bool {
        if self.sink.stopped() {
            return false;
        }
        let path = format!("actions/runs/{}/attempts/{attempt}/logs", run.id);
        let name = format!("{path}.zip");
        let archive = Archive { path: self.actions.path(&path), name: &name, is_zip: true };
        match self.actions.fetch(&archive, self.sink) {
            Fetched::Read => self.tally.read(),
            Fetched::Gone if run.is_under_way() => {
                self.tally.pending();
                let reason = "the run has not ended, and its log is not given yet: the next sweep reads it";
                let fault = Fault { path: name, kind: FaultKind::PassedOver, reason: reason.to_owned() };
                self.sink.fault(fault);
            }
            Fetched::Gone => {
                self.tally.expired(1);
                return true;
            }
            Fetched::Failed(reason) => self.tally.failed(1, &reason),
            Fetched::Interrupted => {}
        }
        false
    }
}

#[cfg(test)]
pub(super) mod tests;
