//! `stanch enterprise` and `stanch org`: the kill switches.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;

use crate::cli::args::{EnterpriseCommand, KillSwitchArgs, OrgCommand};
use crate::cli::connection;
use crate::cli::console::{Console, Terminal, can_prompt, count};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::signal;
use crate::clock::{Clock as _, SystemClock};
use crate::ledger::{self, Event, Ledger};
use crate::provider::github::GitHubError;
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::kill_switch::{Call, CallOutcome, CredentialType, KillSwitch, Name, Scope};
use crate::settings::{ConnectionSettings, Env};
use crate::text::printable;

/// What was asked for on the command line.
struct KillRequest<'a> {
    /// `enterprise` or `org`.
    scope: &'static str,
    slug: &'a str,
    /// Whose credentials; none is everybody's.
    users: &'a [String],
    /// `--destroy-credentials`.
    destroy: bool,
    args: &'a KillSwitchArgs,
}

/// One call, and its options as the audit trail has them.
struct PlannedCall {
    call: Call,
    options: BTreeMap<String, String>,
}

pub(super) fn enterprise(command: &EnterpriseCommand, env: &Env) -> anyhow::Result<Exit> {
    let (enterprise, users) = match command {
        EnterpriseCommand::RevokeAll(args) => (&args.enterprise, &[][..]),
        EnterpriseCommand::RevokeUser(args) => (&args.enterprise, &args.users[..]),
    };
    let (slug, destroy, args) = (&enterprise.slug, enterprise.destroy_credentials, &enterprise.kill_switch);
    run(&KillRequest { scope: "enterprise", slug, users, destroy, args }, env)
}

pub(super) fn org(command: &OrgCommand, env: &Env) -> anyhow::Result<Exit> {
    let (org, users) = match command {
        OrgCommand::RevokeAll(args) => (&args.org, &[][..]),
        OrgCommand::RevokeUser(args) => (&args.org, &args.users[..]),
    };
    run(&KillRequest { scope: "org", slug: &org.slug, users, destroy: false, args: &org.kill_switch }, env)
}

fn run(request: &KillRequest<'_>, env: &Env) -> anyhow::Result<Exit> {
    let args = request.args;
    let console = args.console.console();
    let calls = request.calls()?;
    let user = args.user.load_redacted(env)?;
    let settings = ConnectionSettings::resolve(&args.transport.options(), env, &user.connection)?;
    let host = &settings.host;
    if host.flavour() == Flavour::Server {
        return Err(GitHubError::NoKillSwitch { host: host.label().to_owned() }.into());
    }
    if args.dry_run {
        return dry_run(request, &calls, host, &console);
    }
    if !args.yes && !can_prompt() {
        bail!("nobody can be asked here, and nothing was sent: --yes makes the calls, --dry-run says which");
    }
    ledger::open_existing(&settings.ledger)?;
    let credential = connection::require_credential(&settings, env, &console)?;
    let cancel = signal::listen()?;
    let terminal = Terminal { console: &console, cancel: &cancel };
    if !request.confirm(host.label(), terminal)? {
        return Ok(Exit::Interrupted);
    }
    let switch = KillSwitch::new(connection::connection(&settings, Some(credential), &cancel))?;
    let ledger = ledger::open(&settings.ledger)?;
    Runner { pause: settings.min_interval, host, terminal }.make_all(&switch, ledger, &calls)
}

impl KillRequest<'_> {
    /// The calls it takes: one for each user and type.
    fn calls(&self) -> anyhow::Result<Vec<PlannedCall>> {
        let whose = if self.scope == "org" { "an organization" } else { "an enterprise" };
        let name = Name::new(whose, self.slug)?;
        let scope = if self.scope == "org" { Scope::Org(name) } else { Scope::Enterprise(name) };
        let users = self.users.iter().map(|user| Name::new("a user", user).map(Some));
        let mut users: Vec<Option<Name>> = users.collect::<Result<_, _>>()?;
        if users.is_empty() {
            users.push(None);
        }
        let mut types: Vec<Option<CredentialType>> = self.args.types.iter().copied().map(Some).collect();
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

    /// Warns of the consequences, and has the slug typed unless `--yes` was given. False where the user interrupted that.
    fn confirm(&self, host: &str, terminal: Terminal<'_>) -> anyhow::Result<bool> {
        let warning = self.warning(host);
        if self.args.yes {
            for line in &warning {
                terminal.console.warn(line);
            }
            return Ok(true);
        }
        let question = format!("Type {} to go on:", printable(self.slug));
        match terminal.ask(&warning, &question) {
            Some(answer) if answer == self.slug => Ok(true),
            Some(_) => bail!("that is not {}: nothing was sent", printable(self.slug)),
            None => Ok(false),
        }
    }

    /// The consequences, in lines of text.
    fn warning(&self, host: &str) -> Vec<String> {
        let whose = match self.users.len() {
            0 => "everybody".to_owned(),
            n => count(n as u64, "user"),
        };
        let what = match self.args.types.as_slice() {
            [] => "all credentials".to_owned(),
            types => types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and "),
        };
        let (scope, slug) = (self.scope, printable(self.slug));
        let mut lines = vec![format!("{host}, {scope} {slug}: {what} of {whose} lose their authorization.")];
        if self.destroy {
            lines.push("The personal access tokens and SSH keys themselves are destroyed, too.".to_owned());
        }
        lines.push("It cannot be undone. The credential this is called with may be among them.".to_owned());
        lines
    }
}

