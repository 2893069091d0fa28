//! Moving a ledger to another backend: a laptop's queue to the server that a fleet shares, or back.
//!
//! # Why it may be interrupted anywhere, and run twice
//!
//! Tokens go over a page at a time, those that wait sealed anew for the target. A page is first committed there, and only then
//! taken back in the source: a crash in between leaves it waiting in both, and the next run takes it back. What is known in
//! either is believed: a token accepted in one is accepted in the other, and nothing that waits in the target is changed by what
//! was set aside in the source. A token in flight in the source counts as sent without an answer; it is not taken back, and the
//! next run asks again what became of it.
//!
//! The source's requests of the last hour count in the target, too, each for as long as it does in the source.

use sha2::{Digest as _, Sha256};

use super::address::LedgerAddress;
use super::audit::{Event, Head};
use super::carried::{CarriedToken, Counted, Portable, Shipment};
use super::change::{Selection, StateChange};
use super::decision::Decision;
use super::error::LedgerError;
use super::host::HostEntry;
use super::postgres::PostgresLedger;
use super::sqlite::SqliteLedger;
use super::time::Now;
use crate::revocation::State;
use crate::token::Fingerprint;

/// How many tokens go over in one transaction.
const PAGE: usize = 1000;

/// How a ledger is to be moved.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Who moves it, in which run.
    pub decision: Decision,
    /// What waits stays in the source as well.
    pub keep: bool,
}

/// What moving a ledger came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// How many tokens the source has.
    pub tokens: u64,
    /// How many of them the target did not know, or knew less of.
    pub taken_in: u64,
    /// How many waited in the source, and wait there no more.
    pub moved: u64,
    /// How many are in flight in the source: what becomes of them, another run finds out.
    pub in_flight: u64,
    /// How many could not be opened with the source's key: they are `held` in the target.
    pub unopenable: u64,
    /// How many requests of the source's last hour count in the target as well.
    pub requests: u64,
    /// For how many identities no request leaves the target, because the server asked the source for patience.
    pub held: u64,
    /// The end of the source's trail, as the target's names it.
    pub head: Head,
}

/// What became of [`copy`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Copied {
    /// There is no ledger at the address.
    Nothing,
    /// A file and its key are at another path as well; the end of its trail.
    File(Head),
    /// What one backend knew, another one knows.
    Moved(Transferred),
}

/// Copies the ledger at one address, if there is one, and its key to another file, or moves what it knows to another backend.
///
/// # Errors
/// As [`open`](super::open); [`FileError::Exists`](super::FileError::Exists) where a file is to be copied to something that is
/// there already; [`LedgerError::IntakeOnly`] where either is an intake; [`LedgerError::SameLedger`] where both are one ledger, by
/// whatever names. What was moved before an error stays so, and the same
/// call goes on with the rest.
pub fn copy(
    from: &LedgerAddress,
    to: &LedgerAddress,
    options: &TransferOptions,
    now: Now<'_>,
) -> Result<Copied, LedgerError> {
    if let (LedgerAddress::Sqlite(from), LedgerAddress::Sqlite(to)) = (from, to) {
        let Some(from) = SqliteLedger::open_existing(from)? else { return Ok(Copied::Nothing) };
        return from.copy(to).map(Copied::File);
    }
    let Some(mut from) = source(from)? else { return Ok(Copied::Nothing) };
    let mut to: Box<dyn Portable> = match to {
        LedgerAddress::Sqlite(path) => Box::new(SqliteLedger::open(path)?),
        LedgerAddress::Postgres(address) => Box::new(PostgresLedger::open(address)?),
        LedgerAddress::Intake(_) => return Err(no_copy(to)),
    };
    transfer(from.as_mut(), to.as_mut(), options, now).map(Copied::Moved)
}

fn source(from: &LedgerAddress) -> Result<Option<Box<dyn Portable>>, LedgerError> {
    Ok(match from {
        LedgerAddress::Sqlite(path) => {
            SqliteLedger::open_existing(path)?.map(|ledger| Box::new(ledger) as Box<dyn Portable>)
        }
        LedgerAddress::Postgres(address) => Some(Box::new(PostgresLedger::open(address)?)),
        LedgerAddress::Intake(_) => return Err(no_copy(from)),
    })
}

fn no_copy(intake: &LedgerAddress) -> LedgerError {
    LedgerError::IntakeOnly { ledger: intake.to_string(), action: "copy it" }
}

