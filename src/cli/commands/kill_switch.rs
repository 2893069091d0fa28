//! `stanch enterprise` and `stanch org`: the kill switches.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;

use crate::cli::args::{EnterpriseCommand, KillSwitchArgs, OrgCommand};
use crate::cli::console::{Console, count, somebody_is_there};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::signal;
use crate::clock::{Clock as _, SystemClock};
use crate::ledger::{Event, Ledger as _, SqliteLedger};
use crate::meter::CancelFlag;
use crate::provider::github::GitHubError;
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::kill_switch::{self, Call, CredentialType, KillSwitch, Name, Scope};
use crate::text::printable;

/// What was asked for, in the words of the command line.
struct KillRequest<'a> {
    /// `enterprise` or `org`.
    what: &'static str,
    slug: &'a str,
    /// Nobody in particular is everybody.
    users: &'a [String],
    destroy: bool,
    flags: &'a KillSwitchArgs,
}

/// One call, and how the audit trail names it.
struct PlannedCall {
    call: Call,
    options: BTreeMap<String, String>,
}

pub(super) fn enterprise(command: &EnterpriseCommand) -> anyhow::Result<Exit> {
    let (whose, users) = match command {
        EnterpriseCommand::RevokeAll(all) => (&all.whose, &[][..]),
        EnterpriseCommand::RevokeUser(some) => (&some.whose, &some.users[..]),
    };
    let (slug, destroy, flags) = (&whose.slug, whose.destroy_credentials, &whose.flags);
    run(&KillRequest { what: "enterprise", slug, users, destroy, flags })
}

pub(super) fn org(command: &OrgCommand) -> anyhow::Result<Exit> {
    let (whose, users) = match command {
        OrgCommand::RevokeAll(all) => (&all.whose, &[][..]),
        OrgCommand::RevokeUser(some) => (&some.whose, &some.users[..]),
    };
    run(&KillRequest { what: "org", slug: &whose.slug, users, destroy: false, flags: &whose.flags })
}

fn run(request: &KillRequest<'_>) -> anyhow::Result<Exit> {
    let flags = request.flags;
    let console = flags.console.console();
    let calls = request.calls()?;
    let reach = flags.reach.clone().or(&flags.user.revocation()?);
    let host = reach.place.host()?;
    if host.flavour() == Flavour::Server {
        return Err(GitHubError::NoKillSwitch { host: host.label().to_owned() }.into());
    }
    if flags.dry_run {
        return dry_run(request, &calls, &host, &console);
    }
    if !flags.yes && !somebody_is_there() {
        bail!("nobody can be asked here, and nothing was sent: --yes makes the calls, --dry-run says which");
    }
    let path = reach.place.ledger()?;
    SqliteLedger::open_existing(&path)?;
    let credential = reach.place.need_credential(&host)?;
    if let Some(warning) = &credential.warning {
        console.warn(warning);
    }
    let cancel = signal::listen()?;
    let warning = request.warning(host.label());
    if flags.yes {
        for line in &warning {
            console.warn(line);
        }
    } else {
        let question = format!("Type {} to go on:", printable(request.slug));
        match console.ask(&warning, &question, &cancel) {
            Some(answer) if answer == request.slug => {}
            Some(_) => bail!("that is not {}: nothing was sent", printable(request.slug)),
            None => return Ok(Exit::Interrupted),
        }
    }
    let switch = KillSwitch::new(reach.connection(host.clone(), Some(credential.token)))?;
    let ledger = SqliteLedger::open(&path)?;
    let hand = Runner { pause: reach.min_interval(), host: &host, console: &console, cancel: &cancel };
    hand.pull_all(&switch, ledger, &calls)
}

impl KillRequest<'_> {
    /// The calls it takes: one for each user and type.
    fn calls(&self) -> anyhow::Result<Vec<PlannedCall>> {
        let whose = if self.what == "org" { "an organization" } else { "an enterprise" };
        let name = Name::new(whose, self.slug)?;
        let scope = if self.what == "org" { Scope::Org(name) } else { Scope::Enterprise(name) };
        let users = self.users.iter().map(|user| Name::new("a user", user).map(Some));
        let mut users: Vec<Option<Name>> = users.collect::<Result<_, _>>()?;
        if users.is_empty() {
            users.push(None);
        }
        let mut types: Vec<Option<CredentialType>> = self.flags.types.iter().copied().map(Some).collect();
        if types.is_empty() {
            types.push(None);
        }
        let mut calls = Vec::new();
        for user in &users {
            for only in &types {
                let call = Call::new(scope.clone(), user.clone(), *only, self.destroy)?;
                calls.push(PlannedCall { call, options: options(*only, self.destroy) });
            }
        }
        Ok(calls)
    }

    /// What should be known before it is done.
    fn warning(&self, host: &str) -> Vec<String> {
        let whose = match self.users.len() {
            0 => "everybody".to_owned(),
            n => count(n as u64, "user"),
        };
        let what = match self.flags.types.as_slice() {
            [] => "all credentials".to_owned(),
            types => types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and "),
        };
        let (scope, slug) = (self.what, printable(self.slug));
        let mut lines = vec![format!("{host}, {scope} {slug}: {what} of {whose} lose their authorization.")];
        if self.destroy {
            lines.push("The personal access tokens and SSH keys themselves are destroyed, too.".to_owned());
        }
        lines.push("It cannot be undone. The credential this is called with may be among them.".to_owned());
        lines
    }
}

