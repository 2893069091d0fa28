//! The arguments of `stanch enterprise` and `stanch org`: the kill switches.

use clap::{Args, Subcommand};

use super::{ConnectionArgs, ConsoleArgs, PaceArgs, UserConfigArgs};
use crate::provider::github::kill_switch::CredentialType;

/// Kill switches of an enterprise
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum EnterpriseCommand {
    /// Take the authorizations of everybody's credentials back
    RevokeAll(EnterpriseRevokeAllArgs),
    /// Take the authorizations of some users' credentials back
    RevokeUser(EnterpriseRevokeUserArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch enterprise revoke-all acme --dry-run
  stanch enterprise revoke-all acme --type classic_pat --type oauth_app_token

Your own credential needs admin:enterprise, and may be among those that end.")]
pub(crate) struct EnterpriseRevokeAllArgs {
    #[command(flatten)]
    pub(crate) enterprise: EnterpriseArgs,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch enterprise revoke-user acme mallory --dry-run
  stanch enterprise revoke-user acme mallory trent --type ssh_key

Your own credential needs admin:enterprise.")]
pub(crate) struct EnterpriseRevokeUserArgs {
    #[command(flatten)]
    pub(crate) enterprise: EnterpriseArgs,

    /// Their user names
    #[arg(value_name = "USER", required = true)]
    pub(crate) users: Vec<String>,
}

// Whose credentials, and how they are revoked.
#[derive(Args)]
pub(crate) struct EnterpriseArgs {
    /// The enterprise's slug
    #[arg(value_name = "ENTERPRISE")]
    pub(crate) slug: String,

    /// Destroy the tokens and SSH keys themselves, too (enterprises with managed users)
    #[arg(long)]
    pub(crate) destroy_credentials: bool,

    #[command(flatten)]
    pub(crate) kill_switch: KillSwitchArgs,
}

/// Kill switches of an organization
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum OrgCommand {
    /// Take the authorizations of everybody's credentials back
    RevokeAll(OrgRevokeAllArgs),
    /// Take the authorizations of some users' credentials back
    RevokeUser(OrgRevokeUserArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch org revoke-all acme --dry-run
  stanch org revoke-all acme --type classic_pat

Your own credential needs admin:org, and may be among those that end.")]
pub(crate) struct OrgRevokeAllArgs {
    #[command(flatten)]
    pub(crate) org: OrgArgs,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch org revoke-user acme mallory --dry-run
  stanch org revoke-user acme mallory trent

Your own credential needs admin:org.")]
pub(crate) struct OrgRevokeUserArgs {
    #[command(flatten)]
    pub(crate) org: OrgArgs,

    /// Their user names
    #[arg(value_name = "USER", required = true)]
    pub(crate) users: Vec<String>,
}

// Whose credentials, and how they are revoked.
#[derive(Args)]
pub(crate) struct OrgArgs {
    /// The organization's login
    #[arg(value_name = "ORG")]
    pub(crate) slug: String,

    #[command(flatten)]
    pub(crate) kill_switch: KillSwitchArgs,
}

// How a kill switch is used.
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
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) pace: PaceArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
