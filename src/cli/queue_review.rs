//! What waits at a host, looked at before anything is sent: a token that was suppressed since it was queued, or that is this
//! machine's own by now, does not leave.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::finding::Finding;
use crate::ledger::{Ledger, LedgerError, Selection, StateChange, TokenRecord};
use crate::local_credentials::LocalCredentials;
use crate::policy::Policy;
use crate::revocation::State;
use crate::suppress::Suppressions;
use crate::token::{Fingerprint, Kind};

/// How many tokens of the queue are looked at, at a time.
const PAGE_LEN: usize = 10_000;

/// What decides about what waits.
pub(super) struct ReviewContext<'a> {
    /// What the user and the scanned trees suppress.
    pub(super) suppressions: &'a Suppressions,
    /// This machine's own credentials, that which signs the requests among them.
    pub(super) own: &'a LocalCredentials,
    pub(super) policy: &'a Policy,
    /// What this run has found. A finding decides for itself: one that something suppresses in one place only is none that
    /// a list of hashes withdraws.
    pub(super) findings: &'a [Finding],
    /// Whether what waits is known by its hash alone: its text and its place are looked at by who sends it.
    pub(super) by_hash: bool,
}

impl ReviewContext<'_> {
    /// What must not leave, as far as this run has seen it: the findings that are suppressed, and this machine's own credentials.
    pub(super) fn unwanted(&self) -> impl Iterator<Item = Fingerprint> {
        suppressed_tokens(self.findings).chain(self.own.fingerprints())
    }
}

/// What waits at a host, and what of it does not leave.
#[derive(Debug, Default)]
pub(super) struct QueueReview {
    /// How many tokens of each kind wait and may leave.
    pub(super) waiting: BTreeMap<Kind, u64>,
    suppressed: HashMap<Fingerprint, Kind>,
    own: HashMap<Fingerprint, Kind>,
    /// How many of the suppressed ones are no findings of this run.
    pub(super) suppressed_elsewhere: u64,
    /// How many of this machine's own are no findings of this run.
    pub(super) own_elsewhere: u64,
}

impl QueueReview {
    /// Looks at what waits at a host; changes nothing.
    pub(super) fn read(
        ledger: &dyn Ledger,
        host: &str,
        context: &ReviewContext<'_>,
    ) -> Result<Self, LedgerError> {
        QueueReview::of(ledger, host, ledger.waiting(host)?, context)
    }

    /// The same, of as many tokens of each kind as are known to wait.
    pub(super) fn of(
        ledger: &dyn Ledger,
        host: &str,
        waiting: BTreeMap<Kind, u64>,
        context: &ReviewContext<'_>,
    ) -> Result<Self, LedgerError> {
        let mut review = QueueReview { waiting, ..QueueReview::default() };
        if review.waiting.is_empty() {
            return Ok(review);
        }
        let found: HashSet<Fingerprint> =
            context.findings.iter().map(|finding| finding.token.fingerprint()).collect();
        review.suppressed = suppressed_findings(ledger, host, context)?;
        let mut elsewhere = suppressed_elsewhere(ledger, host, context, review.tokens())?;
        elsewhere.retain(|token, _| !found.contains(token));
        review.suppressed_elsewhere = elsewhere.len() as u64;
        review.suppressed.extend(elsewhere);
        review.own = own(ledger, host, context)?;
        review.own.retain(|token, _| !review.suppressed.contains_key(token));
        review.own_elsewhere = review.own.keys().filter(|token| !found.contains(token)).count() as u64;
        for kind in review.suppressed.values().chain(review.own.values()) {
            if let Some(waiting) = review.waiting.get_mut(kind) {
                *waiting = waiting.saturating_sub(1);
            }
        }
        review.waiting.retain(|_, waiting| *waiting > 0);
        Ok(review)
    }

    /// The same of a queue that tells of single tokens only: those that wait are none of this run's to send.
    pub(super) fn of_known(known: &HashMap<Fingerprint, TokenRecord>, context: &ReviewContext<'_>) -> Self {
        let waits = |token: Fingerprint| {
            let record = known.get(&token).filter(|record| record.state.pending())?;
            Some((token, record.kind))
        };
        let suppressed: HashMap<_, _> = suppressed_tokens(context.findings).filter_map(waits).collect();
        let own = context.own.fingerprints().filter(|token| !suppressed.contains_key(token));
        // Under which decision it waits is not told.
        let own = own.filter(|_| !context.policy.allow_own).filter_map(waits).collect();
        QueueReview { suppressed, own, ..QueueReview::default() }
    }

    /// How many tokens of those that do not leave are suppressed, and how many are this machine's own.
    pub(super) fn unwanted(&self) -> (u64, u64) {
        (self.suppressed.len() as u64, self.own.len() as u64)
    }

    /// How many tokens wait and may leave.
    pub(super) fn tokens(&self) -> u64 {
        self.waiting.values().sum()
    }

