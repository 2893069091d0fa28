//! Whether the file system that a ledger is on has room for it.

use std::path::Path;

use crate::ledger::error::LedgerError;

/// With less than this, not even a small queue and its journal fit.
const LEAST_FREE: u64 = 1 << 20;

/// Refuses a ledger on a file system that is full. `path` is the ledger's, which need not exist.
pub(super) fn check(path: &Path) -> Result<(), LedgerError> {
    let room = path.ancestors().skip(1).find_map(|directory| {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        free_bytes(directory)
    });
    refuse_full(path, room)
}

/// Where nobody knows how much is free, the first write shows it.
fn refuse_full(path: &Path, free: Option<u64>) -> Result<(), LedgerError> {
    match free {
        Some(free) if free < LEAST_FREE => Err(LedgerError::Full { ledger: path.display().to_string() }),
        _ => Ok(()),
    }
}

/// How much an ordinary user may still write below a directory, in bytes: statvfs(3). File systems without a size of their
/// own say 0 of 0.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "the counts have 32 bits on some systems")]
fn free_bytes(directory: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(directory).ok()?;
    (found.blocks() > 0)
        .then(|| u64::from(found.blocks_available()).saturating_mul(u64::from(found.fragment_size())))
}

/// Here it is not known.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_system_is_refused_and_an_unknown_one_is_not() {
        let path = Path::new("ledger.db");
        for (free, allowed) in
            [(Some(0), false), (Some(LEAST_FREE - 1), false), (Some(LEAST_FREE), true), (None, true)]
        {
            assert_eq!(refuse_full(path, free).is_ok(), allowed, "{free:?}");
        }
        let full = refuse_full(path, Some(0)).expect_err("full").to_string();
        assert!(full.contains("no space is left for the ledger ledger.db"), "{full}");
    }

    #[cfg(unix)]
    #[test]
    fn the_nearest_directory_that_exists_is_asked() {
        let home = tempfile::tempdir().expect("a directory");
        assert!(free_bytes(home.path()).is_some_and(|free| free > 0));
        assert!(free_bytes(&home.path().join("missing")).is_none());
        check(&home.path().join("a/b/ledger.db")).expect("room");
    }
}
