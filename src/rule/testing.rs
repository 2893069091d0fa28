//! GitHub's kinds and rules, for tests that need one of them.

use std::sync::{Arc, LazyLock};

use super::{Checksum, Rule, Rules, Shape};
use crate::token::{Kind, KindInfo, RevokedBy};

/// The kind of a rule that comes with the program.
fn known(id: &str) -> Kind {
    super::kind(id).expect("a rule of this id comes with the program")
}

impl Kind {
    pub(crate) fn pat() -> Kind {
        known("github-pat")
    }

    pub(crate) fn fine_grained_pat() -> Kind {
        known("github-fine-grained-pat")
    }

    pub(crate) fn oauth() -> Kind {
        known("github-oauth")
    }

    pub(crate) fn app_user() -> Kind {
        known("github-app-user-token")
    }

    pub(crate) fn app_installation() -> Kind {
        known("github-app-installation-token")
    }

    pub(crate) fn refresh() -> Kind {
        known("github-refresh-token")
    }

    /// All six, in the order of their rules.
    pub(crate) fn github() -> [Kind; 6] {
        [
            Kind::pat(),
            Kind::fine_grained_pat(),
            Kind::oauth(),
            Kind::app_user(),
            Kind::app_installation(),
            Kind::refresh(),
        ]
    }
}

/// GitHub's rules without those of the provider that exists in tests only.
pub(crate) fn github_rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| Rules(include!(concat!(env!("OUT_DIR"), "/rules.rs"))));
    &RULES
}
