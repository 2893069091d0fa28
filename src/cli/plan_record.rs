//! A plan written into the ledger: what leaves the queue, what is to be sent, what is set aside, and on whose decision.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;

use super::decision::{decision, run_id};
use super::queue_review::QueueReview;
use crate::finding::{Finding, Location};
use crate::ledger::{self, Digest, Event, Ledger};
use crate::policy::{Choice, Plan};
use crate::revoke;
use crate::settings::RevokeSettings;

/// What is written down before anything is sent.
pub(super) struct PlanRecord<'a> {
    pub(super) settings: &'a RevokeSettings,
    pub(super) plan: &'a Plan<'a>,
    pub(super) review: &'a QueueReview,
    /// How many tokens were passed over because they are suppressed.
    pub(super) suppressed: u64,
    /// How the user agreed.
    pub(super) consent: &'a str,
}

impl PlanRecord<'_> {
    /// Writes it down, and makes the ledger where there is none.
    pub(super) fn write(&self) -> anyhow::Result<Box<dyn Ledger>> {
        let connection = &self.settings.connection;
        let (host, mut ledger) = (connection.host.api_base(), ledger::open(&connection.ledger)?);
        self.review.withdraw(ledger.as_mut(), &host)?;
        if !self.plan.choices.is_empty() {
            ledger.record(&self.event(&host), &Timestamp::now)?;
            let sealer = ledger.sealer()?;
            let decision = decision(&self.settings.policy, &run_id(), self.consent);
            let entries = self.plan.choices.iter().map(|Choice { finding, state, .. }| {
                let location = first_location(finding);
                revoke::entry(&sealer, &finding.token, finding.confidence, *state, &location)
            });
            revoke::enqueue(ledger.as_mut(), &host, &decision, entries, &Timestamp::now)
                .context("the tokens could not all be queued, and none was sent")?;
        }
        Ok(ledger)
    }

    fn event(&self, host: &str) -> Event {
        let waiting = self.plan.impact().waiting;
        let mut counts =
            BTreeMap::from([("done", self.plan.done), ("suppressed", self.suppressed), ("waiting", waiting)]);
        let mut digest = Digest::default();
        for Choice { finding, state, waits } in &self.plan.choices {
            if !waits {
                *counts.entry(state.as_str()).or_default() += 1;
            }
            digest.add(&finding.token.fingerprint());
        }
        counts.retain(|_, count| *count > 0);
        Event::Policy {
            host: host.to_owned(),
            decision: self.consent.to_owned(),
            counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            tokens: digest.finish().1,
        }
    }
}

/// Where a token was first found, as the ledger keeps it. Not where something suppresses it there, and only there: it would
/// look suppressed as a whole.
fn first_location(finding: &Finding) -> String {
    let unsuppressed = finding.locations.iter().find(|location| location.suppressed.is_none());
    unsuppressed.or(finding.locations.first()).map(location_text).unwrap_or_default()
}

fn location_text(location: &Location) -> String {
    let root = location.root.as_deref().map(|root| format!("{}/", root.trim_end_matches('/')));
    let commit = location.commit.as_deref().map(|commit| format!(" in {commit}"));
    let (root, commit) = (root.unwrap_or_default(), commit.unwrap_or_default());
    format!("{root}{}:{}{commit}", location.path, location.line)
}
