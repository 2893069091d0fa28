//! `stanch enterprise` and `stanch org`: the kill switches.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;

use super::console::{Console, count, somebody_is_there};
use super::exit::{Exit, Outcome};
use super::flags::{EnterpriseVerb, KillFlags, OrgVerb};
use super::interrupt;
use crate::ledger::{Event, Ledger as _, SqliteLedger};
use crate::pace::{Clock as _, Stop, SystemClock};
use crate::provider::ReachError;
use crate::provider::host::{Flavour, Host};
use crate::provider::killswitch::{self, CredentialType, KillSwitch, Name, Order, Scope};
use crate::report::sanitise;
use crate::scan::Meter;

/// What was asked for, in the words of the command line.
struct Wish<'a> {
    /// `enterprise` or `org`.
    what: &'static str,
    slug: &'a str,
    /// Nobody in particular is everybody.
    users: &'a [String],
    destroy: bool,
    flags: &'a KillFlags,
}

/// One call, and how the audit trail names it.
struct Call {
    order: Order,
    options: BTreeMap<String, String>,
}

pub(super) fn enterprise(verb: &EnterpriseVerb) -> anyhow::Result<Exit> {
    let (whose, users) = match verb {
        EnterpriseVerb::RevokeAll(all) => (&all.whose, &[][..]),
        EnterpriseVerb::RevokeUser(some) => (&some.whose, &some.users[..]),
    };
    let (slug, destroy, flags) = (&whose.slug, whose.destroy_credentials, &whose.flags);
    run(&Wish { what: "enterprise", slug, users, destroy, flags })
}

pub(super) fn org(verb: &OrgVerb) -> anyhow::Result<Exit> {
    let (whose, users) = match verb {
        OrgVerb::RevokeAll(all) => (&all.whose, &[][..]),
        OrgVerb::RevokeUser(some) => (&some.whose, &some.users[..]),
    };
    run(&Wish { what: "org", slug: &whose.slug, users, destroy: false, flags: &whose.flags })
}

fn run(wish: &Wish<'_>) -> anyhow::Result<Exit> {
    let flags = wish.flags;
    let console = flags.console.console();
    let calls = wish.calls()?;
    let reach = flags.reach.clone().or(&flags.user.revocation()?);
    let host = reach.place.host()?;
    if host.flavour() == Flavour::Server {
        return Err(ReachError::NoKillSwitch { host: host.label().to_owned() }.into());
    }
    if flags.dry_run {
        return rehearse(wish, &calls, &host, &console);
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
    let stop = interrupt::listen(&Meter::default())?;
    let warning = wish.warning(host.label());
    if flags.yes {
        for line in &warning {
            console.warn(line);
        }
    } else {
        let question = format!("Type {} to go on:", sanitise(wish.slug));
        match console.ask(&warning, &question, &stop) {
            Some(answer) if answer == wish.slug => {}
            Some(_) => bail!("that is not {}: nothing was sent", sanitise(wish.slug)),
            None => return Ok(Exit::Interrupted),
        }
    }
    let options = reach.options(host);
    let switch = KillSwitch::new(&options, credential.token)?;
    let ledger = SqliteLedger::open(&path)?;
    let hand = Hand { pause: reach.min_interval(), host: &options.host, console: &console, stop: &stop };
    hand.pull_all(&switch, ledger, &calls)
}

impl Wish<'_> {
    /// The calls it takes: one for each user and type.
    fn calls(&self) -> anyhow::Result<Vec<Call>> {
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
                let order = Order::new(scope.clone(), user.clone(), *only, self.destroy)?;
                calls.push(Call { order, options: options(*only, self.destroy) });
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
        let (scope, slug) = (self.what, sanitise(self.slug));
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

impl Call {
    fn name(&self) -> String {
        format!("POST {}", self.order.path())
    }

    fn words(&self) -> String {
        let options = self.options.iter().map(|(name, value)| format!("  {name}={value}"));
        format!("{}{}", self.name(), options.collect::<String>())
    }
}

fn rehearse(wish: &Wish<'_>, calls: &[Call], host: &Host, console: &Console) -> anyhow::Result<Exit> {
    console.say("dry run: nothing was sent, nothing was written; this is what would be called:");
    for line in wish.warning(host.label()) {
        console.say(&line);
    }
    let mut out = io::stdout().lock();
    for call in calls {
        writeln!(out, "{}", call.words())?;
    }
    Ok(Exit::Clean)
}

/// Makes the calls, one after the other, each written down before it leaves.
struct Hand<'a> {
    /// Between two calls.
    pause: Duration,
    host: &'a Host,
    console: &'a Console,
    stop: &'a Stop,
}

impl Hand<'_> {
    fn pull_all(
        &self,
        switch: &KillSwitch,
        mut ledger: SqliteLedger,
        calls: &[Call],
    ) -> anyhow::Result<Exit> {
        let mut refused = 0_usize;
        for (n, call) in calls.iter().enumerate() {
            if n > 0 {
                SystemClock.sleep(self.pause, self.stop);
            }
            if self.stop.asked() {
                self.console
                    .warn(&format!("interrupted: {} not made", count((calls.len() - n) as u64, "call")));
                break;
            }
            ledger.record(&self.event(call, None), &Timestamp::now)?;
            let outcome = switch.call(&call.order);
            let written = ledger.record(&self.event(call, Some(&outcome)), &Timestamp::now);
            tell(call, &outcome)?;
            written?;
            refused += usize::from(!outcome.accepted());
            if outcome.status == Some(401) {
                self.console.warn("the credential is not, or no longer, let in: no more calls are made");
                break;
            }
        }
        let path = sanitise(&ledger.path().display().to_string());
        self.console.say(&format!("audit trail: {path}"));
        let outcome = Outcome { interrupted: self.stop.asked(), trouble: refused > 0, ..Outcome::default() };
        Ok(Exit::of(outcome, 0))
    }

    fn event(&self, call: &Call, outcome: Option<&killswitch::Outcome>) -> Event {
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
fn tell(call: &Call, outcome: &killswitch::Outcome) -> io::Result<()> {
    let status = match outcome.status {
        Some(202) => "202 accepted".to_owned(),
        Some(status) => format!("{status} refused"),
        None => "no answer".to_owned(),
    };
    let id = outcome.request_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let message = sanitise(&outcome.message);
    writeln!(io::stdout(), "{status}  {}: {message}{id}", call.words())
}
