//! The configuration of a scanned project: `.stanch.toml` and `.stanchignore`. Whoever leaked the token may have written
//! them, so they may add rules and suppress findings visibly, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::schema::{BadConfig, ConfigText, NO_TEXT, PROJECT};
use crate::finding::Scope;
use crate::rule::{Bounds, CustomRule, RawCustomRule};
use crate::source::tree;
use crate::suppress::{Allowlist, IgnoreFile, ProjectSuppressions, RawAllowlist};
use crate::text::unicode;

/// A project's configuration.
pub const CONFIG: &str = ".stanch.toml";

/// A project's ignore file.
pub const IGNORE: &str = ".stanchignore";

/// In bytes, the most that such a file may hold: enough for thirty thousand hashes.
pub const MAX_PROJECT_FILE: u64 = 4 << 20;

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    rules: Vec<RawCustomRule>,
    #[serde(default)]
    allowlists: Vec<RawAllowlist>,
}

/// The configuration of one project.
#[derive(Debug, Default)]
pub struct Project {
    /// The directory that its files are in.
    pub top: PathBuf,
    /// Globs of what is left out of the scan.
    pub exclude: Vec<String>,
    /// Rules of its own, for its own files.
    pub rules: Vec<CustomRule>,
    /// What suppresses findings in it.
    pub suppressions: ProjectSuppressions,
}

impl Project {
    /// One without files, at `top`, for the inputs in `scope`.
    pub fn new(top: PathBuf, scope: Scope) -> Self {
        let suppressions = ProjectSuppressions { scope, ..ProjectSuppressions::default() };
        Project { top, suppressions, ..Project::default() }
    }

    /// Reads the two files of a project, where they are there; they hold for the inputs in `scope`. `redact` takes tokens
    /// out of what an error quotes.
    pub fn read(top: PathBuf, scope: Scope, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let mut project = Project::new(top, scope);
        if let Some(text) = read_project_file(&project.top.join(CONFIG))? {
            project.obey_config(&text, redact)?;
        }
        if let Some(text) = read_project_file(&project.top.join(IGNORE))? {
            project.obey_ignore(&text, redact)?;
        }
        Ok(project)
    }

    /// Takes in the text of its configuration; of one that is refused, nothing.
    pub fn obey_config(&mut self, text: &str, redact: &dyn Fn(&str) -> String) -> Result<(), BadConfig> {
        let file = self.top.join(CONFIG);
        let config = ConfigText { file: &file, text, redact };
        let raw: Raw = config.parse(&PROJECT)?;
        let at_exclude = |problem: &str| config.error_at(text.find("exclude").unwrap_or(0), problem);
        Bounds::TREE
            .check_text(raw.exclude.iter().map(String::as_str), "globs to exclude")
            .map_err(|problem| at_exclude(&problem))?;
        tree::Exclude::new(raw.exclude.iter().map(String::as_str))
            .map_err(|error| at_exclude(&error.to_string()))?;
        let rules = CustomRule::compile_all(raw.rules, Some(&self.suppressions.scope), &Bounds::TREE)
            .map_err(|error| config.error_in_table("rules", &error.to_string()))?;
        self.suppressions.allowlists = Allowlist::compile_all(raw.allowlists, redact, &Bounds::TREE)
            .map_err(|error| config.error_in_table("allowlists", &error.to_string()))?;
        (self.exclude, self.rules) = (raw.exclude, rules);
        Ok(())
    }

    /// Takes in the text of its ignore file; of one that is refused, nothing.
    pub fn obey_ignore(&mut self, text: &str, redact: &dyn Fn(&str) -> String) -> Result<(), BadConfig> {
        self.suppressions.ignore = IgnoreFile::parse(text, &Bounds::TREE).map_err(|error| {
            let problem = redact(&error.problem);
            BadConfig { file: self.top.join(IGNORE), line: Some(error.line), problem }
        })?;
        Ok(())
    }
}

/// Why a file of the tree is not read that is a link, say.
pub const IRREGULAR: &str = "is not a regular file; --no-project-config goes on without it";

/// Why one is not read that has more bytes than [`MAX_PROJECT_FILE`].
pub const TOO_LARGE: &str = "is larger than 4 MiB";

/// The text of such a file.
pub fn project_text(file: &Path, bytes: &[u8]) -> Result<String, BadConfig> {
    let text = unicode(bytes).map(std::borrow::Cow::into_owned);
    text.ok_or_else(|| BadConfig { file: file.to_owned(), line: None, problem: NO_TEXT.to_owned() })
}

/// The text of a file of the tree, if there is one. A link, a pipe or a device is refused: a tree must not
/// make the program read, and quote in an error, a file elsewhere, nor wait for input that never comes.
pub fn read_project_file(file: &Path) -> Result<Option<String>, BadConfig> {
    let bad = |problem: String| BadConfig { file: file.to_owned(), line: None, problem };
    let metadata = match fs::symlink_metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(format!("cannot be read: {error}"))),
    };
    if !metadata.is_file() {
        return Err(bad(IRREGULAR.to_owned()));
    }
    if metadata.len() > MAX_PROJECT_FILE {
        return Err(bad(TOO_LARGE.to_owned()));
    }
    let bytes = fs::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    project_text(file, &bytes).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::schema::USER;
    use super::*;

    fn project(config: &str) -> Result<Project, String> {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(CONFIG), config).expect("a file");
        Project::read(dir.path().to_owned(), Scope::of_directory(None), &str::to_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_three_keys_are_allowed() {
        let good = project("exclude = ['a']\n[[allowlists]]\npaths = ['x']\n").expect("a good file");
        assert_eq!((good.exclude.len(), good.suppressions.allowlists.len()), (1, 1));
        let own = ["rules", "allowlists", "exclude"];
        for (key, _) in USER.keys.iter().filter(|(key, _)| !own.contains(key)) {
            let error = project(&format!("# first\n{key} = 'x'\n")).expect_err("not for a tree");
            assert!(error.contains(&format!(":2: `{key}` cannot be set by a scanned tree")), "{error}");
        }
        assert!(project("[revoke]\nhost = 'x'").is_err_and(|error| error.contains("unknown key `revoke`")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_elsewhere_is_not_followed() {
        let (dir, outside) =
            (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let target = outside.path().join("private");
        fs::write(&target, "password = 'hunter2'").expect("a file");
        for name in [CONFIG, IGNORE] {
            let link = dir.path().join(name);
            std::os::unix::fs::symlink(&target, &link).expect("a link");
            let read = Project::read(dir.path().to_owned(), Scope::default(), &str::to_owned);
            let error = read.expect_err("a link").to_string();
            assert!(error.contains("not a regular file") && !error.contains("hunter2"), "{error}");
            fs::remove_file(link).expect("gone");
        }
    }
}
