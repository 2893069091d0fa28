//! The flags of the verbs that revoke, and of those that look back on it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::revoke::LEDGER;
use super::{ConnectionArgs, ConsoleArgs, RevocationArgs, TransportArgs, UserConfigArgs};
use crate::provider::github::kill_switch::CredentialType;
use crate::report::Format;

/// Send the tokens found in any text to GitHub for revocation
///
/// The text may be anything: a report, a log, a list of tokens. What the hourly quota does not allow now stays queued in the
/// ledger. GitHub answers 202 even for tokens that never existed, so what it took is called accepted, and --confirm asks
/// whether it is dead.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch revoke --yes < leaked.txt         from standard input
  stanch revoke --dry-run app.log          what would be sent
  stanch revoke --yes --wait 2h list.txt   stay for two hours of quota

Exit codes:
  0    all were accepted
  2    something went wrong
  3    tokens remain: queued, refused or held back
  130  interrupted; what was not sent stays queued")]
pub(crate) struct RevokeCommandArgs {
    /// Files; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,

    /// The form of the report on standard output
    #[arg(short, long, value_enum, default_value_t, help_heading = "What is reported")]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

/// Go on with what earlier runs left queued
///
/// Nobody is asked again: what waits was agreed to when it was queued.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch resume             send what the quota allows now
  stanch resume --wait      stay until all is sent

Exit codes:
  0    nothing waits any more
  2    something went wrong
  3    tokens remain: queued or refused
  130  interrupted; what was not sent stays queued")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

/// The queue, the quota used in the last hour, the next free slot
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch status
  stanch status -f json | jq .queued")]
pub(crate) struct StatusArgs {
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: StatusFormat,

    #[command(flatten)]
    pub(crate) place: ConnectionArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
}

/// How a status is written down.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum StatusFormat {
    #[default]
    Pretty,
    Json,
}

/// The audit trail as JSON lines
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch audit > trail.jsonl     keep a copy
  stanch audit --verify          check that nothing was changed or taken out")]
pub(crate) struct AuditArgs {
    /// Check that each record holds the hash of the one before, and that none is missing
    #[arg(long)]
    pub(crate) verify: bool,

    #[arg(long, value_name = "PATH", help = LEDGER)]
    pub(crate) ledger: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
}

impl AuditArgs {
    /// The ledger, looked for as everywhere.
    pub(crate) fn place(&self) -> ConnectionArgs {
        ConnectionArgs { ledger: self.ledger.clone(), ..ConnectionArgs::default() }
    }
}

/// Kill switches of an enterprise
#[derive(Subcommand)]
pub(crate) enum EnterpriseCommand {
    RevokeAll(EnterpriseAll),
    RevokeUser(EnterpriseUser),
}

/// Take the authorizations of everybody's credentials back
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch enterprise revoke-all acme --dry-run
  stanch enterprise revoke-all acme --type classic_pat --type oauth_app_token

Your own credential needs admin:enterprise, and may be among those that end.")]
pub(crate) struct EnterpriseAll {
    #[command(flatten)]
    pub(crate) whose: Enterprise,
}

/// Take the authorizations of some users' credentials back
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch enterprise revoke-user acme mallory --dry-run
  stanch enterprise revoke-user acme mallory trent --type ssh_key

Your own credential needs admin:enterprise.")]
pub(crate) struct EnterpriseUser {
    #[command(flatten)]
    pub(crate) whose: Enterprise,

    /// Their user names
    #[arg(value_name = "USER", required = true)]
    pub(crate) users: Vec<String>,
}

/// Whose switch it is, and how it is thrown.
#[derive(Args)]
pub(crate) struct Enterprise {
    /// The enterprise's slug
    #[arg(value_name = "ENTERPRISE")]
    pub(crate) slug: String,

    /// Destroy the tokens and SSH keys themselves, too (enterprises with managed users)
    #[arg(long)]
    pub(crate) destroy_credentials: bool,

    #[command(flatten)]
    pub(crate) flags: KillSwitchArgs,
}

/// Kill switches of an organization
#[derive(Subcommand)]
pub(crate) enum OrgCommand {
    RevokeAll(OrgAll),
    RevokeUser(OrgUser),
}

/// Take the authorizations of everybody's credentials back
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch org revoke-all acme --dry-run
  stanch org revoke-all acme --type classic_pat

Your own credential needs admin:org, and may be among those that end.")]
pub(crate) struct OrgAll {
    #[command(flatten)]
    pub(crate) whose: Org,
}

/// Take the authorizations of some users' credentials back
#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch org revoke-user acme mallory --dry-run
  stanch org revoke-user acme mallory trent

Your own credential needs admin:org.")]
pub(crate) struct OrgUser {
    #[command(flatten)]
    pub(crate) whose: Org,

    /// Their user names
    #[arg(value_name = "USER", required = true)]
    pub(crate) users: Vec<String>,
}

/// Whose switch it is, and how it is thrown.
#[derive(Args)]
pub(crate) struct Org {
    /// The organization's login
    #[arg(value_name = "ORG")]
    pub(crate) slug: String,

    #[command(flatten)]
    pub(crate) flags: KillSwitchArgs,
}

/// How a switch is thrown.
#[derive(Args)]
pub(crate) struct KillSwitchArgs {
    /// Only credentials of this type; may be repeated, a call for each
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(crate) types: Vec<CredentialType>,

    /// Say what would be called; send nothing, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) reach: TransportArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
