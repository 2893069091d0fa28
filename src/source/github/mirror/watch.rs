//! When a child has to be ended: the run was, nothing moves any more, or too much of the disk is taken.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::GitError;
use crate::meter::CancelFlag;

/// Bounds of one call of `git`.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// How long nothing may move: no word from `git`, and no byte more on the disk.
    pub stall: Duration,
    /// Whether the mirror may take this many bytes of the disk.
    pub may_hold: &'a (dyn Fn(u64) -> bool + Sync),
    /// Ends it soon after it is set.
    pub cancel: &'a CancelFlag,
}

/// Whoever computes for less than one part in so many of the time is waiting.
const WAITS_OF_WORK: u32 = 50;

/// A server can keep its connection talking without sending anything. Git may work for long without writing, too: it
/// resolves the deltas of a large pack, and says how far it is. So words and work count for this many stalls, and no longer.
const STALLS_OF_WORDS: u32 = 30;

/// The disk is looked at no more often than this.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Watches one child.
pub(super) struct Watch<'a> {
    limits: &'a Limits<'a>,
    /// What grows, where anything does.
    growing: Option<&'a Path>,
    bytes: u64,
    words: u64,
    worked: Duration,
    grown_at: Instant,
    heard_at: Instant,
    asked_at: Instant,
    look_at: Instant,
}

impl<'a> Watch<'a> {
    pub(super) fn new(limits: &'a Limits<'a>, growing: Option<&'a Path>) -> Watch<'a> {
        let now = Instant::now();
        let (grown_at, heard_at, asked_at, look_at) = (now, now, now, now);
        let worked = Duration::ZERO;
        Watch { limits, growing, bytes: 0, words: 0, worked, grown_at, heard_at, asked_at, look_at }
    }

    /// Looks at it now; `words` grows with everything that the child says, and `worked` tells how long it has computed.
    pub(super) fn check(&mut self, words: u64, worked: &dyn Fn() -> Duration) -> Result<(), GitError> {
        if self.limits.cancel.is_cancelled() {
            return Err(GitError::Cancelled);
        }
        let now = Instant::now();
        if words != self.words {
            (self.words, self.heard_at) = (words, now);
        }
        if let Some(path) = self.growing
            && now >= self.look_at
        {
            self.look(path, now)?;
        }
        if now.duration_since(self.asked_at) > self.limits.stall / 2 {
            self.ask(now, worked());
        }
        let since_grown = now.duration_since(self.grown_at);
        let silent = now.duration_since(self.heard_at).min(since_grown) > self.limits.stall;
        if silent || since_grown > self.limits.stall * STALLS_OF_WORDS {
            return Err(GitError::Hung(since_grown.as_secs()));
        }
        Ok(())
    }

    /// Git says nothing while it looks whether all that it fetched is connected, which takes minutes for millions of objects.
    fn ask(&mut self, now: Instant, worked: Duration) {
        let newly = worked.saturating_sub(self.worked);
        if !newly.is_zero() && newly * WAITS_OF_WORK >= now.duration_since(self.asked_at) {
            self.heard_at = now;
        }
        (self.worked, self.asked_at) = (worked, now);
    }

    fn look(&mut self, path: &Path, now: Instant) -> Result<(), GitError> {
        let bytes = bytes_below(path);
        if bytes != self.bytes {
            (self.bytes, self.grown_at) = (bytes, now);
        }
        // A mirror of many files takes long to look at.
        self.look_at = now + (now.elapsed() * 10).max(LOOK_EVERY);
        self.fits(bytes)
    }

    /// The last look, after the child has ended.
    pub(super) fn at_end(&self) -> Result<(), GitError> {
        self.growing.map_or(Ok(()), |path| self.fits(bytes_below(path)))
    }

    fn fits(&self, bytes: u64) -> Result<(), GitError> {
        if (self.limits.may_hold)(bytes) {
            return Ok(());
        }
        Err(GitError::TooLarge(format!("{bytes} bytes so far")))
    }
}

/// How many bytes of the disk are taken below a directory. What comes and goes meanwhile counts or does not.
pub(super) fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => taken(&meta) + bytes_below(&entry.path()),
        Ok(meta) => taken(&meta),
        Err(_) => 0,
    });
    bytes.sum()
}

/// A block has 512 bytes here whatever the file system (stat(2)).
#[cfg(unix)]
fn taken(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta).saturating_mul(512).max(if meta.is_file() {
        meta.len()
    } else {
        0
    })
}

#[cfg(not(unix))]
fn taken(meta: &fs::Metadata) -> u64 {
    meta.len()
}
