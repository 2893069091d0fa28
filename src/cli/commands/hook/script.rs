//! The hook scripts that git runs: POSIX shell, and no more of it than it takes to find the program. Each process that they
//! start is time that every commit takes, so they start none but the hooks.

use anyhow::Context as _;

use super::program::Program;
use crate::cli::args::HookKind;

/// The beginning of the second line of our scripts, by which they are recognized.
const MARKER: &str = "# A hook of stanch:";

/// A hook's script, for one program.
pub(super) struct Script {
    kind: HookKind,
    /// The program's paths, quoted for the shell.
    program: String,
}

impl Script {
    /// A script that runs this very program.
    pub(super) fn new(kind: HookKind, program: &Program) -> anyhow::Result<Self> {
        let paths = program.paths.iter().map(|path| {
            let path = path
                .to_str()
                .context("the path of this program is not UTF-8, and a script has to name it")?;
            Ok(format!("'{}'", path.replace('\'', r"'\''")))
        });
        let program = paths.collect::<anyhow::Result<Vec<_>>>()?.join(" ");
        Ok(Script { kind, program })
    }

    /// The hook of one repository: the hook that was there before, then the scan.
    pub(super) fn local(&self) -> String {
        let uninstall = format!("stanch hook uninstall --type {}", self.kind.name());
        [&head(&uninstall), &self.name(), FEED, CHAINED, &self.scan()].concat()
    }

    /// The hook of all repositories: the repository's own hook, then the scan.
    pub(super) fn global(&self) -> String {
        let uninstall = format!("stanch hook uninstall --global --type {}", self.kind.name());
        [&head(&uninstall), &self.name(), FEED, CHAINED, &own(), STANCHS_OWN, &self.scan()].concat()
    }

    fn name(&self) -> String {
        format!("name={}\n", self.kind.name())
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
            r#"for stanch in {program}; do
    [ -x "$stanch" ] && break
done
[ -x "$stanch" ] || stanch=$(command -v stanch) || {{
    echo "stanch: the program is not to be found, so nobody looked for tokens, and {refusal}." >&2
    echo "Install it, or go on without: {bypass}" >&2
    exit 2
}}
[ -n "$fed" ] || exec "$stanch" hook run --type {name} -- "$@"
feed "$stanch" hook run --type {name} -- "$@"
"#
        )
    }
}

/// A hook of all repositories that does no more than call the repository's own of its name.
pub(super) fn delegating() -> String {
    [&head("stanch hook uninstall --global"), "name=${0##*/}\n", FEED, CHAINED, &own(), "exit 0\n"].concat()
}

/// The file in a directory of global hooks that those in [`ON_DEMAND`] are copies of.
pub(super) const DELEGATE: &str = "delegate";

/// Hooks that git looks for in every commit. A script for each would cost each commit as much as the scan does: those that a
/// repository has are found by the hooks that run before them, and get their script then.
pub(super) const ON_DEMAND: [&str; 5] =
    ["prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction", "post-index-change"];

fn head(uninstall: &str) -> String {
    format!("#!/bin/sh\n{MARKER} `{uninstall}` takes it out again.\n")
}

/// Runs a hook. Some have lines on standard input (githooks(5)), and each that is chained has to get them.
const FEED: &str = r#"fed=
feed() {
    case $name in
    pre-push | pre-receive | post-receive | post-rewrite | reference-transaction) ;;
    *)
        "$@"
        return
        ;;
    esac
    [ -n "$fed" ] || lines=$(cat)
    fed=yes
    { [ -z "$lines" ] || printf '%s\n' "$lines"; } | "$@"
}
"#;

/// Runs the hook that was there before, unless this script was itself put aside by a hook manager, which runs both then. A
/// hook that comes back to this one, as some that chain by themselves do, ends.
const CHAINED: &str = r#"chained=${0%/*}/$name.stanch-chained
if [ "${0##*/}" = "$name" ] && [ -x "$chained" ]; then
    here=$(CDPATH= cd -- "${0%/*}" && pwd) || exit 2
    [ "$STANCH_CHAINING" = "$here/$name" ] && exit 0
    feed env STANCH_CHAINING="$here/$name" "$chained" "$@" || exit
fi
"#;

/// Runs the repository's own hook, which git does not look for where `core.hooksPath` is set. Where the repository is, git
/// says in the environment, but for the plainest case (gitrepository-layout(5)).
fn own() -> String {
    format!(
        r#"git=${{GIT_DIR:-.git}}
if [ -f "$git" ]; then
    IFS= read -r git <"$git" || :
    git=${{git#gitdir: }}
fi
common=${{GIT_COMMON_DIR:-$git}}
if [ -z "$GIT_COMMON_DIR" ] && [ -f "$git/commondir" ]; then
    IFS= read -r common <"$git/commondir" || :
    case $common in
    /* | ?:*) ;;
    *) common=$git/$common ;;
    esac
fi
for other in {on_demand}; do
    if [ -x "$common/hooks/$other" ] && ! [ -e "${{0%/*}}/$other" ]; then
        ln "${{0%/*}}/{DELEGATE}" "${{0%/*}}/$other" 2>/dev/null || cp "${{0%/*}}/{DELEGATE}" "${{0%/*}}/$other" ||
            echo "stanch: this repository's own $other is not run, because ${{0%/*}} cannot be written to" >&2
    fi
done
own=$common/hooks/$name
if [ -x "$own" ]; then
    here=$(CDPATH= cd -- "$common" && pwd) || exit 2
    [ "$STANCH_CHAINING" = "$here/$name" ] && exit 0
    feed env STANCH_CHAINING="$here/$name" "$own" "$@" || exit
fi
"#,
        on_demand = ON_DEMAND.join(" ")
    )
}

/// Where the repository's own hook is one of ours, it has looked for tokens already.
const STANCHS_OWN: &str = r##"if [ -x "$own" ]; then
    { IFS= read -r line && IFS= read -r line; } <"$own" || :
    case $line in "# A hook of stanch:"*) exit 0 ;; esac
fi
"##;

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
        assert!(is_ours(delegating().as_bytes()));
        assert!(STANCHS_OWN.contains(MARKER));
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
