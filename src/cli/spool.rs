//! Tokens that wait on this machine for an intake that was away when they were found.

use std::collections::HashSet;
use std::io::Write;

use anyhow::bail;
use jiff::Timestamp;
use serde_json::json;

use super::args::StatusFormat;
use super::console::{Console, count};
use super::exit::Exit;
use super::own_credentials::own_credentials;
use super::queue_review::ReviewContext;
use super::spool_review::SpoolReview;
use super::stdout::stdout;
use crate::ledger::{self, Delivery, LedgerAddress, SpoolStatus};
use crate::settings::{Env, Mode, RevokeSettings};
use crate::suppress::Suppressions;
use crate::text::printable;

/// Hands over what waits and may leave, before what a run adds to it, and takes out the rest; nothing where the ledger is no
/// intake. Returns how many of those tokens are not known to be revoked, for all that: an error is told, and costs nobody a
/// report.
pub(super) fn deliver(address: &LedgerAddress, review: &SpoolReview, console: &Console) -> u64 {
    let intake = printable(&address.to_string());
    let delivery = match ledger::deliver(address, &review.kept_back(), &Timestamp::now) {
        Ok(delivery) => delivery,
        Err(error) => {
            super::console::error(&super::error::message(&error.into()));
            return review.tokens_besides(&HashSet::new()).max(1);
        }
    };
    let Delivery { delivered, refused, left, kept_back, unsettled, .. } = delivery;
    if kept_back > 0 {
        let tokens = count(kept_back, "token");
        console.warn(&format!(
            "{tokens} of an earlier run taken out of what waits for {intake}: suppressed since, or this machine's own"
        ));
    }
    if delivered > 0 {
        let (tokens, open) =
            (count(delivered, "token"), if unsettled { ", which has yet to send them" } else { "" });
        console.info(&format!("{tokens} of an earlier run delivered to {intake}{open}"));
    }
    if refused > 0 {
        let tokens = count(refused, "token");
        console.warn(&format!(
            "{tokens} of an earlier run not taken by the intake ({}): scan again to queue them anew",
            printable(&delivery.reasons)
        ));
    }
    if left > 0 {
        let (tokens, why) = (count(left, "token"), delivery.why.unwrap_or_default());
        console.warn(&format!(
            "{tokens} still on this machine: {intake} cannot be reached ({}); run the same command again",
            printable(&why)
        ));
    }
    left + refused + review.own_elsewhere + if unsettled { delivered } else { 0 }
}

/// `stanch resume` with an intake: hands over what waits on this machine, and sends nothing to any host.
pub(super) fn resume(
    settings: &RevokeSettings,
    suppressions: &Suppressions,
    env: &Env,
    console: &Console,
) -> anyhow::Result<Exit> {
    let address = &settings.connection.ledger;
    let intake = printable(&address.to_string());
    let status = status_of(address)?;
    if status.tokens == 0 {
        console.info(&format!("nothing waits on this machine for {intake}"));
        return Ok(Exit::Clean);
    }
    let own = own_credentials(env, &[], None, console);
    let context =
        ReviewContext { suppressions, own: &own, policy: &settings.policy, findings: &[], by_hash: false };
    let review = SpoolReview::read(address, &context)?;
    let waiting = review.tokens_besides(&HashSet::new());
    if let Err(too_many) = settings.policy.allow(0, waiting) {
        super::console::error(&too_many.to_string());
        return Ok(Exit::Remaining);
    }
    if settings.mode == Mode::DryRun {
        console.info(&format!("dry run: {} would be delivered to {intake}", count(waiting, "token")));
        return Ok(Exit::Remaining);
    }
    Ok(if deliver(address, &review, console) > 0 { Exit::Remaining } else { Exit::Clean })
}

/// `stanch status` with an intake: what waits on this machine for it. Its own queue is its operator's to look at.
pub(super) fn status(address: &LedgerAddress, format: StatusFormat) -> anyhow::Result<Exit> {
    let SpoolStatus { directory, tokens, refused } = status_of(address)?;
    let (intake, directory) = (address.to_string(), directory.display().to_string());
    let mut out = stdout();
    match format {
        StatusFormat::Json => {
            let status = json!({
                "ledger": intake, "spooled": tokens, "spool_refused": refused, "spool_directory": directory,
            });
            writeln!(out, "{status}")?;
        }
        StatusFormat::Pretty => {
            writeln!(out, "ledger       {}", printable(&intake))?;
            writeln!(out, "spooled      {}", count(tokens, "token"))?;
            if tokens + refused > 0 {
                writeln!(out, "spool        {}", printable(&directory))?;
            }
            if refused > 0 {
                writeln!(out, "not taken    {}: scan again to queue them anew", count(refused, "token"))?;
            }
            writeln!(out, "queue        `stanch status` tells of it where the intake keeps its ledger")?;
        }
    }
    Ok(Exit::Clean)
}

fn status_of(address: &LedgerAddress) -> anyhow::Result<SpoolStatus> {
    match ledger::spool_status(address)? {
        Some(status) => Ok(status),
        None => bail!("{} is no intake", printable(&address.to_string())),
    }
}