    /// How many tokens wait and do not leave.
    pub(super) fn kept_back(&self) -> u64 {
        (self.suppressed.len() + self.own.len()) as u64
    }

    /// Whether everything that waits may leave.
    pub(super) fn withdraws_nothing(&self) -> bool {
        self.suppressed.is_empty() && self.own.is_empty()
    }

    /// Takes out of the queue what does not leave.
    pub(super) fn withdraw(&self, ledger: &mut dyn Ledger, host: &str) -> Result<(), LedgerError> {
        if self.withdraws_nothing() {
            return Ok(());
        }
        // What a run that died had in flight is out of reach until it is taken over, and would be sent right after.
        ledger.take_over(host, &Timestamp::now)?;
        for (tokens, state, reason) in [
            (&self.suppressed, State::Withdrawn, "it was suppressed since it was queued"),
            (&self.own, State::Own, "it is a credential of this machine"),
        ] {
            let tokens: Vec<Fingerprint> = tokens.keys().copied().collect();
            let change = StateChange { host, selection: Selection::Tokens(&tokens), state, reason };
            ledger.change_state(&change, &Timestamp::now)?;
        }
        Ok(())
    }
}

/// Those of these tokens that wait, with their kinds; `leaves` is told whether their decision allowed own credentials.
fn waiting_among(
    ledger: &dyn Ledger,
    host: &str,
    tokens: &[Fingerprint],
    leaves: impl Fn(bool) -> bool,
) -> Result<HashMap<Fingerprint, Kind>, LedgerError> {
    let records = ledger.tokens(host, tokens)?;
    let known = tokens.iter().zip(records).filter_map(|(token, record)| Some((*token, record?)));
    let waits = known.filter(|(_, record)| record.state.pending() && !leaves(record.own_allowed));
    Ok(waits.map(|(token, record)| (token, record.kind)).collect())
}

fn suppressed_tokens(findings: &[Finding]) -> impl Iterator<Item = Fingerprint> {
    findings.iter().filter(|finding| finding.suppressed.is_some()).map(|finding| finding.token.fingerprint())
}

/// The findings of this run that are suppressed, and wait.
fn suppressed_findings(
    ledger: &dyn Ledger,
    host: &str,
    context: &ReviewContext<'_>,
) -> Result<HashMap<Fingerprint, Kind>, LedgerError> {
    let tokens: Vec<Fingerprint> = suppressed_tokens(context.findings).collect();
    waiting_among(ledger, host, &tokens, |_| false)
}

/// What waits, and is suppressed by its hash, or by its text or first location where the user's lists look at those.
fn suppressed_elsewhere(
    ledger: &dyn Ledger,
    host: &str,
    context: &ReviewContext<'_>,
    waiting: u64,
) -> Result<HashMap<Fingerprint, Kind>, LedgerError> {
    let suppressions = context.suppressions;
    let prefixes = suppressions.hash_prefixes();
    if !context.by_hash && (suppressions.looks_beyond_hashes() || prefixes.len() as u64 > waiting) {
        return suppressed_of_all(ledger, host, suppressions);
    }
    let named = ledger.waiting_named(host, &prefixes)?;
    Ok(named.into_iter().filter(|(token, _)| suppressions.names(*token)).collect())
}

/// The same, by going over the queue.
fn suppressed_of_all(
    ledger: &dyn Ledger,
    host: &str,
    suppressions: &Suppressions,
) -> Result<HashMap<Fingerprint, Kind>, LedgerError> {
    let opener = if suppressions.looks_at_text() { Some(ledger.opener(host)?) } else { None };
    let (mut suppressed, mut after) = (HashMap::new(), 0);
    loop {
        let page = ledger.waiting_page(host, after, PAGE_LEN)?;
        let Some(last) = page.last() else { return Ok(suppressed) };
        after = last.number;
        for waiting in &page {
            let (fingerprint, kind) = (waiting.token.fingerprint, waiting.token.kind);
            // A sealed text that does not open is not sent either.
            let unsealed = || opener.as_ref()?.open(kind, fingerprint, &waiting.token.sealed).ok();
            if suppressions.names(fingerprint)
                || suppressions.user_allows(fingerprint, &waiting.location)
                || unsealed().is_some_and(|token| suppressions.user_allows_text(&token))
            {
                suppressed.insert(fingerprint, kind);
            }
        }
    }
}

/// This machine's own credentials that wait, but for those whose decision and this run's allow them to leave.
fn own(
    ledger: &dyn Ledger,
    host: &str,
    context: &ReviewContext<'_>,
) -> Result<HashMap<Fingerprint, Kind>, LedgerError> {
    let tokens: Vec<Fingerprint> = context.own.fingerprints().collect();
    waiting_among(ledger, host, &tokens, |own_allowed| context.policy.lets_own_go(own_allowed))
}
