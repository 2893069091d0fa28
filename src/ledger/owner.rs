//! The owner of a batch, whether its process still lives, and the last answer it got.
//!
//! An owner is a lock on a file, which the operating system releases however the process ends: flock(2), and `LockFileEx`
//! on Windows. In the file is the last answer, until the ledger has it.

mod kept;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::paths::{beside, create_new};
use super::settlement::KeptAnswer;
use crate::token::Fingerprint;

/// The prefix of the names of owners that could not take a lock: only the end of their lease shows that they are gone.
const UNLOCKED: &str = "lease-";

/// One handle's name, the lock that shows that it lives, and its last answer. The file is created with the first batch.
pub(super) struct Owner {
    /// The path beside which the files are.
    ledger: PathBuf,
    /// Whether owners may be on other machines, of which no file here tells.
    shared: bool,
    /// Whether it may have a batch under way: then its file stays when it ends, to show that it did.
    in_flight: bool,
    name: Option<String>,
    file: Option<File>,
    /// The last answer, unless the ledger has it.
    kept: Option<KeptAnswer>,
    /// The batch whose answer the ledger has once the transaction under way is committed.
    taken_in: Option<u64>,
    /// Files of which nothing is needed once the transaction under way is committed.
    removable: Vec<PathBuf>,
}

/// What is left of an owner that has ended.
pub(super) struct Ended {
    /// Its name.
    pub(super) name: String,
    /// The last answer it got.
    pub(super) kept: Option<KeptAnswer>,
    path: PathBuf,
}

impl Owner {
    /// An owner of batches in the ledger at this path.
    pub(super) fn new(ledger: &Path) -> Self {
        Owner {
            ledger: ledger.into(),
            shared: false,
            in_flight: false,
            name: None,
            file: None,
            kept: None,
            taken_in: None,
            removable: Vec::new(),
        }
    }

    /// An owner of batches in a ledger that machines share; the files of this one's owners are beside the path.
    pub(super) fn on_this_machine(path: &Path) -> Self {
        let mut owner = Owner::new(path);
        owner.shared = true;
        owner
    }

    /// Takes note that it may have a batch under way, or has none any more.
    pub(super) fn set_in_flight(&mut self, in_flight: bool) {
        self.in_flight = in_flight;
    }

    /// This owner's name, if it ever had a batch.
    pub(super) fn name_if_any(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// This owner's name. The first call creates the file and takes the lock; the caller holds the ledger's write lock, so no
    /// other process can look at the file between its creation and its locking.
    ///
    /// Fails where there is no room for an answer: what could not be kept must not be asked for.
    pub(super) fn name(&mut self) -> io::Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let mut name = fresh_name();
        let path = file_path(&self.ledger, &name);
        let made = create_new(&path).and_then(|file| kept::make_room(&file).map(|()| file));
        self.file = match made {
            Ok(file) => Some(file),
            Err(error) => {
                let _ = fs::remove_file(&path);
                if is_full(&error) {
                    return Err(error);
                }
                None
            }
        };
        // A file system without locks: the lease has to do.
        if self.file.as_ref().is_none_or(|file| file.try_lock().is_err()) {
            name = [UNLOCKED, &name].concat();
            let _ = fs::rename(&path, file_path(&self.ledger, &name));
        }
        Ok(self.name.insert(name).clone())
    }

    /// Keeps an answer, in memory and in the file. A second call for the same batch changes nothing.
    pub(super) fn keep(&mut self, answer: KeptAnswer) -> io::Result<()> {
        let answer = match self.kept.take() {
            Some(kept) if kept.batch == answer.batch => kept,
            _ => answer,
        };
        let answer = self.kept.insert(answer);
        self.file.as_ref().map_or(Err(io::ErrorKind::NotFound.into()), |file| kept::write(file, answer))
    }

    /// When the answer to a batch came in, in milliseconds since 1970, if it is kept.
    pub(super) fn received_at(&self, batch: u64) -> Option<i64> {
        self.kept.as_ref().filter(|kept| kept.batch == batch).map(|kept| kept.at)
    }

    /// The last answer that the owner called `name` got, if its file tells.
    pub(super) fn kept_by(&self, name: &str) -> Option<KeptAnswer> {
        if self.name_if_any() == Some(name) {
            return self.kept.clone();
        }
        kept::read(&file_path(&self.ledger, name))
    }

    /// Takes note that the transaction under way takes in the answer to a batch of this owner.
    pub(super) fn taken_in(&mut self, batch: u64) {
        self.taken_in = Some(batch);
    }

    /// Takes note that the transaction under way leaves nothing to be known of an owner that has ended.
    pub(super) fn remove(&mut self, ended: Ended) {
        self.removable.push(ended.path);
    }

    /// Forgets what the ledger has, once it has it: a transaction that fails takes nothing in.
    pub(super) fn end_transaction(&mut self, committed: bool) {
        let (removable, taken_in) = (std::mem::take(&mut self.removable), self.taken_in.take());
        if !committed {
            return;
        }
        for path in removable {
            // One that stays is found again by the next request for a batch.
            let _ = fs::remove_file(path);
        }
        if let Some(batch) = taken_in {
            self.kept = self.kept.take().filter(|kept| kept.batch != batch);
        }
    }

    /// What is left of owners whose processes ended, by the batches they got answers to. The caller holds the ledger's
    /// write lock.
    pub(super) fn ended(&self) -> Vec<Ended> {
        let mut ended: Vec<Ended> = (self.files())
            .filter(|(name, path)| {
                let known = name.starts_with(UNLOCKED) || self.name_if_any() == Some(name);
                !known && is_unlocked(path)
            })
            .map(|(name, path)| Ended { kept: kept::read(&path), name, path })
            .collect();
        ended.sort_by_key(|ended| ended.kept.as_ref().map(|kept| kept.batch));
        ended
    }

