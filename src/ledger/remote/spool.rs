//! What waits on this machine for an intake that is away: files of sealed lines, private to the user, in a directory for
//! each intake.
//!
//! A file is written under another name, synced, and then named, so that it is whole or not there. It is removed once the
//! intake has told what became of each of its lines. Between the two a process may die at any instant: then the lines are
//! handed over again, which changes nothing at an intake that has them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::lines::Lines;
use crate::ledger::address::IntakeAddress;
use crate::ledger::error::LedgerError;
use crate::ledger::paths::{create_directory, create_new, failed, sync_directory};
use crate::ledger::trust::{check_directory, check_file};
use crate::ledger::wire::TokenLine;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// The ending of a file that is to be handed over.
const WAITING: &str = "jsonl";

/// The ending of a file whose lines the intake did not take, and will not.
const REFUSED: &str = "refused";

/// The key that the intake gave out last.
const KEY: &str = "key.pub";

/// What waits on this machine, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// The directory.
    pub directory: PathBuf,
    /// How many tokens wait for the intake.
    pub tokens: u64,
    /// How many it did not take, and will not: a new scan queues them anew.
    pub refused: u64,
}

/// A token that waits on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpooledToken {
    /// Its hash; none where its line is damaged.
    pub fingerprint: Option<Fingerprint>,
    /// Where it was found.
    pub location: String,
}

