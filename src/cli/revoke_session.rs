//! A revoking run, from what was found to what became of it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;

use super::args::RevocationArgs;
use super::connection::{self, HostConnection};
use super::console::{Console, Terminal, can_prompt};
use super::left_waiting::LeftWaiting;
use super::plan;
use super::plan_record::PlanRecord;
use super::queue_review::{QueueReview, ReviewContext};
use super::revoke_summary::{RevokeSummary, SummaryHost};
use super::run_outcome::RunOutcome;
use crate::finding::{Confidence, Finding};
use crate::ledger::{self, BatchRequest, HostStatus, Ledger, LedgerError, Payload, TokenRecord};
use crate::local_credentials::LocalCredentials;
use crate::policy::{self, Impact, Known, Plan, PolicyContext, eligible};
use crate::provider::github::credential::Credential;
use crate::provider::github::{self, identity};
use crate::revocation::{Revocation, State};
use crate::settings::{Env, Mode, RevokeSettings, UserConfig};
use crate::suppress::Suppressions;
use crate::text::printable;
use crate::token::{Fingerprint, Kind};

/// What is done with the plan.
enum Action {
    /// It is shown.
    Show,
    /// It is sent, after a question where `ask` is set.
    Send { host: HostConnection, ask: bool },
}

/// Everything a revoking run needs, made ready and checked before anything is scanned: a ledger that turns out to be
/// locked after an hour of scanning costs that hour.
pub(super) struct RevokeSession {
    settings: RevokeSettings,
    action: Action,
    /// This machine's own credentials.
    own: LocalCredentials,
    /// Whose quota the requests count against.
    identity: String,
}

impl RevokeSession {
    /// A flag of revocation without `--revoke` is a mistake.
    pub(super) fn refuse_stray_flags(revoke: bool, args: &RevocationArgs) -> anyhow::Result<()> {
        match args.first_given().filter(|_| !revoke) {
            Some(flag) => bail!("{flag} is for runs with --revoke: nothing was looked at, nothing was sent"),
            None => Ok(()),
        }
    }

    /// Checks everything that can be checked; sends and writes nothing.
    pub(super) fn prepare(
        args: &RevocationArgs,
        env: &Env,
        user: &UserConfig,
        console: &Console,
    ) -> anyhow::Result<Self> {
        let flags = args.flags();
        if flags.mode == Mode::Ask && !can_prompt() {
            bail!(
                "nobody can be asked here whether to send tokens, and nothing was sent: --yes sends what is found, \
                 --dry-run says what that would be"
            );
        }
        let settings = RevokeSettings::resolve(&flags, env, &user.revoke, &user.connection)?;
        let address = &settings.connection.ledger;
        match settings.mode {
            // It writes nothing, and needs no key.
            Mode::DryRun => drop(ledger::open_existing(address)?),
            Mode::Ask | Mode::Yes => connection::check_ledger(address)?,
        }
        let credential = connection::credential(&settings.connection, env, console)?;
        let own = own_credentials(env, credential.as_ref(), console);
        let identity = identity(
            settings.connection.host.flavour(),
            credential.as_ref().map(|credential| &credential.token),
        );
        let action = match (HostConnection::open(&settings.connection, credential), settings.mode) {
            (Err(error), Mode::DryRun) => {
                console.warn(&format!("without --dry-run this would be refused: {error}"));
                Action::Show
            }
            (Ok(_), Mode::DryRun) => Action::Show,
            (host, mode) => Action::Send { host: host?, ask: mode == Mode::Ask },
        };
        Ok(RevokeSession { settings, action, own, identity })
    }