    /// The files of owners of this ledger, with their names.
    fn files(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let prefix = self.ledger.file_name().map(|ledger| file_path(Path::new(ledger), "").into_os_string());
        let files = self.ledger.parent().and_then(|directory| fs::read_dir(directory).ok());
        files.into_iter().flatten().flatten().filter_map(move |file| {
            let name = file.file_name();
            let name = name.to_str()?.strip_prefix(prefix.as_ref()?.to_str()?)?;
            Some((name.to_owned(), file.path()))
        })
    }

    /// Whether another process is known to have a batch under way, or to be about to.
    pub(super) fn others_live(&self) -> bool {
        self.files().any(|(_, path)| File::open(path).is_ok_and(|lock| lock.try_lock().is_err()))
    }

    /// Whether the owner called `name` is known to have ended. The caller holds the ledger's write lock.
    pub(super) fn has_ended(&self, name: &str) -> bool {
        if name.starts_with(UNLOCKED) {
            return false;
        }
        let path = file_path(&self.ledger, name);
        match path.metadata() {
            Ok(_) => is_unlocked(&path),
            Err(error) => !self.shared && error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // An answer that the ledger does not have is for the next process.
        if let (Some(name), Some(_), None, false) =
            (&self.name, &self.file, &self.kept, self.shared && self.in_flight)
        {
            let _ = fs::remove_file(file_path(&self.ledger, name));
        }
    }
}

fn is_unlocked(path: &Path) -> bool {
    File::open(path).is_ok_and(|lock| lock.try_lock().is_ok())
}

/// Whether there is no room: on the disk, within the user's quota, or within what a file may grow to (setrlimit(2)).
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn file_path(ledger: &Path, name: &str) -> PathBuf {
    beside(ledger, &format!(".run-{name}"))
}

/// 128 random bits. Where there are none, the process id and the time distinguish owners as well.
fn fresh_name() -> String {
    let mut bits = [0; 16];
    if getrandom::fill(&mut bits).is_err() {
        let now = jiff::Timestamp::now().as_nanosecond();
        let seed = format!("{} {now}", std::process::id());
        bits.copy_from_slice(&Fingerprint::of(seed.as_bytes()).0[..16]);
    }
    format!("{:032x}", u128::from_be_bytes(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::settlement::{BatchOutcome, Settlement};
    use crate::revocation::RateLimit;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn an_owner_lives_as_long_as_its_lock() -> TestResult {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        let (mut one, two) = (Owner::new(&ledger), Owner::new(&ledger));
        let name = one.name()?;
        assert_eq!(one.name()?, name);
        assert!(!two.has_ended(&name), "a living owner was given up");
        // What a killed process leaves behind: the file, and no lock.
        one.file = None;
        assert!(file_path(&ledger, &name).exists());
        assert!(two.has_ended(&name));
        fs::remove_file(file_path(&ledger, &name))?;
        assert!(two.has_ended(&name), "an ended owner lives again");
        Ok(())
    }

    /// What a killed process leaves behind.
    fn left_behind(ledger: &Path, name: &str, answer: Option<&KeptAnswer>) -> TestResult {
        let file = create_new(&file_path(ledger, name))?;
        kept::make_room(&file)?;
        answer.map_or(Ok(()), |answer| Ok(kept::write(&file, answer)?))
    }

    fn answer(batch: u64) -> KeptAnswer {
        let settlement = Settlement {
            outcome: BatchOutcome::Accepted,
            verdict: "accepted".into(),
            status: Some(202),
            request_id: None,
            message: String::new(),
            rate_limit: RateLimit::default(),
            hold: None,
        };
        KeptAnswer { batch, at: 7, settlement }
    }

    #[test]
    fn what_ended_owners_left_is_found_and_removed_after_the_commit_alone() -> TestResult {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        let mut living = Owner::new(&ledger);
        living.name()?;
        living.keep(answer(1))?;
        left_behind(&ledger, "late", Some(&answer(9)))?;
        left_behind(&ledger, "early", Some(&answer(3)))?;
        left_behind(&ledger, "silent", None)?;
        fs::write(home.path().join("other.db.run-dead"), "")?;
        let mut next = Owner::new(&ledger);
        for committed in [false, true] {
            let ended = next.ended();
            let found: Vec<_> =
                ended.iter().map(|ended| (ended.name.as_str(), ended.kept.is_some())).collect();
            assert_eq!(found, [("silent", false), ("early", true), ("late", true)]);
            for ended in ended {
                next.remove(ended);
            }
            next.end_transaction(committed);
        }
        // The living one's, and another ledger's.
        assert_eq!(fs::read_dir(home.path())?.count(), 2);
        Ok(())
    }

    #[test]
    fn an_answer_outlives_its_owner_until_the_ledger_has_it() -> TestResult {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        for (committed, left) in [(true, 0), (false, 1)] {
            let mut owner = Owner::new(&ledger);
            let name = owner.name()?;
            owner.keep(answer(4))?;
            // Tried again later: it came in when it came in.
            owner.keep(KeptAnswer { at: 99, ..answer(4) })?;
            assert_eq!(owner.received_at(4), Some(7));
            assert_eq!(owner.kept_by(&name), Some(answer(4)));
            owner.taken_in(4);
            owner.end_transaction(committed);
            drop(owner);
            assert_eq!(Owner::new(&ledger).ended().len(), left, "committed: {committed}");
        }
        Ok(())
    }

    #[test]
    fn an_owner_without_a_lock_is_not_given_up_by_it() -> TestResult {
        let owner = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(!owner.has_ended("lease-0"));
        let mut unlocked = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(unlocked.name()?.starts_with(UNLOCKED));
        Ok(())
    }
}
