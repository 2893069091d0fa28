//! Who holds a batch, and whether that process still lives.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::ledger::sqlite::files::{beside, create_new};
use crate::token::Fingerprint;

/// Goes before the names of owners that could not take a lock: only their lease tells that they are gone.
const UNLOCKED: &str = "lease:";

/// One handle's name, and the lock that shows that it lives. The lock file appears with the first batch.
pub(super) struct Owner {
    ledger: PathBuf,
    name: Option<String>,
    lock: Option<File>,
}

impl Owner {
    pub(super) fn new(ledger: &Path) -> Self {
        Owner { ledger: ledger.into(), name: None, lock: None }
    }

    /// This owner's name if it ever needed one.
    pub(super) fn known_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// This owner's name. The first call takes the lock; the caller holds the ledger's write lock, so nobody can
    /// look at the file between its making and its locking.
    pub(super) fn name(&mut self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let name = fresh_name();
        let path = lock_path(&self.ledger, &name);
        self.sweep();
        // A file system without locks, or one that is full: the lease will do.
        self.lock = create_new(&path).ok().filter(|file| file.try_lock().is_ok());
        let name = if self.lock.is_some() {
            name
        } else {
            let _ = fs::remove_file(&path);
            [UNLOCKED, &name].concat()
        };
        self.name.insert(name).clone()
    }

    /// Clears away what killed processes have left behind, between two batches or while no answer was missing.
    fn sweep(&self) {
        let (Some(folder), Some(ledger)) = (self.ledger.parent(), self.ledger.file_name()) else { return };
        let Ok(files) = fs::read_dir(folder) else { return };
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

    /// Whether the owner called `name` is known to have ended. The caller holds the ledger's write lock.
    pub(super) fn gone(&self, name: &str) -> bool {
        if name.starts_with(UNLOCKED) {
            return false;
        }
        let path = lock_path(&self.ledger, name);
        match File::open(&path) {
            Ok(file) => {
                let gone = file.try_lock().is_ok();
                if gone {
                    let _ = fs::remove_file(&path);
                }
                gone
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

/// 128 random bits. Where there are none, the process and its start tell owners apart as well.
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
        assert!(!two.gone(&name), "a living owner was given up");
        // What a killed process leaves behind: the file, and no lock.
        one.lock = None;
        assert!(lock_path(&ledger, &name).exists());
        assert!(two.gone(&name));
        assert!(!lock_path(&ledger, &name).exists(), "the stale file was left behind");
        assert!(two.gone(&name), "gone is gone");
        Ok(())
    }

    #[test]
    fn a_new_owner_clears_away_what_the_dead_left() -> std::io::Result<()> {
        let home = tempfile::tempdir()?;
        let ledger = home.path().join("ledger.db");
        let mut living = Owner::new(&ledger);
        living.name();
        fs::write(lock_path(&ledger, "dead"), "")?;
        fs::write(home.path().join("other.db.run-dead"), "")?;
        let mut next = Owner::new(&ledger);
        next.name();
        assert!(!lock_path(&ledger, "dead").exists());
        // Two locks, and a stranger's file.
        assert_eq!(fs::read_dir(home.path())?.count(), 3);
        drop((living, next));
        assert_eq!(fs::read_dir(home.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn an_owner_without_a_lock_is_not_given_up_by_it() {
        let owner = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(!owner.gone("lease:0"));
        let mut unlocked = Owner::new(Path::new("/nonexistent/ledger.db"));
        assert!(unlocked.name().starts_with(UNLOCKED));
    }
}
