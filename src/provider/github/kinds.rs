//! GitHub's kinds, where its own code must tell them apart: by the ids of their rules in `rules/github.toml`.

use super::PROVIDER;
use super::version::Release;
use crate::token::{Kind, RevokedBy};

pub(super) const PAT: &str = "github-pat";
pub(super) const FINE_GRAINED_PAT: &str = "github-fine-grained-pat";
pub(super) const APP_USER: &str = "github-app-user-token";
pub(super) const APP_INSTALLATION: &str = "github-app-installation-token";
pub(super) const REFRESH: &str = "github-refresh-token";

/// The first release whose batches carry all five kinds.
/// <https://docs.github.com/en/enterprise-server@3.20/rest/credentials/revoke>
const ALL_FIVE: Release = Release::new(3, 20);

/// The kinds a batch may carry: all five, but two at Enterprise Server 3.18 and 3.19.
/// <https://docs.github.com/en/enterprise-server@3.18/rest/credentials/revoke>
pub(super) fn batch_kinds(release: Option<Release>) -> Vec<Kind> {
    let mut kinds = PROVIDER.kinds(RevokedBy::Batch);
    if release.is_some_and(|release| release < ALL_FIVE) {
        kinds.retain(|kind| [PAT, FINE_GRAINED_PAT].contains(&kind.rule_id()));
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;

    #[test]
    fn every_id_is_one_of_a_rule() {
        for id in [PAT, FINE_GRAINED_PAT, APP_USER, APP_INSTALLATION, REFRESH] {
            assert_eq!(rule::kind(id).and_then(Kind::provider), Some("github"), "{id}");
        }
    }
}
