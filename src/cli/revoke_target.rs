//! Where the tokens of one provider go: its host, connected to before anything is scanned.

use std::time::Duration;

use super::connection::HostConnection;
use super::console::{Console, Terminal};
use super::host_summary::SummaryHost;
use super::left_waiting::resume_command;
use super::plan::Pace;
use super::run_outcome::RunOutcome;
use crate::finding::{Confidence, Finding};
use crate::ledger::{HostStatus, Ledger};
use crate::meter::CancelFlag;
use crate::policy::eligible;
use crate::provider::github::credential::Credential;
use crate::provider::{self, ConnectError, Provider};
use crate::revoke::Options;
use crate::settings::{ConnectionSettings, Mode, Purpose, RevokeSettings};
use crate::token::Kind;

/// The host of one provider, as a revoking run knows it.
pub(super) struct RevokeTarget {
    provider: &'static Provider,
    /// The host's name for people.
    pub(super) label: String,
    /// The host's name in the ledger: that of its API.
    pub(super) api_base: String,
    /// The command that goes on with what waits there.
    resume: String,
    /// The kinds the host takes, as far as is known.
    pub(super) kinds: Vec<Kind>,
    /// None where what would be sent is only shown, or queued.
    pub(super) connection: Option<HostConnection>,
    /// The ledger's name for people where tokens are only queued in it.
    pub(super) queued_in: Option<String>,
    /// Whether that is an intake, which lets nothing be taken back.
    pub(super) is_intake: bool,
}

impl RevokeTarget {
    /// One for each provider, in the order of the registry. The credential goes to the provider it is meant for.
    pub(super) fn all(
        settings: &RevokeSettings,
        mut credential: Option<Credential>,
        terminal: Terminal<'_>,
    ) -> Result<Vec<Self>, ConnectError> {
        provider::all()
            .map(|provider| {
                let credential = if provider.has_host_flags { credential.take() } else { None };
                RevokeTarget::open(provider, &settings.connection, settings.purpose(), credential, terminal)
            })
            .collect()
    }

    /// Prepares the connection; sends nothing. In a dry run, one that could not be made is only warned of; a run that only
    /// queues needs none.
    pub(super) fn open(
        provider: &'static Provider,
        settings: &ConnectionSettings,
        purpose: Purpose,
        credential: Option<Credential>,
        terminal: Terminal<'_>,
    ) -> Result<Self, ConnectError> {
        let connection = match HostConnection::open(provider, settings, credential, terminal.cancel) {
            Err(_) if purpose.enqueue_only => None,
            Err(error) if purpose.mode == Mode::DryRun => {
                terminal.console.warn(&format!("without --dry-run this would be refused: {error}"));
                None
            }
            connection => Some(connection?),
        };
        let (label, api_base) = if provider.has_host_flags {
            let host = &settings.host;
            (host.label().to_owned(), host.api_base())
        } else {
            let host = connection.as_ref().map_or_else(|| provider.name.to_owned(), HostConnection::api_base);
            (host.clone(), host)
        };
        Ok(RevokeTarget {
            provider,
            resume: resume_command(settings, &api_base),
            label,
            api_base,
            kinds: provider.revocable_kinds(),
            connection: connection.filter(|_| purpose.sends()),
            queued_in: purpose.enqueue_only.then(|| settings.ledger.to_string()),
            is_intake: settings.ledger.is_intake(),
        })
    }