fn options(only: Option<CredentialType>, destroy: bool) -> BTreeMap<String, String> {
    let only = only.map(|only| ("credential_type".to_owned(), only.as_str().to_owned()));
    let destroy = destroy.then(|| ("revoke_credentials".to_owned(), "true".to_owned()));
    only.into_iter().chain(destroy).collect()
}

impl PlannedCall {
    fn name(&self) -> String {
        format!("POST {}", self.call.path())
    }

    fn words(&self) -> String {
        let options = self.options.iter().map(|(name, value)| format!("  {name}={value}"));
        format!("{}{}", self.name(), options.collect::<String>())
    }
}

fn dry_run(
    request: &KillRequest<'_>,
    calls: &[PlannedCall],
    host: &Host,
    console: &Console,
) -> anyhow::Result<Exit> {
    console.say("dry run: nothing was sent, nothing was written; this is what would be called:");
    for line in request.warning(host.label()) {
        console.say(&line);
    }
    let mut out = io::stdout().lock();
    for call in calls {
        writeln!(out, "{}", call.words())?;
    }
    Ok(Exit::Clean)
}

/// Makes the calls, one after the other, each written down before it leaves.
struct Runner<'a> {
    /// Between two calls.
    pause: Duration,
    host: &'a Host,
    console: &'a Console,
    cancel: &'a CancelFlag,
}

impl Runner<'_> {
    fn pull_all(
        &self,
        switch: &KillSwitch,
        mut ledger: SqliteLedger,
        calls: &[PlannedCall],
    ) -> anyhow::Result<Exit> {
        let mut refused = 0_usize;
        for (n, call) in calls.iter().enumerate() {
            if n > 0 {
                SystemClock.sleep(self.pause, self.cancel);
            }
            if self.cancel.is_cancelled() {
                self.console
                    .warn(&format!("interrupted: {} not made", count((calls.len() - n) as u64, "call")));
                break;
            }
            ledger.record(&self.event(call, None), &Timestamp::now)?;
            let outcome = switch.call(&call.call);
            let written = ledger.record(&self.event(call, Some(&outcome)), &Timestamp::now);
            tell(call, &outcome)?;
            written?;
            refused += usize::from(!outcome.accepted());
            if outcome.status == Some(401) {
                self.console.warn("the credential is not, or no longer, let in: no more calls are made");
                break;
            }
        }
        let path = printable(&ledger.path().display().to_string());
        self.console.say(&format!("audit trail: {path}"));
        let outcome =
            Outcome { interrupted: self.cancel.is_cancelled(), trouble: refused > 0, ..Outcome::default() };
        Ok(Exit::of(outcome, 0))
    }

    fn event(&self, call: &PlannedCall, outcome: Option<&kill_switch::CallOutcome>) -> Event {
        let verdict = match outcome {
            None => "intent",
            Some(outcome) if outcome.accepted() => "accepted",
            Some(outcome) if outcome.status.is_none() => "unknown",
            Some(_) => "refused",
        };
        Event::KillSwitch {
            host: self.host.api_host(),
            call: call.name(),
            options: call.options.clone(),
            verdict: verdict.to_owned(),
            status: outcome.and_then(|outcome| outcome.status),
            request_id: outcome.and_then(|outcome| outcome.request_id.clone()),
            message: outcome.map(|outcome| outcome.message.clone()).unwrap_or_default(),
        }
    }
}

/// The status and GitHub's own words.
fn tell(call: &PlannedCall, outcome: &kill_switch::CallOutcome) -> io::Result<()> {
    let status = match outcome.status {
        Some(202) => "202 accepted".to_owned(),
        Some(status) => format!("{status} refused"),
        None => "no answer".to_owned(),
    };
    let id = outcome.request_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let message = printable(&outcome.message);
    writeln!(io::stdout(), "{status}  {}: {message}{id}", call.words())
}
