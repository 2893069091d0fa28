//! What the configuration of the pre-commit framework has it run (<https://pre-commit.com/#pre-commit-configyaml---hooks>).

use super::invocation;
use crate::cli::args::HookKind;

/// The ids in this project's own `.pre-commit-hooks.yaml`.
const IDS: [&str; 2] = ["stanch", "stanch-system"];

/// Whether one of its hooks looks for tokens at this stage.
///
/// What is pushed is none of that: the framework hands over the files as they are after the last commit, and what earlier
/// commits added and later ones took away is published all the same.
pub(super) fn scans(config: &str, kind: HookKind) -> bool {
    if !matches!(kind, HookKind::Commit | HookKind::Merge) {
        return false;
    }
    let lines =
        config.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let default_stages = values(&words(&lines), "default_stages:");
    items(&lines).iter().any(|item| {
        let words = words(item);
        let is_ours = if item.contains("entry:") {
            invocation::scans(item, HookKind::Commit)
        } else {
            values(&words, "id:").first().is_some_and(|id| IDS.contains(id))
        };
        let own_stages = values(&words, "stages:");
        let stages = if own_stages.is_empty() { &default_stages } else { &own_stages };
        is_ours && (stages.is_empty() || stages.iter().any(|stage| is_stage(stage, kind)))
    })
}

/// Whether that is the stage's name, or the one it had before pre-commit 3.2.
fn is_stage(stage: &str, kind: HookKind) -> bool {
    stage == kind.name() || kind.name().strip_prefix("pre-") == Some(stage)
}

/// The parts of the text that are one hook's each, with the repository's part beside them.
fn items(config: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    for line in config.lines() {
        let first = line.trim_start().strip_prefix("- ").unwrap_or_default().trim_start();
        if first.split_whitespace().next().is_some_and(|key| key.ends_with(':')) {
            items.push(String::new());
        }
        for (number, part) in line.split('{').enumerate() {
            if number > 0 {
                items.push(String::new());
            }
            if let Some(item) = items.last_mut() {
                item.push_str(part);
                item.push('\n');
            }
        }
    }
    items
}

fn words(text: &str) -> Vec<&str> {
    let ends_word = |letter: char| letter.is_whitespace() || "\"'[]{},".contains(letter);
    text.split(ends_word).filter(|word| !word.is_empty() && *word != "-").collect()
}

/// What stands behind a key, up to the next one.
fn values<'a>(words: &[&'a str], key: &str) -> Vec<&'a str> {
    let behind = words.iter().skip_while(|word| **word != key).skip(1);
    behind.take_while(|word| !word.ends_with(':')).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_counts_at_its_stages() {
        use HookKind::{Commit, Merge, Push};
        let plain = "repos:\n- repo: https://example.com/stanch\n  rev: v1\n  hooks:\n  - id: stanch\n";
        let with = |more: &str| format!("{plain}{more}");
        for (text, kind, expected) in [
            (plain.to_owned(), Commit, true),
            (plain.to_owned(), Merge, true),
            (plain.to_owned(), Push, false),
            (with("    stages: [manual]\n"), Commit, false),
            (with("    stages:\n    - manual\n    - pre-commit\n"), Commit, true),
            (with("    stages: [commit]\n"), Commit, true),
            (with("    stages: [pre-push]\n"), Push, false),
            (with("    args: [-q]\n  - id: other\n    stages: [manual]\n"), Commit, true),
            (with("default_stages: [manual]\n"), Commit, false),
            (with("    stages: [pre-commit]\ndefault_stages: [manual]\n"), Commit, true),
            ("repos: [{repo: x, hooks: [{id: stanch-system, stages: [manual]}]}]".to_owned(), Commit, false),
            ("repos: [{repo: x, hooks: [{id: stanch-system}]}]".to_owned(), Commit, true),
            (
                "repos:\n- repo: https://example.com/stanch\n  hooks:\n  - id: other\n".to_owned(),
                Commit,
                false,
            ),
            ("# - id: stanch\n".to_owned(), Commit, false),
            ("  - id: x\n    entry: stanch git --staged\n    language: system\n".to_owned(), Commit, true),
            ("  - id: stanch\n    entry: make lint\n    language: system\n".to_owned(), Commit, false),
        ] {
            assert_eq!(scans(&text, kind), expected, "{text}");
        }
    }
}
