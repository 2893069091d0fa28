//! Ctrl-C, and the signal to terminate.

use anyhow::Context as _;

use super::exit::Exit;
use crate::meter::CancelFlag;

/// The first signal asks the run to end, and it still reports what it has; the second ends the process. Nothing is lost
/// by that: the ledger has every request before it is sent.
pub(super) fn listen() -> anyhow::Result<CancelFlag> {
    let cancel = CancelFlag::default();
    let flag = cancel.clone();
    ctrlc::set_handler(move || {
        if flag.is_cancelled() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        flag.cancel();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}
