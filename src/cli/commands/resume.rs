//! `stanch resume`: sends what earlier runs left queued.

mod queues;

use anyhow::bail;
use jiff::Timestamp;

use self::queues::{HostQueue, Queues};
use crate::cli::args::{ResumeArgs, RevocationArgs};
use crate::cli::console::{self, Console, Terminal, count};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::host_summary::HostSummary;
use crate::cli::left_waiting::LeftWaiting;
use crate::cli::revoke_summary::RevokeSummary;
use crate::cli::revoke_target::RevokeTarget;
use crate::cli::run_outcome::RunOutcome;
use crate::cli::run_record::RunRecord;
use crate::cli::{error, plan, signal, spool};
use crate::ledger::{self, Ledger};
use crate::policy::Impact;
use crate::revocation::State;
use crate::revoke::Options;
use crate::settings::{Env, Mode, RevokeSettings};
use crate::suppress::Suppressions;
use crate::text::printable;

/// Does not ask: the user agreed to what waits when it was queued. What was suppressed since, or is this machine's own by
/// now, is taken out of the queue first.
pub(super) fn run(args: &ResumeArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    let mut user = args.user.load_redacted(env)?;
    let flags = args.revocation.flags();
    let settings = RevokeSettings::resolve(&flags, env, &user.revoke, &user.connection)?;
    let address = &settings.connection.ledger;
    if args.revocation.enqueue_only {
        bail!("--enqueue-only is for runs that look for tokens: `stanch resume` sends what waits");
    }
    warn_of_flags_without_effect(&args.revocation, &console);
    let allowlists = std::mem::take(&mut user.allowlists);
    let suppressions = Suppressions { allowlists, ..Suppressions::default() };
    if address.is_intake() {
        return spool::resume(&settings, &suppressions, env, &console);
    }
    let settings = RevokeSettings { enqueue_only: false, ..settings };
    let address = &settings.connection.ledger;
    let Some(mut ledger) = ledger::open_existing(address)? else {
        console.info(&format!("nothing waits: there is no ledger at {}", printable(&address.to_string())));
        return Ok(Exit::Clean);
    };
    let left = LeftWaiting::read(ledger.as_ref(), &settings.connection)?;
    let is_named = flags.connection.host.is_some() || flags.connection.api_url.is_some();
    let base = settings.connection.host.api_base();
    if !left.iter().any(|left| !is_named || left.host == base) {
        let host = if is_named { settings.connection.host.label() } else { "any host" };
        console.info(&format!("nothing waits for {host}"));
    }
    let cancel = signal::listen()?;
    let terminal = Terminal { console: &console, cancel: &cancel };
    let resume = Resume { settings: &settings, left: &left, is_named, suppressions: &suppressions, terminal };
    match resume.run(ledger.as_mut(), env) {
        Err(error) if !left.is_empty() => {
            console::error(&error::message(&error));
            Ok(Exit::Remaining)
        }
        ended => ended,
    }
}

/// A run over the queues of a ledger.
struct Resume<'a> {
    settings: &'a RevokeSettings,
    /// What waits before it.
    left: &'a [LeftWaiting],
    /// Whether a flag names the host: then it is the only one.
    is_named: bool,
    suppressions: &'a Suppressions,
    terminal: Terminal<'a>,
}

