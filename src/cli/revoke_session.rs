//! A revoking run, from what was found to what became of it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::args::RevocationArgs;
use super::connection;
use super::console::{Console, Terminal, can_prompt, count};
use super::decision::{decision, run_id};
use super::plan;
use super::revoke_summary::{RevokeSummary, RunOutcome};
use super::revoke_target::RevokeTarget;
use crate::finding::{Confidence, Finding, Location};
use crate::ledger::{self, Digest, Enqueued, Event, Ledger, LedgerError, TokenRecord};
use crate::local_credentials::{Environment, LocalCredentials};
use crate::policy::{self, Plan, PolicyContext, eligible};
use crate::provider::github::credential::Credential;
use crate::revocation::{Revocation, State};
use crate::revoke;
use crate::settings::{Env, Input, Mode, RevokeSettings, UserConfig};
use crate::text::printable;
use crate::token::Fingerprint;

/// What is to be sent to one host.
struct HostPlan<'a> {
    target: &'a RevokeTarget,
    plan: Plan<'a>,
    /// How many tokens are not in it because they are suppressed.
    suppressed: u64,
}

/// Everything a revoking run needs, made ready and checked before anything is scanned: a ledger that turns out to be
/// locked after an hour of scanning costs that hour.
pub(super) struct RevokeSession {
    settings: RevokeSettings,
    /// The host of each provider.
    targets: Vec<RevokeTarget>,
    /// This machine's own credentials.
    own: LocalCredentials,
}

impl RevokeSession {
    /// A flag of revocation without `--revoke` is a mistake.
    pub(super) fn refuse_stray_flags(revoke: bool, args: &RevocationArgs) -> anyhow::Result<()> {
        match args.first_given().filter(|_| !revoke) {
            Some(flag) => bail!("{flag} is for runs with --revoke: nothing was looked at, nothing was sent"),
            None => Ok(()),
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
        let address = &settings.connection.ledger;
        match settings.mode {
            // It writes nothing, and needs no key.
            Mode::DryRun => drop(ledger::open_existing(address)?),
            Mode::Ask | Mode::Yes => ledger::check_writable(address)?,
        }
        let credential = connection::credential(&settings.connection, env, console)?;
        let own = own_credentials(env, inputs, credential.as_ref(), console);
        let targets = RevokeTarget::all(&settings, credential, terminal)?;
        Ok(RevokeSession { settings, targets, own })
    }

    /// Sends what was found, as far as the policy, the user and the quota allow, and writes on each finding what became
    /// of it. Findings below `counted` are left out. Returns a summary for each host.
    pub(super) fn revoke(
        mut self,
        findings: &mut [Finding],
        counted: Confidence,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<Vec<RevokeSummary>> {
        for target in &mut self.targets {
            if target.eligible(findings, counted).next().is_some() {
                target.ask_kinds(terminal.console)?;
            }
        }
        let plans = self.targets.iter().map(|target| self.plan(target, findings, counted));
        let plans: Vec<HostPlan<'_>> = plans.collect::<Result<_, _>>()?;
        self.settings.policy.allow(plans.iter().map(|host| host.plan.count(State::Queued)).sum())?;
        // Every question is asked before anything is sent.
        let unsent: Vec<Option<RunOutcome>> =
            plans.iter().map(|host| self.outcome_unsent(host, terminal)).collect();
        let mut outcomes = Vec::with_capacity(plans.len());
        for (host, unsent) in plans.iter().zip(unsent) {
            outcomes.push((host.suppressed, unsent.map_or_else(|| self.send(host, terminal), Ok)?));
        }
        let summarize = |(target, (suppressed, outcome)): (&RevokeTarget, _)| {
            let known = self.known(target, findings, counted)?;
            for finding in findings.iter_mut().filter(|finding| target.takes(finding)) {
                if eligible(finding, counted) {
                    finding.revocation = known.get(&finding.token.fingerprint()).map(revocation);
                }
            }
            let summary = RevokeSummary::new(&target.label, suppressed, outcome);
            Ok(summary.with_findings(target.eligible(findings, counted)))
        };
        self.targets.iter().zip(outcomes).map(summarize).collect()
    }

    /// What is to be sent to one host: nothing where no finding can be.
    fn plan<'a>(
        &self,
        target: &'a RevokeTarget,
        findings: &'a [Finding],
        counted: Confidence,
    ) -> Result<HostPlan<'a>, LedgerError> {
        let known = self.known(target, findings, counted)?;
        let context = PolicyContext {
            counted,
            kinds: &target.kinds,
            own: &|fingerprint| self.own.location_of(fingerprint).is_some(),
            known: &|fingerprint| known.get(&fingerprint).map(|record| record.state),
        };
        let plan = Plan::new(target.eligible(findings, counted), &self.settings.policy, &context);
        let theirs = findings.iter().filter(|finding| target.takes(finding));
        Ok(HostPlan { target, plan, suppressed: policy::suppressed(theirs, counted) })
    }

    /// What the ledger has on what was found for a host; does not make a ledger.
    fn known(
        &self,
        target: &RevokeTarget,
        findings: &[Finding],
        counted: Confidence,
    ) -> Result<HashMap<Fingerprint, TokenRecord>, LedgerError> {
        let eligible = target.eligible(findings, counted);
        let tokens: Vec<Fingerprint> = eligible.map(|finding| finding.token.fingerprint()).collect();
        if tokens.is_empty() {
            return Ok(HashMap::new());
        }
        let ledger = ledger::open_existing(&self.settings.connection.ledger)?;
        let Some(ledger) = ledger else { return Ok(HashMap::new()) };
        let known = ledger.tokens(&target.api_base, &tokens)?;
        Ok(tokens.into_iter().zip(known).filter_map(|(token, record)| Some((token, record?))).collect())
    }

