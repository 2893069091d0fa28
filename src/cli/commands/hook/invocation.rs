//! Whether a text has a command that looks for tokens: a script, or the configuration of a hook manager.

use crate::cli::args::HookKind;

/// Whether a command in the text does what a hook of this kind is to do. The name of this program alone, and a comment, is no
/// command.
pub(super) fn scans(text: &str, kind: HookKind) -> bool {
    let text = text.replace("\\\n", " ");
    text.lines().flat_map(|line| commands(without_comment(line))).any(|command| is_scan(&command, kind))
}

/// The line without a comment, which begins at a `#` that no word is in front of, in shells as in YAML and TOML.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices('#').map(|(at, _)| at);
    let mut comments = starts.filter(|at| line[..*at].chars().next_back().is_none_or(char::is_whitespace));
    comments.next().map_or(line, |at| &line[..at])
}

/// The words of each command in a line.
fn commands(line: &str) -> Vec<Vec<&str>> {
    let ends_word = |letter: char| letter.is_whitespace() || "\"'`[]{}(),".contains(letter);
    let mut commands = Vec::new();
    for command in line.split([';', '&', '|']) {
        commands.push(command.split(ends_word).filter(|word| !word.is_empty()).collect());
    }
    commands
}

fn is_scan(words: &[&str], kind: HookKind) -> bool {
    let Some(program) = words.iter().position(|word| is_program(word)) else { return false };
    let (before, arguments) = (&words[..program], &words[program + 1..]);
    if before.iter().any(|word| matches!(*word, "echo" | "printf" | ":")) {
        return false;
    }
    let named = kind.name();
    match arguments {
        ["hook", "run", rest @ ..] => {
            rest.windows(2).any(|pair| pair == ["--type", named])
                || rest.iter().any(|word| word.strip_prefix("--type=") == Some(named))
        }
        ["hook", "files", ..] => kind == HookKind::Commit,
        ["git", rest @ ..] => kind == HookKind::Commit && rest.contains(&"--staged"),
        _ => false,
    }
}

/// Whether it is this program's name, its path, or a variable called so.
fn is_program(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    matches!(name.trim_start_matches('$'), "stanch" | "stanch.exe" | "STANCH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_and_a_word_is_none() {
        use HookKind::{Commit, Merge, Push};
        for (text, kind, expected) in [
            ("stanch hook run --type pre-commit -- \"$@\"", Commit, true),
            ("exec \"$stanch\" hook run --type=pre-push \"$@\"", Push, true),
            ("if ! ./bin/stanch hook run \\\n  --type pre-push; then exit 1; fi", Push, true),
            ("stanch hook run --type pre-commit", Push, false),
            ("stanch hook run --type pre-push", Commit, false),
            ("stanch git --staged || exit 1", Commit, true),
            ("make && stanch hook files \"$@\"", Commit, true),
            ("stanch git --staged", Push, false),
            ("stanch git --staged", Merge, false),
            ("stanch hook run --type pre-merge-commit", Merge, true),
            ("run: 'stanch git --staged' # fast", Commit, true),
            ("# stanch git --staged", Commit, false),
            ("true # stanch git --staged", Commit, false),
            ("echo stanch git --staged", Commit, false),
            ("echo hello && stanch git --staged", Commit, true),
            ("stanch --version", Commit, false),
            ("cd stanch; git diff --staged", Commit, false),
            ("stanch status; git diff --staged", Commit, false),
            ("not-stanch git --staged", Commit, false),
            ("stanch", Commit, false),
        ] {
            assert_eq!(scans(text, kind), expected, "{text}");
        }
    }
}