impl Resume<'_> {
    fn run(&self, ledger: &mut dyn Ledger, env: &Env) -> anyhow::Result<Exit> {
        let Resume { settings, left, is_named, suppressions, terminal } = *self;
        let queues = Queues { ledger, settings, left, is_named, suppressions, terminal }.read(env)?;
        let waiting = queues.iter().map(|queue| queue.review.tokens()).sum();
        if let Err(too_many) = settings.policy.allow(0, waiting) {
            console::error(&too_many.to_string());
            return Ok(Exit::Remaining);
        }
        if settings.mode == Mode::DryRun {
            return Ok(self.show(&queues));
        }
        if queues.is_empty() {
            let damaged = self.mend_all(ledger)?;
            let summary = self.summary(Vec::new(), ledger)?;
            summary.print(terminal.console);
            let status = summary.status();
            let status = RunStatus { remaining: status.remaining || damaged, ..status };
            return Ok(Exit::of(status, 0));
        }
        for queue in queues.iter().filter(|queue| queue.review.tokens() > 0) {
            let impact = Impact::of_queue(queue.review.waiting.clone());
            terminal.console.info(&plan::headline(&impact, queue.label()));
        }
        let record = signal::at_once(|| RunRecord::start(ledger, Vec::new()))?;
        match self.drain_all(queues, ledger) {
            Ok((mut summary, status)) => {
                let exit = Exit::of(status, 0);
                summary.head = record.finish_or_warn(ledger, exit, terminal.console);
                summary.print(terminal.console);
                Ok(exit)
            }
            Err(error) => record.end(ledger, Err(error), terminal.console),
        }
    }

    /// What waits and was damaged may not look as if it waited. True if there is any.
    fn mend_all(&self, ledger: &mut dyn Ledger) -> anyhow::Result<bool> {
        let mut hosts: Vec<String> = ledger.hosts()?.into_iter().map(|entry| entry.host).collect();
        // A host that is not there may be one whose name was damaged.
        hosts.push(self.settings.connection.host.api_base());
        let mut damaged = 0;
        for host in hosts {
            damaged += ledger.mend(&host, &Timestamp::now)?.tokens();
        }
        if damaged > 0 {
            let tokens = count(damaged, "token");
            self.terminal
                .console
                .warn(&format!("{tokens} damaged in the ledger: scan again to queue them anew"));
        }
        Ok(damaged > 0)
    }

    /// Says what would be sent, and what would not.
    fn show(&self, queues: &[HostQueue]) -> Exit {
        for queue in queues {
            print_plan(queue, self.terminal.console);
        }
        let kept_back = queues.iter().map(|queue| (queue.api_base.clone(), queue.review.kept_back()));
        let left = LeftWaiting::without(self.left.to_vec(), &kept_back.collect());
        let is_told = |left: &&LeftWaiting| queues.iter().any(|queue| queue.api_base == left.host);
        left.iter().filter(|left| !is_told(left)).for_each(|left| left.print(self.terminal.console));
        Exit::of(RunStatus { remaining: !left.is_empty(), ..RunStatus::default() }, 0)
    }

    /// Drains each queue. Comes back with what came of it, and with what the exit code depends on.
    fn drain_all(
        &self,
        queues: Vec<HostQueue>,
        ledger: &mut dyn Ledger,
    ) -> anyhow::Result<(RevokeSummary, RunStatus)> {
        let console = self.terminal.console;
        let (mut hosts, mut set_aside, mut failed) = (Vec::new(), 0, false);
        for queue in queues {
            if self.terminal.cancel.is_cancelled() {
                break;
            }
            match self.drain(queue, ledger) {
                Ok((summary, unsupported)) => {
                    set_aside += unsupported;
                    hosts.push(summary);
                }
                // What waits at other hosts is no worse for it.
                Err(error) => {
                    console::error(&error::message(&error));
                    failed = true;
                }
            }
        }
        let summary = self.summary(hosts, ledger)?;
        if set_aside > 0 {
            console.warn(&format!(
                "{} set aside: the host does not take their kind; `stanch queue list --state unsupported` has them",
                count(set_aside, "token")
            ));
        }
        let status = summary.status();
        let status = RunStatus {
            interrupted: self.terminal.cancel.is_cancelled(),
            remaining: status.remaining || set_aside > 0,
            trouble: status.trouble || failed,
            ..status
        };
        Ok((summary, status))
    }

    /// Takes out of a queue what does not leave, and sends the rest. Returns, beside the summary, how many turned out to be
    /// of a kind that the host does not take.
    fn drain(&self, queue: HostQueue, ledger: &mut dyn Ledger) -> anyhow::Result<(HostSummary, u64)> {
        let HostQueue { provider, connection, api_base, credential, review } = queue;
        review.withdraw(ledger, &api_base)?;
        let unsupported_before = ledger.count(&api_base, State::Unsupported)?;
        let mut target =
            RevokeTarget::open(provider, &connection, self.settings.purpose(), credential, self.terminal)?;
        let outcome = if review.tokens() == 0 {
            RunOutcome::NothingToDo
        } else {
            target.ask_kinds(self.terminal.console)?;
            let most = self.settings.policy.most.map(|_| review.tokens());
            let options = Options { most, ..self.settings.options.clone() };
            target.send(ledger, &options, self.terminal)
        };
        let summary = HostSummary::new(target.summary_host(), review.suppressed_elsewhere, outcome);
        let unsupported = ledger.count(&api_base, State::Unsupported)?.saturating_sub(unsupported_before);
        Ok((summary.with_own(review.own_elsewhere), unsupported))
    }

    fn summary(&self, hosts: Vec<HostSummary>, ledger: &dyn Ledger) -> anyhow::Result<RevokeSummary> {
        let left = LeftWaiting::read(ledger, &self.settings.connection)?;
        Ok(RevokeSummary { hosts, left, undelivered: 0, refused: None, head: None })
    }
}

/// What would be sent to a host, and what would not.
fn print_plan(queue: &HostQueue, console: &Console) {
    let (review, host) = (&queue.review, queue.label());
    if review.tokens() > 0 {
        let impact = Impact::of_queue(review.waiting.clone());
        console.info(&format!("dry run: {} would be sent to {host}", count(impact.tokens(), "token")));
        console.info(&plan::headline(&impact, host));
    }
    for (tokens, why) in
        [(review.suppressed_elsewhere, "suppressed"), (review.own_elsewhere, "this machine's own")]
    {
        if tokens > 0 {
            console.warn(&format!("{} {why}: would not be sent to {host}", count(tokens, "token")));
        }
    }
}

fn warn_of_flags_without_effect(args: &RevocationArgs, console: &Console) {
    if args.revoke_confidence.is_some() {
        console.warn(
            "--revoke-confidence changes nothing here: what is held back is not kept; scan again to send it",
        );
    }
}
