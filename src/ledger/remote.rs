//! The intake of a `stanch serve` as a ledger: it takes tokens and tells their state, and the rest is done where it keeps its
//! own ledger.
//!
//! What leaves this machine is sealed to the intake's public key, so that nobody on the way, and no copy of what this machine
//! keeps, opens a token. Where the intake is away for a moment, the same lines wait here: see [`Spool`].

mod answer;
mod client;
mod deliver;
mod enqueue;
mod error;
mod key;
mod lines;
mod spool;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use self::answer::Failure;
use self::client::IntakeClient;
use self::key::KeySource;
use self::spool::Spool;
use super::Ledger;
use super::address::{IntakeAddress, LedgerAddress};
use super::audit::{Event, Head};
use super::care::{CheckReport, Damaged, Rekeyed};
use super::change::StateChange;
use super::decision::Decision;
use super::entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord};
use super::error::LedgerError;
use super::host::{HostEntry, HostStatus, StatusRequest};
use super::intent::{BatchRequest, Next};
use super::listing::{ListedToken, TokenFilter};
use super::seal::{Opener, PublicKey, Sealer};
use super::settlement::{Settled, Settlement};
use super::time::Now;
use super::waiting::WaitingToken;
use super::wire::TokenState;
use crate::revocation::{Grants, State};
use crate::rule;
use crate::text::{MESSAGE_LIMIT, one_line};
use crate::token::{Fingerprint, Kind};

pub use deliver::Delivery;
pub use error::IntakeFault;
pub use spool::{SpoolStatus, SpooledToken};

/// What a run has kept on this machine because the intake was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// How many tokens.
    pub tokens: u64,
    /// Where.
    pub directory: PathBuf,
    /// How the intake was away.
    pub why: String,
}

/// An intake, as a runner knows it.
pub(super) struct RemoteLedger {
    client: IntakeClient,
    /// Where tokens wait for it; none where this machine has no place for that.
    spool: Option<Spool>,
    pinned: Option<PublicKey>,
    spooled: Option<Spooled>,
    /// What waited on this machine when the intake was found to be away.
    waited: HashSet<(String, String)>,
}

impl RemoteLedger {
    /// Prepares the way to it; asks nothing.
    pub(super) fn open(address: &IntakeAddress) -> Result<Self, LedgerError> {
        Ok(RemoteLedger {
            client: IntakeClient::new(address)?,
            spool: Spool::of(address).ok(),
            pinned: address.access.seal_to.as_deref().map(PublicKey::read).transpose()?,
            spooled: None,
            waited: HashSet::new(),
        })
    }

    /// Finds out whether it lets this runner in and has a key that tokens may be sealed to. That it is away for a moment is
    /// no error.
    pub(super) fn check_writable(&self) -> Result<(), LedgerError> {
        self.keys().check()
    }

    fn keys(&self) -> KeySource<'_> {
        KeySource { client: &self.client, spool: self.spool.as_ref(), pinned: self.pinned.as_ref() }
    }

    /// What is done where its ledger is.
    fn elsewhere<T>(&self, action: &'static str) -> Result<T, LedgerError> {
        Err(LedgerError::IntakeOnly { ledger: self.description(), action })
    }

    fn waiting_here(&self) -> Result<BTreeMap<String, BTreeMap<Kind, u64>>, LedgerError> {
        self.spool.as_ref().map_or_else(|| Ok(BTreeMap::new()), Spool::waiting)
    }

    /// What the intake knows of a token, in the words of a ledger.
    fn record_of(&self, state: &TokenState) -> Result<TokenRecord, LedgerError> {
        let record = || {
            Some(TokenRecord {
                kind: rule::kind(&state.kind)?,
                state: State::from_word(&state.state)?,
                own_allowed: false,
                at: state.at.parse().ok()?,
                request_id: state.request_id.as_deref().map(|id| one_line(id, MESSAGE_LIMIT)),
                location: String::new(),
                grants: None,
            })
        };
        record().ok_or_else(|| {
            let (intake, detail) = (self.description(), "a state that is not known here".to_owned());
            IntakeFault::NoIntake { intake, detail }.into()
        })
    }
}

/// Hands over to an intake what earlier runs kept on this machine because it was away, but for the tokens that are `kept_back`,
/// which are taken out. Nothing where the ledger is no intake.
///
/// # Errors
/// A [`LedgerError`] where the intake says no. That it is still away is told in the [`Delivery`].
pub fn deliver(
    address: &LedgerAddress,
    kept_back: &BTreeSet<Fingerprint>,
    now: Now<'_>,
) -> Result<Delivery, LedgerError> {
    let LedgerAddress::Intake(intake) = address else { return Ok(Delivery::default()) };
    let ledger = RemoteLedger::open(intake)?;
    let deliver = |spool| deliver::deliver(&ledger.client, spool, kept_back, now());
    ledger.spool.as_ref().map_or_else(|| Ok(Delivery::default()), deliver)
}

/// The tokens that wait on this machine for an intake; none where the ledger is no intake. Asks nobody.
///
/// # Errors
/// A [`LedgerError`] where they cannot be read.
pub fn spooled_tokens(address: &LedgerAddress) -> Result<Vec<SpooledToken>, LedgerError> {
    match address {
        LedgerAddress::Intake(intake) => Spool::of(intake)?.each(),
        _ => Ok(Vec::new()),
    }
}

