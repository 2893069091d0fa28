//! A consistent copy of a ledger, with its key.

use std::fs;
use std::path::Path;

use super::{SqliteLedger, files, keys};
use crate::ledger::audit::Head;
use crate::ledger::error::{FileError, LedgerError};
use crate::ledger::paths;

/// Copies the ledger to a file that is not there yet. The copy is made under another name and renamed when it is whole, its
/// key before it: a crash leaves no ledger without a key.
pub(super) fn copy(ledger: &SqliteLedger, to: &Path) -> Result<Head, LedgerError> {
    for path in [to.to_path_buf(), files::key_path(to)] {
        if fs::symlink_metadata(&path).is_ok() {
            return Err(FileError::Exists { path }.into());
        }
    }
    keys::sealing_key(&ledger.db, &ledger.path)?;
    let draft = paths::beside(to, ".partial");
    files::remove(&draft)?;
    let draft = files::prepare(&draft)?;
    // <https://www.sqlite.org/lang_vacuum.html#vacuuminto>: one read transaction, into a file that is empty.
    ledger.read(|db| db.execute("VACUUM INTO ?1", [draft.to_string_lossy()]))?;
    files::copy_key(&ledger.path, to)?;
    files::publish(&draft, to)?;
    let copied = SqliteLedger::open_existing(to)?;
    copied.map_or(Ok(Head::default()), |copied| super::Ledger::head(&copied))
}
