//! A plan written into the ledger: what leaves the queue, what is to be sent, what is set aside, and on whose decision.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;

use super::console::{Console, count};
use super::decision::decision;
use super::host_plan::HostPlan;
use crate::finding::{Finding, Location};
use crate::ledger::{Enqueued, Event, Ledger, LedgerError};
use crate::policy::{Choice, Policy};
use crate::report::place_in_a_line;
use crate::revoke;
use crate::text::printable;

/// What is written down before anything is sent.
pub(super) struct PlanRecord<'a> {
    pub(super) policy: &'a Policy,
    /// The id of the run.
    pub(super) run: &'a str,
    pub(super) host: &'a HostPlan<'a>,
    /// How the user agreed.
    pub(super) consent: &'a str,
}

/// A plan that was written down.
#[derive(Default)]
pub(super) struct Written {
    /// What became of the tokens.
    pub(super) enqueued: Enqueued,
    /// Whether what was to be taken out of the queue is still there: who only queues may not be allowed to do that.
    pub(super) out_of_reach: bool,
}

impl PlanRecord<'_> {
    /// Writes it down, and returns what became of the tokens.
    pub(super) fn write(&self, ledger: &mut dyn Ledger) -> anyhow::Result<Written> {
        let HostPlan { target, plan, review, .. } = self.host;
        let out_of_reach = match review.withdraw(ledger, &target.api_base) {
            Err(LedgerError::Denied { .. } | LedgerError::IntakeOnly { .. })
                if target.queued_in.is_some() =>
            {
                true
            }
            withdrawn => withdrawn.map(|()| false)?,
        };
        if !plan.changes_anything() {
            return Ok(Written { out_of_reach, ..Written::default() });
        }
        if ledger.keeps_trail() {
            ledger.record(&self.event(), &Timestamp::now)?;
        }
        let sealer = ledger.sealer(&target.api_base)?;
        let decision = decision(self.policy, self.run, self.consent);
        let entries = plan.choices.iter().map(|Choice { finding, state, .. }| {
            let location = first_location(finding);
            revoke::entry(&sealer, &finding.token, finding.confidence, *state, &location)
        });
        let enqueued = revoke::enqueue(ledger, &target.api_base, &decision, entries, &Timestamp::now)
            .context("the tokens could not all be queued, and none was sent")?;
        Ok(Written { enqueued, out_of_reach })
    }

    fn event(&self) -> Event {
        let HostPlan { target, plan, impact, suppressed, .. } = self.host;
        let mut counts =
            BTreeMap::from([("done", plan.done), ("suppressed", *suppressed), ("waiting", impact.waiting)]);
        for Choice { state, waits, .. } in &plan.choices {
            if !waits {
                *counts.entry(state.as_str()).or_default() += 1;
            }
        }
        counts.retain(|_, count| *count > 0);
        Event::Policy {
            host: target.api_base.clone(),
            decision: self.consent.to_owned(),
            counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        }
    }
}

/// Tokens that were found and not queued, because what the ledger has on them cannot be believed.
pub(super) fn warn_of_damaged(tokens: u64, ledger: &str, console: &Console) {
    if tokens > 0 {
        console.warn(&format!(
            "{} not sent: what the ledger {} has on them was damaged, and they may have been accepted. Go back to a copy \
             of it, or `stanch ledger rekey` holds them back, and a new scan sends them",
            count(tokens, "token"),
            printable(ledger)
        ));
    }
}

/// Where a token was first found, as the ledger keeps it. Not where something suppresses it there, and only there: it would
/// look suppressed as a whole.
fn first_location(finding: &Finding) -> String {
    let unsuppressed = finding.locations.iter().find(|location| location.details().suppressed.is_none());
    unsuppressed.or(finding.locations.first()).map(location_text).unwrap_or_default()
}

fn location_text(location: &Location) -> String {
    let commit = location.details().commit.as_deref().map(|commit| format!(" in {commit}"));
    format!("{}{}", place_in_a_line(location), commit.unwrap_or_default())
}
