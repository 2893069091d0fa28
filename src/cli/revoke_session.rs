//! A revoking run, from what was found to what became of it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::args::RevocationArgs;
use super::console::{Console, somebody_is_there};
use super::revoke_summary::{RevokeSummary, Unsent};
use super::{connection, plan};
use crate::clock::SystemClock;
use crate::finding::{Confidence, Finding, Location};
use crate::ledger::{Digest, Event, Ledger, LedgerError, SqliteLedger, TokenRecord};
use crate::local_credentials::LocalCredentials;
use crate::meter::CancelFlag;
use crate::policy::{self, Plan, Policy, PolicyContext, eligible};
use crate::provider::{self, Revoker, github};
use crate::revocation::{Revocation, State};
use crate::revoke::{self, Context, Options, Progress, RevokeError, RunOutcome};
use crate::token::{Fingerprint, Kind};

/// What a run may do, on whose word.
enum Mode {
    /// Say what would be sent.
    DryRun,
    /// Send; `yes` where nobody is to be asked.
    Real { revoker: Box<dyn Revoker>, yes: bool },
}

/// Everything a revoking run needs, made ready and checked before anything is looked at: who learns after an hour of
/// scanning that the ledger is locked has lost an hour.
pub(super) struct RevokeSession {
    policy: Policy,
    options: Options,
    mode: Mode,
    /// What people call the host.
    label: String,
    /// What the ledger calls it.
    host: String,
    ledger: PathBuf,
    own: LocalCredentials,
}

impl RevokeSession {
    /// A flag of revocation without `--revoke` is a mistake.
    pub(super) fn unwanted(revoke: bool, flags: &RevocationArgs) -> anyhow::Result<()> {
        match flags.given().filter(|_| !revoke) {
            Some(flag) => bail!("{flag} is for runs with --revoke: nothing was looked at, nothing was sent"),
            None => Ok(()),
        }
    }

    /// Checks everything that can be checked; sends and writes nothing.
    pub(super) fn prepare(flags: &RevocationArgs, console: &Console) -> anyhow::Result<Self> {
        if !flags.yes && !flags.dry_run && !somebody_is_there() {
            bail!(
                "nobody can be asked here whether to send tokens, and nothing was sent: --yes sends what is found, \
                 --dry-run says what that would be"
            );
        }
        let place = &flags.reach.place;
        let host = place.host()?;
        let ledger = place.ledger()?;
        SqliteLedger::open_existing(&ledger)?;
        let credential = place.credential(&host)?;
        if let Some(warning) = credential.as_ref().and_then(|credential| credential.warning.as_deref()) {
            console.warn(warning);
        }
        let own = connection::own(credential.as_ref(), console);
        let (label, api_host) = (host.label().to_owned(), host.api_host());
        let connection = flags.reach.connection(host, credential.map(|credential| credential.token));
        let mode = match provider::connect(&github::PROVIDER, connection) {
            Err(error) if flags.dry_run => {
                console.warn(&format!("without --dry-run this would be refused: {error}"));
                Mode::DryRun
            }
            Ok(_) if flags.dry_run => Mode::DryRun,
            revoker => Mode::Real { revoker: revoker?, yes: flags.yes },
        };
        let (policy, options) = (flags.policy(), flags.options());
        Ok(RevokeSession { policy, options, mode, label, host: api_host, ledger, own })
    }

    /// Sends what was found, as far as the policy, the user and the quota allow, and notes on each finding what became of
    /// it. Findings below `counted` are not thought of.
    pub(super) fn revoke(
        mut self,
        findings: &mut [Finding],
        counted: Confidence,
        console: &Console,
        cancel: &CancelFlag,
    ) -> anyhow::Result<RevokeSummary> {
        let mut after = RevokeSummary::new(&self.label, policy::suppressed(findings, counted));
        if !findings.iter().any(|finding| eligible(finding, counted)) {
            return Ok(after);
        }
        let kinds = self.kinds(console)?;
        let known = self.known(findings, counted)?;
        let facts = PolicyContext {
            counted,
            kinds: &kinds,
            own: &|fingerprint| self.own.location_of(fingerprint).is_some(),
            known: &|fingerprint| known.get(&fingerprint).map(|known| known.state),
        };
        let plan = Plan::new(findings, &self.policy, &facts);
        self.policy.allow(plan.count(State::Queued))?;
        self.act(&plan, &mut after, console, cancel)?;
        let known = self.known(findings, counted)?;
        for finding in findings.iter_mut().filter(|finding| eligible(finding, counted)) {
            finding.revocation = known.get(&finding.token.fingerprint()).map(revocation);
        }
        after.count(findings, counted);
        Ok(after)
    }