    /// Sends what was found, and with it what waits at the host, as far as the policy, the user and the quota allow, and
    /// writes on each finding what became of it. Findings below `counted` are left out.
    pub(super) fn revoke(
        mut self,
        findings: &mut [Finding],
        counted: Confidence,
        suppressions: &Suppressions,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<RevokeSummary> {
        let review = self.review(findings, suppressions)?;
        let suppressed = policy::suppressed(findings, counted) + review.suppressed_elsewhere;
        let some_eligible = findings.iter().any(|finding| eligible(finding, counted));
        let kinds = if some_eligible { self.kinds(terminal.console)? } else { Vec::new() };
        let known = self.known(findings)?;
        let context = PolicyContext {
            counted,
            kinds: &kinds,
            own: &|fingerprint| self.own.location_of(fingerprint).is_some(),
            known: &|fingerprint| known.get(&fingerprint).map(Known::from),
        };
        let plan = Plan::new(findings, &self.settings.policy, &context, review.waiting.clone());
        let outcome = self.carry_out(&plan, &review, suppressed, terminal)?;
        let queued_now: Vec<Fingerprint> = plan.queued_now().collect();
        let (known, left) = match self.known(findings).and_then(|known| Ok((known, self.left()?))) {
            Ok(after) => after,
            // What was sent before the ledger failed is reported all the same.
            Err(error) => {
                let summary = self.summary(suppressed, outcome.failing(error));
                return Ok(summary.with_findings(findings, counted));
            }
        };
        for finding in findings.iter_mut().filter(|finding| finding.revocable()) {
            finding.revocation = known.get(&finding.token.fingerprint()).map(revocation);
        }
        let is_accepted = |token: &&Fingerprint| {
            known.get(token).is_some_and(|record| matches!(record.state, State::Accepted | State::Confirmed))
        };
        let accepted_now = queued_now.iter().filter(is_accepted).count() as u64;
        let summary = self.summary(suppressed, outcome).with_own(review.own_elsewhere).with_left(left);
        Ok(summary.with_accepted_now(accepted_now).with_findings(findings, counted))
    }

    /// The base of the host's API: its name in the ledger.
    fn api_base(&self) -> String {
        self.settings.connection.host.api_base()
    }

    fn existing(&self) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
        ledger::open_existing(&self.settings.connection.ledger)
    }

    fn summary(&self, suppressed: u64, outcome: RunOutcome) -> RevokeSummary {
        RevokeSummary::new(SummaryHost::of(&self.settings.connection), suppressed, outcome)
    }

    /// What waits at the host, and what of it does not leave. Where there is no ledger, none is made.
    fn review(&self, findings: &[Finding], suppressions: &Suppressions) -> Result<QueueReview, LedgerError> {
        let context = ReviewContext { suppressions, own: &self.own, policy: &self.settings.policy, findings };
        match self.existing()? {
            Some(ledger) => QueueReview::read(ledger.as_ref(), &self.api_base(), &context),
            None => Ok(QueueReview::default()),
        }
    }

    /// What waits at any host.
    fn left(&self) -> Result<Vec<LeftWaiting>, LedgerError> {
        match self.existing()? {
            Some(ledger) => LeftWaiting::read(ledger.as_ref(), &self.settings.connection),
            None => Ok(Vec::new()),
        }
    }

    /// The kinds the host takes. A dry run does not ask it.
    fn kinds(&mut self, console: &Console) -> anyhow::Result<Vec<Kind>> {
        match &mut self.action {
            Action::Show => Ok(github::PROVIDER.revocable_kinds()),
            Action::Send { host, .. } => Ok(host.limits(console)?.revocable_kinds()),
        }
    }

    /// What the ledger has on what was found; does not make a ledger.
    fn known(&self, findings: &[Finding]) -> Result<HashMap<Fingerprint, TokenRecord>, LedgerError> {
        let Some(ledger) = self.existing()? else { return Ok(HashMap::new()) };
        let revocable = findings.iter().filter(|finding| finding.revocable());
        let tokens: Vec<Fingerprint> = revocable.map(|finding| finding.token.fingerprint()).collect();
        let known = ledger.tokens(&self.api_base(), &tokens)?;
        Ok(tokens.into_iter().zip(known).filter_map(|(token, record)| Some((token, record?))).collect())
    }