    /// The provider whose host a ledger calls `api_base`, of those that `--host` is not meant for.
    pub(super) fn provider_at(
        api_base: &str,
        settings: &ConnectionSettings,
        cancel: &CancelFlag,
    ) -> Option<&'static Provider> {
        provider::all().filter(|provider| !provider.has_host_flags).find(|provider| {
            HostConnection::open(provider, settings, None, cancel)
                .is_ok_and(|connection| connection.api_base() == api_base)
        })
    }

    /// The host, as the summary of a run names it.
    pub(super) fn summary_host(&self) -> SummaryHost {
        SummaryHost {
            label: self.label.clone(),
            api_base: self.api_base.clone(),
            resume: self.resume.clone(),
            queued_in: self.queued_in.clone(),
        }
    }

    /// Sends everything that a ledger has queued for it.
    pub(super) fn send(
        &self,
        ledger: &mut dyn Ledger,
        options: &Options,
        terminal: Terminal<'_>,
    ) -> RunOutcome {
        let Some(connection) = &self.connection else { return RunOutcome::NothingToDo };
        RunOutcome::of(ledger.description(), connection.send(ledger, options, terminal))
    }

    /// How fast it takes tokens; `status` is what is left of its quota, where that is known.
    pub(super) fn pace(&self, status: Option<&HostStatus>) -> Pace {
        let self_interval = self.connection.as_ref().map_or(Duration::ZERO, HostConnection::self_interval);
        let Provider { max_batch, per_hour, .. } = *self.provider;
        let free = match status {
            Some(status) if status.wait_reason.is_some() => 0,
            Some(status) => status.limit.saturating_sub(status.requests_last_hour),
            None => per_hour,
        };
        let per_hour = status.map_or(per_hour, |status| status.limit);
        Pace { max_batch, per_hour, free, self_interval }
    }

    /// Whether a finding is sent there, if it is sent.
    pub(super) fn takes(&self, finding: &Finding) -> bool {
        finding.token.kind().provider() == Some(self.provider.name)
    }

    /// Whether a ledger may know of a finding at this host.
    pub(super) fn is_known_of(&self, finding: &Finding) -> bool {
        self.takes(finding) && finding.revocable()
    }

    /// Those of the findings that are sent there, if they are sent, and can be.
    pub(super) fn eligible<'a>(
        &self,
        findings: &'a [Finding],
        counted: Confidence,
    ) -> impl Iterator<Item = &'a Finding> {
        findings.iter().filter(move |finding| self.takes(finding) && eligible(finding, counted))
    }

    /// Asks the host which kinds it takes. A dry run does not ask.
    pub(super) fn ask_kinds(&mut self, console: &Console) -> Result<(), ConnectError> {
        if let Some(connection) = &mut self.connection {
            self.kinds = connection.limits(console)?.revocable_kinds();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revoke::Wait;
    use crate::rule;
    use crate::settings::{ConnectionOptions, Env, RevokeFlags, RevokeOptions};

    fn settings(mode: Mode) -> RevokeSettings {
        let connection = ConnectionOptions {
            host: Some("octocorp.ghe.com".to_owned()),
            ledger: Some("l.db".into()),
            ..ConnectionOptions::default()
        };
        let flags = RevokeFlags {
            mode,
            wait: Wait::No,
            allow_own: false,
            verify: false,
            confirm: false,
            options: RevokeOptions::default(),
            connection,
        };
        let (options, connection) = (RevokeOptions::default(), ConnectionOptions::default());
        RevokeSettings::resolve(&flags, &Env::default(), &options, &connection).expect("good settings")
    }

    #[test]
    fn every_kind_goes_to_the_host_of_its_provider() {
        let (console, cancel) = (Console::plain(), CancelFlag::default());
        let terminal = Terminal { console: &console, cancel: &cancel };
        for (mode, connects) in [(Mode::Yes, true), (Mode::DryRun, false)] {
            let mut targets = RevokeTarget::all(&settings(mode), None, terminal).expect("two hosts");
            let hosts: Vec<_> = targets.iter().map(|host| (&*host.label, &*host.api_base)).collect();
            let expected = [
                ("octocorp.ghe.com", "https://api.octocorp.ghe.com"),
                ("api.acme.example", "api.acme.example"),
            ];
            assert_eq!(hosts, expected);
            for target in &mut targets {
                assert_eq!(target.connection.is_some(), connects);
                target.ask_kinds(&console).expect("neither has to be asked");
                let theirs: Vec<Kind> =
                    rule::kinds().filter(|kind| kind.provider() == Some(target.provider.name)).collect();
                let mut kinds = target.kinds.clone();
                kinds.sort();
                assert_eq!(kinds, theirs);
            }
        }
    }

    #[test]
    fn a_host_of_a_ledger_leads_to_its_provider() {
        let (settings, cancel) = (settings(Mode::Yes).connection, CancelFlag::default());
        let name = |host| RevokeTarget::provider_at(host, &settings, &cancel).map(|provider| provider.name);
        assert_eq!(name("api.acme.example"), Some("acme"));
        assert_eq!((name("https://api.octocorp.ghe.com"), name("elsewhere.example")), (None, None));
    }
}