/// The fields of the call's body, for the audit trail.
fn options(only: Option<CredentialType>, destroy: bool) -> BTreeMap<String, String> {
    let only = only.map(|only| ("credential_type".to_owned(), only.as_str().to_owned()));
    let destroy = destroy.then(|| ("revoke_credentials".to_owned(), "true".to_owned()));
    only.into_iter().chain(destroy).collect()
}

impl PlannedCall {
    /// The call as the audit trail names it.
    fn name(&self) -> String {
        format!("POST {}", self.call.path())
    }

    /// The call with its options, for people.
    fn description(&self) -> String {
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
    console.info("dry run: nothing was sent, nothing was written; this is what would be called:");
    for line in request.warning(host.label()) {
        console.info(&line);
    }
    let mut out = io::stdout().lock();
    for call in calls {
        writeln!(out, "{}", call.description())?;
    }
    Ok(Exit::Clean)
}

/// Makes the calls, one after the other, each written down before it is sent.
struct Runner<'a> {
    /// Between two calls.
    pause: Duration,
    host: &'a Host,
    terminal: Terminal<'a>,
}

impl Runner<'_> {
    fn make_all(
        &self,
        switch: &KillSwitch,
        mut ledger: Box<dyn Ledger>,
        calls: &[PlannedCall],
    ) -> anyhow::Result<Exit> {
        let Terminal { console, cancel } = self.terminal;
        let mut refused = 0_usize;
        for (n, call) in calls.iter().enumerate() {
            if n > 0 {
                SystemClock.sleep(self.pause, cancel);
            }
            if cancel.is_cancelled() {
                console.warn(&format!("interrupted: {} not made", count((calls.len() - n) as u64, "call")));
                break;
            }
            ledger.record(&self.event(call, None), &Timestamp::now)?;
            let outcome = switch.call(&call.call);
            let recorded = ledger.record(&self.event(call, Some(&outcome)), &Timestamp::now);
            // The answer is printed even where it could not be recorded.
            print(call, &outcome)?;
            recorded?;
            refused += usize::from(!outcome.accepted());
            if outcome.status == Some(401) {
                console.warn("the credential is not, or no longer, let in: no more calls are made");
                break;
            }
        }
        console.info(&format!("audit trail: {}", printable(&ledger.description())));
        let status =
            RunStatus { interrupted: cancel.is_cancelled(), trouble: refused > 0, ..RunStatus::default() };
        Ok(Exit::of(status, 0))
    }

    fn event(&self, call: &PlannedCall, outcome: Option<&CallOutcome>) -> Event {
        let verdict = match outcome {
            None => "intent",
            Some(outcome) if outcome.accepted() => "accepted",
            Some(outcome) if outcome.status.is_none() => "unknown",
            Some(_) => "refused",
        };
        Event::KillSwitch {
            host: self.host.api_base(),
            call: call.name(),
            options: call.options.clone(),
            verdict: verdict.to_owned(),
            status: outcome.and_then(|outcome| outcome.status),
            request_id: outcome.and_then(|outcome| outcome.request_id.clone()),
            message: outcome.map(|outcome| outcome.message.clone()).unwrap_or_default(),
        }
    }
}

/// Prints the status and GitHub's message.
fn print(call: &PlannedCall, outcome: &CallOutcome) -> io::Result<()> {
    let status = match outcome.status {
        Some(202) => "202 accepted".to_owned(),
        Some(status) => format!("{status} refused"),
        None => "no answer".to_owned(),
    };
    let id = outcome.request_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let message = printable(&outcome.message);
    writeln!(io::stdout(), "{status}  {}: {message}{id}", call.description())
}
