//! GitHub's kinds, where its own code must tell them apart: by the ids of their rules in `rules/github.toml`.

use super::PROVIDER;
use super::host::Flavour;
use crate::github::Release;
use crate::token::{Kind, RevokedBy};

pub(super) const PAT: &str = "github-pat";
pub(super) const FINE_GRAINED_PAT: &str = "github-fine-grained-pat";
pub(super) const APP_USER: &str = "github-app-user-token";
pub(super) const APP_INSTALLATION: &str = "github-app-installation-token";
pub(super) const REFRESH: &str = "github-refresh-token";

/// The first release whose batches carry all five kinds.
/// <https://docs.github.com/en/enterprise-server@3.20/rest/credentials/revoke>
const ALL_FIVE: Release = Release::new(3, 20);

/// The kinds a batch may carry: all five, but two at Enterprise Server 3.18 and 3.19. Behind them those of which that is
/// not known: a server that did not tell its release takes the two, and perhaps the others.
/// <https://docs.github.com/en/enterprise-server@3.18/rest/credentials/revoke>
pub(super) fn batch_kinds(flavour: Flavour, release: Option<Release>) -> (Vec<Kind>, Vec<Kind>) {
    let all = PROVIDER.kinds(RevokedBy::Batch);
    let first = |kind: &Kind| [PAT, FINE_GRAINED_PAT].contains(&kind.rule_id());
    match (flavour, release) {
        (Flavour::GitHubCom | Flavour::GheCom, _) => (all, Vec::new()),
        (Flavour::Server, Some(release)) if release >= ALL_FIVE => (all, Vec::new()),
        (Flavour::Server, Some(_)) => (all.into_iter().filter(first).collect(), Vec::new()),
        (Flavour::Server, None) => all.into_iter().partition(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::ApiVersion;
    use crate::rule;

    #[test]
    fn every_id_is_one_of_a_rule() {
        for id in [PAT, FINE_GRAINED_PAT, APP_USER, APP_INSTALLATION, REFRESH] {
            assert_eq!(rule::kind(id).and_then(Kind::provider), Some("github"), "{id}");
        }
    }

    #[test]
    fn each_release_takes_its_kinds_in_its_version() {
        let five =
            vec![Kind::pat(), Kind::fine_grained_pat(), Kind::oauth(), Kind::app_user(), Kind::refresh()];
        let two = vec![Kind::pat(), Kind::fine_grained_pat()];
        for (release, can_revoke, takes, version) in [
            (Some(Release::new(3, 17)), false, &two, ApiVersion::V2022),
            (Some(Release::new(3, 18)), true, &two, ApiVersion::V2022),
            (Some(Release::new(3, 19)), true, &two, ApiVersion::V2022),
            (Some(Release::new(3, 20)), true, &five, ApiVersion::V2022),
            (Some(Release::new(3, 21)), true, &five, ApiVersion::V2026),
            (Some(Release::new(4, 0)), true, &five, ApiVersion::V2026),
            (None, true, &two, ApiVersion::V2022),
        ] {
            let (kinds, undecided) = batch_kinds(Flavour::Server, release);
            assert_eq!(&kinds, takes, "{release:?}");
            assert_eq!(undecided.len(), if release.is_none() { 3 } else { 0 }, "{release:?}");
            assert_eq!(ApiVersion::for_host(Flavour::Server, release), version, "{release:?}");
            assert_eq!(release.is_none_or(Release::can_revoke), can_revoke, "{release:?}");
        }
        for flavour in [Flavour::GitHubCom, Flavour::GheCom] {
            assert_eq!(ApiVersion::for_host(flavour, None), ApiVersion::V2026);
            assert_eq!(batch_kinds(flavour, None), (five.clone(), Vec::new()));
        }
        assert!(Release::new(2, 22) < Release::FIRST);
    }
}
