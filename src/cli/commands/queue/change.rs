//! `stanch queue withdraw` and `requeue`: people change what is to become of tokens.

use std::collections::BTreeMap;

use anyhow::bail;
use jiff::Timestamp;

use super::selection::{self, each};
use crate::cli::args::SelectionArgs;
use crate::cli::connection::host_name;
use crate::cli::console::{Console, Terminal, can_prompt, count};
use crate::cli::decision::user_at_host;
use crate::cli::exit::Exit;
use crate::cli::run_record::RunRecord;
use crate::cli::signal;
use crate::ledger::{Ledger, LedgerError, Selection, StateChange, TokenFilter};
use crate::revocation::State;
use crate::settings::Env;
use crate::text::printable;
use crate::token::Fingerprint;

/// What is done with the tokens.
#[derive(Clone, Copy)]
struct Verb {
    /// The state they come to.
    state: State,
    /// The states it is for where none is named.
    from: &'static [State],
    /// As in "to be …".
    done: &'static str,
    question: &'static str,
}

const WITHDRAW: Verb = Verb {
    state: State::Withdrawn,
    from: &[State::Queued, State::Sent],
    done: "taken back",
    question: "Take them back? They are not sent. [y/N]",
};

const REQUEUE: Verb = Verb {
    state: State::Queued,
    from: &[State::Refused, State::Unsupported, State::Dead, State::Held, State::Own, State::Withdrawn],
    done: "queued again",
    question: "Queue them again? The next run sends them. [y/N]",
};

/// How many tokens change in one transaction: other runs wait for it.
const CHUNK: usize = 10_000;

/// The tokens that were chosen, by host: those it can be done to, and how many of the others are in which state.
#[derive(Default)]
struct Chosen {
    tokens: BTreeMap<String, Vec<Fingerprint>>,
    /// Sent without a known answer: GitHub may have them.
    sent: u64,
    /// Without a sealed text.
    forgotten: u64,
    others: BTreeMap<State, u64>,
}

impl Chosen {
    fn len(&self) -> u64 {
        self.tokens.values().map(|tokens| tokens.len() as u64).sum()
    }
}

pub(super) fn withdraw(args: &SelectionArgs, env: &Env) -> anyhow::Result<Exit> {
    run(args, WITHDRAW, env)
}

pub(super) fn requeue(args: &SelectionArgs, env: &Env) -> anyhow::Result<Exit> {
    run(args, REQUEUE, env)
}

fn run(args: &SelectionArgs, verb: Verb, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    if args.hashes.is_empty() && args.filter.is_empty() && !args.all {
        bail!(
            "nothing was chosen, and nothing was changed: name hashes, --state, --host, --kind or --older-than, or --all"
        );
    }
    if !args.consent.yes && !can_prompt() {
        bail!(
            "nobody can be asked here, and nothing was changed: --yes does it, `stanch queue list` shows the tokens"
        );
    }
    let (address, ledger) = selection::open(&args.ledger, env)?;
    let Some(mut ledger) = ledger else {
        bail!("there is no ledger at {}: nothing was changed", printable(&address.to_string()));
    };
    let chosen = choose(ledger.as_ref(), args, verb)?;
    if chosen.len() == 0 {
        tell_others(&chosen, verb, &console);
        console.info(&format!("no token to be {}: nothing was changed", verb.done));
        return Ok(if chosen.forgotten > 0 { Exit::Remaining } else { Exit::Clean });
    }
    let cancel = signal::listen()?;
    let terminal = Terminal { console: &console, cancel: &cancel };
    if !args.consent.yes && !confirmed(&chosen, verb, terminal) {
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        console.warn("declined: nothing was changed");
        return Ok(Exit::Clean);
    }
    let record = signal::at_once(|| RunRecord::start(ledger.as_mut(), Vec::new()))?;
    let exit = change(ledger.as_mut(), &chosen, verb, terminal).map(|changed| {
        console.info(&format!("{} {}", count(changed, "token"), verb.done));
        conclude(&chosen, changed, verb, terminal)
    });
    record.end(ledger.as_mut(), exit.map_err(anyhow::Error::from), &console)
}

