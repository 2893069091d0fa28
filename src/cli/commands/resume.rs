//! `stanch resume`: sends what earlier runs left queued.

mod queues;

use self::queues::{HostQueue, Queues};
use crate::cli::args::{ResumeArgs, RevocationArgs};
use crate::cli::connection::HostConnection;
use crate::cli::console::{self, Console, Terminal, count};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::left_waiting::LeftWaiting;
use crate::cli::revoke_summary::{RevokeSummary, SummaryHost};
use crate::cli::run_outcome::RunOutcome;
use crate::cli::{error, plan, signal};
use crate::ledger::{self, Ledger};
use crate::policy::Impact;
use crate::revocation::State;
use crate::settings::{Env, Mode, RevokeSettings};
use crate::suppress::Suppressions;

/// Does not ask: the user agreed to what waits when it was queued. What was suppressed since, or is this machine's own by
/// now, is taken out of the queue first.
pub(super) fn run(args: &ResumeArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    let mut user = args.user.load_redacted(env)?;
    let flags = args.revocation.flags();
    let settings = RevokeSettings::resolve(&flags, env, &user.revoke, &user.connection)?;
    let address = &settings.connection.ledger;
    warn_of_flags_without_effect(&args.revocation, &console);
    let Some(mut ledger) = ledger::open_existing(address)? else {
        console.info(&format!("nothing waits: there is no ledger at {address}"));
        return Ok(Exit::Clean);
    };
    let allowlists = std::mem::take(&mut user.allowlists);
    let suppressions = Suppressions { allowlists, ..Suppressions::default() };
    let is_named = flags.connection.host.is_some() || flags.connection.api_url.is_some();
    let queues =
        Queues { ledger: ledger.as_ref(), settings: &settings, is_named, suppressions: &suppressions };
    let queues = queues.read(env, &console)?;
    let waiting = queues.iter().map(|queue| queue.review.tokens()).sum();
    let base = settings.connection.host.api_base();
    let left = LeftWaiting::read(ledger.as_ref(), &settings.connection)?;
    if !left.iter().any(|left| !is_named || left.host == base) {
        let host = if is_named { settings.connection.host.label() } else { "any host" };
        console.info(&format!("nothing waits for {host}"));
    }
    if let Err(too_many) = settings.policy.allow(0, waiting) {
        console::error(&too_many.to_string());
        return Ok(Exit::Remaining);
    }
    if settings.mode == Mode::DryRun {
        print_plan(&queues, &console);
        let is_told =
            |left: &LeftWaiting| queues.iter().any(|queue| queue.connection.host.api_base() == left.host);
        return end(ledger.as_ref(), &settings, &console, (RunStatus::default(), &is_told));
    }
    let cancel = signal::listen()?;
    let (mut status, mut summaries) = (RunStatus::default(), Vec::new());
    for queue in queues {
        if cancel.is_cancelled() {
            break;
        }
        match drain(queue, ledger.as_mut(), &settings, &Terminal { console: &console, cancel: &cancel }) {
            Ok((summary, unsupported)) => {
                status.remaining |= summary.remaining() || unsupported > 0;
                status.trouble |= summary.failed();
                summaries.push(summary);
            }
            // What waits at other hosts is no worse for it.
            Err(error) => {
                console::error(&error::message(&error));
                status.trouble = true;
            }
        }
    }
    status.interrupted = cancel.is_cancelled();
    let is_told = |left: &LeftWaiting| summaries.iter().any(|summary| summary.tells_of(left));
    end(ledger.as_ref(), &settings, &console, (status, &is_told))
}

/// What would be sent, and what would not.
fn print_plan(queues: &[HostQueue], console: &Console) {
    for HostQueue { connection, review, .. } in queues {
        let host = connection.host.label();
        if review.tokens() > 0 {
            let impact = Impact::of_queue(review.waiting.clone());
            console.info(&format!("dry run: {} would be sent to {host}", count(impact.tokens(), "token")));
            console.info(&plan::headline(&impact, host));
        }
        for (tokens, why) in
            [(review.suppressed_elsewhere, "suppressed"), (review.own_elsewhere, "this machine's own")]
        {
            if tokens > 0 {
                console.warn(&format!("{} {why}: would not be sent to {host}", count(tokens, "token")));
            }
        }
    }
}

/// Takes out of a queue what does not leave, and sends the rest. Returns, beside the summary, how many turned out to be
/// of a kind that the host does not take.
fn drain(
    queue: HostQueue,
    ledger: &mut dyn Ledger,
    settings: &RevokeSettings,
    terminal: &Terminal<'_>,
) -> anyhow::Result<(RevokeSummary, u64)> {
    let HostQueue { connection, credential, review } = queue;
    let base = connection.host.api_base();
    review.withdraw(ledger, &base)?;
    let label = connection.host.label();
    let unsupported_before = ledger.count(&base, State::Unsupported)?;
    let outcome = if review.tokens() == 0 {
        RunOutcome::NothingToDo
    } else {
        let mut host = HostConnection::open(&connection, credential)?;
        host.limits(terminal.console)?;
        RunOutcome::of(ledger.description(), host.send(ledger, &settings.options, *terminal))
    };
    let summary = RevokeSummary::new(SummaryHost::of(&connection), review.suppressed_elsewhere, outcome);
    let summary = summary.with_own(review.own_elsewhere);
    summary.print(terminal.console);
    let unsupported = ledger.count(&base, State::Unsupported)?.saturating_sub(unsupported_before);
    if unsupported > 0 {
        let tokens = count(unsupported, "token");
        terminal.console.warn(&format!("{tokens} set aside: {label} does not take their kind"));
    }
    Ok((summary, unsupported))
}

/// Says what waits anywhere after the run, unless that was told, and decides on the exit code.
fn end(
    ledger: &dyn Ledger,
    settings: &RevokeSettings,
    console: &Console,
    (status, is_told): (RunStatus, &dyn Fn(&LeftWaiting) -> bool),
) -> anyhow::Result<Exit> {
    let left = LeftWaiting::read(ledger, &settings.connection)?;
    for left in left.iter().filter(|left| !is_told(left)) {
        left.print(console);
    }
    let remaining = status.remaining || !left.is_empty();
    Ok(Exit::of(RunStatus { remaining, ..status }, 0))
}

fn warn_of_flags_without_effect(args: &RevocationArgs, console: &Console) {
    if args.revoke_confidence.is_some() {
        console.warn(
            "--revoke-confidence changes nothing here: what is held back is not kept; scan again to send it",
        );
    }
}
