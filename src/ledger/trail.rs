//! Reading a ledger's audit trail: all of it in order, and whether its hash chain holds.

use super::Ledger;
use super::audit::{BrokenTrail, Head, Verifier};
use super::error::LedgerError;

/// How many records are read at a time: a long export must not lock out those who write.
const TRAIL_PAGE: usize = 256;

/// Calls `visit` with every record of the trail as a JSON line, oldest first.
///
/// # Errors
/// As [`export_since`].
pub fn export<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    export_since(ledger, 0, visit)
}

/// Calls `visit` with every record of the trail behind number `since` as a JSON line, oldest first.
///
/// # Errors
/// The first error of the ledger or of `visit`, which ends the export.
pub fn export_since<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    since: u64,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = since;
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
    /// It is not the trail that somebody noted the head of.
    #[error(
        "the audit trail does not hold record {expected}: {found}. Records were taken out or written anew since that head was \
         noted; look for a copy of the ledger, and do not trust this one"
    )]
    NotExpected {
        /// The head that was noted.
        expected: Head,
        /// What is there instead.
        found: String,
    },
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Checks the whole trail: every hash, every link, and that nothing is missing at its end. Returns the last record.
///
/// # Errors
/// [`TrailError::Broken`] names the first record that does not hold.
pub fn verify(ledger: &dyn Ledger) -> Result<Head, TrailError> {
    verify_with(ledger, None)
}

/// Checks the whole trail: every hash, every link, that nothing is missing at its end, and that it holds the record that was
/// its head once, where one is `expected`. Returns the last record.
///
/// # Errors
/// As [`verify`], and [`TrailError::NotExpected`].
pub fn verify_with(ledger: &dyn Ledger, expected: Option<&Head>) -> Result<Head, TrailError> {
    // Read first: records that other processes append meanwhile come after it.
    let head = match ledger.head() {
        Ok(head) => head,
        Err(error) => return Err(first_broken(ledger, error)),
    };
    let mut verifier = Verifier::default();
    export(ledger, |line| {
        if verifier.head().seq == head.seq {
            verifier.ends_at(&head)?;
        }
        verifier.check(line)?;
        expected.map_or(Ok(()), |expected| still_there(verifier.head(), expected))
    })?;
    if verifier.head().seq <= head.seq {
        verifier.ends_at(&head)?;
    }
    match expected {
        Some(expected) if expected.seq > verifier.head().seq => {
            let found = format!("it ends with record {}", verifier.head().seq);
            Err(TrailError::NotExpected { expected: expected.clone(), found })
        }
        _ => Ok(verifier.head().clone()),
    }
}

/// Where a trail that does not end with its head breaks: inside, or at its end.
fn first_broken(ledger: &dyn Ledger, error: LedgerError) -> TrailError {
    let mut verifier = Verifier::default();
    match export(ledger, |line| verifier.check(line).map_err(TrailError::from)) {
        Ok(()) if matches!(error, LedgerError::Damaged { .. }) => verifier.no_end().into(),
        Ok(()) => error.into(),
        Err(broken) => broken,
    }
}

/// A trail whose every record was written anew holds in itself: only a head that was noted elsewhere tells.
fn still_there(head: &Head, expected: &Head) -> Result<(), TrailError> {
    if head.seq != expected.seq || head.hash == expected.hash {
        return Ok(());
    }
    let found = format!("that record has the hash {}", head.hash);
    Err(TrailError::NotExpected { expected: expected.clone(), found })
}