/// The tokens that the flags choose. A hash that no token has is a mistake: nothing is changed then.
fn choose(ledger: &dyn Ledger, args: &SelectionArgs, verb: Verb) -> anyhow::Result<Chosen> {
    let host = args.filter.host.as_deref().map(|named| selection::api_base(ledger, named)).transpose()?;
    let mut filter = TokenFilter { hashes: &args.hashes, ..selection::filter(&args.filter, host.as_deref()) };
    if filter.states.is_empty() && args.hashes.is_empty() {
        filter.states = verb.from;
    }
    let mut chosen = Chosen::default();
    let mut known = vec![false; args.hashes.len()];
    each(ledger, &filter, usize::MAX, |token| {
        for (known, hash) in known.iter_mut().zip(&args.hashes) {
            *known |= hash.matches(&token.fingerprint);
        }
        if token.state == verb.state || !token.state.may_become(verb.state) {
            *chosen.others.entry(token.state).or_default() += 1;
        } else if verb.state == State::Queued && !token.has_text {
            chosen.forgotten += 1;
        } else {
            chosen.sent += u64::from(token.state == State::Sent);
            chosen.tokens.entry(token.host.clone()).or_default().push(token.fingerprint);
        }
        Ok::<(), LedgerError>(())
    })?;
    match args.hashes.iter().zip(known).find(|(_, known)| !known) {
        Some((hash, _)) => bail!(
            "no token of the ledger that was chosen has the hash {}: nothing was changed",
            hash.digits()
        ),
        None => Ok(chosen),
    }
}

fn confirmed(chosen: &Chosen, verb: Verb, terminal: Terminal<'_>) -> bool {
    let lines: Vec<String> = chosen
        .tokens
        .iter()
        .map(|(host, tokens)| {
            let host = printable(&host_name(host));
            format!("{} for {host} to be {}.", count(tokens.len() as u64, "token"), verb.done)
        })
        .collect();
    terminal.agrees(&lines, verb.question)
}

/// Changes their state, and returns how many did change: what another run has under way does not.
fn change(
    ledger: &mut dyn Ledger,
    chosen: &Chosen,
    verb: Verb,
    terminal: Terminal<'_>,
) -> Result<u64, LedgerError> {
    let reason = format!("{} by {}", verb.done, user_at_host());
    let mut changed = 0;
    for (host, tokens) in &chosen.tokens {
        for chunk in tokens.chunks(CHUNK) {
            if terminal.cancel.is_cancelled() {
                return Ok(changed);
            }
            let selection = Selection::Tokens(chunk);
            let change = StateChange { host, selection, state: verb.state, reason: &reason };
            changed += ledger.change_state(&change, &Timestamp::now)?;
        }
    }
    Ok(changed)
}

/// Tells what could not be done, and whether that is trouble.
fn conclude(chosen: &Chosen, changed: u64, verb: Verb, terminal: Terminal<'_>) -> Exit {
    let console = terminal.console;
    tell_others(chosen, verb, console);
    if verb.state == State::Withdrawn && chosen.sent > 0 {
        let sent = count(chosen.sent, "token");
        console
            .warn(&format!("{sent} had been sent without a known answer, and may be revoked all the same"));
    }
    let left = chosen.len() - changed.min(chosen.len());
    if terminal.cancel.is_cancelled() {
        console.warn(&format!("interrupted: {} not {}", count(left, "token"), verb.done));
        return Exit::Interrupted;
    }
    if left > 0 {
        let left = count(left, "token");
        console
            .warn(&format!("{left} not {}: another run has them under way, or has changed them", verb.done));
        return Exit::Trouble;
    }
    if chosen.forgotten > 0 { Exit::Remaining } else { Exit::Clean }
}

/// The chosen tokens it cannot be done to.
fn tell_others(chosen: &Chosen, verb: Verb, console: &Console) {
    for (state, number) in &chosen.others {
        console.warn(&format!("{} passed over: {state} already", count(*number, "token")));
    }
    if chosen.forgotten > 0 {
        console.warn(&format!(
            "{} not {}: the ledger does not keep the text of what was withdrawn, held back, dead or your own; scan again to \
             queue it anew",
            count(chosen.forgotten, "token"),
            verb.done
        ));
    }
}
