//! What suppresses a token that waits in the queue: it is known by its hash and by where it was first found, and nothing
//! was scanned.
//!
//! A scanned tree can name such a token by its hash only. Its patterns are for its own files, and the queue holds tokens of
//! other places too.

use super::suppressions::{ProjectSuppressions, Suppressions};
use crate::finding::{Finding, Location};
use crate::token::{Fingerprint, Token};

impl Suppressions {
    /// The first eight bytes of every hash that the user or a scanned tree names.
    pub fn hash_prefixes(&self) -> Vec<u64> {
        let lists =
            self.allowlists.iter().chain(self.projects.iter().flat_map(|project| &project.allowlists));
        let of_lists = lists.flat_map(super::Allowlist::hash_prefixes);
        let of_files = self.projects.iter().flat_map(|project| project.ignore.hash_prefixes());
        self.baseline.hash_prefixes().chain(of_lists).chain(of_files).collect()
    }

    /// Whether a hash names this token.
    pub fn names(&self, token: Fingerprint) -> bool {
        let by_project = || {
            self.projects.iter().any(|project| {
                project.ignore.names(token) || project.allowlists.iter().any(|list| list.names(token))
            })
        };
        self.baseline.contains(token).is_some()
            || self.allowlists.iter().any(|list| list.names(token))
            || by_project()
    }

    /// Whether the user suppresses tokens by something else than their hash, so that each has to be looked at.
    pub fn looks_beyond_hashes(&self) -> bool {
        self.looks_at_text() || self.allowlists.iter().any(super::Allowlist::looks_at_locations)
    }

    /// Whether the user suppresses tokens by their text, so that each has to be opened.
    pub fn looks_at_text(&self) -> bool {
        self.baseline.has_truncated() || self.allowlists.iter().any(super::Allowlist::looks_at_text)
    }

    /// Whether the user suppresses a token that was first found at `location`, as the ledger keeps it.
    pub fn user_allows(&self, token: Fingerprint, location: &str) -> bool {
        let (path, commit) = path_and_commit(location);
        self.allowlists.iter().any(|list| list.allows(token, commit, path))
    }

    /// Whether the user suppresses a token by its text.
    pub fn user_allows_text(&self, token: &Token) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the user's expressions are about the text")]
        let text = token.reveal().as_bytes();
        self.baseline.contains_truncated(text).is_some()
            || self.allowlists.iter().any(|list| list.allows_text(text))
    }
}

impl ProjectSuppressions {
    /// Applies what a project says of itself to a finding that was told of it from outside: where `is_in_tree` is true of a
    /// location its path counts, elsewhere only the token and the commit.
    pub fn apply_to(&self, finding: &mut Finding, is_in_tree: &dyn Fn(&Location) -> bool) {
        #[expect(clippy::disallowed_methods, reason = "the project's expressions are about the text")]
        let text = finding.token.reveal().as_bytes();
        let fingerprint = finding.token.fingerprint();
        for location in &mut finding.locations {
            if location.details().suppressed.is_none() {
                let path = if is_in_tree(location) { &*location.path } else { "" };
                let by_location = self.by_location(fingerprint, location, path);
                if let Some(suppression) = by_location.or_else(|| self.by_text(text, location)) {
                    location.details_mut().suppressed = Some(suppression);
                }
            }
        }
    }
}

