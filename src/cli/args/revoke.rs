//! The flags of everything that speaks to GitHub.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::finding::Confidence;
use crate::policy::Policy;
use crate::provider::DEFAULT_TIMEOUT;
use crate::provider::github::kill_switch::CredentialType;
use crate::revoke::{Options, Wait};
use crate::settings::{RevokeConfig, parse_duration};

const HOST: &str = "github.com, SUBDOMAIN.ghe.com or a server's name [env: GH_HOST, GITHUB_SERVER_URL] [default: github.com]";
pub(super) const LEDGER: &str = "The ledger [env: STANCH_LEDGER] [default: $XDG_STATE_HOME/stanch/ledger.db]";
const CREDENTIAL: &str = "A file with your own credential, for servers and kill switches [env: STANCH_AUTH_TOKEN, \
    GH_TOKEN, GITHUB_TOKEN; servers: GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN]";

/// Which GitHub, and which ledger.
#[derive(Args, Clone, Default)]
pub(crate) struct ConnectionArgs {
    #[arg(long, value_name = "HOST", help_heading = "Where to", help = HOST)]
    pub(crate) host: Option<String>,

    /// The root of its API, where that is not the usual one
    #[arg(long, value_name = "URL", help_heading = "Where to")]
    pub(crate) api_url: Option<String>,

    #[arg(long, value_name = "PATH", help_heading = "Where to", help = LEDGER)]
    pub(crate) ledger: Option<PathBuf>,

    #[arg(long, value_name = "FILE", help_heading = "Where to", help = CREDENTIAL)]
    pub(crate) auth_token_file: Option<PathBuf>,
}

/// How to get there.
#[derive(Args, Clone, Default)]
pub(crate) struct TransportArgs {
    #[command(flatten)]
    pub(crate) place: ConnectionArgs,

    /// Certificates to trust besides the system's
    #[arg(long, value_name = "PEM", help_heading = "Where to")]
    pub(crate) ca_cert: Option<PathBuf>,

    /// How long to wait for an answer [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout, help_heading = "Where to")]
    pub(crate) timeout: Option<Duration>,

    /// The pause between two requests [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Where to")]
    pub(crate) min_interval: Option<Duration>,
}

/// What is sent, and on whose word.
#[derive(Args, Clone, Default)]
pub(crate) struct RevocationArgs {
    /// Say what would be sent; send nothing, write nothing
    #[arg(long, help_heading = "Revocation")]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long, help_heading = "Revocation")]
    pub(crate) yes: bool,

    /// Wait for GitHub's hourly quota, for so long or until all is sent; by default what it does not allow now stays queued
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, num_args = 0..=1, require_equals = true,
        help_heading = "Revocation")]
    #[expect(clippy::option_option, reason = "clap's word for a flag whose value may be left out")]
    pub(crate) wait: Option<Option<Duration>>,

    /// Send nothing at all if there would be more tokens than this
    #[arg(long, value_name = "N", help_heading = "Revocation")]
    pub(crate) max_revoke: Option<u64>,

    /// Send this machine's own credentials, too
    #[arg(long, help_heading = "Revocation")]
    pub(crate) allow_own: bool,

    /// Hold back tokens below this [default: certain]
    #[arg(long, value_name = "LEVEL", value_parser = ["certain", "likely"], help_heading = "Revocation")]
    pub(crate) revoke_confidence: Option<String>,

    /// Ask first whether each token lives; dead ones are not sent
    #[arg(long, help_heading = "Revocation")]
    pub(crate) verify: bool,

    /// Ask afterwards until they are dead
    #[arg(long, help_heading = "Revocation")]
    pub(crate) confirm: bool,

    #[command(flatten)]
    pub(crate) reach: TransportArgs,
}

impl ConnectionArgs {
    /// These flags, over the user's file. What the environment says goes before that, too.
    #[must_use]
    pub(crate) fn or(self, user: &RevokeConfig) -> Self {
        let said =
            |names: &[&str]| names.iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
        // A host and its address belong together.
        let elsewhere =
            self.host.is_some() || self.api_url.is_some() || said(&["GH_HOST", "GITHUB_SERVER_URL"]);
        let unless = |said: bool| if said { None } else { Some(user) };
        ConnectionArgs {
            host: self.host.or_else(|| unless(elsewhere)?.host.clone()),
            api_url: self.api_url.or_else(|| unless(elsewhere)?.api_url.clone()),
            ledger: self.ledger.or_else(|| unless(said(&["STANCH_LEDGER"]))?.ledger.clone()),
            auth_token_file: self
                .auth_token_file
                .or_else(|| unless(said(&["STANCH_AUTH_TOKEN"]))?.auth_token_file.clone()),
        }
    }
}

