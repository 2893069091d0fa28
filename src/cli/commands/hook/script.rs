//! The hook scripts that git runs: POSIX shell, and no more of it than it takes to find the program.

use anyhow::Context as _;

use crate::cli::args::HookKind;

/// The beginning of the second line of our scripts, by which they are recognized.
const MARKER: &str = "# A hook of stanch:";

/// A hook's script, for one program.
pub(super) struct Script {
    kind: HookKind,
    /// The program's path, quoted for the shell.
    program: String,
}

impl Script {
    /// A script that runs this very program.
    pub(super) fn new(kind: HookKind) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find the path of this program")?;
        let program =
            program.to_str().context("the path of this program is not UTF-8, and a script has to name it")?;
        Ok(Script { kind, program: format!("'{}'", program.replace('\'', r"'\''")) })
    }

    /// The hook of one repository: the hook that was there before, then the scan.
    pub(super) fn local(&self) -> String {
        let uninstall = format!("stanch hook uninstall --type {}", self.kind.name());
        [head(&uninstall), before(self.kind.name()), self.scan()].concat()
    }

    /// The hook of all repositories: the repository's own hook, then the scan.
    pub(super) fn global(&self) -> String {
        let uninstall = format!("stanch hook uninstall --global --type {}", self.kind.name());
        [head(&uninstall), before(self.kind.name()), own(self.kind.name()), self.scan()].concat()
    }

    /// Finds the program and runs it; without it everything is refused.
    fn scan(&self) -> String {
        let (name, program) = (self.kind.name(), &self.program);
        let (refusal, bypass) = match self.kind {
            HookKind::Commit => ("nothing is committed", "git commit --no-verify"),
            HookKind::Merge => ("nothing is merged", "git merge --no-verify"),
            HookKind::Push => ("nothing is pushed", "git push --no-verify"),
            HookKind::Receive => ("nothing is taken", "ask whoever runs this server"),
        };
        format!(
            r#"stanch={program}
[ -x "$stanch" ] || stanch=$(command -v stanch) || {{
    echo "stanch: the program is not to be found, so nobody looked for tokens, and {refusal}." >&2
    echo "Install it, or go on without: {bypass}" >&2
    exit 2
}}
feed "$stanch" hook run --type {name} -- "$@"
"#
        )
    }
}

/// A hook of all repositories that does no more than call the repository's own.
pub(super) fn delegating(name: &str) -> String {
    let mut script = [head("stanch hook uninstall --global"), before(name), own(name)].concat();
    script.push_str("exit 0\n");
    script
}

fn head(uninstall: &str) -> String {
    format!("#!/bin/sh\n{MARKER} `{uninstall}` takes it out again.\n")
}

/// Hooks with lines on standard input (githooks(5)), which each chained hook has to get.
const WITH_STDIN: [&str; 5] =
    ["pre-push", "pre-receive", "post-receive", "post-rewrite", "reference-transaction"];

/// Runs the hook that was there before. A hook that comes back to this one, as some that chain by themselves do, ends.
fn before(name: &str) -> String {
    let feed = if WITH_STDIN.contains(&name) {
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

/// Whether a script is one of ours.
pub(super) fn is_ours(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(MARKER.as_bytes()))
}

/// Whether a hook looks at its own name to know what it is to do, as hook managers do that install one script for all
/// names. Such a hook must not be renamed.
pub(super) fn depends_on_its_name(text: &[u8]) -> bool {
    let has = |part: &str| memchr::memmem::find(text, part.as_bytes()).is_some();
    has("basename") && (has("$0") || has("$PROGRAM_NAME") || has("argv[0]") || has("__file__"))
        || has("${0##")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_scripts_are_recognized() {
        assert!(is_ours(delegating("commit-msg").as_bytes()));
        assert!(!is_ours(b"#!/bin/sh\necho stanch\n"));
        assert!(!is_ours(b""));
    }

    #[test]
    fn hooks_that_depend_on_their_name_are_recognized() {
        assert!(depends_on_its_name(b"#!/bin/sh\nn=$(basename \"$0\")\n"));
        assert!(depends_on_its_name(b"#!/usr/bin/env ruby\nhook = File.basename($0)\n"));
        assert!(!depends_on_its_name(b"#!/bin/sh\ncd \"$(dirname \"$0\")\"\nmake lint\n"));
    }
}
