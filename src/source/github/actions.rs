//! What GitHub Actions keeps of a repository's runs: logs and artifacts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use jiff::Timestamp;

use super::api::{Api, ApiError};
use super::archive::{self, Archive, Fetched, Spool};
use super::names::RepositoryName;
use super::tally::Tally;
use crate::blob::{Fault, FaultKind, Sink};
use crate::text::counted;

/// What GitHub Actions keeps of one repository's runs.
pub struct Actions<'a> {
    /// The API.
    pub api: &'a Api,
    /// The repository. It becomes the root of all that is found here.
    pub repository: &'a RepositoryName,
    /// Only what was run, or made, since then.
    pub since: Option<Timestamp>,
    /// Where downloads are put while they are read.
    pub spool: Spool,
    /// How many downloads are read at once.
    pub downloads: usize,
}

impl Actions<'_> {
    /// The API's path of something of this repository.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }

    pub(super) fn fetch(&self, archive: &Archive<'_>, sink: &dyn Sink) -> Fetched {
        let fetched = archive::fetch(self.api, &self.spool, archive, sink);
        if let Fetched::Failed(reason) = &fetched {
            unread(sink, archive.name, reason);
        }
        fetched
    }

    /// Calls `work` for each item, several at once, until the run is asked to end.
    pub(super) fn each<T: Sync>(&self, items: &[T], sink: &dyn Sink, work: &(dyn Fn(&T) + Sync)) {
        let next = AtomicUsize::new(0);
        let worker = || {
            while !sink.stopped()
                && let Some(item) = items.get(next.fetch_add(1, Relaxed))
            {
                work(item);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.downloads.min(items.len()) {
                scope.spawn(worker);
            }
            worker();
        });
    }
}

/// Tells and counts that a list is not given. That a run was asked to end is told by whoever asked.
pub(super) fn not_listed(sink: &dyn Sink, path: &str, error: &ApiError, tally: &Tally) {
    if *error != ApiError::Interrupted {
        let reason = error.to_string();
        unread(sink, path, &reason);
        tally.failed(1, &reason);
    }
}

/// Tells and counts entries of a list that are in no form that is known, and those that it lacks, for this reason.
pub(super) fn not_all_listed(
    sink: &dyn Sink,
    (path, what): (&str, &str),
    (malformed, unlisted): (&BTreeSet<String>, u64),
    why_unlisted: &str,
    tally: &Tally,
) {
    for name in malformed {
        let reason = format!("{name}: it is listed in no form that GitHub documents");
        unread(sink, path, &reason);
        tally.failed(1, &reason);
    }
    if unlisted > 0 {
        let are = if unlisted == 1 { "is" } else { "are" };
        let what = counted(unlisted, what, &format!("{what}s"));
        let reason = format!("{what} {are} not listed: {why_unlisted}");
        unread(sink, path, &reason);
        tally.failed(unlisted, &reason);
    }
}

/// Tells of something that could not be read.
pub(super) fn unread(sink: &dyn Sink, path: &str, reason: &str) {
    let fault = Fault { path: path.to_owned(), kind: FaultKind::Unreadable, reason: reason.to_owned() };
    sink.fault(fault);
}