/// What waits on this machine for an intake; none where the ledger is no intake. Asks nobody.
///
/// # Errors
/// A [`LedgerError`] where it cannot be read.
pub fn spool_status(address: &LedgerAddress) -> Result<Option<SpoolStatus>, LedgerError> {
    match address {
        LedgerAddress::Intake(intake) => Spool::of(intake)?.status().map(Some),
        _ => Ok(None),
    }
}

impl Ledger for RemoteLedger {
    fn description(&self) -> String {
        self.client.intake().to_owned()
    }

    fn keeps_trail(&self) -> bool {
        false
    }

    fn spooled(&self) -> Option<&Spooled> {
        self.spooled.as_ref()
    }

    fn sealer(&self, host: &str) -> Result<Sealer, LedgerError> {
        Ok(self.keys().key_for(host)?.sealer(host))
    }

    fn opener(&self, _: &str) -> Result<Opener, LedgerError> {
        self.elsewhere("open tokens")
    }

    fn mend(&mut self, _: &str, _: Now<'_>) -> Result<Damaged, LedgerError> {
        self.elsewhere("mend it")
    }

    fn check(&self) -> CheckReport {
        let of_intake = self.check_writable().err().map(|error| error.to_string());
        let elsewhere: Result<(), _> = self.elsewhere("check it");
        let problems = of_intake.into_iter().chain(elsewhere.err().map(|error| error.to_string())).collect();
        CheckReport { problems, ..CheckReport::default() }
    }

    fn unopenable(&self) -> Result<u64, LedgerError> {
        self.elsewhere("change its key")
    }

    fn rekey(&mut self, _: &str, _: Now<'_>) -> Result<Rekeyed, LedgerError> {
        self.elsewhere("change its key")
    }

    fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        enqueue::enqueue(self, (host, decision), entries, now)
    }

    fn intend(&mut self, _: &BatchRequest<'_>, _: Now<'_>) -> Result<Next, LedgerError> {
        self.elsewhere("send")
    }

    fn keep_answer(&mut self, _: BatchId, _: &Settlement, _: Now<'_>) -> Result<(), LedgerError> {
        self.elsewhere("send")
    }

    fn settle(&mut self, _: BatchId, _: &Settlement, _: Now<'_>) -> Result<Settled, LedgerError> {
        self.elsewhere("send")
    }

    fn change_state(&mut self, _: &StateChange<'_>, _: Now<'_>) -> Result<u64, LedgerError> {
        self.elsewhere("change the queue")
    }

    fn keep_grants(&mut self, _: &str, _: &[(Fingerprint, Grants)], _: Now<'_>) -> Result<(), LedgerError> {
        self.elsewhere("ask whether tokens live")
    }

    fn due(&self, _: &str, _: &[Kind], _: Page) -> Result<Vec<SealedToken>, LedgerError> {
        self.elsewhere("send")
    }

    fn host_status(&self, _: &StatusRequest<'_>, _: Now<'_>) -> Result<HostStatus, LedgerError> {
        self.elsewhere("ask for the status")
    }

    /// What waits on this machine. What waits in the intake's own ledger is told to nobody but by token.
    fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError> {
        Ok(self.waiting_here()?.remove(host).unwrap_or_default())
    }

    fn waiting_named(&self, _: &str, _: &[u64]) -> Result<Vec<(Fingerprint, Kind)>, LedgerError> {
        self.elsewhere("look at the queue")
    }

    fn waiting_page(&self, _: &str, _: u64, _: usize) -> Result<Vec<WaitingToken>, LedgerError> {
        self.elsewhere("look at the queue")
    }

    fn take_over(&mut self, _: &str, _: Now<'_>) -> Result<(), LedgerError> {
        self.elsewhere("send")
    }

    fn count(&self, _: &str, _: State) -> Result<u64, LedgerError> {
        self.elsewhere("look at the queue")
    }

    /// The hosts for which something waits on this machine.
    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        let hosts = self.waiting_here()?.into_keys();
        Ok(hosts.map(|host| HostEntry { host, identities: Vec::new() }).collect())
    }

    fn token(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        match self.client.token(fingerprint) {
            Ok(Some(state)) if state.host == host && state.sha256 == fingerprint.hex() => {
                self.record_of(&state).map(Some)
            }
            // In the queue of another host, which is none of this run's.
            Ok(_) => Ok(None),
            Err(Failure::Final(error)) => Err(error),
            Err(Failure::Away(away)) => {
                Err(LedgerError::Unreachable { ledger: self.description(), detail: away.detail })
            }
        }
    }

    fn attempts(&self, _: &str, _: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        self.elsewhere("look at the requests")
    }

    fn record(&mut self, _: &Event, _: Now<'_>) -> Result<(), LedgerError> {
        self.elsewhere("write the trail")
    }

    fn trail(&self, _: &str, _: u64, _: usize) -> Result<Vec<String>, LedgerError> {
        self.elsewhere("look at the trail")
    }

    fn head(&self) -> Result<Head, LedgerError> {
        self.elsewhere("look at the trail")
    }

    fn list(&self, _: &TokenFilter<'_>, _: u64, _: usize) -> Result<Vec<ListedToken>, LedgerError> {
        self.elsewhere("look at the queue")
    }

    fn hold(&mut self, _: &str, _: &str, _: Duration, _: Now<'_>) -> Result<(), LedgerError> {
        self.elsewhere("send")
    }

    fn release(&mut self, _: &str, _: &str, _: Now<'_>) -> Result<u64, LedgerError> {
        self.elsewhere("change the queue")
    }
}
