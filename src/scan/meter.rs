//! What has been read so far, and whether to go on. Workers add, one console thread reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters of a run. A clone counts into the same run.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    files: AtomicU64,
    objects: AtomicU64,
    commits: AtomicU64,
    bytes: AtomicU64,
    hits: AtomicU64,
    stopped: AtomicBool,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Files looked into.
    pub files: u64,
    /// Git objects looked into.
    pub objects: u64,
    /// Commits among them.
    pub commits: u64,
    /// Bytes looked through.
    pub bytes: u64,
    /// Places that matched, lookalikes aside.
    pub hits: u64,
}

impl Meter {
    /// Counts one file of so many bytes.
    pub fn file(&self, bytes: u64) {
        self.0.files.fetch_add(1, Relaxed);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts so many git objects holding so many bytes.
    pub fn objects(&self, objects: u64, bytes: u64) {
        self.0.objects.fetch_add(objects, Relaxed);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts so many commits (which are objects, too).
    pub fn commits(&self, commits: u64) {
        self.0.commits.fetch_add(commits, Relaxed);
    }

    /// Counts bytes of something already counted.
    pub fn bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts one place that matched.
    pub fn hit(&self) {
        self.0.hits.fetch_add(1, Relaxed);
    }

    /// Asks everything that counts here to end soon.
    pub fn stop(&self) {
        self.0.stopped.store(true, Relaxed);
    }

    /// Whether that was asked.
    pub fn stopped(&self) -> bool {
        self.0.stopped.load(Relaxed)
    }

    /// The counters now.
    pub fn read(&self) -> Reading {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        Reading {
            files: get(&self.0.files),
            objects: get(&self.0.objects),
            commits: get(&self.0.commits),
            bytes: get(&self.0.bytes),
            hits: get(&self.0.hits),
        }
    }
}