    /// Shows the plan, or asks, writes it down and sends it.
    fn carry_out(
        &self,
        plan: &Plan<'_>,
        review: &QueueReview,
        suppressed: u64,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<RunOutcome> {
        let label = self.settings.connection.host.label();
        let impact = plan.impact();
        if let Err(too_many) = self.settings.policy.allow(impact.found_now, impact.waiting) {
            return Ok(RunOutcome::Refused(too_many));
        }
        let (host, ask) = match &self.action {
            Action::Show if plan.choices.is_empty() && plan.done == 0 => return Ok(RunOutcome::NothingToDo),
            Action::Show => return Ok(RunOutcome::DryRun { plan: plan::lines(plan, &self.own, label) }),
            // All of it was done, and written down, by earlier runs.
            Action::Send { .. } if plan.choices.is_empty() && review.withdraws_nothing() => {
                return Ok(RunOutcome::NothingToDo);
            }
            Action::Send { host, ask } => (host, *ask),
        };
        let nothing_to_send = impact.tokens() == 0;
        if ask && !nothing_to_send && !self.confirmed(&impact, terminal)? {
            let interrupted = terminal.cancel.is_cancelled();
            return Ok(if interrupted { RunOutcome::Interrupted } else { RunOutcome::Declined });
        }
        let description = self.settings.connection.ledger.to_string();
        let consent = if ask { "yes at the terminal" } else { "--yes" };
        let written = PlanRecord { settings: &self.settings, plan, review, suppressed, consent }.write();
        let mut ledger = match written {
            Ok(ledger) => ledger,
            Err(error) => return Ok(RunOutcome::failed(description, error)),
        };
        if nothing_to_send {
            return Ok(RunOutcome::SetAside { ledger: description });
        }
        let sent = host.send(ledger.as_mut(), &self.settings.options, terminal);
        Ok(RunOutcome::of(description, sent))
    }

    fn confirmed(&self, impact: &Impact, terminal: Terminal<'_>) -> anyhow::Result<bool> {
        let status = self.host_status()?;
        let lines = plan::question(impact, self.settings.connection.host.label(), &status);
        let answer = terminal.ask(&lines, &plan::prompt(impact.tokens()));
        Ok(answer.is_some_and(|answer| plan::is_yes(&answer, impact.tokens())))
    }

    /// What the quota allows.
    fn host_status(&self) -> anyhow::Result<HostStatus> {
        let base = self.api_base();
        let per_hour = github::PROVIDER.per_hour;
        let Some(ledger) = self.existing()? else { return Ok(HostStatus::empty("", base, per_hour)) };
        let options = &self.settings.options;
        let request = BatchRequest {
            host: &base,
            identity: &self.identity,
            max_batch: github::PROVIDER.max_batch,
            per_hour,
            min_interval: Duration::ZERO,
            lease: options.timeout,
            payload: Payload::Batch(&[]),
        };
        Ok(ledger.host_status(&request, &Timestamp::now)?)
    }
}

/// This machine's own credentials, the one for this run among them; warns of files that could not be read.
pub(super) fn own_credentials(
    env: &Env,
    credential: Option<&Credential>,
    console: &Console,
) -> LocalCredentials {
    let mut own = LocalCredentials::find(&env.for_local_credentials());
    if let Some(credential) = credential {
        own.add(credential.token.fingerprint(), credential.location.clone());
    }
    for unread in own.unread() {
        let (path, reason) = (printable(&unread.path.display().to_string()), printable(&unread.reason));
        console
            .warn(&format!("{path}: {reason}; if it holds a credential of yours, it is not known as yours"));
    }
    own
}

fn revocation(record: &TokenRecord) -> Revocation {
    Revocation { state: record.state, at: record.at, request_id: record.request_id.clone() }
}
