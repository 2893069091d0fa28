//! The message of a hook: what was found or could not be read, where, and what to do.

use crate::blob::{Fault, LocationKind};
use crate::cli::args::HookKind;
use crate::cli::console::count;
use crate::cli::fault_path::is_in_tree;
use crate::finding::{Finding, Location};
use crate::suppress::{glob_of, hash_line};
use crate::text::{printable, without_redacted_parts};

/// How many locations are listed.
const MAX_LISTED: usize = 10;

/// What a hook found.
pub(super) struct Message<'a> {
    pub(super) kind: HookKind,
    pub(super) found: Vec<&'a Finding>,
    pub(super) faults: &'a [Fault],
}

impl Message<'_> {
    /// The lines; none where nothing is wrong.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.found.is_empty() {
            let tokens = count(self.found.len() as u64, "token");
            lines.push(match self.kind {
                HookKind::Commit => format!("stanch: nothing is committed, because {tokens} would be"),
                HookKind::Merge => format!("stanch: nothing is merged, because {tokens} would be added"),
                HookKind::Push => {
                    format!("stanch: nothing is pushed, because {tokens} would be published")
                }
                HookKind::Receive => format!("stanch: nothing is taken, because it holds {tokens}"),
            });
            list(&mut lines, self.locations().collect());
            lines.extend(self.what_to_do());
        }
        if !self.faults.is_empty() {
            let places = count(self.faults.len() as u64, "place");
            let done = match self.kind {
                HookKind::Commit => "committed",
                HookKind::Merge => "merged",
                HookKind::Push => "pushed",
                HookKind::Receive => "taken",
            };
            lines.push(format!(
                "stanch: nothing is {done}, because {places} could not be read, and a token may be there"
            ));
            list(&mut lines, self.faults.iter().map(|fault| self.fault_line(fault)).collect());
            lines.extend(self.what_to_do_about_faults());
        }
        if !lines.is_empty() {
            lines.extend(self.way_past().map(str::to_owned));
        }
        lines
    }

    fn locations(&self) -> impl Iterator<Item = String> {
        self.found.iter().flat_map(|finding| {
            let live = finding.locations.iter().filter(|location| location.details().suppressed.is_none());
            live.map(|location| self.line(finding, location))
        })
    }

    /// Where a token is, and which, with the line that allows it in `.stanchignore`. A server shows no part of it to those
    /// who push, and has no such file.
    fn line(&self, finding: &Finding, location: &Location) -> String {
        let what = match location.kind {
            LocationKind::Content | LocationKind::Note => format!(":{}:{}", location.line, location.column),
            LocationKind::FileName => " (in the name)".to_owned(),
            LocationKind::SymlinkTarget => " (in the link's target)".to_owned(),
            LocationKind::CommitMessage => " (in the message)".to_owned(),
            LocationKind::TagMessage => " (in the tag's message)".to_owned(),
            LocationKind::CommitAuthor => " (in the author's name)".to_owned(),
            LocationKind::RefName => " (in the ref's name)".to_owned(),
        };
        let commit =
            location.details().commit.as_deref().map(|id| format!("commit {}  ", id.get(..12).unwrap_or(id)));
        let token = if self.kind == HookKind::Receive {
            String::new()
        } else {
            let hash = hash_line(&finding.token.fingerprint());
            format!("  {}  {hash}", printable(&finding.token.redacted()))
        };
        let (commit, path) = (commit.unwrap_or_default(), printable(&self.safe(&location.path)));
        format!("  {commit}{path}{what}  {}{token}", printable(&finding.rule))
    }

    fn fault_line(&self, fault: &Fault) -> String {
        format!("  {}: {}", printable(&self.safe(&fault.path)), printable(&self.safe(&fault.reason)))
    }

    /// The text, without what is left of redacted tokens where no part of them may be shown.
    fn safe(&self, text: &str) -> String {
        if self.kind != HookKind::Receive {
            return text.to_owned();
        }
        without_redacted_parts(text)
    }

    /// What to do about tokens, for the moment that they are found in.
    fn what_to_do(&self) -> Vec<String> {
        let rewrite = "A later commit does not take it out: rewrite the commits above (git rebase -i), then push again.";
        let meant = || {
            format!(
                "If it is meant to be there: {}, which puts its hash into .stanchignore; or a comment on its line \
                 (stanch:allow).",
                self.allow()
            )
        };
        match self.kind {
            HookKind::Commit | HookKind::Merge => vec![
                "Take it out of the file and stage that again (git add); keep tokens in the environment or a secret store."
                    .to_owned(),
                meant(),
            ],
            HookKind::Push => vec![
                format!("{rewrite} What was pushed anywhere before is leaked: revoke it (stanch revoke)."),
                meant(),
            ],
            HookKind::Receive => vec![
                rewrite.to_owned(),
                "Treat it as known to others: replace it where it is used, and revoke it.".to_owned(),
            ],
        }
    }

    /// The command that allows what was found.
    fn allow(&self) -> String {
        let hashes =
            self.found.iter().take(MAX_LISTED).map(|finding| hash_line(&finding.token.fingerprint()));
        let hashes: Vec<String> = hashes.map(|hash| hash.trim_start_matches("sha256:").to_owned()).collect();
        format!("stanch allow {}", hashes.join(" "))
    }

    fn what_to_do_about_faults(&self) -> Vec<String> {
        if self.kind == HookKind::Receive {
            return Vec::new();
        }
        let files = self.faults.iter().filter(|fault| is_in_tree(&fault.path)).take(MAX_LISTED);
        let globs: Vec<String> = files.map(|fault| printable(&glob_of(&fault.path))).collect();
        if globs.is_empty() {
            return vec!["To see what is damaged: git fsck".to_owned()];
        }
        let lines = globs.into_iter().map(|glob| format!("  {glob}"));
        std::iter::once("Mend it, or leave it out by its line in .stanchignore:".to_owned())
            .chain(lines)
            .collect()
    }

    fn way_past(&self) -> Option<&'static str> {
        match self.kind {
            HookKind::Commit => Some("To commit as it is: git commit --no-verify"),
            HookKind::Merge => Some("To merge as it is: git merge --no-verify"),
            HookKind::Push => Some("To push as it is: git push --no-verify"),
            HookKind::Receive => None,
        }
    }
}

fn list(lines: &mut Vec<String>, all: Vec<String>) {
    let more = all.len().saturating_sub(MAX_LISTED);
    lines.extend(all.into_iter().take(MAX_LISTED));
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
}
