//! The message of a hook: what was found, where, and what to do.

use crate::blob::{Fault, LocationKind};
use crate::cli::args::HookKind;
use crate::cli::console::count;
use crate::finding::{Finding, Location};
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
                HookKind::Push => {
                    format!("stanch: nothing is pushed, because {tokens} would be published")
                }
                HookKind::Receive => format!("stanch: nothing is taken, because it holds {tokens}"),
            });
            let locations: Vec<String> = self.locations().collect();
            lines.extend(locations.iter().take(MAX_LISTED).cloned());
            if locations.len() > MAX_LISTED {
                lines.push(format!("  … and {} more", locations.len() - MAX_LISTED));
            }
        }
        for fault in self.faults.iter().take(MAX_LISTED) {
            let (path, reason) = (printable(&self.safe(&fault.path)), printable(&self.safe(&fault.reason)));
            lines.push(format!("stanch: {path} could not be looked through: {reason}"));
        }
        if self.faults.len() > MAX_LISTED {
            lines.push(format!("  … and {} more", self.faults.len() - MAX_LISTED));
        }
        if !lines.is_empty() {
            lines.extend(self.advice().into_iter().map(str::to_owned));
        }
        lines
    }

    fn locations(&self) -> impl Iterator<Item = String> {
        self.found.iter().flat_map(|finding| {
            let live = finding.locations.iter().filter(|location| location.details().suppressed.is_none());
            live.map(|location| self.line(finding, location))
        })
    }

    /// Where a token is, and which. A server shows no part of it to those who push.
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
        let token = match self.kind {
            HookKind::Receive => String::new(),
            _ => format!("  {}", printable(&finding.token.redacted())),
        };
        let (commit, path) = (commit.unwrap_or_default(), printable(&self.safe(&location.path)));
        format!("  {commit}{path}{what}  {}{token}", printable(&finding.rule))
    }

    /// The text, without what is left of redacted tokens where no part of them may be shown.
    fn safe(&self, text: &str) -> String {
        if self.kind != HookKind::Receive {
            return text.to_owned();
        }
        without_redacted_parts(text)
    }

    fn advice(&self) -> [&'static str; 2] {
        match self.kind {
            HookKind::Commit => [
                "Take it out of the file and stage that again (git add); keep tokens in the environment or a secret store.",
                "If it is none, say so in a comment on its line (stanch:allow). To commit as it is: git commit --no-verify",
            ],
            HookKind::Push => [
                "A later commit does not take it out: rewrite the commits above (git rebase -i), then push again.",
                "If it is none, say so in a comment on its line (stanch:allow). To push as it is: git push --no-verify",
            ],
            HookKind::Receive => [
                "A later commit does not take it out: rewrite the commits above (git rebase -i), then push again.",
                "Treat it as known to others: replace it where it is used, and revoke it.",
            ],
        }
    }
}
