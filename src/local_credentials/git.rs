//! Git's configuration as git itself would read it, without running it: the system's, the user's, and that of the
//! repositories around, with what they include and the helpers they name.
//!
//! Conditions of `includeIf` are taken to hold: what such a file keeps is this user's whether it applies here or not
//! (actions/checkout keeps its credential so).

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::gitconfig::{self, Entry};
use super::repository;
use super::script;
use super::search::Search;

/// As deep as git itself follows includes: `MAX_INCLUDE_DEPTH` in git's config.c.
const MAX_DEPTH: usize = 10;

/// Reads every file of git's configuration (git-config(1), "FILES"), and the files and programs it names.
pub(super) fn read(environment: &Environment, search: &mut Search) {
    let mut reader = ConfigReader { environment, search };
    for path in system_files(environment).into_iter().chain(user_files(environment)) {
        reader.file(&path, 0);
    }
    reader.variables();
    for path in repository::config_files(environment) {
        reader.file(&path, 0);
    }
    // git(1), "ENVIRONMENT VARIABLES"; ssh(1), likewise
    for program in ["GIT_ASKPASS", "SSH_ASKPASS"] {
        if let Some(program) = environment.var(program) {
            reader.askpass(&program.to_string_lossy());
        }
    }
}

/// Reads the files of a user who is not the one that runs the program.
pub(super) fn read_of_user(environment: &Environment, search: &mut Search) {
    let mut reader = ConfigReader { environment, search };
    for path in user_files(environment) {
        reader.file(&path, 0);
    }
}

fn system_files(environment: &Environment) -> Vec<PathBuf> {
    let off = environment.var("GIT_CONFIG_NOSYSTEM").is_some_and(|value| !is_false(&value.to_string_lossy()));
    match environment.path("GIT_CONFIG_SYSTEM") {
        _ if off => Vec::new(),
        Some(path) => vec![path],
        None => ["/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig"]
            .map(PathBuf::from)
            .into(),
    }
}

/// A variable hides the usual files from git. They are this user's all the same.
fn user_files(environment: &Environment) -> Vec<PathBuf> {
    let named = environment.path("GIT_CONFIG_GLOBAL");
    let usual = environment.config_home().map(|home| home.join("git/config"));
    [named, usual, environment.at_home(".config/git/config"), environment.at_home(".gitconfig")]
        .into_iter()
        .flatten()
        .collect()
}

fn is_false(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
}

/// Reads configuration files that include each other.
struct ConfigReader<'a> {
    environment: &'a Environment,
    search: &'a mut Search,
}

impl ConfigReader<'_> {
    fn file(&mut self, path: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let Some(text) = self.search.read(path) else { return };
        let location = path.display().to_string();
        let Some(entries) = gitconfig::parse(&text) else {
            // Git stops at such a file. What it holds is the user's still.
            self.search.add_from(&text, &location);
            return;
        };
        for entry in &entries {
            self.search.add_from(&entry.subsection, &location);
            self.search.add_from(&entry.value, &location);
            self.follow(entry, path.parent(), depth);
        }
    }

    /// `GIT_CONFIG_KEY_n` and `GIT_CONFIG_VALUE_n`, and `GIT_CONFIG_PARAMETERS`, which `git -c` hands on: their tokens
    /// were found with the rest of the environment, but not the files they may name.
    fn variables(&mut self) {
        let text =
            |name: String| self.environment.var(&name).map(|value| value.to_string_lossy().into_owned());
        let count =
            text("GIT_CONFIG_COUNT".to_owned()).and_then(|count| count.parse().ok()).unwrap_or(0_usize);
        // No more than there are variables, whatever the count claims.
        let mut entries: Vec<Entry> = (0..count.min(self.environment.env.len()))
            .filter_map(|at| {
                entry_of(&text(format!("GIT_CONFIG_KEY_{at}"))?, text(format!("GIT_CONFIG_VALUE_{at}"))?)
            })
            .collect();
        entries.extend(parameters(&text("GIT_CONFIG_PARAMETERS".to_owned()).unwrap_or_default()));
        for entry in &entries {
            self.follow(entry, None, 0);
        }
    }

    /// Reads the files an entry names: another configuration, a credential store, a program that hands out credentials.
    fn follow(&mut self, entry: &Entry, directory: Option<&Path>, depth: usize) {
        let value = String::from_utf8_lossy(&entry.value);
        match (entry.section.as_str(), entry.key.as_str()) {
            ("include" | "includeif", "path") => {
                if let Some(path) = self.expanded(&value, directory) {
                    self.file(&path, depth + 1);
                }
            }
            ("credential", "helper") => self.helper(&value),
            ("core", "askpass") => self.askpass(&value),
            _ => {}
        }
    }

    /// A helper is a shell's line behind `!`, an absolute path with arguments, or the end of the name of a program
    /// (gitcredentials(7), "CUSTOM HELPERS").
    fn helper(&mut self, helper: &str) {
        if let Some(path) = store_of(helper).and_then(|path| self.expanded(path, None)) {
            self.search.add_from_file(&path);
        }
        let name = helper.split_whitespace().next().unwrap_or_default();
        if !helper.starts_with('!')
            && !name.contains('/')
            && let Some(program) = self.environment.program(&format!("git-credential-{name}"))
        {
            script::read(&program, self.environment, self.search);
        }
        script::read_named(helper.trim_start_matches('!'), self.environment, self.search);
    }

    /// A program that asks for passwords is named by its path, or found as a shell finds it.
    fn askpass(&mut self, program: &str) {
        if let Some(program) = self.environment.program(program) {
            script::read(&program, self.environment, self.search);
        }
    }

    /// `~/x` is below the home, and what is not absolute is next to the file that names it (git-config(1), "Includes").
    fn expanded(&self, path: &str, directory: Option<&Path>) -> Option<PathBuf> {
        if path.is_empty() {
            return None;
        }
        if let Some(rest) = path.strip_prefix("~/") {
            return self.environment.at_home(rest);
        }
        let path = Path::new(path);
        if path.is_absolute() {
            Some(path.to_owned())
        } else {
            directory.map(|directory| directory.join(path))
        }
    }
}

