//! A revoking run, from what was found to what became of it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::bail;

use super::after_run::AfterRun;
use super::args::RevocationArgs;
use super::carried_out::{CarriedOut, WrittenRun};
use super::console::{Console, Terminal, can_prompt};
use super::decision::run_id;
use super::exit::{Exit, RunStatus};
use super::host_plan::HostPlan;
use super::host_summary::HostSummary;
use super::ledger_lookup::LedgerLookup;
use super::own_credentials::own_credentials;
use super::plan_record::{self, PlanRecord, Written};
use super::queue_review::ReviewContext;
use super::queued_summary::QueuedSummary;
use super::revoke_summary::RevokeSummary;
use super::revoke_target::RevokeTarget;
use super::run_outcome::RunOutcome;
use super::run_record::RunRecord;
use super::spool_review::SpoolReview;
use super::{connection, ledger_check, spool};
use crate::finding::{Confidence, Finding};
use crate::ledger::{self, Ledger, LedgerError};
use crate::local_credentials::LocalCredentials;
use crate::policy::{self, Plan, PolicyContext};
use crate::revocation::State;
use crate::revoke::Options;
use crate::settings::{Env, Input, Mode, RevokeSettings, UserConfig};
use crate::suppress::Suppressions;
use crate::token::Fingerprint;

/// What a scan has come to, as far as revoking depends on it.
pub(super) struct Scanned<'a> {
    pub(super) findings: &'a mut [Finding],
    /// Findings below this are left out.
    pub(super) counted: Confidence,
    /// What the user and the scanned trees suppress.
    pub(super) suppressions: &'a Suppressions,
    /// The exit code for findings.
    pub(super) found: u8,
}

/// Everything a revoking run needs, made ready and checked before anything is scanned: a ledger that turns out to be
/// locked after an hour of scanning costs that hour.
pub(super) struct RevokeSession {
    settings: RevokeSettings,
    /// The host of each provider.
    targets: Vec<RevokeTarget>,
    /// This machine's own credentials.
    own: LocalCredentials,
    /// Tokens that may be suppressed by what could not be read: they are held back.
    doubtful: HashSet<Fingerprint>,
    /// What is scanned, for the audit trail.
    roots: Vec<String>,
    console: Console,
}

impl RevokeSession {
    /// Takes credentials for this machine's own that the run was given while it went on.
    pub(super) fn add_own(&mut self, own: &[(Fingerprint, String)]) {
        for (fingerprint, location) in own {
            self.own.add(*fingerprint, location.clone());
        }
    }

