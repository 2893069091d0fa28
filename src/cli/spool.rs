//! Tokens that wait on this machine for an intake that was away when they were found.

use std::io::Write;

use anyhow::bail;
use jiff::Timestamp;
use serde_json::json;

use super::args::StatusFormat;
use super::console::{Console, count};
use super::exit::Exit;
use super::stdout::stdout;
use crate::ledger::{self, Delivery, LedgerAddress, LedgerError, SpoolStatus};
use crate::settings::Mode;
use crate::text::printable;

/// Hands over what waits, before a run that would add to it: nothing where the ledger is no intake.
pub(super) fn deliver(address: &LedgerAddress, console: &Console) -> Result<Delivery, LedgerError> {
    let delivery = ledger::deliver(address, &Timestamp::now)?;
    if delivery.delivered > 0 {
        let (tokens, intake) = (count(delivery.delivered, "token"), printable(&address.to_string()));
        console.info(&format!("{tokens} of an earlier run delivered to {intake}"));
    }
    if delivery.refused > 0 {
        let tokens = count(delivery.refused, "token");
        console.warn(&format!(
            "{tokens} of an earlier run not taken by the intake ({}): scan again to queue them anew",
            printable(&delivery.reasons)
        ));
    }
    Ok(delivery)
}

/// `stanch resume` with an intake: hands over what waits on this machine, and sends nothing to any host.
pub(super) fn resume(address: &LedgerAddress, mode: Mode, console: &Console) -> anyhow::Result<Exit> {
    let intake = printable(&address.to_string());
    let waiting = status_of(address)?.tokens;
    if waiting == 0 {
        console.info(&format!("nothing waits on this machine for {intake}"));
        return Ok(Exit::Clean);
    }
    if mode == Mode::DryRun {
        console.info(&format!("dry run: {} would be delivered to {intake}", count(waiting, "token")));
        return Ok(Exit::Remaining);
    }
    let delivery = match deliver(address, console) {
        Ok(delivery) => delivery,
        Err(source) => {
            return Err(super::error::StillWaiting { tokens: waiting, source: source.into() }.into());
        }
    };
    if delivery.left > 0 {
        let why = delivery.why.unwrap_or_default();
        console.warn(&format!(
            "{} still on this machine: {intake} cannot be reached ({}); run the same command again",
            count(delivery.left, "token"),
            printable(&why)
        ));
    }
    Ok(if delivery.left + delivery.refused > 0 { Exit::Remaining } else { Exit::Clean })
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
