//! Programs that hand git a credential: a script with the token in it, or with the name of the file that holds it.
//! Nothing is run.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::search::Search;

/// A script that is longer is a program, and holds no token of its user's.
const LONGEST_SCRIPT: u64 = 1024 * 1024;

/// How many files are looked into that a script names.
const MOST_FILES: usize = 64;

/// How deep scripts are followed that name scripts.
const MAX_DEPTH: usize = 2;

/// Looks into a program, and into the files it names.
pub(super) fn read(path: &Path, environment: &Environment, search: &mut Search) {
    read_at(path, environment, search, 0);
}

/// Looks into the files that a command line names.
pub(super) fn read_named(command: &str, environment: &Environment, search: &mut Search) {
    read_words(command, environment, search, 0);
}

fn read_at(path: &Path, environment: &Environment, search: &mut Search, depth: usize) {
    let is_script = path.metadata().is_ok_and(|found| found.is_file() && found.len() <= LONGEST_SCRIPT);
    // The kernel's files may wait for ever.
    let of_kernel = ["/dev", "/proc", "/sys"].iter().any(|directory| path.starts_with(directory));
    if !is_script || of_kernel {
        return;
    }
    let Some(text) = search.read_system_file(path) else { return };
    search.add_from(&text, &path.display().to_string());
    if depth < MAX_DEPTH && !text.contains(&0) {
        read_words(&String::from_utf8_lossy(&text), environment, search, depth + 1);
    }
}

fn read_words(text: &str, environment: &Environment, search: &mut Search, depth: usize) {
    for path in paths(text, environment).take(MOST_FILES) {
        read_at(&path, environment, search, depth);
    }
}

/// The paths of a command line or a script, as a shell may take them apart.
fn paths(text: &str, environment: &Environment) -> impl Iterator<Item = PathBuf> {
    let separates = |c: char| c.is_whitespace() || "\"'`;|&()<>=,".contains(c);
    let words = text.split(separates).filter(|word| word.contains('/') && !word.starts_with("//"));
    words.filter_map(|word| environment.expanded(word.trim_end_matches(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_as_a_shell_writes_them() {
        let environment = Environment { home: Some("/home/mona".into()), ..Environment::default() };
        let named = |text: &str| paths(text, &environment).collect::<Vec<_>>();
        let token = [PathBuf::from("/home/mona/.token")];
        for text in [
            "cat ~/.token",
            "cat \"$HOME/.token\"",
            "echo password=$(cat ${HOME}/.token)",
            "f() { cat </home/mona/.token; }",
            "--file=~/.token",
            "echo `cat /home/mona/.token`",
        ] {
            assert_eq!(named(text), token, "{text}");
        }
        assert_eq!(named("https://github.com/ // a/b"), [] as [PathBuf; 0]);
    }
}
