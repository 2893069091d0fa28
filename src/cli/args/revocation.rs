//! What is sent for revocation, and on whose decision.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::TransportArgs;
use crate::finding::Confidence;
use crate::revoke::Wait;
use crate::settings::{Mode, RevokeFlags, RevokeOptions, parse_duration};

// What is sent, and on whose decision.
#[derive(Args, Clone, Debug, Default)]
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
    #[expect(clippy::option_option, reason = "clap's type for a flag whose value may be left out")]
    pub(crate) wait: Option<Option<Duration>>,

    /// Send nothing at all if there would be more tokens than this
    #[arg(long, value_name = "N", help_heading = "Revocation")]
    pub(crate) max_revoke: Option<u64>,

    /// Queue what is found, and leave the sending to a `stanch serve`; the only way where the ledger is an intake
    #[arg(long, help_heading = "Revocation")]
    pub(crate) enqueue_only: bool,

    /// Send this machine's own credentials, too
    #[arg(long, help_heading = "Revocation")]
    pub(crate) allow_own: bool,

    /// Hold back tokens below this [default: certain]
    #[arg(long, value_name = "LEVEL", value_parser = sendable_confidence(), help_heading = "Revocation")]
    pub(crate) revoke_confidence: Option<Confidence>,

    /// Ask first whether each token lives, and keep its scopes and expiry; dead ones are not sent
    #[arg(long, help_heading = "Revocation")]
    pub(crate) verify: bool,

    /// Ask afterwards until they are dead
    #[arg(long, help_heading = "Revocation")]
    pub(crate) confirm: bool,

    #[command(flatten)]
    pub(crate) transport: TransportArgs,
}

/// Every level but that of lookalikes, which are never sent.
fn sendable_confidence() -> impl TypedValueParser<Value = Confidence> {
    let (certain, likely) = (Confidence::Certain.as_str(), Confidence::Likely.as_str());
    PossibleValuesParser::new([certain, likely])
        .map(move |name| if name == likely { Confidence::Likely } else { Confidence::Certain })
}

impl RevocationArgs {
    /// Who decides whether tokens are sent.
    pub(crate) fn mode(&self) -> Mode {
        match (self.dry_run, self.yes) {
            (true, _) => Mode::DryRun,
            (false, true) => Mode::Yes,
            (false, false) => Mode::Ask,
        }
    }

    /// These flags as an input of the settings.
    pub(crate) fn flags(&self) -> RevokeFlags {
        RevokeFlags {
            mode: self.mode(),
            wait: match self.wait {
                None => Wait::No,
                Some(None) => Wait::Forever,
                Some(Some(length)) => Wait::AtMost(length),
            },
            allow_own: self.allow_own,
            verify: self.verify,
            confirm: self.confirm,
            options: RevokeOptions {
                revoke_confidence: self.revoke_confidence,
                max_revoke: self.max_revoke,
                enqueue_only: self.enqueue_only.then_some(true),
            },
            connection: self.transport.options(),
        }
    }

    /// The first of these flags that was given, for commands that refuse them.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        self.first_given_to_revoke().or_else(|| self.first_given_to_connect())
    }

    /// The same of those that say where a host is and how fast it is asked.
    fn first_given_to_connect(&self) -> Option<&'static str> {
        let TransportArgs { connection, pace, .. } = &self.transport;
        let flags = [
            ("--host", connection.host.is_some()),
            ("--api-url", connection.api_url.is_some()),
            ("--auth-token-file", connection.auth_token_file.is_some()),
            ("--ca-cert", connection.ca_cert.is_some()),
            ("--timeout", pace.timeout.is_some()),
            ("--min-interval", pace.min_interval.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// The same of those that say what is revoked, and who remembers it.
    pub(crate) fn first_given_to_revoke(&self) -> Option<&'static str> {
        let TransportArgs { connection, shared, .. } = &self.transport;
        let flags = [
            ("--dry-run", self.dry_run),
            ("--yes", self.yes),
            ("--wait", self.wait.is_some()),
            ("--max-revoke", self.max_revoke.is_some()),
            ("--enqueue-only", self.enqueue_only),
            ("--allow-own", self.allow_own),
            ("--revoke-confidence", self.revoke_confidence.is_some()),
            ("--verify", self.verify),
            ("--confirm", self.confirm),
            ("--ledger", connection.ledger.is_some()),
            ("--key", !shared.key_files.is_empty()),
            ("--seal-to", shared.seal_to.is_some()),
            ("--egress", shared.egress.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// Makes `--wait 10m` into `--wait=10m`. In `--wait PATH`, the path is not the flag's value: only what reads as a duration
/// is taken for one.
pub(crate) fn join_wait(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut flags_are_over = false;
    for argument in arguments {
        let length = argument.to_str().filter(|text| parse_duration(text).is_ok());
        match (length, joined.last_mut()) {
            (Some(length), Some(last)) if !flags_are_over && last == "--wait" => {
                last.push("=");
                last.push(length);
            }
            _ => {
                joined.push(argument);
                flags_are_over |=
                    joined.last().is_some_and(|last| last == "--") || only_names_follow(&joined);
            }
        }
    }
    joined
}

/// Puts `--` in front of what is passed to `stanch hook files`: it decides by itself what an option is.
pub(crate) fn set_names_apart(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(..3).is_some_and(only_names_follow) {
        arguments.insert(3, "--".into());
    }
    arguments
}

/// Whether these arguments are `stanch hook files`.
fn only_names_follow(arguments: &[OsString]) -> bool {
    matches!(arguments, [_, hook, files] if hook == "hook" && files == "files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_takes_what_reads_as_a_duration() {
        let joined = |line: &str| {
            let joined = join_wait(line.split(' ').map(Into::into));
            joined
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (typed, expected) in [
            ("scan --wait 10m .", "scan --wait=10m ."),
            ("scan --wait .", "scan --wait ."),
            ("scan --wait --yes", "scan --wait --yes"),
            ("scan --wait=5s 10m", "scan --wait=5s 10m"),
            ("scan -- --wait 10m", "scan -- --wait 10m"),
            ("resume --wait", "resume --wait"),
            ("stanch hook files --wait 10m", "stanch hook files --wait 10m"),
        ] {
            assert_eq!(joined(typed), expected);
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
        let mut flags = 0;
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
            assert_eq!(parsed.ok().and_then(|only| only.flags.first_given()), Some(flag.as_str()));
            flags += 1;
        }
        assert_eq!(flags, 19);
        assert_eq!(Only::parse_from(["stanch"]).flags.first_given(), None);
    }
}
