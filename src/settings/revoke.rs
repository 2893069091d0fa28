//! What a revoking run may send, on whose decision, and how: flags over the user's file.

use serde::Deserialize;

use super::connection::{BadConnection, ConnectionSettings};
use super::connection_options::ConnectionOptions;
use super::env::Env;
use super::values;
use crate::finding::Confidence;
use crate::policy::Policy;
use crate::revoke::{Options, Wait};

/// The options of the command line, or those of the user's file: the same ones, all of them optional.
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
    /// The user, who gave `--yes`.
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
    /// Merges flags, environment and the user's file, of which there are `user` and `user_connection`.
    pub fn resolve(
        flags: &RevokeFlags,
        env: &Env,
        user: &RevokeOptions,
        user_connection: &ConnectionOptions,
    ) -> Result<Self, BadConnection> {
        let connection = ConnectionSettings::resolve(&flags.connection, env, user_connection)?;
        let confidence = flags.options.revoke_confidence.or(user.revoke_confidence);
        let policy = Policy {
            // A lookalike is never sent, whatever the user's file has.
            least: if confidence == Some(Confidence::Likely) {
                Confidence::Likely
            } else {
                Confidence::Certain
            },
            allow_own: flags.allow_own,
            most: flags.options.max_revoke.or(user.max_revoke),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_users_file() {
        let options = |revoke_confidence, max_revoke| RevokeOptions { revoke_confidence, max_revoke };
        let policy = |flags: RevokeOptions, user: RevokeOptions| {
            let flags = RevokeFlags {
                mode: Mode::Ask,
                wait: Wait::No,
                allow_own: false,
                verify: false,
                confirm: false,
                options: flags,
                connection: ConnectionOptions::default(),
            };
            let nothing = ConnectionOptions { ledger: Some("l.db".into()), ..ConnectionOptions::default() };
            let settings = RevokeSettings::resolve(&flags, &Env::default(), &user, &nothing);
            let policy = settings.expect("good settings").policy;
            (policy.least, policy.most)
        };
        let (certain, likely) = (Some(Confidence::Certain), Some(Confidence::Likely));
        let nothing = options(None, None);
        assert_eq!(policy(nothing.clone(), nothing.clone()), (Confidence::Certain, None));
        assert_eq!(policy(nothing.clone(), options(likely, Some(7))), (Confidence::Likely, Some(7)));
        assert_eq!(
            policy(options(certain, Some(1)), options(likely, Some(7))),
            (Confidence::Certain, Some(1))
        );
        assert_eq!(policy(nothing, options(Some(Confidence::Lookalike), None)), (Confidence::Certain, None));
    }
}
