//! What a revoking run means to do at one host, shown or asked about before it is done.

use super::act::Act;
use super::console::Terminal;
use super::host_summary::HostSummary;
use super::plan;
use super::queue_review::QueueReview;
use super::revoke_target::RevokeTarget;
use super::run_outcome::RunOutcome;
use super::still_queued::StillQueued;
use crate::ledger::HostStatus;
use crate::local_credentials::LocalCredentials;
use crate::policy::{Impact, Plan};

/// What is to be sent to one host.
pub(super) struct HostPlan<'a> {
    pub(super) target: &'a RevokeTarget,
    pub(super) plan: Plan<'a>,
    /// What sending it would do.
    pub(super) impact: Impact,
    /// What waits there, and what of it does not leave.
    pub(super) review: QueueReview,
    /// How many tokens are not in it because they are suppressed.
    pub(super) suppressed: u64,
    /// How many of what was found earlier runs have sent, where this one is to ask afterwards whether tokens live: it asks
    /// about what it sends.
    pub(super) unasked: u64,
}

impl HostPlan<'_> {
    /// Whether there is anything to send or to write down: not where earlier runs have done or set aside all of it.
    pub(super) fn changes_anything(&self) -> bool {
        self.plan.changes_anything() || !self.review.withdraws_nothing()
    }

    fn act(&self) -> Act {
        if self.target.queued_in.is_some() { Act::Queue } else { Act::Send }
    }

    /// The plan as a dry run shows it.
    pub(super) fn shown(&self, own: &LocalCredentials) -> RunOutcome {
        if self.plan.choices.is_empty() && self.plan.done == 0 {
            return RunOutcome::NothingToDo;
        }
        let host = (self.act(), &*self.target.label);
        RunOutcome::DryRun { plan: plan::lines(&self.plan, &self.impact, own, host) }
    }

    /// What becomes of it where the user does not agree; none where they do. `status` is what is left of the quota, where
    /// there is a ledger that knows.
    pub(super) fn asked(&self, status: Option<&HostStatus>, terminal: Terminal<'_>) -> Option<RunOutcome> {
        let (impact, host) = (&self.impact, &*self.target.label);
        let question = match self.act() {
            Act::Send => plan::question(impact, host, self.target.pace(status)),
            Act::Queue => plan::question_to_queue(impact, host),
        };
        let answer = terminal.ask(&question, &plan::prompt(self.act(), impact.tokens()));
        if answer.is_some_and(|answer| plan::is_yes(&answer, impact.tokens())) {
            return None;
        }
        let interrupted = terminal.cancel.is_cancelled();
        Some(if interrupted { RunOutcome::Interrupted } else { RunOutcome::Declined })
    }

    /// What is told of it when it is over.
    pub(super) fn summary(&self, outcome: RunOutcome) -> HostSummary {
        let stays = match &outcome {
            RunOutcome::Queued { queued, .. } => queued.out_of_reach,
            RunOutcome::DryRun { .. } | RunOutcome::NothingToDo => self.target.is_intake,
            _ => false,
        };
        let (suppressed, own) = if stays { self.review.unwanted() } else { (0, 0) };
        let passed_over = self.suppressed.saturating_sub(suppressed);
        let summary = HostSummary::new(self.target.summary_host(), passed_over, outcome);
        summary
            .with_still_queued(StillQueued { suppressed, own })
            .with_own(if stays { 0 } else { self.review.own_elsewhere })
            .with_tokens_before(self.plan.waited().collect(), self.plan.done)
            .with_unasked(self.unasked)
    }
}
