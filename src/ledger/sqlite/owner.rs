//! The owner of a batch, and whether its process still lives.
//!
//! An owner is a lock on a file, which the operating system releases however the process ends: flock(2), and `LockFileEx`
//! on Windows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::files::create_new;
use super::paths::beside;
use crate::token::Fingerprint;

/// The prefix of the names of owners that could not take a lock: only the end of their lease shows that they are gone.
const UNLOCKED: &str = "lease:";

/// One handle's name, and the lock that shows that it lives. The lock file is created with the first batch.
pub(super) struct Owner {
    ledger: PathBuf,
    name: Option<String>,
    lock: Option<File>,
}

impl Owner {
    pub(super) fn new(ledger: &Path) -> Self {
        Owner { ledger: ledger.into(), name: None, lock: None }
    }

    /// This owner's name, if it ever had a batch.
    pub(super) fn name_if_any(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// This owner's name. The first call takes the lock; the caller holds the ledger's write lock, so no other process
    /// can look at the file between its creation and its locking.
    pub(super) fn name(&mut self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let name = fresh_name();
        let path = lock_path(&self.ledger, &name);
        self.remove_stale_locks();
        // A file system without locks, or one that is full: the lease has to do.
        self.lock = create_new(&path).ok().filter(|file| file.try_lock().is_ok());
        let name = if self.lock.is_some() {
            name
        } else {
            let _ = fs::remove_file(&path);
            [UNLOCKED, &name].concat()
        };
        self.name.insert(name).clone()
    }

    /// Removes the lock files of processes that were killed without an open batch, at which nobody else would look.
    fn remove_stale_locks(&self) {
        let (Some(directory), Some(ledger)) = (self.ledger.parent(), self.ledger.file_name()) else { return };
        let Ok(files) = fs::read_dir(directory) else { return };
        let prefix = lock_path(Path::new(ledger), "");
        for file in files.flatten().filter(|file| {
            let name = file.file_name();
            name.as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes())
        }) {
            let unlocked = File::open(file.path()).is_ok_and(|lock| lock.try_lock().is_ok());
            if unlocked {
                let _ = fs::remove_file(file.path());
            }
        }
    }

    /// Whether another process is known to have a batch under way, or to be about to.
    pub(super) fn others_live(&self) -> bool {
        let (Some(directory), Some(ledger)) = (self.ledger.parent(), self.ledger.file_name()) else {
            return false;
        };
        let prefix = lock_path(Path::new(ledger), "");
        let Ok(files) = fs::read_dir(directory) else { return false };
        files.flatten().any(|file| {
            let name = file.file_name();
            name.as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes())
                && File::open(file.path()).is_ok_and(|lock| lock.try_lock().is_err())
        })
    }

    /// Whether the owner called `name` is known to have ended. The caller holds the ledger's write lock.
    pub(super) fn has_ended(&self, name: &str) -> bool {
        if name.starts_with(UNLOCKED) {
            return false;
        }
        let path = lock_path(&self.ledger, name);
        match File::open(&path) {
            Ok(file) => {
                let ended = file.try_lock().is_ok();
                if ended {
                    let _ = fs::remove_file(&path);
                }
                ended
            }
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let (Some(name), Some(_)) = (&self.name, &self.lock) {
            let _ = fs::remove_file(lock_path(&self.ledger, name));
        }
    }
}

fn lock_path(ledger: &Path, name: &str) -> PathBuf {
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

    #[test]
    fn an_owner_lives_as_long_as_its_lock() -> std::io::Result<()> {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        let (mut one, two) = (Owner::new(&ledger), Owner::new(&ledger));
        let name = one.name();
        assert_eq!(one.name(), name);
        assert!(!two.has_ended(&name), "a living owner was given up");
        // What a killed process leaves behind: the file, and no lock.
        one.lock = None;
        assert!(lock_path(&ledger, &name).exists());
        assert!(two.has_ended(&name));
        assert!(!lock_path(&ledger, &name).exists(), "the stale file was left behind");
        assert!(two.has_ended(&name), "an ended owner lives again");
        Ok(())
    }

    #[test]
    fn a_new_owner_removes_stale_lock_files() -> std::io::Result<()> {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        let mut living = Owner::new(&ledger);
        living.name();
        fs::write(lock_path(&ledger, "dead"), "")?;
        fs::write(home.path().join("other.db.run-dead"), "")?;
        let mut next = Owner::new(&ledger);
        next.name();
        assert!(!lock_path(&ledger, "dead").exists());
        // Two locks, and another ledger's file.
        assert_eq!(fs::read_dir(home.path())?.count(), 3);
        drop((living, next));
        assert_eq!(fs::read_dir(home.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn an_owner_without_a_lock_is_not_given_up_by_it() {
        let owner = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(!owner.has_ended("lease:0"));
        let mut unlocked = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(unlocked.name().starts_with(UNLOCKED));
    }
}