/// `section.sub.section.key` and its value.
fn entry_of(name: &str, value: String) -> Option<Entry> {
    let (section, rest) = name.split_once('.')?;
    let (subsection, key) = rest.rsplit_once('.').unwrap_or(("", rest));
    Some(Entry {
        section: section.to_ascii_lowercase(),
        subsection: subsection.as_bytes().to_vec().into(),
        key: key.to_ascii_lowercase(),
        value: value.into_bytes().into(),
    })
}

/// The entries of `'key=value' 'key'='value'` (`git_config_from_parameters` in git's
/// config.c reads both).
fn parameters(text: &str) -> impl Iterator<Item = Entry> {
    let words = text.split("' '").map(|word| word.replace('\'', ""));
    words.filter_map(|word| word.split_once('=').and_then(|(name, value)| entry_of(name, value.to_owned())))
}

/// The file of `store --file=PATH` or `store --file PATH`.
fn store_of(helper: &str) -> Option<&str> {
    let rest = helper.strip_prefix('!').unwrap_or(helper).trim_start();
    let rest = rest.strip_prefix("git credential-").or(rest.strip_prefix("git-credential-")).unwrap_or(rest);
    let (_, path) = rest.strip_prefix("store")?.split_once("--file")?;
    Some(path.trim_start_matches(['=', ' ']).trim_end().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_may_name_its_store() {
        for helper in [
            "store --file=/a/b",
            "store --file /a/b",
            "git-credential-store --file=\"/a/b\"",
            "!git credential-store --file '/a/b'",
        ] {
            assert_eq!(store_of(helper), Some("/a/b"), "{helper}");
        }
        for helper in ["store", "cache --timeout=60", "", "osxkeychain", "/usr/bin/store --file=x"] {
            assert_eq!(store_of(helper), None, "{helper}");
        }
    }

    #[test]
    fn parameters_are_read_in_both_their_forms() {
        let shown = |entry: Entry| format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
        let read = |text: &str| parameters(text).map(shown).collect::<Vec<_>>();
        assert_eq!(read("'include.path=/a b' 'core.askPass'='/c'"), ["path /a b", "askpass /c"]);
        assert_eq!(read(""), [] as [&str; 0]);
    }

    #[test]
    fn a_key_is_split_at_its_first_and_last_dot() {
        let entry = entry_of("includeIf.gitdir:/a.b/.PATH", "x".to_owned()).unwrap();
        assert_eq!((entry.section.as_str(), entry.key.as_str()), ("includeif", "path"));
        assert_eq!(entry.subsection.as_slice(), b"gitdir:/a.b/");
        assert_eq!(entry_of("core.bare", String::new()).unwrap().key, "bare");
        assert!(entry_of("core", String::new()).is_none());
    }
}
