//! `[[allowlists]]` of a configuration file, with the keys that gitleaks gives them
//! (<https://github.com/gitleaks/gitleaks#configuration>).

use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::hashes::Hashes;
use crate::rule::{Bounds, SizeBudget};
use crate::token::Fingerprint;

/// The fewest hexadecimal digits that name a commit: as many as git shows of one in a small repository.
const SHORTEST_COMMIT: usize = 7;

/// How many bytes each thread keeps for a list's expressions at most.
const MAX_CACHE: usize = 256 << 10;

/// An allowlist that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("allowlist {name}: {problem}")]
pub struct BadAllowlist {
    /// Its description, or its number in the file, from 1.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// One `[[allowlists]]` as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAllowlist {
    description: String,
    paths: Vec<String>,
    regexes: Vec<String>,
    sha256: Vec<String>,
    commits: Vec<String>,
}

/// What is allowed: a finding is suppressed when any one entry matches.
#[derive(Debug)]
pub struct Allowlist {
    label: Arc<str>,
    /// Regular expressions on the path, found anywhere in it.
    paths: RegexSet,
    /// Entries that start with `*`, which no regular expression can: gitignore(5) patterns.
    globs: Gitignore,
    /// Regular expressions on the token.
    texts: RegexSet,
    hashes: Hashes,
    commits: Vec<String>,
}

impl Allowlist {
    /// Compiles lists, as far as the bounds of their file allow; `redact` takes tokens out of the descriptions, which reports repeat.
    pub fn compile_all(
        raw: Vec<RawAllowlist>,
        redact: &dyn Fn(&str) -> String,
        bounds: &Bounds,
    ) -> Result<Vec<Self>, BadAllowlist> {
        check_bounds(&raw, bounds)
            .map_err(|problem| BadAllowlist { name: "number 1".to_owned(), problem })?;
        let mut sizes = bounds.sizes();
        (raw.into_iter().enumerate())
            .map(|(n, list)| {
                let name = match &*list.description {
                    "" => format!("number {}", n + 1),
                    description => redact(description),
                };
                Allowlist::compile(&list, &name, &mut sizes).map_err(|problem| BadAllowlist { name, problem })
            })
            .collect()
    }

    fn compile(raw: &RawAllowlist, name: &str, sizes: &mut SizeBudget) -> Result<Self, String> {
        let (globs, paths): (Vec<_>, Vec<_>) = raw.paths.iter().partition(|path| path.starts_with('*'));
        let mut hashes = Hashes::default();
        for hash in &raw.sha256 {
            hashes.add(hash).map_err(|error| format!("sha256: {error}"))?;
        }
        let commits: Vec<String> = raw.commits.iter().map(|commit| commit.to_ascii_lowercase()).collect();
        let hex = |commit: &String| commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !commits.iter().all(|commit| commit.len() >= SHORTEST_COMMIT && hex(commit)) {
            return Err(format!("commits: each is {SHORTEST_COMMIT} or more hexadecimal digits"));
        }
        let list = Allowlist {
            label: Arc::from(name),
            paths: expressions(&paths, sizes).map_err(|error| format!("paths: {error}"))?,
            globs: compile_globs(&globs).map_err(|error| format!("paths: {error}"))?,
            texts: expressions(&raw.regexes, sizes).map_err(|error| format!("regexes: {error}"))?,
            hashes,
            commits,
        };
        if list.is_empty() {
            return Err("it allows nothing: give it `paths`, `regexes`, `sha256` or `commits`".to_owned());
        }
        Ok(list)
    }

    fn is_empty(&self) -> bool {
        let Allowlist { paths, globs, texts, hashes, commits, .. } = self;
        paths.is_empty() && globs.is_empty() && texts.is_empty() && hashes.is_empty() && commits.is_empty()
    }

    /// What reports call it.
    pub(super) fn label(&self) -> Arc<str> {
        Arc::clone(&self.label)
    }

    /// Whether it names this token by its hash.
    pub(super) fn names(&self, token: Fingerprint) -> bool {
        self.hashes.contains(token)
    }