    /// Checks everything that can be checked; sends and writes nothing. `inputs` are what is going to be scanned.
    pub(super) fn prepare(
        args: &RevocationArgs,
        inputs: &[Input],
        env: &Env,
        user: &UserConfig,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<Self> {
        let console = terminal.console;
        let flags = args.flags();
        if flags.mode == Mode::Ask && !can_prompt() {
            bail!(
                "nobody can be asked here whether to send tokens, and nothing was sent: --yes sends what is found, \
                 --dry-run says what that would be"
            );
        }
        let settings = RevokeSettings::resolve(&flags, env, &user.revoke, &user.connection)?;
        ledger_check::check_flags(&settings, console)?;
        ledger_check::check(&settings, console)?;
        let credential = connection::credential(&settings.connection, env, console)?;
        let own = own_credentials(env, inputs, credential.as_ref(), console);
        let targets = RevokeTarget::all(&settings, credential, terminal)?;
        let root =
            |input: &Input| input.path().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        let roots = inputs.iter().map(root).collect();
        let doubtful = HashSet::new();
        Ok(RevokeSession { settings, targets, own, doubtful, roots, console: *console })
    }

    /// Holds these tokens back.
    pub(super) fn hold_back(&mut self, doubtful: HashSet<Fingerprint>) {
        self.doubtful = doubtful;
    }

    /// Sends what was found, and with it what waits at its host, as far as the policy, the user and the quota allow, and
    /// writes on each finding what became of it.
    pub(super) fn revoke(
        mut self,
        scanned: Scanned<'_>,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<RevokeSummary> {
        let Scanned { findings, counted, suppressions, found } = scanned;
        for target in &mut self.targets {
            if target.eligible(findings, counted).next().is_some() {
                target.ask_kinds(terminal.console)?;
            }
        }
        let plans = self.targets.iter().map(|target| self.plan(target, findings, counted, suppressions));
        let plans: Vec<HostPlan<'_>> = plans.collect::<Result<_, _>>()?;
        let total = |count: fn(&HostPlan<'_>) -> u64| plans.iter().map(count).sum();
        let (found_now, waiting) = (total(|host| host.impact.found_now), total(|host| host.impact.waiting));
        let context = self.review_context(findings, suppressions);
        let spool = SpoolReview::read(&self.settings.connection.ledger, &context)?;
        let sent = plans.iter().flat_map(|host| host.plan.sent());
        let handed_over = sent.map(|finding| finding.token.fingerprint()).collect();
        let waiting = waiting + spool.tokens_besides(&handed_over);
        let refused = self.settings.policy.allow(found_now, waiting).err();
        let CarriedOut { outcomes, written, undelivered } = if refused.is_some() {
            CarriedOut::not_at_all(plans.iter().map(|_| RunOutcome::Refused).collect())
        } else {
            self.carry_out(&plans, &spool, terminal)?
        };
        let mut summaries: Vec<HostSummary> =
            plans.iter().zip(outcomes).map(|(host, outcome)| host.summary(outcome)).collect();
        let kept_back = plans.iter().map(|host| (host.target.api_base.clone(), host.review.kept_back()));
        let is_intake = self.settings.connection.ledger.is_intake();
        let kept_back = kept_back.filter(|_| self.settings.mode == Mode::DryRun && !is_intake).collect();
        // An intake has no word for what is set aside: only this run can tell of it.
        let told = written.is_some() && is_intake;
        let set_aside = plans.iter().filter(|_| told).flat_map(|host| host.plan.set_aside()).collect();
        // Who stops a run while its ledger cannot be used waits no longer for that.
        let is_over = terminal.cancel.is_cancelled() && summaries.iter().any(HostSummary::failed);
        let (hosts, left) = if is_over {
            for (target, summary) in self.targets.iter().zip(&mut summaries) {
                summary.count_findings(target.eligible(findings, counted));
            }
            (summaries, Vec::new())
        } else {
            // A run that was refused whole tells what waits, whoever queued it.
            let enqueue_only = self.settings.enqueue_only && refused.is_none();
            let (lookup, targets) = (LedgerLookup { enqueue_only, ..self.ledger() }, &self.targets[..]);
            AfterRun { lookup, targets, kept_back, set_aside }.read(summaries, findings, counted)
        };
        let mut summary = RevokeSummary { hosts, left, undelivered, refused, head: None };
        let status = RunStatus {
            interrupted: terminal.cancel.is_cancelled(),
            found: findings.iter().any(|finding| finding.counts(counted)),
            ..summary.status()
        };
        if let Some(WrittenRun { mut ledger, record: Some(record) }) = written {
            let exit = Exit::of(status, found);
            if is_over {
                ledger.set_lock_timeout(Some(Duration::ZERO))?;
            }
            summary.head = record.finish_or_warn(ledger.as_mut(), exit, terminal.console);
        }
        Ok(summary)
    }

    fn ledger(&self) -> LedgerLookup<'_> {
        let enqueue_only = self.settings.enqueue_only;
        LedgerLookup { connection: &self.settings.connection, enqueue_only, console: &self.console }
    }

    fn review_context<'a>(
        &'a self,
        findings: &'a [Finding],
        suppressions: &'a Suppressions,
    ) -> ReviewContext<'a> {
        // What waits in a queue that machines share is opened by who sends it.
        let by_hash = self.settings.enqueue_only && self.settings.connection.ledger.is_shared();
        ReviewContext { suppressions, own: &self.own, policy: &self.settings.policy, findings, by_hash }
    }

    /// What is to be sent to one host.
    fn plan<'a>(
        &self,
        target: &'a RevokeTarget,
        findings: &'a [Finding],
        counted: Confidence,
        suppressions: &Suppressions,
    ) -> Result<HostPlan<'a>, LedgerError> {
        let context = self.review_context(findings, suppressions);
        let (review, known) = self.ledger().review(target, &context)?;
        let context = PolicyContext {
            counted,
            kinds: &target.kinds,
            own: &|fingerprint| self.own.location_of(fingerprint).is_some(),
            doubtful: &|finding| self.doubtful.contains(&finding.token.fingerprint()),
            known: &|fingerprint| known.get(&fingerprint).copied(),
        };
        let eligible = target.eligible(findings, counted);
        // A run that only queues lets nothing leave that waits.
        let leaves = if self.settings.enqueue_only { BTreeMap::new() } else { review.waiting.clone() };
        let plan = Plan::new(eligible, &self.settings.policy, &context, leaves);
        let theirs = findings.iter().filter(|finding| target.takes(finding));
        let suppressed = policy::suppressed(theirs, counted) + review.suppressed_elsewhere;
        let is_unasked = |finding: &&Finding| {
            let known = known.get(&finding.token.fingerprint());
            self.settings.options.confirm && known.is_some_and(|known| known.state == State::Accepted)
        };
        let unasked = target.eligible(findings, counted).filter(is_unasked).count() as u64;
        let impact = plan.impact();
        Ok(HostPlan { target, plan, impact, review, suppressed, unasked })
    }

    /// Shows the plans, or asks, hands over what waits on this machine, writes the plans down and sends them. Every question
    /// is asked before anything is sent.
    fn carry_out(
        &self,
        plans: &[HostPlan<'_>],
        spool: &SpoolReview,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<CarriedOut> {
        let unsent = plans.iter().map(|host| self.outcome_unsent(host, terminal));
        let unsent: Vec<Option<RunOutcome>> = unsent.collect::<Result<_, _>>()?;
        let is_no = |outcome: &RunOutcome| matches!(outcome, RunOutcome::Declined | RunOutcome::Interrupted);
        let undelivered = if self.settings.mode == Mode::DryRun || unsent.iter().flatten().any(is_no) {
            0
        } else {
            spool::deliver(&self.settings.connection.ledger, spool, terminal.console)
        };
        if unsent.iter().all(Option::is_some) {
            let outcomes = unsent.into_iter().flatten().collect();
            return Ok(CarriedOut { undelivered, ..CarriedOut::not_at_all(outcomes) });
        }
        let name = self.settings.connection.ledger.to_string();
        let begun = ledger::open(&self.settings.connection.ledger).and_then(|mut ledger| {
            if !ledger.keeps_trail() {
                return Ok((ledger, None));
            }
            let record = RunRecord::start(ledger.as_mut(), self.roots.clone())?;
            Ok((ledger, Some(record)))
        });
        let (mut ledger, record) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                let failed = RunOutcome::failed(name, error.into());
                let mut failed = Some(failed);
                let outcome = |unsent: Option<RunOutcome>| {
                    unsent.or_else(|| failed.take()).unwrap_or(RunOutcome::NothingToDo)
                };
                let outcomes = unsent.into_iter().map(outcome).collect();
                return Ok(CarriedOut { undelivered, ..CarriedOut::not_at_all(outcomes) });
            }
        };
        let run = record.as_ref().map_or_else(run_id, |record| record.id().to_owned());
        let send = |(host, unsent): (&HostPlan<'_>, Option<RunOutcome>)| {
            unsent.unwrap_or_else(|| self.send(host, &run, ledger.as_mut(), terminal))
        };
        let outcomes = plans.iter().zip(unsent).map(send).collect();
        Ok(CarriedOut { outcomes, written: Some(WrittenRun { ledger, record }), undelivered })
    }

    /// What becomes of a plan that is not sent: it is shown, has nothing in it, or the user does not agree.
    fn outcome_unsent(
        &self,
        host: &HostPlan<'_>,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<Option<RunOutcome>> {
        if self.settings.mode == Mode::DryRun {
            return Ok(Some(host.shown(&self.own)));
        }
        if !host.changes_anything() {
            return Ok(Some(RunOutcome::NothingToDo));
        }
        if self.settings.mode != Mode::Ask || host.impact.tokens() == 0 {
            return Ok(None);
        }
        let status = match (&host.target.connection, self.ledger().existing()?) {
            (Some(connection), Some(ledger)) => Some(connection.status(ledger.as_ref())?),
            _ => None,
        };
        Ok(host.asked(status.as_ref(), terminal))
    }

    /// Writes a plan down, and sends it if that is not left to others.
    fn send(
        &self,
        host: &HostPlan<'_>,
        run: &str,
        ledger: &mut dyn Ledger,
        terminal: Terminal<'_>,
    ) -> RunOutcome {
        let consent = if self.settings.mode == Mode::Ask { "yes at the terminal" } else { "--yes" };
        let name = ledger.description();
        let record = PlanRecord { policy: &self.settings.policy, run, host, consent };
        let Written { enqueued, out_of_reach } = match record.write(ledger) {
            Ok(written) => written,
            Err(error) => return RunOutcome::failed(name, error),
        };
        plan_record::warn_of_damaged(enqueued.damaged, &name, terminal.console);
        if self.settings.enqueue_only {
            let queued =
                Box::new(QueuedSummary { enqueued, spooled: ledger.spooled().cloned(), out_of_reach });
            return RunOutcome::Queued { ledger: name, queued };
        }
        if host.impact.tokens() == 0 {
            return RunOutcome::SetAside { ledger: name };
        }
        // What others queue from now on was not announced.
        let options = Options { most: Some(host.impact.tokens()), ..self.settings.options.clone() };
        host.target.send(ledger, &options, terminal)
    }
}
