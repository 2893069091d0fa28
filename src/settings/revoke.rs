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
    /// `--enqueue-only`.
    pub enqueue_only: Option<bool>,
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

/// What a run is to do with the tokens that it plans to revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Who decides.
    pub mode: Mode,
    /// They are queued, for a `stanch serve` to send them.
    pub enqueue_only: bool,
}

impl Purpose {
    /// Whether anything is to leave for the hosts.
    pub fn sends(self) -> bool {
        self.mode != Mode::DryRun && !self.enqueue_only
    }
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
    /// Whether what is decided is only queued. An intake takes tokens for nothing else.
    pub enqueue_only: bool,
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
        let enqueue_only = flags.options.enqueue_only.or(user.enqueue_only).unwrap_or(false);
        let enqueue_only = enqueue_only || connection.ledger.is_intake();
        Ok(RevokeSettings { policy, options, mode: flags.mode, enqueue_only, connection })
    }

    /// What is to be done with the tokens.
    pub fn purpose(&self) -> Purpose {
        Purpose { mode: self.mode, enqueue_only: self.enqueue_only }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_users_file() {
        let options = |revoke_confidence, max_revoke| RevokeOptions {
            revoke_confidence,
            max_revoke,
            enqueue_only: None,
        };
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

    #[test]
    fn what_is_only_queued_is_the_flags_the_users_and_the_intakes_to_say() {
        let enqueue_only = |flag: Option<bool>, user: Option<bool>, ledger: &str| {
            let options = |enqueue_only| RevokeOptions { enqueue_only, ..RevokeOptions::default() };
            let flags = RevokeFlags {
                mode: Mode::Yes,
                wait: Wait::No,
                allow_own: false,
                verify: false,
                confirm: false,
                options: options(flag),
                connection: ConnectionOptions { ledger: Some(ledger.into()), ..ConnectionOptions::default() },
            };
            let nothing = ConnectionOptions::default();
            let settings = RevokeSettings::resolve(&flags, &Env::default(), &options(user), &nothing);
            settings.expect("good settings").purpose().enqueue_only
        };
        assert!(!enqueue_only(None, None, "l.db"));
        assert!(enqueue_only(Some(true), None, "l.db") && enqueue_only(None, Some(true), "l.db"));
        assert!(!enqueue_only(None, Some(false), "l.db"));
        assert!(enqueue_only(None, Some(false), "https://intake.example.test"));
    }
}