/// The parts of a location in the ledger: `PATH:LINE`, followed by ` in COMMIT` where it is in a history.
fn path_and_commit(location: &str) -> (&str, Option<&str>) {
    let is_hex = |text: &&str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (place, commit) = match location.rsplit_once(" in ") {
        Some((place, commit)) if is_hex(&commit) => (place, Some(commit)),
        _ => (location, None),
    };
    match place.rsplit_once(':') {
        Some((path, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => (path, commit),
        _ => (place, commit),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Allowlist, IgnoreFile, RawAllowlist};
    use super::*;
    use crate::rule::Bounds;
    use crate::token::Kind;

    fn allowlist(toml: &str) -> Allowlist {
        let raw: RawAllowlist = toml::from_str(toml).expect("a list");
        Allowlist::compile_all(vec![raw], &str::to_owned, &Bounds::USER).expect("a good list").remove(0)
    }

    #[test]
    fn a_location_of_the_ledger_has_its_parts() {
        let commit = "a".repeat(40);
        let long = "notes in a file with a rather long name, over forty bytes";
        for (location, parts) in [
            ("docs/a b.md:12", ("docs/a b.md", None)),
            (&format!("x in y:3 in {commit}") as &str, ("x in y", Some(commit.as_str()))),
            ("c:\\x:1", ("c:\\x", None)),
            ("<stdin>:1", ("<stdin>", None)),
            ("", ("", None)),
            // No commit, though it follows an ` in `; no line, though it follows a colon.
            ("notes in beef", ("notes in beef", None)),
            ("notes in a file with a rather long name, over forty bytes:7", (long, None)),
            ("c:\\x", ("c:\\x", None)),
        ] {
            assert_eq!(path_and_commit(location), parts, "{location}");
        }
    }

    #[test]
    fn the_user_suppresses_by_hash_place_and_text_and_a_tree_by_hash_alone() {
        let text = [Kind::pat().prefix(), "EXAMPLE"].concat();
        let token = Token::new(Kind::pat(), text.as_bytes());
        let hash = token.fingerprint();
        let user = |toml: &str| Suppressions { allowlists: vec![allowlist(toml)], ..Suppressions::default() };

        let named = user(&format!("sha256 = ['{}']", &hash.hex()[..16]));
        assert!(named.names(hash) && !named.looks_beyond_hashes());
        assert_eq!(named.hash_prefixes(), [u64::from_str_radix(&hash.hex()[..16], 16).expect("digits")]);
        let by_place = user("paths = ['^docs/']\ncommits = ['abcdef1']");
        assert!(by_place.looks_beyond_hashes() && !by_place.looks_at_text() && !by_place.names(hash));
        assert!(by_place.user_allows(hash, "docs/x:1") && !by_place.user_allows(hash, "src/docs/x:1"));
        assert!(by_place.user_allows(hash, &format!("x:1 in abcdef1{}", "0".repeat(33))));
        let by_text = user("regexes = ['EXAMPLE$']");
        assert!(by_text.looks_at_text() && by_text.user_allows_text(&token));

        let refresh =
            Token::new(Kind::refresh(), [Kind::refresh().prefix(), &"aB3".repeat(26)].concat().as_bytes());
        let mut truncated = Suppressions::default();
        assert!(!truncated.looks_at_text() && !truncated.user_allows_text(&refresh));
        let reported = format!(r#"[{{"Secret": "{}{}"}}]"#, Kind::refresh().prefix(), "aB3".repeat(12));
        truncated.baseline.add(reported.as_bytes()).expect("a baseline");
        assert!(truncated.looks_at_text() && truncated.user_allows_text(&refresh));

        let tree = |ignore: &str| {
            let ignore = IgnoreFile::parse(ignore, &Bounds::USER).expect("a good file");
            let allowlists = vec![allowlist("paths = ['x']\nregexes = ['EXAMPLE']")];
            let project = ProjectSuppressions { ignore, allowlists, ..ProjectSuppressions::default() };
            Suppressions { projects: vec![project], ..Suppressions::default() }
        };
        let by_tree = tree(&format!("sha256:{}", hash.hex()));
        assert!(by_tree.names(hash));
        assert_eq!(by_tree.hash_prefixes(), named.hash_prefixes());
        let patterns = tree("x\n");
        assert!(!patterns.names(hash) && !patterns.looks_beyond_hashes());
        assert!(!patterns.user_allows(hash, "x:1") && !patterns.user_allows_text(&token));
    }
}
