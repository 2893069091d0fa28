//! What a revoking run may send, on whose decision, and how: flags over the user's file.

use serde::Deserialize;

use super::connection::{BadConnection, ConnectionOptions, ConnectionSettings};
use super::env::Env;
use super::user::UserConfig;
use super::values;
use crate::finding::Confidence;
use crate::policy::Policy;
use crate::revoke::{Options, Wait};

/// What the command line says, or the user's file: both have the same options, and none of them has to be given.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RevokeOptions {
    /// `--revoke-confidence`.
    #[serde(default, deserialize_with = "values::confidence")]
    pub revoke_confidence: Option<Confidence>,
    /// `--max-revoke`.
    pub max_revoke: Option<u64>,
}

/// Who decides whether the planned tokens are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: the plan is shown, and nothing is sent or written.
    DryRun,
    /// The user, who is asked.
    Ask,
    /// The user, who has said yes on the command line.
    Yes,
}

/// The flags of a revoking run.
#[derive(Clone, Debug)]
pub struct RevokeFlags {
    /// `--dry-run`, `--yes` or neither.
    pub mode: Mode,
    /// `--wait`.
    pub wait: Wait,
    /// `--allow-own`.
    pub allow_own: bool,
    /// `--verify`.
    pub verify: bool,
    /// `--confirm`.
    pub confirm: bool,
    /// Those that the user's file may set, too.
    pub options: RevokeOptions,
    /// Those about the host, likewise.
    pub connection: ConnectionOptions,
}

/// Everything that a revoking run has to know.
#[derive(Clone, Debug)]
pub struct RevokeSettings {
    /// What may be sent.
    pub policy: Policy,
    /// How it is sent.
    pub options: Options,
    /// Who decides.
    pub mode: Mode,
    /// Where to.
    pub connection: ConnectionSettings,
}

impl RevokeSettings {
    /// Merges what was said.
    pub fn resolve(flags: &RevokeFlags, env: &Env, user: &UserConfig) -> Result<Self, BadConnection> {
        let connection = ConnectionSettings::resolve(&flags.connection, env, &user.connection)?;
        let confidence = flags.options.revoke_confidence.or(user.revoke.revoke_confidence);
        let policy = Policy {
            // A lookalike is never sent, whatever the user's file says.
            least: if confidence == Some(Confidence::Likely) {
                Confidence::Likely
            } else {
                Confidence::Certain
            },
            allow_own: flags.allow_own,
            most: flags.options.max_revoke.or(user.revoke.max_revoke),
        };
        let options = Options {
            wait: flags.wait,
            min_interval: connection.min_interval,
            timeout: connection.timeout,
            verify: flags.verify,
            confirm: flags.confirm,
            ..Options::default()
        };
        Ok(RevokeSettings { policy, options, mode: flags.mode, connection })
    }
}
