//! `.stanchignore`: on each line a hash, or a pattern as in gitignore(5).

use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::hashes::Hashes;
use crate::rule::Bounds;
use crate::token::Fingerprint;

/// How many digits of a hash are printed: enough to name one token.
const PRINTED_DIGITS: usize = 16;

/// The line that allows a token.
pub fn hash_line(token: &Fingerprint) -> String {
    let mut hex = token.hex();
    hex.truncate(PRINTED_DIGITS);
    format!("sha256:{hex}")
}

/// The line that leaves out the file at `path`, from the top of the project, or a member of a container.
pub fn glob_of(path: &str) -> String {
    let mut glob = String::from("/");
    for character in path.trim_start_matches('/').chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            glob.push('\\');
        }
        glob.push(character);
    }
    // Without a backslash in front, git takes no notice of a space at the end (gitignore(5)).
    if glob.ends_with(' ') {
        glob.insert(glob.len() - 1, '\\');
    }
    glob
}

/// A line that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadIgnoreFile {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Tokens and paths whose findings are suppressed. Such paths are scanned all the same.
#[derive(Debug)]
pub struct IgnoreFile {
    hashes: Hashes,
    globs: Gitignore,
}

impl Default for IgnoreFile {
    fn default() -> Self {
        IgnoreFile { hashes: Hashes::default(), globs: Gitignore::empty() }
    }
}

impl IgnoreFile {
    /// Reads the text of such a file, as far as its bounds allow.
    pub fn parse(text: &str, bounds: &Bounds) -> Result<Self, BadIgnoreFile> {
        let mut hashes = Hashes::default();
        let mut globs = GitignoreBuilder::new("");
        let mut globs_len = 0;
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let bad = |problem: String| BadIgnoreFile { line: n + 1, problem };
            if line.trim_start().starts_with("sha256:") {
                // A comment may follow: nobody can read from a hash why it is here.
                let hash = line.split('#').next().unwrap_or_default().trim();
                hashes.add(hash).map_err(|error| bad(error.to_string()))?;
            } else if !line.starts_with('#') {
                globs_len += line.len();
                if line.len() > bounds.pattern || globs_len > bounds.text {
                    let (each, all) = (bounds.pattern, bounds.text);
                    return Err(bad(format!("a pattern may have {each} bytes, and all together {all}")));
                }
                globs.add_line(None, line).map_err(|error| bad(error.to_string()))?;
            }
        }
        let globs = globs.build().map_err(|error| BadIgnoreFile { line: 1, problem: error.to_string() })?;
        Ok(IgnoreFile { hashes, globs })
    }

    /// Whether a hash in it names this token.
    pub(super) fn names(&self, token: Fingerprint) -> bool {
        self.hashes.contains(token)
    }

    /// The first eight bytes of every hash in it.
    pub(super) fn hash_prefixes(&self) -> impl Iterator<Item = u64> + '_ {
        self.hashes.prefixes()
    }

    /// Whether a glob in it matches this path.
    pub(super) fn ignores_path(&self, path: &str) -> bool {
        ignored(&self.globs, path).is_some()
    }

    /// What in it names this token or this path.
    pub(super) fn ignores(&self, fingerprint: Fingerprint, path: &str) -> Option<Arc<str>> {
        if self.hashes.contains(fingerprint) {
            return Some(Arc::from("by its hash"));
        }
        ignored(&self.globs, path)
    }
}

/// The glob that matches a path, or the archive that a path leads into (the part in front of a `!`).
fn ignored(globs: &Gitignore, path: &str) -> Option<Arc<str>> {
    let path = path.trim_start_matches('/');
    if globs.is_empty() || path.is_empty() {
        return None;
    }
    let containers = path.match_indices('!').map(|(index, _)| &path[..index]);
    std::iter::once(path)
        .chain(containers)
        .filter(|path| !path.is_empty())
        .map(|path| globs.matched_path_or_any_parents(path, false))
        .find(|found| !found.is_none())?
        .inner()
        .filter(|glob| !glob.is_whitelist())
        .map(|glob| Arc::from(glob.original()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_globs_and_comments() {
        let token = Fingerprint::of(b"token");
        let text = format!(
            "\u{feff}# why\n\n sha256:{} # known\r\nfixtures/\n*.lock\n!keep.lock\n/top.txt\n",
            &token.hex()[..16]
        );
        let file = IgnoreFile::parse(&text, &Bounds::USER).expect("a good file");
        let other = Fingerprint::of(b"other");
        assert!(file.ignores(token, "anywhere").is_some());
        for path in
            ["fixtures/a", "x/fixtures/b/c", "a.lock", "top.txt", "b.lock!inner/.env", "/abs/fixtures/x"]
        {
            assert!(file.ignores(other, path).is_some(), "{path}");
        }
        for path in ["", "a", "keep.lock", "sub/top.txt", "fixtures", "# why"] {
            assert!(file.ignores(other, path).is_none(), "{path}");
        }
    }

    #[test]
    fn lines_that_are_proposed_hold() {
        for path in
            ["a", "a b", "a[1]*?.txt", "d/e!m/n", "back\\slash", "#a", "!a", "ends ", "x.zip!in ner/*"]
        {
            let line = glob_of(path);
            let file = IgnoreFile::parse(&format!("{line}\n"), &Bounds::TREE).expect("a good file");
            assert!(file.ignores_path(path), "{line}");
            assert!(!file.ignores_path(&format!("x/{path}")), "{line}");
        }
        let token = Fingerprint::of(b"token");
        let file = IgnoreFile::parse(&hash_line(&token), &Bounds::TREE).expect("a good file");
        assert!(file.names(token));
    }

    #[test]
    fn a_hash_too_short_is_reported_with_its_line() {
        let error = IgnoreFile::parse("a\nsha256:abc\n", &Bounds::USER).expect_err("too short");
        assert!(error.to_string().starts_with("line 2: a hash is 16"), "{error}");
    }
}
