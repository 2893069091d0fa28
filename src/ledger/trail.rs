//! Reading a ledger's audit trail: all of it in order, and whether its hash chain holds.

use super::Ledger;
use super::audit::{BrokenTrail, Head, Verifier};
use super::error::LedgerError;

/// How many records are read at a time: a long export must not lock out those who write.
const TRAIL_PAGE: usize = 256;

/// Calls `visit` with every record of the trail as a JSON line, oldest first.
///
/// # Errors
/// The first error of the ledger or of `visit`, which ends the export.
pub fn export<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = 0;
    loop {
        let page = ledger.trail(after, TRAIL_PAGE)?;
        for line in &page {
            visit(line)?;
            after += 1;
        }
        if page.len() < TRAIL_PAGE {
            return Ok(());
        }
    }
}

/// Why a trail could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Its hash chain does not hold.
    #[error(transparent)]
    Broken(#[from] BrokenTrail),
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Checks the whole trail: every hash, every link, and that nothing is missing at its end. Returns the last record.
///
/// # Errors
/// [`TrailError::Broken`] names the first record that does not hold.
pub fn verify(ledger: &dyn Ledger) -> Result<Head, TrailError> {
    // Read first: records that other processes append meanwhile come after it.
    let head = ledger.head()?;
    let mut verifier = Verifier::default();
    export(ledger, |line| {
        if verifier.head().seq == head.seq {
            verifier.ends_at(&head)?;
        }
        Ok::<(), TrailError>(verifier.check(line)?)
    })?;
    if verifier.head().seq <= head.seq {
        verifier.ends_at(&head)?;
    }
    Ok(verifier.head().clone())
}
