//! What is told of asking whether tokens live.

use super::console::{Console, count};
use crate::revoke;

/// What `--verify` and `--confirm` could not show, or showed to be alive.
pub(super) fn print(outcome: &revoke::RunOutcome, host: &str, console: &Console) {
    if outcome.still_alive > 0 {
        let tokens = count(outcome.still_alive, "token");
        let work = if outcome.still_alive == 1 { "works" } else { "work" };
        console.warn(&format!(
            "{tokens} still {work}: {host} accepted them, and they were alive when --confirm asked last; revoke them by \
             hand if that stays so"
        ));
    }
    for (tokens, what) in [
        (outcome.unverified, "--verify could not learn whether they live, and they go unasked"),
        (outcome.unconfirmed, "accepted, but --confirm could not learn whether they are dead"),
    ] {
        if tokens > 0 {
            console.warn(&format!("{}: {what}", count(tokens, "token")));
        }
    }
}
