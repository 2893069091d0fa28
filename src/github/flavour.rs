//! The kinds of GitHub.

/// The three kinds of GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// github.com: revocation takes no credential.
    GitHubCom,
    /// A subdomain of ghe.com (data residency): as github.com.
    GheCom,
    /// GitHub Enterprise Server: revocation needs a credential.
    Server,
}