    /// The first eight bytes of every hash in it.
    pub(super) fn hash_prefixes(&self) -> impl Iterator<Item = u64> + '_ {
        self.hashes.prefixes()
    }

    /// Whether it names tokens by where they were found.
    pub(super) fn looks_at_locations(&self) -> bool {
        !(self.paths.is_empty() && self.globs.is_empty() && self.commits.is_empty())
    }

    /// Whether it names tokens by their text.
    pub(super) fn looks_at_text(&self) -> bool {
        !self.texts.is_empty()
    }

    /// Whether it names this token by its hash, or the commit or path it was found in.
    pub(super) fn allows(&self, fingerprint: Fingerprint, commit: Option<&str>, path: &str) -> bool {
        self.hashes.contains(fingerprint)
            || (!path.is_empty() && self.allows_path(path))
            || commit.is_some_and(|commit| self.commits.iter().any(|prefix| commit.starts_with(prefix)))
    }

    /// Whether it names this token by its text.
    pub(super) fn allows_text(&self, token: &[u8]) -> bool {
        self.texts.is_match(token)
    }

    fn allows_path(&self, path: &str) -> bool {
        let relative = path.trim_start_matches('/');
        self.paths.is_match(path.as_bytes())
            || (!relative.is_empty() && self.globs.matched_path_or_any_parents(relative, false).is_ignore())
    }
}

/// Refuses what a file may not bring.
fn check_bounds(raw: &[RawAllowlist], bounds: &Bounds) -> Result<(), String> {
    bounds.check_count(raw.len(), "allowlists")?;
    let each = |texts: fn(&RawAllowlist) -> &[String]| raw.iter().flat_map(texts).map(String::as_str);
    bounds.check_text(each(|list| &list.paths), "paths")?;
    bounds.check_text(each(|list| &list.regexes), "regexes")
}

fn expressions(texts: &[impl AsRef<str>], sizes: &mut SizeBudget) -> Result<RegexSet, String> {
    // An empty expression matches everything, and is never what was meant.
    if texts.iter().any(|text| text.as_ref().is_empty()) {
        return Err("an empty expression would allow everything".to_owned());
    }
    if texts.is_empty() {
        return Ok(RegexSet::empty());
    }
    let mut builder = RegexSetBuilder::new(texts);
    builder.dfa_size_limit(MAX_CACHE);
    sizes.compile(|size| builder.clone().size_limit(size).build()).map_err(|error| error.to_string())
}

fn compile_globs(globs: &[&String]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        builder.add_line(None, glob).map_err(|error| error.to_string())?;
    }
    builder.build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(toml: &str) -> Result<Allowlist, String> {
        let raw: RawAllowlist = toml::from_str(toml).map_err(|error| error.to_string())?;
        let mut lists = Allowlist::compile_all(vec![raw], &str::to_owned, &Bounds::USER)
            .map_err(|error| error.to_string())?;
        Ok(lists.remove(0))
    }

    fn allows(list: &Allowlist, path: &str, commit: Option<&str>) -> bool {
        list.allows(Fingerprint::of(b"token"), commit, path)
    }

    #[test]
    fn any_one_entry_is_enough() {
        let list =
            list("paths = ['fixtures/', '\\.md$', '*.snap']\ncommits = ['ABCDEF1']\nregexes = ['EXAMPLE']\n")
                .expect("a good list");
        for path in ["a/fixtures/b", "README.md", "deep/a.snap", "/abs/a.snap"] {
            assert!(allows(&list, path, None), "{path}");
        }
        assert!(!allows(&list, "src/md.rs", None));
        assert!(allows(&list, "", Some("abcdef1234")) && !allows(&list, "", Some("abcdef2")));
        assert!(list.allows_text(b"xxEXAMPLExx") && !list.allows_text(b"example"));
    }

    #[test]
    fn a_list_knows_what_it_looks_at() {
        for (toml, locations, text) in [
            ("paths = ['x']", true, false),
            ("paths = ['*.md']", true, false),
            ("commits = ['abcdef1']", true, false),
            ("regexes = ['x']", false, true),
            ("sha256 = ['0123456789abcdef']", false, false),
        ] {
            let list = list(toml).expect("a good list");
            assert_eq!((list.looks_at_locations(), list.looks_at_text()), (locations, text), "{toml}");
        }
    }

    #[test]
    fn lists_that_allow_nothing_or_everything_are_refused() {
        for (toml, word) in [
            ("description = 'x'", "allows nothing"),
            ("paths = ['']", "everything"),
            ("paths = ['(']", "regex"),
            ("sha256 = ['abc']", "16"),
            ("commits = ['abc']", "7 or more"),
            ("commits = ['xyzxyzxyz']", "7 or more"),
        ] {
            let error = list(toml).expect_err(word);
            assert!(error.contains(word), "{error} contains {word}");
        }
    }
}