/// The directory of one intake.
pub(super) struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// That of an intake. Makes nothing.
    pub(super) fn of(address: &IntakeAddress) -> Result<Self, LedgerError> {
        let name = &Fingerprint::of(address.url.as_bytes()).hex()[..16];
        Ok(Spool { directory: address.access.state_dir()?.join("spool").join(name) })
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes lines down, durably.
    pub(super) fn add(&self, lines: &Lines, now: Timestamp) -> Result<(), LedgerError> {
        self.write(&fresh_name(now, WAITING), lines.text.as_bytes())
    }

    /// The files that are to be handed over, oldest first.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, LedgerError> {
        self.files_that_end_in(WAITING)
    }

    fn files_that_end_in(&self, ending: &str) -> Result<Vec<PathBuf>, LedgerError> {
        let found = match fs::read_dir(&self.directory) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read the directory", &self.directory)(error)),
        };
        check_directory(&self.directory)?;
        let mut files = Vec::new();
        for entry in found {
            let path = entry.map_err(failed("read the directory", &self.directory))?.path();
            if path.extension().is_some_and(|extension| extension == ending) {
                files.push(path);
            }
        }
        // Their names begin with the time.
        files.sort();
        Ok(files)
    }

    /// The lines of a file; none where another process has handed it over meanwhile.
    pub(super) fn read(file: &Path) -> Result<Option<String>, LedgerError> {
        match fs::symlink_metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => check_file(file)?,
        }
        let bytes = fs::read(file).map_err(failed("read", file))?;
        // What is no text is no line of ours, and the intake says so.
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Forgets a file whose lines were told of; those that were not taken are kept apart.
    pub(super) fn settle(&self, file: &Path, refused: &str, now: Timestamp) -> Result<(), LedgerError> {
        if !refused.is_empty() {
            self.write(&fresh_name(now, REFUSED), refused.as_bytes())?;
        }
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", file)(error)),
            _ => {
                sync_directory(&self.directory);
                Ok(())
            }
        }
    }

    /// What waits, by host and kind. A line that is not read as one waits for nobody, and is told of when it is handed over.
    pub(super) fn waiting(&self) -> Result<BTreeMap<String, BTreeMap<Kind, u64>>, LedgerError> {
        let mut waiting: BTreeMap<String, BTreeMap<Kind, u64>> = BTreeMap::new();
        self.each_line(WAITING, |line| {
            let kind = line.kind.as_deref().and_then(rule::kind).unwrap_or(Kind::OTHER);
            *waiting.entry(line.host.unwrap_or_default()).or_default().entry(kind).or_default() += 1;
        })?;
        Ok(waiting)
    }

    /// The tokens that wait: the host, and the SHA-256 in hex.
    pub(super) fn tokens(&self) -> Result<HashSet<(String, String)>, LedgerError> {
        let mut tokens = HashSet::new();
        self.each_line(WAITING, |line| {
            tokens.insert((line.host.unwrap_or_default(), line.sha256.unwrap_or_default()));
        })?;
        Ok(tokens)
    }

    /// Each token that waits, as far as its line tells of it.
    pub(super) fn each(&self) -> Result<Vec<SpooledToken>, LedgerError> {
        let mut tokens = Vec::new();
        self.each_line(WAITING, |line| {
            let fingerprint = line.sha256.as_deref().and_then(Fingerprint::from_hex);
            tokens.push(SpooledToken { fingerprint, location: line.place.unwrap_or_default() });
        })?;
        Ok(tokens)
    }

    /// Takes tokens out of a file that waits, and returns how many those were.
    pub(super) fn take_out(&self, file: &Path, tokens: &BTreeSet<Fingerprint>) -> Result<u64, LedgerError> {
        let Some(text) = Spool::read(file)? else { return Ok(0) };
        let is_out = |line: &&str| {
            let token = read_line(line).sha256;
            token.as_deref().and_then(Fingerprint::from_hex).is_some_and(|token| tokens.contains(&token))
        };
        let (out, kept): (Vec<&str>, Vec<&str>) = text.lines().partition(is_out);
        if kept.is_empty() {
            self.settle(file, "", Timestamp::now())?;
        } else if let (false, Some(name)) = (out.is_empty(), file.file_name().and_then(OsStr::to_str)) {
            let kept: String = kept.into_iter().flat_map(|line| [line, "\n"]).collect();
            self.write(name, kept.as_bytes())?;
        }
        Ok(out.len() as u64)
    }

    /// How much is there.
    pub(super) fn status(&self) -> Result<SpoolStatus, LedgerError> {
        let count = |ending| {
            let mut count = 0;
            self.each_line(ending, |_| count += 1).map(|()| count)
        };
        let directory = self.directory.clone();
        Ok(SpoolStatus { directory, tokens: count(WAITING)?, refused: count(REFUSED)? })
    }

    fn each_line(&self, ending: &str, mut visit: impl FnMut(TokenLine)) -> Result<(), LedgerError> {
        for file in self.files_that_end_in(ending)? {
            let lines = Spool::read(&file)?.unwrap_or_default();
            for line in lines.lines() {
                visit(read_line(line));
            }
        }
        Ok(())
    }

    /// Keeps others from handing over the same files, until it is dropped; none where somebody else does so now.
    pub(super) fn lock(&self) -> Result<Option<File>, LedgerError> {
        let path = self.directory.join("lock");
        let opened = match create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                check_file(&path)?;
                File::options().write(true).open(&path)
            }
            made => made,
        };
        let file = opened.map_err(failed("open", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // On a file system without locks, two that hand over the same lines do no harm.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
        }
    }

    /// Remembers the key that the intake gives out, for the time when it is away.
    pub(super) fn remember_key(&self, key: &str) -> Result<(), LedgerError> {
        match self.known_key() {
            Ok(Some(known)) if known == key => Ok(()),
            _ => self.write(KEY, key.as_bytes()),
        }
    }

    /// The key that the intake gave out last.
    pub(super) fn known_key(&self) -> Result<Option<String>, LedgerError> {
        Spool::read(&self.directory.join(KEY))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), LedgerError> {
        create_directory(&self.directory)?;
        check_directory(&self.directory)?;
        let path = self.directory.join(name);
        let draft = self.directory.join(format!("{}.draft", fresh_name(Timestamp::now(), "new")));
        let written = create_new(&draft).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        if let Err(error) = written {
            // What is left of it has no name that anybody looks for.
            let _ = fs::remove_file(&draft);
            return Err(failed("write", &draft)(error));
        }
        fs::rename(&draft, &path).map_err(failed("create", &path))?;
        sync_directory(&self.directory);
        Ok(())
    }
}

/// A line of a file; an empty one where it is not read as one.
pub(super) fn read_line(line: &str) -> TokenLine {
    serde_json::from_str(line).unwrap_or_else(|_| TokenLine::default())
}

/// A name that no other file has, and that sorts by time.
fn fresh_name(now: Timestamp, ending: &str) -> String {
    let random = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("{:014}-{random:016x}.{ending}", now.as_millisecond().max(0))
}

#[cfg(all(test, unix))]
mod tests;
