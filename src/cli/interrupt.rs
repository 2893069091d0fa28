//! Ctrl-C, and the signal to terminate.

use anyhow::Context as _;

use super::exit::Exit;
use crate::pace::Stop;
use crate::scan::Meter;

/// The first signal asks the run to end, and it still reports what it has; the second ends it. Nothing is lost by that:
/// what a run owes is in the ledger before it acts.
pub(super) fn listen(meter: &Meter) -> anyhow::Result<Stop> {
    let (meter, stop) = (meter.clone(), Stop::default());
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.asked() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        asked.ask();
        meter.stop();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}