    /// What becomes of a plan that is not sent: it is shown, has nothing in it, or the user does not agree.
    fn outcome_unsent(&self, host: &HostPlan<'_>, terminal: Terminal<'_>) -> Option<RunOutcome> {
        let HostPlan { target, plan, .. } = host;
        // Nothing can be sent, or all of it was done, and written down, by earlier runs.
        let is_empty = plan.choices.is_empty();
        if target.connection.is_none() {
            let nothing = is_empty && plan.done == 0;
            return Some(if nothing {
                RunOutcome::NothingToDo
            } else {
                RunOutcome::DryRun { plan: self.lines(host) }
            });
        }
        if is_empty {
            return Some(RunOutcome::NothingToDo);
        }
        let asks = self.settings.mode == Mode::Ask && plan.count(State::Queued) > 0;
        if !asks || self.confirmed(host, terminal) {
            return None;
        }
        let interrupted = terminal.cancel.is_cancelled();
        Some(if interrupted { RunOutcome::Interrupted } else { RunOutcome::Declined })
    }

    /// Writes the plan down and sends it.
    fn send(&self, host: &HostPlan<'_>, terminal: Terminal<'_>) -> anyhow::Result<RunOutcome> {
        let Some(connection) = &host.target.connection else { return Ok(RunOutcome::NothingToDo) };
        let mut ledger = ledger::open(&self.settings.connection.ledger)?;
        let description = ledger.description();
        let enqueued = self.enqueue(ledger.as_mut(), host)?;
        warn_of_damaged(enqueued.damaged, &description, terminal.console);
        if host.plan.count(State::Queued) == 0 {
            return Ok(RunOutcome::SetAside { ledger: description });
        }
        Ok(match connection.send(ledger.as_mut(), &self.settings.options, terminal) {
            Ok(outcome) => RunOutcome::Sent { ledger: description, outcome: Box::new(outcome) },
            Err(error) => RunOutcome::Failed { ledger: description, error: error.into() },
        })
    }

    /// The plan as lines of text.
    fn lines(&self, host: &HostPlan<'_>) -> Vec<String> {
        plan::lines(&host.plan, &self.own, &host.target.label)
    }

    fn confirmed(&self, host: &HostPlan<'_>, terminal: Terminal<'_>) -> bool {
        terminal.agrees(&self.lines(host), "Send them? [y/N]")
    }

    /// Writes the plan down: what is to be sent, what is set aside, and on whose decision.
    fn enqueue(&self, ledger: &mut dyn Ledger, host: &HostPlan<'_>) -> anyhow::Result<Enqueued> {
        let HostPlan { target, plan, suppressed } = host;
        let consent = if self.settings.mode == Mode::Ask { "yes at the terminal" } else { "--yes" };
        let decision = decision(&self.settings.policy, &run_id(), consent);
        let sealer = ledger.sealer(&target.api_base)?;
        let mut counts = BTreeMap::from([("done", plan.done), ("suppressed", *suppressed)]);
        let mut digest = Digest::default();
        for (finding, state) in &plan.choices {
            *counts.entry(state.as_str()).or_default() += 1;
            digest.add(&finding.token.fingerprint());
        }
        counts.retain(|_, count| *count > 0);
        let event = Event::Policy {
            host: target.api_base.clone(),
            decision: consent.to_owned(),
            counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            tokens: digest.finish().1,
        };
        ledger.record(&event, &Timestamp::now)?;
        let entries = plan.choices.iter().map(|(finding, state)| {
            let location = finding.locations.first().map(first_location).unwrap_or_default();
            revoke::entry(&sealer, &finding.token, finding.confidence, *state, &location)
        });
        revoke::enqueue(ledger, &target.api_base, &decision, entries, &Timestamp::now)
            .context("the tokens could not be queued, and none was sent")
    }
}

/// Tokens that were found and not queued, because what the ledger has on them cannot be believed.
fn warn_of_damaged(tokens: u64, ledger: &str, console: &Console) {
    if tokens > 0 {
        console.warn(&format!(
            "{} not sent: the rows of the ledger that tell what became of them were damaged, and they may have been accepted. \
             Go back to a copy of {ledger}, or `stanch ledger rekey` holds them back, and a new scan sends them",
            count(tokens, "token")
        ));
    }
}

/// This machine's own credentials, the one for this run and those of the repositories that are scanned among them; warns
/// of files that could not be read.
fn own_credentials(
    env: &Env,
    inputs: &[Input],
    credential: Option<&Credential>,
    console: &Console,
) -> LocalCredentials {
    let roots = Input::paths(inputs).map(Path::to_owned).collect();
    let mut own = LocalCredentials::find(&Environment { roots, ..env.for_local_credentials() });
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

/// Where a token was first found, as the ledger keeps it.
fn first_location(location: &Location) -> String {
    let root = location.root.as_deref().map(|root| format!("{}/", root.trim_end_matches('/')));
    let commit = location.commit.as_deref().map(|commit| format!(" in {commit}"));
    let (root, commit) = (root.unwrap_or_default(), commit.unwrap_or_default());
    format!("{root}{}:{}{commit}", location.path, location.line)
}

fn revocation(record: &TokenRecord) -> Revocation {
    Revocation { state: record.state, at: record.at, request_id: record.request_id.clone() }
}
