//! What is to be looked at, as a user names it.

use std::fmt;

use super::names::{RepositoryName, is_name};
use crate::text::{MESSAGE_LIMIT, redacted};

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An organization or a user: which of them, the API tells.
    Owner(String),
    /// One repository.
    Repository(RepositoryName),
    /// All organizations of an enterprise, by its slug.
    Enterprise(String),
}

/// A text that names nothing to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// No name, and no address.
    #[error("`{0}` is no target: write ORG, USER, OWNER/REPO, a repository's URL, or enterprise/SLUG")]
    Form(String),
    /// An address at another host than the one that is spoken to: the credential is for that one only.
    #[error(
        "`{url}` is at {found}, and this run speaks to {expected}: name the host with --host, and sweep one host at a time"
    )]
    OtherHost {
        /// The address.
        url: String,
        /// Where it is.
        found: String,
        /// Where the run is.
        expected: String,
    },
}

impl Target {
    /// What a text names. `host` is what people call the host of this run, and `is_ours` tells whether an address is there.
    pub fn parse(text: &str, host: &str, is_ours: &dyn Fn(&str) -> bool) -> Result<Target, BadTarget> {
        let form = || BadTarget::Form(redacted(text, MESSAGE_LIMIT));
        if let Some((found, path)) = address(text) {
            if !is_ours(found) {
                return Err(BadTarget::OtherHost {
                    url: redacted(&shown(text), MESSAGE_LIMIT),
                    found: redacted(found, MESSAGE_LIMIT),
                    expected: host.to_owned(),
                });
            }
            return of_path(path).ok_or_else(form);
        }
        of_path(text).ok_or_else(form)
    }
}

impl Target {
    /// The name of whose it is: an organization, a user, an enterprise.
    pub fn owner(&self) -> &str {
        match self {
            Target::Owner(name) | Target::Enterprise(name) => name,
            Target::Repository(name) => name.owner(),
        }
    }
}

/// Without the user and the password that an address may hold.
fn shown(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}/{path}")
        }
        None => text.to_owned(),
    }
}

/// The host and the path of an address: `https://HOST/PATH`, `ssh://git@HOST/PATH`, `git@HOST:PATH`.
fn address(text: &str) -> Option<(&str, &str)> {
    let host_of = |authority: &'_ str| authority.rsplit('@').next().map(str::len).unwrap_or_default();
    if let Some((scheme, rest)) = text.split_once("://") {
        let known = ["https", "http", "ssh", "git"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = &authority[authority.len() - host_of(authority)..];
        return known.then_some((host, path));
    }
    // As scp(1) has it: a colon before any slash (git-clone(1), "GIT URLS").
    let (authority, path) = text.split_once(':')?;
    let host = &authority[authority.len() - host_of(authority)..];
    (authority.contains('@') && !authority.contains('/')).then_some((host, path))
}

/// What a path below a host, or a short name, stands for.
fn of_path(path: &str) -> Option<Target> {
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let name = |text: &str| is_name(text).then(|| text.to_owned());
    match parts[..] {
        ["enterprise" | "enterprises", slug] => name(slug).map(Target::Enterprise),
        [owner] | ["orgs" | "users", owner] | ["orgs", owner, "repositories"] => {
            name(owner).map(Target::Owner)
        }
        [owner, repository] => {
            let repository = repository.strip_suffix(".git").unwrap_or(repository);
            RepositoryName::new(owner, repository).map(Target::Repository)
        }
        _ => None,
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Owner(name) => f.write_str(name),
            Target::Repository(name) => name.fmt(f),
            Target::Enterprise(slug) => write!(f, "enterprise/{slug}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, BadTarget> {
        let is_ours = |host: &str| host.eq_ignore_ascii_case("github.com") || host.starts_with("127.0.0.1:");
        Target::parse(text, "github.com", &is_ours).map(|target| target.to_string())
    }

    #[test]
    fn targets_are_written_in_many_ways() {
        for (text, expected) in [
            ("octo", "octo"),
            ("octo/hello", "octo/hello"),
            ("octo/hello.git", "octo/hello"),
            ("enterprise/big-corp", "enterprise/big-corp"),
            ("https://github.com/octo", "octo"),
            ("https://github.com/orgs/octo/repositories", "octo"),
            ("https://github.com/octo/hello.git", "octo/hello"),
            ("https://GitHub.com/octo/hello/", "octo/hello"),
            ("https://x:y@github.com/octo/hello?tab=readme#top", "octo/hello"),
            ("https://github.com/enterprises/big", "enterprise/big"),
            ("http://127.0.0.1:8080/octo/hello.git", "octo/hello"),
            ("git@github.com:octo/hello.git", "octo/hello"),
            ("ssh://git@github.com/octo/hello.git", "octo/hello"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "/", "-x", "a b", "a/b/c", "..", "a/..", "file:///srv/x.git", "C:\\x", "a\u{7}"] {
            assert!(matches!(parse(text), Err(BadTarget::Form(_))), "{text:?}");
        }
        let error = parse("https://me:secret@evil.example/octo/hello").unwrap_err().to_string();
        assert!(error.contains("evil.example") && error.contains("--host"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
