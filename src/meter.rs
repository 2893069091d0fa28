//! Counters of a run, and the flag that cancels it. Workers add to the counters, one console thread reads them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Asks a run to end soon; a clone asks the same run. Whatever takes long checks it between two steps.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks the run to end. Safe in a signal handler.
    pub fn cancel(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Clears the flag, so that a test can go on.
    #[cfg(test)]
    pub(crate) fn reset(&self) {
        self.0.store(false, Relaxed);
    }
}

/// Counters of a run, and its cancel flag. A clone counts into the same run.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    counters: Arc<Counters>,
    /// Those of the whole run, where this is the meter of a part of it.
    above: Option<Arc<Counters>>,
    cancel: CancelFlag,
}

#[derive(Debug, Default)]
struct Counters {
    files: AtomicU64,
    objects: AtomicU64,
    commits: AtomicU64,
    bytes: AtomicU64,
    hits: AtomicU64,
    expected: AtomicU64,
    counting: AtomicBool,
    repositories: AtomicU64,
    expected_repositories: AtomicU64,
    size: AtomicU64,
    expected_size: AtomicU64,
    waits_until: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Files scanned.
    pub files: u64,
    /// Git objects scanned.
    pub objects: u64,
    /// Commits among them.
    pub commits: u64,
    /// Bytes scanned.
    pub bytes: u64,
    /// Matches, without lookalikes.
    pub hits: u64,
    /// How many files and objects there are to scan, as far as that is known; all of them unless [`Reading::counting`].
    pub expected: u64,
    /// Whether what there is to scan is being counted still.
    pub counting: bool,
    /// Repositories of a sweep that are done.
    pub repositories: u64,
    /// How many repositories there are; none where the run is no sweep of repositories.
    pub expected_repositories: u64,
    /// The sizes of those that are done, in whatever unit the sweep has.
    pub size: u64,
    /// The sizes of all of them.
    pub expected_size: u64,
    /// Until when a server makes the run wait, in seconds since 1970; zero where it does not.
    pub waits_until: u64,
}

impl Reading {
    /// Files and objects scanned.
    pub fn scanned(&self) -> u64 {
        self.files + self.objects
    }
}

impl Meter {
    /// Counters of a run that `cancel` ends.
    pub fn new(cancel: CancelFlag) -> Self {
        Meter { counters: Arc::default(), above: None, cancel }
    }

    /// Counters of a part of this run, by themselves: what they count, this meter counts, too.
    #[must_use]
    pub fn part(&self) -> Meter {
        Meter {
            counters: Arc::default(),
            above: Some(Arc::clone(&self.counters)),
            cancel: self.cancel.clone(),
        }
    }

    fn count(&self, count: impl Fn(&Counters)) {
        count(&self.counters);
        if let Some(above) = &self.above {
            count(above);
        }
    }

    /// Counts one file, and its bytes.
    pub fn file(&self, bytes: u64) {
        self.count(|counters| {
            counters.files.fetch_add(1, Relaxed);
            counters.bytes.fetch_add(bytes, Relaxed);
        });
    }

    /// Counts git objects, and the bytes of all of them together.
    pub fn objects(&self, objects: u64, bytes: u64) {
        self.count(|counters| {
            counters.objects.fetch_add(objects, Relaxed);
            counters.bytes.fetch_add(bytes, Relaxed);
        });
    }

    /// Counts what another meter has read: files, objects, commits, bytes.
    pub fn add(&self, read: &Reading) {
        self.counters.files.fetch_add(read.files, Relaxed);
        self.counters.objects.fetch_add(read.objects, Relaxed);
        self.counters.commits.fetch_add(read.commits, Relaxed);
        self.counters.bytes.fetch_add(read.bytes, Relaxed);
        self.counters.hits.fetch_add(read.hits, Relaxed);
    }

    /// Counts commits (which are objects, too).
    pub fn commits(&self, commits: u64) {
        self.count(|counters| {
            counters.commits.fetch_add(commits, Relaxed);
        });
    }

    /// Counts bytes of a file or object already counted.
    pub fn bytes(&self, bytes: u64) {
        self.count(|counters| {
            counters.bytes.fetch_add(bytes, Relaxed);
        });
    }

    /// Counts one match.
    pub fn hit(&self) {
        self.count(|counters| {
            counters.hits.fetch_add(1, Relaxed);
        });
    }

    /// Says that there are as many more files or objects to scan.
    pub fn expect(&self, more: u64) {
        self.counters.expected.fetch_add(more, Relaxed);
    }

    /// Says whether what there is to scan is being counted still.
    pub fn set_counting(&self, counting: bool) {
        self.counters.counting.store(counting, Relaxed);
    }

    /// Says that there is one more repository to look at, of this size: what takes longest is not what is counted.
    pub fn expect_repository(&self, size: u64) {
        self.counters.expected_repositories.fetch_add(1, Relaxed);
        self.counters.expected_size.fetch_add(size, Relaxed);
    }

    /// Counts a repository that is done, of the size that was said before.
    pub fn repository(&self, size: u64) {
        self.counters.repositories.fetch_add(1, Relaxed);
        self.counters.size.fetch_add(size, Relaxed);
    }

    /// Says until when a server makes the run wait, in seconds since 1970; zero: not any more.
    pub fn wait_until(&self, second: u64) {
        self.counters.waits_until.store(second, Relaxed);
    }

    /// The flag that asks this run to end.
    pub fn cancel_flag(&self) -> &CancelFlag {
        &self.cancel
    }

    /// The counters now.
    pub fn read(&self) -> Reading {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        Reading {
            files: get(&self.counters.files),
            objects: get(&self.counters.objects),
            commits: get(&self.counters.commits),
            bytes: get(&self.counters.bytes),
            hits: get(&self.counters.hits),
            expected: get(&self.counters.expected),
            counting: self.counters.counting.load(Relaxed),
            repositories: get(&self.counters.repositories),
            expected_repositories: get(&self.counters.expected_repositories),
            size: get(&self.counters.size),
            expected_size: get(&self.counters.expected_size),
            waits_until: get(&self.counters.waits_until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_counts_for_the_whole_and_for_itself() {
        let whole = Meter::default();
        let (one, other) = (whole.part(), whole.part());
        one.file(3);
        one.objects(2, 10);
        other.bytes(5);
        other.commits(1);
        other.hit();
        whole.add(&one.read());
        let read = |meter: &Meter| {
            let read = meter.read();
            (read.files, read.objects, read.commits, read.bytes, read.hits)
        };
        assert_eq!((read(&one), read(&other)), ((1, 2, 0, 13, 0), (0, 0, 1, 5, 1)));
        assert_eq!(read(&whole), (2, 4, 1, 31, 1));
        whole.cancel_flag().cancel();
        assert!(one.cancel_flag().is_cancelled());
    }
}
