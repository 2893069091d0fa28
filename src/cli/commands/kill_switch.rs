//! `stanch enterprise` and `stanch org`: the kill switches.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::bail;

mod planned_call;
mod runner;

use self::planned_call::PlannedCall;
use self::runner::Runner;

use crate::cli::args::{EnterpriseCommand, KillSwitchArgs, OrgCommand};
use crate::cli::connection;
use crate::cli::console::{Console, Terminal, can_prompt, count};
use crate::cli::exit::Exit;
use crate::cli::run_record::RunRecord;
use crate::cli::signal;
use crate::cli::stdout::stdout;
use crate::ledger;
use crate::provider::github::GitHubError;
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::kill_switch::{Call, CredentialType, KillSwitch, Name, Scope};
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
    let settings =
        ConnectionSettings::resolve(&args.pace.with(args.connection.options()), env, &user.connection)?;
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
    let mut ledger = ledger::open(&settings.ledger)?;
    let runner = Runner { pause: settings.min_interval, host, terminal, switch: &switch };
    runner.refuse_while_held(ledger.as_ref(), &calls)?;
    let run = signal::at_once(|| {
        RunRecord::start(ledger.as_mut(), vec![format!("{} {}", request.scope, request.slug)])
    })?;
    let made = runner.make_all(ledger.as_mut(), &calls);
    run.end(ledger.as_mut(), made, &console)
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
                let whom = user.as_ref().map_or("everybody", Name::as_str).to_owned();
                calls.push(PlannedCall { call, user: whom, options: options(*only, self.destroy) });
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
    let mut out = stdout();
    for call in calls {
        writeln!(out, "{}", call.description())?;
    }
    Ok(Exit::Clean)
}
