//! Names of owners and repositories. They become paths of files and arguments of `git`, and they come from elsewhere: what
//! could be an option, lead out of a directory or hide something from a terminal is no name.

use std::fmt;

/// The longest name that GitHub gives is 100 characters for a repository, 39 for an owner; servers may differ.
const LONGEST: usize = 255;

/// The name of a repository: `OWNER/REPO`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// The name, if both halves of it are names.
    pub fn new(owner: &str, name: &str) -> Option<RepositoryName> {
        // GitHub has repositories whose names begin like options. They are never arguments by themselves.
        let plain = name.trim_start_matches('-');
        (is_name(owner) && (is_name(name) || is_name(plain) || (plain.is_empty() && !name.is_empty())))
            .then(|| RepositoryName { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// The same of a text such as `octo/hello`.
    pub fn parse(text: &str) -> Option<RepositoryName> {
        let (owner, name) = text.split_once('/')?;
        RepositoryName::new(owner, name)
    }

    /// Who owns it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What it is called there.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Whether a text is the name of an owner or of a repository: letters, digits, `-`, `_` and `.`; it does not begin like an
/// option, and leads nowhere else.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let leads_elsewhere = matches!(text, "." | "..") || text.to_ascii_lowercase().ends_with(".git");
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !leads_elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_hurt_is_no_name() {
        for good in ["octo/hello", "o-c/h.w_2", "_x/.github", "a/--mirror", "a/-"] {
            assert_eq!(RepositoryName::parse(good).map(|name| name.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "a/.",
            "--upload-pack=x/b",
            "a/b c",
            "a/b\n",
            "a/\u{202e}b",
            "a\0/b",
            "a/b.git",
            "a/b.GIT",
            "a\\b/c",
            "a/b:c",
            "é/b",
        ] {
            assert_eq!(RepositoryName::parse(bad), None, "{bad:?}");
        }
        assert!(!is_name(&"a".repeat(256)));
    }
}
