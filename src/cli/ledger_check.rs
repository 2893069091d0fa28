//! What would end a revoking run at its ledger, found before anything is scanned.

use anyhow::bail;

use super::console::Console;
use super::left_waiting::{self, LeftWaiting};
use crate::ledger;
use crate::revoke::Wait;
use crate::settings::{Mode, RevokeSettings};

/// Finds out whether the ledger can be used as the run needs it. A dry run writes nothing and needs no key, and is told what
/// would end another.
pub(super) fn check(settings: &RevokeSettings, console: &Console) -> anyhow::Result<()> {
    let address = &settings.connection.ledger;
    let refused = |error: ledger::LedgerError| left_waiting::refused(error.into(), &settings.connection);
    if settings.mode != Mode::DryRun {
        ledger::check_writable(address).map_err(refused)?;
        // What a run was asked to send and cannot open is not to be queued in its place.
        if address.is_shared() && !settings.enqueue_only {
            let host = settings.connection.host.api_base();
            ledger::open(address).and_then(|ledger| ledger.opener(&host).map(drop)).map_err(refused)?;
        }
        // What waits on this machine goes first, when it is known what of it may.
        ledger::spooled_tokens(address).map_err(refused)?;
        return Ok(());
    }
    let would_be_refused = |error| console.warn(&format!("without --dry-run this would be refused: {error}"));
    if address.is_intake() {
        if let Err(error) = ledger::check_writable(address) {
            would_be_refused(error);
        }
        return Ok(());
    }
    let Some(ledger) = ledger::open_existing(address)? else { return Ok(()) };
    // Who queues needs no key that opens what waits.
    if settings.enqueue_only {
        return Ok(());
    }
    for waiting in LeftWaiting::read(ledger.as_ref(), &settings.connection)? {
        if let Err(error) = ledger.opener(&waiting.host) {
            would_be_refused(error);
            break;
        }
    }
    Ok(())
}

/// What is asked of hosts is asked by who sends. To wait for a quota that is not used is only said to be in vain: one command
/// line may serve runs of both kinds.
pub(super) fn check_flags(settings: &RevokeSettings, console: &Console) -> anyhow::Result<()> {
    if !settings.enqueue_only {
        return Ok(());
    }
    let why = if settings.connection.ledger.is_intake() {
        "tokens are handed over to an intake"
    } else {
        "tokens are only queued (--enqueue-only)"
    };
    let options = &settings.options;
    if options.wait != Wait::No {
        console.warn(&format!("--wait changes nothing here: {why}"));
    }
    match [("--verify", options.verify), ("--confirm", options.confirm)].iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            bail!("{flag} is for runs that send, and here {why}: nothing was looked at, nothing was queued")
        }
        None => Ok(()),
    }
}
