//! What a sweep of many repositories has done so far, on disk: a run that was killed goes on where it was, and its report is
//! the one of a run that was not.
//!
//! Each repository that was looked at is an entry, written whole or not at all. An entry is a line of JSON about the entry,
//! and the JSON report of that repository behind it, in which tokens are redacted; the tokens themselves are in the first
//! line, sealed as a ledger seals them, with a key in a file beside.

mod entry;
mod error;
mod files;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use entry::{Done, OwnFiles, Scanned};
pub use error::JournalError;

use crate::ledger::{LedgerId, Opener, Sealer, SealingKey};
use crate::report::{RuleText, SavedReport};
use crate::rule::Rules;
use crate::token::Fingerprint;

/// What is older was looked at too long ago to stand for now.
const LONGEST: Duration = Duration::from_hours(24);

/// What the sealed tokens belong to, as a ledger's belong to the base of an API.
const QUEUE: &str = "journal";

/// The sweep of a set of targets, as far as it got.
pub struct Journal {
    directory: PathBuf,
    work_dir: PathBuf,
    key: SealingKey,
    /// Held as long as the sweep goes on: another one of the same targets would do everything twice.
    _lock: File,
}

impl Journal {
    /// Opens the journal of the sweep with this identity, below `parent`; makes it where there is none.
    ///
    /// # Errors
    /// Where another run has it, or the disk does not let it be made.
    pub fn open(parent: &Path, identity: &str) -> Result<Journal, JournalError> {
        let directory = parent.join(&hex(identity)[..16]);
        files::create_directory(&directory)?;
        files::remove_old_journals(parent, LONGEST);
        let lock = files::lock(&directory.join(files::LOCK))?;
        let key = files::key(&directory.join("key"))?;
        files::remove_old_work(&directory);
        // Not the one before: a child of a killed run may be writing there still.
        let work_dir = files::new_work_dir(&directory)?;
        Ok(Journal { directory, work_dir, key: SealingKey::new(&key), _lock: lock })
    }

    /// A directory for what is needed only while the sweep goes on.
    pub fn work_dir(&self) -> PathBuf {
        self.work_dir.clone()
    }

    /// A directory for what the API answered.
    pub fn pages_dir(&self) -> PathBuf {
        self.directory.join("pages")
    }

    /// What came of a repository, if that is known and it has not changed since: `stamp` is what changes with it.
    pub fn read(&self, name: &str, stamp: &str) -> Option<Scanned> {
        let path = self.path(name);
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
        if SystemTime::now().duration_since(written).is_ok_and(|age| age > LONGEST) {
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let done: Done = serde_json::from_slice(&bytes[..end]).ok()?;
        if done.name != name || done.stamp != stamp {
            return None;
        }
        let report = SavedReport::read(&bytes[end + 1..]).ok()?;
        done.restore(report, &self.opener())
    }

    /// Writes down what came of a repository. It is there after a power cut, or it is not; never half of it.
    pub fn write(
        &self,
        (name, stamp): (&str, &str),
        scanned: &Scanned,
        (rules, custom): (&Rules, &[RuleText]),
    ) -> Result<(), JournalError> {
        let done = Done::new((name, stamp), scanned, &self.sealer())?;
        let mut bytes = serde_json::to_vec(&done).map_err(|error| JournalError::form(&error))?;
        bytes.push(b'\n');
        scanned.write_report((rules, custom), &mut bytes).map_err(|source| JournalError::Io {
            action: "write",
            path: self.path(name),
            source,
        })?;
        files::write_whole(&self.path(name), &bytes)
    }

    /// Forgets all of it: the sweep came to its end, and its report is written.
    pub fn finish(self) {
        // What stays behind is of no use to anybody, and is taken for nothing else.
        let _ = fs::remove_dir_all(&self.directory);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{}.entry", &hex(name)[..32]))
    }

    fn sealer(&self) -> Sealer {
        self.key.sealer(&LedgerId::default(), QUEUE)
    }

    fn opener(&self) -> Opener {
        self.key.opener(&LedgerId::default(), QUEUE)
    }
}

fn hex(text: &str) -> String {
    Fingerprint::of(text.as_bytes()).hex()
}

#[cfg(test)]
mod tests;
