//! A revoking run, from what was found to what became of it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::args::RevocationArgs;
use super::connection::{self, HostConnection};
use super::console::{Console, Terminal, can_prompt};
use super::decision::{decision, run_id};
use super::plan;
use super::revoke_summary::{RevokeSummary, RunOutcome};
use crate::finding::{Confidence, Finding, Location};
use crate::ledger::{self, Digest, Event, Ledger, LedgerError, TokenRecord};
use crate::local_credentials::{Environment, LocalCredentials};
use crate::policy::{self, Plan, PolicyContext, eligible};
use crate::provider::github;
use crate::provider::github::credential::Credential;
use crate::revocation::{Revocation, State};
use crate::revoke;
use crate::settings::{Env, Input, Mode, RevokeSettings, UserConfig};
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
        ledger::open_existing(&settings.connection.ledger)?;
        let credential = connection::credential(&settings.connection, env, console)?;
        let own = own_credentials(env, inputs, credential.as_ref(), console);
        let action = match (HostConnection::open(&settings.connection, credential), settings.mode) {
            (Err(error), Mode::DryRun) => {
                console.warn(&format!("without --dry-run this would be refused: {error}"));
                Action::Show
            }
            (Ok(_), Mode::DryRun) => Action::Show,
            (host, mode) => Action::Send { host: host?, ask: mode == Mode::Ask },
        };
        Ok(RevokeSession { settings, action, own })
    }

    /// Sends what was found, as far as the policy, the user and the quota allow, and writes on each finding what became
    /// of it. Findings below `counted` are left out.
    pub(super) fn revoke(
        mut self,
        findings: &mut [Finding],
        counted: Confidence,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<RevokeSummary> {
        let suppressed = policy::suppressed(findings, counted);
        if !findings.iter().any(|finding| eligible(finding, counted)) {
            return Ok(RevokeSummary::new(self.label(), suppressed, RunOutcome::NothingToDo));
        }
        let kinds = self.kinds(terminal.console)?;
        let known = self.known(findings, counted)?;
        let context = PolicyContext {
            counted,
            kinds: &kinds,
            own: &|fingerprint| self.own.location_of(fingerprint).is_some(),
            known: &|fingerprint| known.get(&fingerprint).map(|record| record.state),
        };
        let plan = Plan::new(findings, &self.settings.policy, &context);
        self.settings.policy.allow(plan.count(State::Queued))?;
        let outcome = self.carry_out(&plan, suppressed, terminal)?;
        let known = self.known(findings, counted)?;
        for finding in findings.iter_mut().filter(|finding| eligible(finding, counted)) {
            finding.revocation = known.get(&finding.token.fingerprint()).map(revocation);
        }
        Ok(RevokeSummary::new(self.label(), suppressed, outcome).with_findings(findings, counted))
    }

    /// The host's name for people.
    fn label(&self) -> &str {
        self.settings.connection.host.label()
    }

    /// The host's name in the ledger.
    fn api_base(&self) -> String {
        self.settings.connection.host.api_base()
    }

    /// The kinds the host takes. A dry run does not ask it.
    fn kinds(&mut self, console: &Console) -> anyhow::Result<Vec<Kind>> {
        match &mut self.action {
            Action::Show => Ok(github::PROVIDER.revocable_kinds()),
            Action::Send { host, .. } => Ok(host.limits(console)?.revocable_kinds()),
        }
    }

    /// What the ledger has on what was found; does not make a ledger.
    fn known(
        &self,
        findings: &[Finding],
        counted: Confidence,
    ) -> Result<HashMap<Fingerprint, TokenRecord>, LedgerError> {
        let ledger = ledger::open_existing(&self.settings.connection.ledger)?;
        let Some(ledger) = ledger else { return Ok(HashMap::new()) };
        let eligible = findings.iter().filter(|finding| eligible(finding, counted));
        let tokens: Vec<Fingerprint> = eligible.map(|finding| finding.token.fingerprint()).collect();
        let known = ledger.tokens(&self.api_base(), &tokens)?;
        Ok(tokens.into_iter().zip(known).filter_map(|(token, record)| Some((token, record?))).collect())
    }

    /// Shows the plan, or asks, writes it down and sends it.
    fn carry_out(
        &self,
        plan: &Plan<'_>,
        suppressed: u64,
        terminal: Terminal<'_>,
    ) -> anyhow::Result<RunOutcome> {
        let (host, ask) = match &self.action {
            Action::Show => {
                return Ok(RunOutcome::DryRun { plan: plan::lines(plan, &self.own, self.label()) });
            }
            // All of it was done, and written down, by earlier runs.
            Action::Send { .. } if plan.choices.is_empty() => return Ok(RunOutcome::NothingToDo),
            Action::Send { host, ask } => (host, *ask),
        };
        let nothing_to_send = plan.impact().tokens == 0;
        if ask && !nothing_to_send && !self.confirmed(plan, terminal) {
            let interrupted = terminal.cancel.is_cancelled();
            return Ok(if interrupted { RunOutcome::Interrupted } else { RunOutcome::Declined });
        }
        let mut ledger = ledger::open(&self.settings.connection.ledger)?;
        let description = ledger.description();
        self.enqueue(ledger.as_mut(), plan, suppressed, if ask { "yes at the terminal" } else { "--yes" })?;
        if nothing_to_send {
            return Ok(RunOutcome::SetAside { ledger: description });
        }
        Ok(match host.send(ledger.as_mut(), &self.settings.options, terminal) {
            Ok(outcome) => RunOutcome::Sent { ledger: description, outcome: Box::new(outcome) },
            Err(error) => RunOutcome::Failed { ledger: description, error: error.into() },
        })
    }

    fn confirmed(&self, plan: &Plan<'_>, terminal: Terminal<'_>) -> bool {
        let lines = plan::lines(plan, &self.own, self.label());
        let answer = terminal.ask(&lines, "Send them? [y/N]");
        answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str()))
    }

    /// Writes the plan down: what is to be sent, what is set aside, and on whose decision.
    fn enqueue(
        &self,
        ledger: &mut dyn Ledger,
        plan: &Plan<'_>,
        suppressed: u64,
        consent: &str,
    ) -> anyhow::Result<()> {
        let sealer = ledger.sealer()?;
        let mut counts = BTreeMap::from([("done", plan.done), ("suppressed", suppressed)]);
        let mut digest = Digest::default();
        for (finding, state) in &plan.choices {
            *counts.entry(state.as_str()).or_default() += 1;
            digest.add(&finding.token.fingerprint());
        }
        counts.retain(|_, count| *count > 0);
        let event = Event::Policy {
            host: self.api_base(),
            decision: consent.to_owned(),
            counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            tokens: digest.finish().1,
        };
        ledger.record(&event, &Timestamp::now)?;
        let decision = decision(&self.settings.policy, &run_id(), consent);
        let entries = plan.choices.iter().map(|(finding, state)| {
            let location = finding.locations.first().map(first_location).unwrap_or_default();
            revoke::entry(&sealer, &finding.token, finding.confidence, *state, &location)
        });
        revoke::enqueue(ledger, &self.api_base(), &decision, entries, &Timestamp::now)
            .context("the tokens could not be queued, and none was sent")?;
        Ok(())
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