    /// The kinds the host takes. A dry run asks nobody.
    fn kinds(&mut self, console: &Console) -> anyhow::Result<Vec<Kind>> {
        let Mode::Real { revoker, .. } = &mut self.mode else {
            return Ok(github::PROVIDER.revocable_kinds());
        };
        if let Some(note) = revoker.prepare()? {
            console.warn(&note);
        }
        Ok(revoker.limits().revocable_kinds())
    }

    /// What the ledger knows of what was found; makes none.
    fn known(
        &self,
        findings: &[Finding],
        counted: Confidence,
    ) -> Result<HashMap<Fingerprint, TokenRecord>, LedgerError> {
        let Some(ledger) = SqliteLedger::open_existing(&self.ledger)? else { return Ok(HashMap::new()) };
        let eligible = findings.iter().filter(|finding| eligible(finding, counted));
        let tokens: Vec<Fingerprint> = eligible.map(|finding| finding.token.fingerprint()).collect();
        let known = ledger.known_of(&self.host, &tokens)?;
        Ok(tokens.into_iter().zip(known).filter_map(|(token, known)| Some((token, known?))).collect())
    }

    /// Says, asks, writes down, sends: whatever the mode is.
    fn act(
        &self,
        plan: &Plan<'_>,
        after: &mut RevokeSummary,
        console: &Console,
        cancel: &CancelFlag,
    ) -> anyhow::Result<()> {
        let impact = plan.impact();
        let (revoker, yes) = match &self.mode {
            Mode::DryRun => {
                after.rehearsed = Some(plan::lines(plan, &self.own, &self.label));
                return Ok(());
            }
            // All of it is done, and written down where that was done.
            Mode::Real { .. } if plan.choices.is_empty() => return Ok(()),
            Mode::Real { revoker, yes } => (revoker, *yes),
        };
        if impact.tokens > 0 && !yes {
            let lines = plan::lines(plan, &self.own, &self.label);
            let answer = console.ask(&lines, "Send them? [y/N]", cancel);
            if !answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())) {
                after.unsent =
                    Some(if cancel.is_cancelled() { Unsent::Interrupted } else { Unsent::Declined });
                return Ok(());
            }
        }
        let mut ledger = SqliteLedger::open(&self.ledger)?;
        self.enqueue(&mut ledger, plan, after.suppressed, if yes { "--yes" } else { "yes at the terminal" })?;
        after.ledger = Some(self.ledger.clone());
        if impact.tokens > 0 {
            match send(&mut ledger, &**revoker, &self.options, (console, cancel)) {
                Ok(outcome) => after.outcome = Some(outcome),
                Err(error) => after.error = Some(error.into()),
            }
        }
        Ok(())
    }

    /// Writes the plan down: what is to be sent, what is set aside, and on whose word.
    fn enqueue(
        &self,
        ledger: &mut SqliteLedger,
        plan: &Plan<'_>,
        suppressed: u64,
        word: &str,
    ) -> anyhow::Result<()> {
        let seal = ledger.seal()?;
        let mut counts = BTreeMap::from([("done", plan.done), ("suppressed", suppressed)]);
        let mut digest = Digest::default();
        for (finding, state) in &plan.choices {
            *counts.entry(state.as_str()).or_default() += 1;
            digest.add(&finding.token.fingerprint());
        }
        counts.retain(|_, count| *count > 0);
        let event = Event::Policy {
            host: self.host.clone(),
            decision: word.to_owned(),
            counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            tokens: digest.finish().1,
        };
        ledger.record(&event, &Timestamp::now)?;
        let entries = plan.choices.iter().map(|(finding, state)| {
            let place = finding.locations.first().map(place).unwrap_or_default();
            revoke::entry(&seal, &finding.token, finding.confidence, *state, &place)
        });
        revoke::enqueue(ledger, &self.host, entries, &Timestamp::now)
            .context("the tokens could not be queued, and none was sent")?;
        Ok(())
    }
}

/// Sends all that waits at the host.
pub(super) fn send(
    ledger: &mut SqliteLedger,
    revoker: &dyn Revoker,
    options: &Options,
    (console, cancel): (&Console, &CancelFlag),
) -> Result<RunOutcome, RevokeError> {
    let seal = ledger.seal()?;
    let progress = Progress::default();
    let context = Context { ledger, seal: &seal, revoker, clock: &SystemClock, cancel, progress: &progress };
    console.watch_sending(&progress, cancel, || revoke::run(context, options))
}

/// Where a token was first found, as the ledger keeps it.
fn place(location: &Location) -> String {
    let root = location.root.as_deref().map(|root| format!("{}/", root.trim_end_matches('/')));
    let commit = location.commit.as_deref().map(|commit| format!(" in {commit}"));
    let (root, commit) = (root.unwrap_or_default(), commit.unwrap_or_default());
    format!("{root}{}:{}{commit}", location.path, location.line)
}

fn revocation(known: &TokenRecord) -> Revocation {
    Revocation { state: known.state, at: known.at, request_id: known.request_id.clone() }
}
