//! Who can revoke a token: the [`Revoker`] that speaks to a provider, and the table of providers.
//!
//! A rule file names the provider of its kinds. A new provider touches three files: its rules in `rules/`, its own file
//! beside this one, and the table `PROVIDERS`.

#[cfg(test)]
mod acme;
mod egress;
pub mod github;
mod response;
mod revoker;

use std::path::PathBuf;
use std::time::Duration;

use self::github::host::Host;
use crate::meter::CancelFlag;
use crate::rule;
use crate::token::{Kind, RevokedBy, Token};

pub use egress::{BadEgress, Egress};
pub use response::{Liveness, Outcome, RevokeResponse};
pub use revoker::{CallCounter, Limits, Revoker, Uncounted};

/// How long a response is waited for where the user does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Every provider.
static PROVIDERS: &[&Provider] = &[
    &github::PROVIDER,
    #[cfg(test)]
    &acme::PROVIDER,
];

/// What is known of a provider before anybody connects to it.
#[derive(Debug)]
pub struct Provider {
    /// The name its rule file uses.
    pub name: &'static str,
    /// The most tokens one request may carry.
    pub max_batch: usize,
    /// The most requests any 3,600 seconds may hold.
    pub per_hour: u32,
    /// The request that revokes a batch, method and path.
    pub batch_call: &'static str,
    /// The request by which a token revokes itself, method and path; empty where none of its kinds does that.
    pub self_call: &'static str,
    /// Whether `--host`, `--api-url` and the user's own credential are meant for it. One provider has them; the others are
    /// at their own address.
    pub has_host_flags: bool,
    /// What else its revocations do, as a sentence for the user before they agree; empty where there is nothing to say.
    pub consequence: &'static str,
    /// Makes a revoker for one host.
    connect: fn(Connection) -> Result<Box<dyn Revoker>, ConnectError>,
}

impl Provider {
    /// The request that revokes tokens in this way, method and path.
    pub fn call(&self, revoked_by: RevokedBy) -> &'static str {
        match revoked_by {
            RevokedBy::Batch => self.batch_call,
            RevokedBy::Itself => self.self_call,
        }
    }

    /// Its kinds that are revoked in this way, in the order of the rules. A host may take fewer: see
    /// [`Revoker::limits`].
    pub fn kinds(&self, revoked_by: RevokedBy) -> Vec<Kind> {
        let ours = |kind: &Kind| kind.provider() == Some(self.name) && kind.revoked_by() == Some(revoked_by);
        rule::kinds().filter(ours).collect()
    }

    /// Its kinds that are revoked in either way.
    pub fn revocable_kinds(&self) -> Vec<Kind> {
        [RevokedBy::Batch, RevokedBy::Itself]
            .into_iter()
            .flat_map(|revoked_by| self.kinds(revoked_by))
            .collect()
    }
}

/// Every provider, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied()
}

/// The provider that `--host`, `--api-url` and the user's own credential are meant for.
pub fn with_host_flags() -> &'static Provider {
    all().find(|provider| provider.has_host_flags).unwrap_or(PROVIDERS[0])
}

/// The provider of that name.
pub fn named(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}

/// The provider that revokes a kind; none for [`Kind::OTHER`].
pub fn for_kind(kind: Kind) -> Option<&'static Provider> {
    kind.provider().and_then(named)
}

/// How to connect to a provider.
#[derive(Debug)]
pub struct Connection {
    /// The host that the user named, and the root of its API; without one, the provider is at its own address.
    pub host: Option<Host>,
    /// The user's own credential, where there is one.
    pub credential: Option<Token>,
    /// `--egress`: which of several addresses requests without a credential leave from.
    pub egress: Option<Egress>,
    /// `--ca-cert`: certificates to trust besides the system's, a file in PEM form.
    pub ca_cert: Option<PathBuf>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Ends any waiting for a response soon after it is set.
    pub cancel: CancelFlag,
}

impl Connection {
    /// To a host, in the usual way and without a credential.
    pub fn new(host: Host) -> Self {
        Connection {
            host: Some(host),
            credential: None,
            egress: None,
            ca_cert: None,
            timeout: DEFAULT_TIMEOUT,
            cancel: CancelFlag::default(),
        }
    }
}

/// Why nothing can be sent to a host at all; its message is what the user has to know.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ConnectError(Box<dyn std::error::Error + Send + Sync>);

impl ConnectError {
    /// Wraps a provider's own error.
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        ConnectError(Box::new(error))
    }

    /// The provider's own error, if it is of this type.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

/// Makes ready to revoke at one host of a provider; nothing is sent yet.
pub fn connect(provider: &Provider, connection: Connection) -> Result<Box<dyn Revoker>, ConnectError> {
    (provider.connect)(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_provider_has_the_flags_of_the_host() {
        let names: Vec<_> =
            all().filter(|provider| provider.has_host_flags).map(|provider| provider.name).collect();
        assert_eq!(names, [with_host_flags().name]);
    }

    #[test]
    fn every_kind_has_its_provider_and_a_call() {
        for kind in rule::kinds() {
            let provider = for_kind(kind).expect("a rule names a provider of the table");
            let revoked_by = kind.revoked_by().expect("a rule says how");
            assert!(!provider.call(revoked_by).is_empty(), "{kind:?}");
            assert!(provider.kinds(revoked_by).contains(&kind));
        }
        assert!(for_kind(Kind::OTHER).is_none());
        assert_eq!(
            for_kind(Kind::pat()).map(|provider| provider.call(RevokedBy::Batch)),
            Some("POST /credentials/revoke")
        );
    }
}
