//! `stanch resume`: sends what earlier runs left queued.

use anyhow::Context as _;

use crate::cli::args::{ResumeArgs, RevocationArgs};
use crate::cli::connection::{self, HostConnection};
use crate::cli::console::{Console, Terminal, count};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::revoke_summary::{RevokeSummary, RunOutcome};
use crate::cli::signal;
use crate::ledger::{self, Ledger, LedgerError};
use crate::provider::{self, github::host::Host};
use crate::revocation::State;
use crate::settings::{Env, Mode, RevokeSettings};

/// Does not ask: the user agreed to what waits when it was queued.
pub(super) fn run(args: &ResumeArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    let user = args.user.load_redacted(env)?;
    let settings = RevokeSettings::resolve(&args.revocation.flags(), env, &user.revoke, &user.connection)?;
    let (host, address) = (&settings.connection.host, &settings.connection.ledger);
    warn_of_flags_without_effect(&args.revocation, &console);
    let Some(mut ledger) = ledger::open_existing(address)? else {
        console.info(&format!("nothing waits: there is no ledger at {address}"));
        return Ok(Exit::Clean);
    };
    let waiting = waiting(ledger.as_ref(), &host.api_base())?;
    if waiting == 0 {
        return nothing_waits(ledger.as_ref(), host, &console);
    }
    settings.policy.allow(waiting)?;
    if settings.mode == Mode::DryRun {
        console.info(&format!("dry run: {} would be sent to {}", count(waiting, "token"), host.label()));
        return Ok(Exit::Remaining);
    }
    let credential = connection::credential(&settings.connection, env, &console)?;
    let cancel = signal::listen()?;
    let provider = provider::with_host_flags();
    let connection = HostConnection::open(provider, &settings.connection, credential, &cancel)?;
    send(connection, ledger.as_mut(), &settings, Terminal { console: &console, cancel: &cancel })
}

fn send(
    mut connection: HostConnection,
    ledger: &mut dyn Ledger,
    settings: &RevokeSettings,
    terminal: Terminal<'_>,
) -> anyhow::Result<Exit> {
    let console = terminal.console;
    let (label, host) = (settings.connection.host.label(), connection.limits(console)?.host);
    let unsupported_before = ledger.count(&host, State::Unsupported)?;
    let outcome =
        connection.send(ledger, &settings.options, terminal).context("what waits could not all be sent")?;
    let unsupported = ledger.count(&host, State::Unsupported)?.saturating_sub(unsupported_before);
    let outcome = RunOutcome::Sent { ledger: ledger.description(), outcome: Box::new(outcome) };
    let summary = RevokeSummary::new(label, 0, outcome);
    summary.print(console);
    if unsupported > 0 {
        console.warn(&format!("{} set aside: {label} does not take their kind", count(unsupported, "token")));
    }
    let status = RunStatus {
        interrupted: terminal.cancel.is_cancelled(),
        remaining: summary.remaining() || unsupported > 0,
        ..RunStatus::default()
    };
    Ok(Exit::of(status, 0))
}

fn warn_of_flags_without_effect(args: &RevocationArgs, console: &Console) {
    for (given, name) in
        [(args.allow_own, "--allow-own"), (args.revoke_confidence.is_some(), "--revoke-confidence")]
    {
        if given {
            console.warn(&format!(
                "{name} changes nothing here: what is held back is not kept; scan again to send it"
            ));
        }
    }
}

fn waiting(ledger: &dyn Ledger, host: &str) -> Result<u64, LedgerError> {
    Ok(ledger.count(host, State::Queued)? + ledger.count(host, State::Sent)?)
}

/// Reports that nothing waits for the host, and how much waits for others.
fn nothing_waits(ledger: &dyn Ledger, host: &Host, console: &Console) -> anyhow::Result<Exit> {
    console.info(&format!("nothing waits for {}", host.label()));
    for other in ledger.hosts()? {
        let waiting = waiting(ledger, &other.host)?;
        if waiting > 0 {
            let tokens = count(waiting, "token");
            console.warn(&format!(
                "{tokens} for {} in the same ledger: name it with --host or --api-url",
                other.host
            ));
        }
    }
    Ok(Exit::Clean)
}
