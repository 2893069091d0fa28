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
const MAX_SIZE: u64 = 4 << 20;

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
    /// Reads the two files of a project, where they are there; they hold for the inputs in `scope`. `redact` takes tokens
    /// out of what an error quotes.
    pub fn read(top: PathBuf, scope: Scope, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let mut project = Project { top, ..Project::default() };
        let file = project.top.join(CONFIG);
        if let Some(text) = read_project_file(&file)? {
            let config = ConfigText { file: &file, text: &text, redact };
            let raw: Raw = config.parse(&PROJECT)?;
            let at_exclude = |problem: &str| config.error_at(text.find("exclude").unwrap_or(0), problem);
            Bounds::TREE
                .check_text(raw.exclude.iter().map(String::as_str), "globs to exclude")
                .map_err(|problem| at_exclude(&problem))?;
            tree::Exclude::new(raw.exclude.iter().map(String::as_str))
                .map_err(|error| at_exclude(&error.to_string()))?;
            project.exclude = raw.exclude;
            project.rules = CustomRule::compile_all(raw.rules, Some(&scope), &Bounds::TREE)
                .map_err(|error| config.error_in_table("rules", &error.to_string()))?;
            project.suppressions.allowlists =
                Allowlist::compile_all(raw.allowlists, redact, &Bounds::TREE)
                    .map_err(|error| config.error_in_table("allowlists", &error.to_string()))?;
        }
        let file = project.top.join(IGNORE);
        if let Some(text) = read_project_file(&file)? {
            project.suppressions.ignore = IgnoreFile::parse(&text, &Bounds::TREE).map_err(|error| {
                let problem = redact(&error.problem);
                BadConfig { file: file.clone(), line: Some(error.line), problem }
            })?;
        }
        project.suppressions.scope = scope;
        Ok(project)
    }
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
        return Err(bad("is not a regular file; --no-project-config goes on without it".to_owned()));
    }
    if metadata.len() > MAX_SIZE {
        return Err(bad(format!("is larger than {MAX_SIZE} bytes")));
    }
    let bytes = fs::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let text = unicode(&bytes).ok_or_else(|| bad(NO_TEXT.to_owned()))?;
    Ok(Some(text.into_owned()))
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
