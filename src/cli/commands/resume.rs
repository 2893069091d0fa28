//! `stanch resume`: what earlier runs left queued.

use anyhow::Context as _;

use crate::cli::args::ResumeArgs;
use crate::cli::console::{Console, count};
use crate::cli::exit::{self, Exit};
use crate::cli::revoke_summary::RevokeSummary;
use crate::cli::{revoke_session, signal};
use crate::ledger::{Ledger as _, LedgerError, SqliteLedger};
use crate::provider::github::host::Host;
use crate::provider::{self, github};
use crate::revocation::State;

/// Nobody is asked: what waits was said yes to when it was queued.
pub(super) fn run(args: &ResumeArgs) -> anyhow::Result<Exit> {
    let (given, console) = (&args.revocation, args.console.console());
    let flags = &given.clone().or(&args.user.revocation()?);
    let place = &flags.reach.place;
    let host = place.host()?;
    let path = place.ledger()?;
    for (given, name) in
        [(given.allow_own, "--allow-own"), (given.revoke_confidence.is_some(), "--revoke-confidence")]
    {
        if given {
            console.warn(&format!(
                "{name} changes nothing here: what is held back is not kept; scan again to send it"
            ));
        }
    }
    let Some(mut ledger) = SqliteLedger::open_existing(&path)? else {
        console.say(&format!("nothing waits: there is no ledger at {}", path.display()));
        return Ok(Exit::Clean);
    };
    let waiting = waiting(&ledger, &host.api_host())?;
    if waiting == 0 {
        return nothing_waits(&ledger, &host, &console);
    }
    flags.policy().allow(waiting)?;
    if flags.dry_run {
        console.say(&format!("dry run: {} would be sent to {}", count(waiting, "token"), host.label()));
        return Ok(Exit::Remaining);
    }
    let label = host.label().to_owned();
    let credential = place.credential(&host)?;
    if let Some(warning) = credential.as_ref().and_then(|credential| credential.warning.as_deref()) {
        console.warn(warning);
    }
    let token = credential.map(|credential| credential.token);
    let mut revoker = provider::connect(&github::PROVIDER, flags.reach.connection(host, token))?;
    let cancel = signal::listen()?;
    if let Some(note) = revoker.prepare()? {
        console.warn(&note);
    }
    let set_aside = ledger.count(&revoker.limits().host, State::Unsupported)?;
    let outcome = revoke_session::send(&mut ledger, &*revoker, &flags.options(), (&console, &cancel))
        .context("what waits could not all be sent")?;
    let set_aside = ledger.count(&revoker.limits().host, State::Unsupported)?.saturating_sub(set_aside);
    let after = RevokeSummary::of_queue(&label, outcome, path);
    after.tell(&console);
    if set_aside > 0 {
        console.warn(&format!("{} set aside: {label} does not take their kind", count(set_aside, "token")));
    }
    let outcome = exit::Outcome {
        interrupted: cancel.is_cancelled(),
        remaining: after.remaining() || set_aside > 0,
        ..exit::Outcome::default()
    };
    Ok(Exit::of(outcome, 0))
}

fn waiting(ledger: &SqliteLedger, host: &str) -> Result<u64, LedgerError> {
    Ok(ledger.count(host, State::Queued)? + ledger.count(host, State::Sent)?)
}

/// Says so, and where something waits.
fn nothing_waits(ledger: &SqliteLedger, host: &Host, console: &Console) -> anyhow::Result<Exit> {
    console.say(&format!("nothing waits for {}", host.label()));
    for party in ledger.hosts()? {
        let others = waiting(ledger, &party.host)?;
        if others > 0 {
            let tokens = count(others, "token");
            console.warn(&format!(
                "{tokens} for {} in the same ledger: name it with --host or --api-url",
                party.host
            ));
        }
    }
    Ok(Exit::Clean)
}
