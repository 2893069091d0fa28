//! The scripts that git runs: POSIX shell, and no more of it than it takes to find the program.

use anyhow::Context as _;

use crate::cli::args::HookKind;

/// The second line of every script of ours: it tells them from everybody else's.
pub(super) const MARK: &str = "# A hook of stanch:";

/// A hook's script, for one program.
pub(super) struct Script {
    kind: HookKind,
    /// The program's path, quoted for the shell.
    program: String,
}

impl Script {
    /// A script that runs this very program.
    pub(super) fn new(kind: HookKind) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let program =
            program.to_str().context("the path of this program is not UTF-8, and a script has to name it")?;
        Ok(Script { kind, program: format!("'{}'", program.replace('\'', r"'\''")) })
    }

    /// The hook of one repository: what was there before, then the look.
    pub(super) fn local(&self) -> String {
        let uninstall = format!("stanch hook uninstall --type {}", self.kind.name());
        [head(&uninstall), before(self.kind.name()), self.look()].concat()
    }

    /// The hook of all repositories: the repository's own first.
    pub(super) fn global(&self) -> String {
        let uninstall = format!("stanch hook uninstall --global --type {}", self.kind.name());
        [head(&uninstall), before(self.kind.name()), own(self.kind.name()), self.look()].concat()
    }

    /// Finds the program and runs it; without it nothing passes.
    fn look(&self) -> String {
        let (name, program) = (self.kind.name(), &self.program);
        let (what, past) = match self.kind {
            HookKind::Commit => ("nothing is committed", "git commit --no-verify"),
            HookKind::Push => ("nothing is pushed", "git push --no-verify"),
            HookKind::Receive => ("nothing is taken", "ask whoever runs this server"),
        };
        format!(
            r#"stanch={program}
[ -x "$stanch" ] || stanch=$(command -v stanch) || {{
    echo "stanch: the program is not to be found, so nobody looked for tokens, and {what}." >&2
    echo "Install it, or go on without: {past}" >&2
    exit 2
}}
feed "$stanch" hook run --type {name} -- "$@"
"#
        )
    }
}

/// A hook of all repositories that does no more than calling the repository's own.
pub(super) fn passing_on(name: &str) -> String {
    let mut script = [head("stanch hook uninstall --global"), before(name), own(name)].concat();
    script.push_str("exit 0\n");
    script
}

fn head(uninstall: &str) -> String {
    format!("#!/bin/sh\n{MARK} `{uninstall}` takes it out again.\n")
}

/// Hooks that are told by lines on standard input, which every reader in turn has to see.
const FED: [&str; 5] = ["pre-push", "pre-receive", "post-receive", "post-rewrite", "reference-transaction"];

/// Runs the hook that was there before. A hook that comes back to this one, as some that chain by themselves do, ends.
fn before(name: &str) -> String {
    let feed = if FED.contains(&name) {
        r#"lines=$(cat)
feed() { { [ -z "$lines" ] || printf '%s\n' "$lines"; } | "$@"; }
"#
    } else {
        "feed() { \"$@\"; }\n"
    };
    format!(
        r#"here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 2
[ "$STANCH_CHAINING" = "$here/{name}" ] && exit 0
{feed}chained=$here/{name}.stanch-chained
if [ -x "$chained" ]; then
    feed env STANCH_CHAINING="$here/{name}" "$chained" "$@" || exit
fi
"#
    )
}

/// Runs the repository's own hook, which git does not look for where `core.hooksPath` is set.
fn own(name: &str) -> String {
    format!(
        r#"own=$(git rev-parse --git-common-dir)/hooks/{name}
if [ -x "$own" ]; then
    feed "$own" "$@" || exit
fi
"#
    )
}

/// Whether a script is one of these.
pub(super) fn is_ours(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(MARK.as_bytes()))
}

/// Whether a hook looks at its own name to know what it is to do, as those do that one program installs for all names.
/// Under another name such a one does something else, or nothing.
pub(super) fn asks_its_name(text: &[u8]) -> bool {
    let has = |words: &str| memchr::memmem::find(text, words.as_bytes()).is_some();
    has("basename") && (has("$0") || has("$PROGRAM_NAME") || has("argv[0]") || has("__file__"))
        || has("${0##")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_told_from_others() {
        assert!(is_ours(passing_on("commit-msg").as_bytes()));
        assert!(!is_ours(b"#!/bin/sh\necho stanch\n"));
        assert!(!is_ours(b""));
    }

    #[test]
    fn hooks_that_ask_for_their_name_are_known() {
        assert!(asks_its_name(b"#!/bin/sh\nn=$(basename \"$0\")\n"));
        assert!(asks_its_name(b"#!/usr/bin/env ruby\nhook = File.basename($0)\n"));
        assert!(!asks_its_name(b"#!/bin/sh\ncd \"$(dirname \"$0\")\"\nmake lint\n"));
    }
}