impl RevocationArgs {
    /// These flags, over the user's file.
    #[must_use]
    pub(crate) fn or(self, user: &RevokeConfig) -> Self {
        let likely = user.revoke_confidence.map(|level| level.as_str().to_owned());
        RevocationArgs {
            max_revoke: self.max_revoke.or(user.max_revoke),
            revoke_confidence: self.revoke_confidence.or(likely),
            reach: self.reach.or(user),
            ..self
        }
    }
}

impl TransportArgs {
    /// These flags, over the user's file.
    #[must_use]
    pub(crate) fn or(self, user: &RevokeConfig) -> Self {
        TransportArgs {
            place: self.place.or(user),
            ca_cert: self.ca_cert.or_else(|| user.ca_cert.clone()),
            timeout: self.timeout.or(user.timeout),
            min_interval: self.min_interval.or(user.min_interval),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    pub(crate) fn min_interval(&self) -> Duration {
        self.min_interval.unwrap_or(Options::default().min_interval)
    }
}

impl RevocationArgs {
    /// The user's word on what may be sent.
    pub(crate) fn policy(&self) -> Policy {
        let likely = self.revoke_confidence.as_deref() == Some(Confidence::Likely.as_str());
        Policy {
            least: if likely { Confidence::Likely } else { Confidence::Certain },
            allow_own: self.allow_own,
            most: self.max_revoke,
        }
    }

    /// How to go about it.
    pub(crate) fn options(&self) -> Options {
        Options {
            wait: match self.wait {
                None => Wait::No,
                Some(None) => Wait::Forever,
                Some(Some(length)) => Wait::AtMost(length),
            },
            min_interval: self.reach.min_interval(),
            timeout: self.reach.timeout(),
            verify: self.verify,
            confirm: self.confirm,
            ..Options::default()
        }
    }

    /// The first of these flags that was given, for those who may not give any.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let TransportArgs { place, ca_cert, timeout, min_interval } = &self.reach;
        let flags = [
            ("--dry-run", self.dry_run),
            ("--yes", self.yes),
            ("--wait", self.wait.is_some()),
            ("--max-revoke", self.max_revoke.is_some()),
            ("--allow-own", self.allow_own),
            ("--revoke-confidence", self.revoke_confidence.is_some()),
            ("--verify", self.verify),
            ("--confirm", self.confirm),
            ("--host", place.host.is_some()),
            ("--api-url", place.api_url.is_some()),
            ("--ledger", place.ledger.is_some()),
            ("--auth-token-file", place.auth_token_file.is_some()),
            ("--ca-cert", ca_cert.is_some()),
            ("--timeout", timeout.is_some()),
            ("--min-interval", min_interval.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// An answer needs some time.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(length) if length.is_zero() => Err("no answer comes in no time at all".to_owned()),
        Ok(length) => Ok(length),
        Err(error) => Err(error.to_string()),
    }
}

impl ValueEnum for CredentialType {
    fn value_variants<'a>() -> &'a [Self] {
        &CredentialType::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// `--wait 10m` is `--wait=10m`, and `--wait PATH` waits for as long as it takes: only what reads as a length of time is
/// taken for one.
pub(crate) fn join_wait(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut out: Vec<std::ffi::OsString> = Vec::new();
    let mut flags_are_over = false;
    for argument in arguments {
        let length = argument.to_str().filter(|text| parse_duration(text).is_ok());
        match (length, out.last_mut()) {
            (Some(length), Some(last)) if !flags_are_over && last == "--wait" => {
                last.push("=");
                last.push(length);
            }
            _ => {
                flags_are_over |= argument == "--";
                out.push(argument);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_takes_what_reads_as_a_length_of_time() {
        let joined = |line: &str| {
            let words = join_wait(line.split(' ').map(Into::into));
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        for (typed, meant) in [
            ("scan --wait 10m .", "scan --wait=10m ."),
            ("scan --wait .", "scan --wait ."),
            ("scan --wait --yes", "scan --wait --yes"),
            ("scan --wait=5s 10m", "scan --wait=5s 10m"),
            ("scan -- --wait 10m", "scan -- --wait 10m"),
            ("resume --wait", "resume --wait"),
        ] {
            assert_eq!(joined(typed), meant);
        }
    }

    #[test]
    fn every_flag_knows_whether_it_was_given() {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            flags: RevocationArgs,
        }
        use clap::{CommandFactory as _, Parser as _};
        let mut named = 0;
        for argument in Only::command().get_arguments() {
            let Some(name) = argument.get_long() else { continue };
            let value = match name {
                "revoke-confidence" => "=likely",
                "timeout" | "min-interval" | "max-revoke" => "=1",
                _ if argument.get_action().takes_values() && name != "wait" => "=x",
                _ => "",
            };
            let flag = format!("--{name}");
            let parsed = Only::try_parse_from(["stanch", &format!("{flag}{value}")]);
            assert_eq!(parsed.ok().and_then(|only| only.flags.given()), Some(flag.as_str()));
            named += 1;
        }
        assert_eq!(named, 15);
        assert_eq!(Only::parse_from(["stanch"]).flags.given(), None);
    }
}
