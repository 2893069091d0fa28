//! Ctrl-C, and the signal to terminate.

use anyhow::Context as _;

use super::exit::Exit;
use crate::meter::CancelFlag;

/// The first signal asks the run to end, and it still reports what it has; the second ends it. Nothing is lost by that:
/// what a run owes is in the ledger before it acts.
pub(super) fn listen() -> anyhow::Result<CancelFlag> {
    let cancel = CancelFlag::default();
    let asked = cancel.clone();
    ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        asked.cancel();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}