/// Moves all that `from` knows to `to`.
fn transfer(
    from: &mut dyn Portable,
    to: &mut dyn Portable,
    options: &TransferOptions,
    now: Now<'_>,
) -> Result<Transferred, LedgerError> {
    let source = from.instance()?;
    if source == to.instance()? {
        return Err(LedgerError::SameLedger { from: from.description(), to: to.description() });
    }
    // As long as any other name of an owner, and tells nothing of paths.
    let source = Fingerprint(Sha256::digest(source.as_bytes()).into()).hex();
    let hosts = from.hosts()?;
    for entry in &hosts {
        from.mend(&entry.host, now)?;
        from.take_over(&entry.host, now)?;
    }
    let mut done = Transferred { head: end_of_trail(from, now)?, ..Transferred::default() };
    carry_quotas(from, to, (&hosts, &source), (&mut done, now))?;
    let mut after = 0;
    loop {
        let page = from.carried(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.number;
        done.tokens += page.len() as u64;
        for entry in &hosts {
            let of_host: Vec<CarriedToken> =
                page.iter().filter(|token| token.host == entry.host).cloned().collect();
            if !of_host.is_empty() {
                ship(from, to, (entry, of_host), options, (&mut done, now))?;
            }
        }
    }
    // What left meanwhile counts as well.
    carry_quotas(from, to, (&hosts, &source), (&mut done, now))?;
    Ok(done)
}

/// The head that stands for a whole trail: where it has several chains, that of a record which notes the ends of all.
fn end_of_trail(ledger: &mut dyn Portable, now: Now<'_>) -> Result<Head, LedgerError> {
    let chains = ledger.chains()?;
    if chains.iter().any(|head| !head.writer.is_empty()) {
        let heads =
            chains.into_iter().map(|head| (head.writer, format!("{}:{}", head.seq, head.hash))).collect();
        ledger.record(&Event::Anchor { heads }, now)?;
    }
    ledger.head()
}

/// Moves a page of one host's tokens.
fn ship(
    from: &mut dyn Portable,
    to: &mut dyn Portable,
    (entry, mut tokens): (&HostEntry, Vec<CarriedToken>),
    options: &TransferOptions,
    (done, now): (&mut Transferred, Now<'_>),
) -> Result<(), LedgerError> {
    let host = entry.host.as_str();
    let waiting: Vec<Fingerprint> =
        tokens.iter().filter(|token| token.state.pending()).map(|token| token.fingerprint).collect();
    let lost = seal_anew(from, to, host, &mut tokens)?;
    done.unopenable += lost.len() as u64;
    let shipment = Shipment {
        host,
        identity: entry.identities.first().map_or("anonymous", String::as_str),
        tokens: &tokens,
        by: &options.decision,
        from: &from.description(),
        head: &done.head.to_string(),
    };
    done.taken_in += to.take_in(&shipment, now)?;
    if options.keep {
        return Ok(());
    }
    // What could not be opened stays: with the right key it can still be sent.
    let gone: Vec<Fingerprint> = waiting.into_iter().filter(|token| !lost.contains(token)).collect();
    let change = StateChange {
        host,
        selection: Selection::Tokens(&gone),
        state: State::Withdrawn,
        reason: &format!("moved to the ledger {}", to.description()),
    };
    let moved = if gone.is_empty() { 0 } else { from.change_state(&change, now)? };
    done.moved += moved;
    done.in_flight += gone.len() as u64 - moved;
    Ok(())
}

/// Seals the tokens of a page for the target; returns those that wait and cannot be opened, which are held back there.
fn seal_anew(
    from: &dyn Portable,
    to: &dyn Portable,
    host: &str,
    tokens: &mut [CarriedToken],
) -> Result<Vec<Fingerprint>, LedgerError> {
    let mut lost = Vec::new();
    if tokens.iter().all(|token| token.sealed.is_none() && !token.state.pending()) {
        return Ok(lost);
    }
    let (opener, sealer) = (from.opener(host)?, to.sealer(host)?);
    for token in tokens {
        let clear =
            token.sealed.take().and_then(|sealed| opener.open(token.kind, token.fingerprint, &sealed).ok());
        match clear {
            Some(clear) => token.sealed = Some(sealer.seal(&clear)?),
            None if token.state.pending() => {
                token.state = State::Held;
                lost.push(token.fingerprint);
            }
            None => {}
        }
    }
    Ok(lost)
}

/// Counts in the target what the source has counted.
fn carry_quotas(
    from: &dyn Portable,
    to: &mut dyn Portable,
    (hosts, source): (&[HostEntry], &str),
    (done, now): (&mut Transferred, Now<'_>),
) -> Result<(), LedgerError> {
    (done.requests, done.held) = (0, 0);
    for entry in hosts {
        for identity in &entry.identities {
            let of = Counted { host: &entry.host, identity };
            let carried = from.carried_quota(of, now)?;
            to.take_quota(of, &carried, source, now)?;
            done.requests += carried.slots.len() as u64;
            done.held += u64::from(carried.asks_for_patience());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
