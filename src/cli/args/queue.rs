//! The arguments of `stanch queue`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::connection::ledger_help;
use super::{ConsoleArgs, UserConfigArgs};
use crate::revocation::State;
use crate::rule;
use crate::settings::{ConnectionOptions, parse_duration};
use crate::token::{HashPrefix, Kind};

/// What waits and what became of it; take back, try again, lift a server's hold
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum QueueCommand {
    /// The tokens of the ledger, by their hashes
    List(QueueListArgs),
    /// Take tokens back: they are not sent
    ///
    /// Their sealed texts are erased; a scan that finds them again queues them again.
    Withdraw(QueueWithdrawArgs),
    /// Queue tokens again that a server refused or did not take
    ///
    /// The text of a token is kept for as long as it may yet be sent: of those that were refused or unsupported, and not of
    /// those that were withdrawn, held back, dead or your own. Scan again to queue these anew.
    Requeue(QueueRequeueArgs),
    /// Lift what a server asked for: the next run does not wait for it
    ///
    /// The requests of the last hour still count. Where GitHub itself asked for patience, calling earlier makes it ask for
    /// more.
    Release(QueueReleaseArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch queue list --state queued,sent       what the next runs send
  stanch queue list --older-than 2d -f csv    for a spreadsheet
  stanch queue list -f json | jq length")]
pub(crate) struct QueueListArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch queue withdraw 2f1d0c9a8b7e6f50              this one, by 16 digits of its SHA-256 or more
  stanch queue withdraw --host ghe.example.com --yes  all that wait for a server
  stanch queue withdraw --all                         everything that waits")]
pub(crate) struct QueueWithdrawArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch queue requeue --state refused
  stanch queue requeue --state unsupported --host ghe.example.com --yes")]
pub(crate) struct QueueRequeueArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch queue release --host ghe.example.com    a proxy asked in its place")]
pub(crate) struct QueueReleaseArgs {
    #[arg(
        long,
        value_name = "HOST",
        help = "Whose hold (not from GH_HOST or GITHUB_SERVER_URL) [default: the only host]"
    )]
    pub(crate) host: Option<String>,

    #[command(flatten)]
    pub(crate) consent: ConsentArgs,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

// Which tokens, and whether anybody is asked.
#[derive(Args)]
pub(crate) struct SelectionArgs {
    /// 16 to 64 digits of a token's SHA-256
    #[arg(value_name = "HASH")]
    pub(crate) hashes: Vec<HashPrefix>,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    /// Without any other choice: all that this can be done to
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) consent: ConsentArgs,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

// Whether anybody is asked.
#[derive(Args)]
pub(crate) struct ConsentArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

// Which tokens: those for which all of it holds.
#[derive(Args)]
pub(crate) struct FilterArgs {
    /// Only those in this state; may be repeated
    #[arg(long = "state", value_enum, value_name = "STATE", value_delimiter = ',')]
    pub(crate) states: Vec<State>,

    #[arg(
        long,
        value_name = "HOST",
        help = "Only those for this host, by its name or its API's address (not from GH_HOST or GITHUB_SERVER_URL)"
    )]
    pub(crate) host: Option<String>,

    /// Only those of this kind, as in github-pat or ghp_; may be repeated
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub(crate) kinds: Vec<Kind>,

    /// Only those in their state for longer, as in 90m, 2d
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub(crate) older_than: Option<Duration>,
}

impl FilterArgs {
    /// Whether every token is meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty() && self.host.is_none() && self.kinds.is_empty() && self.older_than.is_none()
    }
}

// Which ledger.
#[derive(Args)]
pub(crate) struct LedgerArgs {
    #[arg(long, value_name = "PATH|URL", help_heading = "Where to", help = ledger_help())]
    pub(crate) ledger: Option<PathBuf>,

    /// Certificates to trust besides the system's
    #[arg(long, value_name = "PEM", help_heading = "Where to")]
    pub(crate) ca_cert: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
}

impl LedgerArgs {
    /// These flags as an input of the settings.
    pub(crate) fn options(&self) -> ConnectionOptions {
        ConnectionOptions {
            ledger: self.ledger.clone(),
            ca_cert: self.ca_cert.clone(),
            ..ConnectionOptions::default()
        }
    }
}

/// How a list is printed.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    #[default]
    Table,
    Json,
    Csv,
}

/// A rule's id, or the prefix of its tokens with or without the underscore.
fn parse_kind(text: &str) -> Result<Kind, String> {
    let named = |kind: &Kind| {
        kind.rule_id() == text || kind.prefix() == text || kind.prefix().trim_end_matches('_') == text
    };
    rule::kinds().find(named).ok_or_else(|| {
        let ids: Vec<&str> = rule::kinds().map(Kind::rule_id).collect();
        format!("no such kind of token; there are {}", ids.join(", "))
    })
}

/// A length of time that may be one of days or weeks.
fn parse_age(text: &str) -> Result<Duration, String> {
    let days =
        |number: &str, days: u64| number.parse::<u64>().ok().and_then(|number| number.checked_mul(days));
    let whole = match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
        Some((number, "d")) => days(number, 1),
        Some((number, "w")) => days(number, 7),
        _ => None,
    };
    match whole.filter(|days| *days <= 3660) {
        Some(days) => Ok(Duration::from_hours(24 * days)),
        None => parse_duration(text).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_may_be_one_of_days() {
        assert_eq!(parse_age("2d"), Ok(Duration::from_hours(48)));
        assert_eq!(parse_age("1w"), Ok(Duration::from_hours(168)));
        assert_eq!(parse_age("90m"), Ok(Duration::from_mins(90)));
        for bad in ["", "d", "-1d", "99999d", "x", "é"] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_kind_has_an_id_and_a_prefix() {
        for text in ["github-pat", "ghp_", "ghp"] {
            assert_eq!(parse_kind(text).map(Kind::rule_id), Ok("github-pat"));
        }
        assert!(parse_kind("gitlab").is_err_and(|error| error.contains("github-oauth")));
    }
}
